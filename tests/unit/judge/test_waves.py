# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError
from ansible_collections.analytics.ops.plugins.module_utils._judge.waves import all_needs as everything_needed
from ansible_collections.analytics.ops.plugins.module_utils._judge.waves import (
    cycle_text,
    cycles,
    needs_within,
    service_waves,
)
from hypothesis import given
from hypothesis import strategies as st

NAMES = [f"s{number}" for number in range(12)]


@st.composite
def orders(draw: st.DrawFn) -> dict[str, list[str]]:
    """Graphs without a circle: each service needs only such as were drawn before it."""
    names = draw(st.permutations(NAMES))[: draw(st.integers(0, len(NAMES)))]
    return {name: draw(st.lists(st.sampled_from(names[:place]))) if place else [] for place, name in enumerate(names)}


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    names = NAMES[: draw(st.integers(1, len(NAMES)))]
    return {name: draw(st.lists(st.sampled_from(names), max_size=4)) for name in names}


def all_needs(after: dict[str, list[str]], name: str) -> set[str]:
    """Everything that ``name`` needs, by the slowest and plainest way."""
    needs: set[str] = set()
    while True:
        more = {need for one in {name, *needs} for need in after[one]}
        if more <= needs:
            return needs
        needs |= more


def longest_chain(after: dict[str, list[str]]) -> int:
    depth: dict[str, int] = {}

    def down(name: str) -> int:
        if name not in depth:
            depth[name] = 1 + max((down(need) for need in after[name]), default=0)
        return depth[name]

    return max(map(down, after), default=0)


@given(orders())
def test_every_service_stands_in_one_wave_after_all_it_needs_and_no_wave_is_wasted(after: dict[str, list[str]]) -> None:
    waves = service_waves(after)
    place = {name: number for number, wave in enumerate(waves) for name in wave}
    assert sorted(name for wave in waves for name in wave) == sorted(after)
    assert all(place[need] < place[name] for name in after for need in after[name])
    assert len(waves) == longest_chain(after)
    assert all(wave == sorted(wave) and wave for wave in waves)


@given(orders(), st.randoms(use_true_random=False))
def test_waves_do_not_depend_on_the_order_of_writing(after: dict[str, list[str]], random) -> None:
    names = list(after)
    random.shuffle(names)
    assert service_waves({name: after[name][::-1] for name in names}) == service_waves(after)


@given(orders())
def test_going_down_is_going_up_backwards(after: dict[str, list[str]]) -> None:
    assert service_waves(after, "down") == service_waves(after, "up")[::-1]


@given(orders(), st.data())
def test_a_selection_keeps_the_order_that_the_whole_stack_demands(after: dict[str, list[str]], data) -> None:
    chosen = data.draw(st.lists(st.sampled_from(sorted(after)), unique=True)) if after else []
    waves = service_waves(after, only=chosen)
    place = {name: number for number, wave in enumerate(waves) for name in wave}
    assert sorted(place) == sorted(chosen) == sorted(name for wave in waves for name in wave)
    needs = {name: all_needs(after, name) & set(chosen) for name in chosen}
    assert all(place[need] < place[name] for name in chosen for need in needs[name])
    assert len(waves) == longest_chain({name: sorted(needs[name]) for name in chosen})


@given(graphs())
def test_every_circle_is_found_and_is_one(after: dict[str, list[str]]) -> None:
    found = cycles(after)
    for circle in found:
        assert all(need in after[name] for name, need in zip(circle, circle[1:] + circle[:1], strict=True))
        assert circle[0] == min(circle)
        assert len(set(circle)) == len(circle)
    left = {name for name in after if not any(name in circle for circle in found)}
    assert not any(name in all_needs({n: [m for m in after[n] if m in left] for n in left}, name) for name in left)
    assert bool(found) == any(name in all_needs(after, name) for name in after)
    assert found == cycles({name: after[name][::-1] for name in reversed(after)})


@given(graphs())
def test_a_stack_with_a_circle_has_no_waves(after: dict[str, list[str]]) -> None:
    if not any(name in all_needs(after, name) for name in after):
        assert service_waves(after)
        return
    with pytest.raises(InputError) as error:
        service_waves(after)
    assert cycle_text(cycles(after)[0]) in error.value.message


def test_the_example_of_the_documentation() -> None:
    after = {"postgres": [], "redis": [], "api": ["postgres", "redis"], "nginx": ["api"]}
    assert service_waves(after) == [["postgres", "redis"], ["api"], ["nginx"]]
    assert service_waves(after, "down", only=["postgres", "nginx"]) == [["nginx"], ["postgres"]]
    assert service_waves({}) == []


def test_a_long_chain_is_no_matter_of_the_stack_of_calls() -> None:
    after = {f"s{n}": [f"s{n - 1}"] if n else [] for n in range(5000)}
    assert service_waves(after) == [[f"s{n}"] for n in range(5000)]
    after["s0"] = ["s4999"]
    assert len(cycles(after)[0]) == 5000


def test_unknown_names_are_named() -> None:
    with pytest.raises(InputError, match=r"no service called 'postgrs'\.") as error:
        service_waves({"postgres": []}, only=["postgrs"])
    assert error.value.advice == "Did you mean 'postgres'?"
    with pytest.raises(InputError, match="no direction called 'sideways'"):
        service_waves({}, "sideways")


@given(orders(), st.data())
def test_neighbours_on_one_host_share_a_wave_and_nobody_else_does(after: dict[str, list[str]], data) -> None:
    places = st.sampled_from([["h1"], ["h2"], ["h1", "h2"], []])
    hosts = {name: data.draw(places) for name in after}
    waves = service_waves(after, hosts=hosts)
    place = {name: number for number, wave in enumerate(waves) for name in wave}
    assert sorted(name for wave in waves for name in wave) == sorted(after)
    for name in after:
        for need in after[name]:
            together = hosts[name] == hosts[need] and len(hosts[name]) == 1
            assert place[need] <= place[name] if together else place[need] < place[name]
    assert service_waves(after, "down", hosts=hosts) == waves[::-1]
    assert len(waves) <= longest_chain(after)


def test_one_machine_is_one_wave() -> None:
    after = {"postgres": [], "redis": [], "api": ["postgres", "redis"], "nginx": ["api"]}
    assert service_waves(after, hosts={name: ["h1"] for name in after}) == [["api", "nginx", "postgres", "redis"]]
    apart = {"postgres": ["db1"], "redis": ["app1"], "api": ["app1"], "nginx": ["web1"]}
    assert service_waves(after, hosts=apart) == [["postgres", "redis"], ["api"], ["nginx"]]
    assert service_waves(after, hosts={}) == [["postgres", "redis"], ["api"], ["nginx"]]
    backwards = {"b": ["a"], "a": []}
    assert service_waves(backwards, hosts={"a": ["h1"], "b": ["h1", "h2"]}) == [["a"], ["b"]]


@given(orders(), st.data())
def test_needs_of_a_part_go_through_what_is_not_of_it(after: dict[str, list[str]], data) -> None:
    chosen = set(data.draw(st.lists(st.sampled_from(sorted(after)), unique=True))) if after else set()
    within = needs_within(after, chosen)
    assert set(within) == chosen
    for name in chosen:
        assert within[name] <= chosen & all_needs(after, name)
        assert all_needs({one: sorted(within[one]) for one in chosen}, name) == all_needs(after, name) & chosen


@given(orders())
def test_all_needs_are_what_the_slow_way_finds(after: dict[str, list[str]]) -> None:
    for name in after:
        assert everything_needed(after, name) == all_needs(after, name)
    assert everything_needed(after, "nobody") == set()
