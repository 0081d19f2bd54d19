# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.gates.galaxy``: the built collection holds what it should, and Galaxy's importer is content.

What the importer may say all the same stands in ``TOLERATED``, each with the reason why we cannot mend it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.gates.interpreters import REPOSITORY, GateError, environment, first_interpreter
from tests.support import collection_tree

BUILD = REPOSITORY / ".cache" / "gates" / "build"
IMPORTER = ("galaxy-importer==0.4.44", "ansible-core==2.19.*", "ansible-lint>=25.8")

# What the tarball may hold at its top. A user needs the collection, and inventories to copy; tests, lab and benchmarks
# stay in the repository.
DOCUMENTS = {"CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md"}
FOLDERS = {"changelogs", "docs", "examples", "meta", "playbooks", "plugins", "roles"}
TOP = {*DOCUMENTS, *FOLDERS, "FILES.json", "MANIFEST.json"}
LARGEST_BYTES = 1_000_000

TOLERATED: dict[str, str] = {}


def build() -> Path:
    """The tarball as a release would upload it."""
    tree = collection_tree.make(BUILD / "ansible_collections" / "analytics" / "ops")
    metadata = tree / "galaxy.yml"
    if not re.search(r"^repository:", metadata.read_text(), re.MULTILINE):
        # The importer insists on an address, and the project has no public one yet: it gets one that cannot exist.
        metadata.write_text(f"{metadata.read_text()}repository: https://analytics-ops.invalid/\n")
    galaxy = Path(sys.executable).with_name("ansible-galaxy")
    command = [str(galaxy), "collection", "build", "--force", "--output-path", str(BUILD), str(tree)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GateError(f"ansible-galaxy collection build failed:\n{done.stderr}")
    return max(BUILD.glob("analytics-ops-*.tar.gz"), key=lambda file: file.stat().st_mtime)


def misplaced(tarball: Path) -> list[str]:
    found = []
    with tarfile.open(tarball) as archive:
        for member in archive:
            if member.name.split("/", maxsplit=1)[0] not in TOP:
                found.append(f"{member.name} does not belong into the collection: build_ignore in galaxy.yml")
            if not (member.isfile() or member.isdir()):
                found.append(f"{member.name} is a link")
            if member.size > LARGEST_BYTES:
                found.append(f"{member.name} has {member.size} bytes")
    return found


def complaints(tarball: Path) -> list[str]:
    """Warnings and errors of the importer that are not tolerated."""
    _version, python = first_interpreter("3.12", "3.11", "3.13")
    programs = environment("galaxy-importer", python, *IMPORTER)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    settings = BUILD / "importer.cfg"
    # The sanity tests are a gate of their own, on more versions; here they would want a container.
    settings.write_text("[galaxy-importer]\nRUN_ANSIBLE_TEST = False\nCHECK_REQUIRED_TAGS = True\n")
    done = subprocess.run(
        [str(programs / "python"), "-m", "galaxy_importer.main", str(tarball)],
        cwd=BUILD,
        env={**os.environ, "PATH": path, "GALAXY_IMPORTER_CONFIG": str(settings), "HOME": str(BUILD)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode or "Importer processing completed successfully" not in done.stdout:
        return [f"the importer failed (exit code {done.returncode}):\n{done.stdout[-3000:]}"]
    said = [line for line in done.stdout.splitlines() if line.startswith(("WARNING", "ERROR"))]
    return [line for line in said if not any(text in line for text in TOLERATED)]


def main() -> int:
    try:
        tarball = build()
        found = misplaced(tarball) + complaints(tarball)
    except GateError as error:
        print(error, file=sys.stderr)
        return 1
    size = tarball.stat().st_size // 1024
    print("\n".join(found) or f"{tarball.name} ({size} kB): Galaxy's importer has no complaint.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
