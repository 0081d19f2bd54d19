# SPDX-License-Identifier: GPL-3.0-or-later
"""vacuum_analyze on tables that were really neglected, locked, held back and interrupted."""

from __future__ import annotations

import signal

import pytest

from demo.embedded.postgres import PostgresServer
from tests.support.modules import module_result, run_module, start_module
from tests.support.statistics import change, make_table, vacuum_table
from tests.support.waiting import until

# Other tests change the catalogs that all databases of a server share, which a run may then well find in need.
SHARED = ["pg_catalog.pg_database", "pg_catalog.pg_auth*", "pg_catalog.pg_sh*", "pg_catalog.pg_db_role_setting"]


def vacuum(**options):
    return run_module("vacuum_analyze", **{"exclude": SHARED, **options})


def steps(result, part):
    return {step["subject"]: step for step in result[part]}


def test_only_the_tables_in_need_are_vacuumed_and_a_second_run_does_nothing(database):
    make_table(database, "quiet")
    make_table(database, "orders")
    make_table(database, "loaded", maintained=False)
    change(database, "DELETE FROM orders WHERE id % 2 = 0")

    planned = vacuum(check_mode=True, **database.login)
    assert planned["changed"] and not planned["done"]
    assert [step["subject"] for step in planned["plan"]] == ["public.orders", "public.loaded"]

    result = vacuum(**database.login)
    assert not result["failed"], result
    assert result["plan"] == planned["plan"] and result["remaining"] == []
    orders = steps(result, "done")["public.orders"]
    assert (orders["action"], orders["need"]) == ("vacuum_analyze", "dead_rows")
    assert (orders["dead_rows_before"], orders["dead_rows_after"]) == (10000, 0)
    assert steps(result, "done")["public.loaded"]["need"] == "inserted_rows"
    assert result["changed"]

    again = vacuum(**database.login)
    assert (again["changed"], again["plan"], again["done"], again["remaining"]) == (False, [], [], [])


def test_a_fresh_database_needs_nothing(database):
    result = vacuum(**database.login)
    assert (result["failed"], result["changed"], result["plan"], result["remaining"]) == (False, False, [], [])
    assert result["msg"] == "No table needs it."


def test_check_mode_touches_nothing(database):
    make_table(database, "orders", maintained=False)
    counters = "SELECT vacuum_count, analyze_count, n_dead_tup, n_mod_since_analyze FROM pg_stat_user_tables"
    before = database.execute(counters)
    assert vacuum(check_mode=True, **database.login)["plan"]
    assert database.execute(counters) == before


def test_statistics_alone_are_analyzed_and_not_vacuumed(database):
    make_table(database, "orders", rows=2000)
    change(database, "UPDATE orders SET number = 0 WHERE id <= 400")
    result = vacuum(**database.login)
    assert [(step["subject"], step["action"], step["need"]) for step in result["done"]] == [
        ("public.orders", "analyze", "statistics")
    ]
    assert database.value("SELECT n_mod_since_analyze FROM pg_stat_user_tables") == 0


def test_small_changes_are_left_alone(database):
    make_table(database, "orders")
    make_table(database, "tiny", rows=40)
    change(database, "UPDATE orders SET number = 0 WHERE id <= 900")
    change(database, "DELETE FROM tiny WHERE id > 5")
    assert vacuum(**database.login)["plan"] == []


def test_a_locked_table_is_left_with_the_name_of_who_locks_it(database):
    make_table(database, "orders")
    make_table(database, "sessions")
    for name in ("orders", "sessions"):
        change(database, f"DELETE FROM {name} WHERE id % 2 = 0")
    blocker = database.session(autocommit=False, application_name="nightly report")
    blocker.cursor().execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")

    for how in ({"skip_locked": True}, {"skip_locked": False, "lock_timeout": 0.2}):
        result = vacuum(**how, **database.login)
        assert not result["failed"], result
        [left] = result["remaining"]
        assert (left["subject"], left["cause"], left["need"]) == ("public.orders", "locked", "dead_rows")
        assert f"process {blocker.info.backend_pid} (nightly report, postgres, AccessExclusiveLock" in left["reason"]
        assert left["plan_reason"].startswith("10 000 dead rows (50 %)")
        assert "public.orders" not in steps(result, "done")
    blocker.rollback()
    assert [step["subject"] for step in vacuum(**database.login)["done"]] == ["public.orders"]


