#!/usr/bin/python
# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: data_check
short_description: Check assertions about the data in PostgreSQL and DuckDB
version_added: "1.0.0"
description:
  - Runs one query for each assertion and judges what it returns - how old the newest data is, whether values are within
    a range, as expected, the same in two stores or about as usual, or whether any row breaks a rule.
  - Each query is a single statement in a read-only transaction of its own, with a time limit for itself and for locks.
    The server, and for DuckDB the library, sees to that, not a search for words. Only the first rows are fetched.
  - A query that fails is reported as V(unknown) and does not hide the others. A query that returns no row or C(NULL)
    breaks its rule, and the finding says so.
author:
  - analytics.ops contributors (@analytics-ops)
extends_documentation_fragment:
  - analytics.ops.postgres
  - analytics.ops.checking
  - analytics.ops.attributes
  - analytics.ops.attributes.info_module
options:
  assertions:
    description:
      - What has to be so. Each has a query and exactly one rule.
      - The rules are O(assertions[].warning_age) or O(assertions[].critical_age), O(assertions[].min) or
        O(assertions[].max), O(assertions[].equals), O(assertions[].other_sql), O(assertions[].usual_percent) and
        O(assertions[].no_rows).
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What findings and measurements call it.
        type: str
        required: true
      sql:
        description:
          - One query. It returns one row, of which each value is judged; with O(assertions[].no_rows) any number.
        type: str
        required: true
      store:
        description: Where to run it - the server of the login options, O(duckdb_file), or the server of O(other_login).
        type: str
        choices: [postgresql, duckdb, other]
        default: postgresql
      warning_age:
        description: The time that the query returns may not be this many seconds old.
        type: float
      critical_age:
        description: The age in seconds from which it is critical.
        type: float
      min:
        description: The least number that is allowed.
        type: float
      max:
        description: The greatest number that is allowed.
        type: float
      equals:
        description: The value that is expected; numbers are compared as numbers, C(true) and C(false) as such.
        type: str
      other_sql:
        description: A second query that must return the same row in O(assertions[].other_store).
        type: str
      other_store:
        description:
          - Where to run O(assertions[].other_sql).
          - Without it, at O(other_login) if there is one, else in O(duckdb_file).
        type: str
        choices: [postgresql, duckdb, other]
      tolerance_percent:
        description: By how much numbers of O(assertions[].other_sql) may differ, in percent of the greater one.
        type: float
        default: 0.0
      usual_percent:
        description:
          - How far the number may be from what it usually was, in percent of that. Needs O(previous).
          - What is usual is a mean of the last looks, the newest of which weigh most. Nothing is judged before three.
        type: float
      no_rows:
        description: Whether each row that is returned breaks the rule.
        type: bool
        default: false
      severity:
        description: How bad it is when the rule is broken. The age of data has its two limits instead.
        type: str
        choices: [warning, critical]
        default: critical
      show_values:
        description: Whether findings and measurements may hold values; without it O(show_values).
        type: bool
      timeout:
        description: Seconds for its query; without it O(statement_timeout).
        type: float
  duckdb_file:
    description: The DuckDB file of assertions whose store is V(duckdb). It is opened read-only.
    type: path
  other_login:
    description: A second PostgreSQL server. What is not given is as for the first.
    type: dict
    suboptions:
      login_host:
        description: As O(login_host).
        type: str
      login_port:
        description: As O(login_port).
        type: int
      login_user:
        description: As O(login_user).
        type: str
      login_password:
        description: As O(login_password).
        type: str
      login_db:
        description: As O(login_db).
        type: str
      login_unix_socket:
        description: As O(login_unix_socket).
        type: str
      ssl_mode:
        description: As O(ssl_mode).
        type: str
        choices: [allow, disable, prefer, require, verify-ca, verify-full]
      ca_cert:
        description: As O(ca_cert).
        type: path
      ssl_cert:
        description: As O(ssl_cert).
        type: path
      ssl_key:
        description: As O(ssl_key).
        type: path
  time_zone:
    description:
      - The time zone that queries run in (which day C(CURRENT_DATE) is), and that times without a zone are in.
    type: str
    default: UTC
  statement_timeout:
    description: Seconds after which the query of an assertion is given up.
    type: float
    default: 30.0
  lock_timeout:
    description: Seconds to wait for a lock.
    type: float
    default: 1.0
  show_values:
    description:
      - Whether findings and measurements may hold values. Set it to V(false) for personal data; then only the number of
        rows and the age of data are shown, and what is usual.
    type: bool
    default: true
  rows_shown:
    description: How many of the rows that break a rule are fetched and shown.
    type: int
    default: 5
  previous:
    description: The RV(measurements) of an earlier result, for O(assertions[].usual_percent).
    type: dict
    default: {}
requirements:
  - duckdb (the Python library, only for assertions on a DuckDB file)
seealso:
  - module: analytics.ops.pg_health
  - module: analytics.ops.duckdb_health
