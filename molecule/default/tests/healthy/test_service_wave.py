# SPDX-License-Identifier: GPL-3.0-or-later
"""``service_wave`` against the real systemd of a machine: what it starts and stops, in which order, and its reasons."""

import json

import pytest
import testinfra

from tests.lab.module import message, run_module, told

MACHINE, WEB = "analytics-ops-default-app1", "analytics-ops-default-web1"
FOLDER = "/run/systemd/system"
SERVER = "/usr/bin/python3 -m http.server --bind 127.0.0.1 {0}"
UNITS = {
    # Answers a while after its process has started.
    "wave-slow": f"[Service]\nExecStart=/bin/sh -c 'sleep 2; exec {SERVER.format(7001)}'\n",
    "wave-after": "[Service]\nExecStart=/bin/sleep infinity\n",
    "wave-alone": "[Service]\nExecStart=/bin/sleep infinity\n",
    "wave-fails": "[Service]\nExecStart=/bin/sh -c 'echo refused, password=geheim >&2; exit 3'\n",
    "wave-broken": "[Service]\nType=oneshot\nExecStart=/bin/false\n",
    "wave-needs": "[Service]\nExecStart=/bin/sleep infinity\n",
    "wave-taken": f"[Service]\nExecStart={SERVER.format(7002)}\n",
    "wave-mute": "[Service]\nExecStart=/bin/sleep infinity\n",
    "wave-holder": f"[Service]\nExecStart={SERVER.format(7002)}\n",
    "wave-deaf": (
        "[Service]\nExecStart=/bin/sh -c 'trap \"\" TERM; while :; do sleep 1; done'\nTimeoutStopSec=infinity\n"
    ),
    "wave-stuck": "[Service]\nExecStart=/bin/sleep infinity\nExecStop=/bin/sleep infinity\nTimeoutStopSec=infinity\n",
    "wave-often": "[Unit]\nStartLimitBurst=1\nStartLimitIntervalSec=1h\n[Service]\nExecStart=/bin/sleep infinity\n",
}
SLOW = {"unit": "wave-slow", "ready": {"http": "http://127.0.0.1:7001/"}}


@pytest.fixture(scope="module")
def machine():
    host = testinfra.get_host(f"docker://{MACHINE}")
    try:
        for name, text in UNITS.items():
            host.check_output(f"printf %s %s > {FOLDER}/{name}.service", "%s", text)
        host.check_output("systemctl daemon-reload")
        yield host
    finally:
        host.run(f"systemctl kill --signal=KILL 'wave-*.service'; systemctl stop 'wave-*'; rm -f {FOLDER}/wave-*")
        host.check_output("systemctl daemon-reload && systemctl reset-failed")


@pytest.fixture(autouse=True)
def all_down(machine):
    yield
    machine.run("systemctl kill --signal=KILL 'wave-*.service'; systemctl stop 'wave-*'; systemctl reset-failed")


def wave(state, services, check_mode=False, machine=MACHINE, **options):
    given = {"services": services, "state": state, **options}
    result = run_module("service_wave", given, machine, check_mode=check_mode)
    assert not result.get("failed"), result
    return result


def is_active(machine, name):
    return machine.run(f"systemctl is-active {name}").stdout.strip()


def place(result, service, event):
    return [(entry["service"], entry["event"]) for entry in result["timeline"]].index((service, event))


def test_each_starts_when_what_it_needs_is_ready_and_nobody_else_waits(machine):
    services = {"slow": SLOW, "after": {"unit": "wave-after", "after": ["slow"]}, "alone": {"unit": "wave-alone"}}
    result = wave("started", services)
    assert (result["changed"], result["status"], result["remaining"]) == (True, "healthy", [])
    assert [is_active(machine, f"wave-{name}") for name in services] == ["active"] * 3
    assert place(result, "slow", "ready") < place(result, "after", "start")
    assert place(result, "alone", "ready") < place(result, "after", "start")
    assert result["services"]["slow"]["seconds"] >= 0.5
    again = wave("started", services)
    assert (again["changed"], again["plan"]) == (False, [])
    assert {one["outcome"] for one in again["services"].values()} == {"was_ready"}


