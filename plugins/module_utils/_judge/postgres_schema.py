# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How tables are made: keys, persistence, triggers that are switched off."""

from __future__ import annotations

from typing import Any, Iterator, List

from .finding import INFO, OK, WARNING, Finding
from .postgres_register import CHECKS
from .rows import Row
from .text import bytes_text, number_text
from .threshold import Threshold

# A table without a key is told of from this size on.
_LARGE = 100.0 * 1024 * 1024


@CHECKS.check(
    "primary_keys",
    needs=("keyless",),
    procedure="H06",
    question="Can the rows of published and of large tables be told apart?",
    threshold=Threshold("bytes", source="none: from 100 MB on it is info; set a limit of your own"),
)
def primary_keys(rule: Any, keyless: List[Row]) -> Iterator[Finding]:
    """A published table without an identity refuses every UPDATE and DELETE."""
    for table in keyless:
        if table.published:
            yield rule.say(
                WARNING,
                table.name,
                "Table {0} is published for replication, but nothing identifies its rows: every UPDATE and DELETE of "
                "it fails.".format(table.name),
                "ALTER TABLE {0} ADD PRIMARY KEY (…), or REPLICA IDENTITY FULL where it is small.".format(table.name),
            )
        elif not table.has_key:
            message = "Table {0} ({1}) has no primary key.".format(table.name, bytes_text(table.bytes))
            advice = "Rows that are there twice cannot be told apart, and it cannot be replicated logically. ALTER "
            advice += "TABLE {0} ADD PRIMARY KEY (…), if it is more than a log.".format(table.name)
            finding = rule.judge(table.name, table.bytes, message, advice)
            told = finding.severity == OK and table.bytes >= _LARGE
            yield rule.say(INFO, table.name, message, advice, table.bytes) if told else finding


@CHECKS.check(
    "unlogged_tables",
    needs=("unlogged",),
    procedure="H06",
    question="Does every table survive a crash?",
    threshold=Threshold("bytes", source="none: they are info; set a limit of your own"),
)
def unlogged_tables(rule: Any, unlogged: List[Row]) -> Iterator[Finding]:
    for table in unlogged:
        message = "Table {0} ({1}, {2} rows) is unlogged: a crash empties it, and no replica has it.".format(
            table.name, bytes_text(table.bytes), number_text(table.rows)
        )
        advice = "If it is not meant to be lost: ALTER TABLE {0} SET LOGGED (writes it anew).".format(table.name)
        finding = rule.judge(table.name, table.bytes, message, advice)
        yield rule.say(INFO, table.name, message, advice, table.bytes) if finding.severity == OK else finding


@CHECKS.check(
    "disabled_triggers",
    needs=("triggers",),
    procedure="H06",
    question="Is no trigger and no foreign key switched off?",
)
def disabled_triggers(rule: Any, triggers: List[Row]) -> Iterator[Finding]:
    """``DISABLE TRIGGER ALL`` before a load, and forgotten, leaves foreign keys that nobody enforces."""
    for trigger in triggers:
        name = "{0} on {1}".format(trigger.name, trigger.table)
        if trigger.constraint:
            yield rule.say(
                WARNING,
                name,
                "Constraint {0} is not enforced: its triggers are switched off.".format(name),
                "Look for rows that break it, then ALTER TABLE {0} ENABLE TRIGGER ALL.".format(trigger.table),
                "disabled",
            )
        else:
            yield rule.say(
                INFO,
                name,
                "Trigger {0} is switched off.".format(name),
                "If nobody knows why: ALTER TABLE {0} ENABLE TRIGGER {1}.".format(trigger.table, trigger.name),
                "disabled",
            )
