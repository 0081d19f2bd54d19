# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Argument specs that several modules share, each paired with the doc fragment of the same name.

A guard test compares the two, so an option is added in both places or not at all.
"""

from __future__ import annotations

import math
from typing import Any, Dict, Tuple

from ._errors import InputError

Spec = Dict[str, Dict[str, Any]]

_YEAR_SECONDS = 366 * 86400.0


def postgres_spec() -> Spec:
    """The connection options of ``community.postgresql``; doc fragment ``analytics.ops.postgres``."""
    return {
        "login_host": {"type": "str", "default": "", "aliases": ["host"]},
        "login_port": {"type": "int", "default": 5432, "aliases": ["port"]},
        "login_user": {"type": "str", "default": "postgres", "aliases": ["login"]},
        "login_password": {"type": "str", "default": "", "no_log": True},
        "login_db": {"type": "str", "default": "postgres", "aliases": ["db", "database"]},
        "login_unix_socket": {"type": "str", "default": "", "aliases": ["unix_socket"]},
        "ssl_mode": {
            "type": "str",
            "default": "prefer",
            "choices": ["allow", "disable", "prefer", "require", "verify-ca", "verify-full"],
        },
        "ca_cert": {"type": "path", "aliases": ["ssl_rootcert"]},
        "ssl_cert": {"type": "path"},
        "ssl_key": {"type": "path"},
        "connect_timeout": {"type": "float", "default": 5.0},
    }


def redis_spec() -> Spec:
    """The connection options of ``community.general.redis``; doc fragment ``analytics.ops.redis``."""
    return {
        "login_host": {"type": "str", "default": "localhost"},
        "login_port": {"type": "int", "default": 6379},
        "login_user": {"type": "str"},
        "login_password": {"type": "str", "no_log": True},
        "login_db": {"type": "int", "default": 0},
        "login_unix_socket": {"type": "path"},
        "tls": {"type": "bool", "default": False},
        "validate_certs": {"type": "bool", "default": True},
        "ca_certs": {"type": "path"},
        "client_cert_file": {"type": "path"},
        "client_key_file": {"type": "path"},
        "connect_timeout": {"type": "float", "default": 5.0},
    }


def checking_spec() -> Spec:
    """What every checking module understands; doc fragment ``analytics.ops.checking``."""
    return {
        "checks": {"type": "list", "elements": "str", "default": []},
        "exclude_checks": {"type": "list", "elements": "str", "default": []},
        "thresholds": {"type": "dict", "default": {}},
        "open_findings": {"type": "list", "elements": "dict", "default": []},
        "include_ok": {"type": "bool", "default": False},
    }


def selected(params: Dict[str, Any]) -> Tuple[Any, ...]:
    """What ``Register.select`` wants of them, in its order."""
    return params["checks"], params["exclude_checks"], params["thresholds"], params["open_findings"]


def positive_seconds(what: str, value: float, most: float = _YEAR_SECONDS) -> float:
    """The value, or an ``InputError`` that calls it ``what``."""
    if not (math.isfinite(value) and 0 < value <= most):
        raise InputError(
            "{0} is {1:g}.".format(what, value), "Give seconds, more than 0 and at most {0:g}.".format(most)
        )
    return value
