"""
Routes that are changed at run time: rows that are added, never changed.
"""

from __future__ import annotations

import asyncio

import attrs

from seedcore.errors import DatabaseError
from seedcore.store.database import Database

TRIES = 50
"""Changes of one route that others make at the same moment; in practice one or two."""


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
    """Seconds: calls wait for the answer of ``newest``, and go on without it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self) -> list[RouteRow]:
        """
        Return the newest change of each route.

        Not those after the last one that is known: PostgreSQL gives a row its number before others
        can see it, so that a smaller one may come later.
        """
        return [RouteRow(**row) for row in await self._database.fetch(_NEWEST, limit=self.LIMIT)]

    async def history(self, name: str, *, limit: int) -> list[RouteRow]:
        """
        Return the newest changes of one route, the newest first.
        """
        return await self._before(name, None, limit)

    async def add(self, name: str, text: str, *, by: str) -> None:
        """
        Change a route.
        """
        for _ in range(TRIES):
            newest = await self._before(name, None, 1)
            if await self._added(name, text, by, None, newest[0].id if newest else 0):
                return
            await asyncio.sleep(0)
        raise self._busy(name)

    async def add_earlier(self, name: str, *, by: str) -> str | None:
        """
        Change a route to what it was before; return why that can't be, if it can't.
        """
        for _ in range(TRIES):
            newest = await self._before(name, None, 1)
            if not newest:
                return "was never set"
            if newest[0].stands_for == 0:
                return "is back at the beginning"
            older = await self._before(name, newest[0].stands_for, 1)
            text, restores = (older[0].text, older[0].stands_for) if older else ("", 0)
            if await self._added(name, text, by, restores, newest[0].id):
                return None
            await asyncio.sleep(0)
        raise self._busy(name)

    async def _before(self, name: str, row_id: int | None, limit: int) -> list[RouteRow]:
        rows = await self._database.fetch(_HISTORY, name, row_id or 2**62, limit)
        return [RouteRow(**row) for row in rows]

    async def _added(
        self, name: str, text: str, by: str, restores: int | None, previous: int
    ) -> bool:
        """
        Add a row after *previous*, unless somebody else has; whether it was added.
        """
        return bool(await self._database.execute(_ADD, name, text, restores, by, previous))

    def _busy(self, name: str) -> DatabaseError:
        msg = f"Others keep changing the route of {name!r}. Try again."
        return DatabaseError(msg)


_COLUMNS = "id, name, text, restores, set_by, set_at"
_NEWEST = (
    f"SELECT {_COLUMNS} FROM seedcore_routes WHERE id IN "  # noqa: S608 - ours
    "(SELECT MAX(id) FROM seedcore_routes GROUP BY name)"
)
_HISTORY = (
    f"SELECT {_COLUMNS} FROM seedcore_routes WHERE name = ? AND id < ? "  # noqa: S608 - ours
    "ORDER BY id DESC LIMIT ?"
)
# Of two who have seen the same newest row, one comes too late.
_ADD = (
    "INSERT INTO seedcore_routes (name, text, restores, set_by, previous, set_at) "
    "VALUES (?, ?, ?, ?, ?, {now}) ON CONFLICT (name, previous) DO NOTHING"
)
