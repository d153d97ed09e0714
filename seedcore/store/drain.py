"""
Writing what lies in spool files to the database, once the database is back.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

import attrs

from seedcore.contract import threads
from seedcore.errors import DatabaseError
from seedcore.events import Event
from seedcore.store import spool as files
from seedcore.store.database import Database
from seedcore.store.entries import Entry, write_entries
from seedcore.store.reasons import is_about_the_row, reason, unusable
from seedcore.store.spool import Spool

AT_A_TIME = 500
"""Entries in one transaction; others get their turn in between."""
LIMIT = 5.0
"""Seconds one transaction may wait for a lock or a server."""

EXPIRE = "UPDATE seedcore_claims SET expires_at = 0 WHERE owner = ? AND done = FALSE"


@attrs.define
class Drained:
    """
    What became of spooled lines: ``written`` to the database, or put aside as ``torn``.
    """

    written: int = 0
    torn: int = 0

    def event(self) -> Event:
        """
        Return the event that says so.
        """
        facts = {"rows": self.written, "torn": self.torn}
        if self.torn:
            return Event(level="ERROR", event="audit_drained", extra=facts)
        return Event(level="INFO", event="audit_drained", extra=facts)


async def drain_mine(database: Database, spool: Spool, total: Drained) -> None:
    """
    Write this process's own lines and count them. Raises what database or disk raised.
    """
    if not spool.has_lines:
        return
    # Else a database that is gone for a day would leave a file for each try.
    await database.check_writable(LIMIT)
    await _drain(database, spool, await threads.run(spool.mine), total)


async def drain_the_dead(database: Database, spool: Spool, total: Drained) -> None:
    """
    Write and count the lines of processes that have died, and let their claims expire.

    First the lines: who takes over a claim must see what was done under it.
    """
    with contextlib.closing(spool.left_by_the_dead()) as dead:
        for owner, left in dead:
            await _drain(database, spool, left, total)
            if owner:
                await database.execute(EXPIRE, owner)


async def _drain(database: Database, spool: Spool, left: Iterable[Path], total: Drained) -> None:
    for file in left:
        try:
            lock = files.locked(file)
        except FileNotFoundError:
            continue  # another process has drained it
        if lock is None:
            continue  # another process is draining it
        with lock:
            entries, torn = await threads.run(files.read, file)
            unread = len(torn)
            for start in range(0, len(entries), AT_A_TIME):
                torn += await _write(database, entries[start : start + AT_A_TIME])
            # Counted at the end: where that was not reached, the file is written again.
            total.written += len(entries) + unread - len(torn)
            if torn:
                spool.keep_torn(file, torn)
                total.torn += len(torn)
            file.unlink(missing_ok=True)


async def _write(database: Database, entries: list[Entry]) -> list[bytes]:
    refused = []
    outcomes = await write_entries(database, entries, LIMIT)
    for entry, error in zip(entries, outcomes, strict=True):
        if error is not None:
            if not is_about_the_row(error):
                if isinstance(error, DatabaseError):
                    raise error
                raise unusable(database.name, reason(error)) from error
            refused.append(files.line_of(entry))
    return refused
