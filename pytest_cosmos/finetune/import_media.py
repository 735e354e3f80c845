"""Find the media that an annotation file names, wherever its paths begin."""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterator
from pathlib import Path, PurePosixPath

from pytest_cosmos.finetune.import_records import Entry
from pytest_cosmos.finetune.packed import MEDIA
from pytest_cosmos.media import inspect_media
from pytest_cosmos.userfiles import Complaints, quoted, shown

# What separates the media of a sample in a suite's table, and what no name in one may hold.
_UNFIT = re.compile(r"[;|\\\x00-\x1f\x7f-\x9f\u2028\u2029]")


class MediaFinder:
    """Finds the media of one file, and looks at each once."""

    def __init__(self, file: Path, stated: Path | None) -> None:
        above = (file.parent, file.parent.parent)
        # what its paths may be relative to: the folder that is stated, or those of `pack`'s layout
        self.bases = (*above, *(folder / MEDIA for folder in above)) if stated is None else (stated,)
        self._problems: dict[Path, str | None] = {}

    def find(self, entry: Entry, complaints: Complaints) -> dict[str, Path] | None:
        """Return where the media of an entry lie, by their paths in it; None (and complaints) where one is unsound."""
        found: dict[str, Path] = {}
        for name in dict.fromkeys((*entry.images, *entry.videos)):
            path = next((path for path in self._candidates(name) if os.path.lexists(path)), None)
            if path is None:
                folders = ", ".join(dict.fromkeys(shown(folder) for folder in self.bases))
                advice = f"Looked in {folders}. Say where its paths begin: --media-path DIR"
                entry.where.complain(complaints, f"{quoted(name)} does not exist. {advice}")
            elif (problem := self._problem(path, image=name in entry.images)) is not None:
                entry.where.complain(complaints, f"{quoted(name)} {problem}")
            else:
                found[name] = path
        return found if len(found) == len({*entry.images, *entry.videos}) else None

    def _problem(self, path: Path, *, image: bool) -> str | None:
        if image and path.is_dir():
            return "is a folder, no image"
        if path not in self._problems:
            self._problems[path] = inspect_media(path, decode=True).problem
        return self._problems[path]

    def _candidates(self, name: str) -> Iterator[Path]:
        path = Path(name.removeprefix("file://"))
        if not path.is_absolute():
            yield from (base / path for base in self.bases)
            return
        yield path
        _, media, inside = path.as_posix().rpartition(f"/{MEDIA}/")
        if media:  # a packed data set of hf that was moved with its media
            yield from (base / inside for base in self.bases)


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
