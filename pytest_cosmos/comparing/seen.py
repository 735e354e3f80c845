"""Was an adapter trained on what it is tested on? The same files are known by their hashes, copies by looking.

Looking takes 5 ms a picture, so nothing is looked at twice: what the guard saw before training is in finetune.json,
what it has seen since in leaks.jsonl of the reports.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from pytest_cosmos.engines.known_models import FILE_NAME as MODELS
from pytest_cosmos.engines.models import locate
from pytest_cosmos.errors import CosmosError
from pytest_cosmos.records import Outcome, Run, Sample
from pytest_cosmos.runlog import Trained, looked, read_trained
from pytest_cosmos.suites import sound_samples
from pytest_cosmos.suites.leaks import Leak, Part, at_hand, leaks, trained_on_test

_MOST_TOLD = 5
_SHA256 = 64
"""Hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a run's adapter has seen of what the run tested."""

    faults: tuple[str, ...] = ()
    """What it was trained on: such a test shows nothing."""
    remarks: tuple[str, ...] = ()
    """What could not be looked at."""
    known: bool = True
    """Whether anything says what it was trained on."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What came of looking at media."""

    leaks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By the hash of the tested medium; none: it is clear of all that was looked at."""
    remarks: tuple[str, ...] = ()
    whole: bool = True
    """Whether all training media were looked at."""


def seen_in_training(run: Run, outcomes: Sequence[Outcome], root: Path, reports: Path | None) -> Seen:
    """Say which tested media are not independent of what a run's adapter, or merged weights, were trained on.

    Media are looked at that nobody has looked at before; `reports` (None: nowhere) keeps what was found.
    """
    adapter = run.model.adapter
    trained = read_trained(root / adapter) if adapter else _of_weights(run, root)
    if trained is None:
        return Seen((), _unrecorded(run), known=False) if adapter else Seen()
    found = looked.read(reports, trained.digest)
    look = _look(run, trained, _unknown(outcomes, {*trained.media, *trained.test_media, *found}), root)
    if look.whole:
        looked.record(reports, trained.digest, look.leaks)
    same = trained_on_test(trained.trained_on, (outcome.case for outcome in outcomes))
    faults = (*same, *_told(outcomes, {**found, **look.leaks}))
    return Seen((*_other_base(run, trained), *_brief(faults)), look.remarks)


def _of_weights(run: Run, root: Path) -> Trained | None:
    """Read what the weights in a folder were trained on; None: they are in none, or it does not say."""
    names = root / MODELS
    try:
        located = locate(run.model.name, names if names.is_file() else None)
    except CosmosError:  # not on this machine, or not any more
        return None
    return None if located.hub else read_trained(root / located.path_or_id)


def _unrecorded(run: Run) -> tuple[str, ...]:
    return (
        f"{run.model.label}: nothing says what it was trained on (no finetune.json in {run.model.adapter}), so it is "
        "not known whether it has seen what is tested.",
    )


def _other_base(run: Run, trained: Trained) -> Iterator[str]:
    """Find an adapter that fits a model by its shape alone; a revision of the hub says nothing of files here."""
    base, now = trained.base, run.model.fingerprint
    if run.model.adapter and len(base.fingerprint) == len(now) == _SHA256 and base.fingerprint != now:
        yield (
            f"{run.model.adapter} was trained on other weights ({base.name}, {base.fingerprint[:12]}…) than those it "
            f"was put on ({run.model.name}, {now[:12]}…). Test it on its own base."
        )


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
    samples = sound_samples(folder)
    if not samples:
        return (), f"their suite, {trained.suite_path}, cannot be read any more"
    found = at_hand(folder, samples, trained.media)
    parts = tuple(
        Part(folder.name, folder, split, tuple(found[digest] for digest in digests if digest in found))
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
