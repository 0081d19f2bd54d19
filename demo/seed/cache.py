# SPDX-License-Identifier: GPL-3.0-or-later
"""Half a million cache keys, of which many were written without a TTL."""

from __future__ import annotations

import redis

DAY = 86400

# prefix, number of keys, whether they expire
KINDS = (
    ("session", 180_000, True),
    ("cache:report", 110_000, True),
    ("cache:user", 130_000, False),
    ("tmp:export", 80_000, False),
)
WITHOUT_TTL = sum(amount for prefix, amount, expires in KINDS if not expires)
SLICE = 2_000  # keys a call, so that the server goes on answering others in between

# Made where they are stored: sending half a million commands takes longer than carrying them out.
SCRIPT = """
for n = tonumber(ARGV[2]), tonumber(ARGV[3]) do
    local key, value = ARGV[1] .. ':' .. n, 'value ' .. n
    if ARGV[4] == '0' then redis.call('SET', key, value) else redis.call('SET', key, value, 'EX', ARGV[4]) end
end
"""


def seed(port: int, password: str) -> int:
    """Write them; returns their number."""
    client = redis.Redis(port=port, password=password)
    fill = client.register_script(SCRIPT)
    for prefix, amount, expires in KINDS:
        for start in range(0, amount, SLICE):
            fill(args=[prefix, start, start + SLICE - 1, DAY if expires else 0])
    client.slowlog_reset()  # filling it was our doing, and is no neglect
    return client.dbsize()
