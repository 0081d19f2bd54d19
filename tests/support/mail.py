# SPDX-License-Identifier: GPL-3.0-or-later
"""A real mail server on a free port, which keeps what it is given or refuses it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from demo.embedded.process import free_port


@dataclass
class MailServer:
    """``answers`` says what recipients are answered, the first one first; when they are used up, all are welcome."""

    port: int
    answers: list[str] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    over_tls: list[bool] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    password: str = ""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        self.recipients.append(envelope.rcpt_tos)
        self.over_tls.append(session.ssl is not None)
        return "250 kept"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        login = given if isinstance(given, LoginPassword) else LoginPassword(b"", b"")
        self.logins.append((login.login.decode(), login.password.decode()))
        return AuthResult(success=login.password.decode() == self.password, handled=False)


@contextmanager
def mail_server(tls: ssl.SSLContext | None = None, password: str = "", clear: bool = False) -> Iterator[MailServer]:
    """Offers STARTTLS with ``tls``. With ``password`` it wants a login, without TLS only if ``clear``."""
    kept = MailServer(free_port(), password=password)
    controller = Controller(
        kept,
        hostname="127.0.0.1",
        port=kept.port,
        tls_context=tls,
        authenticator=kept.authenticate,
        auth_required=bool(password),
        auth_require_tls=not clear,
    )
    controller.start()
    try:
        yield kept
    finally:
        controller.stop()
