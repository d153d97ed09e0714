"""
Rows that another program has written, added once each.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from seedcore.model import AuditRecord
from seedcore.store.database import Database
from seedcore.store.earlier import mark_of
from seedcore.store.entries import Entry, write_entries
from seedcore.store.reasons import is_about_the_row, reason, unusable
from seedcore.store.rows import CALLS
from seedcore.store.schema import migrations

LIMIT = 60.0
"""Seconds that one transaction may wait for others."""

NEW, KNOWN = "new", "known"
TAKEN = (
    "another row has this id already. If this is the table of another program, import it with a "
    "--source of its own"
)

Marks = dict[str, str | None]


class StoredImports:
    """
    Adds imported rows; every method raises ``DatabaseError``.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, records: Sequence[AuditRecord]) -> list[str]:
        """
        Add *records* in one transaction; return for each ``NEW``, ``KNOWN`` or what is wrong.

        One whose id is known already changes nothing.
        """
        outcomes, new = _judged(records, await self.marks(records))
        entries = [Entry(record.call_id, {"calls": CALLS.row(record)}) for record in new]
        errors = iter(await write_entries(self._database, entries, LIMIT) if entries else ())
        return [each if each != NEW else self._outcome(next(errors)) for each in outcomes]

    async def marks(self, records: Sequence[AuditRecord]) -> Marks:
        """
        Return the ids of *records* that are there already, and what marks earlier rows.
        """
        ids = [*{record.call_id: None for record in records}]
        places = ", ".join("?" for _ in ids)
        statement = f"SELECT call_id, report FROM seedcore_calls WHERE call_id IN ({places})"  # noqa: S608 - ours
        rows = await self._database.fetch(statement, *ids, limit=LIMIT) if ids else []
        return {row["call_id"]: mark_of(row["report"]) for row in rows}

    async def has_table(self) -> bool:
        """
        Whether there can be any row at all.
        """
        client = self._database.client
        known = await self._database.ask(lambda: migrations(client, client.connection_name))
        return known["0001_initial"]

    def _outcome(self, error: Exception | None) -> str:
        if error is None:
            return NEW
        if is_about_the_row(error):
            return f"the database refuses it: {reason(error)}"
        raise unusable(self._database.name, reason(error)) from error


class Rehearsal:
    """
    Says what an import would do; *stored* is ``None`` where there is no database yet.
    """

    def __init__(self, stored: StoredImports | None) -> None:
        self._stored = stored
        # What a long import would have written needs no memory: SQLite keeps it in a file
        # without a name, which ends with the connection.
        self._written = sqlite3.connect("")
        self._written.execute("CREATE TABLE written (call_id TEXT PRIMARY KEY, mark TEXT)")

    async def add(self, records: Sequence[AuditRecord]) -> list[str]:
        """
        Return for each of *records* ``NEW``, ``KNOWN`` or what is wrong. Raises DatabaseError.
        """
        marks = await self._stored.marks(records) if self._stored else {}
        for record in records:
            question = "SELECT call_id, mark FROM written WHERE call_id = ?"
            marks.update(self._written.execute(question, [record.call_id]).fetchall())
        outcomes, new = _judged(records, marks)
        rows = [(record.call_id, mark_of(record.report)) for record in new]
        self._written.executemany("INSERT INTO written VALUES (?, ?)", rows)
        return outcomes

    def close(self) -> None:
        """
        Forget everything.
        """
        self._written.close()


def _judged(
    records: Sequence[AuditRecord], known: Marks
) -> tuple[list[str], Sequence[AuditRecord]]:
    """
    Return what is to be said of each of *records*, and those that are new.

    An id of an earlier table may be that of another table's row; one of a call never is.
    """
    outcomes, new = [], []
    for record in records:
        mark = mark_of(record.report)
        if record.call_id not in known:
            known[record.call_id] = mark
            new.append(record)
            outcomes.append(NEW)
        else:
            same = mark is None or mark == known[record.call_id]
            outcomes.append(KNOWN if same else TAKEN)
    return outcomes, new
