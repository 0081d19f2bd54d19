# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every page of ours has: its frame, sections with a way to each of them, and lists that fold what is long.

It loads nothing and runs nothing: its policy forbids both, and allows no style but its own.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Iterable, List, NamedTuple, Sequence

from .finding import CRITICAL, DEGRADED, HEALTHY, INFO, OK, UNHEALTHY, UNKNOWN, WARNING
from .markup import Markup, element, joined
from .view_style import STYLE

MOST_CARDS = 20  # in full; the rest is folded, so that the end of the page can be reached with a thumb

# Beside the colour always a sign and the word.
SIGNS = {CRITICAL: "✖", WARNING: "▲", UNKNOWN: "?", INFO: "ℹ", OK: "✔", UNHEALTHY: "✖", DEGRADED: "▲", HEALTHY: "✔"}


class Section(NamedTuple):
    """Left out where it has no ``content``."""

    name: str
    short: str
    title: str
    content: Markup


def document(title: str, skip: str, top: Markup, given: Sequence[Section]) -> str:
    """The whole page; ``skip`` is the text of the link that leads past ``top`` for those who use a keyboard."""
    sections = [section for section in given if section.content]
    body = element(
        "body",
        element("a", skip, href="#main", class_="skip"),
        element("header", top, _navigation(sections)),
        element("main", *(_section(section) for section in sections), id="main"),
        element(
            "footer", element("p", "Made by analytics.ops. It names machines, databases and tables: keep it inside.")
        ),
    )
    return "<!DOCTYPE html>\n" + element("html", _head(title), body, lang="en") + "\n"


def badge(severity: str) -> Markup:
    return element("span", "{0} {1}".format(SIGNS[severity], severity), class_="badge " + severity)


def folded(title: str, content: Sequence[Markup]) -> List[Markup]:
    return [element("details", element("summary", title), *content)] if content else []


def listed(texts: Iterable[Any]) -> Markup:
    return rows([element("li", text) for text in texts], MOST_CARDS)


def rows(items: Sequence[Markup], most: int) -> Markup:
    """A list, of which what is beyond ``most`` is folded."""
    if not items:
        return Markup("")
    rest = [element("ul", *items[most:])] if len(items) > most else []
    return joined([element("ul", *items[:most]), *folded("{0} more".format(len(items) - most), rest)])


def _head(title: str) -> Markup:
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = "default-src 'none'; style-src 'sha256-{0}'; base-uri 'none'; form-action 'none'".format(digest)
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("style", Markup(STYLE)),
    )


def _navigation(sections: Sequence[Section]) -> Markup:
    links = (element("li", element("a", section.short, href="#" + section.name)) for section in sections)
    return element("nav", element("ul", *links), aria_label="Sections")


def _section(section: Section) -> Markup:
    return element("section", element("h2", section.title), section.content, id=section.name)
