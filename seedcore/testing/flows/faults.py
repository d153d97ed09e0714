"""
What goes wrong at the site before it answers as recorded, and the time that passes meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

import attrs

from seedcore.testing.clocks import LeapingClock
from seedcore.testing.replies import Reply
from seedcore.testing.upstream import FaultUpstream, Received

REFUSED: Literal["refused"] = "refused"
"""In place of a reply: nobody listens there."""
TURN = 0.0005
"""Real seconds for which a second of a hanging answer is waited."""
LONGEST_HANG = 1_000
"""Seconds of virtual time after which a hanging answer is given up, and the site with it."""

Fault = Reply | Literal["refused"]


@attrs.frozen(kw_only=True)
class Faults:
    """
    What happens to the first requests of a call, one after the other; the last *for_ever* if so.
    """

    first: Sequence[Fault] = ()
    for_ever: bool = False

    def at(self, place: int) -> Fault | None:
        """
        Return what happens to the request *place*, from 0; ``None`` is nothing.
        """
        if place < len(self.first):
            return self.first[place]
        return self.first[-1] if self.for_ever else None


class LeapingLoop(asyncio.SelectorEventLoop):
    """
    An event loop whose clock can leap: what waits for a time has waited for it then.
    """

    def __init__(self) -> None:
        self._leapt = 0.0
        super().__init__()

    def time(self) -> float:
        """
        Return the seconds of the machine, and those leapt over.
        """
        return super().time() + self._leapt

    def leap(self, seconds: float) -> None:
        """
        Let *seconds* pass at once.
        """
        self._leapt += seconds


async def wait_out(hung: Received, upstream: FaultUpstream, clock: LeapingClock) -> None:
    """
    Let time pass until whoever waits for the answer to *hung* has gone.

    Only a LeapingLoop leaps; in another one that takes as long as it takes.
    """
    loop = asyncio.get_running_loop()
    for _ in range(LONGEST_HANG):
        await asyncio.sleep(TURN)
        if not any(received is hung for received in upstream.unanswered):
            return
        if isinstance(loop, LeapingLoop):
            loop.leap(1.0)
            clock.leap(1.0)
    await upstream.stop()
