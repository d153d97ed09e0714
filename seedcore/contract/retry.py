"""
When to try again: the delay before the next attempt, and the budget all retries share.
"""

from __future__ import annotations

from collections.abc import Generator
from random import Random

from seedcore.policy import Policy


class Delays:
    """
    The delays of one call: exponential, with full jitter.

    The waits come from backoff's generator; its loop is not used, since it can't talk to
    gate, breaker and budget, and its limits run on the wall clock.
    """

    def __init__(self, policy: Policy, rng: Random) -> None:
        # Imported on the first failure only: it costs 5 ms and most calls never need it.
        import backoff

        self._jitter = policy.retry_jitter
        self._uniform = rng.uniform
        self._waits: Generator[float, None, None] = backoff.expo(
            base=policy.retry_exponential_base,
            factor=policy.retry_base_delay,
            max_value=policy.retry_max_delay,
        )
        next(self._waits)  # it yields None first, to be primed

    def next(self) -> float:
        """
        Return the seconds to wait before the next attempt.
        """
        wait = next(self._waits)
        return self._uniform(0, wait) if self._jitter else wait


class Budget:
    """
    What retries may add to one provider's load: half of the calls, and a small reserve.

    Without it a provider that fails slowly gets up to *attempts* times its load at the worst
    moment. Every call adds half a retry and every second one more, up to 50; a fresh budget
    has 10.
    """

    RESERVE = 10.0
    CAP = 50.0
    PER_CALL = 0.5
    PER_SECOND = 1.0

    __slots__ = ("_left", "_seen")

    def __init__(self, now: float) -> None:
        self._left = self.RESERVE
        self._seen = now

    def call(self) -> None:
        """
        Note that a new call makes its first attempt.
        """
        if self._left < self.CAP:
            self._left = min(self.CAP, self._left + self.PER_CALL)

    def take(self, now: float) -> bool:
        """
        Take one retry; ``False`` when none is left.
        """
        self._refill(now)
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def left(self, now: float) -> float:
        """
        Return the retries left right now.
        """
        self._refill(now)
        return self._left

    def _refill(self, now: float) -> None:
        gained = max(0.0, now - self._seen) * self.PER_SECOND
        self._left = min(self.CAP, self._left + gained)
        self._seen = now
