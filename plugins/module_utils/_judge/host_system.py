# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The system around the services: clock, restarts, units that failed, and what waits to be installed."""

from __future__ import annotations

from typing import Iterator, Sequence

from .checks import Rule
from .finding import INFO, OK, WARNING, Finding
from .host_facts import CHECKS, MACHINE, Boot, Clock, Reboot, Updates
from .text import number_text, seconds_text
from .threshold import Threshold

NAMED = 6


def _names(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (" and {0} more".format(number_text(more)) if more > 0 else "")


@CHECKS.check(
    "clock_synchronised",
    needs=("clock",),
    procedure="H10",
    question="Is the clock synchronised?",
)
def clock_synchronised(rule: Rule, clock: Clock) -> Iterator[Finding]:
    if clock.synchronised:
        yield rule.say(OK, MACHINE, "The clock is synchronised.")
        return
    yield rule.say(
        WARNING,
        MACHINE,
        "Nothing keeps the clock right, says the {0}.".format(clock.source),
        "Tokens, certificates, replication and the order of logs depend on it. Is chrony, ntpd or systemd-timesyncd "
        "running, and does it reach a server (timedatectl, chronyc sources)? Where the hypervisor keeps the clock, "
        "leave this check out.",
    )


@CHECKS.check(
    "clock_offset",
    needs=("clock",),
    procedure="H10",
    question="Is the clock right?",
    threshold=Threshold("seconds", 0.05, 1, source="node-exporter mixin, awesome-prometheus-alerts 0.05 s"),
)
def clock_offset(rule: Rule, clock: Clock) -> Iterator[Finding]:
    if clock.synchronised and clock.offset is not None:
        yield rule.judge(
            MACHINE,
            abs(clock.offset),
            "The clock is {0} away from the time, as the {1} estimates.".format(
                seconds_text(abs(clock.offset)), clock.source
            ),
            "It is being corrected slowly if it shrinks from look to look; if it grows, look at the time servers: "
            "chronyc sources -v, timedatectl timesync-status.",
        )


@CHECKS.check(
    "restart",
    needs=("boot",),
    procedure="H10",
    question="Has the machine not been restarted since the last look? (needs previous)",
)
def restart(rule: Rule, boot: Boot) -> Iterator[Finding]:
    if boot.restarted:
        yield rule.say(
            WARNING,
            MACHINE,
            "The machine was started {0} ago, which is after the last look.".format(seconds_text(boot.uptime_seconds)),
            "If nobody meant to: last -x shows when, journalctl -b -1 -e the last lines before it.",
        )


@CHECKS.check(
    "failed_units",
    needs=("units",),
    procedure="H10",
    question="Has no unit of systemd failed?",
)
def failed_units(rule: Rule, units: Sequence[str]) -> Iterator[Finding]:
    for unit in units:
        yield rule.say(
            WARNING,
            unit,
            "The unit {0} has failed.".format(unit),
            "systemctl status and journalctl -u with its name say why. Restart it, or systemctl reset-failed once it "
            "is dealt with.",
        )


@CHECKS.check(
    "reboot_required",
    needs=("reboot",),
    procedure="H10",
    question="Is everything that was installed in force?",
    threshold=Threshold("days", 14, None, source="ours: before that it is info, for a restart is planned work"),
)
def reboot_required(rule: Rule, reboot: Reboot) -> Iterator[Finding]:
    if not reboot.required:
        return
    message = "A restart is required{0}{1}.".format(
        "" if reboot.days is None else ", for {0} already".format(seconds_text(reboot.days * 86400)),
        " because of: " + _names(reboot.reasons) if reboot.reasons else "",
    )
    advice = "Until then the old kernel or libraries run, with their holes. Plan it in a maintenance window."
    finding = rule.judge(MACHINE, reboot.days or 0.0, message, advice)
    yield rule.say(INFO, MACHINE, message, advice, reboot.days) if finding.severity == OK else finding


@CHECKS.check(
    "security_updates",
    needs=("updates",),
    procedure="H10",
    question="Are all security updates installed?",
    threshold=Threshold("packages", 1, None, source="check_apt: any"),
)
def security_updates(rule: Rule, updates: Updates) -> Iterator[Finding]:
    count = len(updates.security)
    yield rule.judge(
        MACHINE,
        count,
        "{0} security updates wait to be installed{1}.".format(
            number_text(count), ": " + _names(updates.security) if count else ""
        ),
        "Install them in the next maintenance window, or let unattended-upgrades or dnf-automatic do it.",
    )


@CHECKS.check(
    "updates",
    needs=("updates",),
    procedure="H10",
    question="Are all other updates installed?",
    threshold=Threshold("packages", source="none: they are info; set a limit of your own"),
)
def updates(rule: Rule, updates: Updates) -> Iterator[Finding]:
    count = len(updates.others)
    message = "{0} updates beside those for security wait{1}.".format(
        number_text(count), ": " + _names(updates.others) if count else ""
    )
    advice = "They belong in a maintenance window."
    finding = rule.judge(MACHINE, count, message, advice)
    yield rule.say(INFO, MACHINE, message, advice, count) if count and finding.severity == OK else finding


@CHECKS.check(
    "package_lists_age",
    needs=("package_lists_age",),
    procedure="H10",
    question="Are the lists of packages young enough to tell what is missing?",
    threshold=Threshold("seconds", 7 * 86400, None, source="ours: Debian's and Fedora's timers refresh them daily"),
)
def package_lists_age(rule: Rule, package_lists_age: float) -> Iterator[Finding]:
    yield rule.judge(
        MACHINE,
        package_lists_age,
        "The lists of packages were fetched {0} ago.".format(seconds_text(package_lists_age)),
        "What came out since is not counted as pending. apt-get update or dnf makecache; is apt-daily.timer or "
        "dnf-makecache.timer running, and are the servers reached?",
    )
