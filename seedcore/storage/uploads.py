"""
Bringing what waits on this disk to its storage: at once, and later what was not taken then.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from seedcore.contract import threads
from seedcore.contract.deadline import Waits
from seedcore.errors import SeedcoreError
from seedcore.events import Event, Sink
from seedcore.storage.objects import Storage
from seedcore.storage.waiting import Waiting

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
"""Seconds between tries; they double."""


class Uploads:
    """
    The way of objects from *waiting* to the storage that *storage_of* gives for its name.

    *stored* is told which call's object was taken, and says whether that is noted.
    """

    def __init__(
        self,
        waiting: Waiting,
        *,
        storage_of: Callable[[str], Storage],
        stored: Callable[[str], Awaitable[bool]],
        waits: Waits,
        tell: Sink,
    ) -> None:
        self.waiting = waiting
        self._storage_of = storage_of
        self._stored = stored
        self._waits = waits
        self._tell = tell
        self._working: asyncio.Task[None] | None = None
        self._more = self._closed = False

    async def try_now(self, paths: Iterable[Path], limit: float, *, note: bool = True) -> bool:
        """
        Bring these at the same time, within *limit* seconds; whether all of them were taken.

        That isn't noted where nobody could find it yet.
        """
        tasks = [asyncio.ensure_future(self._bring(path, note=note)) for path in paths]
        if not tasks:
            return True
        try:
            await asyncio.wait(tasks, timeout=limit)
            return all(task.done() and task.result() for task in tasks)
        finally:
            for task in tasks:
                task.cancel()

    def go_on(self) -> None:
        """
        Bring all that waits in the background, until nothing is left.
        """
        self._more = True
        if self._closed:
            return
        if self._working is None or self._working.done():
            self._working = asyncio.get_running_loop().create_task(self._bring_all())

    async def begin(self) -> None:
        """
        Go on with what an earlier program has left.
        """
        with contextlib.suppress(OSError):  # they only take room
            await threads.run(self.waiting.remove_drafts)
        if await threads.run(self.waiting.all):
            self.go_on()

    async def close(self) -> None:
        """
        Stop; the next program goes on.
        """
        self._closed = True
        if self._working is not None:
            self._working.cancel()
            await asyncio.wait({self._working}, timeout=1.0)

    async def _bring_all(self) -> None:
        pause = FIRST_PAUSE
        while left := await threads.run(self.waiting.all):
            self._more = False
            done = [await self._bring(path) for path in left]
            if self._more:  # something came while these were brought
                continue
            if all(done):
                return
            await self._waits.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _bring(self, path: Path, *, note: bool = True) -> bool:
        try:
            left = await threads.run(self.waiting.read, path)
            if left is None:  # another process was quicker
                return True
            await self._storage_of(left.storage).put(left.stored, left.content)
            if note and not await self._stored(left.call_id):
                return False
            await threads.run(self.waiting.remove, path)
        except ValueError:
            self._tell(Event(level="ERROR", event="log_lost", error_type="ValueError"))
            return True
        except (SeedcoreError, OSError):
            return False
        self._tell(Event(level="INFO", event="log_stored", call_id=left.call_id))
        return True
