"""Files from elsewhere become suites: what kind of answer it is, is deduced and said; what is not, is refused."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import datasets
import pytest
from typer.testing import CliRunner

from pytest_cosmos.cli import app
from pytest_cosmos.cli.check_cases import check_cases
from pytest_cosmos.errors import CosmosError, OptionError, Problems
from pytest_cosmos.finetune.import_cases import Imported, Importing, import_cases
from pytest_cosmos.judging import judge
from pytest_cosmos.prompting import FAMILIES
from pytest_cosmos.records import AnswerKind, Reply, Verdict
from tests.unit.suite_files import write_image
from tests.unit.video_files import write_video

CRACK, SAFE = "Is this floor cracked? Yes or No.", "How dangerous is it from 1 to 5?"
WEATHER = "What is the weather? Choose from ['Rain', 'Snow']."


def llava(image: str, question: str, answer: str, **more: Any) -> dict[str, Any]:
    turns = [{"from": "human", "value": f"<image>\n{question}"}, {"from": "gpt", "value": answer}]
    return {"image": image, "conversations": turns, **more}


def written(folder: Path, items: list[Any], name: str = "annotations.json", images: int = 4) -> Path:
    for number in range(images):
        write_image(folder / f"{number}.png", ("red", "blue", "gray", "pink", "gold", "navy")[number % 6])
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(items, indent=1))
    return file


def taken(folder: Path, items: list[Any], *, images: int = 4, **how: Any) -> Imported:
    imported = import_cases([written(folder, items, images=images)], folder / "suite", Importing(**how))
    assert check_cases(folder / "suite") == 0
    return imported


def refused(folder: Path, items: list[Any], **how: Any) -> list[str]:
    file = written(folder, items)
    with pytest.raises(Problems) as caught:
        import_cases([file], folder / "suite", Importing(**how))
    assert not (folder / "suite").exists()
    return [line.removeprefix(f"{file}:") for line in caught.value.lines]


def test_a_question_asked_of_many_is_a_prompt(tmp_path: Path) -> None:
    answers = ("Yes", "no.", "No", "YES")
    suite = taken(tmp_path, [llava(f"{n}.png", CRACK, answer) for n, answer in enumerate(answers)]).suite

    (prompt,) = suite.prompts
    assert (prompt.name, prompt.text, prompt.kind) == ("is_this_floor_cracked_yes_or_no", CRACK, AnswerKind.YES_NO)
    assert prompt.reasoning is False  # the answers have none, so none is asked for
    assert prompt.system is None
    assert [(case.sample.id, case.expected) for case in suite.cases()] == [
        ("0", "Yes"),
        ("1", "No"),
        ("2", "No"),
        ("3", "Yes"),
    ]


def test_the_questions_of_a_picture_share_its_sample(tmp_path: Path) -> None:
    items = [
        *(llava(f"{n}.png", CRACK, "Yes", id=f"id {n}", split="train", source="real", wts_id=3) for n in range(4)),
        *(llava(f"{n}.png", SAFE, str(n + 1), id=f"other {n}") for n in range(4)),
        *(llava(f"{n}.png", WEATHER, answer) for n, answer in enumerate(("Rain", "rain", "Snow.", "Rain"))),
        llava("0.png", CRACK, "Yes"),  # once more
    ]
    imported = taken(tmp_path, items)

    kinds = [prompt.kind.value for prompt in imported.suite.prompts]
    assert kinds == ["yes_no", "rating", "choice"]
    assert imported.suite.prompts[1].choices == ("1", "2", "3", "4", "5")
    assert imported.suite.prompts[2].choices == ("Rain", "Snow")
    assert [sample.id for sample in imported.suite.samples] == ["id 0", "id 1", "id 2", "id 3"]
    assert {(sample.split, sample.source) for sample in imported.suite.samples} == {("train", "real")}
    assert [case.expected for case in imported.suite.cases("train") if case.prompt.kind is AnswerKind.CHOICE] == [
        "Rain",
        "Rain",
        "Snow",
        "Rain",
    ]
    assert imported.remarks[0] == (
        "is_this_floor_cracked_yes_or_no: yes_no, deduced from the answers: Yes 4; "
        "not asked to think first (reasoning: false)"
    )


def test_questions_of_their_own(tmp_path: Path) -> None:
    items = [
        llava("0.png", "Is it wet?", "Yes"),
        llava("0.png", "Which is it?\nA: wood\nB: stone \nC: tile\nAnswer with the option's letter.", "C"),
        llava("1.png", "Where?\n(A) left\n(B) right", "(B)"),
        llava("2.png", "How many cracks are there?", "7"),
    ]
    imported = taken(tmp_path, items)
    cases = {case.sample.id: case for case in imported.suite.cases()}

    assert {name: (case.prompt.name, case.expected) for name, case in cases.items()} == {
        "0": ("yes_no", "Yes"),
        "0-2": ("choice", "C"),
        "1": ("choice", "B"),
        "2": ("rating", "7"),
    }
    assert cases["0-2"].prompt.text == items[1]["conversations"][0]["value"].removeprefix("<image>\n")
    assert cases["0-2"].prompt.choices == ("A", "B", "C")
    assert cases["2"].prompt.choices == tuple(str(n) for n in range(1, 11))
    assert [prompt.text for prompt in imported.suite.prompts] == ["{question}"] * 3
    reply = Reply(case_key="x", raw="The answer is C: tile", answer="The answer is C: tile", finish="stop")
    assert judge(cases["0-2"], reply).verdict is Verdict.CORRECT


@pytest.mark.parametrize("family", ["reason1", "reason2"])
def test_reasoning_is_told_apart_from_the_answer(tmp_path: Path, family: str) -> None:
    how = FAMILIES[family]
    said = "<think>\nA line.\n</think>\n\n" + ("<answer>\nYes\n</answer>" if family == "reason1" else "Yes")
    lines = [{"image_path": f"{n}.png", "prompt": CRACK, "target": said, "system": how.system_prompt} for n in range(2)]
    for line in lines:
        key = "system" if how.request_in == "system" else "prompt"
        line[key] += f"\n\n{how.request}"
    (prompt,) = (suite := taken(tmp_path, lines).suite).prompts

    assert (prompt.text, prompt.system, prompt.reasoning) == (CRACK, None, True)
    assert [(sample.label, sample.reasoning) for sample in suite.samples] == [("Yes", "A line.")] * 2


def test_a_data_set_of_conversations(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", 6)
    shutil.copyfile(tmp_path / "clip.mp4", tmp_path / "again.mp4")
    rows = []
    for name, answer in (("clip.mp4", "Yes"), ("again.mp4", "No")):
        shown = [{"type": "video", "video": str(tmp_path / name)}, {"type": "text", "text": CRACK}]
        said = (("system", "You watch."), ("user", shown), ("assistant", answer))
        rows.append(json.dumps([{"role": role, "content": content} for role, content in said]))
    datasets.Dataset.from_dict({"conversations": rows}).save_to_disk(str(tmp_path / "data"))
    imported = import_cases([tmp_path / "data"], tmp_path / "suite", Importing())

    assert imported.formats == ("hf",)
    assert [(sample.media, sample.label) for sample in imported.suite.samples] == [
        (("media/clip.mp4",), "Yes"),
        (("media/again.mp4",), "No"),
    ]
    assert imported.suite.prompts[0].system == "You watch."


def test_a_data_set_without_the_package_or_the_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets.Dataset.from_dict({"other": ["x"]}).save_to_disk(str(tmp_path / "data"))
    with pytest.raises(OptionError, match="data: has no column conversations that can be read"):
        import_cases([tmp_path / "data"], tmp_path / "suite", Importing())
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(OptionError, match=r"data: the package 'datasets' is not installed\. Install it: pip install"):
        import_cases([tmp_path / "data"], tmp_path / "suite", Importing())


QA = {"question": "What next?", "index2ans": {"A": "stop", "B": "go", "C": "turn"}, "answer": "B"}


def test_the_question_files_of_the_benchmark(tmp_path: Path) -> None:
    write_video(tmp_path / "clips/x.mp4", 6)
    write_video(tmp_path / "clips/y.mp4", 7)
    old = {"question": "And?", "index2ans": {"A": "1", "B": "2"}, "correct_answer": "A"}
    items = [{"video": "clips/x.mp4", "qa_pairs": QA}, {"video": "clips/y.mp4", "qa_pairs": [QA, old]}]
    imported = taken(tmp_path, items)
    cases = imported.suite.cases()

    assert imported.formats == ("questions",)
    assert [(case.sample.id, case.expected, case.prompt.choices) for case in cases] == [
        ("x", "B", ("A", "B", "C")),
        ("y", "B", ("A", "B", "C")),
        ("y-2", "A", ("A", "B", "C")),
    ]
    # as tools/eval/utils/input.py of nvidia-cosmos/cosmos-reason1 asks
    assert cases[0].prompt.text == (
        "What next?\n(A) stop\n(B) go\n(C) turn\nAnswer with the option's letter from the given choices directly."
    )
    assert (cases[0].prompt.system, cases[0].prompt.reasoning) == ("Answer the questions.", True)


def test_all_that_is_wrong_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    bad = [
        llava("0.png", CRACK, "Yes"),
        llava("none.png", CRACK, "Yes"),
        llava("1.png", "What do you see?", "A floor that has seen better days."),
        {"image": "1.png", "conversations": [{"from": "human", "value": 3}]},
        {"image": "2.png", "conversations": [{"value": "a"}, {"value": "b"}, {"value": "c"}]},
        {"id": "x", "prompt": "a", "target": "b"},
        llava("0.png", CRACK, "No"),
        {"conversations": [{"value": "a?"}, {"value": "Yes"}]},
        llava("3.png", CRACK, "Y\ud800"),
        llava("3.png", "Is it\x1b[31m red?", "Yes"),
    ]
    found = refused(tmp_path, bad)

    assert [line.partition(": ")[2].partition(": ")[2][:60] for line in found] == [
        "'none.png' does not exist. Looked in " + str(tmp_path)[: 60 - 37],
        "is answered by 'A floor that has seen better days.', which n",
        "llava: conversations.0.value: Input should be a valid string",
        "llava: conversations has 3 turns. Two are read, a question a",
        "is no record of the format llava, a list of {image or video,",
        "is answered by 'No', but the same question of the same media",
        "has neither an image nor a video",
        "llava: holds half of a character (a lone surrogate)",
        "holds a control character. Remove it",
    ]
    numbers = [int(line.partition(":")[0]) for line in found]
    lines = (tmp_path / "annotations.json").read_text().splitlines()
    assert [lines[number - 1] for number in numbers] == [" {"] * len(numbers)
    assert [line.partition(": ")[2].partition(": ")[0] for line in found] == [f"record {n}" for n in range(2, 11)]


def test_what_cannot_be_taken_is_left_out_on_request(tmp_path: Path) -> None:
    items = [llava("0.png", CRACK, "Yes"), llava("none.png", CRACK, "Yes"), llava("1.png", CRACK, "No")]
    imported = taken(tmp_path, items, skip=True)

    assert len(imported.suite.samples) == 2
    assert len(imported.skipped) == 1
    assert "'none.png' does not exist" in imported.skipped[0]


def test_nothing_left_is_no_suite(tmp_path: Path) -> None:
    assert "'none.png' does not exist" in refused(tmp_path, [llava("none.png", CRACK, "Yes")], skip=True)[0]
    assert refused(tmp_path, []) == ["1: no records"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"image": "0.png"', "1: not valid JSON: Expecting ',' delimiter"),
        ('[{"image": "0.png", "prompt": "a", "target": "b"}\n{', "2: not valid JSON: Expecting ',' or ']'"),
        ('{"image_path": "0.png", "prompt": "a?", "target": "Yes"}\n{"x', "2: not valid JSON: Unterminated string"),
        ("[" * 100_000, "1: not valid here: values nested too deeply"),
        ("", "1: the file is empty"),
    ],
)
def test_broken_files(tmp_path: Path, text: str, message: str) -> None:
    file = written(tmp_path, [])
    file.write_text(text)
    with pytest.raises(Problems) as caught:
        import_cases([file], tmp_path / "suite", Importing(skip=True))
    assert any(line.startswith(f"{file}:{message}") for line in caught.value.lines), caught.value.lines


@pytest.mark.parametrize("items", [[{"q": 1, "a": 2}], ["text"], [3]])
def test_an_unknown_format_is_named_with_those_known(tmp_path: Path, items: list[Any]) -> None:
    with pytest.raises(OptionError) as caught:
        import_cases([written(tmp_path, items)], tmp_path / "suite", Importing())
    assert "annotations.json:2: the format is none that is known. Its first record has " in str(caught.value)
    assert "questions: a list of {video, qa_pairs: {question, index2ans, answer}}" in str(caught.value)


def test_media_are_found_and_named_apart(tmp_path: Path) -> None:
    write_image(tmp_path / "data/a/x.png", "red")
    write_image(tmp_path / "data/b/x.png", "blue")
    write_image(tmp_path / "x.png", "gray")
    elsewhere = str(tmp_path / "x.png")
    items = [
        llava("a/x.png", CRACK, "Yes"),
        llava("b/x.png", CRACK, "No"),
        llava(elsewhere, CRACK, "No"),
        llava("../x.png", CRACK + "!", "No"),
    ]
    imported = taken(tmp_path, items, media_path=tmp_path / "data")

    assert [sample.media[0] for sample in imported.suite.samples] == [
        "media/a/x.png",
        "media/b/x.png",
        "media/x.png",
    ]
    assert imported.suite.cases()[3].prompt.text == f"{CRACK}!"  # the file that is named in two ways is one


def test_a_file_that_is_no_medium(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    assert "'secret.txt' is of an unsupported type" in refused(tmp_path, [llava("secret.txt", CRACK, "Yes")])[0]
    (tmp_path / "fake.png").write_text("secret")
    assert "1: 'fake.png' is corrupt" in refused(tmp_path, [llava("fake.png", CRACK, "Yes")])[0]
    items = [llava("fake.png", CRACK, "Yes"), llava("0.png", CRACK, "Yes")]
    assert len(taken(tmp_path, items, skip=True).suite.samples) == 1


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["import", *map(str, arguments)])
    return result.exit_code, str(result.exception) if isinstance(result.exception, CosmosError) else result.output


def test_the_command(tmp_path: Path) -> None:
    file = written(tmp_path, [llava(f"{n}.png", CRACK, "Yes\x1b[31m" if n == 3 else "Yes") for n in range(4)])
    code, output = run(file, "--out", tmp_path / "suite", "--split", "train", "--skip")

    assert code == 0, output
    assert output.splitlines()[:3] == [
        "format: llava",
        "is_this_floor_cracked_yes_or_no: yes_no, deduced from the answers: Yes 3; not asked to think first "
        "(reasoning: false)",
        "suite: suite",
    ]
    assert "left out: " in output
    assert "\x1b" not in output
    assert "train 3" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none.json",), "none.json: does not exist."),
        ((".",), ".: is no data set's folder. Name a file, a folder of `pack`, or hf/<split>."),
        (("a.json", "--format", "csv"), "--format csv: unknown. Allowed: jsonl, llava, hf, questions."),
        (("a.json", "--media", "symlink"), "--media symlink: unknown. Allowed: copy, hardlink."),
        (("a.json", "--split", "dev"), "--split dev: unknown. Allowed: test, validation, train."),
    ],
)
def test_mistakes_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, output = run(*arguments, "--out", tmp_path / "suite")

    assert code != 0
    assert output.startswith(message)
