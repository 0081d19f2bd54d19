#!/usr/bin/python
# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: celery_health
short_description: Check Celery workers, queues and beat through a Redis broker
version_added: "1.0.0"
description:
  - Asks all workers through Celery's remote control whether they answer and what they are doing, and the broker how
    many messages wait, for how long, and how many are handed out but not acknowledged.
  - Needs nothing of the application. It starts no task, takes no message and changes no setting. As every remote
    control, it publishes its questions and keeps a queue for the answers in the broker, which expires by itself.
  - Beat answers to nobody. It is judged by what is declared - O(beat_schedule_file), O(redbeat_lock_key) or
    O(periodic_tasks); without any of them nothing is said of it.
  - For brokers other than Redis and Valkey it does not work.
author:
  - analytics.ops contributors (@analytics-ops)
extends_documentation_fragment:
  - analytics.ops.redis
  - analytics.ops.checking
  - analytics.ops.attributes
  - analytics.ops.attributes.info_module
options:
  queues:
    description:
      - Queues that must be consumed and are looked at, besides those that the workers say they consume.
      - If there are none at all, V(celery) is looked at.
    type: list
    elements: str
    default: []
  expected_workers:
    description: How many workers should answer.
    type: int
  worker_names:
    description: Workers that must answer, by their names such as V(celery@app1).
    type: list
    elements: str
    default: []
  reply_timeout:
    description: Seconds to wait for the workers' answers.
    type: float
    default: 2.0
  beat_schedule_file:
    description: The file of C(celery beat -s), on the host the module runs on.
    type: path
  redbeat_lock_key:
    description: The lock of RedBeat, usually V(redbeat::lock), in the database of the login options.
    type: str
  periodic_tasks:
    description:
      - Tasks that beat sends. How often workers started them is compared with O(previous).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The task's full name, such as V(app.tasks.aggregate).
        type: str
        required: true
      every:
        description: The seconds between two runs, the longest that occur.
        type: float
        required: true
  result_backend:
    description: The Redis server that results are stored in. What is not given is as for the broker.
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
        type: int
      login_unix_socket:
        description: As O(login_unix_socket).
        type: path
      tls:
        description: As O(tls).
        type: bool
  age_fields:
    description:
      - Headers or properties of a message that say when it was sent. Celery sets none of its own; the first of these
        that is there counts.
      - Without one, the age is estimated from how long the same message is the oldest, which needs O(previous).
    type: list
    elements: str
    default: [timestamp, sent_at, published_at, sentry-task-enqueued-time]
  priority_steps:
    description: The C(priority_steps) of the application's broker transport options.
    type: list
    elements: int
    default: [0, 3, 6, 9]
  key_prefix:
    description: The C(global_keyprefix) of the application's broker transport options.
    type: str
    default: ""
  control_exchange:
    description: The application's C(control_exchange).
    type: str
    default: celery
  max_findings_per_check:
    description:
      - How many subjects (tasks, queues) one check lists, the worst first.
      - One further finding says how many were left out.
    type: int
    default: 20
  previous:
    description: The RV(measurements) of an earlier result.
    type: dict
    default: {}
requirements:
  - celery (the Python library, on the host the module runs on, only for checks that ask workers)
seealso:
  - module: analytics.ops.redis_cache_stats
"""

EXAMPLES = r"""
- name: Check the workers and queues of the application
  analytics.ops.celery_health:
    login_host: cache1.example.com
    login_password: "{{ redis_password }}"
    login_db: 1
    queues: [celery, exports]
    expected_workers: 2

- name: Also check beat, by its schedule file and by a task that has to run
  analytics.ops.celery_health:
    login_db: 1
    beat_schedule_file: /var/lib/analytics/celerybeat-schedule
    periodic_tasks:
      - {name: app.tasks.aggregate_daily, every: 86400}
      - {name: app.tasks.sync, every: 300}
    result_backend: {login_db: 2}
    previous: "{{ earlier.measurements | default({}) }}"
  register: jobs

- name: Look only at the broker, where the library celery is not installed
  analytics.ops.celery_health:
    queues: [celery]
    checks: [queue_depth, oldest_message, unacked_age]
    thresholds:
      queue_depth: {warning: 200, critical: 2000}
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
    - check: celery.long_tasks
      subject: app.tasks.export 8d6e1f1e-7a8c-4a52-9c3f-1f8d6b1f2a55
      severity: warning
      value: 2112.4
      unit: seconds
      warning: 1800.0
      critical: 3600.0
      message: The task runs for 35 min 12 s on celery@app1.
      advice: >-
        Look at what it waits for; to end it: celery control terminate SIGTERM 8d6e1f1e-7a8c-4a52-9c3f-1f8d6b1f2a55. Set
        task_time_limit so that it does not come back.
measurements:
  description:
    - Figures for the history. C(celery.observed_at) says when, by the broker's clock.
    - Give them back as O(previous) at the next run. Empty when the broker could not be reached.
  type: dict
  returned: success
  sample:
    celery.observed_at: 1767225600.5
    celery.workers.answering: 2
    celery.tasks.active: 3
    celery.queue.celery.depth: 17
target:
  description: The broker.
  type: str
  returned: success
  sample: redis://cache1.example.com:6379/1
checks:
  description: The checks that ran.
  type: list
  elements: str
  returned: success
  sample: [celery.workers, celery.queue_depth]
workers:
  description: The names of the workers that answered.
  type: list
  elements: str
  returned: when workers were asked
  sample: [celery@app1, celery@app2]
