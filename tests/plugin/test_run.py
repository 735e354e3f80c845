"""A run from markers to exit code."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

from .conftest import RIGHT, TEST, Project

ONE_WRONG = {"floors/s0-cracked": {"raw": "<think>Looks whole.</think>No", "confidence": 0.8}, **RIGHT}


def test_all_right_passes(project: Project) -> None:
    result = project.run()
    assert result.exit_code == 0, result.text
    assert result.outcome == "passed"
    assert len(result.verdicts) == 16
    assert "16 passed" in result.text
    assert (project.path / "reports/latest/index.html").is_file()


def test_a_wrong_answer_is_shown_and_does_not_fail_the_run(project: Project) -> None:
    project.script(ONE_WRONG)
    result = project.run()
    assert result.exit_code == 0, result.text
    assert "15 passed" in result.text
    assert "1 wrong" in result.text
    assert result.verdicts["s0-cracked"] == "wrong"


def test_the_report_of_a_wrong_answer_is_its_explanation_not_a_traceback(project: Project) -> None:
    project.script(ONE_WRONG)
    project.write(
        "conftest.py",
        "def pytest_runtest_logreport(report):\n"
        "    if report.when == 'call' and 's0-cracked' in report.nodeid:\n"
        "        open('longrepr.txt', 'w').write(str(report.longrepr))\n",
    )
    project.run()
    told = (project.path / "longrepr.txt").read_text()
    assert told == 'said No (confidence 0.80), expected Yes because "Looks whole."'


def test_verbose_says_wrong_and_ids_are_sample_and_prompt(project: Project) -> None:
    project.script(ONE_WRONG)
    text = project.run("-v").text
    line = next(line for line in text.splitlines() if "s0-cracked]" in line and "WRONG" in line)
    assert "test_floors[s0-cracked]" in line


def test_a_missed_bar_fails_the_run(project: Project) -> None:
    project.script({"*-cracked": "No", **RIGHT})
    project.write("thresholds.yaml", "version: 1\nrelease:\n  floors:\n    accuracy: {at_least: 0.76}\n")
    result = project.run()
    assert (result.exit_code, result.outcome) == (1, "missed_bar"), result.text


def test_a_bar_met_exactly_passes(project: Project) -> None:
    project.script({"*-cracked": "No", **RIGHT})  # 12 of 16
    result = project.run()
    assert (result.exit_code, result.outcome) == (0, "passed"), result.text


def test_a_must_pass_sample_fails_outright(project: Project) -> None:
    project.suite("floors", extra={0: "true"})
    project.script(ONE_WRONG)
    result = project.run()
    assert (result.exit_code, result.outcome) == (1, "errors"), result.text
    assert "1 failed" in result.text
    assert "must pass" in result.text
    assert "Looks whole." in result.text


def test_strict_fails_every_wrong_case(project: Project) -> None:
    project.script(ONE_WRONG)
    result = project.run("--cosmos-strict")
    assert (result.exit_code, result.outcome) == (1, "errors"), result.text
    assert "1 failed" in result.text


def test_unparsed_is_a_status_of_its_own(project: Project) -> None:
    project.script({"floors/s0-cracked": "Perhaps.", **RIGHT})
    result = project.run("-v")
    assert "UNPARSED" in result.text
    assert "1 unparsed" in result.text
    assert result.verdicts["s0-cracked"] == "unparsed"


def test_no_reply_is_an_error_and_fails_the_run(project: Project) -> None:
    project.script({"floors/s0-cracked": {"error": "connection reset"}, **RIGHT})
    result = project.run()
    assert (result.exit_code, result.outcome) == (1, "errors"), result.text
    assert "connection reset" in result.text
    assert result.verdicts["s0-cracked"] == "error"


def test_x_stops_on_wrong_only_when_strict(lone_project: Project) -> None:
    lone_project.script(ONE_WRONG)
    assert len(lone_project.run("-x").verdicts) == 16
    strict = lone_project.run("-x", "--cosmos-strict")
    assert len(strict.verdicts) == 1
    assert strict.exit_code == 1


def test_lf_runs_the_wrong_cases_again(project: Project) -> None:
    project.script(ONE_WRONG)
    project.run()
    again = project.run("--lf")
    assert again.verdicts == {"s0-cracked": "wrong"}
    assert (again.exit_code, again.outcome) == (1, "partial")


def test_junit_holds_the_verdict_and_short_properties(project: Project) -> None:
    project.script(ONE_WRONG)
    project.run("--junitxml=junit.xml")
    cases = {case.get("name"): case for case in ET.parse(project.path / "junit.xml").getroot().iter("testcase")}
    wrong = cases["test_floors[s0-cracked]"]
    skipped = wrong.find("skipped")
    assert skipped is not None
    assert skipped.get("type") == "pytest.xfail"
    assert "said No" in str(skipped.get("message"))
    properties = {p.get("name"): p.get("value") for p in wrong.iter("property")}
    assert properties["cosmos_verdict"] == "wrong"
    assert properties["cosmos_expected"] == "Yes"
    assert "cosmos" not in properties


def test_k_and_limit_make_a_partial_run(project: Project) -> None:
    for args, answered in ((("-k", "s0-cracked"), 1), (("--limit", "4"), 8)):
        result = project.run(*args)
        assert (result.exit_code, result.outcome) == (1, "partial"), result.text
        assert result.run["decision"]["answered"] == answered
        assert result.run["decision"]["planned"] == 16
        assert project.run(*args, "--allow-partial").exit_code == 0


def test_limit_is_the_same_draw_every_time(lone_project: Project) -> None:
    assert lone_project.run("--limit", "4").verdicts == lone_project.run("--limit", "4").verdicts


def test_marker_expressions_select(project: Project) -> None:
    assert len(project.run("-m", "cosmos").verdicts) == 16
    nothing = project.run("-m", "not cosmos")
    assert nothing.exit_code == 1, nothing.text  # the suite was asked for, and no case of it was answered


def test_collect_only_asks_nothing_and_writes_nothing(project: Project) -> None:
    result = project.run("--collect-only", "-q")
    assert result.exit_code == 0
    assert "test_floors[s0-cracked]" in result.text
    assert result.folder is None


def test_collect_only_of_a_big_model_needs_no_weights(project: Project) -> None:
    assert project.run("--collect-only", "-q", "--model", "reason2", engine=()).exit_code == 0


def test_a_failing_assertion_on_a_correct_reply_is_an_ordinary_failure(project: Project) -> None:
    project.write("benchmarks/test_floors.py", TEST + "    assert cosmos_answer.confidence > 0.95\n")
    result = project.run()
    assert "16 failed" in result.text
    assert result.exit_code == 1


def test_a_broken_body_on_a_wrong_reply_is_an_ordinary_failure(project: Project) -> None:
    project.write(
        "benchmarks/test_floors.py",
        'import pytest\n@pytest.mark.cosmos(suite="floors")\ndef test_floors(cosmos_answer):\n    1 / 0\n',
    )
    project.script(ONE_WRONG)
    assert "16 failed" in project.run().text


def test_a_body_that_asserts_nothing_cannot_hide_a_wrong_answer(project: Project) -> None:
    project.write(
        "benchmarks/test_floors.py",
        'import pytest\n@pytest.mark.cosmos(suite="floors")\ndef test_floors(cosmos_answer):\n    pass\n',
    )
    project.script(ONE_WRONG)
    result = project.run()
    assert "1 wrong" in result.text
    assert result.verdicts["s0-cracked"] == "wrong"


def test_two_tests_of_one_suite_count_each_case_once(project: Project) -> None:
    project.write("benchmarks/test_more.py", TEST)
    result = project.run()
    assert "32 passed" in result.text
    assert result.run["decision"]["answered"] == 16


def test_a_new_suite_needs_no_python(project: Project) -> None:
    project.write("benchmarks/test_other.py", TEST.replace('(suite="floors")', ""))
    project.suite("stairs", samples=2)
    result = project.run()
    assert "20 passed" in result.text
    assert (result.exit_code, result.outcome) == (1, "no_evidence"), result.text  # stairs has no threshold yet
    assert "stairs" in result.text


def test_suite_selects_and_answers_for_that_suite_only(project: Project) -> None:
    project.write("benchmarks/test_other.py", TEST.replace('(suite="floors")', ""))
    project.suite("stairs", samples=2)
    result = project.run("--suite", "floors")
    assert (result.exit_code, result.outcome) == (0, "passed"), result.text
    assert len(result.verdicts) == 16


def test_thresholds_of_a_suite_that_is_not_run_do_not_disturb(project: Project) -> None:
    bars = "    accuracy[prompt=cracked]: {at_least: 0.5}\n    recall[category=hazard]: {at_least: 0.5}\n"
    project.write(
        "thresholds.yaml", f"version: 1\nrelease:\n  floors:\n{bars}  stairs: {{accuracy: {{at_least: 0.5}}}}\n"
    )
    project.write("benchmarks/test_other.py", TEST.replace('(suite="floors")', ""))
    project.suite("stairs", samples=2)
    assert project.run("--suite", "stairs").exit_code == 0


def test_asking_for_a_file_answers_for_its_suites_only(project: Project) -> None:
    project.write("thresholds.yaml", "version: 1\nrelease:\n  floors: {accuracy: {at_least: 0.5}}\n"
                  "  stairs: {accuracy: {at_least: 0.5}}\n")  # fmt: skip
    project.suite("stairs", samples=2)
    assert project.run("benchmarks/test_floors.py").exit_code == 0
    whole = project.run()
    assert (whole.exit_code, whole.outcome) == (1, "no_data"), whole.text
    assert "stairs" in whole.text


def test_no_gate_measures_only(project: Project) -> None:
    project.script({"*": "No idea."})
    result = project.run("--cosmos-no-gate")
    assert (result.exit_code, result.outcome) == (0, "no_evidence"), result.text


def test_without_thresholds_nothing_is_passed(project: Project) -> None:
    (project.path / "thresholds.yaml").unlink()
    result = project.run()
    assert (result.exit_code, result.outcome) == (1, "no_evidence"), result.text
    assert "--cosmos-no-gate" in result.text


def test_other_tests_beside_ours_behave_as_ever(project: Project) -> None:
    project.write("benchmarks/test_plain.py", "def test_plain():\n    assert 1 == 2\n")
    result = project.run()
    assert result.exit_code == 1
    assert "1 failed, 16 passed" in result.text
    assert result.outcome == "passed"


def test_every_line_of_outcomes_is_complete(project: Project) -> None:
    result = project.run()
    assert isinstance(result.folder, Path)
    for line in (result.folder / "outcomes.jsonl").read_text().split("\n")[:-1]:
        record = json.loads(line)
        assert record["schema_version"] == 1
        assert record["reply"]["timestamp"]
        assert record["reply"]["prompt_text"]
        assert record["case"]["sample"]["media_hash"]


def test_a_body_that_skips_cannot_save_a_must_pass_sample(project: Project) -> None:
    project.write(
        "benchmarks/test_floors.py",
        TEST.replace("assert cosmos_answer.correct, cosmos_answer.explanation", "pytest.skip('never mind')"),
    )
    project.suite("floors", extra={0: "true"})
    project.script(ONE_WRONG)
    result = project.run()
    assert (result.exit_code, result.outcome) == (1, "errors"), result.text


def test_a_swallowed_error_still_fails(project: Project) -> None:
    body = (
        "import pytest\n@pytest.mark.cosmos(suite='floors')\ndef test_floors(request, cosmos_case):\n"
        "    try:\n        request.getfixturevalue('cosmos_answer')\n    except BaseException:\n        pass\n"
    )
    project.write("benchmarks/test_floors.py", body)
    project.script({"floors/s0-cracked": {"error": "connection reset"}, **RIGHT})
    result = project.run()
    assert (result.exit_code, result.outcome) == (1, "errors"), result.text
    assert "no reply" in result.text


def test_a_folder_named_as_ours_must_answer_though_no_test_is_collected(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\ncosmos_tests = benchmarks\n")
    (project.path / "benchmarks/test_floors.py").unlink()
    project.write("benchmarks/test_plain.py", "def test_plain(): pass\n")
    project.write("tests/test_plain.py", "def test_plain(): pass\n")
    missing = project.run("benchmarks", engine=())
    assert (missing.exit_code, missing.outcome) == (1, "no_data"), missing.text
    assert project.run("tests", engine=()).exit_code == 0
