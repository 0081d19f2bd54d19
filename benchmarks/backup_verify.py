# SPDX-License-Identifier: GPL-3.0-or-later
"""``backup_verify``: whole backups in one pass."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.harness import Comparison, Goal, Variant
from benchmarks.module import REPORT_MEMORY, WITHOUT_ISAL, memory_mib, run_module
from benchmarks.servers import libpq, postgres, run, succeeded
from tests.support.databases import Database

# Half of it compresses well and half does not, as in tables of events.
CONTENT = """
CREATE TABLE events AS
SELECT i AS id, md5(i::text) AS token, 'visitor ' || i % 5000 || ' looked at the page of product ' || i % 300 AS note,
       'the same words in every row, as in most tables that hold texts, ' || i % 70 AS words,
       timestamp '2026-01-01' + i * interval '1 second' AS at
FROM generate_series(1, 2500000) AS i
"""
LARGE = 3 * 2**30
ISAL = "" if importlib.util.find_spec("isal") else "not measured: isal is not installed (pip install isal)"
OURS, WITH_ISAL = "backup_verify, without isal", "backup_verify, with isal"


def comparisons(work: Path) -> Iterator[Comparison]:
    # Outside /dev/shm and the like, but in the page cache for every variant: the programs are compared, not disks.
    plain, zipped, custom = work / "big-2.sql", work / "gzip-2.sql.gz", work / "custom-2.dump"
    with postgres(work) as server, Database.fresh(server, "big") as database:
        database.execute(CONTENT)
        for target, form in ((plain, "-Fp"), (custom, "-Fc")):
            _require(run([server.programs / "pg_dump", form, "-f", target], libpq(server, database.name)))
        pg_restore = server.programs / "pg_restore"
        environment = libpq(server, database.name)
    with plain.open("rb") as source, gzip.open(zipped, "wb", compresslevel=6) as target:
        shutil.copyfileobj(source, target, 1024 * 1024)
    size = f"{zipped.stat().st_size / 1e6:.0f} MB, {plain.stat().st_size / 1e6:.0f} MB uncompressed."
    yield _gzip(zipped, size)
    size = f"{custom.stat().st_size / 1e6:.0f} MB, the same content in pg_dump's custom format."
    yield _custom(custom, [pg_restore, "-f", "/dev/null", custom], environment, size)
    _write_checksum(plain)
    yield _memory(plain, zipped)
    # Zeros at its end hash as fast as anything else, and the start of the interpreter no longer dominates.
    os.truncate(plain, LARGE)
    _write_checksum(plain)
    yield _checksum(plain)


def _write_checksum(path: Path) -> None:
    path.with_name(path.name + ".sha256").write_text(run(["sha256sum", "--", path.name], cwd=path.parent).stdout)


def _require(done: subprocess.CompletedProcess) -> None:
    if done.returncode != 0:
        raise RuntimeError(done.stderr)


def _verify(path: Path, level: str = "full", before: str = "") -> dict:
    return run_module("backup_verify", {"path": [str(path)], "level": level}, before)


def _is_whole(level: str) -> Callable[[dict], bool]:
    def proof(result: dict) -> bool:
        reached = [(one["level"], bool(one["sha256"])) for one in result.get("backups", [])]
        return reached == [(level, True)] and not any(f["severity"] == "critical" for f in result["findings"])

    return proof


def _ours(path: Path) -> list[Variant]:
    return [
        Variant(OURS, partial(_verify, path, before=WITHOUT_ISAL), _is_whole("full")),
        Variant(WITH_ISAL, partial(_verify, path), _is_whole("full"), missing=ISAL),
    ]


def _all(commands: list[list], environment: dict | None = None) -> list[subprocess.CompletedProcess]:
    return [run(command, environment) for command in commands]


def _all_succeeded(results: list[subprocess.CompletedProcess]) -> bool:
    return all(map(succeeded, results))


def _gzip(path: Path, size: str) -> Comparison:
    alone, both = [["gzip", "-t", path]], [["gzip", "-t", path], ["sha256sum", path]]
    return Comparison(
        "level full of a gzip dump",
        [
            Variant("gzip -t", partial(_all, alone), _all_succeeded),
            Variant("gzip -t, then sha256sum", partial(_all, both), _all_succeeded),
            *_ours(path),
        ],
        [
            Goal(OURS, "gzip -t", 0.75),
            Goal(WITH_ISAL, "gzip -t", 0.4),
            Goal(OURS, "gzip -t, then sha256sum"),
            Goal(WITH_ISAL, "gzip -t, then sha256sum"),
        ],
        about=f"{size} Ours decodes it, hashes it, looks for the end of the dump and checks its text.",
    )


def _custom(path: Path, restore: list, environment: dict, size: str) -> Comparison:
    name = "sha256sum, then pg_restore -f /dev/null"
    return Comparison(
        "level full of a custom-format dump",
        [Variant(name, partial(_all, [["sha256sum", path], restore], environment), _all_succeeded), *_ours(path)],
        [Goal(OURS, name), Goal(WITH_ISAL, name, 0.6)],
        about=size,
    )


def _checksum(path: Path) -> Comparison:
    name = "openssl dgst -sha256"
    return Comparison(
        "level checksum",
        [
            Variant(name, partial(run, ["openssl", "dgst", "-sha256", path]), succeeded),
            Variant("sha256sum", partial(run, ["sha256sum", path]), succeeded),
            Variant("backup_verify", partial(_verify, path, "checksum"), _is_whole("checksum")),
        ],
        [Goal("backup_verify", name, 1.1)],
        about=f"{path.stat().st_size / 1e6:.0f} MB; ours compares with the stored checksum as well.",
    )


def _memory(plain: Path, zipped: Path) -> Comparison:
    interpreter = "empty interpreter"
    variants = [Variant(interpreter, _interpreter_memory, lambda mib: mib > 1)]
    for name, path, level in (
        ("level checksum", plain, "checksum"),
        ("level full, plain", plain, "full"),
        ("level full, gzip", zipped, "full"),
    ):
        variants.append(Variant(name, partial(_memory_of, path, level), lambda mib: mib > 1))
    return Comparison(
        "memory",
        variants,
        [Goal(variant.name, interpreter, 64, how="difference") for variant in variants[1:]],
        rounds=1,
        warm_up=False,
        timed=False,
        unit="MiB",
        about="The process at its largest (VmHWM), the module's own imports included.",
    )


def _memory_of(path: Path, level: str) -> float:
    result = _verify(path, level, REPORT_MEMORY)
    if not _is_whole(level)(result):
        raise RuntimeError(json.dumps(result))
    return memory_mib(result["stderr"])


def _interpreter_memory() -> float:
    return memory_mib(run([sys.executable, "-c", REPORT_MEMORY]).stderr)
