"""A folder that appears whole or not at all, and the media that go into it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, get_args

from pytest_cosmos.errors import OptionError
from pytest_cosmos.media import frame_files
from pytest_cosmos.userfiles import quoted

MediaMode = Literal["copy", "hardlink", "symlink"]
MEDIA_MODES: tuple[str, ...] = get_args(MediaMode)


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Yield a folder of the same name to write into; it becomes `out` when all went well, and is gone if not.

    OptionError where `out` is there already (an empty folder is as good as none), or cannot be written.
    """
    out = Path(os.path.abspath(out))
    check_new(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        around = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    except OSError as error:
        raise OptionError(f"--out {out}: cannot be written: {error.strerror}.") from None
    try:
        inside = around / out.name
        inside.mkdir()
        yield inside
        _settle()
        if out.exists():
            out.rmdir()
        inside.rename(out)
    except OSError as error:
        raise OptionError(
            f"--out {out}: cannot be written: {error.strerror or error}. Nothing is left of it."
        ) from None
    finally:
        shutil.rmtree(around, ignore_errors=True)


def check_new(out: Path) -> None:
    """Raise OptionError where there is something at `out` already; an empty folder is as good as none."""
    out = Path(os.path.abspath(out))
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        what = "is a folder that is not empty" if out.is_dir() else "is a file"
        raise OptionError(f"--out {out}: {what}. Nothing is overwritten: name a folder that does not exist yet.")


def _settle() -> None:
    """Have the system write what it holds: a folder renamed before its files are on the disk could come out empty."""
    if hasattr(os, "sync"):
        os.sync()


def put_media(source: Path, target: Path, mode: MediaMode) -> None:
    """Put a media file, or the frames of a folder, to `target`; OptionError where a link cannot be made."""
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        for frame in frame_files(source):
            put_media(frame, target / frame.name, mode)
        return
    if target.exists():  # a frame of a folder that is shown by itself, too
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if mode == "copy":
        shutil.copyfile(source, target)
        return
    link = os.symlink if mode == "symlink" else os.link
    try:
        link(source.resolve(), target)
    except OSError as error:
        raise OptionError(
            f"--media {mode}: {quoted(str(source))} cannot be linked to from there: {error.strerror}. Use --media copy."
        ) from None
