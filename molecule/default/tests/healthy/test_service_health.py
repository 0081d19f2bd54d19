# SPDX-License-Identifier: GPL-3.0-or-later
"""``service_health`` against the real systemd of a machine: every state of units and timers is told as what it is."""

import pytest
import testinfra

from tests.lab.module import message, run_module, told

MACHINE = "analytics-ops-default-app1"
FOLDER = "/run/systemd/system"
INSTALL = "\n[Install]\nWantedBy=multi-user.target\n"
SLEEP = "[Service]\nExecStart=/bin/sleep infinity\n"
UNITS = {
    "lab-good.service": SLEEP,
    "lab-exits.service": "[Service]\nExecStart=/bin/sh -c 'echo refused, password=geheim >&2; sleep 0.2; exit 3'\n",
    "lab-lost.service": "[Service]\nExecStart=/no/such/program\n",
    "lab-killed.service": "[Service]\nExecStart=/bin/sh -c 'kill -KILL $$$$'\n",
    "lab-limit.service": (
        "[Unit]\nStartLimitBurst=2\n[Service]\nExecStart=/bin/false\nRestart=always\nRestartSec=10ms\n"
    ),
    "lab-loop.service": "[Service]\nExecStart=/bin/false\nRestart=always\nRestartSec=1h\n",
    "lab-watchdog.service": (
        "[Service]\nType=notify\nNotifyAccess=all\nWatchdogSec=300ms\nTimeoutAbortSec=1s\n"
        "ExecStart=/bin/sh -c 'systemd-notify --ready; exec sleep infinity'\n"
    ),
    "lab-slow.service": "[Service]\nExecStartPre=/bin/sleep infinity\nExecStart=/bin/true\nTimeoutStartSec=infinity\n",
    "lab-stopping.service": SLEEP + "ExecStop=/bin/sleep infinity\nTimeoutStopSec=infinity\n",
    "lab-masked.service": "",
    "lab-empty.service": "[Service]\nType=simple\n",
    "lab-template@.service": SLEEP,
    "lab-condition.service": "[Unit]\nConditionPathExists=/no/such/file\n" + SLEEP,
    "lab-socket.socket": "[Socket]\nListenStream=/run/lab.socket\n",
    "lab-socket.service": SLEEP,
    "lab-changed.service": SLEEP,
    "lab-disabled.service": SLEEP + INSTALL,
    "lab-umbrella.service": (
        "[Unit]\nWants=lab-part.service lab-condition.service\n"
        "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=true\n"
    ),
    "lab-part.service": "[Unit]\nPartOf=lab-umbrella.service\n[Service]\nExecStart=/bin/false\n",
    "lab-fails.timer": "[Timer]\nOnActiveSec=0\nOnUnitActiveSec=1h\nUnit=lab-exits.service\n",
    "lab-never.timer": "[Timer]\nOnActiveSec=1h\nUnit=lab-good.service\n",
    "lab-stopped.timer": "[Timer]\nOnActiveSec=1h\nUnit=lab-good.service\n",
    "lab-job.service": "[Service]\nType=oneshot\nExecStart=true\n",
    "lab-elapsed.timer": "[Timer]\nOnActiveSec=0\nAccuracySec=1ms\nUnit=lab-job.service\n",
    "lab-remains.timer": "[Timer]\nOnActiveSec=0\nAccuracySec=1ms\nUnit=lab-umbrella.service\n",
}
STARTED = [
    *("good", "exits", "lost", "killed", "limit", "loop", "watchdog", "slow", "stopping", "condition", "socket.socket"),
    *("changed", "disabled", "umbrella", "fails.timer", "never.timer", "elapsed.timer", "remains.timer"),
]
# Waited for, because what comes after a start takes its time.
REACHED = {
    "lab-exits.service": "failed",
    "lab-killed.service": "failed",
    "lab-limit.service": "failed",
    "lab-loop.service": "auto-restart",
    "lab-watchdog.service": "failed",
    "lab-slow.service": "start-pre",
    "lab-part.service": "failed",
    "lab-elapsed.timer": "elapsed",
    "lab-remains.timer": "running",
}
SERVICES = [
    name.removesuffix(".service")
    for name in UNITS
    if name.endswith(".service") and "part" not in name and "job" not in name
]
CRON_LINES = [
    ("4711", "(root) CMD (/opt/lab/fails)"),
    ("4711", "(CRON) error (grandchild #4711 failed with exit status 2)"),
    ("4712", "(root) CMD (/opt/lab/starts --all)"),
]
OPTIONS = {
    "services": {
        **{name: {"unit": name} for name in [*SERVICES, "lab-none"] if "@" not in name},
        "lab-template": {"unit": "lab-template@"},
        "elsewhere": {"manager": "none", "after": ["lab-good"]},
    },
    "timers": [
        {"unit": "lab-fails.timer", "max_age": 86400},
        {"unit": "lab-never", "max_age": 86400},
        {"unit": "lab-stopped"},
        {"unit": "lab-elapsed", "max_age": 0.001},
        {"unit": "lab-remains"},
        {"unit": "lab-none"},
    ],
    "cron_jobs": [
        {"name": "fails", "command": "/opt/lab/fails", "max_age": 3600},
        {"name": "starts", "command": "/opt/lab/starts", "max_age": 3600},
        {"name": "forgotten", "command": "/opt/lab/forgotten", "max_age": 3600},
        {"name": "no evidence", "evidence": "/no/such/file", "max_age": 3600},
    ],
    "thresholds": {"service.active": {"warning": 0, "critical": 86400}},
}
FOUND = {
    ("service.active", "lab-exits"): "critical",
    ("service.active", "lab-lost"): "critical",
    ("service.active", "lab-killed"): "critical",
    ("service.active", "lab-limit"): "critical",
    ("service.active", "lab-loop"): "critical",
    ("service.active", "lab-watchdog"): "critical",
    ("service.active", "lab-slow"): "warning",
    ("service.active", "lab-stopping"): "warning",
    ("service.active", "lab-masked"): "critical",
    ("service.active", "lab-none"): "critical",
    ("service.active", "lab-empty"): "critical",
    ("service.active", "lab-template"): "critical",
    ("service.active", "lab-condition"): "critical",
    ("service.active", "lab-umbrella: lab-part.service"): "critical",
    ("service.boot", "lab-disabled"): "warning",
    ("service.reload", "lab-changed"): "warning",
    ("service.restarts", "lab-limit"): "info",
    ("service.timer_result", "lab-fails.timer"): "critical",
    ("service.timer_age", "lab-never.timer"): "info",
    ("service.timer", "lab-stopped.timer"): "critical",
    ("service.timer", "lab-elapsed.timer"): "warning",
    ("service.timer_age", "lab-elapsed.timer"): "critical",
    ("service.timer", "lab-remains.timer"): "warning",
    ("service.timer", "lab-none.timer"): "critical",
    ("service.cron", "fails"): "critical",
    ("service.cron", "forgotten"): "warning",
    ("service.cron_age", "no evidence"): "critical",
}


