# SPDX-License-Identifier: GPL-3.0-or-later
"""Every view of a report: nothing hostile gets through, nothing that matters is left out."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.history import Past, Slot, with_history
from ansible_collections.analytics.ops.plugins.module_utils._judge.markdown_text import plain
from ansible_collections.analytics.ops.plugins.module_utils._judge.markup import Markup, element
from ansible_collections.analytics.ops.plugins.module_utils._judge.plan import Step, act_result
from ansible_collections.analytics.ops.plugins.module_utils._judge.report import Run
from ansible_collections.analytics.ops.plugins.module_utils._judge.view_chart import Curve, chart, spoken
from ansible_collections.analytics.ops.plugins.module_utils._judge.view_html import page
from ansible_collections.analytics.ops.plugins.module_utils._judge.view_junit import junit
from ansible_collections.analytics.ops.plugins.module_utils._judge.view_markdown import markdown
from ansible_collections.analytics.ops.plugins.module_utils._judge.view_nagios import nagios
from ansible_collections.analytics.ops.plugins.module_utils._judge.view_prometheus import metric_name, prometheus

from tests.support.reports import (
    BLOAT,
    CHECKS,
    DAY,
    HARMFUL,
    HOSTILE,
    IDLE,
    NOW,
    TARGET,
    each_view,
    fleet,
    looked,
    report_of,
    timed,
)

INFO = replace(BLOAT, check="pg.slots", severity="info", message="Worth knowing.", advice="", value=None)


class Outline(HTMLParser):
    """What a browser would see of the structure; fails on a tag that is not closed by its own."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def hostile_report():
    run = Run(playbook=HOSTILE)
    bad = replace(IDLE, subject=HOSTILE, message=HOSTILE * 9, advice="Run: SELECT " + HOSTILE)
    raw = looked(bad, replace(INFO, subject=HOSTILE), target=HOSTILE, **{HOSTILE: 1.0})
    raw["findings"].append({**bad.as_dict(), "message": "x" * 10_000_000, "unit": HOSTILE, "check": HOSTILE})
    run.add_result(HOSTILE, HOSTILE, raw)
    run.add_result(HOSTILE, HOSTILE, act_result([], [Step("vacuum", HOSTILE, HOSTILE)], [], changed=True))
    run.add_unreachable("db2", HOSTILE)
    run.add_failure("db3", HOSTILE, HOSTILE + "y" * 10_000_000)
    return with_history(timed(run.report()), Past())


@pytest.mark.parametrize(("name", "text"), [*each_view(hostile_report(), Past())])
def test_nothing_hostile_gets_through(name, text):
    assert HARMFUL.findall(text) == []
    assert len(text) < 100_000
    if name in ("html_file", "junit_file", "nagios_file"):
        assert "<script" not in text


def test_the_hostile_page_is_still_a_page_without_scripts():
    outline = Outline(page(hostile_report(), {}, 30))
    assert set(outline.seen) & {"script", "link", "img", "iframe", "object", "form"} == set()
    assert not [a for a in outline.attributes if a[1].startswith("on") or a[1] in ("src", "style")]
    assert all(value.startswith("#") for _tag, name, value in outline.attributes if name == "href")


def test_the_page_is_well_formed_and_its_headings_are_in_order():
    report, past = fleet(6, 30)
    text = page(report, past.series, 30)
    outline = Outline(text)
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert len(outline.ids) == len(set(outline.ids))
    levels = [int(tag[1]) for tag in outline.seen if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in zip(levels, levels[1:], strict=False))
    targets = {value[1:] for tag, name, value in outline.attributes if (tag, name) == ("a", "href")}
    assert targets <= set(outline.ids)


def test_the_page_tells_everything_the_worst_first():
    report, past = fleet(25, 30)
    text = page(report, past.series, 30)
    for part in ("✖ critical", "since 3 days", "new</b>", "<code>SELECT pg_terminate_backend(4711)</code>"):
        assert part in text
    for part in ("No route to host", "The disk is full", "public.old", "vacuum public.t1", "What comes near its limit"):
        assert part in text
    assert text.index("pg.idle_in_transaction") < text.index("pg.table_bloat")
    assert "<summary>2 more</summary>" in text
    assert text.count("<svg") == 25 * 17
    # With many hosts none of them is unfolded.
    assert 'class="host" open' not in text


def test_a_few_hosts_are_shown_unfolded_and_the_good_ones_folded():
    report, past = fleet(6, 30)
    text = page(report, past.series, 30)
    assert text.count('class="host" open') == 3
    report, past = fleet(2, 30)
    assert page(report, past.series, 30).count('class="host" open') == 2