def test_check_mode_plans_and_does_nothing(machine):
    result = wave("started", {"slow": SLOW}, check_mode=True)
    assert result["changed"]
    assert [(step["action"], step["subject"]) for step in result["plan"]] == [("start", "slow")]
    assert is_active(machine, "wave-slow") == "inactive"


def test_what_fails_is_told_with_its_reason_and_only_what_needs_it_stays_down(machine):
    machine.check_output("systemctl start wave-holder && until ss -ltn | grep -q :7002; do sleep 0.1; done")
    services = {
        "fails": {"unit": "wave-fails"},
        "needs": {"unit": "wave-needs", "after": ["fails"]},
        "taken": {"unit": "wave-taken", "port": 7002},
        "mute": {"unit": "wave-mute", "ready": {"tcp": "7003", "within_seconds": 1}},
        "absent": {"unit": "wave-absent"},
        "alone": {"unit": "wave-alone"},
        "elsewhere": {"unit": "wave-after", "after": ["postgres"]},
    }
    result = wave("started", services, not_up=["postgres"])
    assert set(told(result)) == {("wave.start", name) for name in services if name != "alone"}
    assert set(told(result).values()) == {"critical"}
    assert is_active(machine, "wave-alone") == "active"
    assert {is_active(machine, "wave-needs"), is_active(machine, "wave-after")} == {"inactive"}
    said = {name: message(result, "wave.start", name) for name in services if name != "alone"}
    assert "exit code 3" in said["fails"]
    assert "refused, password=********" in said["fails"]
    assert said["needs"] == "needs was not started: what it needs is not up (fails)."
    assert "Its port 7002 is held by python3 (process " in said["taken"]
    assert "runs but is not ready after " in said["mute"]
    assert "refused" in said["mute"]
    assert "There is no unit wave-absent.service" in said["absent"]
    assert "postgres" in said["elsewhere"]
    assert "geheim" not in json.dumps(result)


SIMPLE = "[Service]\nExecStart=/bin/sleep infinity\n"
FAULTS = {
    "environment": (
        f"{SIMPLE}EnvironmentFile=/etc/wave/no.env\n",
        "Its environment file /etc/wave/no.env is not there.",
    ),
    "program": ("[Service]\nExecStart=/opt/wave/no-program\n", "Its program /opt/wave/no-program is not there."),
    "forbidden": (
        "[Service]\nUser=nobody\nExecStart=/srv/wave/program\n",
        "Its program /srv/wave/program may not be executed by nobody.",
    ),
    "interpreter": ("[Service]\nExecStart=/srv/wave/script\n", "Its interpreter /opt/wave/no-python is not there."),
    "closed": (
        f"{SIMPLE}User=nobody\nWorkingDirectory=/srv/wave/closed/inside\n",
        "Its working directory /srv/wave/closed/inside cannot be reached by nobody.",
    ),
    "directory": (f"{SIMPLE}WorkingDirectory=/srv/wave/no\n", "Its working directory /srv/wave/no is not there."),
    "user": (f"{SIMPLE}User=wave-nobody\n", "exit code 217 (its User= does not exist or cannot be taken)"),
    "namespace": (f"{SIMPLE}ReadWritePaths=/srv/wave/no\n", "exit code 226 (its file system namespace"),
    "condition": (
        f"[Unit]\nConditionPathExists=/srv/wave/no\n{SIMPLE}",
        "It starts only under a condition, and ConditionPathExists=/srv/wave/no was not met.",
    ),
    "dependency": (
        f"[Unit]\nRequires=wave-broken.service\nAfter=wave-broken.service\n{SIMPLE}",
        "It requires wave-broken.service, which is failed.",
    ),
    "masked": (None, "wave-masked.service is masked: nobody can start it."),
}
WANTED = f"{FOLDER}/multi-user.target.wants"
# systemd forgets the conditions of a unit that nothing wants.
PLACES = (
    f"mkdir -p {WANTED} && ln -sf {FOLDER}/wave-condition.service {WANTED}/ && "
    "mkdir -p /srv/wave/closed/inside && chmod 700 /srv/wave/closed && "
    "cp /bin/sleep /srv/wave/program && chmod 700 /srv/wave/program && "
    "printf '#!/opt/wave/no-python\\n' > /srv/wave/script && chmod 755 /srv/wave/script"
)


