# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates of the servers that were asked, and the version of TLS they agreed to.

What OpenSSL objects to is named as what it is. That a certificate has expired is the matter of ``certificate_expiry``
alone; everything else that makes it invalid is that of ``tls``.
"""

from __future__ import annotations

import time
from typing import Iterator, List, Optional, Sequence, Tuple

from .checks import Rule
from .finding import CRITICAL, OK, UNKNOWN, Finding
from .http_answer import Answer, Tls
from .http_register import CHECKS
from .text import number_text, printable
from .threshold import Threshold
from .x509 import Certificate, read_certificate

_DAY = 86400.0
# OpenSSL's X509_V_ERR_…
NOT_YET_VALID, EXPIRED, SELF_SIGNED, UNKNOWN_AUTHORITY = 9, 10, 18, 19
NO_ISSUER, OTHER_HOST = (2, 20, 21), (62, 64)
OLD_VERSIONS = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1")


@CHECKS.check(
    "certificate_expiry",
    needs=("answers", "now"),
    procedure="H15",
    question="Are certificates renewed in time?",
    threshold=Threshold(
        "days",
        warning=20,
        critical=3,
        higher_is_worse=False,
        source="alert rules of blackbox_exporter: 20 and 3 days, expired; automatic renewal begins 30 days before",
    ),
)
def certificate_expiry(rule: Rule, answers: Sequence[Answer], now: float) -> Iterator[Finding]:
    for answer in answers:
        for tls in answer.tls:
            try:
                certificate, which = _first_to_expire(tls)
            except ValueError:
                yield rule.say(UNKNOWN, answer.name, "The certificate of {0} cannot be read.".format(tls.name))
                continue
            if certificate is None:
                continue
            days = (certificate.not_after - now) / _DAY
            advice = "Renew it; if that should happen by itself, look at the log of what does it (certbot, acme.sh)."
            if days <= 0:
                message = "{0} expired {1} days ago, on {2}."
                severity = CRITICAL
            else:
                message = "{0} is valid for {1} more days, until {2}."
                severity = rule.for_subject(answer.name).threshold.severity(days)
            text = message.format(which, number_text(abs(days)), _date(certificate.not_after))
            yield rule.say(severity, answer.name, text, advice, days)


@CHECKS.check(
    "tls",
    needs=("answers",),
    procedure="H15",
    question="Are certificates made out to their host, by an authority that is known, and is TLS 1.2 or newer spoken?",
)
def tls_valid(rule: Rule, answers: Sequence[Answer]) -> Iterator[Finding]:
    for answer in answers:
        for tls in answer.tls:
            if tls.version in OLD_VERSIONS:
                yield rule.say(
                    CRITICAL,
                    answer.name,
                    "{0} speaks {1} and nothing newer, which most clients refuse.".format(tls.name, tls.version),
                    "Allow TLS 1.2 and 1.3 in the configuration of the server.",
                )
            elif tls.problem and tls.code != EXPIRED:
                yield rule.say(CRITICAL, answer.name, *_objection(tls))
            elif not tls.problem:
                yield rule.say(OK, answer.name, "{0} speaks {1}.".format(tls.name, tls.version))


def days_left(seen: Sequence[Tls], now: float) -> Optional[float]:
    """Of what expires first, negative if it has; ``None`` where there is no certificate."""
    days = []
    for tls in seen:
        try:
            certificate, _which = _first_to_expire(tls)
        except ValueError:
            continue
        if certificate is not None:
            days.append((certificate.not_after - now) / _DAY)
    return min(days, default=None)


def _first_to_expire(tls: Tls) -> Tuple[Optional[Certificate], str]:
    """Of the chain that was used, or that OpenSSL says holds an expired one; otherwise servers may send what is of no
    use (an expired authority that has a successor), so that only the server's own certificate counts."""
    count = len(tls.chain) if tls.verified or tls.code == EXPIRED else 1
    certificates = [read_certificate(der) for der in tls.chain[:count]]
    if not certificates:
        return None, ""
    first = min(certificates, key=lambda one: one.not_after)
    if first is certificates[0]:
        return first, "The certificate of {0}".format(tls.name)
    return first, "The certificate of '{0}', by which that of {1} is signed,".format(
        printable(first.subject, 80), tls.name
    )


def _objection(tls: Tls) -> Tuple[str, str]:
    """Message and advice."""
    chain = _readable(tls.chain)
    issuer = "'{0}'".format(printable(chain[-1].issuer, 80)) if chain else "somebody"
    ours = "If that is your own authority, name its certificate in 'ca_certs'."
    if tls.code == SELF_SIGNED:
        return (
            "The certificate of {0} is self-signed: nobody vouches for it.".format(tls.name),
            "Get one from an authority, or name this very certificate in 'ca_certs'.",
        )
    if tls.code == UNKNOWN_AUTHORITY:
        return "The certificate of {0} is signed by {1}, which is not known here.".format(tls.name, issuer), ours
    if tls.code in NO_ISSUER:
        sent = "one certificate" if len(chain) == 1 else "{0} certificates".format(len(chain))
        if not tls.whole:
            sent = "one or more certificates"
        return (
            "The chain of {0} is incomplete, or its authority unknown: it sends {1}, {2} signed by {3}, and from there "
            "on there is no way to an authority that is known here.".format(
                tls.name, sent, "the last" if tls.whole else "its own", issuer
            ),
            "Let the server send the certificates between (nginx: the whole 'fullchain.pem'). " + ours,
        )
    if tls.code in OTHER_HOST:
        names = ", ".join(chain[0].names[:10]) if chain else ""
        return (
            "The certificate of {0} is made out to another host: {1}.".format(
                tls.name, printable(names, 200) or "it names none"
            ),
            "Ask by a name that it holds ('server_name' where the URL has an address), or have it made out anew.",
        )
    if tls.code == NOT_YET_VALID:
        when = " before {0}".format(_date(max(one.not_before for one in chain))) if chain else " yet"
        message = "The certificate of {0} is not valid{1}.".format(tls.name, when)
        return message, "Compare the clocks of the server, of this host, and of who made the certificate."
    if not tls.code:
        return "TLS with {0} fails: {1}.".format(tls.name, tls.problem), "Compare the ciphers that both sides know."
    return (
        "The certificate of {0} is not valid: {1}.".format(tls.name, tls.problem),
        "'openssl s_client -showcerts' shows what the server sends.",
    )


def _readable(chain: Sequence[bytes]) -> List[Certificate]:
    found = []
    for der in chain:
        try:
            found.append(read_certificate(der))
        except ValueError:
            continue
    return found


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
