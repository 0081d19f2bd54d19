# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service said is shown in one harmless line, without what looks like a secret."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.service_words import masked

SECRETS = [
    "password=geheim",
    "DB_PASSWORD: geheim",
    "password = 'ge heim'",
    '{"password": "ge heim", "user": "app"}',
    "redis_passwd=>geheim",
    "token=geheim;user=app",
    "api-key: geheim",
    "X_API_KEY=geheim",
    "aws_secret_access_key = geheim",
    "Authorization: Bearer geheim",
    "authorization=Basic geheim",
    "sent bearer geheimgeheim",
    "cannot reach postgresql://app:geheim@db1/analytics",
    "redis://:geheim@cache1:6379/0 refused",
    "amqp://app:ge/heim@mq",
    "key AKIAGEHEIMGEHEIMGEHE",
    "jwt eyJhbGciOiJI.eyJzdWIiOiIx.geheim",
]


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_are_hidden(text):
    shown = masked(text)
    assert "geheim" not in shown.lower()
    assert "heim" not in shown
    assert "********" in shown


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:8000/health answered 500",
        "password authentication failed for user app",
        "ValueError: 3 is not a token",
        "connection to db1:5432 refused",
        "basic functions are up",
    ],
)
def test_the_rest_stays(text):
    assert masked(text) == text


def test_what_stands_beside_a_secret_stays():
    assert masked("host=db1 password=geheim user=app") == "host=db1 password=******** user=app"


def test_long_and_hostile_lines():
    assert masked("\x1b[31mred\n") == "\\x1b[31mred "
    assert len(masked("x y" * 5000)) <= 110
    # A password of which the cut left only the beginning.
    cut = masked(" " * 3990 + "redis://u:geheimgeheimgeheim@h")
    assert "geheim" not in cut
    assert "geheim" not in masked("a" * 50 + "password=" + "geheim" * 2000)
