# SPDX-License-Identifier: GPL-3.0-or-later
"""Where words and figures change their form, and where texts are cut."""

from __future__ import annotations

import re

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError
from ansible_collections.analytics.ops.plugins.module_utils._judge.checks import Register
from ansible_collections.analytics.ops.plugins.module_utils._judge.finding import Finding, check_result
from ansible_collections.analytics.ops.plugins.module_utils._judge.inventory import Problems, Reader, shown
from ansible_collections.analytics.ops.plugins.module_utils._judge.plan import Step, act_result
from ansible_collections.analytics.ops.plugins.module_utils._judge.postgres_words import statement_text
from ansible_collections.analytics.ops.plugins.module_utils._judge.report_text import MOST_STEPS, limit_text, render
from ansible_collections.analytics.ops.plugins.module_utils._judge.services import parse_services
from ansible_collections.analytics.ops.plugins.module_utils._judge.text import (
    bytes_text,
    number_text,
    printable,
    seconds_text,
    with_unit,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.waves import did_you_mean

from tests.unit.judge.test_report import TARGET, looked, run_of


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [("abcde", 5, "abcde"), ("abcdef", 5, "abcd…"), ("", 5, ""), ("a" * 501, 500, "a" * 499 + "…")],
)
def test_where_a_text_is_cut(text, limit, cut):
    assert printable(text, limit) == cut


def test_five_hundred_characters_are_shown_unless_told_otherwise():
    assert printable("a" * 500) == "a" * 500
    assert printable("a" * 501) == "a" * 499 + "…"


@pytest.mark.parametrize(
    ("raw", "text"), [("\x9b", "\\x9b"), ("\u00ad", "\\xad"), ("\u0600", "\\u0600"), ("\u200b", "\\u200b")]
)
def test_how_harmful_characters_are_shown(raw, text):
    assert printable(raw) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(1023, "1 023 B"), (1024, "1 kB"), (1024**2 - 1, "1 024 kB"), (1024**2, "1 MB"), (1024**4, "1 TB"), (-1, "-1 B")],
)
def test_units_of_sizes(size, text):
    assert bytes_text(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.999, "999 ms"),
        (1, "1 s"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3661, "1 h 1 min"),
        (86399, "23 h 59 min"),
        (86400, "1 d"),
        (90061, "1 d 1 h"),
        (-0.5, "-500 ms"),
    ],
)
def test_units_of_times(seconds, text):
    assert seconds_text(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(999.4, "999"), (1000, "1 000"), (1000.4, "1 000"), (1234567.8, "1 234 568"), (-1234.5, "-1 234")],
)
def test_numbers(value, text):
    assert number_text(value) == text


def test_a_text_as_a_value_is_cut_at_80():
    assert with_unit("a" * 80, "") == "a" * 80
    assert len(with_unit("a" * 81, "")) == 80
    assert with_unit(True, "bytes") == "True"


@pytest.mark.parametrize(("length", "cut"), [(120, False), (121, True)])
def test_where_a_statement_is_cut(length, cut):
    text = statement_text("x" * length)
    assert (len(text), text.endswith("…")) == (120, cut)


def test_three_names_that_are_alike_are_offered():
    assert did_you_mean("abcd", ["abcde", "abcdf", "abcdg", "abcdh"]).count(" or ") == 2
    assert did_you_mean("abcdef", ["abcxyz"], "Its keys") == "Its keys: abcxyz."


def test_values_are_kept_to_four_places():
    finding = Finding("a.b", "s", "ok", "m", value=1.23456)
    assert finding.value == 1.2346


