# SPDX-License-Identifier: GPL-3.0-or-later
"""A bug in the history or in one view costs the operator neither the report nor the other views."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.analytics.ops.plugins.callback import operator_report

from tests.support.reports import looked

SECRET = "s3cr3t-word"


class Screen:
    def __init__(self) -> None:
        self.shown: list[str] = []
        self.warned: list[str] = []

    def display(self, text: str) -> None:
        self.shown.append(text)

    def warning(self, text: str) -> None:
        self.warned.append(text)


def broken(*ignored: object) -> str:
    raise RuntimeError(SECRET)


@pytest.mark.parametrize("part", ["remember", "page"])
def test_a_bug_is_a_warning_without_what_it_said(part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"history": f"sqlite:///{tmp_path}/h", "chart_days": 30, "history_days": 400, "junit_fail_on": "never"}
    options |= {"html_file": str(tmp_path / "x.html"), "markdown_file": str(tmp_path / "x.md")}
    monkeypatch.setattr(operator_report, part, broken)
    callback = operator_report.CallbackModule()
    callback._display = screen = Screen()
    callback.get_option = options.get
    callback._run.add_result("db1", "task", looked())
    callback.v2_playbook_on_stats(None)
    assert len(screen.shown) == 1 and "healthy" in screen.shown[0]
    assert len(screen.warned) == 1 and "unexpected RuntimeError" in screen.warned[0]
    assert SECRET not in screen.warned[0]
    assert (tmp_path / "x.md").exists()
    assert (tmp_path / "x.html").exists() == (part == "remember")
