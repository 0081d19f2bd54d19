# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings are not shown, and which of them really hold a secret that others must not read."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.secrets import (
    holds_secret,
    is_secret,
    looks_drawn,
    mask,
    mask_bytes,
    names_secret,
)

DRAWN = "9f8a7b6c5d4e3f2a1b0c9d8e"

SECRET_NAMES = [
    "DB_PASSWORD",
    "dbPassword",
    "POSTGRES_PASSWD",
    "REDIS_PASS",
    "DB_PASS2",
    "requirepass",
    "masterauth",
    "smtppass",
    "SECRET_KEY",
    "secrets.database.value",
    "ENCRYPTION_KEY",
    "accountKey",
    "AccountKey",
    "api-key",
    "API_KEY_ID",
    "AWS_ACCESS_KEY_ID",
    "SENTRY_DSN",
    "SLACK_WEBHOOK_URL",
    "access_token",
    "session_id",
    "salt",
    "auth",
    "Authorization",
]
OPEN_NAMES = [
    "LOG_LEVEL",
    "http.server.location /api.proxy_pass",
    "fastcgi_pass",
    "keyboard",
    "monkey_count",
    "authors",
    "passive",
    "max_connections",
    "bypass_cache",
    "",
]


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_names_of_secrets(name: str) -> None:
    assert names_secret(name)
    assert is_secret(name, "x")


@pytest.mark.parametrize("name", OPEN_NAMES)
def test_names_of_other_things(name: str) -> None:
    assert not names_secret(name)
    assert not is_secret(name, "x")


@pytest.mark.parametrize(
    "value",
    [
        DRAWN,
        "SG." + DRAWN,
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "aB3dE5gH7jK9_mN1pQ3sT5vW7yZ9",
        "Zm9vYmFy+2Fz/GZhc2Rm1YXNkZmFz9A==",
    ],
)
def test_what_only_a_machine_writes(value: str) -> None:
    assert looks_drawn(value)
    assert is_secret("SENDGRID", value)


@pytest.mark.parametrize(
    "value",
    [
        "analytics-worker-eu-west-production",
        "12345678901234567890123",
        "a" * 30,
        "/usr/lib/postgresql/16/bin/pg_ctl",
        "",
    ],
)
def test_what_people_write(value: str) -> None:
    assert not looks_drawn(value)
    assert not is_secret("NAME", value)


@pytest.mark.parametrize(
    "value",
    [
        "postgresql://app:geheim@db1/analytics",
        "host=db1 password=geheim",
        "-----BEGIN RSA PRIVATE KEY-----\nx",
        "X-Api-Key geheim",
        "{user: app, pass: geheim}",
        "default on >geheim ~*",
    ],
)
def test_values_that_hold_a_secret_among_others(value: str) -> None:
    assert is_secret("SETTING", value)


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("my-long.password_2 = x y", "my-long.password_2 = ******** y"),
        ("no.such: a", "no.such: a"),
        ("id " + JWT + " end", "id ******** end"),
        ("id-" + JWT, "id-********"),
        ("eyJ" + "a" * 3000 + ".eyJzdWIiOiIx", "********"),
        ("xeyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx", "xeyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx"),
    ],
    ids=lambda text: text[:30],
)
def test_mask(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert mask_bytes(text.encode()) == masked.encode()


@pytest.mark.parametrize("piece", ["-eyJ", "password", "token.", "://:", "bearer ", "eyJ."])
def test_a_text_that_is_written_to_keep_a_reader_busy(piece: str) -> None:
    """What would grow with the square of the length would not end within hours."""
    text = piece * (1_000_000 // len(piece))
    assert mask(text) == text
    assert mask_bytes(text.encode()) == text.encode()


def test_what_is_too_long_to_be_looked_at_is_hidden() -> None:
    assert not is_secret("NAME", "a " * 2000)
    assert is_secret("NAME", "a " * 2000 + "a")


def test_where_a_secret_lies_is_no_secret() -> None:
    assert not is_secret("POSTGRES_PASSWORD_FILE", "/run/secrets/db")
    assert not is_secret("ssl_certificate_key", "/etc/ssl/private/app.pem;")
    assert is_secret("POSTGRES_PASSWORD", "/run/secrets/db")
    assert is_secret("POSTGRES_PASSWORD_FILE", "relative")
    assert is_secret("KEY", "/a/" + DRAWN)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASSWORD", "geheim"),
        ("REDIS_PASS", "geheim"),
        ("API_TOKEN", "geheim"),
        ("CLIENT_SECRET", "geheim"),
        ("requirepass", "geheim"),
        ("masterauth", "geheim"),
        ("SIGNING_KEY", DRAWN),
        ("DATABASE_URL", "postgresql://app:geheim@db1/analytics"),
        ("TLS", "-----BEGIN PRIVATE KEY-----"),
    ],
)
def test_what_really_holds_a_secret(name: str, value: str) -> None:
    assert holds_secret(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASSWORD", ""),
        ("DB_PASSWORD", "abc"),
        ("DB_PASSWORD", "false"),
        ("DB_PASSWORD", "$SECRET"),
        ("DB_PASSWORD", "/run/secrets/db"),
        ("PASSWORD_MIN_LENGTH", "8 characters"),
        ("password_encryption", "scram-sha-256"),
        ("PasswordAuthentication", "without-password"),
        ("token_timeout", "3600s"),
        ("passwd", "files systemd"),
        ("refresh_token", "3600s"),
        ("sort_key", "created_at"),
        ("proxy_pass", "backend-servers"),
        ("DATABASE_URL", "postgresql://app:${DB_PASSWORD}@db1/analytics"),
        ("DATABASE_URL", "postgresql://app@db1/analytics"),
    ],
)
def test_what_does_not(name: str, value: str) -> None:
    assert not holds_secret(name, value)