"""

EXAMPLES = r"""
- name: Check yesterday's aggregation and what it computed
  analytics.ops.data_check:
    login_host: db1.example.com
    login_user: monitor
    login_password: "{{ monitor_password }}"
    login_db: analytics
    time_zone: Europe/Berlin
    assertions:
      - name: yesterday's aggregation
        sql: SELECT count(*) FROM daily_analytics WHERE date = CURRENT_DATE - 1
        min: 1
      - name: completion rate
        sql: SELECT user_id, completion_rate FROM daily_analytics WHERE completion_rate NOT BETWEEN 0 AND 100
        no_rows: true
        show_values: false
      - name: events of yesterday
        sql: SELECT count(*) FROM events WHERE at >= CURRENT_DATE - 1 AND at < CURRENT_DATE
        usual_percent: 40
        severity: warning
    previous: "{{ earlier.measurements | default({}) }}"

- name: Check that DuckDB follows PostgreSQL
  analytics.ops.data_check:
    login_db: analytics
    duckdb_file: /srv/analytics/copy.duckdb
    assertions:
      - name: synchronisation lag
        store: duckdb
        sql: SELECT max(synced_at) FROM sync_state
        warning_age: 300
        critical_age: 600
      - name: orders in both stores
        sql: SELECT count(*), sum(total) FROM orders WHERE day < CURRENT_DATE
        other_sql: SELECT count(*), sum(total) FROM orders WHERE day < current_date
        tolerance_percent: 0.1

- name: Check figures of the business
  analytics.ops.data_check:
    login_db: analytics
    assertions:
      - name: queries a day
        sql: SELECT count(*) FROM query_log WHERE at >= now() - interval '1 day'
        min: 10000
        severity: warning
      - name: export success in percent
        sql: SELECT 100.0 * count(*) FILTER (WHERE state = 'done') / nullif(count(*), 0) FROM exports
        min: 98
"""

RETURN = r"""
status:
  description: V(unhealthy) with any critical finding, V(degraded) with a warning or something unknown, else V(healthy).
  type: str
  returned: success
  sample: degraded
findings:
  description: What is not in order, the worst first. With O(include_ok) also what is.
  type: list
  elements: dict
  returned: success
  sample:
    - check: data.freshness
      subject: synchronisation lag
      severity: warning
      value: 412.0
      unit: seconds
      warning: 300.0
      critical: 600.0
      message: The newest data is 6 min 52 s old.
      advice: Look whether the job that writes it runs, and at its log.
measurements:
  description:
    - Figures for the history, by the name of the assertion. C(data.observed_at) says when.
    - Give them back as O(previous) at the next run.
  type: dict
  returned: success
  sample:
    data.observed_at: 1767225600.5
    data.synchronisation_lag.age_seconds: 412.0
    data.synchronisation_lag.seconds: 0.0031
target:
  description: The stores that were asked.
  type: str
  returned: success
  sample: "postgresql://local:5432/analytics, /srv/analytics/copy.duckdb"
checks:
  description: The checks that ran.
  type: list
  elements: str
  returned: success
  sample: [data.statement, data.freshness]
msg:
  description: Why a store could not be asked.
  type: str
  returned: when a store could not be asked
  sample: "postgresql://local:5432/analytics cannot be used: Connection refused."
