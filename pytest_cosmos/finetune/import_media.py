"""Find the media that an annotation file names, wherever its paths begin."""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterator, Sequence
from pathlib import Path, PurePosixPath

from pytest_cosmos.finetune.import_records import Entry
from pytest_cosmos.finetune.packed import MEDIA
from pytest_cosmos.media import IMAGE_TYPES, VIDEO_TYPES
from pytest_cosmos.userfiles import Complaints, quoted, shown

# What separates the media of a sample in a suite's table, and what no name in one may hold.
_UNFIT = re.compile(r"[;|\\\x00-\x1f\x7f-\x9f\u2028\u2029]")


def bases(file: Path, stated: Path | None) -> tuple[Path, ...]:
    """Return the folders that the paths in a file may be relative to: the one stated, or those of `pack`'s layout."""
    if stated is not None:
        return (stated,)
    above = (file.parent, file.parent.parent)
    return (*above, *(folder / MEDIA for folder in above))


def find_media(entry: Entry, where: Sequence[Path], complaints: Complaints) -> dict[str, Path] | None:
    """Return where the media of an entry lie, by their paths in it; None (and complaints) where one is missing."""
    found: dict[str, Path] = {}
    for name in (*entry.images, *entry.videos):
        candidates = tuple(_candidates(name, where))
        path = next((path for path in candidates if os.path.lexists(path)), None)
        if path is None:
            folders = ", ".join(dict.fromkeys(shown(folder) for folder in where))
            advice = f"Looked in {folders}. Say where its paths begin: --media-path DIR"
            entry.where.complain(complaints, f"{quoted(name)} does not exist. {advice}")
        elif not path.is_dir() and path.suffix.lower() not in (*IMAGE_TYPES, *VIDEO_TYPES):
            entry.where.complain(complaints, f"{quoted(name)} is of an unsupported type")
        else:
            found[name] = path
    return found if len(found) == len({*entry.images, *entry.videos}) else None


def _candidates(name: str, where: Sequence[Path]) -> Iterator[Path]:
    path = Path(name.removeprefix("file://"))
    if not path.is_absolute():
        yield from (base / path for base in where)
        return
    yield path
    _, media, inside = path.as_posix().rpartition(f"/{MEDIA}/")
    if media:  # a packed data set of hf that was moved with its media
        yield from (base / inside for base in where)


class Names:
    """Gives each media file a name in the suite that is to be: its path there, where it can be, and unique."""

    def __init__(self) -> None:
        self.sources: dict[str, Path] = {}
        self._names: dict[Path, str] = {}

    def name(self, stated: str, source: Path) -> str:
        """Return the name of a file that an entry names so."""
        real = source.resolve()
        if real not in self._names:
            wanted = f"{MEDIA}/{_UNFIT.sub('_', _inside(stated)).strip()}"
            self._names[real] = unused(wanted, self.sources)
            self.sources[self._names[real]] = source
        return self._names[real]


def _inside(stated: str) -> str:
    path = PurePosixPath(stated)
    plain = not path.is_absolute() and ".." not in path.parts and ":" not in stated
    return path.as_posix().removeprefix(f"{MEDIA}/") if plain else path.name


def unused(name: str, taken: Container[str]) -> str:
    """Return a name that is not taken: itself, or with a number before its extension."""
    path, number, found = PurePosixPath(name), 2, name
    while found in taken:
        found, number = path.with_name(f"{path.stem}-{number}{path.suffix}").as_posix(), number + 1
    return found
