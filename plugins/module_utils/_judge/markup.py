# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Elements of HTML, SVG and XML in which no text can be anything but text.

Whatever is put into an element is escaped and made ``printable``, unless ``element`` itself has made it. So a view
cannot forget it.
"""

from __future__ import annotations

import html
import re
from typing import Any, Iterable

from .text import printable

TEXT_LIMIT = 1000  # characters of one text; a message may be a whole log
_VOID = frozenset(("meta", "br", "hr"))
# Characters that are allowed neither in XML nor in HTML, and that no one can see.
_NO_CHARACTERS = re.compile("[\ufdd0-\ufdef\ufffe\uffff]")


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def element(tag: str, *content: Any, **attributes: Any) -> Markup:
    """``element("p", "a < b", class_="note")`` → ``<p class="note">a &lt; b</p>``.

    An attribute that is ``None`` or ``False`` is left out, one that is ``True`` stands alone; ``_`` at the end of an
    attribute's name is left out, one inside becomes ``-``.
    """
    given = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None)
    if tag in _VOID:
        return Markup("<{0}{1}>".format(tag, given))
    return Markup("<{0}{1}>{2}</{0}>".format(tag, given, joined(content)))


def joined(content: Iterable[Any]) -> Markup:
    return Markup("".join(part if isinstance(part, Markup) else escaped(part) for part in content))


def escaped(text: object) -> Markup:
    return Markup(html.escape(_NO_CHARACTERS.sub("\ufffd", printable(text, TEXT_LIMIT))))


def _attribute(key: str, value: Any) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is True or value is False:
        return " " + name if value else ""
    return ' {0}="{1}"'.format(name, escaped(value))
