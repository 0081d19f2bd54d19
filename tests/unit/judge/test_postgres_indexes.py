# SPDX-License-Identifier: GPL-3.0-or-later
"""Indexes that do not work, are there twice, serve nobody or are missing."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.rows import Row

from tests.support.postgres_rows import SERVER, answers, database, run

MEGABYTE = 1024 * 1024
DAY = 86400.0


@pytest.mark.parametrize(
    ("fields", "advice"),
    [
        ({}, "REINDEX INDEX CONCURRENTLY public.i, or DROP INDEX CONCURRENTLY public.i if nobody wants it."),
        ({"leftover": True}, "It is the leftover of a failed REINDEX CONCURRENTLY: DROP INDEX CONCURRENTLY public.i."),
        ({"partitioned": True}, "ALTER INDEX public.i ATTACH PARTITION …."),
    ],
)
@pytest.mark.parametrize(("ready", "told"), [(True, ", but every write maintains it."), (False, "no query uses it.")])
def test_invalid(fields, advice, ready, told):
    index = Row(**{"name": "public.i", "table": "public.t", "partitioned": False, "leftover": False, **fields})
    (found,) = run("invalid_indexes", invalid_indexes=[index.but(ready=ready)])
    assert (found.subject, found.severity, found.value) == ("public.i", "warning", "invalid")
    assert found.message.endswith(told)
    assert found.advice.endswith(advice)


def test_duplicates_of_the_one_that_stays():
    copies = [
        Row(name="public.kept", bytes=9, constraint=None),
        Row(name="public.copy", bytes=4000, constraint=None),
        Row(name="public.unique", bytes=0, constraint="t_key"),
    ]
    found = run("duplicate_indexes", duplicate_indexes=[Row(table="public.t", indexes=copies)])
    assert [(f.subject, f.severity, f.value) for f in found] == [
        ("public.copy", "warning", 4000),
        ("public.unique", "warning", 0),
    ]
    assert found[0].message == (
        "Index public.copy (3.91 kB) on public.t is the same as public.kept: every write maintains both."
    )
    assert found[0].advice == "DROP INDEX CONCURRENTLY public.copy; public.kept stays."
    assert found[1].advice == "ALTER TABLE public.t DROP CONSTRAINT t_key; public.kept stays."


@pytest.mark.parametrize(
    ("size", "days", "severity"),
    [(10 * MEGABYTE, 35, "warning"), (10 * MEGABYTE - 1, 35, "ok"), (10 * MEGABYTE, 34.9, "ok")],
)
def test_unused(size, days, severity):
    databases = [database(is_current=False, statistics_since=0.0), database(statistics_since=1000.0)]
    server = SERVER.but(now=1000.0 + days * DAY)
    index = Row(name="public.i", table="public.t", bytes=size)
    (found,) = answers("unused_indexes", unused_indexes=[index], databases=databases, server=server)
    assert (found.subject, found.severity) == ("public.i", severity)
    if severity != "ok":
        assert "has not been used once in the 35 d that statistics cover" in found.message


def test_unused_where_the_age_of_statistics_is_not_known():
    index = Row(name="public.i", table="public.t", bytes=10**9)
    assert run("unused_indexes", unused_indexes=[index], databases=[]) == []


@pytest.mark.parametrize(("size", "severity"), [(10 * MEGABYTE, "warning"), (10 * MEGABYTE - 1, "ok")])
def test_foreign_key_without_index(size, severity):
    key = Row(name="t_fk", table="public.t", columns="a, b", parent="public.p", bytes=size)
    (found,) = answers("foreign_keys_without_index", foreign_keys=[key])
    assert (found.subject, found.severity) == ("public.t (a, b)", severity)
    assert "each delete or key change in public.p reads all 10 MB of public.t." in found.message
    assert severity == "ok" or found.advice == "CREATE INDEX CONCURRENTLY ON public.t (a, b)."


def sequence(**fields):
    usual = Row(
        name="public.s",
        increment=1,
        minimum=1,
        maximum=1000,
        column_maximum=None,
        last_value=900,
        readable=True,
        table="public.t",
        column="id",
        column_type="integer",
        rows=0.0,
    )
    return usual.but(**fields)


@pytest.mark.parametrize(
    ("fields", "value", "left", "end"),
    [
        ({}, 90.0, "100", "1 000"),
        ({"increment": 10}, 90.0, "10", "1 000"),
        ({"maximum": 2000, "column_maximum": 1000}, 90.0, "100", "1 000"),
        ({"increment": -1, "minimum": -1000, "maximum": -1, "last_value": -900}, 90.0, "100", "-1 000"),
        (
            {"increment": -1, "minimum": -5000, "maximum": -1, "last_value": -900, "column_maximum": 999},
            90.0,
            "100",
            "-1 000",
        ),
        ({"last_value": 1000}, 100.0, "0", "1 000"),
        ({"last_value": 1500, "maximum": 2000, "column_maximum": 1000}, 150.0, "0", "1 000"),
    ],
    ids=["up", "in tens", "narrow column", "down", "down in a narrow column", "at the end", "beyond its column"],
)
def test_numbers_left_of_a_sequence(fields, value, left, end):
    (found,) = run("sequences", sequences=[sequence(**fields)])
    assert found.value == value
    assert f"{left} numbers are left before {end}." in found.message
    assert "Sequence public.s of public.t.id (integer) is at" in found.message


@pytest.mark.parametrize(
    ("fields", "advice"),
    [
        ({}, "Make the column wider before inserts fail: ALTER TABLE public.t ALTER COLUMN id TYPE bigint"),
        ({"column_type": "smallint"}, "Make the column wider"),
        ({"column_type": "bigint"}, "ALTER SEQUENCE public.s AS bigint NO MAXVALUE"),
        ({"table": None, "column": None, "column_type": None}, "ALTER SEQUENCE public.s AS bigint NO MAXVALUE"),
    ],
)
def test_advice_for_a_sequence(fields, advice):
    (found,) = run("sequences", sequences=[sequence(**fields)])
    assert found.advice.startswith(advice)


def test_hidden_sequences_are_told_once():
    hidden = sequence(last_value=None, readable=False, table=None)
    (found,) = run("sequences", sequences=[hidden, hidden.but(name="public.other")])
    assert found.message == "2 sequences cannot be read by role monitor, among them public.s."
    assert found.advice == 'GRANT SELECT ON ALL SEQUENCES IN SCHEMA … TO "monitor".'


@pytest.mark.parametrize(("rows", "found"), [(9.9, 0), (10.0, 1)])
def test_a_hidden_sequence_matters_from_a_hundredth_of_its_room_on(rows, found):
    part = sequence(last_value=None, readable=False, rows=rows)
    assert len(run("sequences", sequences=[part])) == found
