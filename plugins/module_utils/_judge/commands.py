# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the commands in advice, so that a view can show them as something to copy. It never changes the text."""

from __future__ import annotations

import re
from typing import List, NamedTuple

# Where a command in a sentence ends: advice is prose in lower case around statements in upper case.
_END = r";|\.\s|\.$|,? (?:or|then|in|to|and|while|rewrites|with|once) |: | \([a-z]|, then|$"
# Columns stand in brackets, as remarks do elsewhere.
_INDEX = r"\bCREATE INDEX CONCURRENTLY ON [^;(]{1,160} \([^()]{1,160}\)"
_STATEMENT = (
    r"\b(?:SELECT|SHOW|ALTER|DROP|COMMIT PREPARED|ROLLBACK PREPARED|VACUUM|REINDEX|GRANT|CREATE) [^;]{2,300}?"
    r"(?=" + _END + ")"
)
_REDIS = r"\bCONFIG (?:SET [\w-]+ \S+|REWRITE)|\b(?:CLIENT LIST|MEMORY PURGE|MEMORY DOCTOR|SCRIPT FLUSH)\b"
_PROGRAM = (
    r"\b(?:ansible|ansible-playbook|systemctl|journalctl|psql|pg_repack|redis-cli|valkey-cli|df|du|lsof|fuser|lslocks|"
    r"openssl|chronyc|timedatectl|curl|docker compose|docker logs) [^;']{2,300}?(?='|" + _END + ")"
)
_QUOTED = r"(?<=[\s(]')[^\s'][^']{1,80} [^']{1,80}(?=')"
_COMMAND = re.compile("|".join((_INDEX, _STATEMENT, _REDIS, _PROGRAM, _QUOTED)))


class Piece(NamedTuple):
    text: str
    is_command: bool


def pieces(advice: str) -> List[Piece]:
    """The whole text in pieces; put together they are the text again."""
    found: List[Piece] = []
    end = 0
    for match in _COMMAND.finditer(advice):
        command = match.group()
        if command.endswith(")") and command.count(")") > command.count("("):
            command = command[:-1]
        found += [Piece(advice[end : match.start()], False), Piece(command, True)]
        end = match.start() + len(command)
    found.append(Piece(advice[end:], False))
    return [piece for piece in found if piece.text]
