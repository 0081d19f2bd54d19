# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys, persistence and triggers of tables."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.rows import Row

from tests.support.postgres_rows import answers, run

MEGABYTE = 1024 * 1024


def table(**fields):
    return Row(name="public.log", bytes=MEGABYTE, published=False, has_key=False).but(**fields)


@pytest.mark.parametrize(
    ("fields", "limits", "severity"),
    [
        ({}, None, "ok"),
        ({"bytes": 100 * MEGABYTE - 1}, None, "ok"),
        ({"bytes": 100 * MEGABYTE}, None, "info"),
        ({"bytes": 100 * MEGABYTE}, {"warning": MEGABYTE}, "warning"),
        ({"published": True}, None, "warning"),
        ({"published": True, "has_key": True}, None, "warning"),
    ],
)
def test_tables_without_a_key(fields, limits, severity):
    (found,) = answers("primary_keys", limits, keyless=[table(**fields)])
    assert (found.subject, found.severity) == ("public.log", severity)
    assert ("every UPDATE and DELETE" in found.message) is table(**fields).published


def test_what_is_published_by_another_identity_hides_no_other():
    found = run("primary_keys", keyless=[table(name="a", has_key=True), table(name="b", published=True)])
    assert [f.subject for f in found] == ["b"]


@pytest.mark.parametrize(("limits", "severity"), [(None, "info"), ({"warning": MEGABYTE}, "warning")])
def test_unlogged_tables(limits, severity):
    found = answers("unlogged_tables", limits, unlogged=[Row(name="public.cache", bytes=MEGABYTE, rows=1234)])
    assert [(f.subject, f.severity, f.value) for f in found] == [("public.cache", severity, MEGABYTE)]
    assert "(1 MB, 1 234 rows) is unlogged" in found[0].message


def test_triggers_that_are_off():
    key = Row(table="public.orders", name="orders_customer_fkey", constraint=True)
    own = Row(table="public.orders", name="audit", constraint=False)
    found = run("disabled_triggers", triggers=[key, own])
    assert [(f.subject, f.severity) for f in found] == [
        ("orders_customer_fkey on public.orders", "warning"),
        ("audit on public.orders", "info"),
    ]
    assert "ENABLE TRIGGER ALL" in found[0].advice
    assert "ENABLE TRIGGER audit" in found[1].advice
