"""
Time that passes only when nobody has anything to do.

Hours of waiting cost nothing, and every run takes the same course. For code without
sockets: while a socket is waited for, nothing seems to be going on, and time would jump.
With sockets use ``LeapingClock``, which makes only the runner's own waits free.
"""

from __future__ import annotations

import asyncio
import functools
import selectors
import threading
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from seedcore import Clock

Result = TypeVar("Result")
Parameters = ParamSpec("Parameters")

START = 1_000.0
"""What the loop's clock shows at first: not zero, as on any real machine."""
EPOCH = 1_700_000_000.0
"""What the wall clock shows then."""
LONGEST_REAL_WAIT = 5.0
"""Real seconds without anything to do, no timer either, that end a test as hung."""
THREAD_TURN = 0.05
"""Real seconds that running threads of providers get before time jumps."""


class Hung(Exception):  # noqa: N818 - it is a finding, not an error of this module
    """
    Every task waits for something that nobody will ever do.
    """


class _Jumping(selectors.DefaultSelector):
    """
    Where the loop would sleep until its next timer, the time jumps there instead.
    """

    now = START

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:
            ready = super().select(LONGEST_REAL_WAIT)
            if not ready:
                msg = "Every task waits, no timer is set, and no thread has finished."
                raise Hung(msg)
            return ready
        if _a_provider_runs_in_a_thread():
            ready = super().select(THREAD_TURN)
        if not ready:
            self.now += timeout
        return ready


def _a_provider_runs_in_a_thread() -> bool:
    return any(thread.name.startswith("seedcore:") for thread in threading.enumerate())


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """
    An event loop whose clock jumps to the next timer when nothing is ready.
    """

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """
        Return the virtual seconds; they begin at ``START``.
        """
        return self._jumping.now


class VirtualClock(Clock):
    """
    A clock for ``Runner(clock=...)``: the virtual loop's.
    """

    def monotonic(self) -> float:
        """
        Return the loop's seconds.
        """
        return asyncio.get_running_loop().time()

    def time(self) -> float:
        """
        Return ``EPOCH`` plus the seconds that have passed in the loop.
        """
        return EPOCH + self.monotonic() - START


class LeapingClock(Clock):
    """
    Real time, in which the runner's own waits take none: it leaps over them.

    ``slept`` lists their seconds. For one call at a time: nothing happens meanwhile.
    """

    def __init__(self) -> None:
        self.slept: list[float] = []

    def monotonic(self) -> float:
        """
        Return real seconds plus those slept.
        """
        return super().monotonic() + sum(self.slept)

    def time(self) -> float:
        """
        Return the real wall time plus the seconds slept.
        """
        return super().time() + sum(self.slept)

    async def sleep(self, seconds: float, wake: asyncio.Future[bool]) -> None:
        """
        Leap, unless *wake* is done already.
        """
        await asyncio.sleep(0)
        if not wake.done():
            self.leap(seconds)
            wake.set_result(False)

    def leap(self, seconds: float) -> None:
        """
        Let *seconds* pass at once.
        """
        self.slept.append(seconds)


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """
    Run *coroutine* in a loop with virtual time, and return what it returns.
    """
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(coroutine)


def virtual_time(
    test: Callable[Parameters, Coroutine[Any, Any, Result]],
) -> Callable[Parameters, Result]:
    """
    Make an ``async`` test run in virtual time. Its fixtures must be plain ones.
    """

    @functools.wraps(test)
    def in_virtual_time(*arguments: Parameters.args, **named: Parameters.kwargs) -> Result:
        return run(test(*arguments, **named))

    return in_virtual_time
