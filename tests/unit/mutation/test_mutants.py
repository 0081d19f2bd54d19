# SPDX-License-Identifier: GPL-3.0-or-later
"""Which mutants a run takes, and what is left out."""

from __future__ import annotations

import pytest

from tests.mutation.mutants import Mutant, sample_of, unobservable

MUTANTS = [Mutant("text.py", line, 0, "NumberReplacer", 0) for line in range(100)]


def test_a_sample_is_repeatable_and_keeps_the_order():
    sample = sample_of(MUTANTS, 10, seed=1)
    assert sample == sample_of(MUTANTS, 10, seed=1)
    assert sample != sample_of(MUTANTS, 10, seed=2)
    assert len(set(sample)) == 10
    assert sample == sorted(sample, key=lambda mutant: mutant.line)


@pytest.mark.parametrize("size", [100, 101, None])
def test_a_sample_of_all_is_all(size):
    assert sample_of(MUTANTS, size, seed=1) == MUTANTS


def test_only_a_frozen_class_is_left_out():
    source = "@dataclass(\n    frozen=True, order=True)\nclass A:\n    a: int = f(frozen=True)\n@plain\nclass B: pass\n"
    assert unobservable(source) == {(2, 11)}
