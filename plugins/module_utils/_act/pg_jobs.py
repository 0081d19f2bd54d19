# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work on several connections at a time, within a time budget, which an interrupt or a killed process ends.

What ends a statement here: its time limit, an interrupt (every running statement is cancelled), and the end of this
process by whatever means, for the sessions tell the server to look every second whether the client is still there.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Callable, Deque, Dict, Generic, Iterator, List, Mapping, Optional, Sequence, TypeVar

from .._errors import InputError, OpsError, Refused, Unreachable
from .._judge.maintenance import Budget
from .._judge.text import printable
from .._observe.pg_blockers import advisory_lock_holder
from .._observe.postgres import PostgresClient, PostgresLogin

# Held for as long as a run acts on a database: two numbers that scripts of others may take as well.
MAINTENANCE_LOCK = (1634693235, 1)

# Warnings must reach us, whatever the role's own settings say, and a dead client must be noticed within a second.
SESSION_SETTINGS = {
    "client_connection_check_interval": "1000",
    "client_min_messages": "warning",
    "idle_session_timeout": "0",
}

Work = TypeVar("Work")


@dataclass(frozen=True)
class Outcome(Generic[Work]):
    """``cause``: why the work was not done (budget, timeout, locked, error), empty when it was; ``reason`` in words."""

    work: Work
    seconds: float = 0.0
    cause: str = ""
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@contextmanager
def maintenance_lock(client: PostgresClient) -> Iterator[None]:
    """Only one run of this collection acts on a database at a time; the lock ends with the session."""
    if not client.row("SELECT pg_try_advisory_lock(%s, %s) AS taken", MAINTENANCE_LOCK)["taken"]:
        raise Refused(
            "{0} is being maintained already, by {1}.".format(
                client.login.target, advisory_lock_holder(client, MAINTENANCE_LOCK) or "a run that has just ended"
            ),
            "Wait for it, or end that process with pg_terminate_backend, and run the task again.",
        )
    client.rows("SELECT set_config('idle_session_timeout', '0', false)")  # this session waits while others work
    yield
    # After an error or an interrupt the end of the session does it.
    client.rows("SELECT pg_advisory_unlock(%s, %s)", MAINTENANCE_LOCK)


