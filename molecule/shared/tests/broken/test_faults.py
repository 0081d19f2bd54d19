# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault is found, on its host, as bad as it is; and nothing is found that was not broken."""

import pytest

from tests.lab.report import expected_findings, open_findings, report

EXPECTED = expected_findings()


@pytest.mark.parametrize("fault", EXPECTED)
def test_the_fault_is_found(fault):
    assert EXPECTED[fault]
    assert EXPECTED[fault] <= open_findings()


def test_nothing_else_is_found():
    assert open_findings() - set().union(*EXPECTED.values()) == set()


def test_the_stack_is_unhealthy():
    assert report()["playbook"] == "break"
    assert report()["status"] == "unhealthy"
