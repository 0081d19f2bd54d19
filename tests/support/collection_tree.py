# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.support.collection_tree``: the files that git knows, where Ansible's own tools want a collection.

They insist on a folder ``ansible_collections/analytics/ops`` that is no link, and would also read what lies about in a
checkout: the virtual environment, caches, the demo's data.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
TREE = REPOSITORY / ".cache" / "tree" / "ansible_collections" / "analytics" / "ops"


def tracked_files() -> list[Path]:
    """What is committed or staged and still there, relative to the repository, without links."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True).stdout
    files = [Path(name.decode()) for name in listed.split(b"\0") if name]
    return [file for file in files if (REPOSITORY / file).is_file() and not (REPOSITORY / file).is_symlink()]


def make(tree: Path = TREE) -> Path:
    """Copies them anew; what is no longer tracked is gone afterwards."""
    shutil.rmtree(tree, ignore_errors=True)
    for file in tracked_files():
        (tree / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / file, tree / file)
    # antsibull-docs takes what git knows, and here the surrounding repository knows nothing: it would check no file.
    # A hook's GIT_DIR would mean that surrounding repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    for command in (["init", "--quiet"], ["add", "--all", "--force"]):
        subprocess.run(["git", *command], cwd=tree, check=True, env=environment)
    # ansible-test makes virtual environments there and, before Python 3.13, would take them for files of ours.
    exclude = tree / ".git" / "info" / "exclude"
    exclude.parent.mkdir(exist_ok=True)
    exclude.write_text("/tests/output/\n")
    return tree


if __name__ == "__main__":
    print(make())
