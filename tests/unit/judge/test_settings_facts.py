# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of files of settings: which are secret, which have no value yet, which modes can be."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.settings_facts import (
    PRESENT,
    File,
    Wish,
    is_placeholder,
    mode_text,
    parse_mode,
    settings_of,
    shortcoming,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.settings_read import UNNAMED, read_entries

PLACEHOLDERS = [
    "changeme",
    "CHANGE_ME",
    "change-me-now",
    "please-changeme-soon",
    "change this",
    "replace_me",
    "replace-with your token",
    "to-do",
    "must_set",
    "tbd",
    "fixme",
    "xxx",
    "X" * 8,
    "*****",
    "...",
    "placeholder",
    "dummy",
    "your_api_key",
    "your-password-here",
    "insert-token-here",
    "my_password",
    "<strong_password>",
    "undefined",
    "{{ vault_password }}",
    "postgresql://{{ user }}@db1",
    "<%= @password %>",
]
REAL = [
    "geheim",
    "exchange",
    "INFO",
    "0",
    "a<b>c",
    "${DB}",
    "production",
    "mycompany",
    "x",
    "xx",
    "interchange-me-ntal",
]


@pytest.mark.parametrize("value", PLACEHOLDERS)
def test_placeholders(value: str) -> None:
    assert is_placeholder(value)
    assert shortcoming(value) == "is a placeholder"


@pytest.mark.parametrize("value", REAL)
def test_real_values(value: str) -> None:
    assert not is_placeholder(value)
    assert shortcoming(value) == ""


def test_of_a_name_with_very_many_values_the_name_is_looked_at_once() -> None:
    """A hundred levels and 300 000 values would take minutes."""
    text = '{"a":' * 100 + "[" + "1," * 300_000 + "1]" + "}" * 100
    (setting,) = settings_of(read_entries(text, "json"))
    assert (len(setting.values), setting.secret) == (300_001, False)


def test_what_is_too_long_is_no_placeholder() -> None:
    assert is_placeholder("changeme" + "a" * 291)
    assert not is_placeholder("changeme" + "a" * 292)


@pytest.mark.parametrize("value", ["", "  ", "null", "~", "nil", "NULL", '""', "''"])
def test_empty_values(value: str) -> None:
    assert shortcoming(value) == "is empty"


def test_missing() -> None:
    assert shortcoming(None) == "is missing"


def test_settings_are_grouped_and_hidden_where_they_must_be() -> None:
    text = "LOG=INFO\nDB_PASSWORD=x\nLOG=DEBUG\nstray line\nPRICE=5\nURL=redis://:geheim@x # y"
    settings = settings_of(read_entries(text, "env"), ["PRI*"])
    assert [(one.name, one.values, one.secret) for one in settings] == [
        ("LOG", ("INFO", "DEBUG"), False),
        ("DB_PASSWORD", ("x",), True),
        (UNNAMED, ("stray line",), True),
        ("PRICE", ("5",), True),
        ("URL", ("redis://:geheim@x",), True),
    ]
    assert settings[-1].raws == ("redis://:geheim@x # y",)
    assert settings_of([]) == ()


def test_a_comment_behind_a_value_may_hold_a_secret_too() -> None:
    assert settings_of(read_entries("A=1 # was password=geheim", "env"))[0].secret


def file(text: str, **wish: Any) -> File:
    return File("/etc/app.env", PRESENT, Wish("/etc/app.env", **wish), settings=settings_of(read_entries(text, "env")))


def test_what_is_ignored_is_not_kept() -> None:
    assert [one.name for one in file("A=1\nBUILD_ID=2", ignore=("BUILD_*",)).kept] == ["A"]


def test_real_secrets_only() -> None:
    text = "A_PASSWORD=geheim\nB_PASSWORD=changeme\nC=1\nD_PASSWORD=/run/secrets/d"
    assert file(text).secrets == ["A_PASSWORD"]


@pytest.mark.parametrize(
    ("given", "mode"),
    [(None, None), ("", None), ("0640", 0o640), ("600", 0o600), (0o640, 0o640), ("7777", 0o7777), (0, 0)],
)
def test_modes(given: Any, mode: int | None) -> None:
    assert parse_mode(given) == mode


@pytest.mark.parametrize("given", ["rw", "0888", 0o10000, -1, True, [1]])
def test_modes_that_are_none(given: Any) -> None:
    with pytest.raises(ValueError):
        parse_mode(given)


def test_a_mode_is_shown_in_octal() -> None:
    assert mode_text(0o40) == "0040"
