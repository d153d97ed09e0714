"""
The vanilla ROM: known by its checksum, and read piece by piece.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import stat
from collections.abc import AsyncIterator
from io import BufferedReader, FileIO
from pathlib import Path
from typing import BinaryIO

import attrs

from seedcore import ProviderCapabilityError

SIZE = 4 * 2**20
HEADER = 0x200
"""Bytes that some copies have in front of the game."""
MD5 = "a2bc447961e52fd2227baed164f729dc"
PIECE = 64 * 2**10
"""Bytes that are read at once."""

SET_ROM = "set rom (SEEDCORE_CTJETS_ROM) to the path of the vanilla Chrono Trigger ROM"


@attrs.frozen(kw_only=True)
class State:
    """
    What changes with a file; who sets ``written`` back has it ``changed`` all the same.
    """

    device: int
    inode: int
    size: int
    written: int
    changed: int


class Pieces(BufferedReader):
    """
    A file of which no more than a piece is read at once, whatever is asked for.

    aiohttp asks for up to 256 KiB, and holds two of these; it goes on until it has all.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        """
        Return the next bytes, a piece at most.
        """
        return super().read(PIECE if size is None or size < 0 else min(size, PIECE))


class Rom:
    """
    Opens the ROM if it is the right one, which is looked at once for each state of the file.
    """

    def __init__(self) -> None:
        self._faults: dict[Path, tuple[State, str]] = {}

    @contextlib.asynccontextmanager
    async def opened(self, path: Path) -> AsyncIterator[BinaryIO]:
        """
        Open the file where the game begins. Raises ProviderCapabilityError for any other file.
        """
        # Everything that touches the disk does so in a thread: it may be a slow one.
        opening = asyncio.get_running_loop().run_in_executor(None, self._open, path)
        try:
            file = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close)
            raise
        try:
            yield file
        finally:
            file.close()

    def _open(self, path: Path) -> BinaryIO:
        try:
            file, fault = self._looked_at(path.expanduser())
        except (OSError, RuntimeError, ValueError) as error:  # no such file, home, or name
            why = getattr(error, "strerror", None) or "no such path"
            text = f"the file that rom names can't be read ({why}); {SET_ROM}"
            raise ProviderCapabilityError(text) from None
        if file is None:
            text = f"the file that rom names is no vanilla ROM: {fault}; {SET_ROM}"
            raise ProviderCapabilityError(text)
        return file

    def _looked_at(self, path: Path) -> tuple[BinaryIO | None, str]:
        """
        Return the file, open where the game begins, or what is wrong with it.
        """
        with contextlib.ExitStack() as closing:
            file = closing.enter_context(Pieces(FileIO(path, opener=_opened)))
            fault = self._fault(path, file)
            if not fault:
                file.seek(os.fstat(file.fileno()).st_size - SIZE)
                closing.pop_all()
                return file, ""
        return None, fault

    def _fault(self, path: Path, file: BinaryIO) -> str:
        """
        Return what is wrong with the file; empty if it is the ROM.
        """
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            return "it is no file"
        state = State(
            device=facts.st_dev,
            inode=facts.st_ino,
            size=facts.st_size,
            written=facts.st_mtime_ns,
            changed=facts.st_ctime_ns,
        )
        known, fault = self._faults.get(path, (None, ""))
        if known != state:
            fault = fault_of(file, state.size)
            self._faults[path] = state, fault
        return fault


def fault_of(file: BinaryIO, size: int) -> str:
    """
    Return what is wrong with a file of that size; empty if it is the ROM.
    """
    if size not in (SIZE, SIZE + HEADER):
        return f"it has {size:,} bytes in place of {SIZE:,}, or {SIZE + HEADER:,} with a header"
    file.seek(size - SIZE)
    digest = hashlib.md5(usedforsecurity=False)
    while piece := file.read(PIECE):
        digest.update(piece)
    return "" if digest.hexdigest() == MD5 else f"its MD5 isn't {MD5}"


def _opened(path: str, flags: int) -> int:
    # A pipe would be waited for until somebody writes into it.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # Windows has no such pipes


def _close(opening: asyncio.Future[BinaryIO]) -> None:
    # Its caller is gone, and the thread has opened it all the same.
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
