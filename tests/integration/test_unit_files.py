# SPDX-License-Identifier: GPL-3.0-or-later
"""What a unit file names is looked at as whoever looks may; the lab has the faults that root sees."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from demo.embedded.process import unprivileged_prefix
from tests.support.modules import COLLECTIONS

LOOK = """
import json, sys
sys.path.insert(0, sys.argv[1])
from ansible_collections.analytics.ops.plugins.module_utils._observe.unit_files import wrong_places
found = wrong_places(json.loads(sys.argv[2]), int(sys.argv[3]))
print(json.dumps([[place.what, place.path, place.problem] for place in found]))
"""


def looked(properties: dict[str, str], exit_code: int) -> list[list[str]]:
    command = [*unprivileged_prefix(), sys.executable, "-c", LOOK, str(COLLECTIONS), json.dumps(properties)]
    done = subprocess.run([*command, str(exit_code)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("properties", "exit_code"),
    [
        ({"WorkingDirectory": "{0}/inside"}, 200),
        ({"ExecStart": "{{ path={0}/inside/program ; argv[]=x }}"}, 203),
        ({"EnvironmentFiles": "{0}/inside/service.env (ignore_errors=no)"}, 1),
    ],
)
def test_where_one_may_not_look_nothing_is_claimed(tmp_path: Path, properties: dict[str, str], exit_code: int) -> None:
    closed = tmp_path / "closed"
    (closed / "inside").mkdir(parents=True)
    closed.chmod(0)
    try:
        assert looked({name: text.format(closed) for name, text in properties.items()}, exit_code) == []
    finally:
        closed.chmod(0o700)


def test_what_is_not_there_is_told() -> None:
    assert looked({"WorkingDirectory": "/no/such/place"}, 200) == [["working directory", "/no/such/place", "absent"]]
    program = {"ExecStart": "{ path=/no/such/program ; argv[]=x }"}
    assert looked(program, 203) == [["program", "/no/such/program", "absent"]]
    assert looked({"WorkingDirectory": "/etc/hostname"}, 200) == [
        ["working directory", "/etc/hostname", "no directory"]
    ]
