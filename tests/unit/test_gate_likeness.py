"""Whether two runs were asked alike, and whether an adapter did anything."""

from __future__ import annotations

from typing import Any

from pytest_cosmos.gate.likeness import changed_nothing, faults, is_base_of, remarks, unlike
from pytest_cosmos.measure import pair
from pytest_cosmos.records import ERROR, ModelRecord, Run, Temperature
from tests.unit.builders import outcome, run_of


def model(**fields: Any) -> ModelRecord:
    usual: dict[str, Any] = {
        "name": "reason2", "engine": "transformers", "family": "reason2", "fingerprint": "ab", "dtype": "bfloat16",
        "device": "cuda:0 (NVIDIA H100)", "generation": {"attention": "sdpa", "max_new_tokens": "4096"},
    }  # fmt: skip
    return ModelRecord(**{**usual, **fields})


def run(id: str = "a", baselines: tuple[str, ...] = (), **fields: Any) -> Run:  # noqa: A002
    return run_of([outcome()]).model_copy(update={"id": id, "model": model(**fields), "baselines": baselines})


BASE = run("base")
TRAINED = run("trained", ("base",), adapter="lora", adapter_fingerprint="cd")


def test_equal_settings_are_alike_on_any_of_several_devices() -> None:
    assert unlike(model(), model(device="cuda:3 (NVIDIA H100)")) == ()
    assert unlike(model(device="cuda:1 (A), cuda:0 (A)"), model(device="cuda:7 (A)")) == ()


def test_how_prefixes_were_read_is_no_difference() -> None:
    whole, shared = (
        model(generation={"attention": "sdpa", "prefix": manner}) for manner in ("whole", "shared (image)")
    )
    assert unlike(whole, shared) == unlike(model(generation={"attention": "sdpa"}), shared) == ()
    eager = model(generation={"prefix": "whole", "attention": "eager"})
    assert unlike(eager, whole) == ("attention sdpa, was eager",), "and hides none that is recorded after it"


def test_every_setting_that_differs_is_named() -> None:
    other = model(
        dtype="float32", device="cpu", family="generic", engine="endpoint",
        generation={"attention": "eager", "max_new_tokens": "4096", "quantize": "int4"},
    )  # fmt: skip
    assert unlike(model(), other) == (
        "engine endpoint, was transformers",
        "family generic, was reason2",
        "dtype float32, was bfloat16",
        "device cpu, was cuda (NVIDIA H100)",
        "attention eager, was sdpa",
        "quantize int4, was none",
    )
    assert unlike(other, model())[-1] == "quantize none, was int4"
    trained = run("b", fingerprint="cd", dtype="float32")
    assert remarks(run(), trained) == ("not asked alike: dtype float32, was bfloat16.",)
    assert remarks(run(), run("b", fingerprint="cd")) == ()


def test_a_baseline_of_the_same_model_is_named() -> None:
    told = ("baseline and candidate are the same model, reason2.",)
    assert remarks(run(), run("b")) == told  # so is a copy of the candidate's own run
    assert remarks(TRAINED, run("b", adapter="lora", adapter_fingerprint="cd")) != ()
    for other in (run("b", fingerprint="cd"), TRAINED, run("b", adapter="lora")):
        assert remarks(run(), other) == ()
    assert remarks(run(fingerprint=""), run("b", fingerprint="")) == (), "nobody knows"


def test_changed_label_files_are_named() -> None:
    before = run()
    suites = tuple(suite.model_copy(update={"digest": "new"}) for suite in before.suites)
    after = run(fingerprint="cd").model_copy(update={"suites": suites})
    assert remarks(before, after) == ("the label files of floor have changed since.",)


def test_base_and_adapter_have_the_same_weights() -> None:
    assert is_base_of(BASE, TRAINED)
    assert is_base_of(run(adapter="other", adapter_fingerprint="ef"), TRAINED)
    assert not is_base_of(TRAINED, BASE)
    assert not is_base_of(TRAINED, TRAINED)
    assert not is_base_of(run(fingerprint="zz"), TRAINED)


def test_an_adapter_that_changes_no_reply_is_a_fault() -> None:
    replies = [outcome("a"), outcome("b", said="No")]
    (fault,) = faults(BASE, TRAINED, pair(replies, replies))
    assert fault.startswith("the adapter changed nothing: all 2 replies of reason2 + lora are those of reason2,")
    assert faults(BASE, run("c"), pair(replies, replies)) == ()


