"""
Sites that serve only so many requests, and answer the others with 429 and Retry-After.
"""

from __future__ import annotations

import asyncio
import math
from abc import abstractmethod
from collections import deque
from random import Random

from seedcore import ProviderRateLimitError
from simulation.sites import AT_ONCE, Site


class Limited(Site):
    """
    Serves who is in time; ``wasted`` counts the requests that it refused.

    What *most* and *seconds* mean is each kind's own.
    """

    def __init__(self, rng: Random, most: int, seconds: float) -> None:
        super().__init__(rng)
        self.most = most
        self.seconds = seconds
        self.wasted = 0

    async def answer(self, operation: str, what: str) -> None:
        """
        Answer, or ask for a pause in whole seconds, as most servers do.
        """
        pause = self.pause(self.now() - self.began)
        if pause > 0:
            self.wasted += 1
            await asyncio.sleep(self.rng.uniform(*AT_ONCE))
            raise ProviderRateLimitError(status_code=429, retry_after=float(math.ceil(pause)))
        await super().answer(operation, what)

    @abstractmethod
    def pause(self, now: float) -> float:
        """
        Return 0 and count the request as served, or the seconds until one would be.
        """


class Windows(Limited):
    """
    *most* requests in each window of *seconds*; the next window forgets them all.
    """

    def __init__(self, rng: Random, most: int, seconds: float) -> None:
        super().__init__(rng, most, seconds)
        self.window = 0.0
        self.served = 0

    def pause(self, now: float) -> float:
        """
        Wait for the next window.
        """
        window, into = divmod(now, self.seconds)
        if window != self.window:
            self.window, self.served = window, 0
        if self.served >= self.most:
            return self.seconds - into
        self.served += 1
        return 0.0


class Rolling(Limited):
    """
    *most* requests in any *seconds*, whenever they began.
    """

    def __init__(self, rng: Random, most: int, seconds: float) -> None:
        super().__init__(rng, most, seconds)
        self.served: deque[float] = deque()

    def pause(self, now: float) -> float:
        """
        Wait until the oldest is forgotten.
        """
        while self.served and self.served[0] + self.seconds <= now:
            self.served.popleft()
        if len(self.served) >= self.most:
            return self.served[0] + self.seconds - now
        self.served.append(now)
        return 0.0


class Bucket(Limited):
    """
    A bucket of *most* tokens, one each request, to which one is added every *seconds*.
    """

    def __init__(self, rng: Random, most: int, seconds: float) -> None:
        super().__init__(rng, most, seconds)
        self.tokens = float(most)
        self.seen = 0.0

    def pause(self, now: float) -> float:
        """
        Wait for the next token.
        """
        self.tokens = min(self.most, self.tokens + (now - self.seen) / self.seconds)
        self.seen = now
        # Sums of floats: a token that is all there but for the rounding is there.
        if self.tokens < 1 - 1e-9:
            return (1 - self.tokens) * self.seconds
        self.tokens -= 1
        return 0.0
