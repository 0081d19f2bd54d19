# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.gates.sanity 2.19|2.21|3.9|…|3.13 …``: ``ansible-test sanity`` without an ignore file.

Everything with the oldest and the newest ansible-core that we support; with the version of a Python: what runs on
managed hosts compiles and imports there. Several are run at once: one alone leaves a second core idle.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.gates.interpreters import REPOSITORY, GateError, environment, first_interpreter, interpreter
from tests.support import collection_tree

# ansible-core 2.19 runs on Python 3.11 to 3.13, 2.21 on 3.12 and newer.
CORES = {"2.19": ("3.11", "3.12", "3.13"), "2.21": ("3.13", "3.12")}
NEWEST = "2.21"
MODULE_PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13")
HOME = REPOSITORY / ".cache" / "gates" / "home"

# ansible-test downloads this script, at a version of its own choice, from a host that not every machine reaches. What
# is in it, every Python has.
GET_PIP = """\
import ensurepip, os, runpy, sys
ensurepip.bootstrap(default_pip=True)
os.environ.pop("PIP_CONFIG_FILE", None)  # ensurepip switched the site's settings (certificate, index) off
sys.argv = ["pip", "install", *(a for a in sys.argv[1:] if a not in ("--no-setuptools", "--no-wheel"))]
runpy.run_module("pip", run_name="__main__")
"""


def main(wanted: list[str]) -> int:
    with ThreadPoolExecutor(max_workers=len(wanted)) as pool:
        return int(any(list(pool.map(sanity, wanted))))


def sanity(wanted: str) -> int:
    core = wanted if wanted in CORES else NEWEST
    try:
        version, python = first_interpreter(*CORES[core])
        programs = environment(f"core-{core}", python, f"ansible-core=={core}.*")
        _provide_get_pip(programs)
        tree = collection_tree.make(HOME.parent / wanted / "ansible_collections" / "analytics" / "ops")
    except GateError as error:
        print(error, file=sys.stderr)
        return 1
    command = [str(programs / "ansible-test"), "sanity", "--venv", "--color", "no"]
    if wanted in CORES:
        command += ["--python", version]
    else:
        command += ["--python", wanted, "--test", "compile", "--test", "import"]
    ignored = sorted(tree.glob("tests/sanity/ignore*"))
    if ignored:
        print(f"There are ignore files: {', '.join(file.name for file in ignored)}", file=sys.stderr)
        return 1
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    done = subprocess.run(command, cwd=tree, env=_environment(programs), check=False, **output)
    # A good run needs one line: everything else is pip at work.
    tests = len(re.findall(r"^Running sanity test", done.stdout, re.MULTILINE))
    if done.returncode or not tests:
        print(done.stdout)
    else:
        python_version = version if wanted in CORES else wanted
        print(f"{tests} sanity tests of ansible-core {core} on Python {python_version} found nothing.")
    return done.returncode or int(not tests)


def _provide_get_pip(programs: Path) -> None:
    """For the versions of pip that this ansible-test pins."""
    source = next(programs.parent.glob("lib/python*/site-packages/ansible_test/_internal/python_requirements.py"))
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in re.findall(r"\bpip\W{1,4}(\d+\.\d[\d.]*)", source.read_text()):
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(GET_PIP)


def _environment(programs: Path) -> dict[str, str]:
    pythons = [interpreter(version) for version in MODULE_PYTHONS]
    folders = [str(programs), *(str(python.parent) for python in pythons if python), os.environ["PATH"]]
    return {**os.environ, "PATH": os.pathsep.join(folders), "HOME": str(HOME)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
