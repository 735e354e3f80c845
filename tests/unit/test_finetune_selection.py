"""Which examples a model is trained on: shots, balance and mix, over whole samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_cosmos.errors import OptionError
from pytest_cosmos.finetune.examples import Example
from pytest_cosmos.finetune.selection import Balance, select
from pytest_cosmos.records import Sample
from tests.unit.builders import BINARY, SEVERITY, case

NOTHING: dict[str, Any] = {"mix": {}, "balance": "", "shots": None, "seed": 0}


def example_of(name: str, prompts: int = 2, **fields: Any) -> list[Example]:
    return [Example(case(name, prompt, **fields), "Yes") for prompt in (BINARY, SEVERITY)[:prompts]]


def floors(real: int, simulated: int) -> tuple[Example, ...]:
    """Make a third of each source cracked."""
    made = []
    for source, count in (("real", real), ("simulation", simulated)):
        for i in range(count):
            made += example_of(f"{source}{i}", source=source, label="whole" if i % 3 else "cracked")
    return tuple(made)


def times(selected: Sequence[Example]) -> Counter[str]:
    """Count the samples, each once for all that it is asked."""
    return Counter(one.case.sample.id for one in selected if one.case.prompt.name == BINARY.name)


def of(selected: Sequence[Example], field: str) -> Counter[str]:
    return Counter(getattr(one.case.sample, field) for one in selected if one.case.prompt.name == BINARY.name)


SAMPLES = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["real", "simulation"]), st.sampled_from(["", "g", "h"])),
    min_size=1,
    max_size=25,
)


@given(
    drawn=SAMPLES,
    balance=st.sampled_from(["", "label", "category", "source"]),
    shots=st.none() | st.integers(1, 6),
    seed=st.integers(0, 9),
    share=st.none() | st.floats(0.05, 0.95),
)
@settings(max_examples=80, deadline=None)
def test_samples_stay_whole_and_nothing_is_made_up(
    drawn: list[tuple[str, str, str]], balance: Balance, shots: int | None, seed: int, share: float | None
) -> None:
    made = []
    for i, (label, source, group) in enumerate(drawn):
        made += example_of(f"s{i}", 1 + i % 2, label=label, source=source, group=group)
    sources = {one.case.sample.source for one in made}
    mix = {"real": share, "simulation": 1 - share} if share and len(sources) == 2 and shots is None else {}

    def selected() -> tuple[Example, ...]:
        return select(tuple(made), mix=mix, balance=balance, shots=shots, seed=seed)

    asked: dict[str, set[str]] = {}
    for one in made:
        asked.setdefault(one.case.sample.id, set()).add(one.case.prompt.name)
    counted = Counter((one.case.sample.id, one.case.prompt.name) for one in selected())
    seen = times(selected())

    assert all(one in made for one in selected())
    assert all(counted[name, prompt] == seen[name] for name, prompts in asked.items() for prompt in prompts)
    assert selected() == selected()
    if balance and not mix:
        assert len(set(of(selected(), balance).values())) == 1
    if shots and not balance:
        assert of(selected(), "label") == {
            label: min(shots, count) for label, count in of(tuple(made), "label").items()
        }


def test_nothing_asked_for_changes_nothing() -> None:
    assert select(floors(3, 4), **NOTHING) == floors(3, 4)
    assert select((), **{**NOTHING, "balance": "label", "shots": 3}) == ()


@pytest.mark.parametrize("mix", [{"real": 0.5, "simulation": 0.5}, {"real": 0.13, "simulation": 0.87}, {"real": 1}])
def test_shares_hold_within_one_sample(mix: dict[str, float]) -> None:
    selected = select(floors(10, 91), **{**NOTHING, "mix": mix})

    for source, share in mix.items():
        assert abs(of(selected, "source")[source] - share * 101) < 1
    assert sum(times(selected).values()) == 101


def test_shares_are_proportions() -> None:
    quarter = {**NOTHING, "mix": {"real": 0.25, "simulation": 0.75}}
    assert select(floors(9, 21), **{**NOTHING, "mix": {"real": 1, "simulation": 3}}) == select(floors(9, 21), **quarter)


def test_what_is_repeated_is_repeated_evenly() -> None:
    seen = times(select(floors(10, 90), **{**NOTHING, "mix": {"real": 0.55, "simulation": 0.45}}))

    assert {seen[f"real{i}"] for i in range(10)} == {5, 6}
    assert {seen[f"simulation{i}"] for i in range(90)} == {0, 1}


def test_a_source_is_never_mixed_away() -> None:
    selected = select(floors(3, 3), **{**NOTHING, "mix": {"real": 0.001, "simulation": 0.999}})
    assert of(selected, "source")["real"] == 1


def test_balance_repeats_the_rare() -> None:
    assert of(select(floors(12, 0), **{**NOTHING, "balance": "label"}), "label") == {"cracked": 8, "whole": 8}
    assert set(times(select(floors(12, 0), **{**NOTHING, "balance": "label"})).values()) == {1, 2}


def test_a_few_shots_of_each_label() -> None:
    selected = select(floors(9, 9), **{**NOTHING, "shots": 2})
    other = select(floors(9, 9), **{**NOTHING, "shots": 2, "seed": 1})

    assert of(selected, "label") == {"cracked": 2, "whole": 2}
    assert selected != other


def test_shots_take_whole_groups_first() -> None:
    made = []
    for group, size in (("large", 5), ("two", 2), ("one", 1)):
        for i in range(size):
            made += example_of(f"{group}{i}", group=group)

    for seed in range(8):
        taken = of(select(tuple(made), **{**NOTHING, "shots": 3, "seed": seed}), "group")
        assert taken == {"two": 2, "one": 1}
    assert of(select(tuple(made), **{**NOTHING, "shots": 4}), "group")["large"] == 1  # no groups make four


def test_shots_then_balance_then_mix() -> None:
    selected = select(floors(12, 30), mix={"real": 0.5, "simulation": 0.5}, balance="label", shots=6, seed=3)
    assert of(selected, "source") == {"real": 6, "simulation": 6}


def test_mistakes_are_told_at_once() -> None:
    with pytest.raises(OptionError) as error:
        select(floors(2, 2), **{**NOTHING, "mix": {"reel": 0.5, "simulation": -1.0, "real": float("nan")}})

    assert str(error.value).splitlines() == [
        "mix: no training sample has the source 'reel'. Sources: real, simulation. Did you mean 'real'?",
        "mix: the share of 'simulation' is -1.0. Allowed: numbers above 0.",
        "mix: the share of 'real' is nan. Allowed: numbers above 0.",
    ]


def test_samples_without_a_source_cannot_be_mixed() -> None:
    with pytest.raises(OptionError, match="Sources: none; fill in the column `source`"):
        select(tuple(example_of("a", source="")), **{**NOTHING, "mix": {"real": 1.0}})


def test_repeats_come_right_after_another_in_the_given_order() -> None:
    made = [*example_of("b", label="x"), *example_of("a", label="y"), *example_of("c", label="y")]
    selected = select(tuple(made), **{**NOTHING, "balance": "label"})

    assert [one.case.id for one in selected[:4]] == ["b-binary_safety", "b-severity"] * 2
    assert all(isinstance(one.case.sample, Sample) for one in selected)


def test_shots_are_drawn_from_the_sources_that_are_mixed() -> None:
    assert of(select(floors(30, 300), mix={"real": 1}, balance="", shots=3, seed=0), "source") == {"real": 6}


def test_shots_too_few_for_the_mix_are_a_mistake() -> None:
    with pytest.raises(OptionError, match="shots: 1 samples of each label hold none of the source 'real'"):
        select(floors(3, 300), mix={"real": 0.5, "simulation": 0.5}, balance="", shots=1, seed=0)
