# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How sessions, statements and names of PostgreSQL are written for people."""

from __future__ import annotations

import re
from typing import Any

from .rows import Row
from .text import seconds_text

# What may hold a password or personal data: string constants, also those that were cut off in the middle. Comments
# and quoted names are matched so that a quote inside of them does not count.
_TOKENS = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))
      | (?P<name>"(?:[^"]|"")*(?:"|\Z))
      | (?P<dollar>\$(?P<tag>[A-Za-z_\x80-\uffff][\w\x80-\uffff]*)\$.*?(?:\$(?P=tag)\$|\Z))
      | (?P<bare>\$\$.*?(?:\$\$|\Z))
      | (?P<escape>\b[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z))
      | (?P<text>'(?:[^']|'')*(?:'|\Z))""",
    re.VERBOSE | re.DOTALL,
)
_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_$]*\Z")


def statement_text(query: Any, limit: int = 120) -> str:
    """A statement on one line, without its string constants and comments."""
    bare = _TOKENS.sub(
        lambda m: " " if m.group("comment") else m.group() if m.group("name") else "'…'", str(query or "")
    )
    line = " ".join(bare.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def identifier(name: str) -> str:
    """For a command that a person may copy; statements of ours use ``psycopg2.sql``."""
    return name if _PLAIN_NAME.match(name) else '"{0}"'.format(name.replace('"', '""'))


def literal(text: str) -> str:
    return "'{0}'".format(text.replace("'", "''"))


def session_text(session: Row) -> str:
    """To begin a sentence with: ``Session 4711 (application 'api', user app, database shop, from 10.0.0.7)``"""
    parts = []
    if session.backend_type not in (None, "client backend"):
        parts.append(session.backend_type)
    if session.application:
        parts.append("application '{0}'".format(session.application))
    for word, value in (("user", session.user), ("database", session.database), ("from", session.client)):
        if value:
            parts.append("{0} {1}".format(word, value))
    return "Session {0}{1}".format(session.pid, " ({0})".format(", ".join(parts)) if parts else "")


def doing_text(session: Row) -> str:
    """What a session is at: ``idle in transaction for 5 min, last statement: UPDATE …``"""
    if session.state is None:
        return "in a state that this role may not see"
    query = statement_text(session.query)
    shown = ", {0}: {1}".format("statement" if session.state == "active" else "last statement", query) if query else ""
    since = " for {0}".format(seconds_text(session.state_seconds)) if session.state_seconds is not None else ""
    return "{0}{1}{2}".format(session.state, since, shown)


def end_session(pid: int) -> str:
    return "SELECT pg_terminate_backend({0})".format(pid)


def many(count: int, one: str, more: str = "") -> str:
    """``1 session``, ``2 sessions``"""
    return "{0} {1}".format(count, one if count == 1 else more or one + "s")
