# SPDX-License-Identifier: GPL-3.0-or-later
"""One look for all who ask at the same time. Containers are processes that a stand-in for ``docker`` runs."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._act.service_control import controls_of
from ansible_collections.analytics.ops.plugins.module_utils._judge.services import services_alone
from ansible_collections.analytics.ops.plugins.module_utils._observe.compose import DockerSilent
from ansible_collections.analytics.ops.plugins.module_utils._observe.container_looks import ContainerLooks

from tests.support.stand_in_stack import Stack

AT_ONCE = 8


@pytest.fixture
def stack(tmp_path, monkeypatch):
    return Stack(tmp_path, monkeypatch)


@pytest.fixture
def calls(stack, tmp_path):
    """How often Docker was asked for its list since the last time."""
    program, log = tmp_path / "bin" / "docker", tmp_path / "calls"
    opening, rest = program.read_text().split("\n", 1)
    program.write_text(f'{opening}\necho "$1" >> {log}\n{rest}')

    def counted():
        count = log.read_text().split().count("ps")
        log.write_text("")
        return count

    return counted


def places(stack):
    declared = {name: stack.service(name) for name in ("api", "worker")}
    return {name: service.compose for name, service in services_alone(declared).items()}


def asked_at_once(looks, place):
    together, now = threading.Barrier(AT_ONCE), time.monotonic()

    def ask(_number):
        together.wait()
        try:
            return looks.of(place, now)
        except DockerSilent as error:
            return error

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(ask, range(AT_ONCE)))


def test_who_asks_at_the_same_time_shares_a_look(stack, calls):
    api, worker = places(stack).values()
    looks = ContainerLooks([api, worker], 30.0)
    assert asked_at_once(looks, api) == [()] * AT_ONCE
    assert calls() == 1
    assert looks.of(worker, 0.0) == ()
    assert calls() == 0


def test_what_was_done_to_a_service_is_seen_at_once(stack):
    control = controls_of(services_alone({"api": stack.service("api")}))["api"]
    assert control.state().text == "without a container"
    assert control.start(30.0) == ""
    assert control.state().runs
    assert control.kill() == ""
    assert control.state().at_rest


def test_an_engine_that_hangs_is_not_waited_for_by_each(stack, calls, tmp_path):
    program = tmp_path / "bin" / "docker"
    program.write_text(program.read_text().replace("exec ", "exec sleep 600 # ", 1))
    looks = ContainerLooks(places(stack).values(), 0.5)
    said = asked_at_once(looks, places(stack)["api"])
    assert {str(error.message) for error in said} == {"Docker does not answer within 0.5 s."}
    assert calls() == 1
