"""
Time: the clock, limits of attempts, and waits that can be cut short.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any


class Clock:
    """
    Monotonic and wall time in seconds, and sleeping.

    A subclass for a loop with virtual time makes tests run without waiting.
    """

    monotonic = staticmethod(time.monotonic)
    """Seconds that never go back; their zero means nothing."""

    time = staticmethod(time.time)
    """Epoch seconds."""

    async def sleep(self, seconds: float, wake: asyncio.Future[bool]) -> None:
        """
        Return after *seconds*, or as soon as *wake* is done.

        *wake* is done when this returns: with ``False`` if it was the time that ran out.
        """
        timer = asyncio.get_running_loop().call_later(seconds, _set, wake)
        try:
            await wake
        finally:
            timer.cancel()


def _set(wake: asyncio.Future[bool]) -> None:
    if not wake.done():
        wake.set_result(False)


SOON = 1e-6
"""Seconds that are as good as none: what timers and the rounding of floats leave over."""


def left(until: float, now: float) -> float:
    """
    Return the seconds from *now* until *until*; 0 when there.
    """
    seconds = until - now
    return seconds if seconds > SOON else 0.0


Group = dict["asyncio.Future[bool]", None]
"""Those who wait, in the order in which they came."""


class Waits:
    """
    Everyone who waits, so that a change or a shutdown can wake them early.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._everyone: Group = {}

    async def sleep(self, seconds: float, group: Group | None = None) -> None:
        """
        Sleep for *seconds*, or until ``wake`` is called with *group* or with nothing.
        """
        wake: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if group is not None:
            group[wake] = None
        try:
            await self.until(wake, seconds)
        finally:
            if group is not None:
                del group[wake]

    async def until(self, wake: asyncio.Future[bool], seconds: float) -> bool:
        """
        Wait for *wake*, at most *seconds*; return its result, ``False`` if it never came.
        """
        self._everyone[wake] = None
        try:
            await self._clock.sleep(seconds, wake)
        finally:
            del self._everyone[wake]
        return wake.result()

    def wake(self, group: Group | None = None) -> None:
        """
        Wake the members of *group*, or everyone.
        """
        for wake in list(self._everyone if group is None else group):
            _set(wake)


class Limit:
    """
    A time limit on the current task, made and ended without a task or timer of its own.

    When it fires, the task is cancelled and ``fired`` is true; whoever set the limit takes
    the cancellation back with ``task.uncancel()`` and reports what happened.
    """

    __slots__ = ("_singles", "_task", "at", "fired")

    def __init__(self, task: asyncio.Task[Any] | None, at: float) -> None:
        self._task = task
        self._singles: dict[Limit, asyncio.TimerHandle] | None = None
        self.at = at
        self.fired = False

    def fire(self) -> None:
        """
        Cancel the task, unless the limit has ended.
        """
        if self._task is not None and not self.fired:
            self.fired = True
            self._task.cancel()

    def end(self) -> None:
        """
        Forget the task: nothing will be cancelled any more.
        """
        self._task = None
        if self._singles is not None:
            self._singles.pop(self).cancel()
            self._singles = None

    @property
    def running(self) -> bool:
        """
        Whether it has neither ended nor fired.
        """
        return self._task is not None and not self.fired


class Limits:
    """
    All limits of a runner, with one shared timer per duration.

    Limits of one duration end in the order they began, so a queue and a timer for its head
    are enough: 0.7 us per limit where asyncio.timeout costs 5. asyncio.wait_for is out of
    the question: on Python 3.11 it loses cancellations.
    """

    def __init__(self) -> None:
        # Asked for once: get_running_loop makes a system call, which can cost more than the rest.
        self._loop = asyncio.get_running_loop()
        self._queues: dict[float, deque[Limit]] = {}
        self._timers: dict[float, asyncio.TimerHandle] = {}
        self._singles: dict[Limit, asyncio.TimerHandle] = {}

    def start(
        self, seconds: float, task: asyncio.Task[Any] | None, *, shared: bool = True
    ) -> Limit:
        """
        Limit *task*, the current one, to *seconds* from now.

        Durations that hardly ever come twice are not *shared*.
        """
        loop = self._loop
        limit = Limit(task, loop.time() + seconds)
        if not shared:
            self._singles[limit] = loop.call_at(limit.at, limit.fire)
            limit._singles = self._singles  # noqa: SLF001 - one mechanism, two classes
            return limit
        queue = self._queues.get(seconds)
        if queue is None:
            queue = self._queues[seconds] = deque()
            self._timers[seconds] = loop.call_at(limit.at, self._ring, seconds)
        while queue and not queue[0].running:
            queue.popleft()
        queue.append(limit)
        return limit

    def fire_all(self) -> None:
        """
        Fire every limit that runs: at shutdown, what is in flight ends now.
        """
        for queue in (*self._queues.values(), list(self._singles)):
            for limit in queue:
                limit.fire()

    def close(self) -> None:
        """
        Drop the timers.
        """
        for timer in (*self._timers.values(), *self._singles.values()):
            timer.cancel()
        self._timers.clear()
        self._queues.clear()

    def _ring(self, seconds: float) -> None:
        loop = self._loop
        queue = self._queues[seconds]
        now = loop.time()
        while queue and (not queue[0].running or queue[0].at <= now):
            queue.popleft().fire()
        if queue:
            self._timers[seconds] = loop.call_at(queue[0].at, self._ring, seconds)
        else:
            del self._timers[seconds]
            del self._queues[seconds]