def test_names_of_other_systems_are_told_from_those_with_a_prefix():
    register = Register("pg")
    register.check("a", needs=(), question="?", procedure="H01")(lambda rule: [])
    assert register.select(["a"]).names == register.select(["pg.a"]).names == ["pg.a"]
    assert register.select(exclude_checks=["redis.memory"]).names == ["pg.a"]
    assert register.select(exclude_checks=["a"]).names == []
    assert register.select(thresholds={"redis.memory": 5}).names == ["pg.a"]
    for wrong in ({"checks": ["b"]}, {"exclude_checks": ["b"]}, {"exclude_checks": ["pg.b"]}, {"thresholds": {"a": 5}}):
        with pytest.raises(InputError):
            register.select(**wrong)


def test_problems_are_told_alone_or_in_a_list():
    problems = Problems("stack")
    problems.raise_if_any()
    problems.add("w" * 121, "is odd.", "Mend it.")
    with pytest.raises(InputError) as error:
        problems.raise_if_any()
    assert error.value.message == "stack: " + "w" * 119 + "…: is odd. Mend it."
    problems.add("b", "is odd.", "Mend it.")
    with pytest.raises(InputError, match=r"stack has 2 errors:\n  - w.*\n  - b: is odd"):
        problems.raise_if_any()


def reader(**given):
    return Reader(Problems("stack"), "a", given, ["key"])


@pytest.mark.parametrize(
    ("value", "whole", "read"),
    [
        (1, True, 1),
        (9, True, 9),
        ("5", True, 5),
        (0.99, False, None),
        (9.01, False, None),
        (2.5, False, 2.5),
        (2.5, True, None),
    ],
)
def test_numbers_within_limits(value, whole, read):
    part = reader(key=value)
    assert part.number("key", None, 1, 9, "things", whole) == read
    assert len(part.problems.texts) == (read is None)


def test_lists_of_texts():
    letters = re.compile("[a-z]+")
    assert reader(key=["a", "b"]).texts("key", letters, "Letters.") == ("a", "b")
    for wrong in (["a", "7"], ["a", 7], "a", 7):
        part = reader(key=wrong)
        assert part.texts("key", letters, "Letters.") == ()
        assert len(part.problems.texts) == 1
    part = reader(key="x" * 60)
    part.texts("key", letters, "")
    assert "[" + "x" * 39 + "…]" in part.problems.texts[0]
    assert len(shown("x" * 100)) == 80


@pytest.mark.parametrize(
    ("keys", "fine"),
    [
        ({"drain_seconds": 86400}, True),
        ({"drain_seconds": 86401}, False),
        ({"drain_seconds": 0}, True),
        ({"ready": {"tcp": 80, "within_seconds": 0.1}}, True),
        ({"ready": {"tcp": 80, "within_seconds": 0.09}}, False),
        ({"ready": {"tcp": 80, "within_seconds": 86400}}, True),
        ({"ready": {"tcp": 80, "within_seconds": 86401}}, False),
        ({"port": 1}, True),
        ({"port": 65535}, True),
        ({"port": 65536}, False),
        ({"ready": {"http": "http://localhost:0/"}}, False),
        ({"ready": {"http": "http://localhost:1/"}}, True),
    ],
)
def test_limits_of_services(keys, fine):
    if fine:
        assert parse_services({"a": keys})["a"].drain_seconds == keys.get("drain_seconds", 0)
    else:
        with pytest.raises(InputError):
            parse_services({"a": keys})


def steps(number):
    return act_result([], [Step("vacuum", f"t{n}", "dead") for n in range(number)], [], changed=True, target=TARGET)


@pytest.mark.parametrize("more", [0, 1, 5])
def test_many_steps_of_a_kind_are_counted(more):
    text = render(run_of(steps(MOST_STEPS + more)).report(), 80)
    assert text.count("vacuum t") == MOST_STEPS
    assert (f"  … and {more} more: vacuum" in text) is (more > 0)


def test_only_figures_that_became_smaller_are_better():
    def figures(before, now):
        return render(run_of(looked(**before), looked(**now)).report(), 80)

    name = "pg.tables.dead_rows"
    assert "4 000" in figures({name: 4000}, {name: 1}) and "→ 1" in figures({name: 4000}, {name: 1})
    for before, now in (({name: 1}, {name: 1}), ({name: 1}, {name: 5}), ({}, {name: 5})):
        assert "What is better" not in figures(before, now)


