# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_cache_stats
short_description: Check the health of a Redis or Valkey cache
version_added: "1.0.0"
description:
  - Judges memory, evictions, hit rate, fragmentation, clients, errors, persistence, replication, latency, the slow log,
    settings, big keys and keys without TTL in a handful of round trips, and returns findings and measurements.
  - Rates come from a window of O(window) seconds, or from the measurements of an earlier run (O(previous)).
  - Keys are sampled with C(SCAN), bounded in number and time; C(KEYS) is never used.
  - Works with Redis 6 to 8 and Valkey, and as a narrow ACL user. What the user may not ask is V(unknown), with the
    right that is missing.
  - A server that cannot be reached is a finding (C(redis.reachable)), not a failed task.
author:
  - analytics.ops contributors (@analytics-ops)
extends_documentation_fragment:
  - analytics.ops.redis
  - analytics.ops.checking
  - analytics.ops.attributes
  - analytics.ops.attributes.info_module
options:
  window:
    description:
      - Seconds over which rates (hit rate, evictions, errors, operations) are measured; the task takes that long.
      - V(0) measures no rates unless O(previous) is given.
    type: float
    default: 1.0
  previous:
    description:
      - RV(ignore:measurements) of an earlier run. Rates are then over the time since, and O(window) is not waited for.
      - Ignored for rates when the server was restarted or its statistics were reset in between.
    type: dict
    default: {}
  latency_samples:
    description: How many pings measure the latency, spread over O(window). V(0) measures none.
    type: int
    default: 20
  sample_keys:
    description:
      - How many keys are looked at to tell with which prefixes keys begin and how many have no TTL.
      - V(0) looks at none; the number of keys without TTL in the whole database is exact and known without sampling.
      - The server counts every look as a hit; see the documentation of the collection on Redis.
    type: int
    default: 20000
  sample_seconds:
    description: Seconds after which sampling ends.
    type: float
    default: 2.0
  prefix_separator:
    description: What separates the parts of a key.
    type: str
    default: ":"
  expected_role:
    description: The role the server should have.
    type: str
    choices: [primary, replica]
  expected_replicas:
    description: How many replicas should be connected to it.
    type: int
  expected_settings:
    description:
      - Settings as C(CONFIG GET) names them, each with the value it should have, or with a list of allowed values.
      - Values are compared as the server reads them, so V(256mb) equals V(268435456), V(true) equals V(yes), and the
        order of save points and of addresses in C(bind) says nothing. Of C(client-output-buffer-limit) only the classes
        that are given are compared.
      - Of a secret (C(requirepass), C(masterauth)) give V(true) (it must be set) or V(false). Its value is neither
        compared nor shown, and one that is given fails the task.
    type: dict
    default: {}
seealso:
  - module: analytics.ops.redis_keys
"""

EXAMPLES = r"""
- name: Look at the cache
  analytics.ops.redis_cache_stats:
    login_host: cache1.example.com
    login_user: monitor
    login_password: "{{ redis_monitor_password }}"
  register: cache

- name: Judge rates over the time since the last run, and hit rates by limits of our own
  analytics.ops.redis_cache_stats:
    login_password: "{{ redis_password }}"
    previous: "{{ last_cache_measurements }}"
    thresholds:
      hit_rate_window: {warning: 90, critical: 80}
      evictions: {warning: null}

- name: Only ask whether the replica is connected and has its role, over TLS
  analytics.ops.redis_cache_stats:
    login_host: cache2.example.com
    tls: true
    ca_certs: /etc/ssl/private-ca.pem
    expected_role: replica
    checks: [reachable, role, replica_link, replication_lag]

- name: Hold the cache to the settings that were agreed upon
  analytics.ops.redis_cache_stats:
    login_password: "{{ redis_password }}"
    expected_settings:
      maxmemory: 2gb
      maxmemory-policy: [allkeys-lru, allkeys-lfu]
      appendonly: false
      save: ""
      client-output-buffer-limit: "pubsub 32mb 8mb 60"
      requirepass: true

- name: A queue has no use for hit rates and time to live
  analytics.ops.redis_cache_stats:
    login_unix_socket: /run/redis/redis.sock
    exclude_checks: [hit_rate, hit_rate_window, keys_without_ttl]
"""

RETURN = r"""
status:
  description: The roll-up of all findings, V(healthy), V(degraded) or V(unhealthy).
  returned: success
  type: str
  sample: degraded
findings:
  description: What is not in order, the worst first; with O(include_ok=true) everything that was looked at.
  returned: success
  type: list
  elements: dict
  sample:
    - check: redis.keys_without_ttl
      subject: "analytics:overview:*"
      severity: warning
      value: 41.2
      unit: "%"
      warning: 20.0
      critical: null
      message: "About 206 300 keys 'analytics:overview:*' have no TTL, 41.2 % of all 500 732 keys, about 31.4 MB."
      advice: "If it is a cache, give them a TTL where they are written, and these ones with redis_keys (state expire,
        pattern 'analytics:overview:*')."
measurements:
  description: Flat figures, to be kept and to be given as O(previous) to the next run.
  returned: success
  type: dict
  sample:
    redis.memory.used_bytes: 104857600
    redis.hit_rate.window_percent: 91.4
    redis.keys.count: 500732
    redis.keys.without_ttl: 206410
target:
  description: The server that was looked at.
  returned: success
  type: str
  sample: redis://cache1.example.com:6379/0
