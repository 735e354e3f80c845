"""Short options are aliases that step aside, and a checkpoint folder is data."""

from __future__ import annotations

from pathlib import Path

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


@pytest.fixture
def neighbour(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make another project with an ini file, a conftest and a checkpoint in it."""
    folder = tmp_path_factory.mktemp("other")
    (folder / "ckpt").mkdir()
    (folder / "ckpt/config.json").write_text("{}")
    (folder / "conftest.py").write_text(TRAP)
    (folder / "pytest.ini").write_text("[pytest]\ncosmos_engine = nonsense\n")
    return folder


@pytest.mark.parametrize("option", ["--model", "--cosmos-model", "--cosmos-reports"])
@pytest.mark.parametrize("place", ["before", "after", "alone"])
def test_a_checkpoint_in_another_project_does_not_move_the_root(
    project: Project, neighbour: Path, option: str, place: str
) -> None:
    value = (option, str(neighbour / "ckpt"))
    args = {"before": (*value, "benchmarks"), "after": ("benchmarks", *value), "alone": value}[place]
    result = project.pytester.runpytest_inprocess(*args, *project.workers, "--engine=scripted")
    assert result.ret == 4
    result.stderr.fnmatch_lines([
        f"ERROR: pytest took '{value[1]}' of {option} for a test path, and so {neighbour} (by {neighbour}/pytest.ini) "
        f"for the root of the project. Write {option}={value[1]} (with =).",
    ])  # fmt: skip
    assert not (neighbour / "executed").exists()
    assert not project.folders()


@pytest.mark.parametrize("ini", ["pytest.ini", "pyproject.toml", "setup.cfg", "tox.ini"])
@pytest.mark.parametrize("first", [True, False])
def test_a_project_with_an_ini_file_of_its_own_keeps_its_root(
    project: Project, tmp_path_factory: pytest.TempPathFactory, ini: str, first: bool
) -> None:
    section = {"pytest.ini": "pytest", "tox.ini": "pytest", "setup.cfg": "tool:pytest"}.get(ini)
    project.write(ini, f"[{section or 'tool.pytest.ini_options'}]\n")
    elsewhere = tmp_path_factory.mktemp("models")
    value = ("--model", str(elsewhere))
    result = project.run(*(value if first else ()), "benchmarks", *(() if first else value))
    assert result.exit_code == 0, result.text


@pytest.mark.parametrize(
    "args",
    [
        ("benchmarks", "--model", "./ckpt"),
        ("--model", "./ckpt", "benchmarks"),
        ("--model", "./ckpt"),
        ("benchmarks/test_floors.py::test_floors", "--model", "./ckpt", "--cosmos-reports", "./reports"),
        ("benchmarks", "--model=OTHER/ckpt"),
        ("benchmarks", "--cosmos-reports=OTHER/ckpt"),
        ("benchmarks", "--rootdir=.", "--model", "OTHER/ckpt"),
        ("benchmarks", "-c", "own.ini", "--model", "OTHER/ckpt"),
        ("benchmarks", "--suite", "floors", "--limit", "3", "--allow-partial"),
    ],
)
def test_the_usual_ways_to_name_a_checkpoint_are_left_alone(
    project: Project, neighbour: Path, args: tuple[str, ...]
) -> None:
    """Without an ini file; a folder is named `floors` and one `3`."""
    for name in ("ckpt", "floors", "3", "reports"):
        (project.path / name).mkdir()
    project.write("own.ini", "[pytest]\n")
    result = project.run(*(word.replace("OTHER", str(neighbour)) for word in args))
    assert result.exit_code == 0, result.text


def test_a_root_moved_by_an_option_of_the_projects_own_is_its_own_affair(
    lone_project: Project, neighbour: Path
) -> None:
    lone_project.write("conftest.py", "def pytest_addoption(parser):\n    parser.addoption('--model')\n")
    lone_project.write("benchmarks/test_floors.py", "def test_plain(): pass\n")
    (neighbour / "pytest.ini").write_text("[pytest]\n")
    result = lone_project.pytester.runpytest_subprocess("benchmarks", "--model", str(neighbour / "ckpt"))
    assert result.ret == 0


def test_plugin_is_silent_and_light_where_it_is_not_used(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import sys\ndef test_plain():\n"
                        "    heavy = {'torch', 'pydantic', 'transformers', 'sklearn'} & set(sys.modules)\n"
                        "    assert not heavy\n")  # fmt: skip
    result = pytester.runpytest_subprocess()
    assert result.ret == 0
    assert "cosmos" not in result.stdout.str().replace("plugins: ", "").split("\n", 6)[-1]
    assert not (pytester.path / "reports").exists()
