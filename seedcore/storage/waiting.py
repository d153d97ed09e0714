"""
Objects that wait on this disk until a storage takes them.

Each is one file: a line of JSON that says what it is and where it goes, then its bytes. Storing
an object again does no harm, so that any process may take what another one has left.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from pathlib import Path

import attrs

from seedcore.storage.directory import DRAFT, write_whole
from seedcore.storage.objects import Stored

ENDING = ".object"
DAMAGED = ".damaged"
LONGEST_WRITE = 3_600.0
"""Seconds after which nobody is still writing a file."""


@attrs.frozen(kw_only=True)
class Left:
    """
    An object that waits: the call it is of, the storage it goes to, and its bytes.
    """

    call_id: str
    storage: str
    stored: Stored
    content: bytes = attrs.field(repr=False)


class Waiting:
    """
    The objects that wait in *folder*, which is never removed: another process may be about to
    write into it. Every method raises ``OSError``, and blocks.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, left: Left) -> Path:
        """
        Write *left* to the disk.
        """
        facts = {"call_id": left.call_id, "storage": left.storage, **attrs.asdict(left.stored)}
        path = self._path(left.stored.key)
        write_whole(path, json.dumps(facts).encode() + b"\n" + left.content, private=True)
        return path

    def all(self) -> list[Path]:
        """
        Return the files of what waits.
        """
        with contextlib.suppress(FileNotFoundError):
            return sorted(self.folder.glob(f"*{ENDING}"))
        return []

    def find(self, key: str) -> Path | None:
        """
        Return the file of the object with *key*, if it waits here.
        """
        path = self._path(key)
        return path if path.exists() else None

    def read(self, path: Path) -> Left | None:
        """
        Return what *path* has; ``None`` if it is gone.

        A damaged one is put aside for a person, and raises ``ValueError``.
        """
        try:
            head, _, content = path.read_bytes().partition(b"\n")
            facts = json.loads(head)
            call_id, storage = facts.pop("call_id"), facts.pop("storage")
            stored = Stored(**facts)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError, AttributeError):
            path.rename(path.with_suffix(DAMAGED))
            msg = "it is damaged"
            raise ValueError(msg) from None
        return Left(call_id=call_id, storage=storage, stored=stored, content=content)

    def remove(self, path: Path) -> None:
        """
        Remove the file of what was stored.
        """
        path.unlink(missing_ok=True)

    def remove_drafts(self) -> None:
        """
        Remove what a process was writing when it was killed: others may be writing just now.
        """
        with contextlib.suppress(FileNotFoundError):
            for path in self.folder.glob(f"{DRAFT}*"):
                if time.time() - path.stat().st_mtime > LONGEST_WRITE:
                    path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        # The key is a secret, and a name in a listing is not.
        name = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
        return self.folder / f"{name}{ENDING}"
