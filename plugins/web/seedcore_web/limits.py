"""
How much anybody may ask: sizes, times, and requests per minute.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

import attrs

BODY = 1024 * 1024
"""Most bytes of a body."""
BODY_SECONDS = 20.0
"""Seconds in which a body must have arrived."""
IDLE_SECONDS = 20
"""Seconds in which the head of a request must have arrived; the next one's on a connection too."""
LINGER_SECONDS = 2
"""Seconds in which what is sent after a refusal is read and thrown away, so that it is seen."""
DEEPEST = 50
"""Levels of JSON."""
MOST_VALUES = 100_000
"""Names, texts and numbers of one JSON document."""
PER_MINUTE = 600
"""Requests of one key, unless the key says otherwise."""
WRONG_PER_MINUTE = 10
"""Wrong keys from one address before further ones are not looked at."""
JOBS = 100
"""Calls that nobody waits for and that run at the same time."""
REMEMBERED = 1_000
"""Results of such calls that are kept for who asked."""
LONGEST_ID = 100
"""Most characters of an ``Idempotency-Key``."""
PAGE = 500
"""Most rows of one answer."""


@attrs.define(eq=False)
class Buckets:
    """
    A bucket of tokens for each name, which fills up again in a minute.

    Only the names seen last are remembered: whoever was forgotten begins with a full one.
    """

    now: Callable[[], float] = time.monotonic
    most: int = 10_000
    _left: OrderedDict[str, tuple[float, float]] = attrs.Factory(OrderedDict)

    def take(self, name: str, per_minute: int) -> float:
        """
        Take a token; return 0, or the seconds until there is one.
        """
        wait = self.wait(name, per_minute)
        if not wait:
            left, _ = self._left[name]
            self._left[name] = left - 1, self.now()
        return wait

    def wait(self, name: str, per_minute: int) -> float:
        """
        Return the seconds until there is a token, and take none.
        """
        now = self.now()
        left, since = self._left.pop(name, (float(per_minute), now))
        left = min(float(per_minute), left + (now - since) * per_minute / 60)
        self._left[name] = left, now
        if len(self._left) > self.most:
            self._left.popitem(last=False)
        return 0.0 if left >= 1 else (1 - left) * 60 / per_minute
