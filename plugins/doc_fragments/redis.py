# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How to reach Redis or Valkey; paired with ``redis_spec()`` in ``module_utils/_arguments.py``."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  login_host:
    description: Host name or address of the Redis or Valkey server, as seen from the host the module runs on.
    type: str
    default: localhost
  login_port:
    description: Port of the server.
    type: int
    default: 6379
  login_user:
    description: ACL user to log in as; without it the server's C(default) user.
    type: str
  login_password:
    description: Password of the user.
    type: str
  login_db:
    description: Number of the logical database.
    type: int
    default: 0
  login_unix_socket:
    description: Path of the server's Unix socket. When given, O(login_host) and O(login_port) are not used.
    type: path
  tls:
    description: Whether to use TLS.
    type: bool
    default: false
  validate_certs:
    description: Whether the server's certificate must be valid for O(login_host).
    type: bool
    default: true
  ca_certs:
    description: File with the certificate authorities; without it those of the system.
    type: path
  client_cert_file:
    description: File with the client certificate.
    type: path
  client_key_file:
    description: File with the client's private key.
    type: path
  connect_timeout:
    description: Seconds to wait for the connection and for each answer.
    type: float
    default: 5.0
requirements:
  - redis (the Python library, on the host the module runs on)
"""
