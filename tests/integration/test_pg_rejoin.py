# SPDX-License-Identifier: GPL-3.0-or-later
"""The old primary becomes a standby of the new one, whatever only it has."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.embedded.postgres import PostgresServer
from demo.embedded.process import hand_over, unprivileged_prefix
from tests.support.databases import Database
from tests.support.modules import run_module
from tests.support.versions import chosen_versions, postgres_programs
from tests.support.waiting import until

CAUGHT_UP = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn = pg_current_wal_lsn()"


class Parted:
    """Two servers that were one cluster: the standby was promoted, and the old primary went on a little."""

    def __init__(self, major: int, folder: Path) -> None:
        programs = postgres_programs(major)
        settings = {"synchronous_commit": "on", "full_page_writes": "on", "wal_keep_size": "256MB"}
        settings["wal_log_hints"] = "off"
        self.old = PostgresServer(programs, folder / "old", settings=settings).create().start()
        self.up = Database(self.old, "postgres")
        self.up.execute("CREATE TABLE written (number int); INSERT INTO written VALUES (1)")
        self.new = PostgresServer(programs, folder / "new").create_replica(self.old, slot="new").start()
        self.now = Database(self.new, "postgres")
        until(lambda: self.up.value(CAUGHT_UP))
        self.now.execute("SELECT pg_promote()")
        self.up.execute("INSERT INTO written VALUES (1000)")
        self.now.execute("INSERT INTO written VALUES (2)")
        self.passfile = folder / "passfile"
        self.passfile.write_text(f"*:*:*:*:{self.new.password}\n")
        self.passfile.chmod(0o600)
        hand_over(self.passfile)

    def stop_old(self, request: signal.Signals = signal.SIGINT) -> None:
        self.up.close()
        self.old.stop(request)

    def configuration_elsewhere(self) -> str:
        return str((self.old.data / "postgresql.conf").rename(self.old.directory / "elsewhere.conf"))

    def rejoin(self, **options: Any) -> dict[str, Any]:
        given = {"data_directory": str(self.old.data), "slot": "old", "programs": str(self.old.programs)}
        given["passfile"] = str(self.passfile)
        return run_module("pg_rejoin", within=unprivileged_prefix(), **{**self.now.login, **given, **options})

    def close(self) -> None:
        self.up.close()
        self.now.close()
        self.old.stop()
        self.new.stop()


@pytest.fixture(params=chosen_versions(), ids=lambda major: f"pg{major}")
def parted(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Parted]:
    made = Parted(request.param, tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["stopped", "killed"])
def test_it_takes_back_what_only_the_old_one_has_and_follows(parted: Parted, how: signal.Signals) -> None:
    running = parted.rejoin(discard_writes=True, follow_seconds=0.1)
    assert running["failed"]
    assert "A server runs on" in running["msg"]
    parted.stop_old(how)
    planned = parted.rejoin(check_mode=True)
    assert (planned["failed"], [step["action"] for step in planned["plan"]]) == (False, ["rewind", "follow"]), planned
    refused = parted.rejoin()
    assert refused["failed"]
    assert "discard_writes=true" in refused["msg"]
    assert not (parted.old.data / "standby.signal").exists()

    # Before PostgreSQL 15, pg_rewind cannot be told where it lies.
    elsewhere = {} if parted.old.programs.parent.name == "14" else {"config_file": parted.configuration_elsewhere()}
    done = parted.rejoin(discard_writes=True, **elsewhere)
    assert (done["failed"], done["changed"], done["follows"]) == (False, True, False), done
    assert parted.new.password not in (parted.old.data / "postgresql.auto.conf").read_text().splitlines()[-2]
    before_the_start = parted.rejoin(discard_writes=True)
    assert (before_the_start["failed"], before_the_start["changed"]) == (False, False)
    parted.old.start()
    again = parted.rejoin(discard_writes=True)
    assert (again["failed"], again["changed"], again["follows"], again["plan"]) == (False, False, True, [])
    parted.now.execute("INSERT INTO written VALUES (3)")
    until(lambda: parted.now.value(CAUGHT_UP))
    assert parted.up.execute("SELECT number FROM written ORDER BY 1") == [(1,), (2,), (3,)]
    assert parted.up.value("SELECT pg_is_in_recovery()")


def test_what_cannot_be_rewound_says_why_and_stays_fenced(parted: Parted) -> None:
    parted.stop_old()
    parted.old.run("pg_checksums", "--disable", "-D", parted.old.data)
    for check_mode in (True, False):
        result = parted.rejoin(check_mode=check_mode, discard_writes=True)
        assert result["failed"]
        assert "pg_basebackup" in result["msg"]
        assert parted.new.password not in str(result["msg"])
    assert (parted.old.data / "standby.signal").exists()


def test_who_could_not_follow_is_told_before_anything_is_thrown_away(parted: Parted) -> None:
    parted.stop_old()
    parted.now.execute("CREATE ROLE reader LOGIN")
    for check_mode in (True, False):
        result = parted.rejoin(replication_user="reader", discard_writes=True, check_mode=check_mode)
        assert result["failed"]
        assert "would not let it follow" in result["msg"]
        assert "Nothing was changed" in result["msg"]
        assert parted.new.password not in str(result["msg"])
    assert not (parted.old.data / "standby.signal").exists()
    assert parted.now.value("SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'old'") == 0


def test_what_cannot_be_meant_is_refused(parted: Parted) -> None:
    parted.stop_old()
    wrong_name = parted.rejoin(slot="Old; --")
    no_program = parted.rejoin(programs=str(parted.old.directory))
    nowhere = parted.rejoin(data_directory=str(parted.old.directory / "missing"))
    for result, words in ((wrong_name, "slot is"), (no_program, "no pg_rewind"), (nowhere, "cannot be seen")):
        assert result["failed"]
        assert words in result["msg"]
    if os.geteuid() == 0:
        given = {"data_directory": str(parted.old.data), "slot": "old"}
        assert "become_user" in run_module("pg_rejoin", **parted.now.login, **given)["msg"]
    assert not (parted.old.data / "standby.signal").exists()
