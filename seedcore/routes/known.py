"""
What this process knows of the routes, and how it hears of changes.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from seedcore.errors import DatabaseError
from seedcore.events import Event
from seedcore.settings.routes import Route, route_of

if TYPE_CHECKING:
    from seedcore.events import Events
    from seedcore.store import Store
    from seedcore.store.routes import RouteRow


class KnownRoutes:
    """
    The routes of the settings, and over them what was set at run time.

    Every process on the database takes a change over within seconds of its next call.
    """

    LOOK_EVERY = 1.0
    """Seconds after which a call lets the database be asked for changes, without waiting."""
    FRESH = 2.0
    """Seconds after which a call waits for that."""

    def __init__(self, settings: Mapping[str, Route], now: Callable[[], float]) -> None:
        self._settings = settings
        self._now = now
        self._set: dict[str, tuple[Route | None, RouteRow]] = {}
        self._store: Store | None = None
        self._events: Events | None = None
        self._look_at = self._wait_at = math.inf
        self._looking: asyncio.Task[None] | None = None
        self._lost = False

    async def open(self, store: Store | None, events: Events) -> None:
        """
        Take over what is set. Raises DatabaseError.
        """
        self._store = store
        if store is not None:
            await self.refresh()
            self._arm()
        self._events = events

    async def close(self) -> None:
        """
        Stop looking.
        """
        self._store = None
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})
            self._looking = None
        self._look_at = self._wait_at = math.inf

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

    async def news(self, limit: float | None = None) -> None:
        """
        Wait for what ``due`` has asked for, at most *limit* seconds; then what is known holds.
        """
        most = self.LOOK_EVERY if limit is None else min(limit, self.LOOK_EVERY)
        if self._looking is not None:
            await asyncio.wait({self._looking}, timeout=most)

    def of(self, name: str) -> Route | None:
        """
        Return where calls by *name* go; ``None`` if that is the provider of this name.
        """
        if name in self._set:
            route = self._set[name][0]
            if route is not None:
                return route if route.providers else None
        return self._settings.get(name)

    async def refresh(self) -> None:
        """
        Take over what is set now. Raises DatabaseError.
        """
        if self._store is None:
            return
        for row in await self._store.routes.newest():
            held = self._set.get(row.name)
            if held is None or held[1].id < row.id:
                self._take(row)

    async def _look(self) -> None:
        try:
            await self.refresh()
            self._lost = False
        except DatabaseError:
            self._lost = True  # then nobody waits for it
        finally:
            self._looking = None
            self._arm()

    def _arm(self) -> None:
        if self._store is not None:
            now = self._now()
            self._look_at, self._wait_at = now + self.LOOK_EVERY, now + self.FRESH

    def _take(self, row: RouteRow) -> None:
        before = self._set.get(row.name)
        route = readable(row)
        if route is None and row.text:  # damaged: the route that was there before stays
            route = before[0] if before is not None else None
            problem = "what is stored about it can't be read; set it anew"
            self._say(_broken(row.name, problem))
        self._set[row.name] = (route, row)
        if self._events is not None:  # open, so that it happened just now
            shown = self.of(row.name) or Route()
            extra = {"route": row.name, **shown.to_json(), "by": row.set_by}
            self._say(Event(level="WARNING", event="route_changed", extra=extra))

    def _say(self, event: Event) -> None:
        if self._events is not None:
            self._events.emit(event)


def _broken(name: str, problem: str) -> Event:
    extra = {"route": name, "problem": problem}
    return Event(level="ERROR", event="route_broken", extra=extra)


def readable(row: RouteRow) -> Route | None:
    """
    Return the route of a row; ``None`` where nothing is set any more, and of a damaged one.
    """
    if not row.text:
        return None
    try:
        given: Any = json.loads(row.text)
        if isinstance(given, dict) and not given.get("to"):
            return Route()
        return route_of(row.name, given, f"the stored route of {row.name!r}")
    except Exception:  # noqa: BLE001 - whatever somebody has put there
        return None
