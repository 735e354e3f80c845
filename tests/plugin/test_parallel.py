"""xdist: the same answers, whole batches, and nothing forgotten when a worker dies."""

from __future__ import annotations

import json
import re

import pytest

from .conftest import RIGHT, TEST, Project

MIXED = {"floors/s0-*": "No", "floors/s3-cracked": "Perhaps.", **RIGHT}


@pytest.fixture
def pair(pytester: pytest.Pytester) -> tuple[Project, Project]:
    """The same project, run alone and with two workers."""
    return Project(pytester, ()), Project(pytester, ("-n2",))


def test_two_workers_give_the_same_verdicts_and_decision(pair: tuple[Project, Project]) -> None:
    for project in pair:
        project.suite("floors", samples=40)
        project.script(MIXED)
    alone, two = (project.run() for project in pair)
    assert alone.verdicts == two.verdicts
    assert len(two.verdicts) == 80
    assert alone.run["decision"] == two.run["decision"]
    assert alone.run["suites"] == two.run["suites"]


def test_other_distribution_modes_work_too(pytester: pytest.Pytester) -> None:
    project = Project(pytester, ("-n2", "--dist", "loadfile"))
    assert project.run().outcome == "passed"


def test_each_worker_gets_its_share_and_samples_stay_together(pytester: pytest.Pytester) -> None:
    project = Project(pytester, ("-n2", "-v"))
    project.suite("floors", samples=40)
    workers = re.findall(r"\[(gw\d)\].*PASSED.*\[s(\d+)-\w+\]", project.run().text)
    assert len(workers) == 80
    assert {worker for worker, _ in workers} == {"gw0", "gw1"}
    owner: dict[str, str] = {}
    for worker, sample in workers:
        assert owner.setdefault(sample, worker) == worker


def test_a_crashed_worker_fails_the_run_and_the_rest_is_answered(pytester: pytest.Pytester) -> None:
    project = Project(pytester, ("-n2",))
    project.suite("floors", samples=40)
    crash = "    import os\n    if cosmos_answer.case.id == 's9-cracked':\n        os._exit(1)\n"
    project.write("benchmarks/test_floors.py", TEST.replace("    assert", crash + "    assert"))
    result = project.run()
    assert result.exit_code == 1
    assert result.outcome == "errors", result.text
    assert len(result.verdicts) == 79
    assert "s9-cracked" not in result.verdicts


def test_plain_tests_are_shared_out_beside_ours(pytester: pytest.Pytester) -> None:
    project = Project(pytester, ("-n2",))
    project.write(
        "benchmarks/test_plain.py",
        "import pytest\n@pytest.mark.parametrize('n', range(20))\ndef test_plain(n):\n    pass\n",
    )
    assert "36 passed" in project.run().text


def test_a_project_with_cases_whose_other_tests_run_is_not_gated(pytester: pytest.Pytester) -> None:
    project = Project(pytester, ("-n2",))
    project.write("tests/test_plain.py", "def test_one(): pass\ndef test_two(): pass\n")
    result = pytester.runpytest_subprocess("-n2", "tests")
    assert result.ret == 0
    assert "floors" not in result.stdout.str()
    assert not (project.path / "reports").exists()


def test_a_project_without_cases_runs_as_under_plain_xdist(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_one(): pass\ndef test_two(): pass\n")
    result = pytester.runpytest_subprocess("-n2")
    result.assert_outcomes(passed=2)
    assert "cosmos" not in result.stdout.str().partition("plugins:")[2].partition("\n")[2]


def test_outcomes_are_on_disk_when_the_controller_is_told_to_stop(pytester: pytest.Pytester) -> None:
    project = Project(pytester, ())
    project.write(
        "benchmarks/test_floors.py",
        TEST.replace("    assert", "    if cosmos_answer.case.id == 's5-cracked':\n"
                     "        raise KeyboardInterrupt\n    assert"),
    )  # fmt: skip
    result = project.run(apart=True)
    assert result.exit_code == 2  # pytest's own word for an interrupt
    assert result.outcome == "partial"
    assert len(result.verdicts) == 10
    assert json.loads((project.path / "reports/latest/metrics.json").read_text())["metrics"]


def test_a_worker_that_dies_before_it_starts_takes_nothing_with_it(pytester: pytest.Pytester) -> None:
    project = Project(pytester, ("-n2",))
    project.suite("floors", samples=40)
    project.write(
        "conftest.py",
        "import os\ndef pytest_collection_modifyitems():\n"
        "    if os.environ.get('PYTEST_XDIST_WORKER') == 'gw0':\n        os._exit(1)\n",
    )
    assert len(project.run().verdicts) == 80


def test_stacked_parameters_and_odd_ids_are_shared_out_too(pytester: pytest.Pytester) -> None:
    project = Project(pytester, ("-n2",))
    stacked = TEST.replace("@pytest.mark.cosmos", "@pytest.mark.parametrize('n', [1, 2])\n@pytest.mark.cosmos")
    project.write("benchmarks/test_floors.py", stacked.replace("(cosmos_answer)", "(cosmos_answer, n)"))
    table = project.path / "cases/floors/samples.csv"
    rows = table.read_text().splitlines()
    table.write_text("\n".join([f"id,{rows[0]}"] + [f"süd{n},{row}" for n, row in enumerate(rows[1:])]) + "\n")
    result = project.run()
    assert "32 passed" in result.text
    assert len(result.verdicts) == 16
