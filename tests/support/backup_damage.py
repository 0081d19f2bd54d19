# SPDX-License-Identifier: GPL-3.0-or-later
"""Damages backups in seeded, repeatable ways, and measures what each level of ``backup_verify`` sees of it.

``python -m tests.support.backup_damage`` measures anew and writes ``docs/backup-damage.md``.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "backup-damage.md"
SEED = 20261123
BLOCK = 4096
KINDS = {"flip": 10, "zero": 10, "cut": 3, "part": 1}


@dataclass(frozen=True)
class Damage:
    kind: str
    apply: Callable[[], Callable[[], None]]
    """Damages the backup and returns the function that undoes it."""

    @contextmanager
    def applied(self) -> Iterator[None]:
        undo = self.apply()
        try:
            yield
        finally:
            undo()


def damages(backup: Path, seed: int = SEED) -> list[Damage]:
    """10 flipped bits, 10 zeroed blocks and 3 truncations; of a directory also a missing part.

    Places are chosen by size, so in a directory mostly in its large files. Zeroing what is zero already would be no
    damage: such a place is passed over.
    """
    chosen = random.Random(seed)
    files = sorted(path for path in backup.rglob("*") if path.is_file()) if backup.is_dir() else [backup]
    files = [path for path in files if path.stat().st_size]
    sizes = [path.stat().st_size for path in files]

    def place() -> tuple[Path, int]:
        file = chosen.choices(files, sizes)[0]
        return file, chosen.randrange(file.stat().st_size)

    found = []
    for _round in range(KINDS["flip"]):
        file, offset = place()
        bit = 1 << chosen.randrange(8)
        byte = _read(file, offset, 1)[0]
        found.append(Damage("flip", lambda f=file, o=offset, b=byte ^ bit: _overwrite(f, o, bytes([b]))))
    while sum(damage.kind == "zero" for damage in found) < KINDS["zero"]:
        file, offset = place()
        offset -= offset % BLOCK
        content = _read(file, offset, BLOCK)
        if content.strip(b"\0"):
            zeros = bytes(len(content))
            found.append(Damage("zero", lambda f=file, o=offset, z=zeros: _overwrite(f, o, z)))
    largest = max(files, key=lambda path: path.stat().st_size)
    size = largest.stat().st_size
    for kept in (int(size * 0.3), int(size * 0.9), size - 1):
        found.append(Damage("cut", lambda f=largest, n=kept: _truncate(f, n)))
    if backup.is_dir():
        found.append(Damage("part", lambda f=largest: _remove(f)))
    return found


def _read(file: Path, offset: int, count: int) -> bytes:
    with file.open("rb") as opened:
        opened.seek(offset)
        return opened.read(count)


def _overwrite(file: Path, offset: int, content: bytes) -> Callable[[], None]:
    before = _read(file, offset, len(content))

    def write(what: bytes) -> None:
        with file.open("r+b") as opened:
            opened.seek(offset)
            opened.write(what)

    write(content)
    return lambda: write(before)


def _truncate(file: Path, size: int) -> Callable[[], None]:
    tail = _read(file, size, file.stat().st_size)
    os.truncate(file, size)

    def undo() -> None:
        with file.open("ab") as opened:
            opened.write(tail)

    return undo


def _remove(file: Path) -> Callable[[], None]:
    kept = file.with_name(file.name + ".removed-by-test")
    file.rename(kept.parent.parent / kept.name)
    return lambda: (kept.parent.parent / kept.name).rename(file)


COLUMNS = ("present", "structure", "full", "checksum stored")


def measure(backup: Path, verify: Callable[..., dict]) -> dict[str, dict[str, int]]:
    """How many damages of each kind each column's way of looking sees. ``verify`` is ``backup_verify``.

    A damage is seen when the backup is unhealthy, or when it is degraded by a check that was silent before.
    """
    from tests.support.backups import write_checksum

    seen = {}
    found = damages(backup)
    _write_predecessor(backup)
    # A base backup brings its checksums with it, in its manifest.
    for column in COLUMNS[:3] if (backup / "backup_manifest").exists() else COLUMNS:
        stored = write_checksum(backup) if column == COLUMNS[3] else None
        undamaged = _complaints(backup, column, verify)
        seen[column] = dict.fromkeys(KINDS, 0)
        for damage in found:
            with damage.applied():
                seen[column][damage.kind] += bool(_complaints(backup, column, verify) - undamaged)
        if stored:
            stored.unlink()
    return seen


def _write_predecessor(backup: Path) -> None:
    """One older backup of the same series and size, for the comparison of sizes; nothing else of it matters."""
    older = backup.with_name(backup.name.replace("-2", "-1"))
    file = older
    if backup.is_dir():
        older.mkdir()
        file = older / "content"
    file.touch()
    size = sum(path.stat().st_size for path in backup.rglob("*") if path.is_file()) or backup.stat().st_size
    os.truncate(file, size if backup.is_dir() else backup.stat().st_size)
    os.utime(file, (1, 1))
    os.utime(older, (1, 1))


def _complaints(backup: Path, column: str, verify: Callable[..., dict]) -> set[str]:
    level = "full" if column == COLUMNS[3] else column
    result = verify(path=[str(backup)], level=level)
    assert len(result["backups"]) == 1, result
    return {finding["check"] for finding in result["findings"] if finding["severity"] != "info"}


def table(measured: dict[str, dict[str, dict[str, int]]]) -> str:
    lines = [
        "| format | " + " | ".join(COLUMNS) + " | not seen by `full` |",
        "|---|" + "---|" * (len(COLUMNS) + 1),
    ]
    words = {"flip": "flipped bits", "zero": "zeroed blocks", "cut": "truncations", "part": "missing parts"}
    for name, columns in measured.items():
        count = sum(KINDS.values()) if "directory" in name or "base" in name else sum(KINDS.values()) - 1
        cells = [f"{sum(columns[column].values())} of {count}" if column in columns else "–" for column in COLUMNS]
        expected = {**KINDS, "part": KINDS["part"] if count == sum(KINDS.values()) else 0}
        missed = {kind: expected[kind] - columns["full"][kind] for kind in KINDS}
        rest = ", ".join(f"{missed[kind]} {words[kind]}" for kind in KINDS if missed[kind]) or "–"
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {rest} |")
    return "\n".join(lines) + "\n"


BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"


def committed_table() -> str:
    return PAGE.read_text().split(BEGIN)[1].split(END)[0]


def measure_all(directory: Path, major: int = 18) -> dict[str, dict[str, dict[str, int]]]:
    """On a server of its own: what else has been done on a shared one would move the places of the damage."""
    from ansible_collections.analytics.ops.plugins.modules import backup_verify

    from demo.embedded.postgres import PostgresServer
    from tests.support.backups import every_dump, fill, pg_basebackup
    from tests.support.databases import Database
    from tests.support.versions import postgres_programs

    programs = postgres_programs(major)
    defaults = {
        "checks": [],
        "exclude_checks": [],
        "open_findings": [],
        "thresholds": {},
        "include_ok": False,
        "patterns": [],
    }
    defaults.update(excludes=[], newest=0, checksum_required=False, jobs=2, programs=str(programs), time_budget=None)
    server = PostgresServer(programs, directory / "server").create()
    server.start()
    backups = directory / "backups"
    backups.mkdir()
    try:
        with Database.fresh(server, "damaged") as database:
            fill(database)
            found = every_dump(database, backups)
            found["base backup"] = pg_basebackup(server, backups / "base-2")
            found["base backup, tar"] = pg_basebackup(server, backups / "base-tar-2", "-Ft", "-z")
    finally:
        server.stop()
    return {
        name: measure(path, lambda **given: backup_verify.run({**defaults, **given}, False))
        for name, path in found.items()
    }


def main() -> None:
    sys.path[:0] = [str(REPOSITORY / ".collections")]
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        measured = table(measure_all(Path(directory)))
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(before + BEGIN + measured + END + rest.split(END)[1])
    print(measured)


if __name__ == "__main__":
    main()
