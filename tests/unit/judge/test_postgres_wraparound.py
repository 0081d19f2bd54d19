# SPDX-License-Identifier: GPL-3.0-or-later
"""How close transaction numbers are to running out, and who keeps vacuum from giving them back."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.rows import Row

from tests.support.postgres_rows import answers, database, run

LIMIT = 2**31 - 1
TABLES = [
    Row(name="public.second", xid_age=5, multixact_age=9),
    Row(name="public.first", xid_age=7, multixact_age=1),
]


@pytest.mark.parametrize(
    ("check", "figure", "share", "severity"),
    [
        ("xid_age", "xid_age", 0.49, "ok"),
        ("xid_age", "xid_age", 0.51, "warning"),
        ("xid_age", "xid_age", 0.76, "critical"),
        ("multixact_age", "multixact_age", 0.49, "ok"),
        ("multixact_age", "multixact_age", 0.51, "warning"),
        ("multixact_age", "multixact_age", 0.79, "warning"),
        ("multixact_age", "multixact_age", 0.81, "critical"),
    ],
)
def test_age(check, figure, share, severity):
    databases = [database(**{figure: int(share * LIMIT)}), database(name="hidden", **{figure: None})]
    (found,) = answers(check, databases=databases, oldest_tables=TABLES)
    assert (found.subject, found.severity, round(found.value)) == ("shop", severity, round(100 * share))


@pytest.mark.parametrize(("check", "oldest"), [("xid_age", "public.first (7)"), ("multixact_age", "public.second (9)")])
def test_oldest_table_of_the_current_database(check, oldest):
    (found,) = run(check, databases=[database(**{check: LIMIT})], oldest_tables=TABLES)
    assert found.message.endswith(f"at 2 147 483 647. Oldest table: {oldest}.")
    assert found.advice.endswith("in database shop: VACUUM (FREEZE, VERBOSE) public.second.")


@pytest.mark.parametrize(
    ("fields", "tables", "advice"),
    [
        ({"is_current": False}, TABLES, 'in database "My Shop": VACUUM (FREEZE, VERBOSE) (the oldest tables).'),
        ({}, [], 'in database "My Shop": VACUUM (FREEZE, VERBOSE) (the oldest tables).'),
        ({"allows_connections": False}, TABLES, "Then let autovacuum do it: nobody can connect to My Shop."),
    ],
)
def test_advice_where_the_tables_are_not_seen(fields, tables, advice):
    part = database(name="My Shop", xid_age=LIMIT, **fields)
    (found,) = run("xid_age", databases=[part], oldest_tables=tables)
    assert found.advice.startswith("First see pg.xmin_horizon")
    assert found.advice.endswith(advice)
    assert ("Oldest table" in found.message) is (fields == {"allows_connections": False})


@pytest.mark.parametrize("check", ["xid_age", "multixact_age"])
def test_the_oldest_database_comes_first(check):
    databases = [database(name=str(age), **{check: age}) for age in (5, 90, 20)]
    assert [f.subject for f in answers(check, databases=databases, oldest_tables=[])] == ["90", "20", "5"]


def holder(**fields):
    return Row(**{"kind": "session", "name": "7", "age": 10**8, "seconds": None, "detail": "", **fields})


@pytest.mark.parametrize(
    ("age", "severity"), [(10**8 - 1, "ok"), (10**8, "warning"), (5 * 10**8 - 1, "warning"), (5 * 10**8, "critical")]
)
def test_horizon(age, severity):
    (found,) = answers("xmin_horizon", horizon=[holder(age=age)])
    assert (found.subject, found.severity, found.value) == ("session 7", severity, age)


@pytest.mark.parametrize(
    ("fields", "message", "advice"),
    [
        (
            {"seconds": 7200.0, "detail": "user app"},
            "Session 7, open for 2 h holds back vacuum: rows that died in the last 100 000 000 transactions cannot be "
            "removed. (user app)",
            "Ask its owner, or end it: SELECT pg_terminate_backend(7).",
        ),
        (
            {"kind": "prepared transaction", "name": "it's"},
            "Prepared transaction it's holds back vacuum",
            "Decide it: COMMIT PREPARED 'it''s' or ROLLBACK PREPARED 'it''s'.",
        ),
        ({"kind": "slot", "name": "s"}, "Slot s holds back vacuum", "SELECT pg_drop_replication_slot('s')."),
        ({"kind": "replica", "name": "r"}, "Replica r holds back vacuum", "switch its hot_standby_feedback off."),
    ],
)
def test_who_holds_back_vacuum(fields, message, advice):
    (found,) = run("xmin_horizon", horizon=[holder(**fields)])
    assert found.message.startswith(message)
    assert found.advice.endswith(advice)


def test_only_the_oldest_of_each_kind():
    horizon = [holder(name=name, age=age) for name, age in (("1", 10**8), ("2", 3 * 10**8), ("3", 2 * 10**8))]
    horizon.append(holder(kind="slot", name="s"))
    assert [f.subject for f in run("xmin_horizon", horizon=horizon)] == ["session 2", "slot s"]
