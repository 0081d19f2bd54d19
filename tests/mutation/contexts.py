# SPDX-License-Identifier: GPL-3.0-or-later
"""A pytest plugin: what coverage sees belongs to the test that is running, its fixtures included."""

from __future__ import annotations

from collections.abc import Iterator

import coverage
import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """The cases of one test share a name; between tests, and during imports, the name is empty."""
    measured = coverage.Coverage.current()
    if measured is None:
        raise RuntimeError("This plugin is for `coverage run -m pytest`.")
    measured.switch_context(item.nodeid.partition("[")[0])
    result = yield
    measured.switch_context("")
    return result
