"""Write the training and validation splits of a suite as a data set for training code: whole, or not at all."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path, PurePosixPath

from pytest_cosmos.errors import OptionError
from pytest_cosmos.finetune.cosmos_rl import Training, configurations, needed_format
from pytest_cosmos.finetune.examples import TRAINABLE, examples
from pytest_cosmos.finetune.new_folder import MediaMode, check_new, new_folder, put_media
from pytest_cosmos.finetune.pack_formats import FORMATS, json_lines, llava_list, obstacle, save_dataset
from pytest_cosmos.finetune.pack_readme import readme
from pytest_cosmos.finetune.packed import MANIFEST, MEDIA, Format, Packed, PackRecord, SplitRecord, packed
from pytest_cosmos.media import media_hash
from pytest_cosmos.prompting import Family
from pytest_cosmos.records import Sample
from pytest_cosmos.runlog import write_whole
from pytest_cosmos.suites import Suite, guard_training


@dataclass(frozen=True, slots=True)
class Packing:
    """How a suite is packed."""

    model: str
    """As named by `--model`, for the record."""
    family: Family
    formats: tuple[Format, ...] = ()
    """Those asked for by name, which must be possible; empty: all that are."""
    media: MediaMode = "copy"
    training: Training | None = None
    """For the configurations of cosmos-rl; None: none are written."""


@dataclass(frozen=True, slots=True)
class Media:
    """Where the media of a suite go, each content once."""

    places: Mapping[str, str]
    """From the name in the suite to the path in `MEDIA`."""
    sources: Mapping[str, Path]
    """From the path in `MEDIA` to the file."""
    digests: Mapping[str, str]

    @property
    def folders(self) -> frozenset[str]:
        """The folders of frames among them."""
        return frozenset(place for place, source in self.sources.items() if source.is_dir())


def pack(suite: Suite, out: Path, packing: Packing) -> PackRecord:
    """Pack a suite into a new folder; OptionError where it is there, or where a format asked for is impossible.

    Problems lists what the training split shares with what is to be tested: then nothing is written.
    """
    check_new(out)
    cases = {split: suite.cases(split) for split in TRAINABLE if suite.cases(split)}
    media = plan_media(suite.folder, (case.sample for part in cases.values() for case in part))
    records = {split: _records(suite, split, packing.family, media) for split in cases}
    formats, left_out = choose_formats(packing.formats, [one for part in records.values() for one in part], media)
    needed = packing.training and needed_format(packing.family)
    if needed and needed not in formats:
        raise OptionError(f"--toml: it is for the {needed} files, which are not written: {left_out[needed]}.")
    guard_training(suite)
    with new_folder(out) as folder:
        for place, source in media.sources.items():
            put_media(source, folder / MEDIA / place, packing.media)
        for split, part in records.items():
            _write_split(folder, Path(out).absolute() / MEDIA, split, part, formats)
        record = PackRecord(
            version=metadata.version("pytest-cosmos"),
            suite=suite.name,
            title=suite.title,
            suite_digest=suite.digest,
            model=packing.model,
            family=packing.family.name,
            formats=formats,
            left_out=left_out,
            splits={split: _counts(part) for split, part in records.items()},
            files={},
        )
        _write_texts(folder, Path(out).absolute(), record, records, packing)
        files = {f"{MEDIA}/{place}": digest for place, digest in media.digests.items()} | _hashes(folder)
        record = record.model_copy(update={"files": dict(sorted(files.items()))})
        write_whole(folder / MANIFEST, f"{record.model_dump_json(indent=2)}\n".encode())
    return record


def _records(suite: Suite, split: str, family: Family, media: Media) -> tuple[Packed, ...]:
    asked = zip(suite.cases(split), examples(suite, split, family), strict=True)
    return tuple(packed(case, example, family, media.places) for case, example in asked)


def plan_media(folder: Path, samples: Iterable[Sample]) -> Media:
    """Give each of the media a place; those of the same bytes have one, named as the first of them is."""
    names = tuple(dict.fromkeys(name for sample in samples for name in sample.media))
    # only where all of them lie there: else two of them could come to lie in one place
    inside = f"{MEDIA}/" if all(name.startswith(f"{MEDIA}/") for name in names) else ""
    places: dict[str, str] = {}
    sources: dict[str, Path] = {}
    digests: dict[str, str] = {}
    place_of: dict[tuple[str, str], str] = {}
    for name in names:
        digest = media_hash((folder / name,))
        # of the same type, too: by it a file is known for what it is
        place = place_of.setdefault((digest, PurePosixPath(name).suffix.lower()), name.removeprefix(inside))
        places[name] = place
        if place not in sources:
            sources[place], digests[place] = folder / name, digest
    return Media(places, sources, digests)


def choose_formats(
    asked: Sequence[Format], records: Sequence[Packed], media: Media
) -> tuple[tuple[Format, ...], dict[str, str]]:
    """Return the formats to write, and of the others why not; OptionError where one of them was asked for by name."""
    possible: list[Format] = []
    left_out: dict[str, str] = {}
    for form in FORMATS:
        why = "it was not asked for" if asked and form not in asked else ""
        why = why or obstacle(form, records, media.folders, _datasets_installed)
        if why and form in asked:
            raise OptionError(f"--format {form}: {why}.")
        if why:
            left_out[form] = why
        else:
            possible.append(form)
    return tuple(possible), left_out


def _datasets_installed() -> bool:
    return importlib.util.find_spec("datasets") is not None


def _write_split(folder: Path, media: Path, split: str, records: Sequence[Packed], formats: Sequence[Format]) -> None:
    if "jsonl" in formats:
        write_whole(folder / f"{split}.jsonl", json_lines(records))
    if "llava" in formats:
        (folder / "llava").mkdir(exist_ok=True)
        write_whole(folder / "llava" / f"{split}.json", llava_list(records))
    if "hf" in formats:
        save_dataset(records, folder / "hf" / split, media)


def _counts(records: Sequence[Packed]) -> SplitRecord:
    return SplitRecord(
        samples=len({record.case["sample"]["id"] for record in records}),
        cases=len(records),
        with_reasoning=sum(record.target != record.case["expected"] for record in records),
    )


def _write_texts(
    folder: Path, out: Path, record: PackRecord, records: Mapping[str, Sequence[Packed]], packing: Packing
) -> None:
    every = [one for part in records.values() for one in part]
    texts = (
        {} if packing.training is None else configurations(packing.training, packing.family, out, every, record.formats)
    )
    systems = tuple(dict.fromkeys(one.system for one in every))
    texts |= {"README.md": readme(record, systems, tuple(texts)), ".gitignore": "*\n!README.md\n!.gitignore\n"}
    for name, text in texts.items():
        write_whole(folder / name, text.encode())


def _hashes(folder: Path) -> dict[str, str]:
    """Hash what was written besides the media."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    inside = (path for path in files if path.relative_to(folder).parts[0] != MEDIA)
    return {path.relative_to(folder).as_posix(): media_hash((path,)) for path in inside}
