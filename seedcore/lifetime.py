"""
What a runner opens and closes, in the order that loses nothing.
"""

from __future__ import annotations

import abc
import asyncio
import itertools
import threading
from collections.abc import Iterable, Mapping
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from seedcore.contract.deadline import Clock, Limits, Waits
from seedcore.errors import SeedcoreError
from seedcore.events import Events, JsonLines, Loguru
from seedcore.lane import Runtime
from seedcore.lanes import Lanes
from seedcore.plugins import SINKS, Registry, load_objects
from seedcore.routes import Routes
from seedcore.settings import Settings
from seedcore.storage.chosen import check_named

if TYPE_CHECKING:
    from aiohttp import ClientMiddlewareType

    from seedcore.context import Calls
    from seedcore.events import Sink
    from seedcore.once import Once
    from seedcore.storage.in_use import Storages
    from seedcore.store import Store

FROM_SETTINGS: Any = "from settings"
"""The default of *database*: the one named in the settings."""

AFTER_DRAIN = 5.0
"""Seconds that cancelled attempts, and then the audit, may take to finish at shutdown."""


class Lifetime(abc.ABC):
    """
    Everything that calls share, from opening to draining; ``Runner`` makes the calls.
    """

    def __init__(
        self,
        *,
        settings: Mapping[str, Any] | Settings | None = None,
        registry: Registry | None = None,
        database: str | None = FROM_SETTINGS,
        clock: Clock | None = None,
        rng: Random | None = None,
        sinks: Iterable[Sink] | None = None,
        start: Iterable[str] = (),
        http_middlewares: Iterable[ClientMiddlewareType] = (),
    ) -> None:
        self.registry = Registry() if registry is None else registry
        if not isinstance(settings, Settings):
            settings = Settings.load(settings, installed=self.registry.names)
        self.settings = settings
        core = self.settings.core
        self.registry.restrict(disable=core.disable, only=core.only)
        if core.strict:
            self.registry.load_all()
        check_named(core, self.registry)
        self._database = core.database_url if database is FROM_SETTINGS else database
        self._sinks = sinks
        self._start = tuple(start)
        self._http_middlewares = tuple(http_middlewares)
        self._clock = clock or Clock()
        self._now = self._clock.monotonic
        self._rng = rng or Random()  # noqa: S311 - jitter and ids, no secrets
        self._prefix = f"{self._rng.getrandbits(60):015x}-"
        self._numbers = itertools.count(1)
        self._opened = Lanes(self.registry, self.settings, self._clock)
        self._lanes = self._opened.real
        self._closing = asyncio.Lock()
        self._closed = False
        self._running = 0
        self._idle = asyncio.Event()
        self._runtime: Runtime | None = None
        self._once: Once | None = None
        self._routes = Routes(self.settings.routes, self.registry, self._now)
        self._storages, self._inside = self._rooms()

    @abc.abstractmethod
    def _rooms(self) -> tuple[Storages, Calls]:
        """
        Return what stores files, and what calls within calls are made with.
        """

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """
        Open the database and start what was asked to start. Raises DatabaseError.
        """
        if self._runtime is not None:
            msg = "A runner is opened once; make a new Runner."
            raise SeedcoreError(msg)
        events = self._events()
        store = None if self._database is None else await self._store(self._database, events)
        runtime = self._runtime = Runtime(
            loop=asyncio.get_running_loop(),
            thread=threading.get_ident(),
            clock=self._clock,
            rng=self._rng,
            waits=Waits(self._clock),
            limits=Limits(),
            events=events,
            store=store,
            http_middlewares=self._http_middlewares,
            failure_rows=self.settings.core.failure_rows,
        )
        self._opened.runtime = runtime
        if store is not None:
            from seedcore.sharing import Sharing

            runtime.sharing = Sharing(store, runtime, self._lanes)
            runtime.logs = self._storages.logs(runtime, store)
        try:
            await self._routes.open(store, events)
            if runtime.logs is not None:
                await runtime.logs.open()
            for name in self._start:
                await (await self._opened.of(name)).start_early()
        except BaseException:
            await self.close()
            raise

    async def _store(self, url: str, events: Events) -> Store:
        # Imported here: the command line lists plugins without a database.
        from seedcore.store import Store

        core = self.settings.core
        return await Store.open(
            url,
            pool_size=core.database_pool_size,
            spool_directory=core.spool_directory,
            tell=events.emit,
        )

    async def close(self) -> None:
        """
        Drain: refuse new calls, let attempts in flight end, write the audit, close sessions.
        """
        runtime = self._runtime
        if runtime is None:
            return
        runtime.draining = True
        runtime.waits.wake()
        async with self._closing:  # who closes too comes back when it is closed
            if not self._closed:
                await self._close(runtime)
                self._closed = True

    async def _close(self, runtime: Runtime) -> None:
        await self._routes.close()
        if runtime.logs is not None:
            await runtime.logs.stop()
        for seconds in (self.settings.core.drain_timeout, AFTER_DRAIN):
            await self._wait_idle(seconds)
            runtime.limits.fire_all()
        try:
            for lane in self._lanes.values():
                await lane.stop()
            if self._once is not None:
                await self._once.close(timeout=AFTER_DRAIN)
            if runtime.logs is not None:
                await runtime.logs.close(timeout=AFTER_DRAIN)
            if runtime.sharing is not None:
                await runtime.sharing.close(timeout=AFTER_DRAIN)
            if runtime.store is not None:
                await runtime.store.close(timeout=AFTER_DRAIN)
        finally:
            for lane in self._lanes.values():
                await lane.close()
            runtime.limits.close()

    async def _wait_idle(self, seconds: float) -> None:
        if not self._running:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return

    def _events(self) -> Events:
        if self._sinks is not None:
            return Events(self._sinks)
        log = self.settings.core.log
        sinks: list[Sink] = [] if log == "off" else [JsonLines() if log == "json" else Loguru()]
        extra, broken = load_objects(SINKS)
        events = Events([*sinks, *extra.values()], level="INFO" if log == "json" else "DEBUG")
        for name, reason in broken.items():
            events.report_broken(name, reason)
        return events
