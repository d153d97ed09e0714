"""
Several processes on one database, in one thread and in time that somebody else lets pass.

Each process is a real ``Runner`` in an event loop of its own, so it can be stopped, and gone
without a word, as real ones can.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from seedcore import Clock, Registry, Runner
from seedcore.events import Event
from seedcore.sharing import Sharing
from seedcore.store.address import address_of
from seedcore.store.store import Store
from support.rows import EPOCH, Cut, Rows, Time, Way


class _NeverWaits(selectors.SelectSelector):
    """
    Where a loop would wait it ends, and leaves word how long it would have waited.
    """

    when_idle: Callable[[float | None], None]

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0:
            self.when_idle(timeout)
        return []


class Loop(asyncio.SelectorEventLoop):
    """
    An event loop that runs until it has nothing to do, and then knows when it will have.
    """

    def __init__(self, time: Time, zero: float) -> None:
        self.due: float | None = None
        """When it will have something to do; ``None`` for never."""
        self.process: Any = None
        self._time = time
        self._zero = zero
        selector = _NeverWaits()
        selector.when_idle = self._idle
        super().__init__(selector)

    def time(self) -> float:
        """
        Return the seconds of this process's monotonic clock, whose zero is its own.
        """
        return self._time.now + self._zero

    def work(self) -> None:
        """
        Do everything that can be done without time passing.
        """
        self.run_forever()

    def _idle(self, timeout: float | None) -> None:
        self.due = None if timeout is None else self._time.now + timeout
        self.stop()


class ProcessClock(Clock):
    """
    The clocks of one process; its wall clock is as wrong as a test wants.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.off = 0.0

    def monotonic(self) -> float:
        """
        Return the loop's seconds.
        """
        return self._loop.time()

    def time(self) -> float:
        """
        Return epoch seconds, more or less.
        """
        return EPOCH + self._loop.time() + self.off


class Process:
    """
    A process with a runner that shares what it knows; ``stopped`` it does nothing at all.
    """

    def __init__(
        self,
        name: str,
        time: Time,
        rows: Rows,
        seed: int,
        *,
        registry: Registry,
        settings: Mapping[str, Any],
        sink: Callable[[Process, Event], None],
        wrote: Callable[[Process, str, int], None],
    ) -> None:
        self.name = name
        self.stopped = self.gone = False
        self.complaints: list[str] = []
        rng = Random(seed)
        self.loop = Loop(time, zero=rng.uniform(1_000, 1_000_000))
        self.loop.process = self
        self.loop.set_exception_handler(self._complain)
        self.clock = ProcessClock(self.loop)
        self.way = Way(rows, rng, lambda statement, count: wrote(self, statement, count))
        self.runner = Runner(
            registry=registry,
            settings=settings,
            database=None,
            clock=self.clock,
            rng=rng,
            sinks=[lambda event: sink(self, event)],
        )
        self._opening = self.loop.create_task(self._open())
        self.loop.work()
        self._opening.result()

    async def _open(self) -> None:
        await self.runner.open()
        runtime = self.runner._runtime
        assert runtime is not None
        store = Store(address_of("sqlite://:memory:"), self.way, None, lambda _: None)
        store.owner = self.name
        runtime.sharing = Sharing(store, runtime, self.runner._lanes)

    @property
    def sharing(self) -> Sharing:
        """
        What links it with the others.
        """
        sharing = self.runner._runtime.sharing
        assert sharing is not None
        return sharing

    @property
    def lane(self) -> Any:
        """
        What it keeps for the one provider; ``None`` before the first call.
        """
        return self.runner._lanes.get("demo")

    @property
    def breaker(self) -> Any:
        """
        Its side of the one circuit; ``None`` before the first call.
        """
        circuit = self.lane and self.lane.circuits.get("generate")
        return circuit.breaker if circuit else None

    @property
    def serves(self) -> bool:
        """
        Whether its calls get through.
        """
        breaker = self.breaker
        return breaker is not None and breaker.state.value == "closed"

    def bury(self) -> None:
        """
        Close its loop; whatever was still to be said stays unsaid.
        """
        self.gone = True
        self.way.cut = Cut.REFUSED
        self.loop.set_exception_handler(lambda *_: None)
        self.sharing._closed = True
        for _ in range(3):  # what ends may begin something
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.work()
        self.runner._runtime.limits.close()
        self.loop.close()

    def _complain(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.complaints.append(f"{self.name}: {context.get('exception') or context['message']!r}")