def test_a_healthy_first_run():
    report = with_history(report_of(looked(pg__connections__used=3)), Past())
    text = page(report, {}, 30)
    assert "✔ healthy" in text.replace("</span>", "").replace("<span>", "")
    assert "Nothing is wrong. 1 target looked at." in text
    assert "<svg" not in text and "1 figure<" in text
    assert "What is wrong now" not in text and "What changed" not in text
    assert "Nothing is wrong: 1 targets" in markdown(report)
    assert nagios(report) == (
        "OPS OK - daily_health_check healthy: 1 targets are in order|critical=0 warning=0 unknown=0 failed=0\n0\n"
    )


def test_a_rehearsal_and_a_run_without_changes_say_so():
    report, past = fleet(1, 5)
    changes = dict(report["changes"], new=[], gone=[], worse=[], better=[])
    text = page(dict(report, check_mode=True, changes=changes), past.series, 30)
    assert "rehearsal" in text and "What would be done" in text
    assert "Nothing: the same findings as before." in text


def test_what_is_for_information_is_folded_and_what_was_resolved_is_told():
    report = with_history(report_of(looked(BLOAT, INFO), looked(INFO)), None)
    text = page(report, {}, 30)
    assert "<summary>1 for information</summary>" in text
    assert "What this run resolved" in text
    assert "Worth knowing" not in markdown(report)


def test_many_curves_of_one_target_are_bounded():
    names = {f"pg.thing_{n}": 1.0 for n in range(40)}
    series = {("db1", TARGET, name): [Slot(NOW - DAY, 2.0, 2.0, 2.0)] for name in names}
    text = page(with_history(report_of(looked(**names)), Past(series=series)), series, 30)
    assert text.count("<svg") == 24
    assert "16 more figures" in text


def curve(values, limit=None, unit="%"):
    slots = [Slot(NOW - (len(values) - 1 - n) * DAY, v, v - 1, v + 1) for n, v in enumerate(values)]
    return Curve(slots, unit, limit, NOW - 30 * DAY, NOW)


def test_a_chart_says_in_words_what_it_shows():
    assert spoken(curve([40, 70, 45], 80)) == "last 45 %, lowest 39 %, highest 71 %, limit 80 %, over 2 days"
    assert spoken(curve([40])) == "last 40 %, lowest 39 %, highest 41 %, over 1 day"
    svg = chart("a < b", curve([40, 70, 45], 80))
    assert 'role="img" aria-label="a &lt; b: last 45 %' in svg
    assert 'class="limit"' in svg


def test_a_limit_far_away_does_not_press_the_curve_flat():
    assert 'class="limit"' not in chart("x", curve([1, 2, 3], 80))


@pytest.mark.parametrize("values", [[5], [5, 5], [0, 0], [-3, 8], [1e18, 1e18], list(range(500))])
def test_every_point_lies_in_the_picture(values):
    svg = chart("x", curve(values, 0))
    places = [tuple(map(float, p.split(","))) for part in re.findall('points="([^"]*)"', svg) for p in part.split()]
    assert all(0 <= x <= 240 and 0 <= y <= 48 for x, y in places)
    assert len(places) <= 60


def test_markup_escapes_all_but_itself():
    inner = element("b", "<i>")
    assert element("p", inner, "&", title='"', hidden=True, lang=None, open=False) == Markup(
        '<p title="&quot;" hidden><b>&lt;i&gt;</b>&amp;</p>'
    )
    assert element("br") == "<br>"


def test_markdown_shows_the_worst_and_counts_the_rest():
    report, _past = fleet(60, 30)
    text = markdown(report)
    assert "## weekly\\_maintenance: unhealthy" in text
    assert (
        "🔴 **critical** session 4711 `pg.idle_in_transaction` on db1 (2 h 5 min, limit 15 min), since 3 days:" in text
    )
    assert "`SELECT pg_terminate_backend(4711)`" in text
    assert "… and 25 more" in text
    assert len(text) < 8000
    nameless = markdown(with_history(report_of(looked(replace(BLOAT, value=None, advice="")), playbook=""), None))
    assert nameless.startswith("## report: degraded")
    assert "on db1: It is" in nameless
    limitless = replace(BLOAT, warning=None, critical=None)
    assert "(40 %):" in markdown(with_history(report_of(looked(limitless)), None))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("@all", "&#64;all"),
        ("[x](y)", "\\[x\\]\\(y\\)"),
        ("a <b> & `c`", "a &lt;b&gt; &amp; \\`c\\`"),
        ("see http://evil/`x now", "see `http://evil/'x` now"),
        ("www.evil.com", "`www.evil.com`"),
    ],
)
def test_markdown_text_is_only_text(text, shown):
    assert plain(text) == shown


def test_junit_has_a_case_for_every_check():
    report = report_of(looked(IDLE, BLOAT, INFO))
    (suite,) = ElementTree.fromstring(junit(report, "degraded"))
    cases = {case.get("name"): [part.tag for part in case] for case in suite}
    assert list(cases) == [*CHECKS, "pg.slots"]
    assert cases == {
        "pg.reachable": [],
        "pg.connections": [],
        "pg.table_bloat": ["failure"],
        "pg.idle_in_transaction": ["failure"],
        "pg.slots": ["system-out"],
    }
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("5", "2", "0")


