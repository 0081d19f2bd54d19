# SPDX-License-Identifier: GPL-3.0-or-later
"""The history in a real SQLite file and a real PostgreSQL: kept whole, kept by many at once, never in the way."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._act import history as act
from ansible_collections.analytics.ops.plugins.module_utils._act.history import remember
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError, OpsError, Refused
from ansible_collections.analytics.ops.plugins.module_utils._judge.history import time_of, with_history
from ansible_collections.analytics.ops.plugins.module_utils._observe.history import (
    SqliteStore,
    last_measurements,
    open_on,
    open_store,
)

from demo.embedded.process import free_port
from tests.support.databases import Database
from tests.support.reports import BLOAT, DAY, HARMFUL, HOSTILE, IDLE, NOW, TARGET, looked, report_of
from tests.support.sources import REPOSITORY

NAME = "pg.connections.used_percent"
SECRET = "s3cr3t-word"


@contextmanager
def said(kind: type[OpsError], *parts: str) -> Iterator[None]:
    """The error of this kind is raised; its whole text has the ``parts`` and no secret."""
    with pytest.raises(kind) as caught:
        yield
    assert [part for part in parts if part not in caught.value.text] == [], caught.value.text
    assert SECRET not in caught.value.text + repr(caught.value) + repr(caught.value.__cause__)


def day(number: int, *findings: Any, **figures: float) -> dict[str, Any]:
    return report_of(looked(*findings, **figures), started=NOW + number * DAY)


def keep(url: str, report: dict[str, Any], days: int = 400) -> dict[str, Any]:
    return with_history(report, remember(url, report, 30, days))


def rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    with open_store(url) as store:
        return store.rows(statement)


def count(url: str, table: str) -> int:
    return rows(url, f"SELECT count(*) FROM analytics_ops_{table}")[0][0]


def test_findings_are_known_since_they_were_first_seen(url: str) -> None:
    assert keep(url, day(0, BLOAT))["changes"]["last_run"] is None
    second = keep(url, day(1, BLOAT, IDLE))
    assert {f["check"]: f["since"] for f in second["findings"]} == {
        "pg.table_bloat": time_of(NOW),
        "pg.idle_in_transaction": time_of(NOW + DAY),
    }
    assert [c["check"] for c in second["changes"]["new"]] == ["pg.idle_in_transaction"]
    assert [c["check"] for c in keep(url, day(2, IDLE))["changes"]["gone"]] == ["pg.table_bloat"]
    again = keep(url, day(3, BLOAT, IDLE))
    assert {f["check"]: f["since"] for f in again["findings"]} == {
        "pg.table_bloat": time_of(NOW + 3 * DAY),
        "pg.idle_in_transaction": time_of(NOW + DAY),
    }


def test_a_run_that_could_not_look_ends_nothing(url: str) -> None:
    keep(url, day(0, BLOAT))
    keep(url, day(1, replace(IDLE, check="pg.reachable", subject="server")))
    assert keep(url, day(2, BLOAT))["findings"][0]["since"] == time_of(NOW)


def test_figures_become_a_series_with_a_trend(url: str) -> None:
    for number in range(12):
        report = keep(url, day(number, pg__connections__used_percent=60.0 + number, **{"redis.keys.count": 5}))
    past = remember(url, day(12, pg__connections__used_percent=72.0), 30, 400)
    slots = past.series["db1", TARGET, NAME]
    assert [slot.value for slot in slots] == [60.0 + number for number in range(12)]
    assert [slot.at for slot in slots] == [NOW + number * DAY for number in range(12)]
    trend = next(trend for trend in report["trends"] if trend["name"] == NAME)
    assert (trend["per_day"], trend["days_left"]) == (pytest.approx(1.0), 9.0)


def test_many_runs_within_a_slice_are_one_slot(url: str) -> None:
    for minute, value in enumerate((1.0, 5.0, 3.0)):
        remember(url, report_of(looked(pg__xid_age=value), started=NOW + 60 * minute), 30, 400)
    (slot,) = remember(url, day(1), 30, 400).series["db1", TARGET, "pg.xid_age"]
    assert (slot.value, slot.low, slot.high, slot.at) == (3.0, 1.0, 5.0, NOW + 120)


def test_the_newest_figures_of_a_host_that_are_old_enough(url: str) -> None:
    for number in range(3):
        keep(url, day(number, pg__observed_at=NOW + number * DAY, pg__xid_age=number, redis__keys=9))
    keep(url, report_of(looked(pg__observed_at=1, pg__xid_age=77), host="db2", started=NOW + DAY))
    assert last_measurements(url, "db1", "pg", NOW + 2 * DAY - 1) == {"pg.observed_at": NOW + DAY, "pg.xid_age": 1}
    assert last_measurements(url, "db1", "pg", NOW + 9 * DAY)["pg.xid_age"] == 2
    assert last_measurements(url, "db1", "pg", NOW - 1) == {}
    assert last_measurements(url, "db1", "redis", NOW + 9 * DAY) == {}, "figures without a clock are no use"
    assert last_measurements(url, "db3", "pg", NOW + 9 * DAY) == {}


def test_what_was_open_on_a_host(url: str) -> None:
    keep(url, day(0, BLOAT, IDLE))
    keep(url, report_of(looked(BLOAT), host="db2", started=NOW))
    keep(url, day(1, IDLE))
    assert open_on(url, "db1") == [{"check": "pg.idle_in_transaction", "subject": "session 4711"}]
    assert open_on(url, "db2") == [{"check": "pg.table_bloat", "subject": "public.tasks"}]
    assert open_on(url, "db3") == []


def test_of_two_targets_nobody_knows_which_is_meant(url: str) -> None:
    both = (looked(pg__observed_at=NOW, target="one"), looked(pg__observed_at=NOW, target="two"))
    keep(url, report_of(*both))
    assert last_measurements(url, "db1", "pg", NOW + DAY) == {}
    keep(url, report_of(both[1], started=NOW + DAY))
    assert last_measurements(url, "db1", "pg", NOW + DAY) == {"pg.observed_at": NOW}


def test_asking_makes_no_history(url: str, tmp_path: Path) -> None:
    assert last_measurements(url, "db1", "pg", NOW) == {}
    assert open_on(url, "db1") == []
    assert not (tmp_path / "a folder").exists()


def test_what_is_old_goes_a_few_runs_at_a_time(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(act, "_RUNS_A_PRUNING", 4)
    for number in range(6):
        keep(url, day(number, BLOAT, pg__xid_age=number))
    keep(url, day(100, pg__xid_age=1), days=50)
    assert (count(url, "runs"), count(url, "points")) == (3, 3)
    keep(url, day(101, IDLE, pg__xid_age=1), days=50)
    assert (count(url, "runs"), count(url, "points"), count(url, "findings")) == (2, 2, 1)


def test_hostile_text_is_kept_harmless(url: str) -> None:
    bad = replace(IDLE, subject=HOSTILE)
    result = looked(bad, target=HOSTILE, **{HOSTILE: 1.0})
    for number in range(2):
        report = report_of(result, host=HOSTILE, started=NOW + number * DAY)
        past = remember(url, report, 30, 400)
    assert with_history(report, past)["findings"][0]["since"] == time_of(NOW)
    assert len(past.series) == 1
    texts = [text for row in rows(url, "SELECT host, target, name FROM analytics_ops_series") for text in row]
    assert not any(HARMFUL.search(text) for text in texts)


WRITER = """
import sys
sys.path[:0] = [{repository!r}, {repository!r} + "/.collections"]
from tests.support.reports import BLOAT, looked, report_of
from ansible_collections.analytics.ops.plugins.module_utils._act.history import remember
from ansible_collections.analytics.ops.plugins.module_utils._observe import history
history.BUSY_SECONDS = 100.0  # all have much to write, and a slow disk makes the last one wait for the others
number = int(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for run in range(10):
    figures = {{f"pg.figure_{{n}}": n for n in range(200)}}
    remember({url!r}, report_of(looked(BLOAT, **figures), host=f"db{{number}}", started=1790000000 + run), 30, 400)
    remember({url!r}, report_of(looked(BLOAT, **figures), host="shared", started=1790000000 + run), 30, 400)
"""


def test_writers_at_the_same_moment_lose_nothing(url: str) -> None:
    """They also make the tables at the same moment, for nobody was there before."""
    source = WRITER.format(repository=str(REPOSITORY), url=url)
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", source, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    errors = [writer.communicate(timeout=120)[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0], errors
    assert count(url, "runs") == 60
    assert count(url, "points") == 60 * 200
    assert count(url, "series") == 4 * 200
    assert count(url, "findings") == 4


def test_tables_of_an_older_release_are_brought_up_to_date(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(url, day(0, BLOAT))
    newer = (*act.MIGRATIONS, ("ALTER TABLE analytics_ops_runs ADD COLUMN operator text",))
    with monkeypatch.context() as patch:
        patch.setattr(act, "MIGRATIONS", newer)
        assert keep(url, day(1, BLOAT))["findings"][0]["since"] == time_of(NOW)
        assert rows(url, "SELECT operator FROM analytics_ops_runs") == [(None,), (None,)]
    with said(Refused, "newer release"):
        keep(url, day(2, BLOAT))
    assert count(url, "runs") == 2


def test_half_a_migration_leaves_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(act, "MIGRATIONS", (*act.MIGRATIONS, ("CREATE TABLE x (y integer)", "CREATE nonsense")))
        with said(OpsError, "cannot be used"):
            keep(url, day(0))
    keep(url, day(0))
    assert rows(url, "SELECT max(version) FROM analytics_ops_schema") == [(len(act.MIGRATIONS),)]


def test_a_severity_that_nobody_knows_is_unknown(url: str) -> None:
    keep(url, day(0, BLOAT))
    rows(url, "UPDATE analytics_ops_findings SET severity = 'splendid'")
    assert [c["severity_before"] for c in keep(url, day(1, BLOAT))["changes"]["worse"]] == ["unknown"]


def path_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def test_the_file_is_its_owners_alone(sqlite_url: str) -> None:
    before = os.umask(0)
    try:
        keep(sqlite_url, day(0))
    finally:
        os.umask(before)
    assert stat.S_IMODE(path_of(sqlite_url).stat().st_mode) == 0o600
    assert stat.S_IMODE(path_of(sqlite_url).parent.stat().st_mode) == 0o700
    assert rows(sqlite_url, "PRAGMA journal_mode") == [("wal",)]


@pytest.mark.parametrize("damage", ["header", "pages"])
def test_a_damaged_file_is_said_and_left_as_it_is(sqlite_url: str, damage: str) -> None:
    for number in range(3):
        keep(sqlite_url, day(number, BLOAT, **{f"pg.figure_{n}": 1 for n in range(900)}))
    file = path_of(sqlite_url)
    content = bytearray(file.read_bytes())
    begin, end = (0, 100) if damage == "header" else (4096, len(content))
    content[begin:end] = b"\xa5" * (end - begin)
    file.write_bytes(content)
    with said(OpsError, str(file), "Move the file away"):
        keep(sqlite_url, day(4))
    assert file.read_bytes() == content


@contextmanager
def locked(path: Path) -> Iterator[None]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.close()


def test_a_locked_file_is_waited_for_and_then_said(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.analytics.ops.plugins.module_utils._observe import history as observe

    keep(sqlite_url, day(0))
    monkeypatch.setattr(observe, "BUSY_SECONDS", 0.2)
    with locked(path_of(sqlite_url)), said(OpsError, "locked", "fuser"):
        keep(sqlite_url, day(1))
    keep(sqlite_url, day(1))
    assert count(sqlite_url, "runs") == 2


@pytest.mark.parametrize("path", ["/proc/nowhere/x", "/dev/null/x"])
def test_a_place_that_cannot_be_is_said(path: str) -> None:
    with said(OpsError, "cannot be opened", "'none'"):
        keep(f"sqlite:///{path}", day(0))


def test_a_python_without_sqlite_is_said(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlite3", None)
    with said(OpsError, "without SQLite", "'none'"):
        keep(sqlite_url, day(0))


def test_a_full_disk_is_said(sqlite_url: str) -> None:
    keep(sqlite_url, day(0))
    with SqliteStore(str(path_of(sqlite_url))) as store, said(OpsError, "full", "free space"):
        store.rows("PRAGMA max_page_count = 1")
        store.rows("CREATE TABLE filler AS SELECT zeroblob(100000)")


@pytest.mark.parametrize(
    "make",
    [
        lambda database: f"postgresql://postgres:{SECRET}@127.0.0.1:{database.server.port}/{database.name}",
        lambda database: f"postgresql://nobody:{SECRET}@127.0.0.1:{database.server.port}/{database.name}",
        lambda database: f"postgresql://postgres:{SECRET}@127.0.0.1:{free_port()}/x",
        lambda database: f"postgresql://postgres:{SECRET}@no-such-host.invalid/x",
    ],
    ids=["wrong password", "no such role", "no server", "no host"],
)
def test_an_unreachable_server_is_said_without_its_password(database: Database, make: Callable[..., str]) -> None:
    with said(OpsError, "history"):
        keep(make(database), day(0))


def test_a_role_without_rights_is_said(database: Database, postgres_url: str) -> None:
    role = f"reader_{database.name}"[:60]
    database.execute(f"DROP ROLE IF EXISTS {role}")
    database.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{SECRET}'; REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    try:
        with said(OpsError, "permission denied", "needs CREATE"):
            keep(f"postgresql://{role}:{SECRET}@127.0.0.1:{database.server.port}/{database.name}", day(0))
    finally:
        database.execute(f"DROP ROLE {role}")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "history.db",
        f"mysql://root:{SECRET}@x/y",
        "sqlite://",
        "sqlite:///",
        f"postgresql://u:{SECRET}@h:port/d",
        f"postgresql://u:{SECRET}@[::1/d",
    ],
)
def test_what_is_no_url_of_a_history_is_said_without_repeating_it(url: str) -> None:
    with said(InputError, "no URL of a history"):
        open_store(url)


def test_a_url_may_name_everything_that_libpq_needs() -> None:
    store = open_store("postgresql://o%40ps:p%2Fw@[::1]:5433/hi%20story?sslmode=require&sslrootcert=/ca.pem&foo=1")
    login = store._client.login
    assert (login.login_user, login.login_password, login.login_host) == ("o@ps", "p/w", "::1")
    assert (login.login_port, login.login_db, login.ssl_mode, login.ca_cert) == (5433, "hi story", "require", "/ca.pem")
    assert "p/w" not in store.place and "o@ps" not in store.place
    socket = open_store("postgresql:///ops?host=/run/postgresql")._client.login
    assert (socket.host, socket.login_port, socket.login_password) == ("/run/postgresql", 5432, "")
