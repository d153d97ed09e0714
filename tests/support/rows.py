"""
Rows of SQLite that several processes share, in time that somebody else lets pass.

They are read and written by the store's own statements; only the way there is made up: it can
take its time, or be cut.
"""

from __future__ import annotations

import asyncio
import enum
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from seedcore import DatabaseError
from seedcore.store.database import Batch, Database
from seedcore.store.reasons import unusable

EPOCH = 1_700_000_000.0
"""What the database's clock shows at first."""
MILLI = 1_000
"""Microseconds that SQLite's clock goes by."""


class Cut(enum.Enum):
    """
    What is wrong with the way to the database.
    """

    NOTHING = "nothing"
    REFUSED = "refused"
    """It says so at once."""
    HANGS = "hangs"
    """Nothing arrives there."""
    MUTE = "mute"
    """Everything arrives there, and no answer comes back."""


class Time:
    """
    The seconds that have passed for everybody, and the database's clock.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.off = 0.0
        """Seconds that the database's clock has jumped in all."""

    def of_the_database(self) -> int:
        """
        Return what the database's clock shows, in microseconds.
        """
        micros = int((EPOCH + self.now + self.off) * 1_000_000)
        return micros - micros % MILLI


class Rows:
    """
    The tables that processes share, in memory.
    """

    def __init__(self, time: Time, tables: Sequence[str]) -> None:
        self._time = time
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        for table in tables:
            self._connection.execute(table)

    def answer(self, statement: str, values: Sequence[Any]) -> tuple[list[dict[str, Any]], int]:
        """
        Return the rows that *statement* selects, and how many it has changed.
        """
        now = str(self._time.of_the_database())
        cursor = self._connection.execute(statement.replace("{now}", now), values)
        return [dict(row) for row in cursor.fetchall()], cursor.rowcount

    def all_of(self, table: str) -> list[dict[str, Any]]:
        """
        Return what is in *table*.
        """
        return self.answer(f"SELECT * FROM {table}", ())[0]

    def close(self) -> None:
        """
        Forget everything.
        """
        self._connection.close()


def tables_of(database: Path) -> list[str]:
    """
    Return the statements that made the tables of circuits and gates in a real *database*.
    """
    connection = sqlite3.connect(database)
    try:
        found = connection.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL "
            "AND tbl_name IN ('seedcore_breakers', 'seedcore_gates') ORDER BY type DESC"
        )
        return [statement for (statement,) in found]
    finally:
        connection.close()


class Way(Database):
    """
    One process's way to the rows. It asks as ``store.state`` wants to; nothing else is there.
    """

    dialect = "sqlite"

    def __init__(self, rows: Rows, rng: Random, wrote: Callable[[str, int], None]) -> None:
        self.name = "of everybody"
        self.cut = Cut.NOTHING
        self._rows = rows
        self._rng = rng
        self._wrote = wrote

    async def fetch(
        self, statement: str, *values: Any, limit: float | None = None
    ) -> list[dict[str, Any]]:
        """
        Return the rows that *statement* selects.
        """
        return (await self._there_and_back(statement, values, limit or self.ANSWER_LIMIT))[0]

    async def execute(self, statement: str, *values: Any, limit: float | None = None) -> int:
        """
        Return how many rows *statement* has changed.
        """
        return (await self._there_and_back(statement, values, limit or self.ANSWER_LIMIT))[1]

    async def _there_and_back(
        self, statement: str, values: Sequence[Any], limit: float
    ) -> tuple[list[dict[str, Any]], int]:
        clock = asyncio.get_running_loop().time
        began, cut = clock(), self.cut
        if cut is Cut.REFUSED:
            await asyncio.sleep(0)
            raise unusable(self.name, "no server answers there")
        if cut is Cut.HANGS:
            await asyncio.sleep(limit)
            raise self._late()
        await asyncio.sleep(self._some_time())
        answer = self._rows.answer(statement, values)
        if not statement.startswith("SELECT"):
            self._wrote(statement, answer[1])
        if cut is Cut.MUTE:
            await asyncio.sleep(max(0.0, limit - (clock() - began)))
            raise self._late()
        await asyncio.sleep(self._some_time())
        if clock() - began > limit and self._rng.random() < 0.5:
            raise self._late()  # the process was stopped: either of the two wakes it first
        return answer

    def _some_time(self) -> float:
        return 0.1 if self._rng.random() < 0.2 else self._rng.uniform(0.0005, 0.005)

    def _late(self) -> DatabaseError:
        error = unusable(self.name, "it does not answer")
        error.__cause__ = TimeoutError()
        return error

    async def _write(self, batches: Sequence[Batch], limit: float) -> None:
        raise NotImplementedError

    async def size(self) -> int:
        """
        Nobody asks.
        """
        raise NotImplementedError
