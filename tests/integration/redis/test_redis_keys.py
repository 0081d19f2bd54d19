# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys are deleted or given a TTL as asked for and not one more, whatever else happens at the same time."""

from __future__ import annotations

import signal
import threading

import pytest
import redis

from tests.support.modules import module_result, start_module
from tests.support.redis_servers import CALM, Redis
from tests.support.waiting import until

WORK = "+info +role +dbsize +scan +eval +ttl +type +object|idletime +unlink +expire"
# Without scripting: the same by WATCH and MULTI.
CAREFUL = "+info +role +dbsize +scan +watch +unwatch +multi +exec +ttl +type +object|idletime +unlink +expire"

# So that a run of 20 000 keys is not over before it is interrupted.
SLOWLY = {**CALM, "pattern": "k:*", "state": "absent", "pause": 0.05, "slice": 100}


def acl_user(server: Redis, rights: str) -> dict:
    server.client.execute_command("ACL", "SETUSER", "worker", "reset", "on", ">work-secret", "~*", *rights.split())
    return {"login_user": "worker", "login_password": "work-secret"}


@pytest.fixture(params=["script", "transactions"])
def way(request, empty) -> dict:
    """Log-in options of a user that may use Lua scripts, and of one that may not."""
    yield acl_user(empty, WORK if request.param == "script" else CAREFUL)
    empty.client.execute_command("ACL", "DELUSER", "worker")


def names(server: Redis) -> set[bytes]:
    return set(server.client.scan_iter(count=1000))


def test_delete_only_what_has_no_ttl(empty, way):
    empty.fill("session:", 1000)
    empty.fill("session:kept:", 50, ttl=600)
    empty.fill("other:", 20)
    preview = empty.work("session:*", "absent", check_mode=True, **way)
    assert preview["changed"] is True and preview["changed_keys"] == 0 and preview["done"] == []
    assert preview["plan"] == [{"action": "delete", "subject": "session:*", "reason": "no TTL", "keys": 1000}]
    assert empty.client.dbsize() == 1070
    result = empty.work("session:*", "absent", **way)
    assert result["changed"] is True and result["changed_keys"] == 1000
    assert result["matched"] >= 1050  # SCAN may name a key twice while the table shrinks
    assert [(step["action"], step["keys"]) for step in result["done"]] == [("delete", 1000)]
    assert result["remaining"] == [] and result["stopped"] == "" and result["cursor"] == "0"
    assert result["measurements"]["redis.keys.count_before"] == 1070
    assert result["measurements"]["redis.keys.count_after"] == empty.client.dbsize() == 70
    assert result["measurements"]["redis.keys.without_ttl_after"] == 20
    assert len(result["sample"]) == 20 and all(name.startswith("session:") for name in result["sample"])
    again = empty.work("session:*", "absent", **way)
    assert again["changed"] is False and again["plan"] == [] and again["changed_keys"] == 0


def test_expire_with_jitter(empty, way):
    empty.fill("page:", 1000)
    empty.fill("page:kept:", 10, ttl=50)
    result = empty.work("page:*", "expire", ttl=1000, ttl_jitter=500, **way)
    assert result["changed_keys"] == 1000
    client = empty.client
    times = [client.ttl(f"page:{number}") for number in range(1, 1001)]
    assert min(times) >= 900 and max(times) <= 1500
    # Spread over the whole range, differently in every slice.
    assert all(len([t for t in times if start <= t < start + 100]) > 100 for start in (1050, 1150, 1250, 1350))
    assert len({tuple(times[at : at + 50]) for at in range(0, 1000, 50)}) == 20
    assert all(empty.client.ttl(f"page:kept:{number}") <= 50 for number in range(1, 11))
    assert empty.work("page:*", "expire", ttl=1000, ttl_jitter=500, **way)["changed"] is False


def test_expire_shortens_what_lives_longer_only_when_asked(empty, way):
    empty.fill("page:long:", 10, ttl=100000)
    empty.fill("page:short:", 10, ttl=50)
    assert empty.work("page:*", "expire", ttl=1000, **way)["changed"] is False
    result = empty.work("page:*", "expire", ttl=1000, only_without_ttl=False, **way)
    assert result["changed_keys"] == 10
    assert empty.client.ttl("page:long:1") <= 1000 and empty.client.ttl("page:short:1") <= 50
    assert empty.work("page:*", "expire", ttl=1000, only_without_ttl=False, **way)["changed"] is False


def test_only_of_a_type_and_unused(empty, way):
    empty.client.hset("session:hash", "a", 1)
    empty.client.set("session:text", 1)
    assert empty.work("session:*", "absent", type="hash", idle_seconds=3600, **way)["changed"] is False
    until(lambda: empty.client.object("idletime", "session:hash") >= 1)
    assert empty.work("session:*", "absent", type="hash", idle_seconds=1, **way)["changed_keys"] == 1
    assert names(empty) == {b"session:text"}


