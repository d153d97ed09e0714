"""
Files for what the database can't take right now, and for knowing which processes have died.

Every process has its own: a lock file that it holds for as long as it lives, and spool files
of lines. Whoever can lock the file of another one knows that it is gone, and takes over what
it left. A line is its length, a checksum and an entry:

    0000002a 5d3cb0f1 ["id",{"calls":[...]}]
"""

from __future__ import annotations

import contextlib
import os
import threading
import uuid
import zlib
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import IO

import attrs

from seedcore.store.entries import Entry

try:
    import fcntl
except ImportError:  # Windows, where nobody can tell whether a process lives
    fcntl = None  # type: ignore[assignment]

LOCK, NEW, SPOOL, DRAINING, TORN = ".lock", ".new", ".spool", ".draining", ".torn"
_HEAD = 18
"""Bytes before an entry: two numbers of eight hex digits, each with a space behind it."""


@attrs.frozen(kw_only=True)
class SpoolStatus:
    """
    What lies in the spool of one database: ``lines`` to be written, of which ``held`` by
    processes that live, ``torn`` ones that can't be read any more, and spoiler ``logs`` that wait
    for their storage.
    """

    directory: str
    lines: int
    held: int
    torn: int
    logs: int
    bytes: int


class Spool:
    """
    The spool of one process; nothing is made before it is needed.
    """

    def __init__(self, directory: Path, key: str) -> None:
        self.directory = directory
        self.owner = uuid.uuid4().hex
        self._key = key
        self._stem = directory / f"{key}-{self.owner}"
        self._lock: IO[bytes] | None = None
        self._file: IO[bytes] | None = None
        self._drained = 0
        self._living = threading.Lock()
        self._writing = threading.Lock()

    # ----------------------------------------------------------------- writing

    def live(self) -> None:
        """
        Let others see that this process lives. Raises ``OSError``.
        """
        if self._lock is not None:
            return
        with self._living:
            while self._lock is None:
                self._make_directory()
                with contextlib.suppress(FileNotFoundError):  # they removed the directory
                    self._lock = self._own_lock()

    def _own_lock(self) -> IO[bytes] | None:
        if fcntl is None:
            return self._path(LOCK).open("ab")
        # Under its own name nobody ever finds it unlocked, and takes this process for a dead one.
        lock = locked(self._path(NEW), make=True)
        self._path(NEW).rename(self._path(LOCK))
        return lock

    def append(self, entries: Iterable[Entry]) -> None:
        """
        Write *entries* to the disk, all or none. Raises ``OSError``.
        """
        content = b"".join(map(line_of, entries))
        with self._writing:
            self.live()
            if self._file is None:
                self._file = self._path(SPOOL).open("ab", buffering=0)
                _sync_directory(self.directory)
            _write_all(self._file, content)

    def close(self) -> None:
        """
        Give the lock back; without it whatever is left belongs to the next process.
        """
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._lock is not None:
            self._path(LOCK).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None
        with contextlib.suppress(OSError):  # there is none, others use it, or lines are left
            self.directory.rmdir()

    def _path(self, suffix: str) -> Path:
        return self._stem.with_name(self._stem.name + suffix)

    def _make_directory(self) -> None:
        if not self.directory.is_dir():
            # Rows may hold what is sealed.
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync_directory(self.directory.parent)

    @property
    def logs(self) -> Path:
        """
        Where the spoiler logs of this database wait for their storage.
        """
        return self.directory / f"{self._key}-logs"

    # ---------------------------------------------------------------- draining

    @property
    def has_lines(self) -> bool:
        """
        Whether this process has lines that are to be drained.
        """
        return self._file is not None or bool(_data_files(self._stem))

    @property
    def has_any_lines(self) -> bool:
        """
        Whether any process has lines of this database here that are to be drained.
        """
        return bool(_data_files(self.directory / f"{self._key}-"))

    def mine(self) -> list[Path]:
        """
        Return this process's own files that may be drained; new lines go to another one.
        """
        with self._writing:
            if self._file is not None:
                self._file.close()
                self._file = None
            if self._path(SPOOL).exists():
                self._drained += 1
                self._path(SPOOL).rename(self._path(f".{self._drained}{DRAINING}"))
        # Not the one that may have been begun meanwhile: whoever drains a file removes it.
        return [file for file in _data_files(self._stem) if file.suffix == DRAINING]

    def left_by_the_dead(self) -> Generator[tuple[str, list[Path]]]:
        """
        Yield the owners that have died, each with its files, locked while they are looked at.

        Its lock file goes when the caller comes back for the next one.
        """
        if fcntl is None:
            return
        for path in sorted(_found(self.directory, f"{self._key}-*{LOCK}")):
            stem = path.with_name(path.name.removesuffix(LOCK))
            with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
                lock = None if stem == self._stem else locked(path)
                if lock is None:
                    continue
                stack.enter_context(lock)
                files = _data_files(stem)
                yield stem.name.rpartition("-")[2], files
                if not any(file.exists() for file in files):
                    path.unlink(missing_ok=True)
        for path in self._orphans():
            yield "", [path]

    def _orphans(self) -> list[Path]:
        # Left by a process that closed in order, or copied here from a backup.
        files = _data_files(self.directory / f"{self._key}-")
        return [file for file in files if not _lock_of(file).exists()]

    def keep_torn(self, file: Path, lines: list[bytes]) -> None:
        """
        Put *lines* that can't be written aside, on the disk. Raises ``OSError``.
        """
        aside = file.with_name(file.name.partition(".")[0] + TORN)
        with aside.open("ab") as torn:
            for line in lines:
                torn.write(line.rstrip(b"\n") + b"\n")
            torn.flush()
            os.fsync(torn.fileno())
        _sync_directory(self.directory)

    # ----------------------------------------------------------------- looking

    def status(self) -> SpoolStatus:
        """
        Count what is there.
        """
        lines = held = torn = size = 0
        for file in _data_files(self.directory / f"{self._key}-"):
            if not file.is_file():
                continue
            entries, broken = read(file)
            lines += len(entries)
            torn += len(broken)
            size += _size(file)
            if _is_held(_lock_of(file)):
                held += len(entries)
        for file in _found(self.directory, f"{self._key}-*{TORN}"):
            torn += file.read_bytes().count(b"\n")
            size += _size(file)
        logs = _found(self.logs, "*.object")
        return SpoolStatus(
            directory=str(self.directory),
            lines=lines,
            held=held,
            torn=torn,
            logs=len(logs),
            bytes=size + sum(map(_size, logs)),
        )


