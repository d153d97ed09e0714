"""
Routes that are changed at run time: rows that are added, never changed.
"""

from __future__ import annotations

from typing import Any

import attrs

from seedcore.store.database import Database

TRIES = 50
"""Changes that others make at the same moment; in practice one or two."""


@attrs.frozen(kw_only=True)
class RouteRow:
    """
    One change of a route; ``set_at`` is epoch microseconds of the database's clock.

    ``text`` is JSON, empty where nothing is stored; ``restores`` the row that this one goes back
    to, 0 for the time before the first, ``None`` for one that goes nowhere back.
    """

    id: int
    name: str
    text: str
    restores: int | None
    set_by: str
    set_at: int

    @property
    def stands_for(self) -> int:
        """
        The row whose route this one has.
        """
        return self.id if self.restores is None else self.restores


class StoredRoutes:
    """
    The rows of routes; every method raises ``DatabaseError``.
    """

    LIMIT = 1.0
    """Seconds: calls wait for the answer of ``since``, and go on without it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def since(self, last: int) -> list[RouteRow]:
        """
        Return the changes after row *last*, in their order.
        """
        rows = await self._database.fetch(_SINCE, last, limit=self.LIMIT)
        return [RouteRow(**row) for row in rows]

    async def history(self, name: str, *, limit: int = 1_000) -> list[RouteRow]:
        """
        Return the newest changes of one route, the newest first.
        """
        return [RouteRow(**row) for row in await self._database.fetch(_HISTORY, name, limit)]

    async def add(self, name: str, text: str, *, by: str, restores: int | None = None) -> None:
        """
        Change a route.
        """
        await self._database.execute(_ADD, name, text, restores, by)

    async def add_after(self, newest: RouteRow, text: str, *, by: str, restores: int) -> bool:
        """
        Change a route if *newest* is its newest change still; whether it was.
        """
        values: tuple[Any, ...] = (newest.name, text, restores, by, newest.name, newest.id)
        return bool(await self._database.execute(_ADD_AFTER, *values))


_COLUMNS = "id, name, text, restores, set_by, set_at"
_SINCE = f"SELECT {_COLUMNS} FROM seedcore_routes WHERE id > ? ORDER BY id"  # noqa: S608 - ours
_HISTORY = f"SELECT {_COLUMNS} FROM seedcore_routes WHERE name = ? ORDER BY id DESC LIMIT ?"  # noqa: S608 - ours
_ADD = (
    "INSERT INTO seedcore_routes (name, text, restores, set_by, set_at) VALUES (?, ?, ?, ?, {now})"
)
_ADD_AFTER = (
    "INSERT INTO seedcore_routes (name, text, restores, set_by, set_at) "
    "SELECT ?, ?, ?, ?, {now} WHERE NOT EXISTS "
    "(SELECT 1 FROM seedcore_routes WHERE name = ? AND id > ?)"
)
