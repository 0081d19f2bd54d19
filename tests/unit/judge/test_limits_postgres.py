# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL's checks where they turn, and that what is passed over does not hide what comes after it."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.bloat import Bloat
from ansible_collections.analytics.ops.plugins.module_utils._judge.postgres_bloat import estimates
from ansible_collections.analytics.ops.plugins.module_utils._judge.postgres_measurements import measurements
from ansible_collections.analytics.ops.plugins.module_utils._judge.rows import Row

from tests.support.postgres_rows import SERVER, after, answers, database, run
from tests.unit.judge.test_postgres_bloat import HIDDEN, relation
from tests.unit.judge.test_postgres_indexes import sequence
from tests.unit.judge.test_postgres_replication import replica, slot
from tests.unit.judge.test_postgres_sessions import session, waiter

MEGABYTE = 1024 * 1024
WEEK = 604800.0


@pytest.mark.parametrize(
    ("check", "counter"),
    [("deadlocks", "deadlocks"), ("temporary_files", "temporary_bytes"), ("recovery_conflicts", "conflicts")],
)
def test_a_database_without_an_earlier_figure_does_not_hide_the_next(check, counter):
    interval = after(60, **{f"pg__database__shop__{counter}": 10**12})
    found = answers(check, databases=[database(name="new"), database()], interval=interval, standby=Row())
    assert [f.subject for f in found] == ["shop"]


@pytest.mark.parametrize(
    ("check", "busy"), [("rollbacks", {"rollbacks": 9000}), ("cache_hit", {"blocks_read": 9000000})]
)
def test_a_database_that_nobody_uses_does_not_hide_the_next(check, busy):
    found = run(check, databases=[database(name="idle"), database(**busy)])
    assert [f.subject for f in found] == ["shop"]
    assert [f.value for f in answers(check, databases=[database(**dict.fromkeys(busy, 1))])] == [
        100.0 if check == "rollbacks" else 0.0
    ]


@pytest.mark.parametrize(("seconds", "told"), [(60, "in the last 1 min"), (7200, "in the last 2 h")])
def test_the_time_of_a_rate_is_told(seconds, told):
    interval = after(seconds, pg__database__shop__conflicts=9999, pg__database__shop__deadlocks=9999)
    for check in ("deadlocks", "recovery_conflicts"):
        (found,) = run(check, databases=[database()], interval=interval, standby=Row())
        assert told in found.message
        assert "9 999 " in found.message or "9999 " in found.message


@pytest.mark.parametrize(("length", "alignment", "pages"), [(1, "c", 37), (2, "s", 37), (4, "i", 37), (8, "d", 37)])
def test_alignments_of_one_column(length, alignment, pages):
    """24 of header, at most 8 of value and 4 of line pointer: 226 rows on a page, 8 168 // 36."""
    part = relation(columns=[[length, alignment, None, None, None]], rows=226.0 * pages, fillfactor=100)
    ((_part, bloat),) = estimates([part], True)
    assert bloat.fresh_bytes == pages * 8192


@pytest.mark.parametrize(("alignment", "length", "width"), [("c", 11, 16), ("s", 10, 16), ("i", 12, 16), ("d", 8, 16)])
def test_alignments_after_a_byte(alignment, length, width):
    """A byte, then what begins at a multiple of 1, 2, 4 and 8: 24 + width + 4 bytes a row, the width rounded to 8."""
    per_page = 8168 // (24 + width + 4)
    part = relation(columns=[[1, "c", None, None, None], [length, alignment, None, None, None]], fillfactor=100)
    for rows, pages in ((per_page, 1), (per_page + 1, 2)):
        ((_part, bloat),) = estimates([part.but(rows=float(rows))], True)
        assert bloat.fresh_bytes == pages * 8192


@pytest.mark.parametrize(
    ("alignment", "length"), [("c", 15), ("s", 14), ("i", 12), ("d", 8)], ids=["1 + 15", "2 + 14", "4 + 12", "8 + 8"]
)
def test_the_largest_value_that_fits_behind_a_byte(alignment, length):
    def pages(more):
        columns = [[1, "c", None, None, None], [length + more, alignment, None, None, None]]
        ((_part, bloat),) = estimates([relation(columns=columns, rows=185.0, fillfactor=100)], True)
        return bloat.fresh_bytes // 8192

    assert (pages(0), pages(1)) == (1, 2)


@pytest.mark.parametrize(("size", "found"), [(100 * MEGABYTE, 1), (100 * MEGABYTE - 1, 0)])
def test_what_is_hidden_matters_from_the_floor_on(size, found):
    told = run("table_bloat", table_bloat=[relation(**{**HIDDEN, "bytes": size})])
    assert len(told) == found


