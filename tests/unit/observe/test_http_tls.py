# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom ``http_health`` trusts on systems of all kinds."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import requests
from ansible_collections.analytics.ops.plugins.module_utils._observe.http_tls import _spare_authorities


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A system with an empty folder for authorities, as of a slim container."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    return tmp_path


def test_without_authorities_of_the_system_those_of_the_library_count() -> None:
    brought = _spare_authorities()
    assert brought == requests.certs.where()
    context = ssl.create_default_context(cafile=brought)
    assert context.cert_store_stats()["x509_ca"] > 0


def test_those_of_the_system_come_first(bare: Path) -> None:
    (bare / "0a1b2c3d.0").write_text("")
    assert _spare_authorities() is None


def test_a_file_alone_is_enough(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", requests.certs.where())
    assert _spare_authorities() is None


def test_without_any_nobody_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with Debian's package of the library where that of the authorities is missing."""
    monkeypatch.setattr(requests.certs, "where", lambda: "/no/such.pem")
    assert _spare_authorities() is None
