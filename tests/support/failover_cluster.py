# SPDX-License-Identifier: GPL-3.0-or-later
"""A primary and its standby that ``failover.yml`` and ``rejoin_replica.yml`` are run on."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

from demo.embedded import process
from demo.embedded.postgres import PostgresServer
from tests.support.databases import Database
from tests.support.modules import run_module
from tests.support.playbooks import PlaybookRun, play
from tests.support.stand_in_stack import Stack, postgres_command
from tests.support.versions import postgres_programs
from tests.support.waiting import until

PLAYBOOK, REJOIN = "playbooks/failover.yml", "playbooks/rejoin_replica.yml"
FOLLOWS = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn = pg_current_wal_lsn()"


class Cluster:
    """The primary on ``h1`` and its standby on ``h2``, each a service of a Compose file."""

    def __init__(self, major: int, home: Path, stack: Stack) -> None:
        self.home, self.stack = home, stack
        programs = postgres_programs(major)
        self.primary = PostgresServer(programs, home / "primary").create().start()
        self.up = Database(self.primary, "postgres")
        self.up.execute("CREATE TABLE written (number int)")
        self.standby = PostgresServer(programs, home / "standby").create_replica(self.primary, slot="standby")
        self.up.close()
        self.primary.stop()
        self.services = {
            "main": stack.service("main", postgres_command(self.primary), group="one", kind="postgresql"),
            "replica": stack.service("replica", postgres_command(self.standby), group="two", kind="postgresql"),
        }
        self.services["main"]["port"], self.services["replica"]["port"] = self.primary.port, self.standby.port
        assert run_module("service_wave", services=self.services, state="started")["status"] == "healthy"
        self.down = Database(self.standby, "postgres")
        until(lambda: self.up.value(FOLLOWS))
        self.inventory({})

    def inventory(self, first_host: dict[str, Any], **variables: Any) -> None:
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        given = {
            "analytics_ops_services": self.services,
            "analytics_ops_postgresql_login": self.down.login,
            "pg_failover_target": "h2",
            "pg_failover_primary_host": "127.0.0.1",
            "pg_failover_primary_port": self.primary.port,
            "pg_failover_repoint": [{"hosts": "two", "command": ["touch", str(self.repointed)]}],
            **variables,
        }
        groups = {"one": {"hosts": {"h1": {**here, **first_host}}}, "two": {"hosts": {"h2": here}}}
        (self.home / "hosts.json").write_text(json.dumps({"all": {"children": groups, "vars": given}}))

    @property
    def repointed(self) -> Path:
        return self.home / "repointed"

    def play(self, *arguments: str, playbook: str = PLAYBOOK) -> PlaybookRun:
        return play(self.home, "-i", self.home / "hosts.json", playbook, *arguments, COLUMNS="200")

    def rejoining(self) -> dict[str, Any]:
        """As the server's user, whom tests that run as root do not have: its interpreter sees itself as that user."""
        passfile, interpreter = self.home / "passfile", self.home / "python"
        passfile.write_text(f"*:*:*:*:{self.standby.password}\n")
        passfile.chmod(0o600)
        process.hand_over(passfile)
        interpreter.write_text(f'#!/bin/sh\nexec {shlex.join([*process.unprivileged_prefix(), sys.executable])} "$@"\n')
        interpreter.chmod(0o755)
        return {
            "ansible_python_interpreter": str(interpreter),
            "pg_rejoin_target": "h1",
            "pg_rejoin_primary": self.down.login,
            "pg_rejoin_data_directory": str(self.primary.data),
            "pg_rejoin_slot": "old",
            "pg_rejoin_passfile": str(passfile),
            "pg_rejoin_programs": str(self.primary.programs),
            "pg_rejoin_become_user": "",
        }

    def untouched(self) -> bool:
        self.up.execute("INSERT INTO written VALUES (0)")
        return self.down.value("SELECT pg_is_in_recovery()") and not self.repointed.exists()

    def close(self) -> None:
        self.up.close()
        self.down.close()
        run_module("service_wave", services=self.services, state="stopped", kill_databases=True)
        self.standby.stop()
        self.primary.stop()
