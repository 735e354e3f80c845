"""How stable answers are, in words and on the page."""

from __future__ import annotations

from bs4 import BeautifulSoup

from pytest_cosmos.measure import determinism, stability, summarise
from pytest_cosmos.records import ERROR, Determinism, Outcome, Repeat, Run, Stability, Summary, Temperature
from pytest_cosmos.report.build import build_view
from pytest_cosmos.report.html import render_html
from pytest_cosmos.report.stability import determinism_told, scaled_by, stability_told
from pytest_cosmos.report.terminal import summary_lines
from tests.unit.builders import BINARY, outcome, run_of
from tests.unit.test_measure_stability import repeat

OUTCOMES = [outcome(f"s{i}") for i in range(4)]
HOSTILE = "<img src=x>\x1b[31m"


def repeated() -> list[Repeat]:
    said = [("Yes", "Yes"), ("Yes", "No"), ("Yes", ERROR), ("Yes", "Yes")]
    return [repeat(of, word, n) for of, words in zip(OUTCOMES, said, strict=True) for n, word in enumerate(words, 1)]


def asked_again(alone: str = "No") -> Summary:
    lines = [*repeated(), repeat(OUTCOMES[0], alone, manner="alone"), repeat(OUTCOMES[1], "Yes", manner="alone")]
    return summarise(OUTCOMES).model_copy(
        update={"stability": stability(OUTCOMES, lines, 2), "determinism": determinism(OUTCOMES, lines)}
    )


def told(found: Stability) -> list[str]:
    return [line for line, _ in stability_told(found)]


def test_repeats_in_words() -> None:
    (found,) = asked_again().stability
    agree, accuracy, lost, least = told(found)
    assert agree.startswith("2 repeats with sampling on: 83.3 % [")
    assert "of 3 cases flip, 25.0 % [" in agree
    assert "87.5 % [" in accuracy
    assert "(66.7 to 100.0 %), entropy 0.33 bits a case" in accuracy
    assert lost == "1 of 8 repeats got no reply: in none of these figures"
    assert least == "least stable: floor/s1-binary_safety (No 1×, Yes 1×)"


def test_a_changed_answer_is_a_warning() -> None:
    found = asked_again().determinism
    assert found is not None
    (line, style), (warning, second) = determinism_told(found, batches=False)
    assert "2 cases asked again alone: 1 answer differs, 1 text differs, confidence by 0.0000 at most" in line
    assert line.endswith("right 50.0 % alone, 100.0 % in the run")
    assert warning == "WARNING: a batch changes answers: floor/s0-binary_safety"
    assert style == second == "warn"


def test_nothing_to_warn_of_and_nothing_to_say() -> None:
    same = Determinism(cases=3, unbatched=2, confidence=None, accuracy_alone=1.0, accuracy_batched=1.0)
    assert [style for _, style in determinism_told(same, batches=False)] == [""]
    assert "2 of them were in no batch" in list(determinism_told(same, batches=True))[1][0]
    none = list(determinism_told(Determinism(cases=0, lost=2), batches=False))
    assert none == [("asked again alone: no data, 2 cases without a reply", "warn")]


def page(run: Run, summary: Summary, outcomes: list[Outcome] = OUTCOMES) -> BeautifulSoup:
    return BeautifulSoup(render_html(build_view(run, summary, (), outcomes), {}), "html.parser")


def test_the_page_has_a_section_only_where_something_was_asked_again() -> None:
    run = run_of(OUTCOMES)
    assert page(run, summarise(OUTCOMES)).find(id="stability") is None
    section = page(run, asked_again()).find(id="stability")
    assert section is not None
    text = section.get_text(" ", strip=True)
    assert "floor/s1-binary_safety No 1×, Yes 1× Yes Yes 1.00" in text
    assert "WARNING: a batch changes answers" in text
    assert section.find("a", href="#case=floor/s1-binary_safety") is not None


def test_hostile_names_stay_text() -> None:
    summary = asked_again()
    (found,) = summary.stability
    bad = found.unstable[0].model_copy(update={"case": HOSTILE, "answers": {HOSTILE: 2}})
    summary = summary.model_copy(update={"stability": (found.model_copy(update={"unstable": (bad,)}),)})
    section = page(run_of(OUTCOMES), summary).find(id="stability")
    assert section is not None
    assert section.find("img") is None
    lines = [line.text for line in summary_lines(run_of(OUTCOMES), summary, (), OUTCOMES, report_path="")]
    assert not any("\x1b" in line for line in lines)
    assert any("least stable" in line for line in lines)


def test_scaled_confidences_say_so() -> None:
    one = Temperature(suite="floor", prompt=BINARY.name, prompt_digest=BINARY.digest, temperature=2.5)
    run = run_of(OUTCOMES).model_copy(update={"calibration": "calibration.json", "temperatures": (one,)})
    assert scaled_by(run) == "scaled by the temperatures of calibration.json: floor/binary_safety 2.50"
    assert "calibration.json: floor/binary_safety 2.50" in page(run, summarise(OUTCOMES)).get_text()
    refused = run_of(OUTCOMES).model_copy(update={"calibration_refused": "it was fitted on another"})
    assert scaled_by(refused) == "not scaled: it was fitted on another"
    assert scaled_by(run_of(OUTCOMES)) == ""
