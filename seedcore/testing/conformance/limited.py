"""
Runs some work in a thread with an event loop of its own, and only for so long.

A provider that blocks its loop for ever blocks nothing but that.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from seedcore.testing.conformance import guard

Result = TypeVar("Result")

SIGN_OF_LIFE = 0.05
"""Seconds between two signs of life of a rule's loop."""


class Stuck(Exception):  # noqa: N818 - a finding
    """
    A rule hit its limit; ``blocked`` says whether its event loop stood still.
    """

    def __init__(self, text: str, *, blocked: bool) -> None:
        super().__init__(text)
        self.blocked = blocked


def in_a_thread(work: Callable[[], Awaitable[Result]], limit: float, what: str) -> Result:
    """
    Return what *work* returns, run in a thread with a loop of its own.

    Raises Stuck after *limit* seconds. What can be cancelled is; a thread whose loop is blocked
    is left behind.
    """
    life = _Life(work, f"conformance:{what}")
    try:
        value, error = life.outcome.get(timeout=limit)
    except queue.Empty:
        blocked = life.silent_for() > min(1.0, limit / 2)
        stuck = Stuck(_why(life.thread, limit, what, blocked=blocked), blocked=blocked)
        life.give_up()
        raise stuck from None
    life.thread.join(timeout=1.0)  # it closes its loop; what can't be closed stays behind
    if error is not None:
        raise error
    return value  # type: ignore[no-any-return]


class _Life:
    """
    A thread with an event loop, which does some work and shows that it still turns.
    """

    def __init__(self, work: Callable[[], Awaitable[Any]], name: str) -> None:
        self.outcome: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._live, name=name, daemon=True)
        self._work = work
        self._beat = time.monotonic()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._working: asyncio.Task[None] | None = None
        root = logging.getLogger()
        self._before = sys.stdout, sys.stderr, root.handlers, root.level
        self.thread.start()

    def silent_for(self) -> float:
        """
        Return the seconds since the loop has last shown that it turns.
        """
        return time.monotonic() - self._beat

    def give_up(self) -> None:
        """
        Cancel the work, and let the guard of a thread that goes on be about that thread alone.
        """
        if self._loop is not None and self._working is not None:
            with contextlib.suppress(RuntimeError):  # it has just ended
                self._loop.call_soon_threadsafe(self._working.cancel)
        self.thread.join(timeout=0.2)
        if self.thread.is_alive():
            guard.confine(self.thread)
            root = logging.getLogger()
            sys.stdout, sys.stderr, root.handlers, level = self._before
            root.setLevel(level)

    def _live(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop, self._working = asyncio.get_running_loop(), asyncio.current_task()
        # What a provider leaves open is told by a rule, not by the loop.
        self._loop.set_exception_handler(lambda *_: None)
        beating = asyncio.create_task(self._beat_on())
        try:
            self.outcome.put((await self._work(), None))
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits for it
            self.outcome.put((None, error))
        finally:
            beating.cancel()

    async def _beat_on(self) -> None:
        while True:
            self._beat = time.monotonic()
            await asyncio.sleep(SIGN_OF_LIFE)


def _why(thread: threading.Thread, limit: float, what: str, *, blocked: bool) -> str:
    if not blocked:
        return f"{what} hasn't ended after its limit of {limit:.3g} s."
    frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 - the documented way
    place = ""
    if frame is not None:
        last = traceback.extract_stack(frame)[-1]
        place = f" in {last.name}, {last.filename}:{last.lineno}"
    return (
        f"{what} hit its limit of {limit:.3g} s: the event loop is blocked{place}. Await what "
        "takes long, or make the function plain ('def'): it gets a thread then."
    )
