# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The register that the files ``http_*.py`` put their checks into; ``http.py`` imports them all."""

from __future__ import annotations

from .checks import Register

CHECKS = Register("http")