@pytest.mark.parametrize(("fail_on", "failures"), [("never", "0"), ("unhealthy", "1"), ("degraded", "2")])
def test_junit_fails_for_what_it_is_told_to(fail_on, failures):
    (suite,) = ElementTree.fromstring(junit(report_of(looked(IDLE, BLOAT)), fail_on))
    assert suite.get("failures") == failures


def test_junit_goes_once_through_very_many_findings():
    """Comparing each with each would take half an hour."""
    report = report_of(looked(BLOAT))
    (one,) = report["findings"]
    report["findings"] = [
        dict(one, severity=severity) for severity in ("critical", "info") for _number in range(100_000)
    ]
    text = junit(report, "degraded")
    assert (text.count("critical: public.tasks"), text.count("info: public.tasks")) == (100_000, 100_000)


def test_junit_calls_it_an_error_when_nobody_knows():
    run = Run()
    run.add_result("db1", "x", looked(replace(BLOAT, severity="unknown"), replace(BLOAT, subject="u"), checks=None))
    run.add_result("db1", "x", looked(replace(IDLE, severity="unknown"), target="b"))
    run.add_unreachable("db2", "no route")
    run.add_failure("db1", "Back up", "full")
    suites = ElementTree.fromstring(junit(timed(run.report()), "degraded"))
    errors = {suite.get("name"): (suite.get("failures"), suite.get("errors")) for suite in suites}
    assert errors == {f"db1 · {TARGET}": ("1", "0"), "db1 · b": ("0", "1"), "db2": ("0", "1"), "tasks": ("0", "1")}


def test_junit_leaves_out_what_was_resolved():
    (suite,) = ElementTree.fromstring(junit(report_of(looked(BLOAT), looked()), "degraded"))
    assert suite.get("failures") == "0"


SAMPLE = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*\{(?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)*\} -?[0-9.e+-]+')


@pytest.mark.parametrize("report", [hostile_report(), fleet(9, 30)[0]], ids=["hostile", "fleet"])
def test_prometheus_reads_every_line(report):
    samples = [line for line in prometheus(report).splitlines() if not line.startswith("#")]
    assert [line for line in samples if not SAMPLE.fullmatch(line)] == []
    keys = [line.rpartition(" ")[0] for line in samples]
    assert len(keys) == len(set(keys))
    names = [key.partition("{")[0] for key in keys]
    assert [n for i, n in enumerate(names) if n in names[:i] and names[i - 1] != n] == [], "samples stand together"


def test_prometheus_tells_status_findings_and_figures():
    text = prometheus(report_of(looked(IDLE, BLOAT, replace(BLOAT, subject="u"), pg__xid_age=7, redis__total__x=1)))
    for line in (
        'analytics_ops_run_status{playbook="daily_health_check"} 2',
        f'analytics_ops_run_finished_timestamp_seconds{{playbook="daily_health_check"}} {NOW + 95}',
        f'analytics_ops_findings{{host="db1",target="{TARGET}",severity="warning"}} 2',
        f'analytics_ops_finding_severity{{host="db1",target="{TARGET}",check="pg.table_bloat"}} 3',
        f'analytics_ops_pg_xid_age{{host="db1",target="{TARGET}",name="pg.xid_age"}} 7',
        "# TYPE analytics_ops_redis_total_x untyped",
    ):
        assert line in text


@pytest.mark.parametrize(
    ("name", "metric"), [("a.b-c", "a_b_c"), ("ü", "unnamed"), ("findings", "measured_findings"), ("9", "9")]
)
def test_metric_names_are_legal(name, metric):
    assert metric_name(name) == metric


@pytest.mark.parametrize(
    ("findings", "start", "code"),
    [
        ([IDLE, BLOAT], "OPS CRITICAL - daily_health_check unhealthy: db1: Session 4711", "2"),
        ([BLOAT, INFO], "OPS WARNING - daily_health_check degraded: db1: It is 40 % air.", "1"),
        ([replace(BLOAT, severity="unknown")], "OPS UNKNOWN - ", "3"),
        ([replace(BLOAT, severity="unknown"), replace(BLOAT, subject="u")], "OPS WARNING - ", "1"),
        ([replace(IDLE, message="a|b")], "OPS CRITICAL - daily_health_check unhealthy: db1: a/b|critical=1 ", "2"),
    ],
)
def test_nagios_says_the_worst_in_one_line(findings, start, code):
    line, last, rest = nagios(report_of(looked(*findings))).split("\n")
    assert line.startswith(start)
    assert (last, rest) == (code, "")
    assert line.count("|") == 1