@pytest.fixture(scope="module")
def faults(machine):
    """What each of them said when it was started."""
    for name, (text, _said) in FAULTS.items():
        if text:
            machine.check_output(f"printf %s %s > {FOLDER}/wave-{name}.service", "%s", text)
    machine.check_output(f"ln -sf /dev/null {FOLDER}/wave-masked.service && {PLACES} && systemctl daemon-reload")
    yield wave("started", {name: {"unit": f"wave-{name}"} for name in FAULTS})
    machine.check_output(f"rm -rf /srv/wave {WANTED}/wave-*")


@pytest.mark.parametrize("fault", list(FAULTS))
def test_each_usual_reason_is_told(faults, fault):
    told = message(faults, "wave.start", fault)
    assert FAULTS[fault][1] in told
    reasons = ["environment file", "program /", "interpreter", "working directory", "condition", "requires"]
    own = {"forbidden": "program /", "closed": "working directory", "directory": "working directory"}
    expected = {"environment": "environment file", "program": "program /", "dependency": "requires", **own}.get(
        fault, fault
    )
    assert [reason for reason in reasons if f" {reason}" in told] == [one for one in reasons if one == expected]
    assert "full" not in told


def test_a_full_file_system_is_named(machine):
    machine.check_output("mkdir -p /srv/full && mount -t tmpfs -o size=1M tmpfs /srv/full")
    try:
        machine.run("head -c 2M /dev/zero > /srv/full/data")
        result = wave("diagnosed", {"fails": {"unit": "wave-fails"}})
        assert "The file system /srv/full is full: 0 B of 1 MB are free." in message(result, "wave.up", "fails")
    finally:
        machine.check_output("umount /srv/full && rmdir /srv/full")


def test_a_full_disk_keeps_no_record_and_stops_nobody(machine):
    """The record of before stays whole."""
    services = {"alone": {"unit": "wave-alone"}, "after": {"unit": "wave-after"}}
    machine.check_output("mkdir -p /srv/full && mount -t tmpfs -o size=64k tmpfs /srv/full")
    try:
        record = {"record": "/srv/full/running.json"}
        machine.check_output("systemctl start wave-alone")
        wave("recorded", {"alone": services["alone"]}, **record)
        machine.run("head -c 1M /dev/zero > /srv/full/data")
        result = wave("recorded", services, **record)
        assert told(result) == {("wave.record", "record"): "warning"}
        assert "cannot be written: No space left on device." in message(result, "wave.record", "record")
        noted = json.loads(machine.file("/srv/full/running.json").content_string)
        assert set(noted["services"]) == {"alone"}
        assert machine.check_output("ls /srv/full").split() == ["data", "running.json"]
        assert wave("stopped", services)["status"] == "healthy"
    finally:
        machine.check_output("umount /srv/full && rmdir /srv/full")


def test_what_ran_is_restored_and_no_more(machine):
    services = {name: {"unit": f"wave-{name}"} for name in ("alone", "after", "often")}
    record = {"record": "/run/wave-record/running.json"}
    machine.check_output("systemctl start wave-alone wave-often && systemctl kill --signal=KILL wave-often")
    machine.check_output("until [ $(systemctl is-active wave-often) = failed ]; do sleep 0.1; done")
    wave("recorded", services, **record)
    wave("stopped", services)
    result = wave("started", services, **record)
    outcomes = {name: one["outcome"] for name, one in result["services"].items()}
    assert outcomes == {"alone": "ready", "after": "left_down", "often": "ready"}, "what had crashed was wanted"
    assert told(result) == {("wave.start", "after"): "info"}
    assert is_active(machine, "wave-after") == "inactive"
    assert wave("started", services, everything=True, **record)["status"] == "healthy"
    assert machine.run("ls /run/wave-record").stdout == ""
    machine.check_output("rmdir /run/wave-record")


