# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError
from ansible_collections.analytics.ops.plugins.module_utils._judge.threshold import Threshold

HIGH = Threshold("%", 80, 90)
LOW = Threshold("%", 70, 60, higher_is_worse=False)
BLOAT = Threshold("%", 30, 50, floors={"bloat_bytes": 100})
SPACE = Threshold("%", 85, 95, ceilings={"free_bytes": 20})

SEVERITY_TEST_CASES = [
    (HIGH, 79.9, {}, "ok"),
    (HIGH, 80, {}, "warning"),
    (HIGH, 90, {}, "critical"),
    (LOW, 70.1, {}, "ok"),
    (LOW, 70, {}, "warning"),
    (LOW, 0, {}, "critical"),
    (Threshold("%", 80), 1000, {}, "warning"),
    (Threshold("%", critical=1), 1, {}, "critical"),
    (Threshold(), 1e9, {}, "ok"),
    (BLOAT, 99, {"bloat_bytes": 99}, "ok"),
    (BLOAT, 99, {"bloat_bytes": 100}, "critical"),
    (BLOAT, 99, {}, "critical"),
    (SPACE, 99, {"free_bytes": 21}, "ok"),
    (SPACE, 99, {"free_bytes": 20}, "critical"),
    (SPACE, 99, {}, "critical"),
]


@pytest.mark.parametrize(("threshold", "value", "beside", "severity"), SEVERITY_TEST_CASES)
def test_severity(threshold, value, beside, severity):
    assert threshold.severity(value, **beside) == severity


def test_overrides_leave_the_rest_alone():
    changed = BLOAT.with_overrides("pg.table_bloat", {"critical": "40", "bloat_bytes": 5})
    assert (changed.warning, changed.critical, dict(changed.floors)) == (30, 40, {"bloat_bytes": 5})
    assert BLOAT.floors == {"bloat_bytes": 100}


def test_a_ceiling_is_changed_and_switched_off():
    assert SPACE.with_overrides("host.disk_space", {"free_bytes": 5}).severity(90, free_bytes=6) == "ok"
    assert SPACE.with_overrides("host.disk_space", {"free_bytes": None}).severity(90, free_bytes=1e15) == "warning"
    assert SPACE.with_overrides("host.disk_space", {"warning": 80}).ceilings == {"free_bytes": 20}


@pytest.mark.parametrize("nothing", [None, ""])
def test_null_switches_a_level_off(nothing):
    changed = HIGH.with_overrides("pg.connections", {"critical": nothing})
    assert changed.severity(100) == "warning"


BAD_OVERRIDE_TEST_CASES = [
    (HIGH, {"warn": 1}, "no limit called 'warn'. It has: warning, critical, clear."),
    (BLOAT, {"bytes": 1}, "It has: warning, critical, clear, bloat_bytes."),
    (HIGH, {"warning": "many"}, "'pg.x.warning' is 'many', which is no number"),
    (HIGH, {"warning": True}, "which is no number"),
    (HIGH, {"warning": "nan"}, "which is no number"),
    (HIGH, {"warning": 95}, "critical (90) before it is a warning (95). Higher values are worse"),
    (LOW, {"warning": 50}, "critical (60) before it is a warning (50). Lower values are worse"),
]


@pytest.mark.parametrize(("threshold", "given", "text"), BAD_OVERRIDE_TEST_CASES)
def test_bad_overrides_are_named(threshold, given, text):
    with pytest.raises(InputError) as error:
        threshold.with_overrides("pg.x", given)
    assert text in error.value.text


@pytest.mark.parametrize(
    ("limit", "value", "raised", "held"),
    [
        (Threshold("%", 80, 90, clear=70), 70, "ok", "warning"),
        (Threshold("%", 80, 90, clear=70), 69.9, "ok", "ok"),
        (Threshold("%", 80, 90, clear=70), 85, "warning", "warning"),
        (Threshold("%", 80, 90, clear=70), 90, "critical", "critical"),
        (Threshold("%", 70, 60, higher_is_worse=False, clear=75), 75, "ok", "warning"),
        (Threshold("%", 70, 60, higher_is_worse=False, clear=75), 75.1, "ok", "ok"),
        (Threshold("%", None, 90, clear=70), 80, "ok", "warning"),
        (Threshold("%", 80, None), 79, "ok", "ok"),
        (Threshold("%", clear=70), 80, "ok", "ok"),
    ],
)
def test_what_is_open_stays_a_warning_until_it_is_clear(limit, value, raised, held):
    known = replace(limit, open=frozenset(["a"]))
    assert (known.for_subject("b").severity(value), known.for_subject("a").severity(value)) == (raised, held)


def test_floors_hold_for_what_is_open_too():
    limit = replace(BLOAT, clear=20, open=frozenset(["a"])).for_subject("a")
    assert (limit.severity(25, bloat_bytes=100), limit.severity(25, bloat_bytes=99)) == ("warning", "ok")


@pytest.mark.parametrize(
    ("limit", "clear", "good"),
    [(HIGH, 80, True), (HIGH, 80.1, False), (LOW, 70, True), (LOW, 69.9, False), (Threshold("%", None, 5), 6, False)],
)
def test_clear_lies_on_the_good_side_of_the_limit(limit, clear, good):
    if good:
        assert limit.with_overrides("pg.x", {"clear": clear}).clear == clear
    else:
        with pytest.raises(InputError, match="not be clear at it"):
            limit.with_overrides("pg.x", {"clear": clear})
    assert Threshold().with_overrides("pg.x", {"clear": clear}).clear == clear
