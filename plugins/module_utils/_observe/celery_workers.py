# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Celery's workers say of themselves, through its remote control protocol.

``kombu`` is the library that Celery itself speaks it with. It has no time limit that holds in every case, so it works
in a thread of its own, and who waits for it gives up at the deadline.
"""

from __future__ import annotations

import queue
import ssl
import threading
from collections import Counter
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union
from urllib.parse import quote

from .._judge.celery_facts import Task, Worker
from .._judge.checks import Unavailable
from .._judge.text import is_number, printable
from .._run import require_driver
from .redis import RedisLogin

WORKERS_LIMIT, TASKS_LIMIT = 1000, 1000

# A worker that says when a task started in seconds of its own uptime is older than Celery 4.
_EPOCH = 1e9


def ask_workers(
    login: RedisLogin, seconds: float, exchange: str = "celery", key_prefix: str = ""
) -> Union[List[Worker], Unavailable]:
    """Every worker that answers a ping within ``seconds``, with what it is doing."""
    kombu = require_driver("kombu", "celery", "python3-celery")
    require_driver("kombu.pidbox", "celery", "python3-celery")
    answers: queue.Queue = queue.Queue()

    def work() -> None:
        try:
            answers.put(_ask(kombu, login, seconds, exchange, key_prefix))
        except Exception as error:  # whatever the library makes of the broker's answers
            text = " ".join(str(error).split()) or type(error).__name__
            for secret in filter(None, (login.login_password, quote(login.login_password or "", safe=""))):
                text = text.replace(secret, "***")
            answers.put(
                Unavailable(
                    "Workers cannot be asked through the broker: {0}".format(printable(text, 300)),
                    "The user needs the rights that Celery itself needs: see the documentation of celery_health.",
                )
            )

    threading.Thread(target=work, daemon=True).start()
    try:
        return answers.get(timeout=2 * login.connect_timeout + 6 * seconds + 5)
    except queue.Empty:
        return Unavailable("Workers were not asked to the end in time.", "Look at the load of the broker.")


def _ask(kombu: Any, login: RedisLogin, seconds: float, exchange: str, key_prefix: str) -> List[Worker]:
    with _connection(kombu, login, key_prefix) as connection:
        # The queue for the answers goes away by itself, should this process not come to it.
        mailbox = kombu.pidbox.Mailbox(
            exchange, type="fanout", accept=["application/json"], reply_queue_expires=60.0, queue_expires=10.0
        )(connection)
        pongs = mailbox.multi_call("ping", timeout=seconds) or []
        names = Counter(name for reply in pongs for name in reply)
        found = dict(names.most_common(WORKERS_LIMIT))
        if not found:
            return []

        def ask(command: str) -> Dict[str, Any]:
            replies = mailbox.call(list(found), command, timeout=seconds) or []
            return {name: content for reply in replies for name, content in reply.items()}

        active, reserved, queues, stats = (ask(name) for name in ("active", "reserved", "active_queues", "stats"))
    return [
        Worker(
            name=printable(name, 120),
            active=_tasks(name, active.get(name)),
            reserved=len(_items(reserved.get(name))),
            queues=_queue_names(queues.get(name)),
            started=_started(stats.get(name)),
            answers=times,
        )
        for name, times in sorted(found.items())
    ]


def _connection(kombu: Any, login: RedisLogin, key_prefix: str) -> Any:
    options: Dict[str, Any] = {
        "socket_timeout": login.connect_timeout,
        "socket_connect_timeout": login.connect_timeout,
        "retry_on_timeout": False,
        "max_retries": 1,
    }
    if key_prefix:
        options["global_keyprefix"] = key_prefix
    given: Dict[str, Any] = {
        "userid": login.login_user or None,
        "password": login.login_password or None,
        "transport_options": options,
        "connect_timeout": login.connect_timeout,
    }
    if login.login_unix_socket:
        # Here alone the library wants user and password in the address.
        user, secret = (quote(part or "", safe="") for part in (login.login_user, login.login_password))
        path = quote(login.login_unix_socket)
        address = "redis+socket://{0}:{1}@{2}?virtual_host={3:d}".format(user, secret, path, login.login_db)
        return kombu.Connection(address, transport_options=options, connect_timeout=login.connect_timeout)
    if login.tls:
        given["ssl"] = {
            "ssl_cert_reqs": ssl.CERT_REQUIRED if login.validate_certs else ssl.CERT_NONE,
            "ssl_check_hostname": login.validate_certs,
            "ssl_ca_certs": login.ca_certs,
            "ssl_certfile": login.client_cert_file,
            "ssl_keyfile": login.client_key_file,
        }
    return kombu.Connection(
        hostname=login.login_host, port=login.login_port, virtual_host=str(login.login_db), transport="redis", **given
    )


def _items(content: Any) -> List[Mapping[str, Any]]:
    """The list of a reply; an error of the worker is a mapping instead."""
    return [one for one in content[:TASKS_LIMIT] if isinstance(one, Mapping)] if isinstance(content, list) else []


def _tasks(worker: str, content: Any) -> Tuple[Task, ...]:
    return tuple(
        Task(str(one.get("name")), str(one.get("id")), worker, _epoch(one.get("time_start"))) for one in _items(content)
    )


def _epoch(value: Any) -> Optional[float]:
    return float(value) if is_number(value) and value > _EPOCH else None


def _queue_names(content: Any) -> Optional[Tuple[str, ...]]:
    return tuple(str(one.get("name")) for one in _items(content)) if isinstance(content, list) else None


def _started(content: Any) -> Optional[Dict[str, int]]:
    total = content.get("total") if isinstance(content, Mapping) else None
    if not isinstance(total, Mapping):
        return None
    return {str(name): count for name, count in total.items() if isinstance(count, int) and is_number(count)}


def consumed(workers: Union[Sequence[Worker], Unavailable]) -> List[str]:
    """The queues that workers say they consume."""
    known = [] if isinstance(workers, Unavailable) else workers
    return sorted({name for worker in known for name in worker.queues or ()})