def test_nothing_is_begun_that_the_budget_does_not_allow(database):
    make_table(database, "big", rows=100000, maintained=False)
    make_table(database, "small", rows=2000, maintained=False)
    # Twenty milliseconds a page: half a minute for the one, less than a second for the other.
    slow = {"cost_delay": 100, "cost_limit": 100}
    estimates = steps(vacuum(check_mode=True, **slow, **database.login), "plan")
    assert estimates["public.big"]["estimated_seconds"] > 15 > 5 > estimates["public.small"]["estimated_seconds"]

    result = vacuum(time_budget=15, **slow, **database.login)
    [left] = result["remaining"]
    assert (left["subject"], left["cause"]) == ("public.big", "budget")
    assert "It would take about" in left["reason"]
    assert list(steps(result, "done")) == ["public.small"]
    assert database.value("SELECT vacuum_count FROM pg_stat_user_tables WHERE relname = 'big'") == 0
    assert list(steps(vacuum(**database.login), "done")) == ["public.big"]


SLOW = {"cost_delay": 100, "cost_limit": 1, "jobs": 1}


@pytest.mark.parametrize("limit", ["statement_timeout", "time_budget"])
def test_a_statement_that_takes_longer_than_its_limit_is_ended(database, limit):
    make_table(database, "orders", rows=50000)
    change(database, "UPDATE orders SET number = 0")
    slow, blocker = dict(SLOW), database.session(autocommit=False)
    if limit == "time_budget":
        # The estimate fits into the budget; waiting for the lock, which no estimate knows of, does not.
        blocker.cursor().execute("LOCK TABLE orders IN SHARE UPDATE EXCLUSIVE MODE")
        slow = {"jobs": 1, "skip_locked": False, "lock_timeout": 60}
    # Of the budget enough has to be left for the estimate once the tables have been looked at.
    result = vacuum(**{limit: 1.0 if limit == "statement_timeout" else 5.0}, **slow, **database.login)
    blocker.rollback()
    assert not result["failed"], result
    [left] = result["remaining"]
    assert (left["subject"], left["cause"], result["done"]) == ("public.orders", "timeout", [])
    assert "its limit" in left["reason"]
    assert [step["subject"] for step in vacuum(**database.login)["done"]] == ["public.orders"]


def test_wraparound_comes_before_dead_rows_before_statistics(database):
    make_table(database, "stale", rows=2000)
    make_table(database, "dead")
    change(database, "UPDATE stale SET number = 0 WHERE id <= 400")
    change(database, "DELETE FROM dead WHERE id % 2 = 0")
    database.execute("CREATE TABLE old AS SELECT 1 AS id")
    age = "SELECT age(relfrozenxid) FROM pg_class WHERE relname = 'old'"
    while database.value(age) < 3000:
        database.execute("DO 'BEGIN FOR i IN 1..500 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END'")
    limit = database.value(age) * 100.0 / 200_000_000 * 0.9
    options = {"thresholds": {"wraparound_percent": limit}, "include": ["public.*"], "jobs": 1}

    result = vacuum(**options, **database.login)
    assert not result["failed"], result
    needs = [step["need"] for step in result["plan"]]
    assert needs == sorted(needs, key=["wraparound", "dead_rows", "inserted_rows", "statistics"].index)
    assert steps(result, "plan")["public.old"]["need"] == "wraparound"
    old = steps(result, "done")["public.old"]
    assert old["freeze"] and old["xid_age_before"] >= 3000 and old["xid_age_after"] < 3000
    assert vacuum(**options, **database.login)["plan"] == []


