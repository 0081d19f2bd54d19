# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words and figures for people. Everything a server returned may be hostile: it passes through ``printable``."""

from __future__ import annotations

import unicodedata

# Control, format (which holds the bidirectional overrides), surrogates, line and paragraph separators.
_HARMFUL = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))


def printable(text: object, limit: int = 500) -> str:
    """One harmless line: no escape sequences, no line breaks, at most ``limit`` characters."""
    raw = str(text)
    if len(raw) > limit:
        raw = raw[: limit - 1] + "…"
    if raw.isprintable():
        return raw
    return "".join(" " if c in "\n\t" else _escaped(c) for c in raw)


def is_number(value: object) -> bool:
    """Finite, and small enough for every place that it is written to."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and _is_finite(value)


def _is_finite(value: float) -> bool:
    """Also of whole numbers that are greater than any floating-point number, for which ``math.isfinite`` raises."""
    return -1e300 < value < 1e300


def _escaped(character: str) -> str:
    if unicodedata.category(character) not in _HARMFUL:
        return character
    return "\\x{0:02x}".format(ord(character)) if ord(character) < 256 else "\\u{0:04x}".format(ord(character))


def bytes_text(size: float) -> str:
    """``1536`` → ``1.5 kB``; powers of 1024, as PostgreSQL's ``pg_size_pretty`` and Redis count."""
    if not _is_finite(size):
        return "{0} B".format(number_text(size))
    magnitude, unit = abs(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if magnitude < 1024:
            break
        magnitude, unit = magnitude / 1024.0, larger
    sign = "-" if size < 0 else ""
    return "{0}{1} {2}".format(sign, number_text(magnitude), unit)


def seconds_text(seconds: float) -> str:
    """``0.0042`` → ``4.2 ms``, ``93784`` → ``1 d 2 h``; at most the two largest units."""
    if not _is_finite(seconds):
        return "{0} s".format(number_text(seconds))
    if seconds < 0:
        return "-" + seconds_text(-seconds)
    if seconds < 1:
        return "{0} ms".format(number_text(seconds * 1000))
    if seconds < 60:
        return "{0} s".format(number_text(seconds))
    whole = int(seconds)
    parts = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        amount, whole = divmod(whole, length)
        if amount:
            parts.append("{0} {1}".format(amount, unit))
        elif parts:
            break
    return " ".join(parts[:2])


def number_text(value: float) -> str:
    """Three significant figures below a thousand, whole numbers in groups of three above: ``12 345``.

    What is beyond all figures is ``inf`` or ``-inf``, and what is no figure ``nan``: servers may say so.
    """
    if not _is_finite(value):
        return "inf" if value > 0 else "-inf" if value < 0 else "nan"
    if value == int(value):
        return "{0:,d}".format(int(value)).replace(",", " ")
    if abs(value) >= 999.5:  # what three figures would round to 1e+03
        return "{0:,.0f}".format(value).replace(",", " ")
    return "{0:.3g}".format(value)


def time_text(time: str) -> str:
    """``2026-01-01T03:20:00+00:00`` → ``2026-01-01 03:20 UTC``"""
    return time.replace("T", " ")[:16] + " UTC"


def unbroken(value: object, unit: str) -> str:
    """As ``with_unit``, but no line break tears it apart."""
    return with_unit(value, unit).replace(" ", "\u00a0")


def with_unit(value: object, unit: str) -> str:
    """A value as an operator reads it: ``(83.4, '%')`` → ``83.4 %``, ``(1048576, 'bytes')`` → ``1 MB``."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return printable(value, 80)
    if unit == "bytes":
        return bytes_text(value)
    if unit == "seconds":
        return seconds_text(value)
    return "{0} {1}".format(number_text(value), unit).strip()
