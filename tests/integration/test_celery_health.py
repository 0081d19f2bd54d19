# SPDX-License-Identifier: GPL-3.0-or-later
"""``celery_health`` on real workers and a real beat: stopped, killed, busy, and queues that nobody empties."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from demo.embedded import process
from demo.embedded.binaries import valkey_server
from demo.embedded.valkey import ValkeyServer
from tests.support.celery_app import Shop
from tests.support.modules import REPOSITORY, run_module
from tests.support.waiting import until

BROKER = ["queue_depth", "oldest_message", "unacked", "unacked_age"]


@pytest.fixture
def shop(valkey: ValkeyServer, tmp_path: Path) -> Iterator[Shop]:
    """The application on an empty broker, without any process."""
    shop = Shop(valkey, tmp_path)
    shop.redis.client.flushall()
    yield shop
    shop.app.close()
    shop.redis.client.flushall()


def reported(result: dict[str, Any]) -> dict[tuple[str, str], str]:
    assert not result["failed"], result.get("msg")
    assert not result["changed"]
    shown = [f for f in result["findings"] if f["severity"] != "ok"]
    assert all(f["advice"] for f in shown)
    return {(f["check"].removeprefix("celery."), f["subject"]): f["severity"] for f in shown}


def back(result: dict[str, Any], seconds: float) -> dict[str, float]:
    """The measurements, as if they had been taken that much earlier."""
    moments = ("observed_at", "oldest_since", "ran_at")
    return {k: v - seconds if k.endswith(moments) else v for k, v in result["measurements"].items()}


def test_workers_that_work_are_silent(shop: Shop) -> None:
    with shop.worker(), shop.worker("two@test"):
        options = {"expected_workers": 2, "worker_names": ["one@test"], "queues": ["celery"], "result_backend": {}}
        keys = set(shop.redis.client.keys())
        result = shop.look(**options, include_ok=True)
        assert reported(result) == {}
        assert result["status"] == "healthy"
        assert {f["check"] for f in result["findings"]} == set(result["checks"])
        assert result["workers"] == ["one@test", "two@test"]
        assert result["measurements"]["celery.workers.answering"] == 2
        assert result["measurements"]["celery.queue.celery.depth"] == 0
        shop.send()
        assert reported(shop.look(**options, previous=result["measurements"])) == {}
        left = {key for key in set(shop.redis.client.keys()) - keys if b"_kombu.binding_deadlines" not in key}
        assert all(key.startswith((b"_kombu", b"celery-task-meta")) or b"reply" in key for key in left)
        # One is killed, the other stopped.
        with shop.worker("three@test") as third:
            three = shop.look()
            os.kill(third.pid, signal.SIGSTOP)
            fewer = shop.look(previous=three["measurements"])
            assert reported(fewer) == {("workers", "workers"): "info"}
            named = shop.look(worker_names=["one@test", "three@test"])
            assert reported(named) == {("workers", "three@test"): "critical"}
            counted = shop.look(expected_workers=3)
            assert reported(counted) == {("workers", "workers"): "warning"}


def test_no_worker(shop: Shop) -> None:
    assert reported(shop.look()) == {("workers", "workers"): "critical"}
    with shop.worker() as worker:
        pass
    assert worker.poll() is not None
    assert reported(shop.look(worker_names=["one@test"])) == {("workers", "workers"): "critical"}


def test_two_workers_of_one_name(shop: Shop) -> None:
    with shop.worker(), shop.worker():
        until(lambda: reported(shop.look()) == {("workers", "one@test"): "warning"}, 60)


def test_a_task_that_takes_too_long(shop: Shop) -> None:
    with shop.worker():
        shop.send("shop.nap", 3600)
        until(lambda: shop.look(checks=["long_tasks"])["measurements"]["celery.tasks.active"] == 1, 60)
        assert reported(shop.look()) == {}
        found = shop.look(thresholds={"long_tasks": {"warning": 0, "critical": 3600}})
    ((check, subject),) = reported(found)
    assert (check, reported(found)[check, subject]) == ("long_tasks", "warning")
    assert subject.startswith("shop.nap ")
    assert 0 < found["findings"][0]["value"] < 3600


def test_a_queue_that_fills_while_the_pool_is_stuck(shop: Shop) -> None:
    with shop.worker("one@test", "--prefetch-multiplier", "1"):
        shop.send("shop.nap", 3600)
        for _number in range(20):
            shop.send()
        until(lambda: shop.look()["measurements"]["celery.tasks.reserved"] >= 1, 60)
        first = shop.look()
        assert reported(first) == {}
        assert first["measurements"]["celery.unacked.count"] >= 1
        later = shop.look(previous=back(first, 400))
        assert reported(later) == {("progress", "celery"): "warning"}
        older = shop.look(previous=back(first, 1000))
        assert reported(older) == {("progress", "celery"): "warning", ("oldest_message", "celery"): "warning"}
        (oldest,) = [finding for finding in older["findings"] if finding["check"] == "celery.oldest_message"]
        assert oldest["value"] >= 1000 and "for at least " in oldest["message"], oldest
        full = shop.look(thresholds={"queue_depth": {"warning": 10}})
        assert reported(full) == {("queue_depth", "celery"): "warning"}
        held = shop.look(thresholds={"unacked": {"warning": 1}})
        assert reported(held) == {("unacked", "unacknowledged"): "warning"}


def test_a_queue_that_nobody_consumes(shop: Shop) -> None:
    shop.send(queue="exports")
    with shop.worker():
        result = shop.look(queues=["exports"])
        assert reported(result) == {("queue_consumers", "exports"): "critical"}
        assert result["measurements"]["celery.queue.exports.depth"] == 1


def test_messages_that_say_when_they_were_sent_and_priorities(shop: Shop) -> None:
    now = shop.redis.client.time()[0]
    shop.send(headers={"sent_at": now - 1000})
    shop.send(priority=6)
    shop.send(priority=6)
    result = shop.look(checks=BROKER)
    assert reported(result) == {("oldest_message", "celery"): "warning"}
    assert "as it says itself" in result["findings"][0]["message"]
    assert result["measurements"]["celery.queue.celery.depth"] == 3
    full = shop.look(checks=["queue_depth"], thresholds={"queue_depth": {"warning": 3}})
    assert "(1 of priority 0, 2 of priority 6)" in full["findings"][0]["message"]
    young = shop.look(checks=BROKER, age_fields=[])
    assert reported(young) == {}
    assert reported(shop.look(checks=BROKER, age_fields=[], previous=back(young, 4000))) == {
        ("oldest_message", "celery"): "critical"
    }
    # Once it is gone, the next one begins anew.
    shop.redis.client.rpop("celery")
    shop.redis.client.delete("celery\x06\x166")
    shop.send()
    assert reported(shop.look(checks=BROKER, previous=back(young, 4000))) == {}


def test_messages_of_a_killed_worker(shop: Shop) -> None:
    with shop.worker():
        shop.send("shop.nap", 3600)
        shop.send()
        until(lambda: shop.redis.client.hlen("unacked") == 1, 60)
    assert reported(shop.look(checks=BROKER)) == {}
    found = shop.look(checks=BROKER, thresholds={"unacked_age": {"warning": 0.01}})
    assert reported(found) == {("unacked_age", "unacknowledged"): "warning"}


def test_what_anybody_may_write_to_the_broker_ends_nothing(shop: Shop) -> None:
    """A score without end among what is unacknowledged, and a message that was sent beyond all numbers."""
    shop.redis.client.hset("unacked", "tag", "{}")
    shop.redis.client.zadd("unacked_index", {"tag": float("-inf")})
    shop.redis.client.lpush("celery", '{"headers": {"id": "a", "sent_at": 1' + "0" * 400 + "}}")
    found = shop.look(checks=BROKER, age_fields=["sent_at"])
    assert reported(found) == {("unacked_age", "unacknowledged"): "critical"}
    assert found["findings"][0]["value"] < time.time() + 60


def test_beat_by_its_schedule_file(shop: Shop) -> None:
    options = {"checks": ["beat_schedule"], "beat_schedule_file": str(shop.directory / "schedule")}
    missing = shop.look(**options)
    assert reported(missing) == {("beat_schedule", options["beat_schedule_file"]): "critical"}
    with shop.beat() as beat:
        assert reported(shop.look(**options)) == {}
        os.kill(beat.pid, signal.SIGSTOP)
        limits = {"beat_schedule": {"warning": 3, "critical": 3600}}
        until(lambda: reported(shop.look(**options, thresholds=limits)), 60)
        os.kill(beat.pid, signal.SIGCONT)
        until(lambda: not reported(shop.look(**options, thresholds=limits)), 60)


def test_beat_by_a_task_that_has_to_run(shop: Shop) -> None:
    options = {"periodic_tasks": [{"name": "shop.tick", "every": 60}]}
    with shop.worker():
        with shop.beat():
            first = shop.look(**options)
            assert reported(first) == {}
            count = "celery.task.shop_tick.started_total"
            until(lambda: shop.look(**options)["measurements"][count] > first["measurements"][count], 60)
            assert reported(shop.look(**options, previous=back(first, 600))) == {}
        # Beat is gone; what it sent is done.
        until(lambda: shop.redis.client.llen("celery") == 0 and shop.redis.client.hlen("unacked") == 0, 60)
        last = shop.look(**options)
        # From 120 s on, and up to 180 s, of which each look takes some.
        late = shop.look(**options, previous=back(last, 125))
        assert reported(late) == {("periodic_tasks", "shop.tick"): "warning"}
        missing = shop.look(**options, previous=back(last, 200))
        assert reported(missing) == {("periodic_tasks", "shop.tick"): "critical"}


def test_the_lock_of_redbeat(shop: Shop) -> None:
    options = {"checks": ["beat_lock"], "redbeat_lock_key": "redbeat::lock"}
    assert reported(shop.look(**options)) == {("beat_lock", "RedBeat"): "critical"}
    shop.redis.client.set("redbeat::lock", "token", ex=600)
    assert reported(shop.look(**options)) == {}
    shop.redis.client.persist("redbeat::lock")
    assert reported(shop.look(**options)) == {("beat_lock", "RedBeat"): "warning"}


def test_a_result_backend_that_is_down(shop: Shop, tmp_path: Path) -> None:
    elsewhere = {"checks": ["result_backend"], "result_backend": {"login_port": process.free_port()}}
    ((check, _subject),) = reported(shop.look(**elsewhere))
    assert check == "result_backend"
    settings = {"replicaof": f"127.0.0.1 {shop.server.port}"}
    replica = ValkeyServer(valkey_server(), tmp_path / "replica", password=shop.server.password, settings=settings)
    replica.start()
    try:
        found = shop.look(checks=["result_backend"], result_backend={"login_port": replica.port})
        assert list(reported(found).values()) == ["critical"]
        assert "replica" in found["findings"][0]["message"]
    finally:
        replica.stop(signal.SIGKILL)


def test_a_broker_that_is_down_or_refuses(shop: Shop) -> None:
    for options in ({"login_port": process.free_port()}, {"login_password": "wr0ng-password"}):
        result = shop.look(**options)
        assert reported(result) == {("reachable", result["target"]): "critical"}
        assert result["measurements"] == {}
        assert "wr0ng" not in str({**result, "invocation": None})


def test_a_broker_that_hangs(tmp_path: Path) -> None:
    server = ValkeyServer(valkey_server(), tmp_path / "server").start()
    os.kill(server.pid, signal.SIGSTOP)
    try:
        result = run_module("celery_health", login_port=server.port, connect_timeout=1)
        assert reported(result) == {("reachable", result["target"]): "critical"}
    finally:
        server.stop(signal.SIGKILL)


def test_a_narrow_user_sees_what_it_may(shop: Shop) -> None:
    client = shop.redis.client
    client.execute_command(
        "ACL", "SETUSER", "watch", "reset", "on", ">watchword", "~*", "+ping", "+time", "+llen", "+lindex"
    )
    try:
        login = {"login_user": "watch", "login_password": "watchword"}
        result = shop.look(checks=BROKER, **login)
        target = result["target"]
        assert reported(result) == {("unacked", target): "unknown", ("unacked_age", target): "unknown"}
        assert "+hlen" in result["findings"][0]["advice"]
        blind = shop.look(checks=["workers"], **login)
        assert reported(blind) == {("workers", blind["target"]): "unknown"}
    finally:
        client.execute_command("ACL", "DELUSER", "watch")


def test_the_documented_rights_are_enough(valkey: ValkeyServer, tmp_path: Path) -> None:
    lines = (REPOSITORY / "docs" / "celery_health.md").read_text().splitlines()
    (rule,) = [line for line in lines if line.startswith("ACL SETUSER watch on >… ")]
    shop = Shop(valkey, tmp_path, database=1)
    client = shop.redis.client
    client.flushall()
    client.execute_command("ACL", "SETUSER", "watch", "reset")
    client.execute_command(*rule.replace(">…", ">watchword").split())
    try:
        with shop.worker():
            result = shop.look(queues=["exports"], login_user="watch", login_password="watchword")
        assert reported(result) == {("queue_consumers", "exports"): "critical"}
        assert result["workers"] == ["one@test"]
    finally:
        client.execute_command("ACL", "DELUSER", "watch")
        shop.app.close()
        client.flushall()


def test_hostile_messages_are_harmless(shop: Shop) -> None:
    client = shop.redis.client
    for message in (b"\xff\x00", b"[" * 100000, b"[]", b'{"headers": 7}', b'{"headers": {"id": "\\u001b[2J"}}'):
        client.rpush("celery", message)
        assert reported(shop.look(checks=BROKER)) == {}
    client.delete("celery")
    client.set("celery", "no list")
    result = shop.look(checks=["queue_depth"])
    assert reported(result) == {("queue_depth", result["target"]): "unknown"}


def test_a_prefix_of_all_keys(shop: Shop) -> None:
    shop.redis.client.lpush("shop:celery", "{}", "{}")
    result = shop.look(checks=BROKER, key_prefix="shop:")
    assert result["measurements"]["celery.queue.celery.depth"] == 2


WRONG = [
    ({"reply_timeout": 0}, "reply_timeout"),
    ({"max_findings_per_check": 0}, "max_findings_per_check"),
    ({"periodic_tasks": [{"name": "a", "every": 0}]}, "periodic_tasks"),
    ({"previous": {"celery.queue.celery.depth": 1}}, "previous"),
    ({"checks": ["depth"]}, "queue_depth"),
]


@pytest.mark.parametrize(("options", "word"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_wrong_options(options: dict[str, Any], word: str) -> None:
    result = run_module("celery_health", login_port=process.free_port(), **options)
    assert result["failed"]
    assert word in result["msg"]


def test_the_unix_socket(tmp_path: Path) -> None:
    socket = Path("/tmp") / f"celery-{os.getpid()}.sock"
    server = ValkeyServer(valkey_server(), tmp_path / "server", password="word", settings={"unixsocket": str(socket)})
    server.start()
    try:
        shop = Shop(server, tmp_path)
        with shop.worker():
            assert reported(shop.look(login_unix_socket=str(socket), login_password="word")) == {}
        assert isinstance(shop.redis.client, redis.Redis)
    finally:
        server.stop(signal.SIGKILL)
