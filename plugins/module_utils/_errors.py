# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every error that library code raises on purpose.

::

    OpsError                 something a person can act on; the text says what, where and what to do
    ├── InputError           an option or an inventory value is wrong: nothing has been touched
    ├── DriverMissing        a Python library is not installed on the host the module runs on
    ├── Unreachable          a server could not be reached, logged in to, or asked in time
    └── Refused              the work would not be safe now: held lock, missing confirmation, wrong state

Modules turn an ``OpsError`` into ``fail_json``; checking modules turn ``Unreachable`` into a finding instead,
because a dead server is an answer and not a failure of the check.
"""

from __future__ import annotations


class OpsError(Exception):
    """``message`` says what is wrong and where, ``advice`` what to do about it. Neither may hold a secret."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    @property
    def text(self) -> str:
        return "{0} {1}".format(self.message, self.advice).strip()


class InputError(OpsError):
    pass


class DriverMissing(OpsError):
    pass


class Unreachable(OpsError):
    pass


class Refused(OpsError):
    pass
