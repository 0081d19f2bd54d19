# SPDX-License-Identifier: GPL-3.0-or-later
"""pg_reindex on indexes that were really bloated, broken, locked and interrupted."""

from __future__ import annotations

import contextlib
import signal

import psycopg2
import pytest

from tests.support.modules import module_result, run_module, start_module
from tests.support.statistics import change, make_table, vacuum_table
from tests.support.waiting import until

SMALL = {"thresholds": {"bloat_percent": 30, "bloat_bytes": 65536}}
INVALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid ORDER BY 1"
JOURNALS = "SELECT count(*) FROM pg_largeobject_metadata"


def make_bloat(database, name="orders", rows=40000):
    """Three B-trees of which four fifths are empty: unique numbers, few values, texts."""
    make_table(database, name, rows=rows)
    for column in ("number", "note"):
        database.execute(f"CREATE INDEX {name}_{column} ON {name} ({column})")
    change(database, f"DELETE FROM {name} WHERE id % 5 <> 0")
    vacuum_table(database, name)


def make_invalid(database, name="orders_twice"):
    """What a person's failed CREATE UNIQUE INDEX CONCURRENTLY leaves."""
    with pytest.raises(psycopg2.errors.UniqueViolation):
        database.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON orders (number)")


def fail_to_rebuild(database, index):
    """A REINDEX CONCURRENTLY that somebody else gives up while it waits: an invalid _ccnew is left."""
    holder = database.session(autocommit=False)
    holder.cursor().execute("UPDATE orders SET number = number WHERE id = 5")
    rebuilder = database.session()
    with pytest.raises(psycopg2.errors.LockNotAvailable):
        rebuilder.cursor().execute("SET lock_timeout = 200")
        rebuilder.cursor().execute(f"REINDEX INDEX CONCURRENTLY {index}")
    holder.rollback()
    rebuilder.close()
    assert database.execute(INVALID) == [(index + "_ccnew",)]


def steps(result, part):
    return {step["subject"]: step for step in result[part]}


def reindex(database, **options):
    result = run_module("pg_reindex", **{**SMALL, **options}, **database.login)
    assert not result["failed"], result
    return result


@pytest.mark.parametrize("exact", ["never", "required"])
def test_bloated_indexes_are_rebuilt_and_a_second_run_does_nothing(database, exact):
    if exact == "required":
        database.execute("CREATE EXTENSION pgstattuple")
    make_bloat(database)
    make_table(database, "healthy")
    planned = reindex(database, exact=exact, check_mode=True)
    assert planned["changed"] and planned["done"] == []
    assert set(steps(planned, "plan")) == {"public.orders_pkey", "public.orders_number", "public.orders_note"}
    assert {step["measured"] for step in planned["plan"]} == {exact == "required"}

    result = reindex(database, exact=exact, jobs=2)
    assert set(steps(result, "done")) == set(steps(planned, "plan")) and result["remaining"] == []
    for step in result["done"]:
        assert step["size_bytes_after"] < 0.3 * step["size_bytes_before"]
    assert database.execute(INVALID) == [] and database.value(JOURNALS) == 0

    again = reindex(database, exact=exact)
    assert (again["changed"], again["plan"], again["done"], again["remaining"]) == (False, [], [], [])


def test_a_fresh_database_needs_nothing(database):
    result = reindex(database)
    assert (result["changed"], result["plan"], result["remaining"]) == (False, [], [])


# Definitions whose estimate is the hardest; whatever it says, what has just been built must not be chosen.
FRESH = [
    "(number)",
    "(note)",
    "(number, note)",
    "(lower(note))",
    "(number) WHERE number < 3",
    "(id) WITH (fillfactor = 50)",
    "(number) INCLUDE (note)",
    "((id::numeric))",
    "(gap)",
    "((id / 7))",
    "(wide)",
    "(number) WITH (deduplicate_items = off)",
    "(moment, number)",
]


def test_no_fresh_index_looks_bloated_whatever_its_definition(database):
    make_table(database, "orders", rows=60000)
    database.execute("ALTER TABLE orders ADD gap int, ADD wide text, ADD moment timestamptz")
    change(
        database,
        "UPDATE orders SET gap = CASE WHEN id % 3 = 0 THEN id END, wide = repeat(md5(id::text), (id % 9)::int),"
        " moment = now() + (id / 50) * interval '1 minute'",
    )
    database.execute("VACUUM FULL orders")
    for definition in FRESH:
        database.execute(f"CREATE INDEX ON orders {definition}")
    database.execute("ANALYZE orders")
    smallest = {"thresholds": {"bloat_percent": 10, "bloat_bytes": 1}}
    assert reindex(database, **smallest, exact="never", include=["public.orders"])["plan"] == []


