# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How PostgreSQL's own programs are told where and as whom to connect, without anybody else reading it."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from typing import Dict, Iterator, NamedTuple, Tuple

from .._errors import InputError
from .postgres import APPLICATION_NAME, PostgresLogin

_NOT_INHERITED = ("PGSERVICE", "PGSERVICEFILE")


class ProgramLogin(NamedTuple):
    """``environment`` for the program, and the descriptors that it has to inherit."""

    environment: Dict[str, str]
    descriptors: Tuple[int, ...] = ()


@contextmanager
def program_login(login: PostgresLogin) -> Iterator[ProgramLogin]:
    """Everything goes through the environment, where no name can be taken for an option or a connection string.

    Only the password does not: root and the same user can read the environment of a process, and programs pass it on
    to others that they start. It goes into a password file that exists in memory alone, so that even a run that is
    killed leaves nothing; where the system cannot do that, into a file of mode 0600 that is removed afterwards.
    """
    # The rest of libpq's variables hold here as they do for our own connection; a service would win over the options.
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    given = {
        "PGHOST": login.host,
        "PGPORT": str(login.login_port),
        "PGUSER": login.login_user,
        "PGDATABASE": login.login_db,
        "PGSSLMODE": login.ssl_mode,
        "PGSSLROOTCERT": login.ca_cert,
        "PGSSLCERT": login.ssl_cert,
        "PGSSLKEY": login.ssl_key,
        "PGAPPNAME": APPLICATION_NAME,
        "PGCONNECT_TIMEOUT": str(max(2, int(login.connect_timeout))),
        "LC_ALL": "C",
    }
    environment.update({name: value for name, value in given.items() if value})
    if login.host:
        environment.pop("PGHOSTADDR", None)
    if not login.login_password:
        yield ProgramLogin(environment)
        return
    if "\n" in login.login_password or "\0" in login.login_password:
        raise InputError("login_password holds a line break, which no password file can.", "Check where it comes from.")
    environment.pop("PGPASSWORD", None)  # it would win over the file
    escaped = login.login_password.replace("\\", "\\\\").replace(":", "\\:")
    content = "*:*:*:*:{0}\n".format(escaped).encode()
    if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
        descriptor = os.memfd_create("pgpass", 0)
        try:
            os.fchmod(descriptor, 0o600)
            os.write(descriptor, content)
            environment["PGPASSFILE"] = "/proc/self/fd/{0}".format(descriptor)
            yield ProgramLogin(environment, (descriptor,))
        finally:
            os.close(descriptor)
        return
    with tempfile.NamedTemporaryFile(prefix="pgpass-") as file:  # mode 0600
        file.write(content)
        file.flush()
        environment["PGPASSFILE"] = file.name
        yield ProgramLogin(environment)
