"""Temperatures: fitted where there is enough to fit on, and used on nothing but their own prompts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pytest_cosmos.errors import Problems, RunFolderError
from pytest_cosmos.measure import fit, scale, temperature_of
from pytest_cosmos.records import Outcome, Run, Temperature
from tests.unit.builders import BINARY, SEVERITY, outcome, run_of


def in_validation(one: Outcome) -> Outcome:
    sample = one.case.sample.model_copy(update={"split": "validation"})
    return one.model_copy(update={"case": one.case.model_copy(update={"sample": sample})})


def drawn(n: int, seed: int, heat: float = 1.5) -> list[Outcome]:
    """Draw answers to a yes/no prompt whose log-odds are `heat` times too high."""
    draw = np.random.default_rng(seed)
    odds = np.abs(draw.normal(2.0, 1.5, n))
    right = draw.random(n) < 1 / (1 + np.exp(-odds))
    sure = 1 / (1 + np.exp(-heat * odds))
    return [
        in_validation(outcome(f"s{i:04}", said="Yes" if right[i] else "No", confidence=float(sure[i])))
        for i in range(n)
    ]


def validation_run(outcomes: list[Outcome], **changes: object) -> Run:
    return run_of(outcomes).model_copy(update={"split": "validation", **changes})


def test_a_known_temperature_is_found_again() -> None:
    outcomes = drawn(4000, seed=5)
    (found,) = fit(validation_run(outcomes), outcomes)
    assert found.temperature == pytest.approx(1.5, rel=0.1)
    assert found.cases == 4000
    assert found.error_after is not None
    assert found.error_before is not None
    assert found.error_after < found.error_before / 2
    assert (found.prompt, found.prompt_digest) == ("binary_safety", BINARY.digest)


def test_with_the_fewest_answers_allowed_a_temperature_is_known_within_a_fifth_or_so() -> None:
    """The figure that `LEAST` rests on."""
    logs = []
    for seed in range(200):
        outcomes = drawn(100, seed)
        sure = np.array([one.reply.confidence for one in outcomes], dtype=float)
        right = np.array([one.judgement.answer == "Yes" for one in outcomes])
        logs.append(math.log(temperature_of(sure, right)))
    assert np.std(logs) < 0.3
    assert np.median(logs) == pytest.approx(math.log(1.5), abs=0.1)


def test_scaled_outcomes_keep_all_but_their_confidence() -> None:
    outcomes = [outcome("a", confidence=0.9), outcome("b", confidence=None), outcome("c", confidence=math.nan)]
    outcomes += [outcome("d", confidence=1.7), outcome("e", confidence=1.0)]
    temperature = Temperature(suite="floor", prompt=BINARY.name, prompt_digest=BINARY.digest, temperature=2.0)
    found = [one.reply.confidence for one in scale(outcomes, [temperature])]
    assert found[0] == pytest.approx(0.75)  # odds of 9 to 1 become 3 to 1
    assert found[1] is None
    assert found[2] is not None
    assert math.isnan(found[2])
    assert found[3] == 1.7, "what is no probability is made none"
    assert found[4] is not None
    assert 0.99 < found[4] < 1
    assert [one.judgement for one in scale(outcomes, [temperature])] == [one.judgement for one in outcomes]
    assert scale(outcomes, []) == tuple(outcomes)


def test_a_probability_that_rounding_took_above_one_is_scaled_as_one() -> None:
    """Figures take 1.0000005, a sum in single precision, for 1."""
    temperature = Temperature(suite="floor", prompt=BINARY.name, prompt_digest=BINARY.digest, temperature=5.0)
    outcomes = [outcome("a", confidence=1.0), outcome("b", confidence=1.0000005)]
    one, above = (found.reply.confidence for found in scale(outcomes, [temperature]))
    assert one == above
    assert one is not None
    assert 0.9 < one < 0.95


@pytest.mark.parametrize(
    "temperature",
    [
        Temperature(suite="floor", prompt=SEVERITY.name, prompt_digest=SEVERITY.digest, temperature=2.0),
        Temperature(suite="floor", prompt=BINARY.name, prompt_digest=SEVERITY.digest, temperature=2.0),
        Temperature(suite="roof", prompt=BINARY.name, prompt_digest=BINARY.digest, temperature=2.0),
    ],
)
def test_temperatures_of_other_prompts_are_refused(temperature: Temperature) -> None:
    with pytest.raises(RunFolderError, match="floor/binary_safety: the temperatures in"):
        scale([outcome("a")], [temperature])


def test_a_prompt_changed_in_some_outcomes_only_is_refused() -> None:
    temperature = Temperature(suite="floor", prompt=BINARY.name, prompt_digest=BINARY.digest, temperature=2.0)
    other = outcome("b", BINARY.model_copy(update={"text": "Cracked?"}))
    with pytest.raises(RunFolderError):
        scale([outcome("a"), other], [temperature])


@pytest.mark.parametrize("split", ["test", "train"])
def test_other_splits_are_not_fitted_on(split: str) -> None:
    outcomes = drawn(200, seed=1)
    with pytest.raises(Problems, match=f"of the {split} split"):
        fit(validation_run(outcomes, split=split), outcomes)


def test_one_case_of_the_test_split_is_enough_to_refuse() -> None:
    outcomes = [*drawn(200, seed=1), outcome("leak")]
    with pytest.raises(Problems, match="of the test split"):
        fit(validation_run(outcomes), outcomes)


def test_a_part_or_nothing_is_not_fitted_on() -> None:
    outcomes = drawn(200, seed=1)
    with pytest.raises(Problems, match="Join all shards first"):
        fit(validation_run(outcomes, shard="1/2"), outcomes)
    with pytest.raises(Problems, match="nothing to fit"):
        fit(validation_run([]), [])
