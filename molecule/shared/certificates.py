# SPDX-License-Identifier: GPL-3.0-or-later
"""``certificates.py FOLDER NAME…``: a throw-away authority, and a certificate for each name in a folder of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import trustme


def issue(folder: Path, names: list[str]) -> None:
    authority = trustme.CA(organization_name="analytics.ops lab")
    for name in names:
        own = folder / name
        own.mkdir(parents=True, exist_ok=True)
        certificate = authority.issue_cert(name, "localhost", "127.0.0.1", common_name=name)
        certificate.private_key_pem.write_to_path(str(own / "key.pem"))
        for number, part in enumerate(certificate.cert_chain_pems):
            part.write_to_path(str(own / "certificate.pem"), append=number > 0)
        authority.cert_pem.write_to_path(str(own / "authority.pem"))
    # Last: it tells that all the others are there.
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))


if __name__ == "__main__":
    issue(Path(sys.argv[1]), sys.argv[2:])