def test_one_word_or_one_confidence_that_differs_is_a_change() -> None:
    replies = [outcome("a"), outcome("b", said="No")]
    surer = [replies[0], outcome("b", said="No", confidence=0.91)]
    reply = replies[1].reply.model_copy(update={"raw": "No."})
    worded = [replies[0], replies[1].model_copy(update={"reply": reply})]
    for after in (surer, worded):
        assert not changed_nothing(pair(replies, after))
        assert faults(BASE, TRAINED, pair(replies, after)) == ()


def test_without_pairs_nothing_is_known_of_an_adapter() -> None:
    assert not changed_nothing(pair([outcome(said=ERROR)], [outcome(said=ERROR)]))


def test_an_adapter_asked_otherwise_than_its_base_in_one_session_is_a_fault() -> None:
    pairs = pair([outcome("a")], [outcome("a", confidence=0.5)])
    eager = TRAINED.model_copy(update={"model": model(adapter="lora", adapter_fingerprint="cd", dtype="float32")})
    (fault,) = faults(BASE, eager, pairs)
    assert "were not asked alike (dtype float32, was bfloat16)" in fault
    assert remarks(BASE, eager) == ()
    later = eager.model_copy(update={"baselines": ()})
    assert faults(BASE, later, pairs) == ()
    assert remarks(BASE, later) == ("not asked alike: dtype float32, was bfloat16.",)


def test_faults_and_remarks_in_full() -> None:
    replies = [outcome("a"), outcome("b", said="No")]
    assert faults(BASE, TRAINED, pair(replies, replies)) == (
        "the adapter changed nothing: all 2 replies of reason2 + lora are those of reason2, word for word and with the"
        " same confidence. Was it trained? Is it the right one?",
    )
    eager = TRAINED.model_copy(update={"model": model(adapter="lora", adapter_fingerprint="cd", dtype="float32")})
    changed = [replies[0], outcome("b")]
    assert faults(BASE, eager, pair(replies, changed)) == (
        "reason2 + lora and reason2 were not asked alike (dtype float32, was bfloat16): what changed need not be the"
        " adapter's doing.",
    )
    assert len(faults(BASE, eager, pair(replies, replies))) == 2
    generic = eager.model_copy(update={"model": eager.model.model_copy(update={"family": "generic"})})
    assert faults(BASE, generic, pair(replies, changed)) == (
        "reason2 + lora and reason2 were not asked alike (family generic, was reason2; dtype float32, was bfloat16):"
        " what changed need not be the adapter's doing.",
    )


def test_several_settings_and_devices_are_told_in_words() -> None:
    longer = model(generation={"attention": "sdpa", "max_new_tokens": "64"}, device="cuda:1 (B), cuda:0 (A)")
    assert unlike(model(device="cpu"), longer) == (
        "device cuda (A), cuda (B), was cpu",
        "max new tokens 64, was 4096",
    )
    assert unlike(longer, model(device="cuda:0 (B), cuda:1 (A)"))[0] == "max new tokens 4096, was 64"
    other = run("b", fingerprint="cd", dtype="float32", engine="endpoint")
    assert remarks(run(), other) == (
        "not asked alike: engine endpoint, was transformers; dtype float32, was bfloat16.",
    )


def test_an_adapter_without_a_fingerprint_is_known_by_its_name() -> None:
    assert is_base_of(BASE, run(adapter="lora"))
    assert not is_base_of(run(adapter="lora"), run(adapter="lora"))


def test_confidences_of_which_only_one_side_is_scaled_are_told() -> None:
    scaled = Temperature(
        suite="floor", prompt="p", prompt_digest="d", temperature=2.0, cases=100, error_before=0.1, error_after=0.05
    )
    plain, cooled = run(), run("b", fingerprint="cd").model_copy(update={"temperatures": (scaled,)})
    told = ("only one of both runs has its confidences scaled: they are compared as the models gave them.",)
    assert remarks(plain, cooled) == told
    assert remarks(cooled, plain) == told
    assert remarks(cooled, cooled.model_copy(update={"model": model(fingerprint="ef")})) == ()


def test_only_suites_that_both_have_can_have_other_labels() -> None:
    before = run()
    (suite,) = before.suites
    new = [suite.model_copy(update={"name": name, "digest": "new"}) for name in ("floor", "stairs", "walls")]
    after = run("b", fingerprint="cd").model_copy(update={"suites": tuple(new)})
    assert remarks(before, after) == ("the label files of floor have changed since.",)
    both = before.model_copy(update={"suites": tuple(one.model_copy(update={"digest": "old"}) for one in new[:2])})
    assert remarks(both, after) == ("the label files of floor, stairs have changed since.",)


def test_a_setting_that_is_empty_is_as_one_that_is_not_recorded() -> None:
    empty, absent = model(generation={"quantize": ""}), model(generation={})
    assert unlike(empty, absent) == unlike(absent, empty) == ()
