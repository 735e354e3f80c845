"""An engine with a memory: asks what is not stored, and only that."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from pytest_cosmos.engines.plan import Plan
from pytest_cosmos.engines.store import ReplyStore
from pytest_cosmos.errors import ModelUnavailable
from pytest_cosmos.records import Case, Reply
from pytest_cosmos.tiny import CHECKPOINT
from tests.unit.store_builders import RIGHT, AsTiny, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_what_was_asked_is_not_asked_again_nor_the_model_loaded(bench: Bench) -> None:
    first = bench.run()
    assert len(bench.asked) == len(bench.cases) == 9
    second = bench.run()
    assert bench.asked == []
    assert bench.inner[0].loads == 0
    assert {key: reply.model_copy(update={"stored": False}) for key, reply in second.items()} == first
    assert all(reply.stored for reply in second.values())
    assert not any(reply.stored for reply in first.values())


def test_only_what_is_missing_is_asked_and_what_is_stored_comes_first(bench: Bench) -> None:
    bench.run(bench.cases[3:6])
    bench.inner.clear()
    engine = bench.engine()
    replies = list(engine.answer(bench.cases))
    engine.close()
    assert [reply.stored for reply in replies] == [True] * 3 + [False] * 6
    assert bench.asked == [case.key for case in (*bench.cases[:3], *bench.cases[6:])]


def test_an_error_is_never_stored(bench: Bench) -> None:
    failing = bench.cases[4].key
    bench.script({failing: {"error": "connection reset"}, **RIGHT})
    assert bench.run()[failing].finish == "error"
    bench.script(RIGHT)
    assert bench.run()[failing].finish == "stop"
    assert bench.asked == [failing]
    bench.run()
    assert bench.asked == []


def test_every_reply_is_in_the_store_before_anybody_hears_of_it(bench: Bench) -> None:
    engine = bench.engine()
    for number, _ in enumerate(engine.answer(bench.cases), start=1):
        other = ReplyStore(bench.root / "store" / "replies.sqlite")
        assert sum(count for (count,) in other._rows("SELECT COUNT(*) FROM replies")) == number
        other.close()
    engine.close()


def test_fresh_asks_again_and_stores_what_it_hears(bench: Bench) -> None:
    bench.run()
    bench.script({"*": {"raw": "No", "confidence": 0.6}})
    assert not any(reply.stored for reply in bench.run(fresh=True).values())
    assert len(bench.asked) == 9
    assert {reply.raw for reply in bench.run().values()} == {"No"}
    assert bench.asked == []


def test_a_replay_asks_nothing_and_says_what_it_lacks(bench: Bench) -> None:
    bench.run(bench.cases[:6])
    replies = bench.run(replay_only=True)
    assert bench.asked == []
    assert bench.inner[0].loads == 0
    assert bench.inner[0].closes >= 1
    lacking = [replies[case.key] for case in bench.cases[6:]]
    assert [reply.finish for reply in lacking] == ["error"] * 3
    assert lacking[0].error == (
        f"not in {bench.root / 'store' / 'replies.sqlite'}: it holds of this model with these settings 6 replies, but "
        "none to this prompt and these media. To ask, run without --cosmos-replay-only"
    )
    other = bench.run(replay_only=True, max_new_tokens=17)[bench.cases[0].key]
    assert "it holds nothing of this model with these settings and versions" in other.error
    bench.path(bench.cases[0]).unlink()
    gone = bench.run(replay_only=True)[bench.cases[0].key]
    assert gone.error == "its media cannot be read, so its stored reply cannot be found"


def test_a_replay_of_a_model_that_is_not_here_says_so(bench: Bench) -> None:
    with pytest.raises(ModelUnavailable, match=r"hf download nvidia/Cosmos-Reason2-2B config\.json"):
        bench.run(replay_only=True, model="reason2")


def test_names_and_labels_do_not_matter(bench: Bench) -> None:
    bench.run()
    renamed = [rename(case, bench.folder) for case in bench.cases]
    replies = bench.run(renamed)
    assert bench.asked == []
    assert set(replies) == {case.key for case in renamed}
    assert not set(replies) & {case.key for case in bench.cases}


def rename(case: Case, folder: Path) -> Case:
    """Give sample, file, prompt and suite other names, and the sample another label."""
    file = folder / case.sample.media[0]
    moved = file.with_name(f"renamed-{file.name}")
    if file.exists():
        file.rename(moved)
    sample = case.sample.model_copy(update={"id": f"new-{case.sample.id}", "media": (moved.name,), "label": "other"})
    prompt = case.prompt.model_copy(update={"name": f"new-{case.prompt.name}", "hazard": "", "tolerance": 3})
    return case.model_copy(update={"sample": sample, "prompt": prompt, "expected": case.prompt.choices[-1]})


@pytest.mark.parametrize("hashed", [True, False], ids=["hash of the collection", "no hash"])
def test_one_changed_byte_of_a_file_is_a_miss(bench: Bench, *, hashed: bool) -> None:
    cases = bench.hashed() if hashed else bench.cases
    bench.run(cases)
    touch(bench.path(cases[0]), add=b"\0")
    bench.run(cases)  # the cases still carry the hash of before
    assert bench.asked == [case.key for case in cases[:3]]


def test_a_file_unchanged_since_collection_is_not_read_again(bench: Bench) -> None:
    lying = tuple(
        case.model_copy(update={"sample": case.sample.model_copy(update={"media_hash": case.sample.id * 32})})
        for case in bench.cases
    )
    bench.run(lying, collected=time.time() + 60)
    bench.run(collected=time.time() + 60)  # without those hashes the files are read, and are others
    assert len(bench.asked) == 9
    bench.run(lying, collected=time.time() + 60)
    assert bench.asked == []


def test_media_that_change_while_they_are_asked_are_not_stored(bench: Bench) -> None:
    engine, replies = bench.engine(), list[Reply]()
    for reply in engine.answer(bench.cases):
        touch(bench.path(bench.cases[-1]), add=b"")
        replies.append(reply)
    engine.close()
    assert len(replies) == 9
    bench.run()
    assert bench.asked == [case.key for case in bench.cases[6:]]


def touch(path: Path, *, add: bytes) -> None:
    """Change a file, or only its times, so that it shows."""
    path.write_bytes(path.read_bytes() + add)
    os.utime(path, ns=(time.time_ns(), time.time_ns() + 1_000_000))


def test_the_engine_is_ended_at_once_where_nothing_is_missing(bench: Bench) -> None:
    bench.run()
    engine = bench.engine()
    inner = bench.inner[-1]
    assert len(list(engine.recall(bench.cases))) == 9
    assert inner.closes == 1
    engine.close()


def stored(reply: Reply | None) -> bool:
    assert reply is not None
    return reply.stored


def test_an_engine_that_was_ended_is_begun_anew_for_a_case_that_nobody_foresaw(bench: Bench) -> None:
    bench.run(bench.cases[:6])
    bench.inner.clear()
    plan = Plan(bench.engine(), bench.cases[:6], others=[bench.cases[6:]])
    plan.start()
    assert stored(plan.reply(bench.cases[0]))
    assert not any(stored(plan.reply(case)) for case in bench.cases[6:])
    plan.close()
    assert [(inner.loads, len(inner.asked)) for inner in bench.inner] == [(0, 0), (1, 3)]
    assert bench.inner[1].closes >= 1


def test_a_plan_loads_only_what_it_needs_and_knows_the_model_all_the_same(bench: Bench) -> None:
    bench.run()
    plan = Plan(bench.engine(), bench.cases)
    plan.start()
    assert all(stored(plan.reply(case)) for case in bench.cases)
    progress = plan.progress()
    plan.close()
    assert (progress.answered, progress.recalled, progress.rate) == (9, 9, None)
    assert plan.model is not None
    assert (plan.model.name, plan.model.device, plan.model.parameters) == ("tiny", "cpu", 7)
    assert "load" not in plan.seconds


def test_the_model_is_named_as_the_user_names_it_now(bench: Bench) -> None:
    bench.run()
    copy = bench.root / "copy"
    copy.symlink_to(CHECKPOINT)
    engine = bench.engine(model=str(copy))
    assert (engine.describe().name, engine.describe().parameters) == (str(copy), 7)
    engine.close()


def test_a_reply_is_kept_under_what_was_loaded_not_under_what_was_foretold(bench: Bench) -> None:
    bench.describes = {"device": "cuda:0 (NVIDIA H100)", "dtype": "bfloat16"}
    replies = bench.run()
    assert {reply.device for reply in replies.values()} == {"cuda:0 (NVIDIA H100)"}
    bench.run()  # foretold: cpu; the store is asked again once the truth is known
    assert bench.asked == []
    assert bench.inner[0].loads == 1
    bench.describes = {}
    bench.run()
    assert len(bench.asked) == 9


def test_replies_that_come_together_are_stored_together(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """One transaction for each bundle; what is changed or none is left out of it."""
    puts: list[int] = []
    usual = ReplyStore.put_all

    def put_all(store: ReplyStore, replies: Mapping[bytes, Reply], identity: str) -> None:
        puts.append(len(replies))
        usual(store, replies, identity)

    monkeypatch.setattr(ReplyStore, "put_all", put_all)
    failing, changing = bench.cases[0], bench.cases[3].sample
    bench.script({failing.key: {"error": "connection reset"}, **RIGHT})
    monkeypatch.setattr(AsTiny, "more_at_hand", property(lambda inner: len(inner.asked) < 9), raising=False)
    engine = bench.engine()
    replies = engine.answer(bench.cases)
    usual_answer = bench.inner[-1].answer

    def answer(cases: Sequence[Case]) -> Iterator[Reply]:
        for number, reply in enumerate(usual_answer(cases)):
            if number == 5:
                (bench.folder / changing.media[0]).write_bytes(b"another picture")
            yield reply

    monkeypatch.setattr(bench.inner[-1], "answer", answer)
    assert len(list(replies)) == 9
    engine.close()
    assert puts == [9 - 1 - 3]
