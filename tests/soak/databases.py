"""
The databases that the scenarios run on, and the ways in which each can be gone.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from support.postgres import Postgres
from support.stored import locked, look


@attrs.frozen
class Sqlite:
    """
    A file that all workers open.
    """

    path: Path
    gone: str = "locked"

    @property
    def url(self) -> str:
        """
        Its address for a runner.
        """
        return f"sqlite://{self.path}"

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """
        Return what the database answers.
        """
        return look(self.path, sql)

    @contextlib.contextmanager
    def outage(self) -> Iterator[None]:
        """
        Hold the write lock, as a writer that hangs does.
        """
        with locked(self.path):
            yield


@attrs.frozen
class Postgresql:
    """
    A database of its own on the server of the session.
    """

    server: Postgres
    url: str
    gone: str = "stopped"

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """
        Return what the database answers.
        """
        return self.server.query(self.url, sql)

    @contextlib.contextmanager
    def outage(self) -> Iterator[None]:
        """
        Crash the server and start it again afterwards, or freeze it for the time.
        """
        if self.gone == "paused":
            self.server.pause()
        else:
            self.server.stop(immediate=True)
        try:
            yield
        finally:
            if self.gone == "paused":
                self.server.resume()
            else:
                self.server.start()


Database = Sqlite | Postgresql


def rows(database: Database) -> dict[str, str | None]:
    """
    Return the hash_id of every audit row by its call_id, of which there must be no two.
    """
    found = database.query("SELECT call_id, hash_id FROM seedcore_calls")
    twice = {call_id: n for call_id, n in Counter(one for one, _ in found).items() if n > 1}
    assert {} == twice, "call_ids with several rows"
    return dict(found)


def spooled(folder: Path) -> list[str]:
    """
    Return what is left in a spool directory: files with something in them, locks aside.
    """
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
    return sorted(path.name for path in files if path.stat().st_size)
