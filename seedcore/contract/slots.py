"""
How many attempts of one provider run at a time, and how many calls wait for their turn.
"""

from __future__ import annotations

import asyncio
from collections import deque


class Slots:
    """
    A counter with a queue: about ten times cheaper than a semaphore, and it can ramp up.
    """

    RAMP_START = 2
    """Slots that are open right after a circuit closed or a gate opened; +1 per success."""

    __slots__ = ("_max_queued", "_open", "_waiting", "in_use", "limit")

    def __init__(self, limit: int, max_queued: int) -> None:
        self.limit = limit
        self.in_use = 0
        self._open = limit
        self._max_queued = max_queued
        self._waiting: deque[asyncio.Future[bool]] = deque()

    @property
    def open(self) -> int:
        """
        Slots that may be in use right now.
        """
        return self._open

    @property
    def queued(self) -> int:
        """
        Calls that wait for a slot.
        """
        return len(self._waiting)

    def try_take(self) -> bool:
        """
        Take a slot if one is free and nobody waits for it.
        """
        if self.in_use >= self._open or self._waiting:
            return False
        self.in_use += 1
        return True

    def queue(self) -> asyncio.Future[bool] | None:
        """
        Return a future that is ``True`` once a slot was given, ``None`` when the queue is full.

        Whoever stops waiting without having been given one calls ``leave``.
        """
        if self.queued >= self._max_queued:
            return None
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._hand_out()
        return waiter

    def leave(self, waiter: asyncio.Future[bool]) -> None:
        """
        Stop waiting; a slot that was given at the last moment goes back.
        """
        if waiter in self._waiting:
            self._waiting.remove(waiter)
        if waiter.done() and not waiter.cancelled() and waiter.result():
            self.give_back()
        else:
            waiter.cancel()
            self._hand_out()

    def give_back(self, *, success: bool = False) -> None:
        """
        Free a slot; a *success* opens one more while ramping up.
        """
        self.in_use -= 1
        if success and self._open < self.limit:
            self._open += 1
        if self._waiting:
            self._hand_out()

    def ramp(self) -> None:
        """
        Start again with few slots.
        """
        self._open = min(self.RAMP_START, self.limit)

    def _hand_out(self) -> None:
        while self._waiting and self.in_use < self._open:
            waiter = self._waiting.popleft()
            if not waiter.done():
                self.in_use += 1
                waiter.set_result(True)
