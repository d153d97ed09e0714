"""
How many attempts of one provider run at a time, and how many calls wait for their turn.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque


class Slots:
    """
    What all operations of a provider share: so many attempts run, so many calls wait.

    Once several operations have been used none gets more than seven eighths of the slots, so
    that one whose attempts hang leaves room for the others until its circuit opens.
    """

    RAMP_START = 2
    """Slots that are free right after a circuit closed or a gate opened; +1 per success."""
    RESERVED = 8
    """The part of the slots that one operation leaves to the others: an eighth."""

    __slots__ = (
        "_arrivals",
        "_max_queued",
        "_shares",
        "_spare",
        "_stale",
        "in_use",
        "limit",
        "most",
        "open",
        "queued",
    )

    def __init__(self, limit: int, max_queued: int) -> None:
        self.limit = limit
        self.most = limit
        """Slots that one operation may have."""
        self.open = limit
        """Slots that may be in use right now."""
        self.in_use = 0
        self.queued = 0
        """Calls that wait for a slot."""
        self._max_queued = max_queued
        self._shares: list[Share] = []
        self._arrivals = itertools.count()
        self._stale = 0
        """Slots that were in use when a ramp began, and close when they end in vain."""
        self._spare = 0

    def share(self) -> Share:
        """
        Return the share of one more operation.
        """
        share = Share(self)
        self._shares.append(share)
        if len(self._shares) > 1:
            self.most = self.limit - self.limit // self.RESERVED
        return share

    def ramp(self) -> None:
        """
        Start again with few slots, beside those that are in use.

        What is still in use may have been for long, and hang: it must not keep everybody out. As
        it ends without a success its slots close behind it, or there would soon be many.
        """
        self.open = min(self.in_use + self.RAMP_START, self.limit)
        self._stale = self.open - self.RAMP_START
        self._spare = self.in_use - self._stale
        self.hand_out()

    def ended(self, *, success: bool) -> None:
        """
        Learn from an attempt that ended while ramping up.

        A success opens one slot more, any other end closes one that was in use before.
        """
        if success:
            self.open = min(self.open + 1, self.limit)
            if self.open == self.limit:
                self._stale = self._spare = 0
        elif self._spare > 0:
            self._spare -= 1  # there was no room for the few new ones before
        elif self._stale > 0:
            self._stale -= 1
            self.open -= 1

    @property
    def ramping(self) -> bool:
        """
        Whether not all slots are open, or some may yet close.
        """
        return self.open != self.limit or self._stale > 0

    def full(self) -> bool:
        """
        Whether nobody more may wait.
        """
        return self.queued >= self._max_queued

    def arrival(self) -> int:
        """
        Return the number of one more who waits, in the order in which they came.
        """
        return next(self._arrivals)

    def hand_out(self) -> None:
        """
        Give free slots to those who have waited longest, of the operations that may have more.
        """
        while self.queued and self.in_use < self.open:
            ready = [share for share in self._shares if share.waiting and share.has_room]
            if not ready:
                return
            min(ready, key=lambda share: share.waiting[0][0]).hand_one()


class Share:
    """
    One operation's slots: a counter with a queue, about ten times cheaper than a semaphore.
    """

    __slots__ = ("_slots", "in_use", "waiting")

    def __init__(self, slots: Slots) -> None:
        self.in_use = 0
        self.waiting: deque[tuple[int, asyncio.Future[bool]]] = deque()
        self._slots = slots

    @property
    def has_room(self) -> bool:
        """
        Whether the operation may have one more slot.
        """
        return self.in_use < self._slots.most

    def try_take(self) -> bool:
        """
        Take a slot if one is free and no call of the operation waits for it.
        """
        slots = self._slots
        if slots.in_use >= slots.open or self.in_use >= slots.most or self.waiting:
            return False
        slots.in_use += 1
        self.in_use += 1
        return True

    def queue(self) -> asyncio.Future[bool] | None:
        """
        Return a future that is ``True`` once a slot was given, ``None`` when the queue is full.

        Whoever stops waiting without having been given one calls ``leave``.
        """
        slots = self._slots
        if slots.full():
            return None
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.waiting.append((slots.arrival(), waiter))
        slots.queued += 1
        slots.hand_out()
        return waiter

    def leave(self, waiter: asyncio.Future[bool]) -> None:
        """
        Stop waiting; a slot that was given at the last moment goes back.
        """
        for entry in self.waiting:
            if entry[1] is waiter:
                self.waiting.remove(entry)
                self._slots.queued -= 1
                break
        if waiter.done() and not waiter.cancelled() and waiter.result():
            self.give_back()
        else:
            waiter.cancel()
            self._slots.hand_out()

    def give_back(self, *, success: bool = False) -> None:
        """
        Free a slot; a *success* opens one more while ramping up.
        """
        slots = self._slots
        slots.in_use -= 1
        self.in_use -= 1
        if slots.ramping:
            slots.ended(success=success)
        if slots.queued:
            slots.hand_out()

    def hand_one(self) -> None:
        """
        Give a slot to who has waited longest here, unless he has gone.
        """
        _, waiter = self.waiting.popleft()
        self._slots.queued -= 1
        if not waiter.done():
            self._slots.in_use += 1
            self.in_use += 1
            waiter.set_result(True)