@pytest.mark.parametrize("kind", ["session", "prepared transaction"])
def test_rows_that_an_old_transaction_still_sees_are_named_with_it_and_not_vacuumed_forever(database, kind):
    make_table(database, "orders")
    holder = database.session(autocommit=False, application_name="forgotten psql")
    holder.set_session(isolation_level="REPEATABLE READ")
    holder.cursor().execute("CREATE TABLE mine ()")
    if kind == "prepared transaction":
        holder.cursor().execute("PREPARE TRANSACTION 'forgotten two-phase'")
    change(database, "DELETE FROM orders WHERE id % 2 = 0")
    try:
        first = vacuum(include=["public.orders"], **database.login)
        [done] = first["done"]
        assert done["dead_rows_after"] == 10000
        assert "cannot be removed" in done["held_back"] and "forgotten" in done["held_back"]

        second = vacuum(include=["public.orders"], **database.login)
        assert (second["changed"], second["plan"], second["done"]) == (False, [], [])
        [left] = second["remaining"]
        assert (left["subject"], left["cause"]) == ("public.orders", "held_back")
        [culprit] = [holder for holder in second["held_back"] if holder["kind"] == kind]
        assert "forgotten" in culprit["name"] + culprit["application_name"]
    finally:
        holder.rollback() if kind == "session" else database.execute("ROLLBACK PREPARED 'forgotten two-phase'")
    third = vacuum(include=["public.orders"], **database.login)
    assert third["done"][0]["dead_rows_after"] == 0 and third["held_back"] == []
    assert vacuum(include=["public.orders"], **database.login)["plan"] == []


def test_a_role_plans_only_what_it_may_do(database, postgres):
    database.execute("DROP ROLE IF EXISTS worker; CREATE ROLE worker LOGIN PASSWORD 'worker-secret'")
    make_table(database, "theirs", maintained=False)
    make_table(database, "own", maintained=False)
    database.execute("ALTER TABLE own OWNER TO worker")
    login = dict(database.login, login_user="worker", login_password="worker-secret")
    try:
        result = vacuum(**login)
        assert not result["failed"], result
        assert [step["subject"] for step in result["done"]] == ["public.own"]
        assert [(step["subject"], step["cause"]) for step in result["remaining"]] == [("public.theirs", "rights")]
        if database.value("SELECT current_setting('server_version_num')::int") >= 170000:
            database.execute("GRANT MAINTAIN ON theirs TO worker")
            assert [step["subject"] for step in vacuum(**login)["done"]] == ["public.theirs"]
            assert vacuum(**login)["remaining"] == []
        assert "worker-secret" not in str(result)
    finally:
        database.execute("DROP OWNED BY worker; DROP ROLE worker")


HOSTILE = ['qu"ote', "per%cent %s {0}", "new\nline", "tab\tle; DROP TABLE x --", "ünïcødé\u202e", "a.b", "x" * 63]


def test_hostile_names_are_only_names(database):
    for name in HOSTILE:
        make_table(database, '"' + name.replace('"', '""') + '"', rows=100, maintained=False)
    result = vacuum(include=["public.*"], **database.login)
    assert not result["failed"], result
    assert len(result["done"]) == len(HOSTILE) and result["remaining"] == []
    for step in result["done"]:
        assert step["subject"].isprintable()
    assert vacuum(**database.login)["plan"] == []


def test_partitions_are_vacuumed_and_the_partitioned_table_is_analyzed(database):
    database.execute("CREATE TABLE events (id int, day int) PARTITION BY RANGE (day)")
    database.execute("CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (10)")
    database.execute("CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (10) TO (20) PARTITION BY LIST (id)")
    database.execute("CREATE TABLE events_2_rest PARTITION OF events_2 DEFAULT")
    change(database, "INSERT INTO events SELECT i, i % 20 FROM generate_series(1, 4000) i")
    first = vacuum(**database.login)
    assert not first["failed"], first
    assert {"public.events_1", "public.events_2_rest", "public.events"} <= set(steps(first, "done"))
    assert database.value("SELECT count(*) FROM pg_stats WHERE tablename = 'events' AND inherited") == 2
    assert database.value("SELECT count(*) FROM pg_stats WHERE tablename = 'events_1' AND NOT inherited") == 2
    assert vacuum(**database.login)["plan"] == []

    change(database, "UPDATE events SET id = id + 1 WHERE day < 10")
    second = vacuum(**database.login)
    assert "public.events_1" in steps(second, "done") and "public.events" in steps(second, "done")
    assert vacuum(**database.login)["plan"] == []


