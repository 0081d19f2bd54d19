# SPDX-License-Identifier: GPL-3.0-or-later
"""Empty space in tables and indexes: measured, estimated, or hidden from the role that asks."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.bloat import Bloat
from ansible_collections.analytics.ops.plugins.module_utils._judge.postgres_bloat import estimates, suspicious
from ansible_collections.analytics.ops.plugins.module_utils._judge.rows import Row

from tests.support.postgres_rows import answers, run

MEGABYTE = 1024 * 1024


def relation(**fields):
    """200 MB for a million rows of one bigint: about 35 MB as a table, 21 MB as an index."""
    usual = Row(
        name="public.t",
        table="public.t",
        bytes=200 * MEGABYTE,
        rows=1e6,
        table_rows=1e6,
        counted=True,
        readable=True,
        columns=[[8, "d", None, None, None]],
        fillfactor=90,
        deduplicates=False,
        page=8192,
    )
    return usual.but(**fields)


@pytest.mark.parametrize(
    ("check", "name", "least_percent"), [("table_bloat", "Table public.t takes", 80), ("index_bloat", "Index", 85)]
)
def test_estimated(check, name, least_percent):
    (found,) = run(check, **{check: [relation()]})
    assert (found.subject, found.severity) == ("public.t", "warning")
    assert found.message.startswith(name)
    assert found.message.endswith("(estimated from statistics).")
    assert least_percent < found.value < 95


@pytest.mark.parametrize("check", ["table_bloat", "index_bloat"])
def test_measured_replaces_the_estimate(check):
    part = relation(measured=Bloat(400 * MEGABYTE, 100 * MEGABYTE))
    (found,) = run(check, **{check: [part]})
    assert found.value == 75.0
    assert "takes 400 MB, of which 300 MB (75 %) is empty (measured with pgstattuple)." in found.message
    assert "100 MB free" in found.advice


@pytest.mark.parametrize(
    ("check", "size", "fresh", "severity"),
    [
        ("table_bloat", 400, 280, "warning"),
        ("table_bloat", 400, 281, "ok"),
        ("table_bloat", 150, 51, "ok"),
        ("index_bloat", 400, 240, "warning"),
        ("index_bloat", 400, 241, "ok"),
    ],
    ids=["30 %", "29.75 %", "99 MB", "40 %", "39.75 %"],
)
def test_limits(check, size, fresh, severity):
    part = relation(measured=Bloat(size * MEGABYTE, fresh * MEGABYTE))
    assert [finding.severity for finding in answers(check, **{check: [part]})] == [severity]


@pytest.mark.parametrize("check", ["table_bloat", "index_bloat"])
def test_what_was_never_counted_is_not_estimated(check):
    part = relation(counted=False)
    assert [(f.subject, f.severity) for f in answers(check, **{check: [part]})] == [("server", "ok")]


HIDDEN = {"columns": [[-1, "i", None, None, None]], "readable": False}


@pytest.mark.parametrize(
    ("check", "subject", "told"),
    [
        ("table_bloat", "tables that cannot be seen", "2 tables of 100 MB or more"),
        ("index_bloat", "indexes that cannot be seen", "2 indexes of 100 MB or more"),
    ],
)
def test_hidden_statistics_are_told_once(check, subject, told):
    parts = [relation(**HIDDEN, name="public.a", table="public.b"), relation(**HIDDEN)]
    (found,) = run(check, **{check: parts})
    assert (found.subject, found.severity) == (subject, "unknown")
    assert told in found.message
    assert "role monitor may not read" in found.message
    assert "The largest is public.a (200 MB)." in found.message
    assert found.advice.startswith('GRANT SELECT ON public.b TO "monitor" (or GRANT pg_read_all_data')


def test_a_hidden_table_names_itself():
    part = Row(**{name: value for name, value in vars(relation(**HIDDEN)).items() if name != "table"})
    (found,) = run("table_bloat", table_bloat=[part])
    assert "1 table of 100 MB or more" in found.message
    assert "ON public.t TO" in found.advice


@pytest.mark.parametrize(
    "fields", [{"bytes": 99 * MEGABYTE}, {"readable": True}, {"columns": [[8, "d", None, 0, None]]}]
)
def test_what_cannot_matter_is_not_hidden(fields):
    part = relation(**{**HIDDEN, **fields})
    assert not [f for f in answers("table_bloat", table_bloat=[part]) if f.severity == "unknown"]


def test_most_bytes_first():
    parts = [relation(name="small"), relation(name="big", bytes=900 * MEGABYTE), relation(name="no", counted=False)]
    assert [part.name for part, _bloat in estimates(parts, True)] == ["big", "small"]


def test_only_what_is_suspected_is_worth_a_look():
    parts = [relation(name="new\nline"), relation(name="fine", bytes=36 * MEGABYTE), relation(**HIDDEN, name="hidden")]
    findings = answers("table_bloat", table_bloat=parts)
    assert [part.name for part in suspicious(findings, parts)] == ["new\nline"]
