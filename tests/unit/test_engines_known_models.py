"""models.yaml: what it adds to the short names, and every mistake in it at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_cosmos.engines.known_models import SHORT_NAMES, KnownModel, is_commit, known_models, read_models
from pytest_cosmos.engines.models import fetch, locate, pin_advice, unavailable, with_known
from pytest_cosmos.errors import OptionError, Problems
from pytest_cosmos.tiny import CHECKPOINT
from tests.unit.engine_builders import settings_of

SHA = "0123456789abcdef0123456789abcdef01234567"


def write(folder: Path, text: str) -> Path:
    file = folder / "models.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def problems_of(folder: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(Problems) as caught:
        read_models(write(folder, text))
    prefix = f"{folder}/models.yaml:"
    assert all(line.startswith(prefix) for line in caught.value.lines), caught.value.lines
    return tuple(line.removeprefix(prefix) for line in caught.value.lines)


def test_everything_that_can_be_said_of_a_model(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "inspector:\n"
        "  repository: acme/floor-inspector\n"
        f"  revision: {SHA}\n"
        "  family: reason2\n"
        "  dtype: bfloat16\n"
        "  attention: eager\n"
        "  gated: true\n"
        "  download_gb: 17.5\n"
        "  memory_gb: 24\n"
        "trained: {folder: ../checkpoints/inspector}\n",
    )
    assert read_models(file) == {
        "inspector": KnownModel(
            repository="acme/floor-inspector",
            revision=SHA,
            family="reason2",
            dtype="bfloat16",
            attention="eager",
            gated=True,
            download_gb=17.5,
            memory_gb=24.0,
            where=f"{file}:1",
        ),
        "trained": KnownModel(folder=tmp_path / "../checkpoints/inspector", where=f"{file}:10"),
    }


def test_without_the_file_there_are_the_built_in_names() -> None:
    assert known_models(None) == SHORT_NAMES


def test_a_built_in_name_is_pinned_for_the_project(tmp_path: Path) -> None:
    file = write(tmp_path, f"reason2: {{revision: {SHA}}}\n")
    located = locate("reason2", file)
    assert (located.path_or_id, located.revision) == ("nvidia/Cosmos-Reason2-2B", SHA)
    assert located.known.memory_gb == SHORT_NAMES["reason2"].memory_gb
    assert locate("reason2@main", file).revision == "main"
    assert locate("nvidia/Cosmos-Reason2-2B", file).revision is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("tiny: {repository: a/b}", "1: model 'tiny' is the embedded model. Choose another name"),
        (
            "a/b: {repository: a/b}",
            "1: model 'a/b' is no name. Use letters, digits, '-', '_' and '.' (no '/' and no '@')",
        ),
        ("m: {}", "1: model 'm' is empty, but must be a mapping such as"),
        ("m:", "1: model 'm' is nothing, but must be a mapping such as"),
        ("- m", "1: the file is a list, but must be a mapping such as {inspector: {repository:"),
        ("m: {repository: a/b}\nm: {repository: a/c}", "2: the file: 'm' is already given in line 1. Remove one"),
        ("m: {family: reason2}", "1: model 'm' lacks its weights. Write repository: org/name, or folder: PATH"),
        ("m: {repository: a/b, folder: x}", "1: model 'm' has both repository and folder. Remove one"),
        ("m: {repositry: a/b}", "1: model 'm': unknown key 'repositry'. Allowed: repository, folder, revision,"),
        ("m: {repository: a}", "1: model 'm' has the repository 'a', which is no Hugging Face id. Write org/name"),
        ("m: {repository: a/b--c}", "1: model 'm' has the repository 'a/b--c', which is no Hugging Face id."),
        ("m: {repository: a/../b}", "1: model 'm' has the repository 'a/../b', which is no Hugging Face id."),
        ("m: {repository: a/b@c}", "1: model 'm' has the repository 'a/b@c'. Write what follows the @ as revision:"),
        ("m: {folder: x, revision: abc}", "1: model 'm' has revision, which goes with repository, not with folder."),
        ("m: {folder: x, gated: true}", "1: model 'm' has gated, which goes with repository, not with folder."),
        ("reason2: {folder: x}", "1: model 'reason2' is nvidia/Cosmos-Reason2-2B, no folder. Choose another name"),
        ("reason2: {repository: a/b}", "1: model 'reason2' is nvidia/Cosmos-Reason2-2B, not a/b. Choose another name"),
        ("m: {repository: a/b, revision: 1234567}", "1: model 'm': revision is 1234567 (a number), but must be text."),
        ("m: {repository: a/b, revision: ../x}", "1: model 'm' has the revision '../x', which must be a commit,"),
        ("m: {repository: a/b, revision: a/../x}", "1: model 'm' has the revision 'a/../x', which must be a commit,"),
        ("m: {repository: a/b, family: reason3}", "1: model 'm' has the family 'reason3', which is not known."),
        ("m: {repository: a/b, dtype: int4}", "1: model 'm' has the dtype 'int4', which is not known."),
        ("m: {repository: a/b, gated: 1}", "1: model 'm': gated is 1 (a number), but must be true or false"),
        ("m: {repository: a/b, memory_gb: 24 GB}", "1: model 'm': memory_gb is '24 GB' (text), but must be a number"),
        ("m: {repository: a/b, download_gb: 0}", "1: model 'm' has download_gb 0, but it must be more than 0"),
        ("m: [", "1: not valid YAML:"),
        ("", "1: the file is empty"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_message_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    (told,) = problems_of(tmp_path, text)
    assert told.startswith(problem)


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines(tmp_path: Path) -> None:
    text = "a:\n  repository: nope\n  family: nope\nb:\n  folder: x\n  memory_gb: -1\ntiny: {repository: x/y}\n"
    assert [told.partition(":")[0] for told in problems_of(tmp_path, text)] == ["2", "3", "6", "7"]


def test_mistakes_stop_every_lookup(tmp_path: Path) -> None:
    with pytest.raises(Problems):
        locate("tiny", write(tmp_path, "m: {}"))


def test_a_folder_is_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "mine").symlink_to(CHECKPOINT)
    file = write(tmp_path, "mine: {folder: mine, family: generic}\n")
    located = locate("mine", file)
    assert fetch(located) == CHECKPOINT
    assert located.known.family == "generic"
    with pytest.raises(OptionError, match="--model mine@main: mine is on this machine and has no revisions"):
        locate("mine@main", file)


def test_a_folder_that_is_not_there_is_told_with_its_line(tmp_path: Path) -> None:
    file = write(tmp_path, "mine:\n  folder: nowhere\n")
    with pytest.raises(OptionError) as caught:
        locate("mine", file)
    assert str(caught.value) == f"--model mine: {tmp_path}/nowhere ({file}:1) is not there."


@pytest.mark.parametrize("folder", ["~nobody-of-that-name/x", "~/nowhere"])
def test_a_home_folder(tmp_path: Path, folder: str) -> None:
    file = write(tmp_path, f"mine: {{folder: {folder}}}\n")
    with pytest.raises(OptionError, match=r"--model mine: .*/(~nobody-of-that-name/x|nowhere) \(.*:1\) is not there\."):
        locate("mine", file)
    with pytest.raises(OptionError, match="there is no such folder"):
        locate(folder)


def test_the_file_names_a_model_before_a_folder_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    assert locate("mine", write(tmp_path, "mine: {repository: acme/mine}\n")).path_or_id == "acme/mine"


def test_an_unknown_name_is_compared_with_those_of_the_project(tmp_path: Path) -> None:
    with pytest.raises(OptionError) as caught:
        locate("inspektor", write(tmp_path, "inspector: {repository: acme/floor-inspector}\n"))
    assert "Did you mean 'inspector'?" in str(caught.value)
    assert "Names: tiny, reason1, reason2, reason2-8b, reason2-32b, inspector;" in str(caught.value)


def test_missing_weights_are_described_by_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, "m: {repository: acme/m, download_gb: 7.5, memory_gb: 12, gated: true}\n")
    assert unavailable(locate("m", file), "offline").splitlines()[1:3] == [
        "  Wanted: download about 7.5 GB; GPU memory 12 GB; gated: accept its terms on its Hugging Face page first.",
        "  Get it: hf auth login && hf download acme/m",
    ]


@pytest.mark.parametrize("name", ["reason2@", "reason2@../../x", "org/model@a..b", "reason2@-x", "reason2@a b"])
def test_a_revision_that_is_none(name: str) -> None:
    with pytest.raises(OptionError, match="what follows the @ must be a commit, a branch or a tag"):
        locate(name)


@pytest.mark.parametrize("name", ["main", "v1.0", "a_b+c", SHA])
def test_a_revision_that_is_one(name: str) -> None:
    assert locate(f"reason2@{name}").revision == name


@pytest.mark.parametrize("name", ["refs/pr/1", "feature/a_b"])
def test_a_revision_that_looks_like_a_path_is_named_in_the_file(tmp_path: Path, name: str) -> None:
    """The guards of thresholds.yaml would not know `reason2@refs/pr/1` for `reason2`."""
    with pytest.raises(OptionError, match=f"--model reason2@{name}: a revision with a '/' cannot be told from a path"):
        locate(f"reason2@{name}")
    assert locate("reason2", write(tmp_path, f"reason2: {{revision: {name}}}\n")).revision == name


def test_the_file_fills_what_the_user_left_open(tmp_path: Path) -> None:
    file = write(tmp_path, "m: {repository: acme/m, family: reason1, dtype: bfloat16, attention: eager}\n")
    settings = settings_of(tmp_path, model="m", models_file=file)
    filled = with_known(settings)
    assert (filled.family, filled.dtype, filled.attention) == ("reason1", "bfloat16", "eager")
    for attention in ("flex_attention", "sdpa"):  # also where it is the usual one
        chosen = {"family": "generic", "dtype": "float32", "attention": attention}
        asked = settings_of(tmp_path, model="m", models_file=file, **chosen)
        assert with_known(asked) == asked
    other = settings_of(tmp_path, model="org/other", models_file=file)
    assert with_known(other) == replace(other, attention="sdpa")


def test_how_to_pin(tmp_path: Path) -> None:
    assert pin_advice(locate("reason2"), SHA) == (
        f"--model reason2 is not pinned: it may stand for other weights tomorrow.\n  Pin it: --model reason2@{SHA}"
    )
    assert pin_advice(locate("org/model@main"), SHA) == (
        "--model org/model@main is not pinned: revision main of org/model is a name that may stand for other weights "
        f"tomorrow.\n  Pin it: --model org/model@{SHA}"
    )
    file = write(tmp_path, "m: {repository: acme/m}\n")
    assert str(pin_advice(locate("m", file), SHA)).splitlines()[1:] == [
        f"  Pin it: --model m@{SHA}",
        f"  Or in {file}:1: revision: {SHA}",
    ]


@pytest.mark.parametrize("name", ["tiny", f"reason2@{SHA}", "org/model@0123abc", str(CHECKPOINT)])
def test_what_needs_no_pin(name: str) -> None:
    assert pin_advice(locate(name), SHA) is None


def test_a_pin_in_the_file_is_one(tmp_path: Path) -> None:
    assert pin_advice(locate("reason2", write(tmp_path, f"reason2: {{revision: {SHA}}}\n")), SHA) is None


@pytest.mark.parametrize("revision", [SHA, "0123abc"])
def test_what_is_a_commit(revision: str) -> None:
    assert is_commit(revision)


@pytest.mark.parametrize("revision", ["012abc", "main", "v1.0", None])
def test_what_is_no_commit(revision: str | None) -> None:
    assert not is_commit(revision)
