"""
What one call wants written, all of it in one transaction with that of others.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from seedcore.store.database import Batch, Database
from seedcore.store.reasons import is_about_the_row
from seedcore.store.rows import CALLS, FAILURES, LOGS, Row, Rows, Table

FINISH = (
    "UPDATE seedcore_claims SET done = TRUE, result = ? "
    "WHERE call_id = ? AND token = ? AND done = FALSE"
)
# Due counts from when the row is written, by the database's clock: an own one that is slow would
# reveal early.
LOG = (
    f"INSERT INTO seedcore_logs ({', '.join(LOGS.columns)}, kept_at) "  # noqa: S608 - ours
    f"VALUES ({', '.join('?' for _ in LOGS.columns)}, {{now}}) ON CONFLICT (call_id) DO NOTHING"
)
PARTS: Mapping[str, Table | str] = {
    "calls": CALLS,
    "failures": FAILURES,
    "logs": LOG,
    "claims": FINISH,
}
"""Where each part goes, a table or a statement, in the order of execution."""
_WIDTHS = {
    name: len(goal.columns) if isinstance(goal, Table) else goal.count("?")
    for name, goal in PARTS.items()
}
"""Values of a row; another version may have more or fewer."""

_ADDED: Mapping[str, tuple[int, Row]] = {"calls": (19, [False])}
"""Rows of an older version: how many values they have, and what is to be added to them."""


@attrs.define(eq=False)
class Entry:
    """
    The parts of one call, each a row for one of ``PARTS``, and who waits for them.

    The waiter gets how they were written, or the ``DatabaseError`` that says why not.
    """

    call_id: str
    parts: Mapping[str, Row] = attrs.field(repr=False)
    waiter: asyncio.Future[Any] | None = None
    written: bool = False
    """Whether it is on a disk; a waiter that was cancelled doesn't say."""

    @property
    def unwritten(self) -> bool:
        """
        Whether it may still have to be written; one whose waiter was cancelled has to be.
        """
        told = self.waiter is not None and self.waiter.done() and not self.waiter.cancelled()
        return not self.written and not told

    def to_json(self) -> str:
        """
        Return the parts as text; raises ``TypeError`` for a value that JSON doesn't know.
        """
        return json.dumps([self.call_id, dict(self.parts)], separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Entry:
        """
        Return an entry nobody waits for; raises ``ValueError`` for what is none.
        """
        match json.loads(text):
            case [str(call_id), dict(parts)]:
                whole = {name: _whole(name, row) for name, row in parts.items()}
                if all(whole.values()):
                    return cls(call_id, whole)
        msg = "the line is no entry"
        raise ValueError(msg)


def _whole(name: str, row: object) -> Row:
    """
    Return a row that was read with all its values, nothing if it can't be one.
    """
    if not isinstance(row, list):
        return []
    width, rest = _ADDED.get(name, (-1, []))
    row = [*row, *rest] if len(row) == width else row
    return row if len(row) == _WIDTHS.get(name) else []


Outcomes = list[Exception | None]


async def write_entries(database: Database, entries: Sequence[Entry], limit: float) -> Outcomes:
    """
    Write *entries* in one transaction and return the outcome of each.

    Where a row is at fault the others are written without it, by halving.
    """
    try:
        await database.write(_batches(entries), limit)
    except Exception as error:  # noqa: BLE001 - the caller gets it as the outcome
        if len(entries) == 1 or not is_about_the_row(error):
            return [error] * len(entries)
        middle = len(entries) // 2
        first = await write_entries(database, entries[:middle], limit)
        return first + await write_entries(database, entries[middle:], limit)
    return [None] * len(entries)


def _batches(entries: Sequence[Entry]) -> list[Batch]:
    batches = []
    for name, goal in PARTS.items():
        rows = Rows(entry.parts[name] for entry in entries if name in entry.parts)
        if rows and isinstance(goal, Table):
            batches.append(Batch(goal.insert, rows, goal))
        elif rows:
            batches.append(Batch(str(goal), rows))
    return batches
