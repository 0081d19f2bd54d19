# SPDX-License-Identifier: GPL-3.0-or-later
"""Profiles of limits: what they hold is true of the checks, and one's own limits win."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError
from ansible_collections.analytics.ops.plugins.module_utils._judge.profiles import PROFILES, Limit, with_profile

from docs.generate import registers
from docs.thresholds_page import WHY, different

CHECKS = {name: check for register in registers().values() for name, check in register.checks.items()}
LIMITS = [(name, limit) for name, profile in PROFILES.items() for limit in profile.limits]


def test_there_is_one_for_each_manual() -> None:
    assert [profile.manual for profile in PROFILES.values()] == ["M1", "M2", "M3", "M4", "M5"]
    assert all(profile.stack and profile.limits for profile in PROFILES.values())


@pytest.mark.parametrize(("name", "limit"), LIMITS, ids=lambda value: getattr(value, "check", value))
def test_a_limit_is_one_of_a_check_and_in_order(name: str, limit: Limit) -> None:
    """``with_overrides`` refuses unknown names, what is no number, and critical before warning."""
    changed = CHECKS[limit.check].threshold.with_overrides(limit.check, limit.levels)
    assert {level: getattr(changed, level) for level in limit.levels if level in ("warning", "critical")} == {
        level: value for level, value in limit.levels.items() if level in ("warning", "critical")
    }
    assert limit.source


@pytest.mark.parametrize(("name", "limit"), LIMITS, ids=lambda value: getattr(value, "check", value))
def test_a_limit_speaks_at_its_value_and_not_beside_it(name: str, limit: Limit) -> None:
    changed = CHECKS[limit.check].threshold.with_overrides(limit.check, limit.levels)
    for value in (limit.levels.get("warning"), limit.levels.get("critical")):
        if value is not None:
            milder = value - value * 1e-9 if changed.higher_is_worse else value + value * 1e-9
            assert changed.severity(value) != changed.severity(milder)


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_speaks_of_a_check_once(name: str) -> None:
    checks = [limit.check for limit in PROFILES[name].limits]
    assert len(checks) == len(set(checks))


def test_no_profile_is_just_ones_own() -> None:
    own = {"pg.connections": {"warning": 70}}
    assert with_profile(own, "") == own
    assert with_profile(own, None) == own
    assert with_profile({}, "") == {}


def test_ones_own_win_level_by_level() -> None:
    limits = with_profile(
        {"host.disk_space": {"warning": 70}, "pg.deadlocks": {"warning": 1}}, "compose-duckdb-backend"
    )
    assert limits["host.disk_space"] == {"warning": 70, "critical": 95, "free_bytes": None}
    assert limits["pg.deadlocks"] == {"warning": 1}
    assert limits["host.cpu"] == {"warning": 80}


def test_a_profile_is_never_changed_by_what_is_laid_over_it() -> None:
    with_profile({"host.cpu": {"warning": 1}}, "compose-duckdb-backend")["host.memory"]["warning"] = 2
    assert with_profile({}, "compose-duckdb-backend")["host.cpu"] == {"warning": 80}
    assert with_profile({}, "compose-duckdb-backend")["host.memory"]["warning"] == 85


def test_what_is_wrong_with_a_single_limit_is_left_to_its_module() -> None:
    assert with_profile({"host.cpu": 70}, "compose-tiers")["host.cpu"] == 70


def test_the_alarm_of_a_bare_percentage_does_not_wait_for_a_nearly_full_disk() -> None:
    space = CHECKS["host.disk_space"].threshold
    terabyte = {"free_bytes": 10**12, "size_bytes": 10**13}
    assert space.severity(90, **terabyte) == "ok"
    chosen = space.with_overrides("host.disk_space", with_profile({}, "compose-tiers")["host.disk_space"])
    assert chosen.severity(90, **terabyte) == "warning"
    assert chosen.severity(99, free_bytes=1, size_bytes=1) == "ok"


@pytest.mark.parametrize(
    ("own", "name", "expected"),
    [
        ({}, "compose-tier", "there is no profile 'compose-tier'. Did you mean 'compose-tiers'?"),
        ({}, "zzz", "There are: compose-duckdb-backend, compose-tiers,"),
        ({}, 7, "there is no profile 7."),
        ([], "compose-tiers", "thresholds: is []."),
        ("", "", "thresholds: is empty."),
    ],
)
def test_bad_input_is_named(own: object, name: object, expected: str) -> None:
    with pytest.raises(InputError) as error:
        with_profile(own, name)
    assert expected in error.value.text


def test_every_default_says_where_it_comes_from() -> None:
    limited = [check for check in CHECKS.values() if {check.threshold.warning, check.threshold.critical} != {None}]
    assert [check.name for check in limited if not check.threshold.source] == []


def test_every_difference_from_a_default_has_its_reason() -> None:
    assert different(PROFILES, CHECKS) == sorted(WHY)
