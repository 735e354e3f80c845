"""The files of a suite: none may lie outside of its folder, and a wrong name gets a suggestion."""

from __future__ import annotations

import difflib
import os
from functools import cached_property
from pathlib import Path, PurePosixPath, PureWindowsPath

from pytest_cosmos.media import IMAGE_TYPES, VIDEO_TYPES, Inspection, VideoFacts, frame_files, inspect_media
from pytest_cosmos.userfiles import control_character, quoted

# Looking for near names takes 20 ms in a large suite: fine for a few typos, too long for thousands.
_MOST_SUGGESTIONS = 20


class SuiteFolder:
    """The folder of a suite."""

    def __init__(self, folder: Path, *, thorough: bool = False) -> None:
        self.path = folder
        self.videos: dict[str, VideoFacts] = {}
        self._thorough = thorough
        self._real = os.path.realpath(folder)
        self._real_folders: dict[str, str] = {}
        self._suggested = 0

    def name_problem(self, name: str) -> str | None:
        """Say why a file of this name may not be used, in words that go after the name; None: it may."""
        if (character := control_character(name)) is not None:
            return f"holds the control character {character!r}"
        if "\\" in name:
            return f"holds a backslash. Write forward slashes: {quoted(name.replace(chr(92), '/'))}"
        path = PurePosixPath(name)
        if path.is_absolute() or PureWindowsPath(name).drive:
            return "is an absolute path. Write it relative to the suite's folder"
        if ".." in path.parts:
            return "leaves the suite's folder. Put the file inside of it, and write no '..'"
        if not self._is_inside(name):
            return "leaves the suite's folder through a symbolic link. Put the file itself inside"
        return None

    def inspect(self, name: str, *, decode: bool) -> Inspection:
        """Look at a media file of the suite, or at a folder of frames."""
        problem = self.name_problem(name) or self._frames_problem(name)
        if problem:
            return Inspection(problem)
        found = inspect_media(self.path / name, decode=decode, thorough=self._thorough)
        if found.video is not None:
            self.videos[name] = found.video
        return found

    def _frames_problem(self, name: str) -> str | None:
        """Say which frame of a folder lies elsewhere, in words that go after the folder's name."""
        folder = self.path / name
        if not folder.is_dir():
            return None
        outside = (frame.name for frame in frame_files(folder) if not self._is_inside(f"{name}/{frame.name}"))
        frame = next(outside, None)
        return (
            frame and f"holds the frame {frame}, a symbolic link out of the suite's folder. Put the file itself inside"
        )

    def missing_folder(self, name: str) -> str | None:
        """Return the folder that a missing file should lie in, where not even that exists."""
        parent = str(PurePosixPath(name).parent)
        return None if (self.path / parent).is_dir() else parent

    def suggestion(self, name: str) -> str:
        """Return `` Did you mean 'media/x.jpg'?``: the same name in another folder, or the nearest one."""
        if self._suggested >= _MOST_SUGGESTIONS:
            return ""
        self._suggested += 1
        near = difflib.get_close_matches(PurePosixPath(name).name, self._media, n=1, cutoff=0.6)
        return f" Did you mean {quoted(self._media[near[0]])}?" if near else ""

    @cached_property
    def _media(self) -> dict[str, str]:
        """Name -> path of every image, video and folder in the suite."""
        found: dict[str, str] = {}
        for folder, folders, names in os.walk(self.path):
            inside = Path(folder).relative_to(self.path)
            media = sorted(name for name in names if name.lower().endswith((*IMAGE_TYPES, *VIDEO_TYPES)))
            found |= {name: (inside / name).as_posix() for name in (*folders, *media)}
        return found

    def _is_inside(self, name: str) -> bool:
        parent, base = os.path.split(name)
        if parent not in self._real_folders:
            self._real_folders[parent] = os.path.realpath(os.path.join(self._real, parent))
        real = os.path.join(self._real_folders[parent], base)
        if os.path.islink(real):
            real = os.path.realpath(real)
        return real.startswith(self._real.rstrip(os.sep) + os.sep)