@pytest.fixture(scope="module")
def machine():
    host = testinfra.get_host(f"docker://{MACHINE}")
    try:
        make(host)
        yield host
    finally:
        host.run(f"systemctl kill --signal=KILL 'lab-*.service'; systemctl stop 'lab-*'; rm -f {FOLDER}/lab-*")
        host.check_output("systemctl daemon-reload && systemctl reset-failed")


def make(host):
    for name, text in UNITS.items():
        host.check_output(f"printf %s %s > {FOLDER}/{name}", "%s", text)
    host.check_output(f"ln -sf /dev/null {FOLDER}/lab-masked.service && systemctl daemon-reload")
    for name in STARTED:
        host.run(f"systemctl start --no-block lab-{name}")
    for process, line in CRON_LINES:
        host.check_output("logger --tag CRON --id=%s %s", process, line)
    for name, state in {**REACHED, "lab-stopping.service": "running"}.items():
        wait(host, name, state)
    host.check_output("systemctl stop --no-block lab-stopping")
    wait(host, "lab-stopping.service", "stop")
    # Newer than what systemd read, whose clock ticks in whole seconds here.
    host.check_output(f"touch --date='1 minute' {FOLDER}/lab-changed.service")


def wait(host, unit, state):
    show = f"systemctl show --property=SubState --value {unit}"
    reached = host.run(f'for n in $(seq 200); do [ "$({show})" = {state} ] && exit; sleep 0.1; done; exit 1')
    assert reached.rc == 0, host.check_output(f"systemctl status {unit}")


