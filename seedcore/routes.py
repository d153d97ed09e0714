"""
The routes of a runner: those of the settings, and over them what was set at run time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from seedcore.errors import DatabaseError, SettingsError
from seedcore.events import Event
from seedcore.settings.routes import Route, missing_from, route_of

if TYPE_CHECKING:
    from seedcore.events import Events
    from seedcore.plugins import Registry
    from seedcore.store import Store
    from seedcore.store.routes import RouteRow

TRIES = 50
"""Changes of one route that others make at the same moment; in practice one or two."""
NO_DATABASE = (
    "Routes that change at run time are kept in the database, and this program uses none. "
    "Give it one with the database_url setting (SEEDCORE_DATABASE_URL), or write the route into "
    "seedcore.toml."
)


@attrs.frozen(kw_only=True)
class RouteLine:
    """
    One route as people see it; ``origin`` is ``settings`` or ``set``, or ``none`` without one.

    ``set_at`` is epoch microseconds, ``problem`` says what is wrong with it here.
    """

    name: str
    to: Mapping[str, float]
    fallback: tuple[str, ...]
    origin: str
    set_by: str | None = None
    set_at: int | None = None
    problem: str | None = None


class Routes:
    """
    Where calls by a name go; every process on the database takes a change over within seconds.
    """

    LOOK_EVERY = 1.0
    """Seconds after which a call lets the database be asked for changes, without waiting."""
    FRESH = 2.0
    """Seconds after which a call waits for that."""

    def __init__(
        self, settings: Mapping[str, Route], registry: Registry, now: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._now = now
        self._set: dict[str, tuple[Route | None, RouteRow]] = {}
        self._last = 0
        self._store: Store | None = None
        self._events: Events | None = None
        self._look_at = self._wait_at = math.inf
        self._looking: asyncio.Task[None] | None = None
        self._lost = False

    async def open(self, store: Store | None, events: Events) -> None:
        """
        Look at what was set; say which routes can't be followed here.
        """
        self._store, self._events = store, events
        if store is not None:
            await self._look()
        for line in self._lines():
            if line.problem is not None:
                extra = {"route": line.name, "problem": line.problem}
                events.emit(Event(level="ERROR", event="route_broken", extra=extra))

    async def close(self) -> None:
        """
        Stop looking.
        """
        self._look_at = self._wait_at = math.inf
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})

    # ------------------------------------------------------------------ for calls

    def due(self) -> bool:
        """
        Whether a call has to wait for news; what is only a little old is asked for meanwhile.
        """
        now = self._now()
        if now < self._look_at:
            return False
        if self._looking is None:
            self._looking = asyncio.create_task(self._look(), name="seedcore-routes")
        return now >= self._wait_at and not self._lost

    async def news(self) -> None:
        """
        Wait for what ``due`` has asked for; without an answer, what is known holds.
        """
        if self._looking is not None:
            await asyncio.wait({self._looking}, timeout=self.LOOK_EVERY)

    def of(self, name: str) -> Route | None:
        """
        Return where calls by *name* go; ``None`` if that is the provider of this name.
        """
        if name in self._set:
            route = self._set[name][0]
            if route is not None:
                return route if route.providers else None
        return self._settings.get(name)

    async def ever(self, name: str) -> frozenset[str]:
        """
        Return where calls by *name* lead, or have ever led. Raises DatabaseError.
        """
        routes = [self.of(name)]
        if self._store is not None:
            routes += map(_readable, await self._store.routes.history(name))
        return frozenset(each for route in routes if route for each in route.providers)

    async def _look(self) -> None:
        assert self._store is not None
        try:
            for row in await self._store.routes.since(self._last):
                self._take(row, at_start=self._look_at == math.inf)
            self._lost = False
        except DatabaseError:
            self._lost = True  # then nobody waits for it
        finally:
            self._looking = None
            now = self._now()
            self._look_at, self._wait_at = now + self.LOOK_EVERY, now + self.FRESH

    def _take(self, row: RouteRow, *, at_start: bool) -> None:
        self._last = max(self._last, row.id)
        with contextlib.suppress(SettingsError, ValueError, RecursionError):  # a damaged row
            self._set[row.name] = (_route(row), row)
            if not at_start and self._events is not None:
                line = self._line(row.name)
                extra = {"route": row.name, "to": dict(line.to), "by": row.set_by}
                extra["fallback"] = list(line.fallback)
                self._events.emit(Event(level="WARNING", event="route_changed", extra=extra))

    # -------------------------------------------------------------- for operators

    async def listing(self) -> list[RouteLine]:
        """
        Return all routes as they are now, by name. Raises DatabaseError.
        """
        await self._refresh()
        return self._lines()

    async def find(self, name: str) -> RouteLine:
        """
        Return one route, or a line without one. Raises DatabaseError.
        """
        await self._refresh()
        return self._line(name)

    async def history(self, name: str) -> list[RouteLine]:
        """
        Return what the route was set to, the newest first. Raises DatabaseError.
        """
        rows = await self._open_store().routes.history(name)
        return [self._line_of(row.name, _readable(row), row) for row in rows]

    async def set(
        self,
        name: str,
        to: Mapping[str, float] | str | None,
        *,
        fallback: Iterable[str] = (),
        by: str,
        unchecked: bool = False,
    ) -> RouteLine:
        """
        Send calls by *name* to providers by their shares, in every process; ``None``: no route.

        *fallback* are asked in turn when the chosen one is out. *by* is recorded. Unless
        *unchecked*, all of them must be installed here. Raises SettingsError, DatabaseError.
        """
        from seedcore.presets.names import checked_author

        _check_name(name)
        checked_author(by)
        route = Route()
        if to is not None:
            given = {"to": to, "fallback": list(fallback)}
            route = route_of(name, given, f"The route of {name!r}")
            problem = None if unchecked else missing_from(route, self._registry.names)
            if problem is not None:
                msg = f"The route of {name!r}: {problem}"
                raise SettingsError(msg)
        text = json.dumps(route.to_json(), separators=(",", ":"))
        await self._open_store().routes.add(name, text, by=by)
        return await self.find(name)

    async def rollback(self, name: str, *, by: str) -> RouteLine:
        """
        Go back to what the route of *name* was before, and with each further call further back.

        Raises SettingsError if it was never set, or is back at the beginning; DatabaseError.
        """
        from seedcore.presets.names import checked_author

        _check_name(name)
        checked_author(by)
        routes = self._open_store().routes
        for _ in range(TRIES):
            rows = await routes.history(name)
            if not rows or rows[0].stands_for == 0:
                what = "is back at the beginning" if rows else "was never set"
                msg = f"The route of {name!r} {what}, so there is nothing to go back to."
                raise SettingsError(msg)
            before = _before(rows)
            text, restores = (before.text, before.id) if before else ("", 0)
            if await routes.add_after(rows[0], text, by=by, restores=restores):
                return await self.find(name)
        msg = f"Others keep changing the route of {name!r}. Try again."
        raise DatabaseError(msg)

    async def _refresh(self) -> None:
        if self._store is not None:
            for row in await self._store.routes.since(self._last):
                self._take(row, at_start=False)

    def _lines(self) -> list[RouteLine]:
        names = sorted({*self._settings, *(n for n, (route, _) in self._set.items() if route)})
        return [self._line(name) for name in names]

    def _line(self, name: str) -> RouteLine:
        route, row = self._set.get(name, (None, None))
        if route is None and name in self._settings:
            return self._line_of(name, self._settings[name], None)
        return self._line_of(name, route, row)

    def _line_of(self, name: str, route: Route | None, row: RouteRow | None) -> RouteLine:
        shown = route or Route()
        origin = "none" if route is None else "settings" if row is None else "set"
        return RouteLine(
            name=name,
            to=shown.to,
            fallback=shown.fallback,
            origin=origin,
            set_by=row.set_by if row else None,
            set_at=row.set_at if row else None,
            problem=missing_from(shown, self._registry.names),
        )

    def _open_store(self) -> Store:
        if self._store is None:
            raise DatabaseError(NO_DATABASE)
        return self._store


def _check_name(name: str) -> None:
    from seedcore.validate import checked_name

    checked_name(name, "the name of a route")


def _before(rows: list[RouteRow]) -> RouteRow | None:
    """
    Return the row whose route there was before the one that the newest stands for.
    """
    ids = [row.id for row in rows]
    older = rows[ids.index(rows[0].stands_for) + 1 :]
    return next((row for row in rows if older and row.id == older[0].stands_for), None)


def _route(row: RouteRow) -> Route | None:
    """
    Return the route of a row; ``None`` where nothing is set any more. Raises what JSON raises.
    """
    if not row.text:
        return None
    given: Any = json.loads(row.text)
    if isinstance(given, dict) and not given.get("to"):
        return Route()
    return route_of(row.name, given, f"the stored route of {row.name!r}")


def _readable(row: RouteRow) -> Route | None:
    with contextlib.suppress(SettingsError, ValueError, RecursionError):
        return _route(row)
    return None