def test_an_estimate_that_is_wrong_is_corrected_by_measuring(database):
    database.execute("CREATE EXTENSION pgstattuple")
    make_table(database, "orders")
    database.execute("CREATE INDEX orders_note ON orders (note)")
    # ANALYZE saw short texts; the table was filled with others since, and its counters were lost.
    change(database, "UPDATE orders SET note = repeat('x', 40) || id")
    database.execute("VACUUM FULL orders")

    def chosen():
        database.execute("SELECT pg_stat_reset()")  # again and again: before version 15 counters arrive late
        return [step["subject"] for step in reindex(database, exact="never", check_mode=True)["plan"]]

    until(lambda: chosen() == ["public.orders_note"])
    assert reindex(database, check_mode=True)["plan"] == []


def test_required_measuring_fails_where_it_is_impossible(database):
    make_bloat(database)
    result = run_module("pg_reindex", exact="required", **SMALL, **database.login)
    assert result["failed"] and "CREATE EXTENSION pgstattuple" in result["msg"]


def test_an_invalid_index_is_rebuilt_once_its_duplicates_are_gone_and_never_dropped(database):
    make_table(database, "orders", rows=500)
    make_invalid(database)
    failing = reindex(database)
    [left] = failing["remaining"]
    assert (left["subject"], left["cause"]) == ("public.orders_twice", "error")
    assert (failing["changed"], failing["done"]) == (False, [])
    # The attempt's own leftover is gone, the person's index is still there.
    assert database.execute(INVALID) == [("orders_twice",)] and database.value(JOURNALS) == 0

    assert [left["cause"] for left in reindex(database, rebuild_invalid=False)["remaining"]] == ["foreign"]
    database.execute("DELETE FROM orders WHERE id > 100")
    assert [step["need"] for step in reindex(database)["done"]] == ["invalid"]
    assert database.execute(INVALID) == []
    assert reindex(database)["plan"] == []


def test_leftovers_of_others_are_left_alone_unless_asked_for(database):
    make_table(database, "orders", rows=500)
    fail_to_rebuild(database, "orders_pkey")
    for options in ({}, {"rebuild_invalid": True}):
        result = reindex(database, **options)
        assert [(left["subject"], left["cause"]) for left in result["remaining"]] == [
            ("public.orders_pkey_ccnew", "foreign")
        ]
        assert not result["changed"] and database.execute(INVALID) == [("orders_pkey_ccnew",)]
    dropped = reindex(database, leftovers="all")
    assert [(step["action"], step["size_bytes_after"]) for step in dropped["done"]] == [("drop", 0)]
    assert database.execute(INVALID) == []
    assert reindex(database, leftovers="all")["plan"] == []


def test_a_leftover_without_a_valid_twin_is_never_dropped(database):
    make_table(database, "orders", rows=500)
    make_invalid(database, "orders_number_ccnew")
    database.execute("CREATE INDEX orders_number ON orders (number)")  # not unique: another definition
    result = reindex(database, leftovers="all")
    assert [left["cause"] for left in result["remaining"]] == ["foreign"]
    assert database.execute(INVALID) == [("orders_number_ccnew",)]


def test_a_locked_table_is_left_with_the_name_of_who_locks_it(database):
    make_bloat(database)
    blocker = database.session(autocommit=False, application_name="migration")
    blocker.cursor().execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
    for concurrently in (True, False):
        result = reindex(database, lock_timeout=0.2, concurrently=concurrently, exact="never")
        assert {left["cause"] for left in result["remaining"]} == {"locked"} and len(result["remaining"]) == 3
        assert "(migration, postgres, AccessExclusiveLock" in result["remaining"][0]["reason"]
        assert result["done"] == []
    assert database.execute(INVALID) == []


