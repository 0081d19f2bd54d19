# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of a machine made by hand, for what no machine shows on demand."""

from __future__ import annotations

from typing import Any

from ansible_collections.analytics.ops.plugins.module_utils._judge.host import CHECKS
from ansible_collections.analytics.ops.plugins.module_utils._judge.host_facts import (
    CLOCK,
    TOTAL,
    Boot,
    Container,
    FileSystem,
    Load,
    Memory,
    Processes,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.interval import Interval

GB = 1024**3
NOTHING_BEFORE = Interval({}, {}, CLOCK)
ONE_SECOND = 1.0
TEN_MINUTES = 600.0


def after(seconds: float, **grown: float) -> Interval:
    """Counters that grew from 1000; two underscores stand for a dot, ``host.total.`` goes before each."""
    names = {TOTAL + name.replace("__", "."): growth for name, growth in grown.items()}
    before = {CLOCK: 5000.0, **dict.fromkeys(names, 1000.0)}
    return Interval({CLOCK: 5000.0 + seconds, **{name: 1000.0 + g for name, g in names.items()}}, before, CLOCK)


def processors(seconds: float, **percent: float) -> Interval:
    """Two cores over ``seconds``; what is not named was idle."""
    shares = {**dict.fromkeys(("user", "nice", "system", "iowait", "irq", "softirq", "steal"), 0.0), **percent}
    shares["idle"] = 100.0 - sum(shares.values())
    return after(seconds, **{f"cpu__{kind}_seconds": seconds * 2 * share / 100 for kind, share in shares.items()})


def moved(seconds: float, now: dict[str, float], before: dict[str, float]) -> Interval:
    """From some measurements to others."""
    return Interval({CLOCK: 5000.0 + seconds, **now}, {CLOCK: 5000.0, **before}, CLOCK)


def answers(check: str, limits: dict[str, Any] | None = None, **parts: Any) -> list:
    """What one check says of the snapshot's ``parts``; what is not given is in order."""
    usual = {
        "window": NOTHING_BEFORE,
        "interval": NOTHING_BEFORE,
        "load": Load(0.1, 0.1, 2),
        "container": Container(),
        "processes": Processes(),
        "memory": Memory(16 * GB, 12 * GB),
        "pressure": {},
        "boot": Boot(86400.0),
        "totals": {},
        "devices": ["sda"],
        "interfaces": ["eth0"],
    }
    selection = CHECKS.select([check], thresholds={check: limits} if limits else {})
    found = selection.findings({**usual, **parts}, "host")
    return [finding for finding in found if finding.subject != "host"]


def told(findings: list) -> list[tuple[str, str]]:
    return [(finding.subject, finding.severity) for finding in findings]


def disk(**fields: Any) -> FileSystem:
    """100 GB, half of it used, writable."""
    usual = {"mount": "/var", "device": "/dev/sda2", "kind": "ext4", "size": 100 * GB, "used": 50 * GB}
    usual.update(free=45 * GB, inodes=1000000, inodes_free=900000)
    return FileSystem(**{**usual, **fields})
