# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lock file that outlives the process that made it, because the work it guards is a whole playbook.

Reading a lock, judging it and replacing it is one step for everybody else: it happens under ``flock`` on the directory,
which the kernel releases when a process dies. Files are replaced by renaming, so there is never half a lock.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import Iterator, Optional

from .._errors import InputError, OpsError, Refused
from .._judge.lock import Lock, plan_to_acquire, plan_to_release, read_lock
from .._judge.plan import Step
from .files import flock_within, replace_file

GUARD_SECONDS = 15.0
_SIZE_LIMIT = 65536


class LockFile:
    """The lock called ``name`` in ``directory``. ``expires_after`` is for a damaged file that does not say it."""

    def __init__(self, directory: str, name: str, expires_after: float) -> None:
        self.directory = directory
        self.name = name
        self.expires_after = expires_after
        self.path = os.path.join(directory, "analytics_ops.{0}.lock".format(name))

    def held(self) -> Optional[Lock]:
        """Who holds it now; without the guard that is only good for looking."""
        with self._explained("read"):
            try:
                descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            except FileNotFoundError:
                if not os.path.isdir(self.directory):
                    raise  # check mode must foresee this, too
                return None
            with os.fdopen(descriptor, "rb") as file:
                information = os.fstat(file.fileno())
                if not stat.S_ISREG(information.st_mode):
                    raise InputError("{0} is no file.".format(self.path), "Look who made it, and remove it.")
                return read_lock(file.read(_SIZE_LIMIT), self.name, information.st_mtime, self.expires_after)

    def acquire(self, lock: Lock, takeover: Optional[str]) -> Step:
        """Make ``lock`` the holder, or raise ``Refused``. The step says how it was got."""
        with self._guard():
            step = plan_to_acquire(self.held(), self.name, lock.since, takeover)
            with self._explained("written"):
                replace_file(self.path, lock.as_json().encode("utf-8"), 0o644)
            return step

    def release(self, lock_id: str) -> Optional[Step]:
        with self._guard():
            step = plan_to_release(self.held(), self.name, lock_id)
            if step:
                with self._explained("removed"):
                    os.unlink(self.path)
            return step

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        with self._explained("used"):
            descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with self._explained("locked"):
                is_mine = flock_within(descriptor, GUARD_SECONDS)
            if not is_mine:
                raise Refused(
                    "Another process has kept {0} locked for {1:g} seconds.".format(self.directory, GUARD_SECONDS),
                    "Find it with 'lslocks' or 'lsof'; a lock is usually changed within a moment.",
                )
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise InputError(
                "There is no directory {0} for the lock.".format(self.directory),
                "Make it, or name another in 'directory' (in playbooks: analytics_ops_lock_directory): the same for "
                "every run that must not overlap.",
            ) from error
        except OSError as error:
            raise OpsError(
                "The lock {0} cannot be {1}: {2}.".format(self.path, what, error.strerror),
                "Run as a user who may write there, or as the one who made the lock (see 'ls -l').",
            ) from error