class Jobs(Generic[Work]):
    """Runs ``do(client, work)`` for all works, on as many sessions as asked for.

    ``settings`` are server settings of the sessions. ``estimate`` gives the seconds a work is expected to take,
    ``together`` what works have in common that must not run at the same time.
    """

    def __init__(
        self,
        login: PostgresLogin,
        jobs: int,
        budget: Budget,
        do: Callable[[PostgresClient, Work], Outcome],
        estimate: Callable[[Work], float],
        settings: Optional[Mapping[str, Any]] = None,
        lock_timeout: float = 1.0,
        statement_timeout: Optional[float] = None,
        together: Callable[[Work], Any] = id,
    ) -> None:
        self._login, self._jobs, self._budget = login, jobs, budget
        self._do, self._estimate, self._together = do, estimate, together
        self._settings = dict(settings or {}, **SESSION_SETTINGS)
        self._lock_timeout, self._statement_timeout = lock_timeout, statement_timeout
        self._stop = threading.Event()
        self._failure: Optional[BaseException] = None

    def run(self, phases: Sequence[Sequence[Work]]) -> List[Outcome]:
        """Each phase begins when the one before has ended. The outcomes come in the order of the works."""
        outcomes: Dict[int, Outcome] = {}
        most = max((len(works) for works in phases), default=0)
        if not most:
            return []
        with ExitStack() as sessions:
            clients = [sessions.enter_context(self._client()) for number in range(max(1, min(self._jobs, most)))]
            for client in clients:
                self._set(client)
            for works in phases:
                self._run_phase(clients, works, outcomes)
                for client in clients:
                    _tell_counters(client)
        return [outcomes[id(work)] for works in phases for work in works]

    def _client(self) -> PostgresClient:
        return PostgresClient(self._login, lock_timeout=self._lock_timeout)

    def _set(self, client: PostgresClient) -> None:
        """Every setting in one round trip; a value that the server does not take is the user's mistake."""
        from psycopg2 import Error

        calls = ", ".join(["set_config(%s, %s, false)"] * len(self._settings))
        try:
            client.rows("SELECT " + calls, [str(part) for setting in self._settings.items() for part in setting])
        except Error as error:
            raise InputError("The server does not take a setting: {0}".format(server_text(error))) from error

    def _run_phase(
        self, clients: Sequence[PostgresClient], works: Sequence[Work], outcomes: Dict[int, Outcome]
    ) -> None:
        queue = self._groups(works)
        ended = [threading.Event() for client in clients]
        for client, end in zip(clients, ended):
            threading.Thread(target=self._worker, args=(client, queue, outcomes, end), daemon=True).start()
        try:
            _wait_for(ended)
        except KeyboardInterrupt:
            self._stop.set()
            # Again and again: a statement may have been about to begin when the first request came.
            while not all(end.is_set() for end in ended):
                for client, end in zip(clients, ended):
                    if not end.is_set():
                        client.cancel()
                _wait_for(ended, 0.2)
            raise
        if self._failure:
            raise self._failure
        for work in (work for group in queue for work in group):
            outcomes[id(work)] = Outcome(work, cause="error", reason="The connection to the server was lost before.")

    def _groups(self, works: Sequence[Work]) -> Deque[List[Work]]:
        """Works of the same relation would wait for each other: one session does them all."""
        groups: Dict[Any, List[Work]] = {}
        for work in works:
            groups.setdefault(self._together(work), []).append(work)
        return deque(groups.values())

    def _worker(
        self, client: PostgresClient, queue: Deque[List[Work]], outcomes: Dict[int, Outcome], ended: threading.Event
    ) -> None:
        try:
            while not self._stop.is_set():
                try:
                    group = queue.popleft()  # atomic
                except IndexError:
                    return
                while group and not self._stop.is_set():
                    work = group.pop(0)
                    try:
                        outcomes[id(work)] = self._one(client, work)
                    except Unreachable as error:
                        outcomes[id(work)] = Outcome(work, cause="error", reason=error.text)
                        queue.appendleft(group)
                        return
        except BaseException as error:
            self._failure = error
            self._stop.set()
        finally:
            ended.set()

    def _one(self, client: PostgresClient, work: Work) -> Outcome:
        from psycopg2 import Error, errorcodes

        refusal = self._budget.refusal(self._estimate(work))
        if refusal:
            return Outcome(work, cause="budget", reason=refusal)
        limit = self._limit()
        client.limit_statements(limit)
        begun = time.monotonic()
        try:
            outcome = self._do(client, work)
        except Error as error:
            seconds = time.monotonic() - begun
            if error.pgcode == errorcodes.LOCK_NOT_AVAILABLE:
                return Outcome(work, seconds, "locked", "")
            if error.pgcode == errorcodes.QUERY_CANCELED and limit is not None and seconds >= limit - 0.001:
                return Outcome(
                    work, seconds, "timeout", "It was ended after {0:.3g} seconds, its limit.".format(seconds)
                )
            return Outcome(work, seconds, "error", server_text(error))
        seconds = time.monotonic() - begun
        if not outcome.cause:
            self._budget.learn(self._estimate(work), seconds)
        return Outcome(work, seconds, outcome.cause, outcome.reason, outcome.details)

    def _limit(self) -> Optional[float]:
        """No statement outlives the budget, nor its own limit."""
        limits = [limit for limit in (self._statement_timeout, self._budget.left) if limit is not None]
        return max(0.001, min(limits)) if limits else None


def _tell_counters(client: PostgresClient) -> None:
    """What this session counted (the rows that ANALYZE wrote, for example) is known before anybody looks again."""
    with suppress(OpsError):  # a connection that was lost has told
        if client.server_version >= 150000:
            client.rows("SELECT pg_stat_force_next_flush()")


def server_text(error: Any) -> str:
    """The server's one line, without the statement and the context that psycopg2 appends."""
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    return printable(primary or str(error).strip() or type(error).__name__, 300)


def _wait_for(ended: Sequence[threading.Event], seconds: Optional[float] = None) -> None:
    """Wait for events and not with ``Thread.join``, which, once interrupted, takes a running thread for a dead one."""
    limit = None if seconds is None else time.monotonic() + seconds
    for end in ended:
        while not end.wait(0.1) and (limit is None or time.monotonic() < limit):
            pass


def split_phases(works: Sequence[Any]) -> List[List[Any]]:
    return [[work for work in works if work.phase == phase] for phase in sorted({work.phase for work in works})]
