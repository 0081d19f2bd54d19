# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of a throw-away authority, good ones and bad ones, and TLS for servers that show them."""

from __future__ import annotations

import ssl
import warnings
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Shown:
    """The files of one certificate; ``path`` holds the chain that a server shows."""

    path: Path
    key: Path

    def context(self, **versions: ssl.TLSVersion) -> ssl.SSLContext:
        """For a server; ``minimum`` and ``maximum`` limit what it speaks, which may be what nobody should."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path, self.key)
        if versions:
            context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version, context.maximum_version = versions["minimum"], versions["maximum"]
        return context


class Authority:
    """``path`` is the file to trust."""

    def __init__(self, directory: Path, name: str = "Test Authority") -> None:
        self.directory = directory
        self._root = trustme.CA(organization_name=name)
        self._between = self._root.create_child_ca()
        self.path = directory / f"{name}.pem"
        self._root.cert_pem.write_to_path(str(self.path))
        self._made = 0

    def certificate(
        self, *hosts: str, days: float = 60, begins: float = -90, between: bool = False, whole: bool = True
    ) -> Shown:
        """Expires in ``days``, valid since ``begins``. ``between``: signed by an authority that the root has signed,
        whose certificate is shown too if it is ``whole``."""
        now = datetime.now(timezone.utc)
        made = (self._between if between else self._root).issue_cert(
            *(hosts or ("127.0.0.1",)),
            not_before=now + timedelta(days=begins),
            not_after=now + timedelta(days=days),
        )
        chain = [one.bytes() for one in made.cert_chain_pems]
        return self._written(b"".join(chain if whole else chain[:1]), made.private_key_pem.bytes())

    def self_signed(self) -> Shown:
        self._made += 1
        return signed(self.directory / f"self{self._made}", "127.0.0.1", days=60)[0]

    def demand(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """Clients of this server have to show a certificate of this authority."""
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self.path)
        return context

    def _written(self, chain: bytes, key: bytes) -> Shown:
        self._made += 1
        shown = Shown(self.directory / f"{self._made}.pem", self.directory / f"{self._made}.key")
        shown.path.write_bytes(chain)
        shown.key.write_bytes(key)
        return shown


def signed(
    path: Path, name: str, days: float, by: tuple[Shown, str] | None = None, extension: x509.ExtensionType | None = None
) -> tuple[Shown, str]:
    """A certificate for ``name`` that signs itself, or is signed ``by`` another; with its name, to sign further."""
    key = ec.generate_private_key(ec.SECP256R1())
    own, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), datetime.now(timezone.utc)
    issuer, issuer_key = own, key
    if by:
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, by[1])])
        issuer_key = serialization.load_pem_private_key(by[0].key.read_bytes(), None)
    builder = x509.CertificateBuilder(issuer, own, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=days))
    if extension:
        builder = builder.add_extension(extension, critical=False)
    pem = serialization.Encoding.PEM
    shown = Shown(path.with_suffix(".pem"), path.with_suffix(".key"))
    shown.path.write_bytes(builder.sign(issuer_key, hashes.SHA256()).public_bytes(pem))
    shown.key.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    )
    return shown, name


def short_lived_root(directory: Path, days: float) -> tuple[Path, Shown]:
    """An authority that expires before the certificate that it signed for 127.0.0.1."""
    root = signed(directory / "root", "Short Root", days, extension=x509.BasicConstraints(ca=True, path_length=None))
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    return root[0].path, signed(directory / "leaf", "leaf", 60, by=root, extension=names)[0]