def test_an_old_transaction_makes_a_rebuild_wait_for_another_time(database):
    make_bloat(database)
    holder = database.session(autocommit=False, application_name="forgotten psql")
    holder.cursor().execute("SELECT count(*) FROM orders")
    holder.cursor().execute("SELECT pg_current_xact_id()")
    age = "SELECT now() - xact_start > '0.3 s' FROM pg_stat_activity WHERE application_name = 'forgotten psql'"
    until(lambda: database.value(age))
    result = reindex(database, max_transaction_age=0.3)
    assert {left["cause"] for left in result["remaining"]} == {"busy"}
    assert "forgotten psql" in result["remaining"][0]["reason"]
    assert result["done"] == [] and database.execute(INVALID) == []

    # Younger than the limit at the beginning, but it does not end: given up after the limit. What that leaves cannot
    # be dropped as long as the transaction lives; the next run knows it as ours.
    result = reindex(database, max_transaction_age=3, include=["public.orders_pkey"])
    assert {left["cause"] for left in result["remaining"]} <= {"locked", "busy", "leftover"} and result["done"] == []
    left_behind = database.execute(INVALID)
    assert ("leftover" in {left["cause"] for left in result["remaining"]}) == (left_behind != [])
    assert database.value(JOURNALS) == len(left_behind)
    holder.rollback()
    after = [step["action"] for step in reindex(database)["done"]]
    assert after.count("drop") == len(left_behind) and after.count("reindex") >= 2
    assert database.execute(INVALID) == [] and database.value(JOURNALS) == 0


def test_nothing_is_begun_that_the_budget_does_not_allow(database):
    make_bloat(database)
    result = reindex(database, time_budget=0.01, exact="never")
    assert {left["cause"] for left in result["remaining"]} == {"budget"} and result["done"] == []
    assert "It would take about" in result["remaining"][0]["reason"]
    assert database.value(JOURNALS) == 0
    assert len(reindex(database, time_budget=600)["done"]) == 3


def test_indexes_beyond_the_allowed_size_and_of_others_are_left(database):
    make_bloat(database)
    assert {left["cause"] for left in reindex(database, max_index_size=1000)["remaining"]} == {"size"}
    database.execute("DROP ROLE IF EXISTS visitor; CREATE ROLE visitor LOGIN PASSWORD 'visitor-secret'")
    database.execute("GRANT SELECT ON orders TO visitor")
    try:
        login = dict(database.login, login_user="visitor", login_password="visitor-secret")
        result = run_module("pg_reindex", **SMALL, **login)
        assert not result["failed"], result
        assert {left["cause"] for left in result["remaining"]} == {"rights"} and result["plan"] == []
    finally:
        database.execute("DROP OWNED BY visitor; DROP ROLE visitor")


def test_stale_statistics_are_no_ground_to_rebuild(database):
    make_table(database, "orders", rows=40000)
    change(database, "DELETE FROM orders WHERE id % 5 <> 0")
    vacuum_table(database, "orders", "ANALYZE off")
    assert [left["cause"] for left in reindex(database, exact="never")["remaining"]] == ["stale"]
    database.execute("ANALYZE orders")
    until(lambda: reindex(database, exact="never")["done"])  # before version 15 the server's counters arrive late


def test_an_exclusion_constraint_is_rebuilt_only_with_a_lock(database):
    make_table(database, "orders", rows=500)
    database.execute("CREATE TABLE rooms (room int, EXCLUDE USING btree (room WITH =))")
    change(database, "INSERT INTO rooms SELECT i FROM generate_series(1, 40000) i")
    change(database, "DELETE FROM rooms WHERE room % 5 <> 0")
    vacuum_table(database, "rooms")
    assert [left["cause"] for left in reindex(database)["remaining"]] == ["unsupported"]
    assert len(reindex(database, concurrently=False)["done"]) == 1
    assert reindex(database)["remaining"] == []


def test_hostile_names_partitions_and_toast_are_rebuilt(database):
    hostile = ['qu"ote %s {0}', "new\nline", "x" * 63]
    for name in hostile:
        quoted = '"' + name.replace('"', '""') + '"'
        database.execute(f"CREATE TABLE {quoted} (id bigint)")
        change(database, f"INSERT INTO {quoted} SELECT generate_series(1, 40000)")
        database.execute(f'CREATE INDEX {quoted[:-2]}i" ON {quoted} (id)')
        change(database, f"DELETE FROM {quoted} WHERE id % 5 <> 0")
        vacuum_table(database, quoted)
    database.execute("CREATE TABLE events (id int PRIMARY KEY) PARTITION BY RANGE (id)")
    database.execute("CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (1000000)")
    change(database, "INSERT INTO events SELECT generate_series(1, 40000)")
    change(database, "DELETE FROM events WHERE id % 5 <> 0")
    database.execute(
        "CREATE TABLE documents (id int, body text); ALTER TABLE documents ALTER body SET STORAGE EXTERNAL"
    )
    change(database, "INSERT INTO documents SELECT i, repeat('x', 100000) FROM generate_series(1, 500) i")
    change(database, "DELETE FROM documents WHERE id % 5 <> 0")
    vacuum_table(database, "events_1")
    vacuum_table(database, "documents")
    result = reindex(database)
    assert result["remaining"] == [], result["remaining"]
    done = steps(result, "done")
    assert len(done) == len(hostile) + 2 and "public.events_1_pkey" in done
    assert any(subject.startswith("pg_toast.pg_toast_") for subject in done)
    assert all(subject.isprintable() for subject in done)
    assert reindex(database)["plan"] == []


