"""
What an operator asks about the database, and what he does to it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import attrs

from seedcore.store.database import Batch, Database
from seedcore.store.logs import DUE
from seedcore.store.reasons import reason, unusable
from seedcore.store.rows import Rows
from seedcore.store.schema import migrations
from seedcore.store.spool import Spool, SpoolStatus

CHUNK = 1_000
"""Rows deleted in one transaction: others write in between."""
TABLES = (
    "calls",
    "failures",
    "claims",
    "breakers",
    "gates",
    "unsealings",
    "days",
    "namespaces",
    "presets",
    "logs",
    "reveals",
    "routes",
    "keys",
)
LIMIT = 60.0
"""Seconds one question of an operator may take; counting many rows does."""


@attrs.frozen(kw_only=True)
class DatabaseStatus:
    """
    What there is: ``migrations`` with whether each was applied, rows per table, bytes,
    the time of the oldest row in epoch microseconds, and the spool.
    """

    name: str
    dialect: str
    migrations: dict[str, bool]
    rows: dict[str, int]
    oldest: int | None
    bytes: int
    spool: SpoolStatus | None

    @property
    def pending(self) -> list[str]:
        """
        The migrations that are still to be applied.
        """
        return [name for name, applied in self.migrations.items() if not applied]


@attrs.frozen(kw_only=True)
class Pruned:
    """
    Rows deleted so far.
    """

    calls: int = 0
    failures: int = 0
    claims: int = 0


_OLD = {
    # A call whose log is revealed later counts from then on.
    "calls": "created_at < ? AND NOT EXISTS (SELECT 1 FROM seedcore_logs AS l "  # noqa: S608 - ours
    f"WHERE l.call_id = seedcore_calls.call_id AND {DUE} >= ?)",
    "failures": "created_at < ?",
    "claims": "created_at < ? AND expires_at <= {now}",
}
_COUNT = (
    "INSERT INTO seedcore_days AS known (provider, day, calls, failures) "
    "SELECT provider, {{day}}, {calls}, {failures} "
    "FROM (SELECT provider, created_at{also} {some}) AS old WHERE TRUE GROUP BY 1, 2 "
    "ON CONFLICT (provider, day) DO UPDATE SET calls = known.calls + excluded.calls, "
    "failures = known.failures + excluded.failures"
)
_COUNTED = {
    "calls": {"calls": "sum(CASE WHEN dry THEN 0 ELSE 1 END)", "failures": "0", "also": ", dry"},
    "failures": {"calls": "0", "failures": "count(*)", "also": ""},
}


class Upkeep:
    """
    Status and pruning; every method raises ``DatabaseError``.
    """

    def __init__(self, database: Database, spool: Spool | None) -> None:
        self._database = database
        self._spool = spool

    async def status(self) -> DatabaseStatus:
        """
        Return what there is; tables that are not made yet have no rows.
        """
        database = self._database
        alias = database.client.connection_name
        known = await database.ask(lambda: migrations(database.client, alias))
        rows, oldest = {}, None
        if all(known.values()):
            for table in TABLES:
                [row] = await self._fetch(f"SELECT count(*) AS n FROM seedcore_{table}")  # noqa: S608 - ours
                rows[table] = int(row["n"])
            [row] = await self._fetch("SELECT min(created_at) AS first FROM seedcore_calls")
            oldest = row["first"]
        return DatabaseStatus(
            name=database.name,
            dialect=database.dialect,
            migrations=known,
            rows=rows,
            oldest=oldest,
            bytes=await database.size(),
            spool=self._spool.status() if self._spool else None,
        )

    async def count_older(self, before: int) -> Pruned:
        """
        Return how many rows ``prune`` would delete, older than *before*, epoch microseconds.
        """
        counts = {}
        for table, which in _OLD.items():
            [row] = await self._fetch(
                f"SELECT count(*) AS n FROM seedcore_{table} WHERE {which}",  # noqa: S608 - ours
                *_values(which, before),
            )
            counts[table] = int(row["n"])
        return Pruned(**counts)

    async def prune(self, before: int) -> AsyncIterator[Pruned]:
        """
        Delete the rows older than *before*, epoch microseconds, and yield the progress.

        A count per provider and day is kept, in the same transaction as the deletion.
        """
        done = Pruned()
        for table in ("calls", "failures"):
            async for count in self._delete(table, before):
                done = attrs.evolve(done, **{table: getattr(done, table) + count})
                yield done
        claims = await self._database.execute(
            f"DELETE FROM seedcore_claims WHERE {_OLD['claims']}",  # noqa: S608 - ours
            before,
            limit=LIMIT,
        )
        yield attrs.evolve(done, claims=claims)

    async def _delete(self, table: str, before: int) -> AsyncIterator[int]:
        some = f"FROM seedcore_{table} WHERE {_OLD[table]} ORDER BY id LIMIT {CHUNK}"
        values = _values(some, before)
        while True:
            [row] = await self._fetch(
                f"SELECT count(*) AS n FROM (SELECT id {some}) AS old",  # noqa: S608 - ours
                *values,
            )
            if not row["n"]:
                return
            statements = [
                _COUNT.format(some=some, **_COUNTED[table]),
                f"DELETE FROM seedcore_{table} WHERE id IN (SELECT id {some})",  # noqa: S608 - ours
            ]
            if table == "calls":
                # First, since it asks which calls these are.
                statements[:0] = [
                    f"DELETE FROM seedcore_{about} WHERE call_id IN "  # noqa: S608 - ours
                    f"(SELECT call_id {some})"
                    for about in ("unsealings", "reveals", "logs")
                ]
            await self._in_one_transaction(statements, values)
            yield row["n"]

    async def _in_one_transaction(self, statements: list[str], values: list[int]) -> None:
        batches = [Batch(statement, Rows([values])) for statement in statements]
        if self._database.dialect == "postgres":
            # Else two who prune at once would both count the rows that one of them deletes.
            batches.insert(0, Batch("LOCK TABLE seedcore_days IN EXCLUSIVE MODE", Rows([[]])))
        try:
            await self._database.write(batches, LIMIT)
        except Exception as error:
            raise unusable(self._database.name, reason(error)) from error

    async def _fetch(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        return await self._database.fetch(statement, *values, limit=LIMIT)


def _values(statement: str, before: int) -> list[int]:
    return [before] * statement.count("?")
