"""
The private folder of one run: what the randomizer is given, and what is taken from it.

The randomizer looks for its own files in the current folder, and writes there too. Its current
folder is a desk of links to the checkout's, so that runs don't write into each other's files, and
the checkout may be one that nobody can write to.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import attrs

from seedcore import ProviderCapabilityError, ProviderResponseFormatError
from seedcore_alttprdoor.program import in_thread
from seedcore_alttprdoor.settings import ARGUMENTS

HEADER = 512
"""Bytes that copiers of old put before a ROM."""
LARGEST_LIST = 1024 * 1024
NOT_SHARED = ("data/base2current.json", "resources/user")
"""What the randomizer rewrites in each run, and settings that somebody saved in its window."""
PRIVATE = 0o700
ROM = "base.sfc"


@attrs.frozen(kw_only=True)
class Base:
    """
    The ROM that every game is made of, by its MD5 and size.
    """

    md5: str = "03a63945398191337e896e5771f77173"
    size: int = 0x100000

    def read(self, path: Path) -> bytes:
        """
        Return the ROM without a header. Raises ProviderCapabilityError if it is another one.
        """
        try:
            with _opened(path) as file:
                content = file.read(self.size + HEADER + 1)
        except OSError as error:
            text = f"the ROM can't be read ({error.strerror}); check the setting rom"
            raise ProviderCapabilityError(text) from None
        bare = content[HEADER:] if len(content) == self.size + HEADER else content
        found = hashlib.md5(bare, usedforsecurity=False).hexdigest()
        if len(bare) == self.size and found == self.md5:
            return bare
        text = (
            "the file in the setting rom isn't the Japanese 1.0 ROM, whose MD5 without header is "
            f"{self.md5}"
        )
        raise ProviderCapabilityError(text)


def _opened(path: Path) -> BinaryIO:
    # A pipe would be waited for until somebody writes into it.
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise OSError(0, "it is no regular file")


@contextlib.contextmanager
def disk() -> Iterator[None]:
    """
    Raise ProviderCapabilityError for a disk that is full, or that can't be written to.
    """
    try:
        yield
    except OSError as error:
        fault = os.strerror(error.errno or errno.EIO)  # its own words may have folders in them
        text = f"the folder for temporary files can't be used: {fault}"
        raise ProviderCapabilityError(text) from None


@attrs.frozen
class Folder:
    """
    The private folder of one run.
    """

    root: Path

    @property
    def desk(self) -> Path:
        """
        The randomizer's current folder.
        """
        return self.root / "desk"

    @property
    def home(self) -> Path:
        """
        Its home, and where it has its temporary files.
        """
        return self.root / "home"

    @property
    def out(self) -> Path:
        """
        Where it puts what it makes.
        """
        return self.root / "out"

    @property
    def rom(self) -> Path:
        """
        Its copy of the base ROM.
        """
        return self.root / ROM

    @property
    def settings(self) -> Path:
        """
        Its settings file.
        """
        return self.root / "settings.json"

    @disk()
    def lay(self, checkout: Path, base: bytes, document: Mapping[str, Any]) -> None:
        """
        Put everything there that a run needs.
        """
        for folder in (self.desk, self.home, self.out):
            folder.mkdir(mode=PRIVATE)
        self.rom.write_bytes(base)
        self.settings.write_text(json.dumps(document), "utf-8")
        _link(checkout, self.desk)

    def take(self, name: str, most: int) -> bytes:
        """
        Return the file *name* that the randomizer made.

        Raises ProviderResponseFormatError for none, for a link out of the folder, for anything
        but a file, and for one of more than *most* bytes.
        """
        content, fault = b"", "left none"
        with contextlib.suppress(OSError):  # there is none, or it is a link
            content, fault = _taken(self.out, name, most)
        if fault:
            text = f"the randomizer was to leave the file {name} in its folder, and {fault}"
            raise ProviderResponseFormatError(text)
        return content


@contextlib.asynccontextmanager
async def private_folder() -> AsyncIterator[Folder]:
    """
    Give a folder of this run alone, and remove it.
    """
    with disk():
        root = Path(tempfile.mkdtemp(prefix="seedcore-alttprdoor-"))
        held = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield Folder(root)
    finally:
        await in_thread(remove, root, held)


def remove(root: Path, held: int) -> None:
    """
    Remove a folder, of which *held* is a descriptor, as far as it can be: the ROM first, and what
    was made unreadable too.
    """
    with contextlib.suppress(OSError):
        os.unlink(ROM, dir_fd=held)
    with contextlib.suppress(OSError):  # it may have another name by now, which only Linux tells
        root = Path(f"/proc/self/fd/{held}").readlink()
    os.close(held)
    folders = [root]
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.chmod(PRIVATE)
            folders += _emptied(folder, root)
            if folder != root:
                folder.rmdir()
    with contextlib.suppress(OSError):
        root.rmdir()


def _emptied(folder: Path, root: Path) -> Iterator[Path]:
    """
    Remove the files of *folder*, and yield its folders, which are brought up to *root*: of a deep
    tree the paths are longer than the system takes.
    """
    for path in list(folder.iterdir()):
        with contextlib.suppress(OSError):
            if path.is_symlink() or not path.is_dir():
                path.unlink()
                continue
            path.chmod(PRIVATE)  # else it can't be moved
            yield path.rename(root / secrets.token_hex(8))


def _taken(folder: Path, name: str, most: int) -> tuple[bytes, str]:
    """
    Return the content of a file, and what is wrong with it.
    """
    within = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        found = os.lstat(name, dir_fd=within)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            return b"", "left a link or something else in its place"
        # It may have been exchanged meanwhile.
        number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=within)
    finally:
        os.close(within)
    with os.fdopen(number, "rb") as file:
        content = file.read(most + 1) if stat.S_ISREG(os.fstat(number).st_mode) else b""
    if len(content) > most:
        return b"", f"left one of more than {most // 1024} KiB"
    return content, "" if content else "left an empty one"


def _link(source: Path, desk: Path, inside: str = "") -> None:
    """
    Fill *desk* with links to what is in *source*, but for what isn't shared.
    """
    for entry in _entries(source):
        name = f"{inside}{entry.name}"
        if name in NOT_SHARED or entry.name.startswith("."):
            continue
        if any(other.startswith(f"{name}/") for other in NOT_SHARED) and entry.is_dir():
            (desk / entry.name).mkdir(mode=PRIVATE)
            _link(source / entry.name, desk / entry.name, f"{name}/")
        else:
            (desk / entry.name).symlink_to(source / entry.name)


def _entries(source: Path) -> list[os.DirEntry[str]]:
    try:
        return list(os.scandir(source))
    except OSError as error:
        text = f"the checkout can't be read ({error.strerror}); check its setting"
        raise ProviderCapabilityError(text) from None


def listed_in(checkout: Path) -> Mapping[str, Any]:
    """
    Return what the randomizer of *checkout* takes, by its own list.

    Raises ProviderCapabilityError if it has none.
    """
    try:
        with _opened(checkout / ARGUMENTS) as file:
            listed = json.loads(file.read(LARGEST_LIST))
    except (OSError, ValueError, RecursionError):
        listed = None
    if isinstance(listed, dict):
        return listed
    text = "its list of settings (args.json) can't be read; clone ALttPDoorRandomizer anew"
    raise ProviderCapabilityError(text)