def read(file: Path) -> tuple[list[Entry], list[bytes]]:
    """
    Return the entries in *file*, and the lines that are none: cut short or damaged.
    """
    entries, torn = [], []
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return [], []
    for line in content.splitlines(keepends=True):
        entry = _entry(line)
        if entry is None:
            torn.append(line)
        else:
            entries.append(entry)
    return entries, torn


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # somebody has drained it
        return 0


def _write_all(file: IO[bytes], content: bytes) -> None:
    end = file.seek(0, os.SEEK_END)
    try:
        written = 0
        while written < len(content):
            written += file.write(content[written:]) or 0
        os.fsync(file.fileno())
    except OSError:
        with contextlib.suppress(OSError):
            file.truncate(end)
        raise


def line_of(entry: Entry) -> bytes:
    """
    Return *entry* as it stands in a file.
    """
    body = entry.to_json().encode()
    return b"%08x %08x %s\n" % (len(body), zlib.crc32(body), body)


def _entry(line: bytes) -> Entry | None:
    body = line[_HEAD:].removesuffix(b"\n")
    try:
        length, checksum = (int(part, 16) for part in line[:_HEAD].split())
        if not line.endswith(b"\n") or (length, checksum) != (len(body), zlib.crc32(body)):
            return None
        return Entry.from_json(body.decode())
    except ValueError:
        return None


def _data_files(stem: Path) -> list[Path]:
    names = (f"{stem.name}*{suffix}" for suffix in (SPOOL, DRAINING))
    found = (path for name in names for path in _found(stem.parent, name))
    # Reading a device may never end.
    return sorted(path for path in found if not path.is_char_device())


def _found(directory: Path, pattern: str) -> list[Path]:
    try:
        return list(directory.glob(pattern))
    except FileNotFoundError:  # who drained the last file removed it while it was being listed
        return []


def _lock_of(file: Path) -> Path:
    return file.with_name(file.name.partition(".")[0] + LOCK)


def locked(path: Path, *, make: bool = False) -> IO[bytes] | None:
    """
    Return the lock file, locked; ``None`` if another process holds it.
    """
    file = path.open("ab" if make else "rb")
    if fcntl is None:
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _is_held(path: Path) -> bool:
    try:
        lock = locked(path)
    except OSError:
        return False
    if lock is None:
        return True
    lock.close()
    return False


def _sync_directory(directory: Path) -> None:
    # A file is found after a loss of power only if its directory was written too.
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