def test_how_much_bloat_is_told_to_a_tenth():
    part = relation(measured=Bloat(600 * MEGABYTE, 400 * MEGABYTE))
    (found,) = run("table_bloat", table_bloat=[part])
    assert "(33.3 %) is empty" in found.message


def test_a_duplicate_of_no_size_is_one():
    copies = [Row(name=name, bytes=0, constraint=None) for name in ("kept", "one", "two")]
    found = run("duplicate_indexes", duplicate_indexes=[Row(table="t", indexes=copies)])
    assert [(f.subject, f.severity) for f in found] == [("one", "warning"), ("two", "warning")]


@pytest.mark.parametrize(
    ("fields", "value", "left"),
    [
        ({"last_value": 1}, 0.1, 999),
        ({"minimum": 0, "maximum": 999, "last_value": 899}, 90.0, 100),
        ({"increment": -1, "minimum": -1000, "maximum": -1, "last_value": -1}, 0.1, 999),
        ({"increment": -1, "minimum": -1000, "maximum": -1, "last_value": -1000}, 100.0, 0),
        ({"increment": -1, "minimum": -2000, "maximum": 0, "last_value": -900, "column_maximum": 999}, 90.01, 100),
        ({"increment": 3, "last_value": 900}, 90.0, 33),
    ],
)
def test_numbers_of_a_sequence(fields, value, left):
    (found,) = answers("sequences", sequences=[sequence(**fields)])
    assert found.value == pytest.approx(value, abs=0.01)
    assert f"; {left} numbers are left" in found.message


def test_a_sequence_without_a_value_does_not_hide_the_next():
    found = answers("sequences", sequences=[sequence(last_value=None), sequence(name="public.late")])
    assert [f.subject for f in found] == ["public.late"]


@pytest.mark.parametrize(
    ("check", "figure"), [("replication_lag_bytes", "lag_bytes"), ("replication_lag", "lag_seconds")]
)
@pytest.mark.parametrize("passed", [{"state": "backup"}, {"lag_bytes": None, "lag_seconds": None}])
def test_a_replica_that_is_passed_over_does_not_hide_the_next(check, figure, passed):
    usual = replica(lag_bytes=10**12, lag_seconds=9999.0)
    found = run(check, replicas=[usual.but(**passed), usual.but(name="late")])
    assert [f.subject for f in found] == ["late"]


def test_a_lag_of_no_bytes_is_none_and_of_one_is():
    late = replica(lag_seconds=9999.0)
    assert run("replication_lag", replicas=[late.but(lag_bytes=0)]) == []
    assert run("replication_lag", replicas=[late.but(lag_bytes=None)]) == []
    assert len(run("replication_lag", replicas=[late.but(lag_bytes=1)])) == 1


@pytest.mark.parametrize(("lag", "unsent", "network"), [(2, 1, False), (2, 2, True), (0, 0, False), (1, 1, True)])
def test_more_than_half_unsent_points_to_the_network(lag, unsent, network):
    limits = {"warning": 0, "critical": 0}
    (found,) = run("replication_lag_bytes", limits, replicas=[replica(lag_bytes=lag, unsent_bytes=unsent)])
    assert found.advice.startswith("Most has not even been sent") is network


@pytest.mark.parametrize(
    ("check", "passed"),
    [
        ("slots_inactive", {"active": True}),
        ("slots_inactive", {"temporary": True}),
        ("slots_inactive", {"synced": True}),
        ("slots_inactive", {"wal_status": "lost"}),
        ("slots_kept_wal", {"kept_bytes": None}),
        ("slots_kept_wal", {"wal_status": "lost"}),
        ("slots_lost", {"limited": False}),
        ("slots_lost", {"kept_bytes": None}),
    ],
)
def test_a_slot_that_is_passed_over_does_not_hide_the_next(check, passed):
    usual = slot(active=False, kept_bytes=10**12, limited=True, limit_bytes=10**12)
    found = run(check, slots=[usual.but(**passed), usual.but(name="late")])
    assert [f.subject for f in found] == ["late"]


def test_a_slot_without_a_limit_of_its_own_has_used_nothing_of_it():
    (found,) = answers("slots_lost", slots=[slot(limited=True, limit_bytes=0, kept_bytes=50)])
    assert (found.value, found.severity) == (0, "ok")


@pytest.mark.parametrize("passed", [{"state": "idle"}, {"state_seconds": None}])
def test_a_session_that_is_passed_over_does_not_hide_the_next(passed):
    found = run("idle_in_transaction", sessions=[session(**passed), session(pid=8)])
    assert [f.subject for f in found] == ["session 8"]


