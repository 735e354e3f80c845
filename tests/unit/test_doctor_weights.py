"""Weights, disk, login and access, each over given facts."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_cosmos.doctor.finding import Status
from pytest_cosmos.doctor.weights import WeightFacts, check_access, check_disk, check_login, check_weights
from pytest_cosmos.engines.models import Access, Located, locate

GB = 10**9
GATED, OPEN, UNKNOWN = (WeightFacts(locate(name)) for name in ("reason2", "reason1", "org/model"))
HERE = WeightFacts(locate("reason2"), Path("/cache"), size=5 * GB)
TINY = WeightFacts(locate("tiny"), Path("/weights"), size=10**7)


def test_weights_that_are_here() -> None:
    assert check_weights(HERE).found == "nvidia/Cosmos-Reason2-2B: here and whole, 5.0 GB"
    assert check_weights(TINY).found == "tiny: here and whole, 10 MB"


def test_weights_that_are_not_here() -> None:
    finding = check_weights(GATED)
    assert (finding.status, finding.found) == (Status.FAIL, "nvidia/Cosmos-Reason2-2B: not on this machine")
    assert finding.advice == (
        "Accept its terms on its Hugging Face page, then:\nhf auth login && hf download nvidia/Cosmos-Reason2-2B"
    )
    assert check_weights(OPEN).advice == "hf download nvidia/Cosmos-Reason1-7B"
    pinned = check_weights(WeightFacts(locate("org/model@0123abc")))
    assert pinned.found == "org/model@0123abc: not on this machine"
    assert pinned.advice == "hf auth login && hf download org/model --revision 0123abc"


def test_weights_that_are_not_whole() -> None:
    folder, parts = Path("/cache"), ("model-2.safetensors", "model-3.safetensors", "model-4.safetensors")
    lacking = check_weights(WeightFacts(locate("reason1"), folder, missing=parts, size=GB))
    assert lacking.found == (
        "nvidia/Cosmos-Reason1-7B: incomplete, lacks model-2.safetensors, model-3.safetensors and 1 more"
    )
    config_only = check_weights(WeightFacts(locate("reason1"), folder))
    assert config_only.found == "nvidia/Cosmos-Reason1-7B: incomplete, lacks all weights"
    torn = check_weights(WeightFacts(locate("reason1"), folder, torn=parts[:1], size=GB))
    assert torn.found == "nvidia/Cosmos-Reason1-7B: cut off in model-2.safetensors"
    assert torn.advice == "hf download nvidia/Cosmos-Reason1-7B --force-download"
    local = check_weights(WeightFacts(Located("./ckpt", "/ckpt", hub=False), folder, torn=parts[:1], size=GB))
    assert (local.status, local.advice) == (Status.FAIL, "Copy the checkpoint again.")
    assert {finding.status for finding in (lacking, config_only, torn)} == {Status.FAIL}


@pytest.mark.parametrize(
    ("facts", "free", "status"),
    [
        (GATED, 50 * GB, Status.PASS),
        (GATED, 5 * GB, Status.FAIL),
        (GATED, 0, Status.FAIL),
        (UNKNOWN, 50 * GB, Status.WARN),
        (HERE, 0, Status.PASS),
        (TINY, 0, Status.PASS),
    ],
)
def test_disk(facts: WeightFacts, free: int, status: Status) -> None:
    assert check_disk(facts, free).status is status


def test_a_full_disk_is_told_with_figures() -> None:
    finding = check_disk(GATED, 2 * GB)
    assert finding.found == "2.0 GB free where the download of 5.0 GB would go"
    assert finding.advice == "Make room, or set HF_HOME to a folder on a larger disk."


@pytest.mark.parametrize(
    ("facts", "token", "status"),
    [
        (GATED, False, Status.FAIL),
        (GATED, True, Status.PASS),
        (OPEN, False, Status.PASS),
        (UNKNOWN, False, Status.WARN),
        (UNKNOWN, True, Status.PASS),
        (HERE, False, Status.PASS),
        (TINY, False, Status.PASS),
    ],
)
def test_login(facts: WeightFacts, token: bool, status: Status) -> None:
    assert check_login(facts, token=token).status is status


@pytest.mark.parametrize(
    ("answer", "status", "found"),
    [
        (("granted", ""), Status.PASS, "the hub serves nvidia/Cosmos-Reason2-2B to you"),
        (("refused", "not granted to you"), Status.FAIL, "refused: not granted to you"),
        (("unknown", "no network"), Status.WARN, "not checked: no network"),
    ],
)
def test_access(answer: tuple[Access, str], status: Status, found: str) -> None:
    finding = check_access(GATED, answer)
    assert (finding.status, finding.found) == (status, found)
    assert check_access(HERE, answer).found == "not needed: the weights are here"