def test_dead_rows_of_toast_tables_and_materialized_views_count(database):
    database.execute("CREATE TABLE documents (id int PRIMARY KEY, body text)")
    database.execute("ALTER TABLE documents ALTER body SET STORAGE EXTERNAL")
    change(database, "INSERT INTO documents SELECT i, repeat('x', 20000) FROM generate_series(1, 500) i")
    vacuum_table(database, "documents")
    change(database, "UPDATE documents SET body = body || 'y' WHERE id <= 200")
    database.execute("CREATE MATERIALIZED VIEW report AS SELECT generate_series(1, 5000) AS id")
    result = vacuum(thresholds={"changed_rows": 300}, **database.login)
    documents = steps(result, "done")["public.documents"]
    assert "TOAST" in documents["reason"] and documents["dead_rows_after"] == 0
    assert "public.report" in steps(result, "done")
    assert vacuum(thresholds={"changed_rows": 300}, **database.login)["plan"] == []


def test_what_the_run_itself_writes_to_the_catalogs_is_cleaned_by_it(database):
    columns = ", ".join(f"c{number} int" for number in range(400))
    for table in ("wide", "wider", "widest"):
        database.execute(f"CREATE TABLE {table} ({columns})")
        change(database, f"INSERT INTO {table} SELECT FROM generate_series(1, 200)")
        database.execute(f"ANALYZE {table}")
        change(database, f"UPDATE {table} SET c1 = 1")
    database.execute("VACUUM FULL pg_statistic")
    database.execute("VACUUM pg_statistic")
    # This session's own counters are told when it ends.
    session = database.value("SELECT pg_backend_pid()")
    database.close()
    until(lambda: not database.execute("SELECT FROM pg_stat_activity WHERE pid = %s", (session,)))
    done = steps(vacuum(**database.login), "done")
    old = database.value("SELECT current_setting('server_version_num')::int") < 150000
    if old and "pg_catalog.pg_statistic" not in done:
        # Their statistics collector mostly tells too late for the same run: another one finds the rows.
        until(lambda: vacuum(check_mode=True, **database.login)["plan"])
        done.update(steps(vacuum(**database.login), "done"))
    assert {"public.wide", "public.wider", "public.widest", "pg_catalog.pg_statistic"} <= set(done)
    if old:
        until(lambda: not vacuum(**database.login)["plan"])
    second = vacuum(**database.login)
    assert [(step["subject"], step["reason"]) for step in second["plan"]] == [] and not second["changed"]


def test_patterns_choose_and_a_pattern_without_a_table_is_a_warning(database):
    for name in ("orders", "orders_archive", "sessions"):
        make_table(database, name, rows=100, maintained=False)
    result = vacuum(include=["public.orders*", "sales.*"], exclude=["*_archive"], **database.login)
    assert [step["subject"] for step in result["done"]] == ["public.orders"]
    assert "sales.*" in str(result["warnings"])


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("jobs", 0, "jobs is 0"),
        ("lock_timeout", -1, "lock_timeout is -1"),
        ("time_budget", 0, "time_budget is 0"),
        ("maintenance_work_mem", "plenty", "maintenance_work_mem"),
        ("cost_limit", 999999, "vacuum_cost_limit"),
        ("thresholds", {"dead_rows": -5}, "dead_rows is -5"),
        ("thresholds", {"dead": 5}, "dead"),
    ],
)
def test_bad_input_gets_one_clear_message(database, option, value, says):
    make_table(database, "orders", rows=100, maintained=False)
    result = vacuum(**{option: value}, **database.login)
    assert result["failed"] and says in result["msg"]


