"""
The course of a demo: what is to happen, and when.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

Act: TypeAlias = Literal["call", "leave", "return"]
"""A call begins, the site goes away, it returns."""


@attrs.frozen(kw_only=True)
class Course:
    """
    What is to happen: *calls* at *rate* per second, *faults* in percent, *outage* in seconds.
    """

    calls: int
    faults: float
    outage: float
    rate: float
    seed: int

    @property
    def leaves_at(self) -> float:
        """
        When the outage begins: after a quarter of the calls, so that there is a before.
        """
        return self.calls / self.rate / 4

    @property
    def lasts(self) -> float:
        """
        Seconds from the first call until the last one begins and the site is back.
        """
        returns_at = self.leaves_at + self.outage if self.outage else 0.0
        return max(self.calls / self.rate, returns_at)

    def timeline(self) -> list[tuple[float, Act]]:
        """
        Return when what is to happen, in order.

        Calls begin at a steady rate, whatever becomes of earlier ones: people don't wait for
        each other either.
        """
        moments: list[tuple[float, Act]] = [
            (number / self.rate, "call") for number in range(self.calls)
        ]
        if self.outage:
            moments += [(self.leaves_at, "leave"), (self.leaves_at + self.outage, "return")]
        return sorted(moments)

    def introduction(self) -> str:
        """
        Say what will happen.
        """
        gone = f", and is gone for {self.outage:g} s in between" if self.outage else ""
        circuit = "asks less while the site is gone, " if self.outage else ""
        return (
            f"{self.calls} calls, {self.rate:g} a second, go to a site on this machine that spoils "
            f"{self.faults:g} % of its answers{gone}. seedcore tries again what failed, {circuit}"
            "and writes one audit row for each call that is served. "
            f"This takes about {max(1, round(self.lasts))} s; Ctrl-C ends it."
        )
