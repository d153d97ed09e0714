"""
The rate that a provider allows: when the next request may go.
"""

from __future__ import annotations

import bisect
import math
from collections import deque

from seedcore.policy import rate_of

MARGIN = 0.25
"""Seconds by which a window is longer here: requests sent in time may arrive close together."""


class Pace:
    """
    Keeps to a rate: at most *count* requests in any *seconds*.

    Calls get their turns in the order in which they come, before they take a slot. What counts
    is when a request goes, so each one is looked at once more just before that.
    """

    def __init__(self, rate: str) -> None:
        self.count, self.seconds = rate_of(rate)
        self._window = self.seconds + MARGIN
        self._turns: list[float] = []
        """When calls were or are to go, sorted; those before the window are forgotten."""
        self._sent: deque[float] = deque(maxlen=self.count)

    @property
    def words(self) -> str:
        """
        The rate as a sentence has it.
        """
        return f"{self.count} requests in {self.seconds:g} s"

    def wait(self, now: float) -> float:
        """
        Return the seconds until the next turn that is free.
        """
        return self._next(now) - now

    def take(self, now: float) -> float:
        """
        Take the next turn and return when it is.
        """
        turn = self._next(now)
        del self._turns[: bisect.bisect_right(self._turns, now - self._window)]
        bisect.insort(self._turns, turn)
        return turn

    def _next(self, now: float) -> float:
        if len(self._turns) < self.count:
            return now
        return max(now, self._turns[-self.count] + self._window)

    def give_back(self, turn: float) -> None:
        """
        Free a turn that nobody will use.
        """
        if turn in self._turns:
            self._turns.remove(turn)

    def pause(self, now: float) -> float:
        """
        Return the seconds that a request must wait which is about to go.
        """
        oldest = self._sent[0] if len(self._sent) == self.count else -math.inf
        return max(0.0, oldest + self._window - now)

    def sent(self, now: float) -> None:
        """
        Note that a request goes.
        """
        self._sent.append(now)
