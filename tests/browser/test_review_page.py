# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the weekly review in a real browser, held to what the page of a report is held to.

The pictures stay in ``.cache/results/browser/`` for a person to look at.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.view_review import review_page

from tests.support.browser import assert_fits, assert_no_barrier, each_look, shown
from tests.support.reports import HOSTILE
from tests.support.reviews import fleet_of_weeks


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    reviews = {"few": fleet_of_weeks(6), "many": fleet_of_weeks(100), "hostile": fleet_of_weeks(3, " " + HOSTILE * 3)}
    for name, (told, facts) in reviews.items():
        (folder / f"{name}.html").write_text(review_page(told, facts.series))
    return {name: folder / f"{name}.html" for name in reviews}


@each_look
def test_nothing_is_wider_than_the_window(browser: Any, files: dict[str, Path], width: int, scheme: str) -> None:
    for name in ("few", "hostile"):
        with shown(browser, files[name], width, scheme) as page:
            assert_fits(page, width, f"review-{name}-{width}-{scheme}")


@each_look
def test_axe_finds_no_barrier(browser: Any, files: dict[str, Path], width: int, scheme: str) -> None:
    with shown(browser, files["few"], width, scheme) as page:
        assert_no_barrier(page)


def test_the_week_in_a_sentence_stands_first(browser: Any, files: dict[str, Path]) -> None:
    with shown(browser, files["few"], width=360) as page:
        assert page.locator("h1").inner_text().startswith("Review of ")
        assert page.locator("header p").first.inner_text().startswith("6 runs, 1 missing, ")
        assert page.locator("#alerts li").first.inner_text().startswith("✖ critical")


def test_it_can_be_used_by_keyboard(browser: Any, files: dict[str, Path]) -> None:
    with shown(browser, files["few"]) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the review"
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Runs"


def test_on_paper_everything_is_unfolded(browser: Any, files: dict[str, Path]) -> None:
    with shown(browser, files["few"]) as page:
        folded = page.locator("details.host:not([open]) .figures").first
        assert not folded.is_visible()
        page.emulate_media(media="print")
        assert folded.is_visible() and folded.bounding_box()["height"] > 100
        assert not page.locator("nav").is_visible()


def test_a_hundred_hosts_are_one_small_page(browser: Any, files: dict[str, Path]) -> None:
    assert files["many"].stat().st_size < 5_000_000
    with shown(browser, files["many"], width=360) as page:
        assert page.locator("svg").count() == 1701
        assert page.locator("details.host").count() == 100


def test_hostile_text_is_shown_and_not_run(browser: Any, files: dict[str, Path]) -> None:
    with shown(browser, files["hostile"]) as page:
        assert page.locator("script").count() == 0
        assert "<script>alert(1)</script>" in page.locator("main").inner_text()