REBUILDING = """
SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'REINDEX%' AND state = 'active'
AND wait_event_type = 'Lock'
"""
LEFT_BEHIND = """
SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'analytics.ops')
     + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1634693235)
"""


@pytest.fixture
def waiting_run(database):
    """A run in the middle of a rebuild, which waits for a transaction; and that transaction."""
    make_bloat(database)
    holder = database.session(autocommit=False)
    holder.cursor().execute("UPDATE orders SET number = number WHERE id = 5")
    process = start_module("pg_reindex", **SMALL, **database.login)
    until(lambda: database.execute(REBUILDING))
    assert database.execute(INVALID) != []
    yield process, holder
    process.kill()
    process.communicate()


@pytest.mark.parametrize("request_to_end", [signal.SIGTERM, signal.SIGKILL], ids=lambda s: s.name)
def test_interrupted_or_killed_it_leaves_nothing_that_the_next_run_does_not_remove(
    database, waiting_run, request_to_end
):
    process, holder = waiting_run
    process.send_signal(request_to_end)
    if request_to_end == signal.SIGTERM:
        # Not before the rebuild has been taken back: it could still be finished otherwise.
        until(lambda: database.execute(REBUILDING) == [])
        holder.rollback()
        result = module_result(process)
        assert result["failed"] and result["msg"].startswith("Interrupted.")
        assert database.execute(INVALID) == [] and database.value(JOURNALS) == 0
    until(lambda: database.value(LEFT_BEHIND) == 0)
    holder.rollback()
    if request_to_end == signal.SIGKILL:
        [(leftover,)] = database.execute(INVALID)
        planned = reindex(database, check_mode=True)
        assert steps(planned, "plan")["public." + leftover]["action"] == "drop"
    assert len([step for step in reindex(database)["done"] if step["action"] == "reindex"]) == 3
    assert database.execute(INVALID) == [] and database.value(JOURNALS) == 0
    assert reindex(database)["plan"] == []


def test_what_another_person_left_during_a_killed_run_is_still_not_ours(database, waiting_run):
    process, holder = waiting_run
    process.kill()
    until(lambda: database.value(LEFT_BEHIND) == 0)
    holder.rollback()
    make_table(database, "theirs", rows=10)
    with contextlib.suppress(psycopg2.errors.UniqueViolation):
        database.execute("INSERT INTO theirs VALUES (11, 1, 'x')")
        database.execute("CREATE UNIQUE INDEX CONCURRENTLY theirs_ccnew ON theirs ((1))")
    result = reindex(database)
    assert ("public.theirs_ccnew", "foreign") in [(left["subject"], left["cause"]) for left in result["remaining"]]
    assert database.execute(INVALID) == [("theirs_ccnew",)]


def test_vacuum_and_reindex_do_not_work_on_a_database_at_the_same_time(database, waiting_run):
    for module in ("vacuum_analyze", "pg_reindex"):
        second = run_module(module, **database.login)
        assert second["failed"] and "is being maintained already, by process" in second["msg"]
    waiting_run[1].rollback()
    assert len(module_result(waiting_run[0])["done"]) == 3


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("jobs", 0, "jobs is 0"),
        ("max_transaction_age", 0, "max_transaction_age is 0"),
        ("maintenance_work_mem", "plenty", "maintenance_work_mem"),
        ("thresholds", {"bloat_percent": -5}, "bloat_percent is -5"),
        ("exact", "perhaps", "exact"),
    ],
)
def test_bad_input_gets_one_clear_message(database, option, value, says):
    make_bloat(database, rows=20000)
    result = run_module("pg_reindex", **{**SMALL, option: value}, **database.login)
    assert result["failed"] and says in result["msg"]
    assert database.value(JOURNALS) == 0


def test_a_pattern_without_an_index_is_a_warning_and_one_for_a_small_table_is_not(database):
    make_bloat(database)
    make_table(database, "small", rows=10)
    result = reindex(database, include=["public.small", "public.order_*"], check_mode=True)
    assert result["plan"] == []
    assert "public.order_*" in str(result["warnings"]) and "public.small" not in str(result["warnings"])
    assert len(reindex(database, include=["public.orders_n*"], check_mode=True)["plan"]) == 2