def test_the_settings_arrive(database):
    make_table(database, "orders", rows=100, maintained=False)
    newer = database.value("SELECT current_setting('server_version_num')::int") >= 160000
    options = {"cost_delay": 1, "cost_limit": 5000, "maintenance_work_mem": "32MB", "freeze": True}
    options.update(parallel_workers=0, truncate=False, index_cleanup="on", jobs=1)
    limited = vacuum(buffer_usage_limit="512kB", **options, **database.login)
    assert limited["failed"] == (not newer)
    if newer:
        assert limited["done"]
    else:
        assert "PostgreSQL 16" in limited["msg"]
        assert vacuum(**options, **database.login)["done"]


RUNNING = """
SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'analytics.ops'
AND query LIKE 'VACUUM%' AND state = 'active'
"""
LEFT_BEHIND = """
SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid())
     + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1634693235)
"""


@pytest.fixture
def slow_run(database):
    """A run in the middle of the vacuum of two tables."""
    for name in ("orders", "sessions"):
        make_table(database, name, rows=50000)
        change(database, f"UPDATE {name} SET number = 0")
    process = start_module("vacuum_analyze", **{**SLOW, **database.login, "jobs": 2, "exclude": SHARED})
    until(lambda: len(database.execute(RUNNING)) == 2)
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("request_to_end", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda s: s.name)
def test_interrupted_or_killed_it_leaves_nothing_behind_and_can_be_run_again(database, slow_run, request_to_end):
    slow_run.send_signal(request_to_end)
    if request_to_end != signal.SIGKILL:
        result = module_result(slow_run)
        assert result["failed"] and result["msg"].startswith("Interrupted.")
    until(lambda: database.value(LEFT_BEHIND) == 0)
    assert set(steps(vacuum(**database.login), "done")) == {"public.orders", "public.sessions"}
    assert vacuum(**database.login)["plan"] == []


def test_a_second_run_at_the_same_time_is_refused_and_told_by_whom(database, slow_run):
    second = vacuum(**database.login)
    assert second["failed"]
    assert "is being maintained already, by process" in second["msg"] and "analytics.ops" in second["msg"]
    assert not vacuum(check_mode=True, **database.login)["failed"]


def test_a_lost_connection_and_a_cancelled_statement_cost_their_tables_only(database, slow_run):
    lost, cancelled = (pid for (pid,) in database.execute(RUNNING))
    database.execute("SELECT pg_terminate_backend(%s)", (lost,))
    database.execute("SELECT pg_cancel_backend(%s)", (cancelled,))
    result = module_result(slow_run)
    assert not result["failed"], result
    assert [step["cause"] for step in result["remaining"]] == ["error", "error"]
    assert result["changed"] is False


def test_a_locked_catalog_gets_one_clear_message(database):
    blocker = database.session(autocommit=False)
    blocker.cursor().execute("LOCK TABLE pg_catalog.pg_inherits IN ACCESS EXCLUSIVE MODE")
    result = vacuum(lock_timeout=0.1, **database.login)
    assert result["failed"] and "a catalog or table stays locked" in result["msg"]


def test_without_counters_there_is_nothing_to_choose_by(database):
    database.execute(f"ALTER DATABASE {database.name} SET track_counts = off")
    result = vacuum(**database.login)
    assert result["failed"] and "track_counts is off" in result["msg"]


def test_on_a_standby_there_is_nothing_to_do(database, postgres, tmp_path):
    make_table(database, "orders", maintained=False)
    standby = PostgresServer(postgres.programs, tmp_path / "standby").create_replica(postgres, slot="idle_standby")
    standby.start()
    try:
        for module in ("vacuum_analyze", "pg_reindex"):
            for check_mode in (True, False):
                result = run_module(module, check_mode=check_mode, **dict(database.login, login_port=standby.port))
                assert (result["failed"], result["changed"], result["plan"], result["done"]) == (False, False, [], [])
                assert "standby" in result["msg"]
    finally:
        standby.stop()
        database.execute("SELECT pg_drop_replication_slot('idle_standby')")
