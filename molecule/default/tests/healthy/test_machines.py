# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines are what they should be: their services run and stay enabled, talk TLS, and work together."""

import json
import os

import pytest
import testinfra

MAJOR = {"debian12": "15", "debian13": "17"}[os.environ["LAB_DISTRIBUTION"]]
POSTGRESQL = f"postgresql@{MAJOR}-main"


def machine(name):
    return testinfra.get_host(f"docker://analytics-ops-default-{name}")


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("db1", POSTGRESQL),
        ("db2", POSTGRESQL),
        ("cache1", "redis-server"),
        ("app1", "analytics-api"),
        ("app1", "analytics-worker"),
        ("web1", "nginx"),
    ],
)
def test_service_runs_and_comes_back_after_a_boot(name, unit):
    service = machine(name).service(unit)
    assert service.is_running
    assert service.is_enabled


@pytest.mark.parametrize("name", ["db1", "db2", "cache1", "app1", "web1"])
def test_no_unit_has_failed(name):
    assert machine(name).check_output("systemctl list-units --failed --plain --no-legend") == ""


@pytest.mark.parametrize(
    ("name", "socket"),
    [("db1", "0.0.0.0:5432"), ("db2", "0.0.0.0:5432"), ("cache1", "0.0.0.0:6379"), ("app1", "0.0.0.0:8000")],
)
def test_listens(name, socket):
    assert machine(name).socket(f"tcp://{socket}").is_listening


def query(name, statement):
    return machine(name).check_output(f'cd / && runuser -u postgres -- psql -XAtd analytics -c "{statement}"')


def test_replica_streams_over_tls():
    connected = "SELECT state, ssl, application_name FROM pg_stat_replication JOIN pg_stat_ssl USING (pid)"
    assert query("db1", connected) == "streaming|t|db2"
    assert query("db2", "SELECT pg_is_in_recovery()") == "t"


def test_what_is_written_reaches_the_replica():
    query("db1", "CREATE TABLE IF NOT EXISTS marks (n int); INSERT INTO marks VALUES (1)")
    position = query("db1", "SELECT pg_current_wal_flush_lsn()")
    for _attempt in range(50):
        if query("db2", f"SELECT pg_last_wal_replay_lsn() >= '{position}'") == "t":
            break
    assert query("db2", "SELECT count(*) > 0 FROM marks") == "t"
    query("db1", "DROP TABLE marks")


@pytest.mark.parametrize(
    ("name", "target", "protocol"),
    [("app1", "db1:5432", "-starttls postgres"), ("app1", "cache1:6379", ""), ("app1", "web1:443", "")],
)
def test_certificate_is_valid_for_its_name(name, target, protocol):
    host = target.split(":")[0]
    options = (
        f"-connect {target} -verify_hostname {host} -CAfile /etc/lab/authority.pem -verify_return_error {protocol}"
    )
    shown = machine(name).run(f"openssl s_client {options} < /dev/null")
    assert "Verify return code: 0 (ok)" in shown.stdout


def test_plain_connections_are_refused():
    plain = "host=db1 dbname=analytics user=ops password=none sslmode=disable"
    refused = machine("app1").run(f"psql '{plain}' -c 'SELECT 1'")
    assert refused.rc != 0
    assert "no pg_hba.conf entry" in refused.stderr


def test_a_request_goes_through_the_whole_stack():
    """Edge, API, broker, worker, database and back."""
    options = "--fail --silent --show-error --max-time 20 --request POST"
    answer = machine("web1").check_output(f"curl {options} https://localhost/api/v1/reports")
    assert json.loads(answer)["report"] >= 1


if os.environ["LAB_DISTRIBUTION"] == "debian13":  # Debian 12 has no package of TimescaleDB

    def test_timescaledb_has_chunks():
        assert query("db1", "SELECT count(*) > 1 FROM timescaledb_information.chunks") == "t"