"""

import datetime
import time
import zoneinfo
from collections import Counter

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._arguments import checking_spec, postgres_spec, selected
from ..module_utils._errors import InputError, Refused, Unreachable
from ..module_utils._judge.data import CHECKS
from ..module_utils._judge.data_facts import NO_ROWS, SAME, Answer, measurements, usual_values
from ..module_utils._judge.data_rules import assertion_from
from ..module_utils._judge.finding import CRITICAL, UNKNOWN, Finding, check_result
from ..module_utils._judge.text import printable
from ..module_utils._observe.data import Question, ask_duckdb, ask_postgres
from ..module_utils._observe.postgres import PostgresClient, PostgresLogin
from ..module_utils._run import exit_module

POSTGRESQL = "postgresql"
DUCKDB = "duckdb"
OTHER = "other"
STORES = (POSTGRESQL, DUCKDB, OTHER)

ARGUMENTS = dict(
    postgres_spec(),
    **checking_spec(),
    assertions={
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "sql": {"type": "str", "required": True},
            "store": {"type": "str", "choices": list(STORES), "default": POSTGRESQL},
            "warning_age": {"type": "float"},
            "critical_age": {"type": "float"},
            "min": {"type": "float"},
            "max": {"type": "float"},
            "equals": {"type": "str"},
            "other_sql": {"type": "str"},
            "other_store": {"type": "str", "choices": list(STORES)},
            "tolerance_percent": {"type": "float", "default": 0.0},
            "usual_percent": {"type": "float"},
            "no_rows": {"type": "bool", "default": False},
            "severity": {"type": "str", "choices": ["warning", "critical"], "default": "critical"},
            "show_values": {"type": "bool"},
            "timeout": {"type": "float"},
        },
    },
    duckdb_file={"type": "path"},
    other_login={
        "type": "dict",
        "options": {
            "login_host": {"type": "str"},
            "login_port": {"type": "int"},
            "login_user": {"type": "str"},
            "login_password": {"type": "str", "no_log": True},
            "login_db": {"type": "str"},
            "login_unix_socket": {"type": "str"},
            "ssl_mode": {
                "type": "str",
                "choices": ["allow", "disable", "prefer", "require", "verify-ca", "verify-full"],
            },
            "ca_cert": {"type": "path"},
            "ssl_cert": {"type": "path"},
            "ssl_key": {"type": "path"},
        },
    },
    time_zone={"type": "str", "default": "UTC"},
    statement_timeout={"type": "float", "default": 30.0},
    lock_timeout={"type": "float", "default": 1.0},
    show_values={"type": "bool", "default": True},
    rows_shown={"type": "int", "default": 5},
    previous={"type": "dict", "default": {}},
)


def run(params, check_mode=False):
    selection = CHECKS.select(*selected(params))
    for name in ("statement_timeout", "lock_timeout", "connect_timeout", "rows_shown"):
        if params[name] <= 0:
            raise InputError("{0} is {1:g}.".format(name, params[name]), "Give a number above zero.")
    zone = time_zone(params["time_zone"])
    assertions = [assertion_from(given, params["show_values"]) for given in params["assertions"]]
    twice = [key for key, times in Counter(one.key for one in assertions).items() if times > 1]
    if twice:
        raise InputError("assertions: two are called '{0}'.".format(twice[0][5:-1]), "Give each a name of its own.")
    usual = usual_values(assertions, params["previous"])
    # Each statement with the place where its outcome belongs: the number of its assertion, and whether it is the other.
    places = {store: [] for store in STORES}
    for number, (given, assertion) in enumerate(zip(params["assertions"], assertions)):
        places[given["store"]].append((number, False, question(params, given, assertion, given["sql"])))
        if assertion.rule == SAME:
            places[other_store(params, given)].append(
                (number, True, question(params, given, assertion, given["other_sql"]))
            )
    asked = [store for store in STORES if places[store]]
    if DUCKDB in asked and not params["duckdb_file"]:
        raise InputError("duckdb_file: is missing.", "Assertions on the store 'duckdb' need it.")
    if OTHER in asked and not params["other_login"]:
        raise InputError("other_login: is missing.", "Assertions on the store 'other' need it.")
    outcomes, reached, unreachable = {}, [], []
    for store in asked:
        try:
            answers = ask(store, params, [place[2] for place in places[store]], zone)
        except (Unreachable, Refused) as error:
            # A file that its service holds is in use and not ill; but nothing is known of the data in it.
            severity = UNKNOWN if isinstance(error, Refused) else CRITICAL
            where = target(params, store)
            unreachable.append(Finding("data.reachable", where, severity, error.message, advice=error.advice))
            continue
        outcomes.update(zip([place[:2] for place in places[store]], answers))
        reached.append(printable(target(params, store)))
    answers = [
        Answer(assertion, outcomes[number, False], outcomes.get((number, True)))
        for number, assertion in enumerate(assertions)
        if (number, False) in outcomes and (assertion.rule != SAME or (number, True) in outcomes)
    ]
    subject = printable(", ".join(target(params, store) for store in asked))
    return check_result(
        unreachable + selection.findings({"answers": answers, "usual": usual, "reached": reached}, subject),
        params["include_ok"],
        measurements=measurements(answers, usual, time.time()),
        target=subject,
        checks=selection.names,
        **({"msg": " ".join(finding.message for finding in unreachable)} if unreachable else {}),
    )


def question(params, given, assertion, sql):
    seconds = params["statement_timeout"] if given["timeout"] is None else given["timeout"]
    if seconds <= 0:
        raise InputError("assertions: the timeout of '{0}' is {1:g}.".format(assertion.name, seconds), "Give seconds.")
    rows = params["rows_shown"] if assertion.rule == NO_ROWS else 1
    return Question(sql, rows, seconds, assertion.show_values)


def other_store(params, given):
    return given["other_store"] or (OTHER if params["other_login"] else DUCKDB)


def login_of(params, store):
    login = PostgresLogin.from_params(params)
    given = params["other_login"] if store == OTHER else {}
    return login._replace(**{name: value for name, value in given.items() if value is not None})


def target(params, store):
    return params["duckdb_file"] if store == DUCKDB else login_of(params, store).target


def ask(store, params, questions, zone):
    if store == DUCKDB:
        return ask_duckdb(params["duckdb_file"], questions, zone)
    login = login_of(params, store)
    with PostgresClient(login, params["statement_timeout"], params["lock_timeout"], read_only=True) as client:
        return ask_postgres(client, questions, zone)


def time_zone(name):
    if name.upper() == "UTC":  # also on hosts without tzdata
        return datetime.timezone.utc
    try:
        return zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError) as error:
        raise InputError(
            "time_zone: this host knows none called '{0}'.".format(printable(name, 60)),
            "Give one such as Europe/Berlin; the package tzdata brings them.",
        ) from error


def main():
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    exit_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
