# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the inventory of the embedded stack, as a team would write its own: services, groups, credentials, limits."""

from __future__ import annotations

from pathlib import Path

from demo.stack import NAME, Stack

HOSTS = """\
---
# The embedded stack of `make demo`. Everything runs on this machine; hosts differ only in their ports.
db:
  hosts:
    db1:
      postgresql_port: {primary}
      # Backups are taken from, and looked for on, this host.
      analytics_ops_backup_directory: "{backups}"
    db2:
      postgresql_port: {replica}
cache:
  hosts:
    cache1:
app:
  hosts:
    app1:
"""

DATABASE = """\
---
analytics_ops_postgresql_login:
  login_host: 127.0.0.1
  login_port: "{{{{ postgresql_port }}}}"
  login_user: postgres
  login_password: "{{{{ demo_password }}}}"
  login_db: {database}
"""

CACHE = """\
---
analytics_ops_redis_login:
  login_host: 127.0.0.1
  login_port: {cache}
  login_password: "{{{{ demo_password }}}}"
"""

VARIABLES = """\
---
ansible_connection: local
ansible_python_interpreter: "{{{{ ansible_playbook_python }}}}"

# All of its hosts are this machine, whose own state is not what is shown.
health_check_host: false

# The stack, declared once. Its processes are started by this demonstration: no systemd and no Compose knows of them.
analytics_ops_services:
  postgres: {{group: db, manager: none}}
  redis: {{group: cache, manager: none, port: {cache}}}
  api:
    group: app
    manager: none
    after: [postgres, redis]
    ready: {{http: "http://127.0.0.1:{api}/health", within_seconds: 30}}

analytics_ops_postgresql_programs: "{programs}"
analytics_ops_lock_directory: "{locks}"

# The demo's tables are a thousand times smaller than yours and its forgotten session is seconds old, so limits that
# are in megabytes, gigabytes and minutes by default are lower here.
analytics_ops_thresholds:
  pg.idle_in_transaction: {{warning: 1, critical: 3600}}
  pg.index_bloat: {{bloat_bytes: 1048576}}

postgresql_maintenance_reindex_thresholds: {{bloat_percent: 30, bloat_bytes: 1048576}}

# What may go, and what gets a time to live, is declared: nothing is cleaned that is not named here.
redis_maintenance_rules:
  - {{pattern: "tmp:export:*", state: absent}}
  - {{pattern: "cache:user:*", state: expire, ttl: 86400, ttl_jitter: 3600}}

# The damaged backups of earlier nights stay where they are, as evidence: what maintenance cannot mend is reported, and
# does not make this demonstration fail. On a real stack leave this at its default, 'unhealthy'.
analytics_ops_fail_on: never
"""


def write(stack: Stack) -> Path:
    """``inventory/`` below the stack's home; the password stands in a file that only its owner reads."""
    directory = stack.home / "inventory"
    variables = directory / "group_vars" / "all"
    variables.mkdir(parents=True)
    ports = stack.ports
    hosts = HOSTS.format(primary=ports.primary, replica=ports.replica, backups=_escaped(stack.backups))
    (directory / "hosts.yml").write_text(hosts)
    (stack.home / "locks").mkdir()
    shared = VARIABLES.format(
        cache=ports.cache,
        api=ports.api,
        programs=_escaped(stack.programs),
        locks=_escaped(stack.home / "locks"),
    )
    (variables / "stack.yml").write_text(shared)
    (variables.parent / "db.yml").write_text(DATABASE.format(database=NAME))
    (variables.parent / "cache.yml").write_text(CACHE.format(cache=ports.cache))
    secret = variables / "secret.yml"
    secret.touch(mode=0o600)
    secret.write_text(f"---\ndemo_password: {stack.password}\n")
    return directory


def _escaped(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')
