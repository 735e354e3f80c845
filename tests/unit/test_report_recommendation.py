"""The decision in words: decision.md as golden files, hostile text in it, the short form."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pytest_cosmos.pipeline import decide_about
from pytest_cosmos.records import Recommendation
from pytest_cosmos.report.decision_page import render_markdown
from pytest_cosmos.report.markdown import markdown
from pytest_cosmos.report.recommendation import recommendation_lines, title
from pytest_cosmos.report.text import visible
from tests.unit.decision_builders import BASE, PLAIN, TARGETS, answers, write_run

GOLDEN = Path(__file__).parents[1] / "golden" / "decision"
GOOD = {**PLAIN, "ambiguous": 0.9}
REASONING = "A dark line runs across the tiles.\nIt branches | twice."
HOSTILE = "<script>alert(1)</script> ![x](https://evil.example/a.png) [y](javascript:z) `c` @team #1 **b** | \x1b[31m"


def alone(project: Path) -> Recommendation:
    return decide_about(write_run(project, "new", answers(BASE)), project, project / "reports", baseline="none")


def sufficient(project: Path) -> Recommendation:
    return decide_about(write_run(project, "new", answers(GOOD)), project, project / "reports", baseline="none")


def helped(project: Path, reasoning: str = REASONING) -> Recommendation:
    write_run(project, "base", answers(BASE, reasoning="Nothing to see."))
    new = write_run(project, "new", answers(GOOD, reasoning=reasoning), adapter="adapters/lora")
    return decide_about(new, project, project / "reports", baseline="base")


def mixed(project: Path) -> Recommendation:
    write_run(project, "base", answers(BASE))
    new = write_run(project, "new", answers({"hazard": 0.95, "safe": 0.6, "ambiguous": 0.99}), adapter="adapters/lora")
    return decide_about(new, project, project / "reports", baseline="base")


def void(project: Path) -> Recommendation:
    write_run(project, "base", answers(BASE))
    new = write_run(project, "new", answers(GOOD)[:-4], adapter="adapters/lora")
    return decide_about(new, project, project / "reports", baseline="base")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "thresholds.yaml").write_text(TARGETS)
    return tmp_path


@pytest.mark.parametrize("situation", [alone, sufficient, helped, mixed, void])
def test_decision_md_is_as_the_golden_file_says(project: Path, situation: Callable[[Path], Recommendation]) -> None:
    found = situation(project)
    pictures = {one.media_hash: f"media/{one.media_hash[:32]}.jpg" for one in found.moved[:2]}
    page = render_markdown(found, pictures).replace(str(project), "PROJECT")
    golden = GOLDEN / f"{situation.__name__}.md"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(page, encoding="utf-8")
    assert page == golden.read_text(encoding="utf-8")
    assert Recommendation.model_validate_json(found.model_dump_json()) == found


def test_hostile_text_stays_text(project: Path) -> None:
    page = render_markdown(helped(project, HOSTILE), {})
    assert "<script" not in page
    assert "\x1b" not in page
    assert not re.search(r"(?<!\\)\]\(", page)  # no link, no picture
    assert "https://" not in page  # nothing that is made a link by itself
    assert "&lt;script&gt;" in page
    assert "\\@team" in page


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("floor_cracks accuracy 0.85.", "floor_cracks accuracy 0.85."),
        ("75.9 % [73.1–78.5]: low", "75.9 % [73.1–78.5]: low"),
        ("a|b", "a\\|b"),
        ("*a* _b_ `c`", "\\*a\\* \\_b\\_ \\`c\\`"),
        ("[a](b)", "\\[a\\](b)"),
        ("[5](b)", "\\[5\\](b)"),
        ("x [5](b)", "x [5\\](b)"),
        ("www.example.com", "www\\.example\\.com"),
        ("a & b < c", "a &amp; b &lt; c"),
        ("two\nlines", "two lines"),
        ("back\\slash", "back\\\\slash"),
    ],
)
def test_what_would_be_markup_is_escaped_and_nothing_else(text: str, escaped: str) -> None:
    assert markdown(text) == escaped


PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


@given(st.text(alphabet=st.one_of(st.sampled_from("\\`*_[]()<>&#|~!:.-+=0123 ab\n"), st.characters()), max_size=40))
@example("![a](b)")
@example("<b>&amp;</b>")
@example("[5]: x")
@example("a\\|b")
@example("2. item")
@example("__0__")
def test_any_text_is_read_as_itself_in_a_line_and_in_a_cell(said: str) -> None:
    plain = visible(" ".join(said.split()))
    line = PARSER.render(f"- said: {markdown(said)} end")
    assert unescape(line.removeprefix("<ul>\n<li>said:").removesuffix("end</li>\n</ul>\n")).strip() == plain
    table = PARSER.render(f"| a | b |\n| --- | --- |\n| said: {markdown(said)} | end |")
    assert [unescape(cell) for cell in re.findall("<td>(.*?)</td>", table)][1] == "end"
    assert unescape(re.findall("<td>(.*?)</td>", table)[0]).removeprefix("said:").strip() == plain


def test_the_title_says_whether_it_is_good_enough_now(project: Path) -> None:
    found = helped(project)
    assert title(found) == ("Helped, and reaches every release target", "good")
    assert title(found.model_copy(update={"reaches_targets": False}))[1] == "warn"
    assert title(found.model_copy(update={"reaches_targets": None})) == ("Helped", "good")


def test_the_short_form_tells_reasons_risk_and_release(project: Path) -> None:
    lines = [line for line, _ in recommendation_lines(helped(project))]
    assert lines[0] == "HELPED, AND REACHES EVERY RELEASE TARGET (base + lora against base)"
    assert any(line.startswith("Of 1,000 hazards, ") and line.endswith(" before (improved).") for line in lines)
    assert lines[-1] == "This model may be released."
