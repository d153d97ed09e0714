"""
A directory of this machine as a storage.

``open`` has what anybody may fetch, for a web server to serve. A link to one of the others is a
copy in ``open/revealed``, under a name that nobody can guess.
"""

from __future__ import annotations

import contextlib
import errno
import gzip
import os
import secrets
import shutil
import time
import zlib
from collections.abc import Callable
from pathlib import Path

from seedcore.contract import threads
from seedcore.storage.objects import Stored

OPEN, REVEALED = "open", "revealed"
DRAFT = ".draft-"
"""What the name of a file begins with that is being written."""


class Directory:
    """
    Keeps objects in *root*; *url* is where ``open`` is served, *now* gives epoch seconds.

    Every method raises ``OSError``.
    """

    name = ""

    def __init__(
        self, root: Path, url: str | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self.root = root
        self._url = url.rstrip("/") if url else None
        self._now = now

    async def put(self, stored: Stored, content: bytes) -> str | None:
        """
        Write *content* to the disk; return the address if it is public.
        """
        address: str | None = await threads.run(self._put, stored, content)
        return address

    async def link(self, stored: Stored, seconds: int) -> str:
        """
        Copy a sealed object to where it can be fetched; after *seconds* it is to be removed.
        """
        address: str = await threads.run(self._link, stored, seconds)
        return address

    async def remove_expired(self) -> None:
        """
        Remove copies whose time is over.
        """
        await threads.run(self._remove_expired)

    def _put(self, stored: Stored, content: bytes) -> str | None:
        path = self.root / OPEN / stored.key if stored.public else self.root / stored.key
        write_whole(path, content, private=not stored.public)
        return self._address(path) if stored.public else None

    def _link(self, stored: Stored, seconds: int) -> str:
        content = (self.root / stored.key).read_bytes()
        if stored.encoding == "gzip":
            content = _unpacked(content)
        until = int(self._now()) + seconds
        folder = self.root / OPEN / REVEALED / f"{secrets.token_urlsafe(16)}.{until}"
        path = folder / (stored.filename or "log")
        write_whole(path, content, private=False)
        return self._address(path)

    def _remove_expired(self) -> None:
        revealed = self.root / OPEN / REVEALED
        if not revealed.is_dir():
            return
        for folder in revealed.iterdir():
            until = folder.suffix.removeprefix(".")
            if until.isdigit() and int(until) <= self._now():
                shutil.rmtree(folder, ignore_errors=True)

    def _address(self, path: Path) -> str:
        if self._url is None:
            return path.resolve().as_uri()
        return f"{self._url}/{path.relative_to(self.root / OPEN).as_posix()}"


def _unpacked(content: bytes) -> bytes:
    try:
        return gzip.decompress(content)
    except (EOFError, zlib.error) as error:
        raise OSError(errno.EIO, "it is damaged") from error


def write_whole(path: Path, content: bytes, *, private: bool) -> None:
    """
    Write *content* so that the file is there whole or not at all, after a loss of power too.
    """
    make_folder(path.parent, private=private)
    draft = path.with_name(f"{DRAFT}{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o644)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
    _sync(path.parent)


def make_folder(folder: Path, *, private: bool) -> None:
    """
    Make *folder* and those above it that are missing, for this user alone if *private*.
    """
    if folder.is_dir():
        return
    if folder.parent != folder:
        make_folder(folder.parent, private=private)
    folder.mkdir(mode=0o700 if private else 0o755, exist_ok=True)
    _sync(folder.parent)


def _sync(directory: Path) -> None:
    # A file is found after a loss of power only if its directory was written too.
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
