# SPDX-License-Identifier: GPL-3.0-or-later
"""The browser that both pages are looked at in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.browser import chromium, obstacle


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if obstacle():
        pytest.skip(obstacle())
    with chromium() as browser:
        yield browser
