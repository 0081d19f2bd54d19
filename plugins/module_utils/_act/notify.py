# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends one message to all channels at once. A channel has its time, tries included; then nobody waits for it."""

from __future__ import annotations

import queue
import smtplib
import ssl
import threading
import time
from email.message import EmailMessage
from email.utils import formatdate, getaddresses, make_msgid
from typing import Any, Dict, List, Sequence, Tuple

from .._errors import OpsError
from .._judge.notify import (
    ALWAYS,
    EMAIL,
    NEVER,
    PAGERDUTY,
    STARTTLS,
    TRY,
    Answer,
    Channel,
    Delivery,
    Message,
    body_of,
    judge_answer,
    mail_of,
)
from .._run import require_driver

_PAUSE_SECONDS = 0.25  # before the second try; twice as long before each further one
_READ = 500  # bytes of an answer


def send(channels: Sequence[Channel], message: Message, timeout: float, retries: int) -> List[Delivery]:
    """In the order of ``channels``. Nothing is raised: what goes wrong with one is its delivery."""
    deadline = time.monotonic() + timeout
    ended: queue.Queue = queue.Queue()

    def work(place: int, channel: Channel) -> None:
        try:
            delivery = _deliver(channel, message, deadline, retries)
        except Exception as error:  # a bug must not cost the others their message
            delivery = Delivery(channel.name, "unexpected {0}.".format(type(error).__name__))
        ended.put((place, delivery))

    # Threads that nobody waits for: one may hang in a name server, which knows no deadline.
    for place, channel in enumerate(channels):
        threading.Thread(target=work, args=(place, channel), daemon=True).start()
    late = "no answer within {0:g} seconds; perhaps it was told all the same.".format(timeout)
    deliveries = [Delivery(channel.name, late) for channel in channels]
    for _channel in channels:
        try:
            place, delivery = ended.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        deliveries[place] = delivery
    return deliveries


def _deliver(channel: Channel, message: Message, deadline: float, retries: int) -> Delivery:
    number, pause = 1, _PAUSE_SECONDS
    while True:
        try:
            answer = (_mail if channel.kind == EMAIL else _post)(channel, message, deadline)
        except OpsError as error:
            return Delivery(channel.name, error.text, number)
        wait = max(pause, answer.wait)
        if not answer.again or number > retries or time.monotonic() + wait >= deadline:
            later = " It asks for {0:g} seconds of patience.".format(answer.wait) if answer.wait else ""
            return Delivery(channel.name, "{0}.{1}".format(answer.reason, later) if answer.reason else "", number)
        time.sleep(wait)
        number, pause = number + 1, pause * 2


def _left(deadline: float) -> float:
    return max(0.05, deadline - time.monotonic())


def _post(channel: Channel, message: Message, deadline: float) -> Answer:
    requests = require_driver("requests", "requests", "python3-requests")
    headers = {"User-Agent": "analytics.ops"}
    if channel.token and channel.kind != PAGERDUTY:
        headers["Authorization"] = "Bearer {0}".format(channel.token)
    try:
        with requests.post(
            channel.url,
            json=body_of(channel, message),
            headers=headers,
            auth=_nobody,
            timeout=_left(deadline),
            verify=channel.ca_certs or True,
            allow_redirects=False,  # a webhook that moved is another one, and may be somebody else's
            stream=True,
        ) as response:
            said = ""
            if response.status_code >= 300:
                said = channel.hushed(response.raw.read(_READ, decode_content=True).decode("utf-8", "replace").strip())
            return judge_answer(response.status_code, response.headers.get("Retry-After"), said)
    except requests.exceptions.SSLError as error:
        return Answer("no secure connection: {0}".format(channel.hushed(_cause(error))))
    except requests.exceptions.Timeout:
        return Answer("it did not answer in time", again=True)
    except requests.exceptions.ConnectionError as error:
        return Answer("no connection: {0}".format(channel.hushed(_cause(error))), again=True)
    except (requests.exceptions.RequestException, OSError, ValueError) as error:
        return Answer("it cannot be asked: {0}".format(channel.hushed(_cause(error))))


def _nobody(request: Any) -> Any:
    """Keeps the library from logging in with what stands in ``~/.netrc``."""
    return request


def _cause(error: BaseException) -> str:
    """The innermost one says it in few words; the outer ones repeat the whole address, which is a secret."""
    inner = error.__cause__ or error.__context__
    if inner:
        return _cause(inner)
    text = getattr(error, "strerror", None) or getattr(error, "verify_message", None)
    return str(text or type(error).__name__)


def _mail(channel: Channel, message: Message, deadline: float) -> Answer:
    headers, body = mail_of(channel, message)
    mail = EmailMessage()
    for name, value in dict(headers, Date=formatdate(), **{"Message-ID": make_msgid(domain="analytics-ops")}).items():
        mail[name] = value
    mail.set_content(body)
    try:
        with _connection(channel, deadline) as server:
            _secured(channel, server)
            if channel.username:
                server.login(channel.username, channel.password)
            sender = getaddresses([channel.sender])[0][1]
            refused = server.send_message(mail, sender, [address for _name, address in getaddresses(channel.to)])
    except smtplib.SMTPRecipientsRefused as error:
        return _refused(channel, error.recipients)
    except smtplib.SMTPResponseException as error:
        said = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        text = "SMTP {0}: {1}".format(error.smtp_code, channel.hushed(said))
        return Answer(text, again=400 <= error.smtp_code < 500)
    except ssl.SSLError as error:
        return Answer("no secure connection: {0}".format(channel.hushed(_cause(error))))
    except (smtplib.SMTPException, OSError) as error:
        # Also what smtplib says of a server without AUTH, which is its own words.
        own = isinstance(error, smtplib.SMTPException) and error.args
        text = channel.hushed(error.args[0] if own else _cause(error)).rstrip(".")
        return Answer("no connection: {0}".format(text), again=not isinstance(error, smtplib.SMTPNotSupportedError))
    return _refused(channel, refused) if refused else Answer()


def _refused(channel: Channel, recipients: Dict[str, Tuple[int, bytes]]) -> Answer:
    """Once some have it, it is not sent to them again because of others."""
    code, said = next(iter(recipients.values()))
    text = "{0} of {1} addresses were refused: {2}".format(
        len(recipients), len(channel.to), channel.hushed(said.decode("utf-8", "replace"))
    )
    return Answer(text, again=len(recipients) == len(channel.to) and 400 <= code < 500)


def _connection(channel: Channel, deadline: float) -> Any:
    if channel.secure != ALWAYS:
        return smtplib.SMTP(channel.host, channel.port, timeout=_left(deadline))
    return smtplib.SMTP_SSL(channel.host, channel.port, timeout=_left(deadline), context=_context(channel))


def _secured(channel: Channel, server: Any) -> None:
    if channel.secure not in (TRY, STARTTLS):
        return
    server.ehlo_or_helo_if_needed()
    if channel.secure == STARTTLS or server.has_extn("starttls"):
        server.starttls(context=_context(channel))
    elif channel.username:
        raise OpsError(
            "the mail server offers no encryption, and so the password was not sent.",
            "Set 'secure' to '{0}' where that is wanted.".format(NEVER),
        )


def _context(channel: Channel) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=channel.ca_certs or None)
    if channel.secure == TRY and not channel.username:
        # Without TLS it would go out in the clear: any TLS is better, and no password is at stake.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
