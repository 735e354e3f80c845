"""A comparison is void where the adapter has seen copies of what is tested, and nothing is looked at twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_cosmos.media import media_hash
from pytest_cosmos.pipeline import conclude
from pytest_cosmos.records import Comparison, Outcome, SuiteRecord
from pytest_cosmos.runlog import RunFolder
from pytest_cosmos.tiny import CHECKPOINT
from tests.unit.builders import case, outcome, run_of
from tests.unit.test_cli import invoke
from tests.unit.test_finetune_outputs import finished
from tests.unit.test_media_lookalikes import tile
from tests.unit.test_suites_leaks import suite_of
from tests.unit.video_files import write_video


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An adapter that was trained on the tiles 1 and 2 of the suite `floors`, whose test split holds 3."""
    monkeypatch.chdir(tmp_path)
    rows = ("1-a.png,cracked,train,g1", "2-a.png,cracked,validation,g2", "3-a.png,cracked,test,g3")
    suite_of(tmp_path / "cases", *rows, name="floors")
    learnt = {"train": [of("floors", "1-a.png")], "validation": [of("floors", "2-a.png")]}
    trained(tmp_path, learnt, suite_path="cases/floors", test_media=[of("floors", "3-a.png")])
    return tmp_path


def of(suite: str, name: str) -> str:
    return media_hash([Path("cases") / suite / "media" / name])


def trained(project: Path, learnt: dict[str, list[str]], **fields: Any) -> None:
    folder = project / "adapters/x"
    folder.mkdir(parents=True, exist_ok=True)
    record = {**finished(best=1).model_dump(mode="json"), "trained_on": {"floors": learnt}, **fields}
    (folder / "finetune.json").write_text(json.dumps(record))


def planted(project: Path, seed: int) -> None:
    """Write a suite `other` that tests a tile, resized and re-encoded."""
    suite_of(project / "cases", "9-b.png,cracked,test,g1", name="other")
    tile(seed).resize((160, 160)).save(project / "cases/other/media/9-b.png", "JPEG", quality=60)


def ran(project: Path, name: str, asked: Sequence[tuple[str, str]], adapter: str = "") -> RunFolder:
    """Write the run of a model that was asked these media, each named with its suite."""
    folder = RunFolder(project / "reports/runs" / name)
    folder.path.mkdir(parents=True)
    outcomes = [answered(suite, media, said="Yes" if adapter else "No") for suite, media in asked]
    folder.append(outcomes)
    folder.close()
    run, names = run_of(outcomes, model="tiny", thresholds=""), dict.fromkeys(suite for suite, _ in asked)
    suites = tuple(SuiteRecord(name=suite, path=f"cases/{suite}", planned=1, selected=1) for suite in names)
    model = run.model.model_copy(update={"adapter": adapter, "fingerprint": "f", "adapter_fingerprint": adapter})
    folder.write_run(
        run.model_copy(update={"id": name, "suites": suites, "model": model, "finished": "2026-01-02T03:05:05Z"})
    )
    return folder


def answered(suite: str, name: str, *, said: str) -> Outcome:
    sample = case(Path(name).stem, suite=suite).sample
    told = {"media": (f"media/{name}",), "media_hash": of(suite, name)}
    one = outcome(Path(name).stem, suite=suite, said=said)
    return one.model_copy(update={"case": one.case.model_copy(update={"sample": sample.model_copy(update=told)})})


def compared(project: Path, *asked: tuple[str, str]) -> Comparison:
    """Compare base and adapter, anew if they have been."""
    shutil.rmtree(project / "reports/runs", ignore_errors=True)
    before, after = ran(project, "old", asked), ran(project, "new", asked, "adapters/x")
    return conclude(after, None, [before], root=project).sides[0].compared.comparison