@pytest.mark.parametrize(
    ("transaction", "told"), [(None, "is 0 ms old"), (0.5, "is 500 ms old"), (90.0, "is 1 min 30 s old")]
)
def test_the_age_of_a_forgotten_transaction(transaction, told):
    (found,) = run("idle_in_transaction", sessions=[session(transaction_seconds=transaction)])
    assert told in found.message


@pytest.mark.parametrize(
    ("objects", "severity"), [(1279, "ok"), (1280, "warning"), (5119, "warning"), (5120, "critical")]
)
def test_places_in_the_lock_table(objects, severity):
    part = Row(objects=objects, top_pid=None, top_locks=0)
    (found,) = answers(
        "lock_table", server=SERVER.but(max_connections=90, max_prepared_transactions=10), lock_table=part
    )
    assert found.severity == severity


@pytest.mark.parametrize(
    ("waited", "severity"), [(29.9, "ok"), (30.0, "warning"), (299.9, "warning"), (300.0, "critical")]
)
def test_how_long_a_session_may_wait(waited, severity):
    (found,) = answers("blocked_sessions", blocking=[waiter(1), waiter(2, 1, waited_seconds=waited)])
    assert (found.severity, found.value) == (severity, waited)


def test_who_waits_is_told_of_the_first_three_with_sixty_characters_of_the_statement():
    waiting = [waiter(pid, 1, waited_seconds=None, query="x" * 61) for pid in (2, 3, 4)]
    (found,) = answers("blocked_sessions", blocking=[waiter(1), *waiting])
    assert found.value == 0
    assert found.message.count("x" * 59 + "…)") == 3 and found.message.endswith("…).")


def test_a_ring_is_told_once_and_a_longer_queue_to_its_end():
    ring = [waiter(1, 2), waiter(2, 1)]
    assert [f.subject for f in run("blocked_sessions", blocking=ring)] == ["session 1"]
    chain = [waiter(1), waiter(2, 1), waiter(3, 2), waiter(4, 3, 1)]
    (found,) = run("blocked_sessions", blocking=chain)
    assert (found.subject, "blocks 3 sessions" in found.message) == ("session 1", True)


def facts(**fields):
    usual = Row(
        name="t",
        parent=None,
        live=100_000,
        dead=0,
        inserted=0,
        modified=0,
        is_user=True,
        autovacuum_off=False,
        vacuum_seconds=None,
        analyze_seconds=None,
    )
    return usual.but(**fields)


@pytest.mark.parametrize(
    ("check", "fields", "found"),
    [
        ("dead_tuples", {"live": 40_000, "dead": 10_000}, True),
        ("dead_tuples", {"live": 40_001, "dead": 10_000}, False),
        ("dead_tuples", {"live": 0, "dead": 9_999}, False),
        ("vacuum_age", {"vacuum_seconds": WEEK, "dead": 20_051}, True),
        ("vacuum_age", {"vacuum_seconds": WEEK, "dead": 20_050}, False),
        ("vacuum_age", {"vacuum_seconds": WEEK - 1, "dead": 20_051}, False),
        ("vacuum_age", {"vacuum_seconds": WEEK, "inserted": 21_001}, True),
        ("vacuum_age", {"vacuum_seconds": WEEK, "inserted": 21_000}, False),
        ("vacuum_age", {"vacuum_seconds": None, "dead": 99_999}, False),
        ("vacuum_age", {"vacuum_seconds": WEEK, "live": -1, "dead": 51}, True),
        ("vacuum_age", {"vacuum_seconds": WEEK, "live": -1, "dead": 50}, False),
        ("vacuum_age", {"vacuum_seconds": WEEK, "live": -1, "inserted": 1001}, True),
        ("vacuum_age", {"vacuum_seconds": WEEK, "live": -1, "inserted": 1000}, False),
        ("analyze_age", {"analyze_seconds": WEEK, "modified": 10_051}, True),
        ("analyze_age", {"analyze_seconds": WEEK, "modified": 10_050}, False),
        ("analyze_age", {"analyze_seconds": WEEK, "live": -1, "modified": 51}, True),
        ("analyze_age", {"analyze_seconds": WEEK, "live": -1, "modified": 50}, False),
        ("analyze_age", {"analyze_seconds": WEEK - 1, "modified": 10_051}, False),
        ("never_analyzed", {"live": 10_000, "modified": 1_051}, True),
        ("never_analyzed", {"live": 10_000, "modified": 1_050}, False),
        ("never_analyzed", {"live": 9_999, "modified": 9_999}, False),
        ("never_analyzed", {"live": 10_000, "modified": 9_999, "is_user": False}, False),
        ("never_analyzed", {"live": 10_000, "modified": 9_999, "analyze_seconds": 1.0}, False),
    ],
)
def test_tables(check, fields, found):
    assert len(run(check, server=SERVER, tables=[facts(**fields)])) == found


