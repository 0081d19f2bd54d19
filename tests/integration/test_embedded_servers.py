# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers that everything else is proven on are real, and go away when told to."""

from __future__ import annotations

import subprocess
import sys

import redis

from demo.embedded import process
from tests.support.modules import REPOSITORY


def test_postgres_answers_in_the_version_asked_for(database, postgres, request):
    assert database.value("SELECT current_setting('server_version_num')::int / 10000") in (14, 15, 16, 17, 18)
    assert f"pg{database.value('SHOW server_version').split('.')[0]}" in request.node.name


def test_replica_streams_from_its_primary(postgres, tmp_path):
    from demo.embedded.postgres import PostgresServer
    from tests.support.databases import Database

    replica = PostgresServer(postgres.programs, tmp_path / "replica").create_replica(postgres, slot="test_replica")
    replica.start()
    pid = replica.pid
    try:
        assert Database(replica, "postgres").value("SELECT pg_is_in_recovery()") is True
    finally:
        replica.stop()
        Database(postgres, "postgres").execute("SELECT pg_drop_replication_slot('test_replica')")
    assert not process.is_running(pid)


def test_valkey_speaks_the_redis_protocol(valkey):
    client = redis.Redis(port=valkey.port, password=valkey.password)
    assert client.info("server")["redis_version"] == "7.2.4"


ASKING = """
from demo.embedded.process import free_port
print(*(free_port() for _number in range(50)), flush=True)
input()
"""


def test_no_two_processes_are_given_the_same_port():
    """Nobody listens on any of them yet."""
    command = [sys.executable, "-c", ASKING]
    asking = [
        subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _process in range(4)
    ]
    given = [one.stdout.readline().split() for one in asking]
    for one in asking:
        one.communicate("\n")
    assert len({port for ports in given for port in ports}) == 4 * 50
