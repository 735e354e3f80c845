"""The card of an adapter: README.md in Hugging Face form, with `model-index` results once it was evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from pytest_cosmos.finetune.record import Finetune, read_finetune
from pytest_cosmos.records import Difference, Recommendation
from pytest_cosmos.runlog import write_whole

FILE = "README.md"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of the card's table."""

    name: str
    before: str
    after: str
    change: str


def write_card(adapter: Path, made: Finetune, found: Recommendation | None = None) -> Path:
    """Write the card; `found` is the decision about base and adapter, None before there is one."""
    page = adapter / FILE
    write_whole(page, card(adapter.name, made, found).encode())
    return page


def complete_card(adapter: Path, found: Recommendation) -> Path | None:
    """Fill the results into the card of an adapter of ours; None: the card stays as it is.

    So it does where the adapter is none of ours, or the decision does not tell how good it is: void, beside another
    model than its base, or about other suites than the one that it was trained on.
    """
    made = read_finetune(adapter) if adapter.is_dir() else None
    if made is None or found.advice == "void" or made.suite not in found.suites:
        return None
    beside_base = found.model.startswith(f"{found.baseline_model} + ")
    return write_card(adapter, made, found) if found.baseline and beside_base else None


def card(name: str, made: Finetune, found: Recommendation | None = None) -> str:
    """Render the card."""
    figures = _figures(made, found)
    said = made.recipe.model_dump(exclude_none=True).items()
    return _template().render(
        name=_one_line(name),
        metadata=_metadata(name, made, found),
        made=made,
        rows=[_row(one) for one in figures],
        cases=max((one.cases for one in figures), default=0),
        found=found,
        fixed=_of_suite(made.suite, found.fixed if found else ()),
        broken=_of_suite(made.suite, found.broken if found else ()),
        recipe=[(key, _one_line(str(value))) for key, value in said if value not in ("", {})],
        versions=", ".join(f"{name} {number}" for name, number in made.versions.items()),
    )


def _of_suite(suite: str, cases: Sequence[str]) -> int:
    return sum(key.startswith(f"{suite}/") for key in cases)


def _figures(made: Finetune, found: Recommendation | None) -> tuple[Difference, ...]:
    """Return what was compared on the suite it was trained on, each figure once; all cases before their slices."""
    if found is None:
        return ()
    ours = [one for one in (*found.goals, *found.watched) if one.suite == made.suite and one.candidate is not None]
    return tuple(sorted({one.key: one for one in ours}.values(), key=lambda one: bool(one.slice)))


def _row(one: Difference) -> Row:
    change = "–" if one.value is None else f"{100 * one.value:+.1f}"
    around = "" if one.low is None or one.high is None else f" [{100 * one.low:+.1f} to {100 * one.high:+.1f}]"
    return Row(_one_line(one.key), _percent(one.baseline), _percent(one.candidate), change + around)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _metadata(name: str, made: Finetune, found: Recommendation | None) -> str:
    """Return the YAML header, as the hub's own library writes it."""
    from huggingface_hub import EvalResult, ModelCardData

    results = [
        EvalResult(
            task_type="image-text-to-text",
            dataset_type=made.suite,
            dataset_name=made.suite,
            dataset_split="test",
            metric_type=one.key,
            metric_name=one.key,
            metric_value=round(one.candidate, 4),
        )
        for one in _figures(made, found)
        if one.candidate is not None
    ]
    data = ModelCardData(
        base_model=_one_line(made.base.name.partition("@")[0]),
        library_name="peft",
        pipeline_tag="image-text-to-text",
        tags=["lora", "pytest-cosmos"],
        model_name=_one_line(name),
        eval_results=results or None,
    )
    text: str = data.to_yaml()
    return text.strip()


def _one_line(text: str) -> str:
    """Keep a name from forging lines, cells or code of the card."""
    return " ".join(text.split()).replace("|", "\\|").replace("`", "'")


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("pytest_cosmos.finetune"), undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, autoescape=False,  # noqa: S701  # Markdown: names go through `_one_line`
    )  # fmt: skip
    environment.filters["thousands"] = lambda number: f"{number:,}"
    return environment.get_template("card.md.j2")
