"""
The pause that all calls of a provider share after it asked for one.
"""

from __future__ import annotations

from random import Random

from seedcore.contract.classify import LONGEST_PAUSE
from seedcore.contract.deadline import left
from seedcore.errors import ProviderError


class Gate:
    """
    Closed until a moment of the monotonic clock; later requests only extend the pause.
    """

    FIRST_PAUSE = 2.0
    """Seconds of the first pause without Retry-After; it doubles with each further 429."""
    LONGEST_GUESS = 60.0
    JITTER = 0.1
    """Most of an asked-for pause that is added at random, never taken away (at most 1 s)."""

    __slots__ = ("_rng", "_until", "error", "guess")

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._until = 0.0
        self.guess = self.FIRST_PAUSE
        """Seconds of the next pause without Retry-After."""
        self.error: ProviderError | None = None
        """The answer that closed it last."""

    def wait(self, now: float) -> float:
        """
        Return the seconds until it opens; 0 when open.
        """
        return left(self._until, now) if self._until else 0.0

    def close(self, error: ProviderError, now: float) -> float:
        """
        Close it for as long as *error* asks, else for a doubling guess; return the seconds.
        """
        asked = error.retry_after
        if not isinstance(asked, (int, float)) or not asked > 0:  # none, or a plugin's junk
            if self.wait(now) > 0:
                # An answer that was on its way when the gate closed: the same wish again.
                return self.wait(now)
            asked = self.guess
            self.guess = min(self.guess * 2, self.LONGEST_GUESS)
        asked = min(asked, LONGEST_PAUSE)
        until = now + asked + self._rng.uniform(0, min(1.0, asked * self.JITTER))
        self._until = max(self._until, until)
        self.error = error
        return self._until - now

    def adopt(self, seconds: float, guess: float, error: ProviderError, now: float) -> bool:
        """
        Close it for *seconds* since another process was asked to; return whether that is news.
        """
        self.guess = min(max(guess, self.FIRST_PAUSE), self.LONGEST_GUESS)
        until = now + min(seconds, LONGEST_PAUSE + 1.0)
        if until <= max(self._until, now):
            return False
        self._until = until
        self.error = error
        return True

    def succeeded(self) -> bool:
        """
        Forget the doubling, since the provider serves again; return whether there was any.
        """
        doubled = self.guess != self.FIRST_PAUSE
        self.guess = self.FIRST_PAUSE
        if not self._until:
            self.error = None
        return doubled

    def opened(self, now: float) -> bool:
        """
        Whether a pause has just ended; ``True`` once per pause.
        """
        if not self._until or left(self._until, now):
            return False
        self._until = 0.0
        return True
