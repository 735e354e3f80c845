"""Find what a model would be trained on and tested on: the same media, copies of them, parts of one group or video."""

from __future__ import annotations

import contextlib
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_cosmos.errors import CosmosError, Problems
from pytest_cosmos.media import load_frames, load_image, media_hash, media_kind, media_paths
from pytest_cosmos.records import Case, Sample, Vision
from pytest_cosmos.suites.columns import SPLITS, value_of
from pytest_cosmos.suites.suite import Suite
from pytest_cosmos.userfiles import shown

if TYPE_CHECKING:
    from pytest_cosmos.media.lookalikes import Fingerprint

FRAMES = 16
"""So many frames of a video are compared, evenly spaced."""

_MOST_LINES = 20


@dataclass(frozen=True, slots=True)
class Part:
    """One split of a suite."""

    suite: str
    folder: Path
    split: str
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A media file of a sample."""

    file: Path
    suite: str
    split: str
    sample: str
    """Its id."""


@dataclass(frozen=True, slots=True)
class Leak:
    """Two files in different splits that are not independent."""

    first: Place
    second: Place
    why: str

    def __str__(self) -> str:
        first, second = (f"{shown(place.file)} ({place.split})" for place in (self.first, self.second))
        return f"{first}: {self.why} as {second}"


def parts_of(suite: Suite) -> tuple[Part, ...]:
    """Return the splits of a suite that have samples."""
    of = {split: tuple(sample for sample in suite.samples if sample.split == split) for split in SPLITS}
    return tuple(Part(suite.name, suite.folder, split, samples) for split, samples in of.items() if samples)


def suite_leaks(suite: Suite, by: Sequence[str] = ("group",)) -> tuple[Leak, ...]:
    """Return the leaks between the splits of a suite; samples of one value in a column of `by` belong together."""
    return leaks(tuple(combinations(parts_of(suite), 2)), by)


def training_leaks(suite: Suite, others: Iterable[Suite] = (), by: Sequence[str] = ("group",)) -> tuple[Leak, ...]:
    """Return the leaks between the splits of the suite to train on, and from its training split to others' tests."""
    own = parts_of(suite)
    trained = [part for part in own if part.split == "train"]
    tested = [part for other in others if other.folder != suite.folder for part in parts_of(other)]
    across = [(part, test) for part in trained for test in tested if test.split == "test"]
    return leaks((*combinations(own, 2), *across), by)


def guard_training(suite: Suite) -> None:
    """Raise Problems that lists the leaks between the splits of a suite that is to be learnt from, if there are any.

    CosmosError where a medium cannot be decoded.
    """
    try:
        refuse_leaks(training_leaks(suite))
    except OSError as error:
        raise CosmosError(f"{error}. pytest-cosmos check-cases {suite.folder} tells all such files.") from None


def refuse_leaks(found: Sequence[Leak]) -> None:
    """Raise Problems that lists the leaks, if there are any."""
    if not found:
        return
    more = [f"and {len(found) - _MOST_LINES:,} more: pytest-cosmos leaks SUITE lists all."] * (len(found) > _MOST_LINES)
    advice = (
        f"{len(found):,} leaks: what a model is tested on must not be among what it was trained on. Put each pair "
        "into one split (one group for all of a place or video, then pytest-cosmos split), or remove one of it."
    )
    raise Problems([*(str(leak) for leak in found[:_MOST_LINES]), *more, advice])


def trained_on_test(trained_on: Mapping[str, Mapping[str, Collection[str]]], cases: Iterable[Case]) -> tuple[str, ...]:
    """Say which tested samples an adapter was trained on: those of the same media hash, each told once.

    `trained_on` holds media hashes by suite and split, as finetune.json has them. Pure: no file is read.
    """
    learned = {
        digest: f"{suite}, split {split}"
        for suite, splits in trained_on.items()
        for split, digests in splits.items()
        for digest in digests
        if digest
    }
    told = {
        f"{case.suite}/{case.sample.id}": learned[case.sample.media_hash]
        for case in cases
        if case.sample.media_hash in learned
    }
    return tuple(f"{name}: the adapter was trained on the same media ({where})." for name, where in told.items())


def at_hand(folder: Path, samples: Iterable[Sample], wanted: Collection[str]) -> dict[str, Sample]:
    """Return, by media hash, the samples of a folder whose files have one of these hashes; others are left out."""
    found: dict[str, Sample] = {}
    for sample in samples:
        with contextlib.suppress(OSError):  # it is not there any more
            digest = media_hash(media_paths(folder, sample))
            if digest in wanted:
                found.setdefault(digest, sample.model_copy(update={"media_hash": digest}))
    return found


