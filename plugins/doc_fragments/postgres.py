# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How to reach PostgreSQL; paired with ``postgres_spec()`` in ``module_utils/_arguments.py``."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  login_host:
    description:
      - Host name or address of the PostgreSQL server, as seen from the host the module runs on.
      - Empty means the local Unix socket.
    type: str
    default: ""
    aliases: [host]
  login_port:
    description: Port of the server, also part of the Unix socket's name.
    type: int
    default: 5432
    aliases: [port]
  login_user:
    description: Role to log in as.
    type: str
    default: postgres
    aliases: [login]
  login_password:
    description:
      - Password of the role.
      - When it is empty, libpq looks in C(PGPASSFILE) and C(~/.pgpass) on the host the module runs on.
    type: str
    default: ""
  login_db:
    description: Database to connect to.
    type: str
    default: postgres
    aliases: [db, database]
  login_unix_socket:
    description: Directory of the Unix socket, where it is not libpq's default.
    type: str
    default: ""
    aliases: [unix_socket]
  ssl_mode:
    description: Whether and how strictly TLS is used, as libpq's C(sslmode).
    type: str
    default: prefer
    choices: [allow, disable, prefer, require, verify-ca, verify-full]
  ca_cert:
    description: File with the certificate authorities that the server's certificate is verified with.
    type: path
    aliases: [ssl_rootcert]
  ssl_cert:
    description: File with the client certificate.
    type: path
  ssl_key:
    description: File with the client's private key.
    type: path
  connect_timeout:
    description: Seconds to wait for the connection, the log-in included.
    type: float
    default: 5.0
requirements:
  - psycopg2 (on the host the module runs on)
"""