def test_limit_is_kept_to_the_key_and_the_next_run_goes_on(empty, way):
    empty.fill("k:", 2000)
    first = empty.work("k:*", "absent", limit=777, **way)
    assert first["changed_keys"] == 777 and empty.client.dbsize() == 1223
    assert first["stopped"] == "limit" and first["remaining"][0]["cursor"] == first["cursor"]
    second = empty.work("k:*", "absent", cursor=first["cursor"], **way)
    assert second["changed_keys"] == 1223 and empty.client.dbsize() == 0


def test_hostile_names(empty, way):
    hostile = [b"\x00\xff\r\n$5\r\n", b"k\x1b[31m", b"*", b"[", "ключ".encode(), b"", b"k" * 1000, b"a b\n"]
    for key in hostile:
        empty.client.set(key, 1)
    result = empty.work("*", "expire", ttl=1000, **way)
    assert result["changed_keys"] == len(hostile)
    assert all(name.isprintable() and len(name) <= 200 for name in result["sample"])
    assert all(empty.client.ttl(key) > 0 for key in hostile)


def test_pattern_with_brackets_and_escapes(empty):
    for key in ("u:1", "u:2", "u:3", "u:*", "v:1"):
        empty.client.set(key, 1)
    assert empty.work("u:[12]", "absent")["changed_keys"] == 2
    assert empty.work("u:\\*", "absent")["changed_keys"] == 1
    assert names(empty) == {b"u:3", b"v:1"}


@pytest.mark.parametrize("pattern", ["*", "**", "?*", "[a-z]*", "[^x]*"])
def test_a_pattern_that_names_nothing_has_to_be_confirmed(empty, pattern):
    empty.fill("abc", 10)
    for check_mode in (False, True):
        refused = empty.work(pattern, "absent", check_mode=check_mode)
        assert refused["failed"] and "confirm: delete-every-key-that-matches" in refused["msg"]
    assert empty.work(pattern, "expire", ttl=1)["failed"]
    assert empty.client.dbsize() == 10
    assert "only confirmation" in empty.work(pattern, "absent", confirm="yes")["msg"]
    assert empty.work(pattern, "absent", confirm="delete-every-key-that-matches")["changed_keys"] == 10


def test_a_ttl_set_in_the_meantime_saves_the_key(empty, way):
    """Another client gives keys a TTL while they are being deleted: every key it reached first must survive."""
    empty.fill("k:", 20000)
    saved: list[int] = []
    options = {**empty.options, **CALM, **way, "pattern": "k:*", "state": "absent", "slice": 50}
    module = start_module("redis_keys", **options)
    client = empty.client

    def save() -> None:
        number = 0
        while module.poll() is None and number < 20000:
            number += 1
            if client.expire(f"k:{number}", 600):
                saved.append(number)

    racing = threading.Thread(target=save)
    racing.start()
    result = module_result(module)
    racing.join()
    left = {int(key[2:]) for key in names(empty)}
    assert not result["failed"], result["msg"]
    assert left >= set(saved)
    assert result["changed_keys"] + len(left) == 20000
    assert len(saved) > 100  # there really was a race


def test_interrupted_and_resumed(empty, way):
    empty.fill("k:", 20000)
    module = start_module("redis_keys", **{**empty.options, **way, **SLOWLY})
    until(lambda: empty.client.dbsize() < 19000)
    module.send_signal(signal.SIGTERM)
    result = module_result(module)
    left = empty.client.dbsize()
    assert result["failed"] is True and result["stopped"] == "interrupted" and result["changed"] is True
    assert 0 < left < 20000
    assert result["cursor"] in result["msg"] and int(result["cursor"]) > 0
    resumed = empty.work("k:*", "absent", cursor=result["cursor"], **way)
    assert resumed["failed"] is False and empty.client.dbsize() == 0
    assert resumed["changed_keys"] == left


def test_killed_and_run_again(empty):
    empty.fill("k:", 20000)
    module = start_module("redis_keys", **{**empty.options, **SLOWLY})
    until(lambda: empty.client.dbsize() < 19000)
    module.kill()
    module.communicate()
    left = empty.client.dbsize()
    assert empty.work("k:*", "absent")["changed_keys"] == left


def test_time_budget(empty):
    empty.fill("k:", 5000)
    result = empty.work("k:*", "absent", time_budget=0.05, pause=0.02, slice=50)
    assert result["failed"] is False and result["stopped"] == "time_budget"
    assert 0 < result["changed_keys"] < 5000
    assert empty.work("k:*", "absent", cursor=result["cursor"])["changed_keys"] == 5000 - result["changed_keys"]


