# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS, on the servers that are built with it. Where there is none this file is not collected, and the head says so."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from demo.embedded import process
from tests.support.redis_servers import Redis, tls_programs, unreachable


@pytest.fixture(scope="session", params=tls_programs())
def program(request: pytest.FixtureRequest) -> Path:
    return tls_programs()[request.param]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("tls")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)

    for name in ("ca", "other"):
        subject = ["-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign"]
        openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.crt", *subject
        )
    (directory / "extensions").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl(
        "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost"
    )
    sign = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "extensions"]
    openssl("x509", "-req", "-in", "server.csr", "-out", "server.crt", *sign)
    return directory


@pytest.fixture
def encrypted(start, certificates) -> Redis:
    server = start(
        bind="127.0.0.1 127.0.0.2",
        tls_port=str(process.free_port()),
        tls_cert_file=str(certificates / "server.crt"),
        tls_key_file=str(certificates / "server.key"),
        tls_ca_cert_file=str(certificates / "ca.crt"),
    )
    server.login = {
        "login_port": int(server.server.settings["tls-port"]),
        "login_host": "localhost",
        "tls": True,
        "ca_certs": str(certificates / "ca.crt"),
        "client_cert_file": str(certificates / "server.crt"),
        "client_key_file": str(certificates / "server.key"),
    }
    return server


def test_tls_with_a_client_certificate(encrypted):
    result = encrypted.look(checks=["reachable", "memory"])
    assert result["status"] == "healthy" and result["target"].startswith("rediss://localhost:")


def test_tls_refuses_what_it_should(encrypted, certificates):
    unreachable(encrypted.look(ca_certs=str(certificates / "other.crt")), "ca_certs")
    unreachable(encrypted.look(login_host="127.0.0.2"), "certificate")
    assert encrypted.look(login_host="127.0.0.2", validate_certs=False, checks=["reachable"])["status"] == "healthy"
    unreachable(encrypted.look(client_cert_file=None, client_key_file=None))
    unreachable(encrypted.look(tls=False))
