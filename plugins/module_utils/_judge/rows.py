# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A row of a snapshot: what a server returned, by name, not to be changed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


class Row(SimpleNamespace):
    """``Row(name="orders", dead=12).dead``; unknown names raise ``AttributeError``."""

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("A row of a snapshot is not changed; make another one with but().")

    def but(self, **changes: Any) -> Row:
        return Row(**dict(vars(self), **changes))
