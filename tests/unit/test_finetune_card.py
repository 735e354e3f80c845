"""The card of an adapter, as people and the hub read it, before and after it was tested."""

from __future__ import annotations

from pathlib import Path

import yaml
from huggingface_hub import ModelCard

from pytest_cosmos.finetune.card import card, complete_card, write_card
from pytest_cosmos.finetune.record import FILE
from pytest_cosmos.records import Difference, Recommendation
from tests.unit.test_finetune_outputs import finished

MADE = finished(best=2)


def change(metric: str, before: float, after: float, **where: str) -> Difference:
    value = after - before
    return Difference(
        suite="floors", metric=metric, slice=where, baseline=before, candidate=after, value=value,
        low=value - 0.02, high=value + 0.02, cases=1200, change="improved",
    )  # fmt: skip


FOUND = Recommendation(
    advice="helped",
    run="after",
    model="tiny + mine",
    baseline="before",
    baseline_model="tiny",
    suites=("floors", "others"),
    cases=1200,
    samples=400,
    reaches_targets=False,
    may_release=False,
    because=("accuracy is better.",),
    goals=(change("accuracy", 0.75, 0.83),),
    watched=(
        change("accuracy", 0.45, 0.62, category="ambiguous"),
        change("accuracy", 0.75, 0.83),
        Difference(suite="others", metric="accuracy", baseline=0.1, candidate=0.2),
    ),
    fixed=("floors/a-p", "floors/b-p", "others/a-p"),
    broken=("floors/c-p",),
    simulated_only=True,
)


def test_the_card_says_what_was_measured() -> None:
    text = card("mine", MADE, FOUND)

    assert "Decision: **helped**; simulated images only." in text
    assert "| accuracy | 75.0 % | 83.0 % | +8.0 [+6.0 to +10.0] |" in text
    assert "| accuracy[category=ambiguous] | 45.0 % | 62.0 % | +17.0 [+15.0 to +19.0] |" in text
    assert text.count("| accuracy |") == 1
    assert "20.0 %" not in text, "another suite's figures are not this adapter's"
    assert "Cases fixed: 2; broken: 1." in text
    assert "| 0 (base) | – | 1.0000 | 50.0 % |" in text
    assert "| 2 (kept) |" in text


def test_the_hub_reads_its_results() -> None:
    data = ModelCard(card("mine", MADE, FOUND)).data.to_dict()

    assert (data["base_model"], data["library_name"]) == ("tiny", "peft")
    (entry,) = data["model-index"]
    assert [(r["dataset"]["type"], m["type"], m["value"]) for r in entry["results"] for m in r["metrics"]] == [
        ("floors", "accuracy", 0.83),
        ("floors", "accuracy[category=ambiguous]", 0.62),
    ]


def test_without_a_test_it_says_how_to_make_one() -> None:
    text = card("mine", MADE)

    assert "Not evaluated yet: `pytest benchmarks/ --model=tiny --adapter=DIR --cosmos-compare-base`" in text
    assert "model-index" not in yaml.safe_load(text.split("---")[1])


def test_names_forge_neither_lines_nor_header() -> None:
    text = card("mine\n---\nlicense: mit", MADE)

    assert "\n# mine --- license: mit\n" in text
    assert "license" not in yaml.safe_load(text.split("\n---\n")[0].removeprefix("---\n"))


def test_results_are_filled_in_where_there_are_some(tmp_path: Path) -> None:
    assert complete_card(tmp_path, FOUND) is None, "no adapter of ours"
    (tmp_path / FILE).write_text(MADE.model_dump_json())
    page = write_card(tmp_path, MADE)
    before = page.read_text()

    for changed in (
        {"baseline": ""},
        {"advice": "void"},
        {"baseline_model": "tiny + another"},
        {"model": "another + mine"},
        {"suites": ("others",)},
    ):
        assert complete_card(tmp_path, FOUND.model_copy(update=changed)) is None, changed
    assert page.read_text() == before
    assert complete_card(tmp_path, FOUND) == page
    assert "**helped**" in page.read_text()