def leaks(pairs: Iterable[tuple[Part, Part]], by: Sequence[str] = ("group",)) -> tuple[Leak, ...]:
    """Return the leaks between the parts of each pair, every two files once, for the plainest reason there is.

    Reads the media: about 5 ms an image. Raise OSError where one cannot be decoded.
    """
    looks = _Looks()
    found: dict[tuple[Path, Path], Leak] = {}
    for first, second in pairs:
        for leak in _between(first, second, by, looks):
            found.setdefault((leak.first.file, leak.second.file), leak)
    return tuple(found.values())


def _between(first: Part, second: Part, by: Sequence[str], looks: _Looks) -> Iterator[Leak]:
    ours, theirs = _places(first), _places(second)
    yield from _shared(_by_digest(ours, looks), _by_digest(theirs, looks), lambda _: "the same file")
    if first.folder == second.folder:
        for column in by:
            ours_by, theirs_by = _by_value(first, column), _by_value(second, column)
            yield from _shared(ours_by, theirs_by, partial("{} {!r}".format, column))
    yield from _same_video(ours, theirs)
    yield from _look_alike(ours, theirs, looks)


def _places(part: Part) -> list[Place]:
    """List each media file of a part once."""
    found = {name: sample.id for sample in reversed(part.samples) for name in sample.media}
    return [Place(part.folder / name, part.suite, part.split, found[name]) for name in reversed(found)]


def _by_digest(places: Iterable[Place], looks: _Looks) -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = defaultdict(list)
    for place in places:
        found[looks.digest(place.file)].append(place)
    return found


def _by_value(part: Part, column: str) -> dict[str, list[Place]]:
    """Return the first file of each sample, by what the sample states in a column."""
    found: dict[str, list[Place]] = defaultdict(list)
    for sample in part.samples:
        if value := value_of(sample, column):
            found[value].append(Place(part.folder / sample.media[0], part.suite, part.split, sample.id))
    return found


def _shared(
    ours: Mapping[str, Sequence[Place]], theirs: Mapping[str, Sequence[Place]], why: Callable[[str], str]
) -> Iterator[Leak]:
    """Yield a leak for each key of both: the first of ours with each of theirs, then each other of ours."""
    for key in ours:
        if key in theirs:
            yield from (Leak(ours[key][0], place, why(key)) for place in theirs[key])
            yield from (Leak(place, theirs[key][0], why(key)) for place in ours[key][1:])


def _same_video(ours: Sequence[Place], theirs: Sequence[Place]) -> Iterator[Leak]:
    """Yield frames apart from their video, by name: `drive.mp4`, or a folder `drive`, and `drive_0012.png`."""
    for videos, images in ((ours, theirs), (theirs, ours)):
        names = {place.file.stem: place for place in videos if media_kind(place.file.name) == "video"}
        for place in images if names else ():
            name = next((stem for stem in _video_names(place.file) if stem in names), None)
            if name is not None:
                first, second = (names[name], place) if videos is ours else (place, names[name])
                yield Leak(first, second, "frames of the same video, by their names,")


def _video_names(file: Path) -> Iterator[str]:
    """Yield what the video may be called that a picture was taken from, by its name and its folder's."""
    if media_kind(file.name) == "image":
        yield file.parent.name
        yield from (file.stem[: match.start()] for match in re.finditer(r"[-_. ]", file.stem))


def _look_alike(ours: Sequence[Place], theirs: Sequence[Place], looks: _Looks) -> Iterator[Leak]:
    from pytest_cosmos.media.lookalikes import lookalikes

    first = [(place, look) for place in ours for look in looks.of(place.file)]
    second = [(place, look) for place in theirs for look in looks.of(place.file)]
    for one, other in lookalikes([look for _, look in first], [look for _, look in second]):
        moving = "video" in (media_kind(place.file.name) for place in (first[one][0], second[other][0]))
        why = "a frame that shows the same" if moving else "shows the same, maybe scaled, turned or cropped,"
        yield Leak(first[one][0], second[other][0], why)


class _Looks:
    """What was seen of the media, each file once."""

    def __init__(self) -> None:
        self._digests: dict[Path, str] = {}
        self._found: dict[Path, tuple[Fingerprint, ...]] = {}

    def digest(self, file: Path) -> str:
        """Return the hash of a file's bytes."""
        if file not in self._digests:
            self._digests[file] = media_hash([file])
        return self._digests[file]

    def of(self, file: Path) -> tuple[Fingerprint, ...]:
        """Return the fingerprint of an image, or those of some frames of a video."""
        if file not in self._found:
            self._found[file] = tuple(_fingerprints(file))
        return self._found[file]


def _fingerprints(file: Path) -> Iterator[Fingerprint]:
    from PIL import Image

    from pytest_cosmos.media.lookalikes import fingerprint

    if media_kind(file.name) == "image":
        yield fingerprint(load_image(file))
    else:
        yield from (fingerprint(Image.fromarray(frame)) for frame in load_frames(file, Vision(frames=FRAMES)).frames)
