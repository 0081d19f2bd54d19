#!/usr/bin/python
# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: service_wave
short_description: Start or stop the services of a wave on a host, and wait until each is ready or down
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Starts or stops all services of a wave at once - systemd units and services of Compose projects - each as soon as
    those of this host that it waits for are done.
  - A service is ready when its manager says that it runs and it answers - as C(ready) of the declared stack says; else
    by its kind - PostgreSQL and Redis say before any login whether they take connections; else by its C(port). One that
    cannot be asked must stay up for half a second. It is asked every 50 ms, so nothing is slept for. A
    PostgreSQL that visibly recovers from a crash is waited for as long as it goes on.
  - What does not come up is told with the reason - state, last lines of its log, who holds its port, variables and
    files that are missing, rights, full file systems - and what needs it is not started. Everything else is. The task
    does not fail then - O(earlier) and RV(services) let a role decide.
  - Stopping drains, then stops, then kills. A drain ends when nobody is connected to the C(port) any more, after
    C(drain_seconds) at the latest. The edge (C(edge)) closes by being stopped and finishes what it has begun;
    with a C(maintenance_file) it runs on, see P(analytics.ops.valid_services#filter).
    PostgreSQL and Redis are not killed, see O(kill_databases).
  - Uses C(systemctl) and C(docker compose) only and needs the right to use them.
  - Services with V(manager=none) are waited for at a start and left alone otherwise.
extends_documentation_fragment:
  - analytics.ops.attributes
attributes:
  check_mode:
    support: full
    details: Returns the plan and does nothing.
  diff_mode:
    support: none
    details: The plan says what would be done.
options:
  services:
    description:
      - The services of this wave on this host, chosen from what P(analytics.ops.services_on_host#filter) returns.
      - C(after) counts among them, and with O(not_up).
    type: dict
    required: true
  state:
    description:
      - What is to become of them.
      - V(diagnosed) changes nothing. It tells which of them are not up, and why.
      - V(recorded) notes in O(record) which of them run, and changes nothing else.
    type: str
    choices: [started, stopped, diagnosed, recorded]
    required: true
  record:
    description:
      - A file of this host in which V(state=recorded) notes what runs before a shutdown; with V(state=started) and
        V(state=diagnosed), what is off and was off then is left down. What had failed counts as what ran.
      - What is up again is struck out, and a record of nothing is removed. What cannot be read or written is a finding.
    type: path
  everything:
    description: Whether to start also what was off when O(record) was made.
    type: bool
    default: false
  not_up:
    description:
      - Services elsewhere, or of an earlier wave, that did not come up. What needs them directly is not started; for
        what needs that, it counts as not up itself.
    type: list
    elements: str
    default: []
  stop_seconds:
    description: Seconds from the order to stop until a service that does not end is killed.
    type: float
    default: 30.0
  database_stop_seconds:
    description: The same for PostgreSQL and Redis, which write what they hold.
    type: float
    default: 300.0
  kill_databases:
    description:
      - Whether PostgreSQL and Redis are killed when O(database_stop_seconds) are over. PostgreSQL has to recover then,
        Redis loses what it has not saved.
      - Docker itself kills a container that does not stop within that time.
    type: bool
    default: false
  earlier:
    description:
      - The result of an earlier wave on this host. Its RV(services), RV(findings) and RV(timeline) stand in the new
        result too, so that the last one tells the whole story.
    type: dict
    default: {}
seealso:
  - plugin: analytics.ops.service_waves
    plugin_type: filter
  - module: analytics.ops.service_health
"""

EXAMPLES = r"""
- name: Start what runs here, each when what it needs is ready
  analytics.ops.service_wave:
    services: "{{ analytics_ops_services | analytics.ops.services_on_host(group_names, groups) }}"
    state: started

- name: Stop the application and its worker, the worker within two minutes
  analytics.ops.service_wave:
    services:
      api: {unit: analytics-api, port: 8000, drain_seconds: 30}
      worker: {compose: {project: analytics, file: /opt/analytics/compose.yml, service: worker}}
    state: stopped
    stop_seconds: 120

- name: Note what runs before it is stopped
  analytics.ops.service_wave:
    services: "{{ analytics_ops_services | analytics.ops.services_on_host(group_names, groups) }}"
    state: recorded
    record: /var/lib/analytics-ops/running.json

- name: Tell why the application is not up, and change nothing
  analytics.ops.service_wave:
    services:
      api: {unit: analytics-api, port: 8000}
    state: diagnosed
"""

RETURN = r"""
services:
  description: What became of each service, by name; those of O(earlier) included.
  type: dict
  returned: success
  sample:
    api:
      service: api
      outcome: failed
      message: >-
        api did not come up: it is failed (failed). Its port 8000 is held by python3 (process 812).
        analytics-api.service has failed: its process ended with exit code 1. It last said: address already in use.
      advice: "End what holds the port, or give one of the two another."
      seconds: 0.412
timeline:
  description: What happened, in its order. C(time) is in seconds since the epoch.
  type: list
  elements: dict
  returned: success
  sample:
    - {time: 1767225600.5, service: postgres, event: start, message: ""}
    - {time: 1767225601.9, service: postgres, event: ready, message: postgres is ready after 1.4 s.}
plan:
  description: What was to be done, a step a service; empty when all were as they should be.
  type: list
  elements: dict
  returned: success
  sample:
    - {action: start, subject: postgres, reason: "It is inactive (dead).", within_seconds: 60}
done:
  description: What of it came out.
  type: list
  elements: dict
  returned: success
  sample:
    - action: start
      subject: postgres
      reason: It is inactive (dead).
      within_seconds: 60
      outcome: ready
      seconds: 1.4
remaining:
  description: What of it did not; in check mode all of it.
  type: list
  elements: dict
  returned: success
  sample: []
status:
  description: V(unhealthy) when a service did not come up or still runs, V(degraded) when one was killed.
  type: str
  returned: success
  sample: healthy
findings:
  description: >-
    C(wave.start), C(wave.stop) or C(wave.up) for each service that is not as it should be; C(wave.record) where what
    ran could not be recorded or read.
  type: list
  elements: dict
  returned: success
  sample: []
checks:
  description: The checks that ran.
  type: list
  elements: str
  returned: success
  sample: [wave.start]
target:
  description: What the findings are about.
  type: str
  returned: success
  sample: waves
"""

import time
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Set

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._act.service_control import controls_of
from ..module_utils._act.service_look import look_at_all
from ..module_utils._act.stack_record import StackRecord
from ..module_utils._act.timeline import Timeline
from ..module_utils._act.wave import WaveOrder, run_wave
from ..module_utils._arguments import positive_seconds
from ..module_utils._errors import InputError
from ..module_utils._judge.service_wave import (
    DIAGNOSED,
    DID_NOT_START,
    RECORDED,
    STARTED,
    STOPPED,
    Outcome,
    plan_wave,
    standing,
    wave_result,
)
from ..module_utils._judge.services import Services, order_of_starting, services_alone
from ..module_utils._judge.waves import DOWN, UP, needs_within, service_waves
from ..module_utils._observe.diagnosis import diagnose
from ..module_utils._run import exit_module


def run(params: Dict[str, Any], check_mode: bool) -> Dict[str, Any]:
    order, earlier = params["state"], params["earlier"]
    seconds = {name: positive_seconds(name, params[name]) for name in ("stop_seconds", "database_stop_seconds")}
    declared = services_of_wave(params["services"])
    before = order_of_starting(declared)
    controls = controls_of(declared)
    seen = look_at_all(declared, controls, order in (STARTED, DIAGNOSED))
    record = StackRecord(params["record"])
    if order == RECORDED:
        changed = record.note(seen, time.time(), check_mode)
        return dict(wave_result(order, [], [], [], earlier, record.noticed), changed=changed)
    left = record.left(seen) if order != STOPPED and not params["everything"] else []
    services = {name: one for name, one in declared.items() if name not in {other.service for other in left}}
    within = needs_within(before, services)
    # The plan reads in the order in which it is carried out.
    waves = service_waves(within, DOWN if order == STOPPED else UP)
    services = {name: services[name] for wave in waves for name in wave}
    if order == DIAGNOSED:
        outcomes = [*explained(standing(services, seen, params["not_up"]), services), *left]
        return wave_result(order, [], outcomes, [], earlier, record.noticed)
    plan = plan_wave(order, services, seen)
    if check_mode:
        return dict(wave_result(order, plan, left, [], earlier, record.noticed), changed=bool(plan))
    timeline = Timeline()
    wave_order = WaveOrder(
        order=order,
        services=services,
        controls=controls,
        waits_for=waiting(order, within),
        not_up=frozenset(params["not_up"]),
        kill_databases=params["kill_databases"],
        **seconds,
    )
    outcomes = [*explained(run_wave(wave_order, timeline), services), *left]
    if order == STARTED:
        record.close(outcomes)
    return wave_result(order, plan, outcomes, timeline.entries, earlier, record.noticed)


def services_of_wave(given: Mapping[str, Any]) -> Services:
    """Checked as the stack is, and with what each needs, which may run on another host."""
    services = services_alone(given)
    for name, one in services.items():
        names = (given[name] or {}).get("after") or []
        if not isinstance(names, list):
            raise InputError("services: {0}.after is no list.".format(name), "Give a list of names of services.")
        services[name] = replace(one, after=tuple(str(need) for need in names))
    return services


def waiting(order: str, within: Mapping[str, Set[str]]) -> Mapping[str, Set[str]]:
    """For a start who comes after whom, for a stop before whom; of this wave alone."""
    if order == STARTED:
        return within
    return {name: {other for other in within if name in within[other]} for name in within}


def explained(outcomes: List[Outcome], services: Services) -> List[Outcome]:
    """Why a service did not come up is looked for once, when all have had their time."""
    failed = [one for one in outcomes if one.outcome == DID_NOT_START]
    try:
        told = {one.service: one for one in diagnose(failed, services)} if failed else {}
    except Exception as error:  # what was done has to be told, whatever a bug of the diagnosis meets
        missing = " Nobody could look why: {0}: {1}.".format(type(error).__name__, error)
        told = {one.service: replace(one, message=one.message + missing) for one in failed}
    return [told.get(one.service, one) for one in outcomes]


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "services": {"type": "dict", "required": True},
            "state": {"type": "str", "choices": ["started", "stopped", "diagnosed", "recorded"], "required": True},
            "record": {"type": "path"},
            "everything": {"type": "bool", "default": False},
            "not_up": {"type": "list", "elements": "str", "default": []},
            "stop_seconds": {"type": "float", "default": 30.0},
            "database_stop_seconds": {"type": "float", "default": 300.0},
            "kill_databases": {"type": "bool", "default": False},
            "earlier": {"type": "dict", "default": {}},
        },
        required_if=[("state", "recorded", ("record",))],
        supports_check_mode=True,
    )
    exit_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
