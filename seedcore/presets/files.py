"""
Presets in files: in folders of one's own, and shipped by plugins.
"""

from __future__ import annotations

import functools
import os
import stat
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from seedcore.errors import InvalidPresetError
from seedcore.presets.document import MOST_BYTES
from seedcore.presets.names import is_plain

if TYPE_CHECKING:
    from seedcore.presets.takers import Taker

SETTLED = 2_000_000_000
"""Nanoseconds after its last change from which on a file is known by its times and size."""
MOST_KNOWN = 1_000
"""Files whose contents are kept."""
ENDINGS = (".yaml", ".yml")
"""Of two files that differ in their ending, the first one counts."""


def names_in(folder: Path | None) -> set[str]:
    """
    Return the names of the presets in *folder*; none if there is no such folder.
    """
    names: set[str] = set()
    try:
        with os.scandir(folder or "") as entries:
            for entry in entries:
                name, dot, ending = entry.name.rpartition(".")
                if dot + ending in ENDINGS and is_plain(name) and _is_file(entry):
                    names.add(name)
    except OSError:
        return names
    return names


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link that leads in a circle
        return False


class File(NamedTuple):
    """
    A file that is there, and what was seen of it.
    """

    path: Path
    status: os.stat_result


def find_in(folder: Path | None, name: str) -> File | None:
    """
    Return the file of the preset *name* in *folder*, if there is one.
    """
    if folder is None:
        return None
    for ending in ENDINGS:
        path = folder / f"{name}{ending}"
        try:
            status = path.stat()
            # A pipe or a device with such a name would be read for ever.
            if stat.S_ISREG(status.st_mode):
                return File(path, status)
        except (OSError, ValueError):
            continue
    return None


def content_of(file: File, *, provider: str, name: str) -> bytes:
    """
    Return what is in the file, one byte more than is allowed at most.

    Raises InvalidPresetError for a file that can't be read.
    """
    seen = _seen(file.status)
    known = _CONTENTS.get(file.path)
    if known is not None and known[0] == seen:
        return known[1]
    try:
        with file.path.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except OSError as error:
        text = f"the preset {name!r}: its file can't be read: {error.strerror}"
    else:
        # A file that has just changed may change again without looking different.
        if time.time_ns() - max(seen[:2]) > SETTLED and len(_CONTENTS) < MOST_KNOWN:
            _CONTENTS[file.path] = (seen, content)
        return content
    raise InvalidPresetError(text, provider=provider)


def _seen(status: os.stat_result) -> tuple[int, ...]:
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


_CONTENTS: dict[Path, tuple[tuple[int, ...], bytes]] = {}


def folders_of(directories: Iterable[Path], provider: str) -> list[Path]:
    """
    Return where a provider's files are in each of *directories*, those that come first first.
    """
    return [directory / provider for directory in directories]


def shipped_folder(taker: Taker) -> Path | None:
    """
    Return the folder of presets beside the module of the provider, if it declares one.
    """
    folder = taker.documents.presets
    if folder is None:
        return None
    module = sys.modules.get(taker.provider.module)
    file = getattr(module, "__file__", None)  # a module typed at a prompt has none
    return _beside(file, folder) if file else None


@functools.cache
def _beside(file: str, folder: str) -> Path:
    return Path(file).parent / folder


__all__ = ["ENDINGS", "File", "content_of", "find_in", "folders_of", "names_in", "shipped_folder"]
