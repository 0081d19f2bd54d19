# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be seen of a DuckDB file from outside: the file, what stands beside it, its owner, and its content."""

from __future__ import annotations

import os
import re
import time
from dataclasses import replace
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from .._judge.duckdb import ABSENT, DAMAGED, DENIED, FAILED, HELD, LATE, NEWER, OPENED, Database, Limits, Owner
from .._judge.text import printable
from .duckdb import ChildFailed, connect, error_text, in_child, interrupted, limited, single_select
from .regular import open_regular

TABLES_LIMIT, DAMAGED_LIMIT, FILES_LIMIT = 10000, 20, 100000

# How the library puts it, over its versions. The first that fits.
_OUTCOMES = (
    (HELD, ("could not set lock", "conflicting lock")),
    (NEWER, ("we can only read version", "newer version of duckdb", "older version of duckdb", "storage version")),
    (DENIED, ("permission denied",)),
    (
        DAMAGED,
        ("not a valid duckdb", "corrupt", "checksum", "could not read", "failure while replaying", "serialization"),
    ),
    (DAMAGED, ("with signal", "internal error", "invalidated", "fatal error", "failed to deserialize", "attempted to")),
)


class Looking(NamedTuple):
    """How closely to look: ``open``, ``sample`` (a row of each table) or ``full`` (every value)."""

    level: str = "sample"
    probe: str = ""
    time_limit: float = 30.0
    temp_directory: Optional[str] = None


def look(path: str, looking: Looking) -> Database:
    now = time.time()
    try:
        open_regular(path).close()
        seen = os.stat(path)
    except PermissionError as error:
        return Database(path, now, DENIED, text=error.strerror or "")
    except OSError as error:
        return Database(path, now, ABSENT, text=error.strerror or "")
    wal = _stat(path + ".wal")
    temporary = _size_below(looking.temp_directory or path + ".tmp")
    database = Database(
        path=path,
        now=now,
        outcome=OPENED,
        bytes=seen.st_size,
        written_at=seen.st_mtime,
        wal_bytes=wal.st_size if wal else 0,
        wal_written_at=wal.st_mtime if wal else 0.0,
        temporary_bytes=temporary[0],
        temporary_files=temporary[1],
    )
    try:
        return replace(database, **_inside(path, looking))
    except ChildFailed as failure:
        text = str(failure)
        outcome = LATE if failure.late else outcome_of(text, path)
        held = re.search(r"\(PID (\d+)\)", text) if outcome == HELD else None
        return replace(database, outcome=outcome, text=printable(text), owner=_owner(int(held[1])) if held else None)


def host_limits(memory_bytes: Optional[float], threads: Optional[int]) -> Limits:
    total = None
    if "SC_PHYS_PAGES" in os.sysconf_names:
        total = float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    # Where there is affinity, a container's share counts and not the whole host.
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Limits(memory_bytes, threads, processors, total)


def outcome_of(text: str, path: str) -> str:
    """What an error at opening means; its text may quote the path, which means nothing."""
    lower = text.replace(path, "").lower()
    return next((outcome for outcome, parts in _OUTCOMES if any(part in lower for part in parts)), FAILED)


def _inside(path: str, looking: Looking) -> Dict[str, Any]:
    """Fields of ``Database``. The child keeps to the limits by itself; the parent ends what does not."""
    patience = looking.time_limit * (2 if looking.probe else 1) + 2
    content = in_child(lambda: _content(path, looking), patience)
    content["damaged"] = tuple((name, printable(text)) for name, text in content["damaged"])
    return content


def _content(path: str, looking: Looking) -> Dict[str, Any]:
    """Runs in the child."""
    began = time.monotonic()
    connection = connect(path)
    found: Dict[str, Any] = {"open_seconds": time.monotonic() - began, "damaged": []}
    size = connection.execute("SELECT block_size, free_blocks FROM pragma_database_size()").fetchone()
    found["free_bytes"] = size[0] * size[1]
    names = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal LIMIT {0:d}".format(TABLES_LIMIT)
    ).fetchall()
    found["tables"] = len(names)
    found["storage_version"] = _storage_version(connection)
    if looking.level != "open":
        found.update(_read_tables(connection, names, looking.level == "full", began + looking.time_limit))
    if looking.probe:
        found.update(_probe(connection, looking.probe, looking.time_limit))
    return found


def _read_tables(connection: Any, names: List[Tuple[str, str]], full: bool, deadline: float) -> Dict[str, Any]:
    damaged: List[Tuple[str, str]] = []
    query = "SELECT count(hash(t)) FROM {0} AS t" if full else "SELECT * FROM {0} LIMIT 1"
    for number, (schema, table) in enumerate(names):
        left = deadline - time.monotonic()
        if left <= 0 or len(damaged) >= DAMAGED_LIMIT:
            return {"damaged": damaged, "unfinished": len(names) - number}
        identifier = ".".join('"{0}"'.format(part.replace('"', '""')) for part in (schema, table))
        try:
            with limited(connection, left):
                connection.execute(query.format(identifier)).fetchmany(1)
        except Exception as error:
            if interrupted(error):
                return {"damaged": damaged, "unfinished": len(names) - number}
            damaged.append(("{0}.{1}".format(schema, table), error_text(error)))
    return {"damaged": damaged}


def _probe(connection: Any, query: str, time_limit: float) -> Dict[str, Any]:
    began = time.monotonic()
    try:
        with limited(connection, time_limit):
            connection.execute(single_select(connection, query)).fetchmany(1)
    except Exception as error:
        late = "it did not end within {0:g} seconds.".format(time_limit)
        return {"probe_error": late if interrupted(error) else printable(error_text(error))}
    return {"probe_seconds": time.monotonic() - began}


def _storage_version(connection: Any) -> str:
    """Empty for libraries that do not tell."""
    try:
        tags = connection.execute("SELECT tags FROM duckdb_databases() WHERE NOT internal").fetchone()[0]
        return printable(dict(tags).get("storage_version", ""), 40)
    except Exception:
        return ""


def _stat(path: str) -> Optional[os.stat_result]:
    try:
        return os.stat(path)
    except OSError:
        return None


def _size_below(directory: str) -> Tuple[int, int]:
    """Bytes and number of the files in a directory; nothing if it is not there or not ours to read."""
    total = number = 0
    for folder, _folders, files in os.walk(directory):
        for name in files:
            seen = _stat(os.path.join(folder, name))
            total += seen.st_size if seen else 0
            number += 1
            if number >= FILES_LIMIT:
                return total, number
    return total, number


def _owner(pid: int) -> Owner:
    try:
        with open("/proc/{0}/status".format(pid), encoding="utf-8", errors="replace") as file:
            fields = dict(line.partition(":")[::2] for line in file)
    except OSError:
        return Owner(pid)
    kilobytes = fields.get("VmRSS", "").split()
    threads = fields.get("Threads", "").strip()
    return Owner(
        pid=pid,
        name=fields.get("Name", "").strip(),
        memory_bytes=int(kilobytes[0]) * 1024 if kilobytes else None,
        threads=int(threads) if threads.isdigit() else None,
        stopped=fields.get("State", "").strip()[:1] in ("T", "t"),
    )
