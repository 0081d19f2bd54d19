# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_keys
short_description: Delete keys by pattern, or give them a time to live, without stalling other clients
version_added: "1.0.0"
description:
  - Walks through the keys of a Redis or Valkey server with C(SCAN), never C(KEYS), in slices short enough that other
    clients do not notice, and slows down as soon as the server answers slowly.
  - Each slice is tested and acted on atomically. With O(only_without_ttl=true) a key that got a TTL in the meantime
    keeps it.
  - Can be limited in number and time, interrupted at any point, and continued from RV(cursor). A second run finds
    nothing left to do.
  - Refuses replicas, clusters, and patterns that match everything unless that is confirmed.
author:
  - analytics.ops contributors (@analytics-ops)
extends_documentation_fragment:
  - analytics.ops.redis
  - analytics.ops.attributes
attributes:
  check_mode:
    support: full
    details: Counts the keys and shows a sample of their names; changes nothing.
  diff_mode:
    support: none
  platform:
    support: full
    platforms: posix
options:
  pattern:
    description:
      - Which keys, as a glob of Redis - C(*), C(?), C([abc]), C([^a]), and C(\\) before a character that is meant as
        it is.
    type: str
    required: true
  state:
    description:
      - V(absent) deletes the keys (C(UNLINK), memory is freed in the background).
      - V(expire) lets them live O(ttl) more seconds.
    type: str
    required: true
    choices: [absent, expire]
  ttl:
    description: Seconds that the keys shall still live. Required with O(state=expire).
    type: int
  ttl_jitter:
    description: Up to so many seconds are added to O(ttl) at random, key by key, so that not all expire at once.
    type: int
    default: 0
  only_without_ttl:
    description:
      - Whether only keys without a TTL are meant.
      - If V(false), O(state=expire) also shortens TTLs that are longer than O(ttl) plus O(ttl_jitter), and
        O(state=absent) deletes every key that matches.
    type: bool
    default: true
  type:
    description: Only keys of this type, for example V(string), V(hash), V(list), V(set), V(zset) or V(stream).
    type: str
  idle_seconds:
    description:
      - Only keys that nobody has used for so many seconds.
      - Not possible where O(ignore:maxmemory-policy) is one of the LFU policies.
    type: int
  limit:
    description: How many keys are changed at most.
    type: int
  time_budget:
    description: Seconds after which the module stops between two slices.
    type: float
  slice:
    description: How many keys are handled in one round trip. Everyone else waits while the server handles a slice.
    type: int
    default: 250
  pause:
    description: Seconds to wait between two slices.
    type: float
    default: 0.0
  max_latency:
    description:
      - When a round trip takes more seconds than this, slices are halved and pauses doubled, until the server has been
        calm for a while.
    type: float
    default: 0.05
  cursor:
    description:
      - Where to begin, the RV(cursor) of a run that stopped. V(0) is the beginning.
      - Good as long as the server is not restarted.
    type: str
    default: "0"
  confirm:
    description:
      - Has to be V(delete-every-key-that-matches) where O(pattern) names no key in particular (C(*), C(?*), C([a-z]*))
        and O(state=absent), or a O(ttl) of less than a minute, would so empty the database.
    type: str
seealso:
  - module: analytics.ops.redis_cache_stats
"""

EXAMPLES = r"""
- name: Let overviews that would live for ever expire within a day, spread over an hour
  analytics.ops.redis_keys:
    login_password: "{{ redis_password }}"
    pattern: "analytics:overview:*"
    state: expire
    ttl: 82800
    ttl_jitter: 3600

- name: Forget everything that was cached for one user, whether it has a TTL or not
  analytics.ops.redis_keys:
    pattern: "analytics:*:user123"
    state: absent
    only_without_ttl: false

- name: Delete old sessions without TTL, for at most ten minutes
  analytics.ops.redis_keys:
    pattern: "session:*"
    state: absent
    type: hash
    idle_seconds: 604800
    time_budget: 600
  register: cleanup

- name: Go on where that stopped
  analytics.ops.redis_keys:
    pattern: "session:*"
    state: absent
    type: hash
    idle_seconds: 604800
    cursor: "{{ cleanup.cursor }}"
  when: cleanup.stopped == 'time_budget'

- name: Empty a cache, but for the keys that expire by themselves
  analytics.ops.redis_keys:
    login_db: 3
    pattern: "*"
    state: absent
    confirm: delete-every-key-that-matches
"""

RETURN = r"""
plan:
  description:
    - What was, or in check mode would be, done. Empty when no key needs it.
  returned: always
  type: list
  elements: dict
  sample:
    - {action: delete, subject: "session:*", reason: "no TTL, type hash", keys: 206300}
done:
  description: What was done. Empty in check mode.
  returned: always
  type: list
  elements: dict
  sample:
    - {action: delete, subject: "session:*", reason: "no TTL, type hash", keys: 206300, seconds: 0.9}
remaining:
  description: What is left because a limit was reached or the work was interrupted.
  returned: always
  type: list
  elements: dict
  sample:
    - {action: delete, subject: "session:*", reason: "no TTL, type hash", cursor: "114688"}
matched:
  description: How many keys with a matching name were seen. C(SCAN) may name a key twice while the table grows.
  returned: always
  type: int
  sample: 301022