def test_it_slows_down_when_the_server_is_slow(empty):
    empty.fill("k:", 2000)
    result = empty.work("k:*", "absent", max_latency=0.0)
    assert result["changed_keys"] == 2000
    # Every round trip is slower than nothing, so slices have shrunk: many more of them than 2000 / 250.
    assert result["measurements"]["redis.keys.slow_slices"] > 50


def test_a_server_that_dies_in_the_middle(start):
    server = start()
    server.fill("k:", 20000)
    module = start_module("redis_keys", **{**server.options, **SLOWLY})
    # The last slices may be done and their answers lost with the server.
    until(lambda: server.client.dbsize() < 18000)
    server.server.stop(signal.SIGKILL)
    result = module_result(module)
    assert result["failed"] is True and result["stopped"] == "error" and result["changed"] is True
    assert result["changed_keys"] >= 1000 and result["cursor"] in result["msg"]


def test_replicas_and_clusters_are_refused(start):
    primary = start()
    replica = start(replicaof=f"127.0.0.1 {primary.server.port}", replica_read_only="no")
    for check_mode in (False, True):
        result = replica.work("k:*", "absent", check_mode=check_mode)
        assert result["failed"] and "is a replica" in result["msg"] and "primary" in result["msg"]
    cluster = start(cluster_enabled="yes")
    assert "cluster" in cluster.work("k:*", "absent")["msg"]


def test_a_replica_is_recognized_without_the_right_to_ask(start):
    replica = start(replicaof="127.0.0.1 1")
    user = acl_user(replica, "+scan +eval +ttl +unlink")
    result = replica.work("k:*", "absent", **user)
    assert result["failed"] is False and result["changed"] is False  # nothing there, nothing done


@pytest.mark.parametrize("missing", ["scan", "ttl", "unlink"])
def test_missing_rights_are_named(empty, missing):
    empty.fill("k:", 10)
    rights = " ".join(word for word in WORK.split() if word != f"+{missing}")
    result = empty.work("k:*", "absent", **acl_user(empty, rights))
    empty.client.execute_command("ACL", "DELUSER", "worker")
    assert result["failed"] and f"+{missing}" in result["msg"] and result["changed"] is False
    assert empty.client.dbsize() == 10


def test_without_scripts_and_transactions_nothing_is_deleted_on_a_guess(empty):
    empty.fill("k:", 10)
    result = empty.work("k:*", "absent", **acl_user(empty, "+scan +ttl +unlink +dbsize"))
    empty.client.execute_command("ACL", "DELUSER", "worker")
    assert result["failed"] and "+eval" in result["msg"]
    assert empty.client.dbsize() == 10


def test_keys_the_user_may_not_touch_stay(empty):
    empty.fill("a:", 10)
    empty.fill("b:", 10)
    empty.client.execute_command("ACL", "SETUSER", "worker", "reset", "on", ">work-secret", "~a:*", *WORK.split())
    user = {"login_user": "worker", "login_password": "work-secret"}
    denied = empty.work("b:*", "absent", **user)
    allowed = empty.work("a:*", "absent", **user)
    empty.client.execute_command("ACL", "DELUSER", "worker")
    assert denied["failed"] and denied["changed"] is False
    assert allowed["changed_keys"] == 10 and empty.client.dbsize() == 10


def test_idle_seconds_need_a_policy_that_knows_them(start):
    server = start(maxmemory_policy="allkeys-lfu", maxmemory="100mb")
    assert "allkeys-lfu" in server.work("k:*", "absent", idle_seconds=10)["msg"]


def test_a_full_server_can_still_be_relieved(start):
    server = start(maxmemory="6mb")
    with pytest.raises(redis.exceptions.ResponseError, match="maxmemory"):
        server.fill("big:", 10000, size=10000)
    assert server.work("big:*", "absent")["changed_keys"] > 100
    assert server.client.set("big:1", "x")


def test_other_databases_are_left_alone(empty):
    other = redis.Redis(port=empty.server.port, db=5)
    other.set("k:1", 1)
    empty.client.set("k:1", 1)
    assert empty.work("k:*", "absent", login_db=5)["measurements"]["redis.keys.count_before"] == 1
    assert other.dbsize() == 0 and empty.client.dbsize() == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"pattern": ""}, "pattern is empty"),
        ({"state": "expire"}, "ttl is missing"),
        ({"state": "expire", "ttl": 0}, "ttl is 0"),
        ({"limit": 0}, "limit is 0"),
        ({"slice": 100000}, "slice is 100000"),
        ({"cursor": "x; FLUSHALL"}, "cursor is"),
        ({"ttl_jitter": -1}, "ttl_jitter is -1"),
    ],
)
def test_what_cannot_be_is_said_at_once(empty, options, words):
    result = empty.work(**{"pattern": "k:*", "state": "absent", **options})
    assert result["failed"] and words in result["msg"]
