# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements are shown without what people typed into them; names as a person can copy them."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.postgres_words import (
    doing_text,
    identifier,
    literal,
    many,
    session_text,
    statement_text,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.rows import Row
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("SELECT  1\n FROM t", "SELECT 1 FROM t"),
        ("ALTER ROLE x PASSWORD 'secret'", "ALTER ROLE x PASSWORD '…'"),
        ("SELECT 'it''s secret', 2", "SELECT '…', 2"),
        (r"SELECT E'it\'s secret', 2", "SELECT '…', 2"),
        ("SELECT $$secret$$, $a$sec$$ret$a$, 2", "SELECT '…', '…', 2"),
        ("SELECT $1, $2", "SELECT $1, $2"),
        ("SELECT \"it's\" FROM t WHERE a = 'secret'", "SELECT \"it's\" FROM t WHERE a = '…'"),
        ("SELECT 1 -- don't\n, 'secret'", "SELECT 1 , '…'"),
        ("/* don't */ SELECT 'secret' /* and", "SELECT '…'"),
        ("INSERT INTO t VALUES ('secret cut off", "INSERT INTO t VALUES ('…'"),
        ("", ""),
        (None, ""),
    ],
)
def test_statement_without_constants(statement, shown):
    assert statement_text(statement) == shown


def test_long_statement_is_cut():
    assert statement_text("SELECT " + "a, " * 100, 20) == "SELECT a, a, a, a, …"


@given(st.text(st.characters(exclude_characters="'\\\0"), min_size=8, max_size=20), st.text("abc '", max_size=10))
def test_no_plain_constant_survives(secret, before):
    quotes_in_pairs = before.replace("'", "")
    assert "S#" + secret not in statement_text(f"SELECT {quotes_in_pairs} 'S#{secret}' FROM t", 10000)


@pytest.mark.parametrize(
    ("name", "quoted"), [("shop", "shop"), ("Shop", '"Shop"'), ('a"b', '"a""b"'), ("1a", '"1a"'), ("a\n", '"a\n"')]
)
def test_identifier(name, quoted):
    assert identifier(name) == quoted


def test_literal_and_plural():
    assert literal("it's") == "'it''s'"
    assert [many(1, "index", "indexes"), many(2, "index", "indexes"), many(0, "row")] == [
        "1 index",
        "2 indexes",
        "0 rows",
    ]


def session(**fields):
    usual = Row(
        pid=7,
        application="api",
        user="app",
        database="shop",
        client="10.0.0.7",
        backend_type="client backend",
        state="active",
        state_seconds=61.0,
        query="SELECT 1",
    )
    return usual.but(**fields)


def test_session():
    assert session_text(session()) == "Session 7 (application 'api', user app, database shop, from 10.0.0.7)"
    nobody = session(application="", user=None, database=None, client=None, backend_type="autovacuum worker")
    assert session_text(nobody) == "Session 7 (autovacuum worker)"
    assert doing_text(session()) == "active for 1 min 1 s, statement: SELECT 1"
    assert doing_text(session(state=None)) == "in a state that this role may not see"


def test_a_row_is_not_changed():
    row = Row(a=1)
    with pytest.raises(AttributeError):
        row.a = 2
    assert row.but(a=2).a == 2
    assert row.a == 1
