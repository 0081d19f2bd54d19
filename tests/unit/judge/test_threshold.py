# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError
from ansible_collections.analytics.ops.plugins.module_utils._judge.threshold import Threshold

HIGH = Threshold("%", 80, 90)
LOW = Threshold("%", 70, 60, higher_is_worse=False)
BLOAT = Threshold("%", 30, 50, floors={"bloat_bytes": 100})

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
]


@pytest.mark.parametrize(("threshold", "value", "beside", "severity"), SEVERITY_TEST_CASES)
def test_severity(threshold, value, beside, severity):
    assert threshold.severity(value, **beside) == severity


def test_overrides_leave_the_rest_alone():
    changed = BLOAT.with_overrides("pg.table_bloat", {"critical": "40", "bloat_bytes": 5})
    assert (changed.warning, changed.critical, dict(changed.floors)) == (30, 40, {"bloat_bytes": 5})
    assert BLOAT.floors == {"bloat_bytes": 100}


@pytest.mark.parametrize("nothing", [None, ""])
def test_null_switches_a_level_off(nothing):
    changed = HIGH.with_overrides("pg.connections", {"critical": nothing})
    assert changed.severity(100) == "warning"


BAD_OVERRIDE_TEST_CASES = [
    (HIGH, {"warn": 1}, "no limit called 'warn'. It has: warning, critical."),
    (BLOAT, {"bytes": 1}, "It has: warning, critical, bloat_bytes."),
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
