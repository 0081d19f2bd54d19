# SPDX-License-Identifier: GPL-3.0-or-later
"""Half a million cache keys, of which many were written without a TTL."""

from __future__ import annotations

import socket
from collections.abc import Iterator

DAY = 86400

# prefix, number of keys, whether they expire
KINDS = (
    ("session", 200_000, True),
    ("cache:report", 120_000, True),
    ("cache:user", 100_000, False),
    ("tmp:export", 80_000, False),
)


def commands() -> Iterator[bytes]:
    """SET commands in the Redis protocol, in batches."""
    for prefix, amount, expires in KINDS:
        for start in range(0, amount, 5000):
            yield b"".join(_set(f"{prefix}:{n}", f"value {n}", expires) for n in range(start, start + 5000))


def _set(key: str, value: str, expires: bool) -> bytes:
    words = ["SET", key, value, *(["EX", str(DAY)] if expires else [])]
    return f"*{len(words)}\r\n{''.join(f'${len(w)}{chr(13)}{chr(10)}{w}{chr(13)}{chr(10)}' for w in words)}".encode()


def seed(port: int, password: str) -> int:
    """Write them as fast as the server takes them; returns their number."""
    total = sum(amount for prefix, amount, expires in KINDS)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"*2\r\n$4\r\nAUTH\r\n${len(password)}\r\n{password}\r\n".encode())
        answers = connection.makefile("rb")
        _expect_ok(answers, 1)
        for batch in commands():
            connection.sendall(batch)
            _expect_ok(answers, 5000)
    return total


def _expect_ok(answers, number: int) -> None:
    expected = b"+OK\r\n" * number
    answer = answers.read(len(expected))
    if answer != expected:
        raise RuntimeError(f"the cache answered {answer[:80]!r}")
