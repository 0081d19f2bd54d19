#!/usr/bin/python
# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: run_lock
short_description: Keep a second run of the same work away
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Takes a lock that lasts longer than a task - from the first task of a playbook to its last, and across controllers,
    since it lies on a managed host.
  - Of any number of runs that ask at the same time exactly one gets it. The others fail with one message that says who
    holds it, since when and how long, and how to take it over.
  - A lock expires, so that a run that died does not block the next for ever. An expired lock is taken over by itself,
    one that has not expired only when it is named in O(takeover).
  - A lock file that is damaged, as after a power failure, counts as held. It expires O(expires_after) seconds after it
    was written, and its message names the id by which it can be taken over before.
extends_documentation_fragment:
  - analytics.ops.attributes
attributes:
  check_mode:
    support: full
    details: Fails as it would in earnest when the lock is held, and makes no lock when it is free.
  diff_mode:
    support: none
options:
  name:
    description: What is locked. Runs that must not overlap use the same name, host and directory.
    type: str
    required: true
  state:
    description:
      - V(present) takes the lock.
      - V(absent) gives it back. A lock that is gone already is fine; one with another id is left alone, with a warning.
    type: str
    choices: [absent, present]
    default: present
  directory:
    description: An existing directory on a file system of the host itself, where everyone who takes the lock may write.
    type: path
    default: /run/lock
  owner:
    description: Who takes it and for what, for the message to others. Without it the user the module runs as.
    type: str
  expires_after:
    description: Seconds after which the lock may be taken over by anyone. Longer than the longest run.
    type: int
    default: 14400
  takeover:
    description:
      - The id of a lock that is to be taken over though it has not expired, as its message names it.
      - Only when its run is known to be dead. When the lock is free, this does nothing.
    type: str
  id:
    description: The id that RV(lock.id) had when the lock was taken. Required to give it back.
    type: str
"""

EXAMPLES = r"""
- name: Take the lock
  analytics.ops.run_lock:
    name: weekly_maintenance
    owner: "alice, weekly_maintenance.yml"
  register: lock

- name: Give the lock back
  analytics.ops.run_lock:
    name: weekly_maintenance
    state: absent
    id: "{{ lock.lock.id }}"

- name: Take the lock of a run that is known to be dead
  analytics.ops.run_lock:
    name: weekly_maintenance
    owner: "bob, after the crash of db1"
    takeover: 3f9a1c04d2be

- name: Take one lock for the whole inventory, for at most an hour
  analytics.ops.run_lock:
    name: deploy
    directory: /var/lib/analytics/locks
    expires_after: 3600
  delegate_to: db1
  run_once: true
"""

RETURN = r"""
lock:
  description: The lock that was taken or, with O(state=absent), the one that is there now; V(null) when there is none.
  type: dict
  returned: success
  contains:
    id:
      description: What it is given back or taken over by. In check mode it names no lock.
      type: str
      sample: 3f9a1c04d2be
    name:
      description: What is locked.
      type: str
      sample: weekly_maintenance
    owner:
      description: Who took it.
      type: str
      sample: alice, weekly_maintenance.yml
    host:
      description: The host it lies on.
      type: str
      sample: db1
    since:
      description: When it was taken, in UTC.
      type: str
      sample: "2026-01-11T02:00:04Z"
    expires_at:
      description: When anyone may take it over, in UTC.
      type: str
      sample: "2026-01-11T06:00:04Z"
    damaged:
      description: Whether the file could not be read, so that the rest is a guess.
      type: bool
      sample: false
plan:
  description: What was to be done - C(acquire), C(take_over) or C(release), and why.
  type: list
  elements: dict
  returned: success
  sample:
    - action: take_over
      subject: weekly_maintenance
      reason: >-
        it is held by 'bob' on db1 since 2026-01-10T20:00:00Z (6 h 4 s ago), and it expired 2 h 4 s ago.
done:
  description: What of the plan was done; nothing in check mode.
  type: list
  elements: dict
  returned: success
  sample:
    - {action: acquire, subject: weekly_maintenance, reason: Nobody holds it.}
remaining:
  description: What of the plan was not done; everything in check mode.
  type: list
  elements: dict
  returned: success
  sample: []
target:
  description: The lock file.
  type: str
  returned: success
  sample: /run/lock/analytics_ops.weekly_maintenance.lock
"""

import getpass
import platform
import re
import time
import uuid

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._act.lock import LockFile
from ..module_utils._errors import InputError
from ..module_utils._judge.lock import Lock, not_ours, plan_to_acquire, plan_to_release
from ..module_utils._judge.plan import act_result
from ..module_utils._judge.text import printable
from ..module_utils._run import exit_module

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["absent", "present"], "default": "present"},
    "directory": {"type": "path", "default": "/run/lock"},
    "owner": {"type": "str"},
    "expires_after": {"type": "int", "default": 14400},
    "takeover": {"type": "str"},
    "id": {"type": "str"},
}
LONGEST = 30 * 86400


def run(params, check_mode):
    name = params["name"]
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", name):
        raise InputError("name: is '{0}'.".format(printable(name, 80)), "Use letters, digits, _, . and -.")
    if not 1 <= params["expires_after"] <= LONGEST:
        raise InputError(
            "expires_after: is {0}.".format(params["expires_after"]), "Give seconds, from 1 to {0}.".format(LONGEST)
        )
    file = LockFile(params["directory"], name, params["expires_after"])
    return (take if params["state"] == "present" else give_back)(file, params, check_mode)


def take(file, params, check_mode):
    now = time.time()
    lock = Lock(
        id=uuid.uuid4().hex[:12],
        name=file.name,
        owner=params["owner"] or user(),
        host=platform.node(),
        since=now,
        expires_at=now + params["expires_after"],
    )
    if check_mode:
        step = plan_to_acquire(file.held(), file.name, now, params["takeover"])
        return result(file, lock, [step], [])
    try:
        step = file.acquire(lock, params["takeover"])
    except KeyboardInterrupt:  # it may have come when the lock was already ours, and nobody will know its id
        file.release(lock.id)
        raise
    return result(file, lock, [step], [step])


def give_back(file, params, check_mode):
    if check_mode:
        step = plan_to_release(file.held(), file.name, params["id"])
        done = []
    else:
        step = file.release(params["id"])
        done = [step] if step else []
    held = None if step else file.held()
    told = result(file, held, [step] if step else [], done)
    if held:
        told["warnings"] = [not_ours(held, time.time())]
    return told


def result(file, lock, plan, done):
    remaining = [] if done else plan
    return act_result(plan, done, remaining, bool(plan), lock=lock.as_dict() if lock else None, target=file.path)


def user():
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        return "unknown"


def main():
    module = AnsibleModule(argument_spec=ARGUMENTS, required_if=[("state", "absent", ["id"])], supports_check_mode=True)
    exit_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
