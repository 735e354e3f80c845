"""Short options are aliases that step aside, and a checkpoint folder is data."""

from __future__ import annotations

import pytest

from .conftest import Project

TRAP = "from pathlib import Path\nPath(__file__).with_name('executed').touch()\n"


def test_a_project_with_its_own_model_option_still_starts(project: Project) -> None:
    project.write(
        "conftest.py",
        "def pytest_addoption(parser):\n    parser.addoption('--model', default='mine')\n",
    )
    project.write("benchmarks/test_own.py", "def test_own(request):\n    assert request.config.option.model == 'my'\n")
    result = project.run("--model", "my")
    assert result.exit_code == 0, result.text
    assert "17 passed" in result.text


def test_our_long_option_still_works_there(lone_project: Project) -> None:
    lone_project.write(
        "conftest.py",
        "def pytest_addoption(parser):\n    parser.addoption('--limit', default='mine')\n",
    )
    assert len(lone_project.run("--cosmos-limit", "2").verdicts) == 4


@pytest.mark.parametrize("form", [("--model", "./ckpt"), ("--model=./ckpt",), ("--cosmos-model", "./ckpt")])
def test_a_conftest_in_a_checkpoint_folder_is_never_executed(project: Project, form: tuple[str, ...]) -> None:
    project.write("ckpt/conftest.py", TRAP)
    project.write("ckpt/test_trap.py", TRAP)
    project.write("ckpt/config.json", "{}")
    result = project.run("benchmarks", *form)
    assert result.exit_code == 0, result.text
    assert not (project.path / "ckpt/executed").exists()


def test_a_checkpoint_taken_for_the_root_is_refused(lone_project: Project) -> None:
    lone_project.write("ckpt/conftest.py", TRAP)
    lone_project.write("ckpt/pytest.ini", "[pytest]\n")
    result = lone_project.pytester.runpytest_subprocess("--model", "./ckpt")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*--model=./ckpt*"])
    assert not (lone_project.path / "ckpt/executed").exists()


def test_plugin_is_silent_and_light_where_it_is_not_used(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import sys\ndef test_plain():\n"
                        "    heavy = {'torch', 'pydantic', 'transformers', 'sklearn'} & set(sys.modules)\n"
                        "    assert not heavy\n")  # fmt: skip
    result = pytester.runpytest_subprocess()
    assert result.ret == 0
    assert "cosmos" not in result.stdout.str().replace("plugins: ", "").split("\n", 6)[-1]
    assert not (pytester.path / "reports").exists()