def test_without_a_vacuum_for_inserts_none_is_late():
    part = facts(vacuum_seconds=WEEK, inserted=99_999)
    assert run("vacuum_age", server=SERVER.but(insert_threshold=-1), tables=[part]) == []
    assert len(run("vacuum_age", server=SERVER.but(insert_threshold=0), tables=[part])) == 1


@pytest.mark.parametrize(
    ("check", "fields"),
    [
        ("dead_tuples", {"dead": 90_000}),
        ("vacuum_age", {"dead": 90_000, "vacuum_seconds": 2 * WEEK}),
        ("analyze_age", {"modified": 90_000, "analyze_seconds": 2 * WEEK}),
        ("never_analyzed", {"modified": 200_000}),
    ],
)
def test_the_worst_table_comes_first_and_one_that_is_passed_over_hides_none(check, fields):
    worse = {**fields, "live": 110_000} if check == "never_analyzed" else {k: v + 1000 for k, v in fields.items()}
    passed = facts(name="passed", live=10**7, vacuum_seconds=9 * WEEK, analyze_seconds=9 * WEEK)
    found = run(check, server=SERVER, tables=[passed, facts(name="bad", **fields), facts(name="worse", **worse)])
    assert [f.subject for f in found] == ["worse", "bad"]


def test_an_hour_of_checkpoints_since_the_earlier_result():
    interval = after(3600, pg__checkpoints__timed=10, pg__checkpoints__requested=10)
    (found,) = run("requested_checkpoints", checkpoints=None, interval=interval)
    assert (found.value, "in the last 1 h were" in found.message) == (50.0, True)
    short = after(3599, pg__checkpoints__timed=10, pg__checkpoints__requested=10)
    assert run("requested_checkpoints", checkpoints=None, interval=short) == []
    standing = after(3600, pg__checkpoints__timed=0, pg__checkpoints__requested=1)
    assert answers("requested_checkpoints", checkpoints=None, interval=standing)[0].value == 100


@pytest.mark.parametrize(("archived", "late"), [(None, False), (21.0, False), (20.0, True), (19.0, True)])
def test_an_archive_that_fails_is_not_late_as_well(archived, late):
    part = Row(archived_seconds=archived, failed_seconds=20.0, oldest_waiting_seconds=9999.0, waiting=9)
    assert len(run("archiving_late", archiver=part)) == late


@pytest.mark.parametrize(
    ("part", "rows", "figure"),
    [
        ("sessions", [Row(transaction_seconds=None)], "pg.sessions.oldest_transaction_seconds"),
        ("databases", [database(is_template=True, multixact_age=None, xid_age=None)], "pg.xid_age"),
        ("databases", [database(is_template=True, multixact_age=None, xid_age=None)], "pg.multixact_age"),
        ("replicas", [replica(lag_bytes=None)], "pg.replicas.max_lag_bytes"),
        ("slots", [slot(kept_bytes=None)], "pg.slots.max_kept_bytes"),
    ],
)
def test_the_largest_of_what_is_not_known_is_nothing(part, rows, figure):
    assert measurements({part: rows})[figure] == 0
    assert measurements({part: []})[figure] == 0


def test_indexes_are_measured_as_indexes_and_tables_as_tables():
    """Of 25 600 pages an index of a million bigints needs 2 747, and a table filled to 90 % 4 902."""
    part = relation(fillfactor=90)
    table, index = measurements({"table_bloat": [part]}), measurements({"index_bloat": [part]})
    assert index["pg.indexes.bloat_bytes"] == (25600 - 2747) * 8192
    assert table["pg.tables.bloat_bytes"] == (25600 - 4902) * 8192


def test_the_largest_of_three_hidden_tables_is_the_first():
    parts = [relation(**HIDDEN, name=name) for name in ("public.a", "public.b", "public.c")]
    (found,) = run("table_bloat", table_bloat=[parts[0].but(bytes=400 * MEGABYTE), *parts[1:]])
    assert "3 tables of 100 MB or more" in found.message
    assert "The largest is public.a (400 MB)." in found.message


def test_a_slow_statement_is_shown_by_two_hundred_characters():
    part = Row(id=77, user="app", calls=5, mean_seconds=1.0, total_seconds=5.0, query="x" * 201)
    (found,) = run("slow_statements", statements=[part])
    assert found.message.endswith(" " + "x" * 199 + "…")
