# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``service_wave`` tells when its own diagnosis fails. That takes a bug, so one is put in: no fault is known."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.service_wave import DID_NOT_START, READY, Outcome
from ansible_collections.analytics.ops.plugins.modules import service_wave


def test_a_diagnosis_that_fails_costs_nobody_what_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_given: Any) -> None:
        raise ZeroDivisionError("so it is")

    monkeypatch.setattr(service_wave, "diagnose", broken)
    up, down = Outcome("db", READY, "db is ready."), Outcome("api", DID_NOT_START, "api did not come up.")
    told = service_wave.explained([up, down], {})
    assert told[0] == up
    assert told[1].outcome == DID_NOT_START
    assert told[1].message == "api did not come up. Nobody could look why: ZeroDivisionError: so it is."