def test_a_table_of_findings_is_as_wide_as_the_page_and_no_wider():
    """What does not fit is broken in the column of the subject, below its beginning."""
    subject = "public." + " ".join(["partition"] * 20)
    long = Finding("pg.table_bloat", subject, "warning", "Air.", 40.0, "%", 30, 50, "Run VACUUM.")
    lines = render(run_of(check_result([long], target=TARGET)).report(), 100).split("\n")
    header = next(line for line in lines if line.startswith("  severity"))
    start = header.index("subject")
    rows = lines[lines.index(header) + 1 :]
    assert header == "  severity  check           " + "subject".ljust(58) + "  value  limit"
    assert max(map(len, lines)) <= 100
    assert rows[0].startswith("  warning   pg.table_bloat  public.partition partition partition")
    assert rows[0].endswith("  40 %   30 %")
    assert rows[1].startswith(" " * start + "partition") and len(rows[1]) <= start + 58


@pytest.mark.parametrize(("port", "fine"), [("1", True), ("0", False), ("65535", True), ("65536", False)])
def test_ports_of_addresses(port, fine):
    if fine:
        assert parse_services({"a": {"ready": {"tcp": f"127.0.0.1:{port}"}}})["a"].port == int(port)
    else:
        with pytest.raises(InputError):
            parse_services({"a": {"ready": {"tcp": f"127.0.0.1:{port}"}}})


@pytest.mark.parametrize(
    ("severity", "warning", "critical", "text"),
    [
        ("critical", 30, 50, "50 %"),
        ("critical", 30, None, "30 %"),
        ("warning", 30, 50, "30 %"),
        ("warning", None, 50, "50 %"),
        ("ok", None, None, ""),
    ],
)
def test_the_limit_that_was_passed_or_would_be_first(severity, warning, critical, text):
    finding = {"severity": severity, "warning": warning, "critical": critical, "unit": "%", "value": 40}
    assert limit_text(finding) == text
    assert limit_text({**finding, "value": None}) == ""


def test_what_fails_makes_the_end_unhealthy_and_not_the_beginning():
    run = run_of(looked(), looked())
    assert (run.report()["status_before"], run.report()["status"]) == ("healthy", "healthy")
    run.add_failure("db1", "vacuum", "It broke.")
    assert (run.report()["status_before"], run.report()["status"]) == ("healthy", "unhealthy")


def test_a_verdict_is_given_when_anything_was_looked_at():
    assert "healthy" in render(run_of(looked()).report(), 80)
    assert "healthy" not in render(run_of(steps(1)).report(), 80)
    failed = run_of()
    failed.add_failure("db1", "vacuum", "It broke.")
    assert "unhealthy" in render(failed.report(), 80)


def test_columns_of_figures_stand_below_each_other():
    before = {"pg.tables.dead_rows": 4000, "backup.damaged": 2}
    lines = render(run_of(looked(**before), looked(**dict.fromkeys(before, 1))).report(), 80).split("\n")
    assert "  db1  dead rows        4 000 rows → 1 rows" in lines
    assert "  db1  damaged backups           2 → 1" in lines


@pytest.mark.parametrize("width", [40, 60, 99])
def test_a_narrow_page_is_not_overrun(width):
    long = Finding("pg.table_bloat", " ".join(["part"] * 40), "warning", "Air.", 40.0, "%", 30, 50, "Run VACUUM.")
    lines = render(run_of(check_result([long], target=TARGET)).report(), width).split("\n")
    first = next(line for line in lines if line.startswith("  warning pg.table_bloat: part"))
    assert max(map(len, lines)) <= width
    assert width - len(first) < len(" part") + 1
