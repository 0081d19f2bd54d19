# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The new primary as an old one sees it, and whether a server still runs on the old data directory."""

from __future__ import annotations

import os
from typing import Mapping, Optional

from .._errors import InputError, Refused
from .._judge.rows import Row
from .._judge.text import printable
from .failover import ROLE
from .pg_control import is_standby
from .postgres import PostgresClient
from .regular import open_regular

_FOLLOWS = "SELECT count(*) > 0 AS follows FROM pg_stat_replication WHERE state = 'streaming' AND application_name = %s"


def observe_source(client: PostgresClient) -> Row:
    return Row(**client.row(ROLE))


def follows(client: PostgresClient, name: str) -> bool:
    return bool(client.row(_FOLLOWS, (name,))["follows"])


def require_replication(primary: Mapping[str, str], seconds: float) -> None:
    """Connects as the standby will, before anything is thrown away. ``primary`` holds libpq's names, no password."""
    from psycopg2 import Error, connect
    from psycopg2.extras import PhysicalReplicationConnection

    given = {name: value for name, value in primary.items() if value}
    try:
        connect(connection_factory=PhysicalReplicationConnection, connect_timeout=max(2, int(seconds)), **given).close()
    except Error as error:
        raise Refused(
            "The new primary would not let it follow: {0}.".format(printable(str(error).strip(), 300).rstrip(".")),
            "Nothing was changed. Check pg_hba.conf there (database 'replication'), replication_user, and the password "
            "in passfile or in the .pgpass of the server's user.",
        ) from error


def running_server(directory: str) -> Optional[int]:
    """The process that ``postmaster.pid`` names, when there is one. That of a crash may be somebody else's by now;
    then the file has to be looked at, as PostgreSQL itself asks for."""
    try:
        with open(os.path.join(directory, "postmaster.pid"), "rb") as file:
            pid = int(file.readline(32))
        os.kill(pid, 0)
    except (FileNotFoundError, ValueError, ProcessLookupError):
        return None
    except PermissionError:
        pass
    return pid


def is_set_up(directory: str, settings: str) -> bool:
    """Whether it was made a standby with these settings already, and only has to be started."""
    try:
        with open_regular(os.path.join(directory, "postgresql.auto.conf")) as file:
            return is_standby(directory) and file.read().endswith(settings.encode())
    except OSError:
        return False


def require_owner(directory: str) -> None:
    """PostgreSQL's programs refuse root, and files that root made are not the server's."""
    try:
        owner = os.stat(directory).st_uid
    except OSError as error:
        raise InputError(
            "{0} cannot be seen: {1}.".format(directory, error.strerror or error), "Check data_directory."
        ) from error
    if os.geteuid() == 0 or os.geteuid() != owner:
        raise InputError(
            "{0} belongs to the user {1}, and this runs as {2}.".format(directory, owner, os.geteuid()),
            "Run it as the server's user: become_user: postgres.",
        )
