"""
What people ask about routes, and change while programs run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import attrs

from seedcore.errors import DatabaseError, SettingsError
from seedcore.events import Event
from seedcore.routes.known import KnownRoutes, readable
from seedcore.settings.routes import Route, missing_from, route_of
from seedcore.validate import checked_name

if TYPE_CHECKING:
    from seedcore.events import Events
    from seedcore.plugins import Registry
    from seedcore.store import Store
    from seedcore.store.routes import RouteRow

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


class Routes(KnownRoutes):
    """
    The routes of a runner: looking at them, changing them, going back.
    """

    def __init__(
        self, settings: Mapping[str, Route], registry: Registry, now: Callable[[], float]
    ) -> None:
        super().__init__(settings, now)
        self._registry = registry

    async def open(self, store: Store | None, events: Events) -> None:
        """
        Take over what is set, and say which routes can't be followed here. Raises DatabaseError.
        """
        await super().open(store, events)
        for line in self._lines():
            if line.problem is not None:
                extra = {"route": line.name, "problem": line.problem}
                events.emit(Event(level="ERROR", event="route_broken", extra=extra))

    async def listing(self) -> list[RouteLine]:
        """
        Return all routes as they are now, by name. Raises DatabaseError.
        """
        await self.refresh()
        return self._lines()

    async def find(self, name: str) -> RouteLine:
        """
        Return one route, or a line without one. Raises DatabaseError.
        """
        await self.refresh()
        return self._line(name)

    async def history(self, name: str, *, limit: int = 1_000) -> list[RouteLine]:
        """
        Return the newest *limit* changes of a route, the newest first. Raises DatabaseError.
        """
        rows = await self._open_store().routes.history(name, limit=limit)
        return [self._line_of(row.name, readable(row), row) for row in rows]

    async def set(
        self,
        name: str,
        to: Mapping[str, float] | str | None,
        *,
        fallback: Iterable[str] | str | None = (),
        by: str,
        unchecked: bool = False,
    ) -> RouteLine:
        """
        Send calls by *name* to providers by their shares, in every process; ``None``: no route.

        *fallback* are asked in turn when the chosen one is out. *by* is recorded. Unless
        *unchecked*, all of them must be installed here. Raises SettingsError, DatabaseError.
        """
        _check(name, by)
        route = Route()
        if to is not None:
            spares = fallback if isinstance(fallback, str) else [*(fallback or ())]
            route = route_of(name, {"to": to, "fallback": spares}, f"The route of {name!r}")
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
        _check(name, by)
        why = await self._open_store().routes.add_earlier(name, by=by)
        if why is not None:
            msg = f"The route of {name!r} {why}, so there is nothing to go back to."
            raise SettingsError(msg)
        return await self.find(name)

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
        damaged = row is not None and bool(row.text) and readable(row) is None
        return RouteLine(
            name=name,
            to=shown.to,
            fallback=shown.fallback,
            origin=origin,
            set_by=row.set_by if row else None,
            set_at=row.set_at if row else None,
            problem="It can't be read; set it anew."
            if damaged
            else missing_from(shown, self._registry.names),
        )

    def _open_store(self) -> Store:
        if self._store is None:
            raise DatabaseError(NO_DATABASE)
        return self._store


def _check(name: str, by: str) -> None:
    from seedcore.presets.names import checked_author

    checked_name(name, "the name of a route")
    checked_author(by)
