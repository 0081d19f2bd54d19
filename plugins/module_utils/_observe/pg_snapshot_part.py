# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One part of a snapshot of PostgreSQL: a query, and when it cannot or need not be asked."""

from __future__ import annotations

from typing import Any, Callable, NamedTuple, Union

from .._judge.checks import Unavailable
from .._judge.rows import Row

# A constant text or a Composable of psycopg2.sql; or why not to ask.
Query = Union[str, Any, Unavailable]


class Part(NamedTuple):
    """``query`` is told about the server (version, role, rights) and gives the text. ``one``: always a single row."""

    query: Callable[[Row], Query]
    one: bool = False


def constant(text: str, one: bool = False) -> Part:
    return Part(lambda server: text, one)


def monitor_only(text: str, what: str, one: bool = False) -> Part:
    """A part that shows only the role's own sessions unless it may read all statistics."""

    def query(server: Row) -> Query:
        return text if server.reads_all_stats else needs_monitor(server, what)

    return Part(query, one)


def on_primary(text: str, one: bool = False) -> Part:
    """What a standby has from its primary, and what only the primary can do anything about."""

    def query(server: Row) -> Query:
        return ON_STANDBY if server.standby else text

    return Part(query, one)


ON_STANDBY = Unavailable("This is a standby: its primary answers that.", severity="ok")


def needs_monitor(server: Row, what: str) -> Unavailable:
    return Unavailable(
        "Role {0} may not see {1}.".format(server.role, what), "GRANT pg_monitor TO {0}.".format(server.role_quoted)
    )
