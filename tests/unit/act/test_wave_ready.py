# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a service stays up, told from looks at the worst moments: the states are Docker's, their order is made up.

Real loops are waited for in the lab; there nobody can choose the moment of a look."""

import itertools
import time

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._act import wave_ready
from ansible_collections.analytics.ops.plugins.module_utils._act.service_control import Control
from ansible_collections.analytics.ops.plugins.module_utils._act.timeline import Timeline
from ansible_collections.analytics.ops.plugins.module_utils._judge.service_facts import Container
from ansible_collections.analytics.ops.plugins.module_utils._judge.service_wave import container_state
from ansible_collections.analytics.ops.plugins.module_utils._judge.services import services_alone

SERVICE = services_alone({"loop": {"compose": {"project": "p", "file": "/f", "service": "loop"}}})["loop"]


def state(status, restarts):
    return container_state([Container("p-loop-1", status, restarts=restarts)])


class Scripted(Control):
    def __init__(self, states):
        self.states = iter(states)

    def state(self):
        return next(self.states)


def waited(states, monkeypatch, within_seconds=1.0):
    """As if a look were taken every 0.1 s, and a service were up that runs for 0.1 s."""
    monkeypatch.setattr(wave_ready, "_LOOK_EVERY_SECONDS", 0.1)
    recovery = wave_ready.Recovery(SERVICE, Timeline())
    return wave_ready.wait_until_ready(SERVICE, Scripted(states), time.monotonic() + within_seconds, 0.1, recovery)


@pytest.mark.parametrize("first", ["restarting", "running"])
def test_a_service_that_runs_at_every_second_look_is_not_ready(first, monkeypatch):
    other = {"restarting": "running", "running": "restarting"}[first]
    states = (state(status, restarts) for restarts in itertools.count(1) for status in (first, other))
    assert waited(states, monkeypatch) == "it does not answer."


def test_a_service_that_was_restarted_between_two_looks_is_not_ready(monkeypatch):
    assert waited((state("running", restarts) for restarts in itertools.count()), monkeypatch) == "it does not answer."


def test_a_service_that_stays_up_after_all_is_ready(monkeypatch):
    states = [state("restarting", 1), None, state("running", 2)]
    assert waited(itertools.chain(states, itertools.repeat(state("running", 2))), monkeypatch, 60.0) is None
