# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands in advice are found whole, and the text stays what it was."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.commands import pieces
from hypothesis import given
from hypothesis import strategies as st

CASES = [
    ("Ask the owner, or end it: SELECT pg_terminate_backend(4711).", ["SELECT pg_terminate_backend(4711)"]),
    (
        "Look at what this session does (SELECT * FROM pg_stat_activity WHERE pid = 7): it touches many tables.",
        ["SELECT * FROM pg_stat_activity WHERE pid = 7"],
    ),
    (
        "Ask, then in database shop: COMMIT PREPARED 'a' or ROLLBACK PREPARED 'a'.",
        ["COMMIT PREPARED 'a'", "ROLLBACK PREPARED 'a'"],
    ),
    (
        "If not: pg_repack -t public.tasks (online), or VACUUM FULL public.tasks in a window.",
        ["pg_repack -t public.tasks", "VACUUM FULL public.tasks"],
    ),
    ("ALTER SYSTEM RESET fsync; SELECT pg_reload_conf(). It is set.", ["ALTER SYSTEM RESET fsync"]),
    ("CREATE INDEX CONCURRENTLY ON public.tasks (user_id).", ["CREATE INDEX CONCURRENTLY ON public.tasks (user_id)"]),
    ("Look whether Ansible can log in: ansible db2 -m ping", ["ansible db2 -m ping"]),
    ("Find it with 'fuser /x/history' or ask.", ["fuser /x/history"]),
    ("Harmless; MEMORY PURGE gives pages back.", ["MEMORY PURGE"]),
    ("Is the service running, and does it listen there? Check the port.", []),
    ("Run VACUUM.", []),
    ("", []),
]


@pytest.mark.parametrize(("advice", "commands"), CASES)
def test_commands_are_found(advice, commands):
    found = [piece.text for piece in pieces(advice) if piece.is_command]
    assert found[: len(commands)] == commands
    assert bool(found) == bool(commands)


@given(st.text(alphabet="SELECT alterx ;:.()', or in", max_size=80))
def test_nothing_is_lost(text):
    assert "".join(piece.text for piece in pieces(text)) == text