NGINX = r"""
daemon off; pid /run/wave-nginx.pid; error_log stderr; events {}
http {
  access_log off; root /srv/wave-nginx;
  server {
    listen 127.0.0.1:7080;
    error_page 503 @maintenance;
    if (-f /etc/nginx/wave-maintenance.on) { return 503; }
    location / { proxy_pass http://127.0.0.1:7001; }
    location @maintenance { rewrite ^ /maintenance.html break; add_header Retry-After 600 always; }
  }
}
"""
# What a client sees as long as the file of its own is there; one line a request.
CLIENT = (
    "while [ -e /srv/wave-nginx/ask ]; do curl --silent --output /dev/null --write-out '%{http_code}\\n' "
    "http://127.0.0.1:7080/; done >> /srv/wave-nginx/seen"
)


@pytest.fixture
def web():
    host = testinfra.get_host(f"docker://{WEB}")
    files = {
        "/etc/nginx/wave.conf": NGINX,
        "/srv/wave-nginx/maintenance.html": "Back soon.\n",
        f"{FOLDER}/wave-slow.service": UNITS["wave-slow"],
        f"{FOLDER}/wave-nginx.service": "[Service]\nExecStart=/usr/sbin/nginx -c /etc/nginx/wave.conf\n",
    }
    try:
        host.check_output("mkdir -p /srv/wave-nginx && chmod 755 /srv/wave-nginx && touch /srv/wave-nginx/ask")
        for name, text in files.items():
            host.check_output("printf %s %s > %s", "%s", text, name)
        host.check_output("systemctl daemon-reload")
        yield host
    finally:
        host.run("rm -f /srv/wave-nginx/ask; systemctl stop wave-nginx wave-slow; rm -rf /srv/wave-nginx")
        host.run(f"rm -f /etc/nginx/wave* {FOLDER}/wave-*; systemctl daemon-reload; systemctl reset-failed")


def test_nginx_shows_its_maintenance_page_while_the_stack_is_down(web):
    services = {
        "slow": SLOW,
        "nginx": {
            "unit": "wave-nginx",
            "after": ["slow"],
            "edge": True,
            "maintenance_file": "/etc/nginx/wave-maintenance.on",
            "ready": {"http": "http://127.0.0.1:7080/"},
        },
    }
    page = "curl --silent --include http://127.0.0.1:7080/"
    assert wave("started", services, machine=WEB)["status"] == "healthy"
    web.check_output("sh -c %s > /dev/null 2>&1 &", CLIENT)
    web.check_output("until grep -q 200 /srv/wave-nginx/seen; do sleep 0.1; done")
    assert wave("stopped", services, machine=WEB)["services"]["nginx"]["outcome"] == "closed"
    shown = web.check_output(page)
    assert " 503 " in shown.splitlines()[0]
    assert "Retry-After: 600" in shown
    assert "Back soon." in shown
    assert web.run("systemctl is-active wave-slow").stdout.strip() == "inactive"
    assert wave("started", services, machine=WEB)["status"] == "healthy"
    assert " 200 " in web.check_output(page).splitlines()[0]
    web.check_output("until [ $(tail -n 1 /srv/wave-nginx/seen) = 200 ]; do sleep 0.1; done; rm /srv/wave-nginx/ask")
    seen = web.check_output("sort -u /srv/wave-nginx/seen").split()
    assert seen == ["200", "503"], "nobody was ever refused, nor saw a gateway without its application"


def test_a_diagnosis_starts_nothing(machine):
    services = {"fails": {"unit": "wave-fails"}, "alone": {"unit": "wave-alone"}}
    result = wave("diagnosed", services)
    assert not result["changed"]
    assert told(result) == {("wave.up", name): "critical" for name in services}
    assert {is_active(machine, f"wave-{name}") for name in services} == {"inactive"}


