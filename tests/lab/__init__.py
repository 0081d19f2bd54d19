# SPDX-License-Identifier: GPL-3.0-or-later
"""The container lab: what Molecule needs before it can begin – an engine, an image, collections, Compose."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = REPOSITORY / ".cache" / "lab"


class LabError(Exception):
    """The lab cannot run; the message says why and what to do."""
