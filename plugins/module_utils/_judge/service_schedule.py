# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether what runs by the clock ran, and ended well: systemd timers and cron jobs.

systemd knows of a timer when it ran and how that ended. Cron knows only that it started a command: it writes so to the
log, and nothing about the end unless it is told to (Debian: ``EXTRA_OPTS="-L 5"``). That a job succeeded can only be
seen by what it leaves behind: a file that is young enough.
"""

from __future__ import annotations

from typing import Iterator, Optional, Sequence

from .checks import Rule
from .finding import CRITICAL, INFO, UNKNOWN, WARNING, Finding
from .service_facts import CHECKS, CronJob, Host, Timer
from .service_words import failure_text, said
from .text import printable, seconds_text
from .threshold import Threshold

_AGE = Threshold("% of max_age", 100, 200, source="your max_age; ours: twice as old is a second run that is missing")


@CHECKS.check(
    "timer",
    needs=("timers",),
    procedure="H13",
    question="Is every timer active, with a next run, and would be after a boot?",
)
def timer(rule: Rule, timers: Sequence[Timer]) -> Iterator[Finding]:
    for one in timers:
        unit, state = one.timer, one.timer.text("LoadState")
        if not unit.there:
            masked = state == "masked"
            message = "{0} is masked." if masked else "There is no timer {0}."
            advice = (
                "systemctl unmask {0}." if masked else "Install it, or correct its name: systemctl list-timers --all."
            )
            yield rule.say(CRITICAL, one.name, message.format(one.name), advice.format(one.name))
        elif not unit.active:
            message = "{0} is {1}: nothing starts {2}.".format(
                one.name, printable(unit.text("ActiveState"), 40), one.service.name
            )
            yield rule.say(CRITICAL, one.name, message, "Start it: systemctl enable --now {0}.".format(one.name))
        elif unit.text("SubState") == "running" and one.service.text("SubState") == "exited":
            message = "{0} will not run again: {1} stays active after its end (RemainAfterExit=yes).".format(
                one.name, one.service.name
            )
            yield rule.say(WARNING, one.name, message, "Set RemainAfterExit=no in {0}.".format(one.service.name))
        elif unit.text("SubState") == "elapsed":
            message = "{0} has no next run.".format(one.name)
            yield rule.say(WARNING, one.name, message, "Give it OnCalendar= or OnUnitActiveSec=, or restart it.")
        elif unit.text("UnitFileState") in ("disabled", "enabled-runtime", "transient") and not unit.text("WantedBy"):
            message = "{0} would not be started at the next boot: it is {1}.".format(
                one.name, unit.text("UnitFileState")
            )
            yield rule.say(WARNING, one.name, message, "Enable it: systemctl enable {0}.".format(one.name))


@CHECKS.check(
    "timer_result",
    needs=("timers",),
    procedure="H13",
    question="Did the last run of every timer end well?",
)
def timer_result(rule: Rule, timers: Sequence[Timer]) -> Iterator[Finding]:
    for one in timers:
        service = one.service
        if not one.timer.there:
            continue
        if not service.there:
            message = "{0} starts {1}, which cannot be loaded.".format(one.name, service.name)
            yield rule.say(CRITICAL, one.name, message, "See why: systemctl status {0}.".format(service.name))
        elif service.text("Result") not in ("", "success") and not service.text("SubState").startswith("start"):
            message = "The last run of {0} failed: {1}.{2}".format(
                service.name, failure_text(service), said(service.lines)
            )
            advice = "Look at its log (journalctl -u {0} -n 50), then run it again: systemctl start {0}."
            yield rule.say(CRITICAL, one.name, message, advice.format(service.name))


@CHECKS.check(
    "timer_age",
    needs=("host", "timers"),
    procedure="H13",
    question="Did every timer run, and end well, within the time that was given for it?",
    threshold=_AGE,
)
def timer_age(rule: Rule, host: Host, timers: Sequence[Timer]) -> Iterator[Finding]:
    for one in timers:
        if not one.timer.active:
            continue
        last = last_run(one)
        look = "See why: systemctl status {0} {1}.".format(one.name, one.service.name)
        if last is not None:
            text = "{0} last ran {1} ago.".format(one.name, seconds_text(max(0.0, host.now - last)))
        else:
            text = "{0} has never run since it was started.".format(one.name)
            last = one.timer.time("ActiveEnterTimestamp")
            if one.max_age is None or last is None or host.now - last < one.max_age:
                yield rule.say(INFO, one.name, text, look)
                continue
        if one.max_age is not None:
            text += " It should at least every {0}.".format(seconds_text(one.max_age))
            yield rule.judge(one.name, 100.0 * (host.now - last) / one.max_age, text, look)


def last_run(one: Timer) -> Optional[float]:
    """The end of the last good run; where systemd knows no end (it runs now, or the host was booted), its start."""
    ended = one.service.time("ExecMainExitTimestamp")
    good = one.service.text("Result") in ("", "success")
    return ended if ended is not None and good else one.timer.time("LastTriggerUSec")


@CHECKS.check(
    "timer_overdue",
    needs=("host", "timers"),
    procedure="H13",
    question="Did no timer miss the run that was due?",
    threshold=Threshold(
        "seconds", 3600, 86400, source="the field's alerts: 24 h; ours: an hour, for AccuracySec= may delay"
    ),
)
def timer_overdue(rule: Rule, host: Host, timers: Sequence[Timer]) -> Iterator[Finding]:
    for one in timers:
        due = one.timer.time("NextElapseUSecRealtime")
        if one.timer.active and one.timer.text("SubState") == "waiting" and due is not None and due < host.now:
            text = "{0} was due {1} ago and has not run.".format(one.name, seconds_text(host.now - due))
            yield rule.judge(one.name, host.now - due, text, "Restart it: systemctl restart {0}.".format(one.name))


@CHECKS.check(
    "cron",
    needs=("host", "cron"),
    procedure="H13",
    question="Does cron run, and start the jobs that it should?",
)
def cron(rule: Rule, host: Host, jobs: Sequence[CronJob]) -> Iterator[Finding]:
    if jobs and host.cron and not any(unit.active for unit in host.cron):
        name = host.cron[0].name
        message = "{0} does not run: no job is started.".format(name)
        yield rule.say(CRITICAL, name, message, "Start it: systemctl enable --now {0}.".format(name))
    for job in jobs:
        if not job.command:
            continue
        if job.unseen:
            advice = (
                "Let the module's user read the journal (group systemd-journal or adm), or judge by 'evidence' alone."
            )
            yield rule.say(UNKNOWN, job.name, job.unseen, advice)
        elif job.failed:
            advice = "Run its command by hand as its user, with cron's short PATH, and see what it says."
            yield rule.say(CRITICAL, job.name, job.failed, advice)
        elif job.started is None:
            message = "In the last {0} cron started nothing like '{1}'.".format(
                seconds_text(job.max_age), printable(job.command, 80)
            )
            advice = (
                "Look at the crontab of its user and at the files in /etc/cron.d: cron passes over those with a wrong "
                "owner, mode or line."
            )
            yield rule.say(WARNING, job.name, message, advice)


@CHECKS.check(
    "cron_age",
    needs=("host", "cron"),
    procedure="H13",
    question="Is the evidence of every cron job young enough?",
    threshold=_AGE,
)
def cron_age(rule: Rule, host: Host, jobs: Sequence[CronJob]) -> Iterator[Finding]:
    for job in jobs:
        if job.problem:
            advice = "Look whether the job runs, and whether 'evidence' is the file that it writes when it succeeds."
            yield rule.say(CRITICAL if job.missing else UNKNOWN, job.name, job.problem, advice)
        elif job.modified is not None:
            age = host.now - job.modified
            text = "{0} was last written {1} ago; it should be at least every {2}.".format(
                job.evidence, seconds_text(max(0.0, age)), seconds_text(job.max_age)
            )
            yield rule.judge(
                job.name, 100.0 * age / job.max_age, text, "Look at the log of the job and run it by hand."
            )
