# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes back what only an old primary has, and makes it a standby of the new one."""

from __future__ import annotations

import os
import subprocess
import time
from typing import Optional, Sequence

from .._observe.pg_control import STANDBY_SIGNAL
from .._observe.postgres import PostgresClient, PostgresLogin
from .._observe.postgres_login import program_login
from .fence import fence
from .program import run_program

_SLOT = """
SELECT pg_create_physical_replication_slot(%(name)s, true)
WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = %(name)s)
"""


def make_slot(client: PostgresClient, name: str) -> None:
    """With a restart point at once: from now on the new primary keeps what the standby needs."""
    client.rows(_SLOT, {"name": name})


def rewind(
    client: PostgresClient,
    login: PostgresLogin,
    program: Sequence[str],
    directory: str,
    seconds: float,
    dry_run: bool,
) -> None:
    """Fenced before and after: a server that somebody starts in between must not become a primary.

    ``pg_rewind`` removes ``standby.signal``, which the new primary does not have; and where the server crashed, its
    recovery refuses to begin while the file is there.
    """
    if not dry_run:
        client.limit_statements(seconds)
        client.rows("CHECKPOINT")  # before PostgreSQL 17, only that tells pg_rewind the timeline
    with program_login(login) as given:
        environment = dict(given.environment)
        command = [*program, "--target-pgdata", directory, "--source-server", "dbname=" + _quoted(login.login_db)]
        signal = os.path.join(directory, STANDBY_SIGNAL)
        try:
            if dry_run:
                command.append("--dry-run")
            elif os.path.lexists(signal):
                os.unlink(signal)
            run_program(
                command,
                environment,
                given.descriptors,
                subprocess.DEVNULL,
                time.monotonic() + seconds,
                login.login_password,
                _advice,
            )
        finally:
            if not dry_run:
                fence(directory)


def _quoted(value: str) -> str:
    return "'{0}'".format(value.replace("\\", "\\\\").replace("'", "\\'"))


def _advice(said: str, code: Optional[int]) -> str:
    if "wal_log_hints" in said or "checksums" in said:
        return "pg_rewind needs data checksums or wal_log_hints: make the standby anew with pg_basebackup."
    if "could not find" in said or "could not open file" in said or "could not read WAL" in said:
        return (
            "WAL that it needs is gone: put it back from the archive into pg_wal, or make the standby anew with "
            "pg_basebackup, into another directory."
        )
    return "It is fenced and takes no writes. Make the standby anew with pg_basebackup, into another directory."


def follow(directory: str, settings: str) -> None:
    fence(directory)
    with open(os.path.join(directory, "postgresql.auto.conf"), "a", encoding="utf-8") as file:
        file.write("\n" + settings)
        file.flush()
        os.fsync(file.fileno())
