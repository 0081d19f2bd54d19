# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import struct

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError, Refused
from ansible_collections.analytics.ops.plugins.module_utils._judge.pg_control import (
    LENGTH,
    STATES,
    Control,
    control_of,
    plan_fence,
    read_control,
    require_cluster,
)


def content(version: int = 1800, state: int = 1) -> bytes:
    return struct.pack("=QIIi4xqQQI", 7519342198765432101, version, 202505281, state, 1767225600, 5000, 4900, 3)


@pytest.mark.parametrize("version", [1200, 1300, 1800, 1999])
def test_what_the_file_says(version: int) -> None:
    assert len(content()) <= LENGTH
    read = read_control(content(version) + b"more", "file")
    assert read == Control("7519342198765432101", "shut down", 5000, 3)
    assert control_of(read.as_dict()) == read


@pytest.mark.parametrize(("state", "clean"), [(number, number == 1) for number in range(len(STATES))])
def test_only_one_end_is_clean(state: int, clean: bool) -> None:
    assert read_control(content(state=state), "file").ended_cleanly is clean


@pytest.mark.parametrize(
    "wrong", [b"", content()[:-1], content(1199), content(2000), content(state=-1), content(state=7)]
)
def test_what_is_none(wrong: bytes) -> None:
    with pytest.raises(InputError, match=r"^/data/global/pg_control is no control file"):
        read_control(wrong, "/data/global/pg_control")


@pytest.mark.parametrize(
    "given", [{"state": "x"}, {"system_identifier": "1", "state": "x", "checkpoint": "y", "timeline": 1}]
)
def test_what_is_no_result_of_the_module(given: dict) -> None:
    with pytest.raises(InputError, match="no result of pg_fence"):
        control_of(given)


def test_what_is_fenced_stays_so() -> None:
    assert plan_fence("/data", True) == []
    (step,) = plan_fence("/data", False)
    assert (step.action, step.subject) == ("fence", "/data")


def test_the_directory_of_another_cluster_is_refused() -> None:
    control = read_control(content(), "file")
    require_cluster(control, "", "/data")
    require_cluster(control, control.system_identifier, "/data")
    with pytest.raises(Refused, match=r"^/data is of another cluster"):
        require_cluster(control, "1", "/data")
