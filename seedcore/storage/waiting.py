"""
Objects that wait on this disk until a storage takes them.

Each is one file: a line of JSON that says what it is and where it goes, then its bytes. Storing
an object again does no harm, so that any process may take what another one has left.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

import attrs

from seedcore.storage.directory import write_whole
from seedcore.storage.objects import Stored

ENDING = ".object"


@attrs.frozen(kw_only=True)
class Left:
    """
    An object that waits: the storage it goes to, and its bytes.
    """

    storage: str
    stored: Stored
    content: bytes = attrs.field(repr=False)


class Waiting:
    """
    The objects that wait in *folder*; every method raises ``OSError``, and blocks.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, left: Left) -> Path:
        """
        Write *left* to the disk.
        """
        head = json.dumps({"storage": left.storage, **attrs.asdict(left.stored)})
        path = self._path(left.stored.key)
        write_whole(path, head.encode() + b"\n" + left.content, private=True)
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
        Return what *path* has; ``None`` if it is gone, or was damaged.
        """
        try:
            head, _, content = path.read_bytes().partition(b"\n")
            facts = json.loads(head)
            return Left(storage=facts.pop("storage"), stored=Stored(**facts), content=content)
        except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def remove(self, path: Path) -> None:
        """
        Remove the file of what was stored, and the folder if it was the last one.
        """
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    def _path(self, key: str) -> Path:
        # The key is a secret, and a name in a listing is not.
        name = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
        return self.folder / f"{name}{ENDING}"
