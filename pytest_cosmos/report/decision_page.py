"""decision.md: the decision with its evidence, rendered by a template in which every value is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pytest_cosmos.records import Difference, Metric, Moved, Recommendation, Target, TargetFigure, Verdict
from pytest_cosmos.report import text
from pytest_cosmos.report.figures import CHANGE_WORDS, change_interval, signed
from pytest_cosmos.report.html import TEMPLATES
from pytest_cosmos.report.markdown import markdown
from pytest_cosmos.report.recommendation import risk_rows, risk_sentences, title

SHOWN = 6
"""How many broken and fixed cases are shown each; decision.json has more, comparison.json all."""

REASONING = 600
"""Characters of a reasoning that are shown."""

_STATUS: Final = {"reached": "reached", "missed": "missed", "unproven": "not enough evidence", "no_data": "no data"}


def render_markdown(found: Recommendation, pictures: Mapping[str, str]) -> str:
    """Render decision.md, in which hostile text stays text; `pictures`: `Sample.media_hash` -> path relative to it."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        finalize=markdown,  # every value: a template that forgets one cannot be
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  no HTML is made; `markdown` escapes it, too
    )
    keys = {"broken": found.broken, "fixed": found.fixed}
    moved = {word: [one for one in found.moved if one.case in set(all_)][:SHOWN] for word, all_ in keys.items()}
    return environment.get_template("decision.md.j2").render(
        found=found,
        title=title(found)[0],
        target_rows=[_target_row(one) for one in found.targets],
        change_rows=[_change_row(one) for one in distinct_changes(found)],
        risk_rows=risk_rows(found),
        risk_sentences=risk_sentences(found),
        moved=moved,
        # paths of ours, made of a hash
        pictures={key: Markup(path) for key, path in pictures.items()},  # noqa: S704
        says=says,
        plural=text.plural,
    )


def distinct_changes(found: Recommendation) -> tuple[Difference, ...]:
    """Return goals, then what is watched, each figure once."""
    goals = {(one.suite, one.key) for one in found.goals}
    return (*found.goals, *(one for one in found.watched if (one.suite, one.key) not in goals))


def says(one: Moved, *, before: bool) -> str:
    """Write what one side said and why, shortened."""
    side = one.before if before else one.now
    answer = text.one_line(side.answer, 80) or "(nothing)"
    unread = " (could not be read)" if side.verdict is Verdict.UNPARSED else ""
    reasoning = text.one_line(side.reasoning, REASONING)
    return f"{answer}{unread}" + (f": {reasoning}" if reasoning else "")


def _target_row(one: Target) -> tuple[str, ...]:
    bar = text.bar(one.threshold.metric, one.threshold.at_least, one.threshold.at_most)
    name = f"{one.threshold.suite} {one.threshold.key}"
    before = "" if one.before is None else f"{figure(one.before.metric)}, {_STATUS[one.before.status]}"
    return (name, bar, before, figure(one.now.metric), _status(one.now))


def _status(one: TargetFigure) -> str:
    if one.status != "unproven":
        return _STATUS[one.status]
    needed = "" if one.needed is None else f": about {one.needed:,} would tell ({one.metric.clusters:,} asked)"
    return f"{_STATUS[one.status]}{needed}"


def figure(metric: Metric) -> str:
    """Write a figure with its interval: `75.9 % [73.1–78.5]`."""
    interval = text.interval(metric)
    return text.quantity(metric.name, metric.value) + (f" [{interval}]" if interval else "")


def _change_row(one: Difference) -> tuple[str, ...]:
    p_value = one.p_value if one.p_adjusted is None else one.p_adjusted
    return (
        f"{one.suite} {one.key}",
        text.quantity(one.metric, one.baseline),
        text.quantity(one.metric, one.candidate),
        f"{signed(one.metric, one.value)} [{change_interval(one)}]",
        "" if one.fixed is None else f"{one.fixed:,} / {one.broken:,}",
        f"{one.cases:,}",
        "" if p_value is None else f"{p_value:.3f}" if p_value >= 0.001 else "below 0.001",
        CHANGE_WORDS[one.change][0],
    )