def test_a_unit_that_ends_every_few_seconds_does_not_stay_up(machine):
    """Most looks find it running."""
    text = "[Service]\\nExecStart=/bin/sh -c 'echo no database; sleep 3; exit 1'\\nRestart=always\\nRestartSec=10ms\\n"
    machine.check_output(f"printf %s > {FOLDER}/lab-flaps.service", text)
    show = "systemctl show --property=NRestarts --value lab-flaps"
    machine.check_output(
        f'systemctl start lab-flaps; for n in $(seq 300); do [ "$({show})" -ge 2 ] && exit; sleep 0.1; done; exit 1'
    )
    found = run_module("service_health", {"services": {"lab-flaps": {"unit": "lab-flaps"}}}, MACHINE)
    machine.check_output("systemctl kill --signal=KILL lab-flaps; systemctl stop lab-flaps")
    assert told(found) == {("service.active", "lab-flaps"): "critical", ("service.restarts", "lab-flaps"): "info"}
    text = message(found, "service.active", "lab-flaps")
    assert "lab-flaps.service does not stay up: " in text
    assert "It last said: " in text
    assert "no database" in text


@pytest.fixture(scope="module")
def result(machine):
    return run_module("service_health", OPTIONS, MACHINE)


def test_every_state_is_found_and_nothing_else(result):
    assert told(result) == FOUND
    assert result["status"] == "unhealthy"
    assert "msg" not in result


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("lab-exits", "refused, password=********"),
        ("lab-lost", "exit code 203 (its program is missing or cannot be executed)"),
        ("lab-killed", "killed by signal KILL"),
        ("lab-limit", "; systemd restarted it "),
        ("lab-watchdog", "watchdog"),
        ("lab-loop", "does not stay up: its process ended with exit code 1"),
        ("lab-condition", "A condition in its unit file was not met"),
        ("lab-empty", "cannot be loaded"),
        ("lab-masked", "masked"),
        ("lab-template", "There is no unit"),
    ],
)
def test_the_reason_is_told_in_words(result, subject, text):
    assert text in message(result, "service.active", subject)


def test_measurements(result):
    figures = result["measurements"]
    assert figures["service.lab-good.active"] == 1
    assert figures["service.lab-exits.active"] == 0
    assert figures["service.lab-limit.restarts"] >= 1
    assert figures["service.lab-good.uptime_seconds"] >= 0


def test_a_user_without_rights_learns_the_same_but_for_the_journal(machine, result):
    mine = run_module("service_health", OPTIONS, MACHINE, user="www-data")
    expected = dict(FOUND)
    for job in ("fails", "forgotten", "starts"):
        expected["service.cron", job] = "unknown"
    assert told(mine) == expected
    assert "It last said" not in message(mine, "service.active", "lab-exits")
    assert "when, is not known" in message(mine, "service.restarts", "lab-limit")


def test_growth_since_the_previous_look_needs_no_journal(machine, result):
    before = dict(result["measurements"], **{"service.lab-limit.restarts": 0})
    mine = run_module("service_health", {**OPTIONS, "previous": before}, MACHINE, user="www-data")
    assert told(mine)["service.restarts", "lab-limit"] == "info"
    assert "not known" not in message(mine, "service.restarts", "lab-limit")
    unchanged = run_module("service_health", {**OPTIONS, "previous": result["measurements"]}, MACHINE, user="www-data")
    assert ("service.restarts", "lab-limit") not in told(unchanged)
