# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts of others in Markdown, in which they can be nothing but text."""

from __future__ import annotations

import re

from .text import printable

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~^$-])")
_LINK = re.compile(r"(\S*(?:://|www\.)\S*)", re.IGNORECASE)  # made into a link by itself, unless it is code


def plain(text: object, limit: int = 300) -> str:
    """Text that is nothing but text: no markup, no tag, no link, and nobody is called by ``@all``."""
    parts = _LINK.split(printable(text, limit))
    return "".join("`{0}`".format(code(part)) if number % 2 else _flat(part) for number, part in enumerate(parts))


def _flat(text: str) -> str:
    harmless = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", harmless).replace("@", "&#64;")


def code(text: str) -> str:
    return printable(text).replace("`", "'")