checks:
  description: The checks that were run.
  returned: success
  type: list
  elements: str
  sample: [redis.reachable, redis.memory]
version:
  description: The server and its version, empty where C(INFO) is not allowed.
  returned: when the server was reached
  type: str
  sample: Redis 7.0.15
prefixes:
  description:
    - Keys by how they begin, the largest groups first. Estimates for the whole database where the sample is partial.
    - C(pattern) can be given to M(analytics.ops.redis_keys).
    - C(memory_bytes), C(biggest_bytes) and C(idle_seconds), for how long a key has not been used on average, come from
      up to 400 keys of the sample. They are null where the user may not ask for them, and idle times also where
      C(maxmemory-policy) is one of the LFU policies.
  returned: when keys were sampled
  type: list
  elements: dict
  sample:
    - pattern: "analytics:overview:*"
      keys: 301022
      without_ttl: 206300
      memory_bytes: 32925286
      biggest_bytes: 2104
      idle_seconds: 5210
commands:
  description:
    - Commands that took the most time since the start of the server or C(CONFIG RESETSTAT), at most twenty.
    - C(errors) counts what was answered with an error, since Redis 6.2.
  returned: when a check that needs them was run
  type: list
  elements: dict
  sample:
    - {command: GET, calls: 812340, mean_seconds: 0.000002, time_percent: 61.2, errors: 0}
sample:
  description: How the keys were sampled; C(complete) tells whether every key was seen.
  returned: when keys were sampled
  type: dict
  sample: {sampled: 20000, total: 500732, complete: false, seconds: 0.31, note: ""}
msg:
  description: Why the server could not be looked at.
  returned: when the server could not be reached
  type: str
  sample: "redis://cache1:6379/0 cannot be used: Error 111 connecting to cache1:6379. Connection refused."
"""

from dataclasses import asdict
from typing import Any, Dict, Optional

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._arguments import checking_spec, redis_spec, selected
from ..module_utils._errors import InputError, Unreachable
from ..module_utils._judge.finding import CRITICAL, Finding, check_result
from ..module_utils._judge.redis import CHECKS, measurements
from ..module_utils._judge.redis_commands import report
from ..module_utils._judge.redis_facts import Info, KeySample, Wishes
from ..module_utils._judge.redis_settings import declared, given_secrets
from ..module_utils._judge.text import printable
from ..module_utils._observe.redis import RedisClient, RedisLogin
from ..module_utils._observe.redis_server import Sampling, observe
from ..module_utils._run import exit_module


def run(params: Dict[str, Any], check_mode: bool) -> Dict[str, Any]:
    selection = CHECKS.select(*selected(params))
    for name in ("window", "latency_samples", "sample_keys", "sample_seconds"):
        if params[name] < 0:
            raise InputError("{0} is {1:g}.".format(name, params[name]), "Give 0 or more.")
    login = RedisLogin.from_params(params)
    previous = {name: float(value) for name, value in params["previous"].items() if _is_number(value)}
    wishes = Wishes(
        database=login.login_db,
        expected_role=params["expected_role"],
        expected_replicas=params["expected_replicas"],
        has_password=bool(login.login_password),
        expected_settings=declared(params["expected_settings"]),
    )
    sampling = Sampling(params["sample_keys"], params["sample_seconds"], params["prefix_separator"])
    try:
        with RedisClient(login) as client:
            snapshot = observe(
                client, selection.needs, wishes, params["window"], params["latency_samples"], sampling, previous
            )
    except Unreachable as error:
        finding = Finding("redis.reachable", login.target, CRITICAL, error.message, advice=error.advice)
        return check_result(
            [finding], msg=printable(error.text), measurements={}, target=login.target, checks=selection.names
        )
    result = check_result(
        selection.findings(snapshot, login.target),
        params["include_ok"],
        measurements=measurements(snapshot, login.login_db),
        target=login.target,
        checks=selection.names,
        version=_version(snapshot["info"]),
    )
    if isinstance(snapshot["keys"], KeySample):
        result.update(_sample(snapshot["keys"]))
    if isinstance(snapshot.get("commands"), tuple):
        result["commands"] = report(snapshot["commands"])
    return result


def _sample(keys: KeySample) -> Dict[str, Any]:
    plain = asdict(keys)
    groups = [dict(group, pattern=printable(group["pattern"])) for group in plain.pop("groups")]
    plain.pop("lookups")
    return {"prefixes": groups, "sample": plain}


def _version(info: Any) -> str:
    if not isinstance(info, Info):
        return ""
    if info.has("valkey_version"):
        return printable("Valkey " + info.text("valkey_version"), 60)
    return printable("Redis " + info.text("redis_version"), 60)


def _is_number(value: Optional[object]) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            redis_spec(),
            **checking_spec(),
            window={"type": "float", "default": 1.0},
            previous={"type": "dict", "default": {}},
            latency_samples={"type": "int", "default": 20},
            sample_keys={"type": "int", "default": 20000, "no_log": False},
            sample_seconds={"type": "float", "default": 2.0},
            prefix_separator={"type": "str", "default": ":"},
            expected_role={"type": "str", "choices": ["primary", "replica"]},
            expected_replicas={"type": "int"},
            expected_settings={"type": "dict", "default": {}},
        ),
        supports_check_mode=True,
    )
    module.no_log_values.update(given_secrets(module.params["expected_settings"]))
    exit_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