changed_keys:
  description: How many keys were changed. V(0) in check mode; C(keys) is how many would be.
  returned: always
  type: int
  sample: 206300
sample:
  description: Up to 20 names of keys that were or would be changed, harmless to print.
  returned: always
  type: list
  elements: str
  sample: ["session:1f0c", "session:77ab"]
cursor:
  description: Where to go on; V(0) when the end was reached.
  returned: always
  type: str
  sample: "0"
stopped:
  description:
    - Why the work stopped before the end - V(limit), V(time_budget), V(interrupted), V(error) - or empty.
  returned: always
  type: str
  sample: ""
measurements:
  description: Keys of the database, with and without TTL, before and after, and how it went.
  returned: always
  type: dict
  sample:
    redis.keys.count_before: 500732
    redis.keys.count_after: 294432
    redis.keys.without_ttl_before: 206410
    redis.keys.without_ttl_after: 110
    redis.keys.work_seconds: 1.62
    redis.keys.slow_slices: 0
target:
  description: The server that was worked on.
  returned: always
  type: str
  sample: redis://cache1.example.com:6379/0
msg:
  description: The result in one sentence.
  returned: always
  type: str
  sample: 206 300 keys were deleted.
"""

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._act.keys import Outcome, work_through
from ..module_utils._arguments import redis_spec
from ..module_utils._errors import InputError, Refused
from ..module_utils._judge.keys import ABSENT, EXPIRE, KeyWork, Pace, summary
from ..module_utils._judge.plan import act_result
from ..module_utils._judge.text import printable
from ..module_utils._observe.redis import RedisClient, RedisLogin
from ..module_utils._observe.redis_keys import Standing, standing
from ..module_utils._run import exit_module

MOST_IN_A_SLICE = 1000


def run(params: Dict[str, Any], check_mode: bool) -> Dict[str, Any]:
    work = KeyWork.from_params(params)
    if not 1 <= params["slice"] <= MOST_IN_A_SLICE:
        raise InputError("slice is {0}.".format(params["slice"]), "Give 1 to {0}.".format(MOST_IN_A_SLICE))
    if not params["cursor"].isdigit():
        raise InputError("cursor is '{0}'.".format(params["cursor"]), "Give the cursor that an earlier run returned.")
    pace = Pace(params["slice"], params["pause"], params["max_latency"])
    login = RedisLogin.from_params(params)
    with RedisClient(login) as client:
        before = standing(client)
        _require_workable(before, work, login.target)
        outcome = work_through(client, work, pace, params["cursor"], params["time_budget"], check_mode)
        # After an interruption the answers still under way would be taken for others.
        after = before if check_mode else standing(client) if outcome.stopped in ("", "limit", "time_budget") else None
    return _result(work, outcome, pace, before, after, check_mode, login.target)


def _require_workable(server: Standing, work: KeyWork, target: str) -> None:
    if server.replica:
        raise Refused("{0} is a replica; what is written there is lost.".format(target), "Give its primary's address.")
    if server.clustered:
        raise Refused("{0} belongs to a cluster, which this module cannot work on yet.".format(target))
    if work.idle_seconds and "lfu" in server.policy:
        raise InputError(
            "idle_seconds: {0} counts how often keys are used, not when (maxmemory-policy {1}).".format(
                target, server.policy
            ),
            "Leave idle_seconds out.",
        )


def _result(
    work: KeyWork, outcome: Outcome, pace: Pace, before: Standing, after: Any, check_mode: bool, target: str
) -> Dict[str, Any]:
    figures = dict(before.figures("before"), **(after.figures("after") if after else {}))
    figures.update({"redis.keys.work_seconds": round(outcome.seconds, 3), "redis.keys.slow_slices": pace.slow})
    result = act_result(
        plan=work.steps(outcome.changed),
        done=[] if check_mode else work.steps(outcome.changed, seconds=round(outcome.seconds, 3)),
        remaining=[work.step(cursor=outcome.cursor)] if outcome.stopped else [],
        changed=outcome.changed > 0,
        matched=outcome.matched,
        changed_keys=0 if check_mode else outcome.changed,
        sample=[printable(key.decode("utf-8", "backslashreplace"), 200) for key in outcome.sample],
        cursor=outcome.cursor,
        stopped=outcome.stopped,
        measurements=figures,
        target=target,
        msg=summary(work, outcome.changed, outcome.stopped, outcome.cursor, check_mode),
    )
    if outcome.error is not None:
        result.update(failed=True, msg="{0} {1}".format(printable(outcome.error.text), result["msg"]))
    elif outcome.stopped == "interrupted":
        result.update(failed=True)
    return result


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            redis_spec(),
            pattern={"type": "str", "required": True},
            state={"type": "str", "required": True, "choices": [ABSENT, EXPIRE]},
            ttl={"type": "int"},
            ttl_jitter={"type": "int", "default": 0},
            only_without_ttl={"type": "bool", "default": True},
            type={"type": "str"},
            idle_seconds={"type": "int"},
            limit={"type": "int"},
            time_budget={"type": "float"},
            slice={"type": "int", "default": 250},
            pause={"type": "float", "default": 0.0},
            max_latency={"type": "float", "default": 0.05},
            cursor={"type": "str", "default": "0"},
            confirm={"type": "str"},
        ),
        supports_check_mode=True,
    )
    exit_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
