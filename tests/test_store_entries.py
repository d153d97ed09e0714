"""
What one call wants written, as a line and as rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from seedcore.errors import DatabaseError
from seedcore.store.database import Batch
from seedcore.store.entries import FINISH, Entry, write_entries
from seedcore.store.rows import CALLS
from support.stored import audit_record


class Table:
    """
    A database that refuses what it is told to, and keeps the rest.
    """

    dialect = "sqlite"

    def __init__(self, refuses: dict[str, Exception]) -> None:
        self.written: list[str] = []
        self.transactions = 0
        self._refuses = refuses

    async def write(self, batches: Sequence[Batch], limit: float) -> None:
        self.transactions += 1
        names = [row[0] for batch in batches for row in batch.rows]
        for name in names:
            if name in self._refuses:
                raise self._refuses[name]
        self.written += names


def entries(*names: str) -> list[Entry]:
    """
    Return an entry with one row for each name.
    """
    return [Entry(name, {"calls": [name]}) for name in names]


def test_a_line_is_read_back_as_it_was() -> None:
    """
    Every part with every value, and nobody waits for it any more.
    """
    row = CALLS.row(audit_record("c-1", surface="ä\u2028", settings={"x": [None, 1.5]}))
    entry = Entry("c-1", {"calls": row, "claims": [None, "c-1", 2]})
    again = Entry.from_json(entry.to_json())

    assert ("c-1", {"calls": row, "claims": [None, "c-1", 2]}) == (again.call_id, again.parts)
    assert again.waiter is None
    assert again.unwritten
    assert entry.to_json().isascii()
    assert "\n" not in entry.to_json()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "null",
        "[]",
        '["c-1"]',
        '["c-1",{"calls":[]},1]',
        '["c-1",[]]',
        '["c-1",{"calls":{}}]',
        '["c-1",{"seedcore_calls":[]}]',
        '[1,{"calls":[]}]',
        '{"a":1,"b":2}',
        '["c-1",{"claims":[null,"c-1"]}]',
        '["c-1",{"claims":[null,"c-1",1,2]}]',
    ],
)
def test_what_is_no_entry_is_a_value_error(text: str) -> None:
    """
    Whatever a newer version may have written there.
    """
    with pytest.raises(ValueError, match=r".*"):
        Entry.from_json(text)


async def test_each_part_is_a_statement_in_one_transaction() -> None:
    """
    The rows of all calls first, then what became of their claims.
    """
    told: list[tuple[str, list[Any]]] = []

    class Database:
        async def write(self, batches: Sequence[Batch], limit: float) -> None:
            told.extend((batch.statement, list(batch.rows)) for batch in batches)
            told.append(("limit", [limit]))

    mixed = [
        Entry("a", {"claims": [None, "a", 1]}),
        Entry("b", {"calls": ["b"], "claims": [None, "b", 1]}),
        Entry("c", {"calls": ["c"]}),
    ]

    assert [None] * 3 == await write_entries(Database(), mixed, 2.5)
    assert [
        (CALLS.insert, [["b"], ["c"]]),
        (FINISH, [[None, "a", 1], [None, "b", 1]]),
        ("limit", [2.5]),
    ] == told


async def test_bad_rows_are_found_by_halving() -> None:
    """
    Each outcome is that of its own row, in the order they came.
    """
    refuses = {"3": ValueError("three"), "12": ValueError("twelve")}
    table = Table(refuses)
    names = [str(number) for number in range(16)]
    outcomes = await write_entries(table, entries(*names), 1.0)

    assert [refuses.get(name) for name in names] == outcomes
    assert [name for name in names if name not in refuses] == table.written
    assert table.transactions <= 2 * 2 * 4 + 1


@pytest.mark.parametrize(
    "error", [OSError(5, "no"), TimeoutError(), DatabaseError("It was closed; open it again.")]
)
async def test_a_database_at_fault_is_asked_once(error: Exception) -> None:
    """
    What is gone for one row is gone for all of them.
    """
    table = Table({"3": error})
    outcomes = await write_entries(table, entries(*"0123456789"), 1.0)

    assert [error] * 10 == outcomes
    assert (1, []) == (table.transactions, table.written)
