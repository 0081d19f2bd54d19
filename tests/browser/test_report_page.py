# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a report in a real browser: readable at every width, in both schemes, on paper, by keyboard and by ear.

The pictures stay in ``.cache/results/browser/`` for a person to look at.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.view_html import page as html_page

from tests.support.browser import SCHEMES, assert_fits, assert_no_barrier, each_look, shown
from tests.support.reports import HOSTILE, fleet


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    reports = {"few": fleet(6, 30), "many": fleet(100, 90), "hostile": fleet(3, 30, " " + HOSTILE * 5)}
    for name, (report, past) in reports.items():
        (folder / f"{name}.html").write_text(html_page(report, past.series, 30))
    return {name: folder / f"{name}.html" for name in reports}


@each_look
def test_nothing_is_wider_than_the_window(browser: Any, files: dict[str, Path], width: int, scheme: str) -> None:
    for name in ("few", "hostile"):
        with shown(browser, files[name], width, scheme) as page:
            assert_fits(page, width, f"{name}-{width}-{scheme}")


@each_look
def test_axe_finds_no_barrier(browser: Any, files: dict[str, Path], width: int, scheme: str) -> None:
    with shown(browser, files["few"], width, scheme) as page:
        assert_no_barrier(page)


def test_the_scheme_follows_the_system(browser: Any, files: dict[str, Path]) -> None:
    colours = set()
    for scheme in SCHEMES:
        with shown(browser, files["few"], scheme=scheme) as page:
            colours.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert colours == {"rgb(246, 247, 249)", "rgb(13, 17, 23)"}


def test_what_is_wrong_can_be_read_without_scrolling_on_a_phone(browser: Any, files: dict[str, Path]) -> None:
    with shown(browser, files["many"], width=360) as page:
        assert page.locator("h1").inner_text() == "✖ unhealthy weekly_maintenance"
        assert page.locator("article").first.bounding_box()["y"] < 900
        assert page.locator("article").first.inner_text().startswith("✖ critical")


def test_a_command_is_selected_whole(browser: Any, files: dict[str, Path]) -> None:
    with shown(browser, files["few"]) as page:
        page.locator("code").first.click()
        assert page.evaluate("getSelection().toString()") == "SELECT pg_terminate_backend(4711)"


def test_it_can_be_used_by_keyboard(browser: Any, files: dict[str, Path]) -> None:
    with shown(browser, files["few"]) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the findings"
        assert page.locator(".skip").bounding_box()["x"] >= 0
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        summary = page.locator("details.host:not([open]) > summary").first
        host = summary.inner_text()
        summary.focus()
        page.keyboard.press("Enter")
        assert page.locator("details.host[open] > summary", has_text=host.split()[0]).count() == 1


def test_on_paper_everything_is_unfolded(browser: Any, files: dict[str, Path]) -> None:
    with shown(browser, files["few"]) as page:
        folded = page.locator("details.host:not([open]) .figures").first
        assert not folded.is_visible()
        page.emulate_media(media="print")
        assert folded.is_visible() and folded.bounding_box()["height"] > 100
        assert not page.locator("nav").is_visible()
        assert len(page.pdf()) > 10_000


def test_a_hundred_hosts_are_one_small_page(browser: Any, files: dict[str, Path]) -> None:
    assert files["many"].stat().st_size < 5_000_000
    with shown(browser, files["many"], width=360) as page:
        assert page.locator("svg").count() == 1700
        assert page.locator("details.host").count() == 100


def test_no_script_and_no_request_even_when_a_server_asks_for_it(browser: Any, files: dict[str, Path]) -> None:
    """What the browser does with hostile text, and that the page's own policy would stop what got through."""
    with shown(browser, files["hostile"]) as page:
        assert page.locator("script").count() == 0
        assert "<script>alert(1)</script>" in page.locator("main").inner_text()
    smuggled = files["hostile"].with_name("smuggled.html")
    smuggled.write_text(files["hostile"].read_text().replace("</main>", "<script>document.title='x'</script></main>"))
    context = browser.new_context()
    page = context.new_page()
    page.goto(smuggled.as_uri())
    assert page.title() != "x"
    context.close()
