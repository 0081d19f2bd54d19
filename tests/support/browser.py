# SPDX-License-Identifier: GPL-3.0-or-later
"""The system's Chromium, for tests that look at a page as a person does."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.sources import REPOSITORY

PICTURES = REPOSITORY / ".cache" / "results" / "browser"
WIDTHS = (360, 768, 1280)
SCHEMES = ("light", "dark")
each_look = pytest.mark.parametrize(("width", "scheme"), [(w, s) for w in WIDTHS for s in SCHEMES])
NAMES = ("chromium", "chromium-browser", "google-chrome")


def obstacle() -> str:
    """Why no page can be looked at here, or nothing."""
    return "" if _program() else "no program 'chromium' (Debian: apt install chromium)"


def _program() -> str:
    return next((found for found in map(shutil.which, NAMES) if found), "")


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser of Playwright's, headless."""
    from playwright.sync_api import sync_playwright

    # Chromium refuses its sandbox to root, which CI is.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_program(), args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def shown(browser: Any, file: Path, width: int = 1280, scheme: str = "light") -> Iterator[Any]:
    """The page in a window of its own; whatever the browser complains about, loads or asks is an error."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    unwanted: list[str] = []
    page.on("console", lambda message: unwanted.append(message.text))
    page.on("pageerror", lambda error: unwanted.append(str(error)))
    page.on("dialog", lambda dialog: (unwanted.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: unwanted.append(request.url) if request.url != file.as_uri() else None)
    page.goto(file.as_uri())
    try:
        yield page
    finally:
        context.close()
    assert unwanted == []


def unfold(page: Any) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true })")


def assert_fits(page: Any, width: int, picture: str) -> None:
    """Nothing is wider than the window, folded or not; the picture stays for a person to look at."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{picture}.png", full_page=True)
    unfold(page)
    assert page.evaluate("document.documentElement.scrollWidth") == width


def assert_no_barrier(page: Any) -> None:
    """Every rule that axe has, the recommended practices and the strictest contrast left to people."""
    import axe_playwright_python

    axe = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
    unfold(page)
    page.evaluate(axe)
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    found = [(v["id"], v["help"], [n["html"][:120] for n in v["nodes"][:3]]) for v in result["violations"]]
    assert found == []
    assert result["testEngine"]["name"] == "axe-core"
