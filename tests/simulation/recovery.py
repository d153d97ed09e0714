"""
How an outage ended: when calls were served again, and when the circuit was closed.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from simulation.play import Called, Played

WINDOW = 30.0
"""Seconds of an outage within which attempts are counted."""


@attrs.frozen(kw_only=True)
class Recovery:
    """
    How one outage ended: *down* from when, *up* again when, and down once more *until*.

    *first* are the seconds from up to the first success, *closed* those to the closed circuit.
    """

    played: Played
    down: float
    up: float
    until: float
    first: float
    closed: float

    def attempts(self) -> int:
        """
        Return the most attempts that reached the site in one whole window of the outage.
        """
        windows = int((self.up - self.down) / WINDOW)
        counts = [0] * windows
        for moment in self.played.site.asked:
            window = int((moment - self.down) // WINDOW)
            if 0 <= window < windows:
                counts[window] += 1
        return max(counts)

    def later(self) -> Iterator[Called]:
        """
        Return the calls that arrived with the circuit closed and the site up.
        """
        begin = self.up + self.closed
        return (call for call in self.played.calls if begin < call.arrived < self.until)


def recoveries(one: Played) -> list[Recovery]:
    """
    Return how each outage of a seed ended; never is infinitely late.
    """
    ends = [down for down, _ in one.site.outages[1:]] + [float("inf")]
    successes = sorted(call.ended for call in one.calls if call.served)
    found = []
    for (down, up), until in zip(one.site.outages, ends, strict=True):
        first = next((moment for moment in successes if moment > up), float("inf"))
        found.append(
            Recovery(
                played=one,
                down=down,
                up=up,
                until=until,
                first=first - up,
                closed=_closed(one, up) - up,
            )
        )
    return found


def _closed(one: Played, up: float) -> float:
    """
    Return when the circuit was closed for the first time from *up* on.
    """
    before = [state for moment, _, state in one.circuit if moment <= up]
    if not before or before[-1] == "closed":
        return up
    closings = (moment for moment, _, state in one.circuit if moment > up and state == "closed")
    return next(closings, float("inf"))
