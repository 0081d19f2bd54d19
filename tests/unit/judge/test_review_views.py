# SPDX-License-Identifier: GPL-3.0-or-later
"""Every view of the review: nothing hostile gets through, nothing that matters is left out."""

from __future__ import annotations

import json

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.review import review
from ansible_collections.analytics.ops.plugins.module_utils._judge.review_facts import Facts, RunRow
from ansible_collections.analytics.ops.plugins.module_utils._judge.review_text import render_review
from ansible_collections.analytics.ops.plugins.module_utils._judge.view_review import review_page
from ansible_collections.analytics.ops.plugins.module_utils._judge.view_review_markdown import review_markdown

from tests.support.reports import HARMFUL, HOSTILE, NOW, TARGET
from tests.support.reviews import WEEKS, alert, fleet_of_weeks, runs_every_day, slots, top
from tests.unit.judge.test_views import Outline

SCANS = {"host": "db1", "target": TARGET, "kind": "pg.sequential_scans", "name": "public.orders"}


def views(told, facts):
    return render_review(told, 120), review_page(told, facts.series), review_markdown(told)


def hostile():
    facts = Facts(
        NOW - 20 * 86400,
        [RunRow(HOSTILE, NOW - 60, NOW, False, "healthy", 0)],
        [alert(HOSTILE, host=HOSTILE, target=HOSTILE)],
        {(HOSTILE, HOSTILE, HOSTILE): slots(*[1] * 7, *[9] * 7), (HOSTILE, "x", "pg.a"): slots(1, end=WEEKS.begin)},
        [top(8, 3, name=HOSTILE, host=HOSTILE)],
    )
    return review(facts, WEEKS, {}), facts


@pytest.mark.parametrize("number", range(3))
def test_nothing_hostile_gets_through(number):
    text = views(*hostile())[number]
    assert HARMFUL.findall(text) == []
    assert "alert(1)" in text.replace("\\", "") and "http://evil" in text
    if number:
        assert "<script" not in text


def test_the_page_is_well_formed_and_its_headings_are_in_order():
    told, facts = fleet_of_weeks(6)
    outline = Outline(review_page(told, facts.series))
    levels = [int(tag[1]) for tag in outline.seen if tag in ("h1", "h2", "h3", "h4")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in zip(levels, levels[1:], strict=False))
    targets = {value[1:] for tag, name, value in outline.attributes if (tag, name) == ("a", "href")}
    assert targets <= set(outline.ids) and len(outline.ids) == len(set(outline.ids))
    assert set(outline.seen) & {"script", "link", "img", "iframe", "object", "form"} == set()


def test_every_view_tells_everything():
    told, facts = fleet_of_weeks(6)
    for text in views(told, facts):
        flat = " ".join(text.replace("\\", "").split())
        for part in (
            "What ran",
            "daily_health_check: 6 runs (7 in the week before), 6 degraded, about 1 missing (one every 1 d)",
            "Alerts of the week",
            "critical",
            "still open, since 2026-",
            "recurring",
            "What comes near its limit",
            "Unusual against the week before",
            "Most frequent errors",
            "Tables read sequentially",
            "No longer measured",
            "db0",
        ):
            assert part in flat, part
        assert "Statements" not in flat, "there were none"
    page = review_page(told, facts.series)
    assert page.count("<svg") == 6 * 17 + 1
    assert "1 for information" in page and "noted" in page
    assert "noted" not in render_review(told, 120) + review_markdown(told)
    assert json.loads(json.dumps(told)) == told


def test_an_empty_history_is_one_sentence_in_every_view():
    told = review(Facts(), WEEKS, {})
    for text in views(told, Facts()):
        assert "The history is empty" in text
        assert "What ran" not in text
    assert "<svg" not in review_page(told, {})


def test_a_first_week_shows_no_week_before():
    facts = Facts(NOW - 86400, runs_every_day(*range(13)), (), {("db1", TARGET, "pg.a"): slots(1, 2)}, [top(13, 1)])
    told = review(facts, WEEKS, {})
    page = review_page(told, facts.series)
    assert "There is nothing yet to compare with." in page
    assert "before: " not in page and "once, on app1: api: ERROR" in page.replace("&lt;*&gt;", "<*>")