msg:
  description: Why the broker could not be asked.
  type: str
  returned: when the broker could not be reached, logged in to or asked in time
  sample: "redis://cache1.example.com:6379/1 cannot be used: Connection refused."
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._arguments import checking_spec, redis_spec, selected
from ..module_utils._errors import InputError, Unreachable
from ..module_utils._judge.celery import CHECKS
from ..module_utils._judge.celery_facts import Beat, Expected, Periodic, look_of
from ..module_utils._judge.checks import Unavailable
from ..module_utils._judge.finding import CRITICAL, OK, Finding, check_result
from ..module_utils._judge.shortlist import shortlist
from ..module_utils._judge.text import printable
from ..module_utils._observe.celery import Names, ask_backend, ask_broker, schedule_age
from ..module_utils._observe.celery_workers import ask_workers, consumed
from ..module_utils._observe.redis import RedisClient, RedisLogin
from ..module_utils._run import exit_module

ARGUMENTS = dict(
    redis_spec(),
    **checking_spec(),
    queues={"type": "list", "elements": "str", "default": []},
    expected_workers={"type": "int"},
    worker_names={"type": "list", "elements": "str", "default": []},
    reply_timeout={"type": "float", "default": 2.0},
    beat_schedule_file={"type": "path"},
    redbeat_lock_key={"type": "str", "no_log": False},
    periodic_tasks={
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"name": {"type": "str", "required": True}, "every": {"type": "float", "required": True}},
    },
    result_backend={
        "type": "dict",
        "options": {
            "login_host": {"type": "str"},
            "login_port": {"type": "int"},
            "login_user": {"type": "str"},
            "login_password": {"type": "str", "no_log": True},
            "login_db": {"type": "int"},
            "login_unix_socket": {"type": "path"},
            "tls": {"type": "bool"},
        },
    },
    age_fields={
        "type": "list",
        "elements": "str",
        "default": ["timestamp", "sent_at", "published_at", "sentry-task-enqueued-time"],
    },
    priority_steps={"type": "list", "elements": "int", "default": [0, 3, 6, 9]},
    key_prefix={"type": "str", "default": "", "no_log": False},
    control_exchange={"type": "str", "default": "celery"},
    max_findings_per_check={"type": "int", "default": 20},
    previous={"type": "dict", "default": {}},
)

NOT_ASKED = Unavailable("Not asked.", severity=OK)


def run(params, check_mode=False):
    selection = CHECKS.select(*selected(params))
    for name in ("reply_timeout", "connect_timeout", "max_findings_per_check"):
        if params[name] <= 0:
            raise InputError("{0} is {1:g}.".format(name, params[name]), "Give a number above zero.")
    periodic = tuple(Periodic(task["name"], task["every"]) for task in params["periodic_tasks"])
    for task in periodic:
        if task.every <= 0:
            raise InputError("periodic_tasks: '{0}' is every {1:g}.".format(task.name, task.every), "Give seconds.")
    look_of(0.0, [], [], NOT_ASKED, periodic, params["previous"])  # says what is wrong with it before anything is asked
    expected = Expected(params["expected_workers"], tuple(params["worker_names"]), periodic)
    login = RedisLogin.from_params(params)
    try:
        snapshot = observe(params, login, selection.needs)
    except Unreachable as error:
        finding = Finding("celery.reachable", login.target, CRITICAL, error.message, advice=error.advice)
        return check_result(
            [finding], msg=printable(error.text), measurements={}, target=login.target, checks=selection.names
        )
    workers = snapshot["workers"]
    snapshot["expected"] = expected
    snapshot["look"], figures = look_of(
        snapshot["now"], snapshot["queues"], workers, snapshot["unacked"], periodic, params["previous"]
    )
    return check_result(
        shortlist(selection.findings(snapshot, login.target), params["max_findings_per_check"]),
        params["include_ok"],
        measurements=figures,
        target=login.target,
        checks=selection.names,
        **({} if isinstance(workers, Unavailable) else {"workers": [worker.name for worker in workers]}),
    )


def observe(params, login, needs):
    """Everything that ``needs`` names; the workers first, for they say which queues there are."""
    with RedisClient(login) as client:
        workers = NOT_ASKED
        if "workers" in needs:
            workers = ask_workers(login, params["reply_timeout"], params["control_exchange"], params["key_prefix"])
        names = Names(params["key_prefix"], tuple(dict.fromkeys(params["priority_steps"])))
        queues = list(dict.fromkeys(params["queues"] + consumed(workers))) or ["celery"]
        lock_key = params["redbeat_lock_key"]
        snapshot = ask_broker(client, queues, names, params["age_fields"], lock_key)
    snapshot["workers"] = workers
    snapshot["beat"] = beat(params["beat_schedule_file"], lock_key, snapshot["lock_seconds"])
    snapshot["backend"] = NOT_ASKED
    if params["result_backend"] and "backend" in needs:
        given = {name: value for name, value in params["result_backend"].items() if value is not None}
        snapshot["backend"] = ask_backend(login._replace(**given))
    return snapshot


def beat(schedule_file, lock_key, lock_seconds):
    if isinstance(lock_seconds, Unavailable):
        return lock_seconds
    age = None
    if schedule_file:
        try:
            age = schedule_age(schedule_file, time.time())
        except OSError as error:
            reason = "The schedule file {0} cannot be looked at: {1}.".format(schedule_file, error.strerror)
            return Unavailable(reason, "Run the task as a user who may (become).")
    return Beat(schedule_file, age, lock_key, lock_seconds)


def main():
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    exit_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
