"""Repeats and the check of batches with the real embedded model: the same weights, seeded, told by the store."""

from __future__ import annotations

import pytest

from .conftest import Project
from .test_repeats import repeats, summary
from .test_tiny import use_shipped_images

ASKED = ("--cosmos-repeats", "2", "--cosmos-check-determinism", "--cosmos-threads", "1", "--allow-partial")


def test_the_embedded_model_is_asked_again(pytester: pytest.Pytester) -> None:
    alone, two = Project(pytester, ()), Project(pytester, ("-n2",))
    use_shipped_images(alone)
    first = alone.run(*ASKED, engine=())
    lines = repeats(first)
    assert len(lines) == 2 * 36 + 24, first.text
    assert not any(line["reply"]["error"] for line in lines)
    found = summary(first)
    assert found["determinism"]["cases"] == 24
    assert found["determinism"]["unbatched"] == 0
    assert found["determinism"]["answers"] == 0  # in float32 on a CPU nothing but rounding may differ
    assert found["determinism"]["confidence"] < 1e-3
    assert {line["reply"]["batch_size"] for line in lines if line["manner"] == "alone"} == {1}
    (stability,) = found["stability"]
    assert (stability["cases"], stability["lost"]) == (36, 0)
    by_round = [[line["reply"]["raw"] for line in lines if line["number"] == n] for n in (1, 2)]
    assert by_round[0] != by_round[1], "two seeds draw differently"

    again = two.run(*ASKED, engine=())
    sampled = {(line["case_key"], line["number"]): line for line in repeats(again) if line["manner"] == "sampled"}
    assert len(sampled) == 72
    assert all(line["reply"]["stored"] for line in sampled.values()), "a repeat that was asked is not asked again"
    for line in lines:
        if line["manner"] == "sampled":
            assert sampled[line["case_key"], line["number"]]["reply"]["raw"] == line["reply"]["raw"]
    assert sum(line["manner"] == "alone" for line in repeats(again)) == 24
