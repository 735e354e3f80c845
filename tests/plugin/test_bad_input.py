"""Mistakes in the user's files: all at once, one message each, exit 4, no model loaded, no run written."""

from __future__ import annotations

import pytest

from .conftest import RIGHT, SUITE, TEST, Project


def assert_refused(project: Project, *expected: str, args: tuple[str, ...] = ()) -> None:
    result = project.run(*args)
    assert result.exit_code == 4, result.text
    assert result.folder is None
    for text in expected:
        assert text in result.text
    assert "Traceback" not in result.text
    assert "INTERNALERROR" not in result.text


def test_all_mistakes_of_a_suite_at_once(project: Project) -> None:
    (project.path / "cases/floors/media/s3.png").unlink()
    project.write("cases/floors/suite.yaml", SUITE.replace('cracked: "Yes"', "cracked: yes"))
    table = project.path / "cases/floors/samples.csv"
    table.write_text(table.read_text().replace("media/s5.png,not cracked,safe,1", "media/s5.png,not cracked,safe,9"))
    assert_refused(project, "suite.yaml:8", "samples.csv", "s3.png", "no model was loaded")


def test_a_mistake_in_the_thresholds(project: Project) -> None:
    project.write("thresholds.yaml", "version: 1\nrelease:\n  floors:\n    acuracy: {at_least: 0.9}\n")
    assert_refused(project, "thresholds.yaml:4", "acuracy", "Did you mean")


def test_thresholds_for_a_suite_that_does_not_exist(project: Project) -> None:
    project.write("thresholds.yaml", "version: 1\nrelease:\n  flors:\n    accuracy: {at_least: 0.9}\n")
    assert_refused(project, "flors", "floors")


def test_mistakes_of_cases_and_thresholds_come_together(project: Project) -> None:
    (project.path / "cases/floors/media/s3.png").write_bytes(b"not a picture")
    project.write("thresholds.yaml", "version: 2\n")
    assert_refused(project, "s3.png", "thresholds.yaml")


def test_a_marker_that_names_no_suite(project: Project) -> None:
    project.write("benchmarks/test_floors.py", TEST.replace("floors", "flors"))
    assert_refused(project, "flors", "Did you mean 'floors'?")


def test_a_marker_with_a_wrong_argument(project: Project) -> None:
    project.write("benchmarks/test_floors.py", TEST.replace('suite="floors"', "siute=3"))
    assert_refused(project, "siute", '@pytest.mark.cosmos(suite="NAME")')


def test_a_marked_test_without_the_fixture(project: Project) -> None:
    text = 'import pytest\n@pytest.mark.cosmos(suite="floors")\ndef test_floors():\n    pass\n'
    project.write("benchmarks/test_floors.py", text)
    assert_refused(project, "cosmos_answer")


def test_a_suite_option_that_names_no_suite(project: Project) -> None:
    assert_refused(project, "--suite flors", "Did you mean 'floors'?", args=("--suite", "flors"))


def test_a_prompt_that_the_models_family_cannot_be_asked(project: Project) -> None:
    manifest = SUITE.replace("prompts:", 'system: "Reply as <label>your answer</label>."\nprompts:', 1)
    project.write("cases/floors/suite.yaml", manifest)
    result = project.run("--model", "tiny", "--cosmos-family", "reason1", engine=(), apart=True)
    assert result.exit_code == 4, result.text
    assert "output format <label>" in result.text
    assert "reasoning: false" in result.text
    assert result.folder is None


def test_collect_only_reports_mistakes_too(project: Project) -> None:
    (project.path / "cases/floors/media/s3.png").unlink()
    assert_refused(project, "s3.png", args=("--collect-only",))


def test_the_fixture_without_the_marker_says_what_is_missing(lone_project: Project) -> None:
    lone_project.write("benchmarks/test_floors.py", "def test_floors(cosmos_answer):\n    pass\n")
    assert "@pytest.mark.cosmos" in lone_project.run().text


def test_a_script_that_is_missing_or_broken(project: Project) -> None:
    project.script({**RIGHT, "*": {"raw": "Yes", "error": "no"}})
    assert_refused(project, "exactly one of raw, expected: true, error")
    (project.path / "replies.yaml").unlink()
    assert_refused(project, "replies.yaml")


def test_scripted_needs_replies(project: Project) -> None:
    result = project.run("--engine", "scripted", engine=())
    assert result.exit_code == 4
    assert "--cosmos-replies FILE" in result.text


@pytest.mark.parametrize("value", ["0", "-3", "many"])
def test_a_limit_that_is_no_count(lone_project: Project, value: str) -> None:
    result = lone_project.run(f"--limit={value}")
    assert result.exit_code == 4
    assert "whole number of at least 1" in result.text


def test_reason2_without_weights_says_what_to_do(project: Project) -> None:
    result = project.run("--model", "reason2", engine=())
    assert result.exit_code == 4, result.text
    for text in ("nvidia/Cosmos-Reason2-2B", "gated", "--model tiny"):
        assert text in result.text
    assert "Traceback" not in result.text
    assert result.folder is None


def test_an_unknown_model_name(project: Project) -> None:
    result = project.run("--model", "raeson2", engine=())
    assert result.exit_code == 4, result.text
    assert "Did you mean 'reason2'?" in result.text


def test_a_marked_unittest_method(project: Project) -> None:
    text = "import pytest, unittest\nclass TestIt(unittest.TestCase):\n"
    text += '    @pytest.mark.cosmos(suite="floors")\n    def test_it(self):\n        pass\n'
    project.write("benchmarks/test_case.py", text)
    assert_refused(project, "TestIt", "cannot take fixtures")


def test_a_reports_folder_that_cannot_be(project: Project) -> None:
    project.write("reports", "I am a file.")
    result = project.run()
    assert result.exit_code == 4, result.text
    assert "--cosmos-reports" in result.text
    assert "Traceback" not in result.text


def test_a_bad_ini_value(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\ncosmos_engine = bogus\n")
    result = project.run(engine=())
    assert result.exit_code == 4, result.text
    assert "bogus" in result.text
    assert "Traceback" not in result.text
