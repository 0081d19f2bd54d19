# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.gates.ansible_lint``: ansible-lint, with the collections that the lab's playbooks call."""

from __future__ import annotations

import subprocess
import sys

from tests.gates.interpreters import REPOSITORY
from tests.lab import LabError
from tests.lab.collections import collections
from tests.parts.part import PROGRAMS


def main() -> int:
    try:
        collections()
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    command = [PROGRAMS / "ansible-lint", "--offline", "--profile", "production"]
    return subprocess.run(command, cwd=REPOSITORY, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