def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no picture be looked at, and no suite be read."""

    def looked(*_: object, **__: object) -> None:
        raise AssertionError("nothing is to be looked at")

    for name in ("pytest_cosmos.suites.leaks.load_image", "pytest_cosmos.comparing.seen.sound_samples"):
        monkeypatch.setattr(name, looked)


@pytest.mark.parametrize(("seed", "learnt"), [(1, "1-a.png (train)"), (2, "2-a.png (validation)")])
def test_a_copy_of_what_it_was_trained_on_makes_a_comparison_void(
    project: Path, monkeypatch: pytest.MonkeyPatch, seed: int, learnt: str
) -> None:
    planted(project, seed)
    found = compared(project, ("other", "9-b.png"), ("floors", "3-a.png"))
    assert found.faults == (
        "other/9-b: the adapter was trained on what is not independent of it: cases/other/media/9-b.png (test): shows "
        f"the same, maybe scaled, turned or cropped, as cases/floors/media/{learnt}.",
    )
    assert found.remarks == ()
    blind(monkeypatch)
    again = compared(project, ("other", "9-b.png"), ("floors", "3-a.png"))
    assert again.faults == found.faults, "what was found is known"


def test_another_picture_does_not_and_is_looked_at_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted(project, 7)
    found = compared(project, ("other", "9-b.png"))
    assert (found.faults, found.remarks) == ((), ())
    blind(monkeypatch)
    found = compared(project, ("other", "9-b.png"))
    assert (found.faults, found.remarks) == ((), ())
    (project / "reports/leaks.jsonl").unlink()
    with pytest.raises(AssertionError, match="nothing is to be looked at"):
        compared(project, ("other", "9-b.png"))


def test_what_the_guard_saw_before_training_is_not_looked_at(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blind(monkeypatch)
    found = compared(project, ("floors", "3-a.png"))
    assert (found.faults, found.remarks) == ((), ())
    assert not (project / "reports/leaks.jsonl").exists()


def test_an_adapter_that_learnt_something_else_is_looked_at_anew(project: Path) -> None:
    planted(project, 1)
    compared(project, ("other", "9-b.png"))
    trained(project, {"train": [of("floors", "2-a.png")]}, suite_path="cases/floors")
    found = compared(project, ("other", "9-b.png"))
    assert found.faults == ()


def test_a_sample_added_to_a_group_that_was_trained_on(project: Path) -> None:
    with (project / "cases/floors/samples.csv").open("a", encoding="utf-8") as table:
        table.write("media/8-a.png,cracked,test,g1\n")
    tile(8).save(project / "cases/floors/media/8-a.png")
    shutil.rmtree(project / "reports", ignore_errors=True)
    before, after = (ran(project, name, [("floors", "8-a.png")], adapter) for name, adapter in SIDES)
    grouped(after)
    (fault,) = conclude(after, None, [before], root=project).sides[0].compared.comparison.faults
    assert fault.endswith("8-a.png (test): group 'g1' as cases/floors/media/1-a.png (train).")


SIDES = (("old", ""), ("new", "adapters/x"))


def grouped(folder: RunFolder) -> None:
    """Let the tested sample be of the group g1."""
    file = folder.path / "outcomes.jsonl"
    file.write_text(file.read_text().replace('"group":""', '"group":"g1"'))


def test_groups_of_another_suite_of_the_same_name_are_others(project: Path) -> None:
    elsewhere = suite_of(project / "more", "8-a.png,cracked,test,g1", name="floors").folder
    digest = media_hash([elsewhere / "media/8-a.png"])
    before, after = (ran(project, name, [("floors", "3-a.png")], adapter) for name, adapter in SIDES)
    for folder in (before, after):
        file, run = folder.path / "outcomes.jsonl", folder.read_run()
        file.write_text(file.read_text().replace("3-a", "8-a").replace(of("floors", "3-a.png"), digest))
        suites = tuple(suite.model_copy(update={"path": "more/floors"}) for suite in run.suites)
        folder.write_run(run.model_copy(update={"suites": suites}))
        grouped(folder)
    found = conclude(after, None, [before], root=project).sides[0].compared.comparison
    assert (found.faults, found.remarks) == ((), ())


def test_a_frame_of_a_video_that_was_trained_on(project: Path) -> None:
    suite = project / "cases/floors"
    write_video(suite / "media/drive.mp4", 8)
    with (suite / "samples.csv").open("a", encoding="utf-8") as table:
        table.write("media/drive.mp4,cracked,train,g4\n")
    trained(project, {"train": [of("floors", "drive.mp4")]}, suite_path="cases/floors")
    other = suite_of(project / "cases", "9-b.png,cracked,test,g1", name="other").folder
    (other / "media/9-b.png").rename(other / "media/drive_0003.png")
    (fault,) = compared(project, ("other", "drive_0003.png")).faults
    assert "drive_0003.png (test): frames of the same video, by their names, as cases/floors/media/drive.mp4" in fault


def by_hashes(count: str, why: str) -> tuple[str]:
    return (
        f"tiny + x: 1 tested media were held against {count} by the hashes of the files alone, which no copy shares: "
        f"{why}.",
    )


def test_training_media_that_are_not_there_any_more_are_told(project: Path) -> None:
    planted(project, 1)
    shutil.move(project / "cases/floors/media/1-a.png", project / "1-a.png")
    found = compared(project, ("other", "9-b.png"))
    assert found.faults == ()
    gone = by_hashes("1 of its 2 training media", "they are not in cases/floors any more")
    assert found.remarks == gone
    tile(2).resize((160, 160)).save(project / "cases/other/media/9-b.png", "JPEG", quality=60)
    found = compared(project, ("other", "9-b.png"))
    assert len(found.faults) == 1, "the other one is there, and looked at"
    assert found.remarks == gone
    tile(1).resize((160, 160)).save(project / "cases/other/media/9-b.png", "JPEG", quality=60)
    tile(5).save(project / "cases/floors/media/1-a.png")
    found = compared(project, ("other", "9-b.png"))
    assert found.faults == ()
    assert found.remarks == gone
    shutil.move(project / "1-a.png", project / "cases/floors/media/1-a.png")
    assert compared(project, ("other", "9-b.png")).faults, "once they are back, they are looked at"


def test_a_training_suite_that_is_not_there_any_more_is_told(project: Path) -> None:
    planted(project, 1)
    (project / "cases/floors/suite.yaml").unlink()
    found = compared(project, ("other", "9-b.png"))
    assert found.remarks == by_hashes("2 of its 2 training media", "their suite, cases/floors, cannot be read any more")


UNKNOWN = (
    "tiny + x: nothing says what it was trained on (no finetune.json in adapters/x), so it is not known whether it has "
    "seen what is tested.",
)


def test_what_was_found_stays_found_where_the_record_is_gone(project: Path) -> None:
    planted(project, 1)
    before, after = (
        ran(project, "old", [("other", "9-b.png")]),
        ran(project, "new", [("other", "9-b.png")], "adapters/x"),
    )
    faults = conclude(after, None, [before], root=project).sides[0].compared.comparison.faults
    assert faults
    shutil.rmtree(project / "adapters/x")
    again = conclude(after, None, [before], root=project).sides[0].compared.comparison
    assert (again.faults, again.remarks) == (faults, UNKNOWN)
    assert compared(project, ("other", "9-b.png")).faults == (), "of a run that nobody has compared nothing is known"


def test_an_epochs_adapter_was_trained_on_what_its_run_was(project: Path) -> None:
    planted(project, 1)
    epoch = project / "adapters/x/checkpoints/checkpoint-3"
    epoch.mkdir(parents=True)
    (project / "adapters/x/finetune.json").rename(epoch.parent / "plan.json")
    before = ran(project, "old", [("other", "9-b.png")])
    after = ran(project, "new", [("other", "9-b.png")], "adapters/x/checkpoints/checkpoint-3")
    assert conclude(after, None, [before], root=project).sides[0].compared.comparison.faults


def test_merged_weights_were_trained_on_what_their_adapter_was(project: Path) -> None:
    planted(project, 1)
    (project / "merged").mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copy(CHECKPOINT / name, project / "merged")
    before, after = ran(project, "old", [("other", "9-b.png")]), ran(project, "new", [("other", "9-b.png")])
    model = after.read_run().model.model_copy(update={"name": "./merged", "fingerprint": "m"})
    after.write_run(after.read_run().model_copy(update={"model": model}))
    assert conclude(after, None, [before], root=project).sides[0].compared.comparison.faults == ()
    shutil.copy(project / "adapters/x/finetune.json", project / "merged")
    assert conclude(after, None, [before], root=project).sides[0].compared.comparison.faults


def test_an_adapter_of_other_weights_of_the_same_shape_makes_a_comparison_void(project: Path) -> None:
    before, after = (ran(project, name, [("floors", "3-a.png")], adapter) for name, adapter in SIDES)
    learnt = {"train": [of("floors", "1-a.png")]}
    run = after.read_run()
    for theirs, ours, faults in (("a" * 64, "b" * 64, 1), ("a" * 64, "a" * 64, 0), ("a" * 40, "b" * 64, 0)):
        base = finished(best=1).base.model_copy(update={"fingerprint": theirs}).model_dump(mode="json")
        trained(project, learnt, base=base, test_media=[of("floors", "3-a.png")])
        after.write_run(run.model_copy(update={"model": run.model.model_copy(update={"fingerprint": ours})}))
        found = conclude(after, None, [before], root=project).sides[0].compared.comparison.faults
        assert [line for line in found if "was trained on other weights" in line] == list(found)
        assert len(found) == faults


def test_an_older_record_does_not_say_where_they_lie(project: Path) -> None:
    planted(project, 1)
    trained(project, {"train": [of("floors", "1-a.png")]})
    found = compared(project, ("other", "9-b.png"), ("floors", "1-a.png"))
    assert found.faults == ("floors/1-a: the adapter was trained on the same media (floors, split train).",)
    assert found.remarks == by_hashes("1 of its 1 training media", "finetune.json does not say where they lie")


def test_tested_media_that_are_not_there_any_more_are_told(project: Path) -> None:
    planted(project, 1)
    before, after = (ran(project, name, [("other", "9-b.png")], adapter) for name, adapter in SIDES)
    tile(9).save(project / "cases/other/media/9-b.png")
    found = conclude(after, None, [before], root=project).sides[0].compared.comparison
    assert found.faults == ()
    assert found.remarks == by_hashes("its training media", "they are not in their suites any more")
    assert not (project / "reports/leaks.jsonl").exists()


def test_media_that_cannot_be_decoded_are_told(project: Path) -> None:
    planted(project, 1)
    (project / "cases/other/media/9-b.png").write_bytes(b"no picture")
    (remark,) = compared(project, ("other", "9-b.png")).remarks
    assert remark.startswith("tiny + x: 1 tested media were held against its training media by the hashes")
    assert "cases/other/media/9-b.png" in remark
    assert not (project / "reports/leaks.jsonl").exists()


def test_many_copies_are_counted(project: Path) -> None:
    trained(project, {"train": [of("floors", "1-a.png")]}, test_media=[of("floors", "3-a.png")])
    rows = [f"1-{letter}.png,cracked,test,{letter}" for letter in "abcdefg"]
    suite_of(project / "cases", *rows, name="other")
    found = compared(project, *(("other", row.partition(",")[0]) for row in rows))
    assert len(found.faults) == 6
    assert found.faults[-1] == "and 2 more such samples."


def test_the_commands_say_void(project: Path) -> None:
    planted(project, 1)
    for name, adapter in SIDES:
        ran(project, name, [("other", "9-b.png")], adapter)
    code, text = invoke("compare", "old", "new")
    said = " ".join(text.split())
    assert code == 1, text
    assert "VOID: the two runs cannot be compared, see above." in said
    assert "cases/other/media/9-b.png (test): shows the same" in said
    code, text = invoke("decide", "new")
    assert code == 1, text
    assert "The comparison is void: other/9-b: the adapter was trained on what is not" in " ".join(text.split())


def test_the_commands_do_not_say_void_of_another_picture(project: Path) -> None:
    planted(project, 7)
    for name, adapter in SIDES:
        ran(project, name, [("other", "9-b.png")], adapter)
    text = invoke("compare", "old", "new")[1]
    assert "VOID" not in text
    assert "COMPARED: held against no regression threshold" in " ".join(text.split())


def test_the_adapter_may_be_moved_within_the_project(project: Path) -> None:
    planted(project, 1)
    shutil.copytree(project / "adapters/x", project / "adapters/kept/2026/x")
    before = ran(project, "old", [("other", "9-b.png")])
    after = ran(project, "new", [("other", "9-b.png")], "adapters/kept/2026/x")
    assert conclude(after, None, [before], root=project).sides[0].compared.comparison.faults


def test_no_picture_is_kept_with_the_adapter(project: Path) -> None:
    planted(project, 1)
    compared(project, ("other", "9-b.png"))
    assert [path.name for path in (project / "adapters/x").iterdir()] == ["finetune.json"]