def test_the_reason_is_told_when_the_journal_no_longer_knows_whose_line_it_is(machine):
    """A process that has gone before the journal looks at it leaves lines without a unit."""
    journal = "systemctl kill --signal={0} systemd-journald"
    machine.check_output(
        f"{journal.format('STOP')}; systemctl start wave-fails; "
        "until [ $(systemctl is-active wave-fails) = failed ]; do sleep 0.1; done; "
        f"{journal.format('CONT')}; journalctl --sync"
    )
    invocation = machine.check_output("systemctl show --property InvocationID --value wave-fails")
    known = machine.run(f"journalctl -q _SYSTEMD_UNIT=wave-fails.service _SYSTEMD_INVOCATION_ID={invocation}")
    assert "refused" not in known.stdout
    result = run_module("service_health", {"services": {"fails": {"unit": "wave-fails"}}}, MACHINE)
    assert "refused, password=********" in message(result, "service.active", "fails")


def test_a_unit_that_was_started_too_often_is_started(machine):
    machine.run(
        "systemctl start wave-often; systemctl kill --signal=KILL wave-often; sleep 0.2; systemctl start wave-often"
    )
    assert is_active(machine, "wave-often") == "failed"
    assert wave("started", {"often": {"unit": "wave-often"}})["status"] == "healthy"
    assert is_active(machine, "wave-often") == "active"


def test_stopping_goes_the_other_way_round_and_kills_what_does_not_end(machine):
    machine.check_output("systemctl start wave-slow wave-after wave-deaf wave-stuck wave-alone")
    services = {
        "slow": {**SLOW, "edge": False},
        "after": {"unit": "wave-after", "after": ["slow"]},
        "deaf": {"unit": "wave-deaf"},
        "stuck": {"unit": "wave-stuck"},
        "database": {"unit": "wave-alone", "kind": "postgresql", "port": None},
        "down": {"unit": "wave-mute"},
    }
    result = wave("stopped", services, stop_seconds=1)
    outcomes = {name: one["outcome"] for name, one in result["services"].items()}
    assert outcomes == {
        "slow": "stopped",
        "after": "stopped",
        "deaf": "killed",
        "stuck": "killed",
        "database": "stopped",
        "down": "was_down",
    }
    assert told(result) == {("wave.stop", "deaf"): "warning", ("wave.stop", "stuck"): "warning"}
    assert place(result, "after", "stopped") < place(result, "slow", "stop")
    for name in ("slow", "after", "deaf", "stuck", "alone"):
        assert is_active(machine, f"wave-{name}") in ("inactive", "failed")
    assert not wave("stopped", services)["changed"]


def test_a_database_is_not_killed_unless_that_is_asked_for(machine):
    machine.check_output("systemctl start wave-deaf")
    services = {"database": {"unit": "wave-deaf", "kind": "postgresql"}}
    result = wave("stopped", services, database_stop_seconds=1)
    assert told(result) == {("wave.stop", "database"): "critical"}
    assert "was not killed" in result["findings"][0]["advice"]
    assert is_active(machine, "wave-deaf") == "deactivating"
    assert wave("stopped", services, database_stop_seconds=1, kill_databases=True)["status"] == "degraded"


def test_a_drain_is_over_when_its_time_is(machine):
    machine.check_output("systemctl start wave-slow && until ss -ltn | grep -q :7001; do sleep 0.1; done")
    client = "import socket, time; connection = socket.create_connection(('127.0.0.1', 7001)); time.sleep(120)"
    machine.check_output(f'python3 -c "{client}" > /dev/null 2>&1 &')
    machine.check_output("until ss -tn state established | grep -q 127.0.0.1:7001; do sleep 0.1; done")
    result = wave("stopped", {"slow": {**SLOW, "drain_seconds": 1}})
    assert [entry["event"] for entry in result["timeline"]] == ["drain", "drain_over", "stop", "stopped"]
