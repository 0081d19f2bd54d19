# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who else may promote the servers of a cluster, and the command by which it does."""

from __future__ import annotations

from typing import Iterator, Tuple

from .rows import Row

PATRONI, REPMGR, AUTO_FAILOVER = "Patroni", "repmgr", "pg_auto_failover"
_SESSIONS = ((PATRONI, ("patroni",)), (REPMGR, ("repmgr",)), (AUTO_FAILOVER, ("pgautofailover", "pg_auto_failover")))
_LIBRARIES = ((REPMGR, "repmgr"), (AUTO_FAILOVER, "pgautofailover"))
COMMANDS = {
    PATRONI: "patronictl -c <its configuration> failover {cluster}, or switchover while the old primary is up",
    REPMGR: "repmgr -f <its configuration> standby promote on this host, or standby switchover while the old primary "
    "is up",
    AUTO_FAILOVER: "pg_autoctl perform failover",
}


def managers(target: Row) -> Iterator[Tuple[str, str]]:
    """Who else may promote servers of this cluster, each with what gives it away."""
    sessions = [name for name in target.sessions or () if name]
    for manager, beginnings in _SESSIONS:
        for name in sessions:
            if name.lower().startswith(beginnings):
                yield manager, "the session '{0}'".format(name)
    libraries = [part.strip().strip('"') for part in (target.libraries or "").split(",")]
    for manager, library in _LIBRARIES:
        if library in libraries:
            yield manager, "shared_preload_libraries has '{0}'".format(library)
    if target.patroni_file:
        yield PATRONI, "patroni.dynamic.json lies in the data directory"
    if target.repmgr_database:
        yield REPMGR, "there is a database 'repmgr'"
    if target.repmgr_schema:
        yield REPMGR, "there is a schema 'repmgr'"
