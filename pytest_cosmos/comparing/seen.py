"""Was an adapter trained on what it is tested on? The same files are known by their hashes, copies by looking.

Looking takes 5 ms a picture, so nothing is looked at twice: what the guard saw before training is in finetune.json,
what it has seen since in leaks.jsonl of the reports.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from pytest_cosmos.errors import CosmosError
from pytest_cosmos.records import Outcome, Run, Sample
from pytest_cosmos.runlog import Trained, looked, read_trained
from pytest_cosmos.suites import read_suite
from pytest_cosmos.suites.leaks import Leak, Part, at_hand, leaks, trained_on_test

_MOST_TOLD = 5


@dataclass(frozen=True, slots=True)
class Seen:
    """What a run's adapter has seen of what the run tested."""

    faults: tuple[str, ...] = ()
    """What it was trained on: such a test shows nothing."""
    remarks: tuple[str, ...] = ()
    """What could not be looked at."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What came of looking at media."""

    leaks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By the hash of the tested medium; none: it is clear of all that was looked at."""
    remarks: tuple[str, ...] = ()
    whole: bool = True
    """Whether all training media were looked at."""


def seen_in_training(run: Run, outcomes: Sequence[Outcome], root: Path, reports: Path | None) -> Seen:
    """Say which tested media are not independent of what the run's adapter was trained on, as far as it can be told.

    Media are looked at that nobody has looked at before; `reports` (None: nowhere) keeps what was found.
    """
    trained = read_trained(root / run.model.adapter) if run.model.adapter else None
    if trained is None:
        return Seen()
    found = looked.read(reports, trained.digest)
    look = _look(run, trained, _unknown(outcomes, {*trained.media, *trained.test_media, *found}), root)
    if look.whole:
        looked.record(reports, trained.digest, look.leaks)
    same = trained_on_test(trained.trained_on, (outcome.case for outcome in outcomes))
    return Seen(_brief((*same, *_told(outcomes, {**found, **look.leaks}))), look.remarks)


def _brief(faults: Sequence[str]) -> tuple[str, ...]:
    more = (f"and {len(faults) - _MOST_TOLD:,} more such samples.",) * (len(faults) > _MOST_TOLD)
    return (*faults[:_MOST_TOLD], *more)


def _told(outcomes: Iterable[Outcome], found: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Say of each tested sample what it is a copy of."""
    tested = {f"{one.case.suite}/{one.case.sample.id}": one.case.sample.media_hash for one in outcomes}
    return tuple(
        f"{name}: the adapter was trained on what is not independent of it: {leak}."
        for name, digest in tested.items()
        for leak in found.get(digest, ())
    )


def _unknown(outcomes: Iterable[Outcome], known: set[str]) -> dict[str, dict[str, Sample]]:
    """Return the tested samples, by suite and hash, of whose media nothing is known."""
    found: dict[str, dict[str, Sample]] = {}
    for outcome in outcomes:
        sample = outcome.case.sample
        if sample.media_hash and sample.media_hash not in known:
            found.setdefault(outcome.case.suite, {}).setdefault(sample.media_hash, sample)
    return found


def _look(run: Run, trained: Trained, unknown: Mapping[str, Mapping[str, Sample]], root: Path) -> _Look:
    """Look for copies of what was trained on among tested samples."""
    if not unknown:
        return _Look()
    learnt, why = _learnt(trained, root)
    missing = len(trained.media) - sum(len(part.samples) for part in learnt)
    asked = sum(map(len, unknown.values()))
    remarks = [_by_hashes(run, asked, f"{missing:,} of its {len(trained.media):,} training media", why)] * bool(missing)
    tested = _tested(run, unknown, root) if learnt else ()
    gone = asked - sum(len(part.samples) for part in tested)
    if learnt and gone:
        remarks.append(_by_hashes(run, gone, "its training media", "they are not in their suites any more"))
    try:
        found = leaks(product(tested, learnt))
    except OSError as error:  # a codec that is gone, a file damaged beyond its first frames
        return _Look(remarks=(*remarks, _by_hashes(run, asked, "its training media", str(error))), whole=False)
    return _Look(_by_medium(tested, found), tuple(remarks), not missing)


def _by_hashes(run: Run, tested: int, learnt: str, why: str) -> str:
    return (
        f"{run.model.label}: {tested:,} tested media were held against {learnt} by the hashes of the files alone, "
        f"which no copy shares: {why}."
    )


def _learnt(trained: Trained, root: Path) -> tuple[tuple[Part, ...], str]:
    """Return what is at hand of the media that were trained on, and why it may not be all."""
    if not trained.suite_path:
        return (), "finetune.json does not say where they lie"
    folder = (root / trained.suite_path).resolve()
    try:
        suite = read_suite(folder, split=None, decode=())
    except CosmosError as error:
        return (), f"their suite cannot be read any more: {str(error).splitlines()[0]}"
    found = at_hand(folder, suite.samples, trained.media)
    parts = tuple(
        Part(suite.name, folder, split, tuple(found[digest] for digest in digests if digest in found))
        for splits in trained.trained_on.values()
        for split, digests in splits.items()
    )
    return parts, f"they are not in {trained.suite_path} any more"


def _tested(run: Run, unknown: Mapping[str, Mapping[str, Sample]], root: Path) -> tuple[Part, ...]:
    """Return what is at hand of tested samples."""
    folders = {suite.name: (root / suite.path).resolve() for suite in run.suites}
    return tuple(
        Part(name, folders[name], run.split, tuple(at_hand(folders[name], samples.values(), samples).values()))
        for name, samples in unknown.items()
        if name in folders
    )


def _by_medium(tested: Sequence[Part], found: Sequence[Leak]) -> dict[str, tuple[str, ...]]:
    """Return the leaks of each tested sample: those of any of its files."""
    return {
        sample.media_hash: tuple(str(leak) for leak in found if leak.first.file in files)
        for part in tested
        for sample in part.samples
        for files in [{part.folder / name for name in sample.media}]
    }