def test_many_hosts_are_folded_and_few_are_not():
    told, facts = fleet_of_weeks(8)
    assert 'class="host" open' not in review_page(told, facts.series)
    told, facts = fleet_of_weeks(2)
    assert review_page(told, facts.series).count('class="host" open') == 2


def test_what_is_long_is_counted():
    series = {("db1", TARGET, f"pg.n{n}"): slots(*[1] * 7, *[9 + n] * 7) for n in range(40)}
    facts = Facts(NOW - 20 * 86400, runs_every_day(), [alert(f"s{n}") for n in range(40)], series)
    told = review(facts, WEEKS, {})
    text, page, markdown = views(told, facts)
    assert text.count("… and 25 more") == 2
    assert "<summary>20 more</summary>" in page and "16 more figures" in page
    assert "… and 25 more" in markdown


def test_what_never_moved_is_a_row_and_no_curve():
    facts = Facts(NOW, [], [], {("db1", TARGET, "pg.a"): slots(5, 5), ("db1", TARGET, "pg.b"): slots(5)})
    page = review_page(review(facts, WEEKS, {}), facts.series)
    assert "<svg" not in page and "2 figures" in page


def test_where_a_figure_is_going_stands_below_its_curve():
    falling = {("db1", TARGET, "pg.connections.used_percent"): slots(*range(73, 59, -1))}
    page = review_page(review(Facts(NOW, series=falling), WEEKS, {}), falling)
    assert "−1\u00a0% a day, limit 80\u00a0% (default)<" in page
    rising = {("db1", TARGET, "pg.connections.used_percent"): slots(*range(60, 74))}
    page = review_page(review(Facts(NOW, series=rising), WEEKS, {"pg.connections": {"warning": 75}}), rising)
    assert "+1\u00a0% a day, limit 75\u00a0% in 2 days<" in page


def test_a_narrow_terminal_breaks_lines():
    told, _facts = fleet_of_weeks(6)
    assert max(map(len, render_review(told, 20).splitlines())) <= 40


def test_a_run_that_says_little_is_told_in_few_words():
    runs = [RunRow("x", NOW - 60, NOW - 60, False, "healthy", None), RunRow("x", NOW - 50, NOW, True, "healthy", 0)]
    text = render_review(review(Facts(NOW, runs), WEEKS, {}), 200)
    assert "x: 1 run (0 in the week before), 1 in check mode; the last one at" in text
    failed = [RunRow("x", NOW - 60, NOW - 60, False, "unhealthy", 2)]
    assert "1 unhealthy, 1 with failed tasks" in render_review(review(Facts(NOW, failed), WEEKS, {}), 200)


def test_an_alert_that_came_back_says_how_often():
    alerts = [alert("a", 10, 6), alert("a", 3, 2), alert(since=1, host="h", target="h")]
    text = render_review(review(Facts(NOW, alerts=alerts), WEEKS, {}), 400)
    assert "a on db1 · " in text
    assert "(recurring, 2 times, there in the week before, too; for 2 d of the week; gone since 2026-" in text
    assert "server on h (new; for 1 d of the week; still open, since " in text


def test_the_heaviest_are_told_with_hosts_and_figures():
    rows = [top(8, 1200, host=f"app{n}") for n in range(5)] + [top(3, 7)]
    rows += [top(day, 5 * day, 1000.0 * day, **SCANS) for day in range(6, 9)]
    text = render_review(review(Facts(NOW, top=rows), WEEKS, {}), 400)
    assert "6 000 times (7 before), on app0, app1, app2 and 2 more: api: ERROR <*> failed" in text
    assert (
        "2 000 rows (0 rows before), 10 scans (0 before), on db1 · postgresql://127.0.0.1:5432/analytics: public.orders"
        in text
    )


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([*[5] * 7, *[90] * 7], "90 on average, 5 before (+1 700 %), from 90 to 90"),
        ([*[90] * 7, *[45] * 7], "45 on average, 90 before (−50 %), from 45 to 45"),
    ],
)
def test_a_change_is_told_with_its_sign(values, said):
    facts = Facts(NOW - 20 * 86400, series={("db1", TARGET, "pg.xid_age"): slots(*values)})
    assert said in render_review(review(facts, WEEKS, {}), 200)
