"""
The logs of spoiler races: sealed and stored with their seed, and revealed once they are due.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import platform
import re
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from seedcore.contract import threads
from seedcore.errors import DatabaseError, RevealError, SeedcoreError
from seedcore.events import Event
from seedcore.model import LogRecord, Reveal, Seed, SeedRequest
from seedcore.presets.records import is_operator
from seedcore.storage import SEALED, Directory, Left, Storage, Stored, Uploads, Waiting, stored_of

if TYPE_CHECKING:
    from seedcore.call import Call
    from seedcore.lane import Runtime
    from seedcore.store import Store
    from seedcore.store.logs import StoredLog

T = TypeVar("T")

_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")
MACHINE = platform.node()[:200]
"""What other machines call the one on whose disk a log waits."""


class SpoilerLogs:
    """
    Keeps the logs, and reveals them.

    *storage_of* gives a storage by its name, that of the settings for ``None``; *fault* says why
    that can't be used, if so; links to it work for *link_seconds*.
    """

    LIMIT = 10.0
    """Seconds that whoever asked for a seed waits for the storage at most."""

    def __init__(
        self,
        runtime: Runtime,
        store: Store,
        *,
        storage_of: Callable[[str | None], Storage],
        fault: Callable[[], str | None],
        link_seconds: int,
    ) -> None:
        self.fault = fault
        self._runtime = runtime
        self._store = store
        self._storage_of = storage_of
        self._link_seconds = link_seconds
        self._tasks: set[asyncio.Task[Any]] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        self._unrecorded: set[str] = set()
        self._uploads: Uploads | None = None
        if store.spool is not None:
            self._uploads = Uploads(
                Waiting(store.spool.logs),
                storage_of=storage_of,
                stored=self._note_stored,
                waits=runtime.waits,
                tell=runtime.events.emit,
            )

    # ---------------------------------------------------------------- lifetime

    async def open(self) -> None:
        """
        Go on with what an earlier program has left: logs to be stored, links whose time is over.
        """
        await self._remove_expired()
        if self._uploads is not None:
            await self._uploads.begin()

    def whole(self, act: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """
        Do *act* to its end, even if whoever awaits it gives up: it keeps a log and its row.
        """
        return asyncio.shield(self._task(act))

    def _task(self, act: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        # Held here: the loop alone would let it be collected.
        task = self._runtime.loop.create_task(act)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def stop(self) -> None:
        """
        Store nothing more in the background; what waits is the next program's.
        """
        if self._uploads is not None:
            await self._uploads.close()
        for timer in self._timers:
            timer.cancel()

    async def close(self, timeout: float) -> None:
        """
        Wait for the rows of calls that were given up, at most *timeout* seconds.
        """
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=timeout)

    # ----------------------------------------------------------------- keeping

    async def keep(self, call: Call, seed: Seed) -> LogRecord | None:
        """
        Store the logs of *call*, or leave them on this disk for later; an event tells of a loss.

        Returns where they are, and lets the call say when they are due. ``recorded`` has to follow.
        """
        self._unrecorded.add(call.call_id)
        request = call.request
        if not isinstance(request, SeedRequest):
            return None
        storage = self._storage_of(None).name
        lefts = [
            left
            for kind, log in call.logs.items()
            if (left := await self._packed(call, seed, storage, kind, log)) is not None
        ]
        kept, waits = await self._put_all(call, [left for _, left in lefts])
        objects = {kind: attrs.asdict(left.stored) for kind, left in lefts if left in kept}
        if not objects:
            return None
        after, due = call.lane.settings.reveal_after, request.reveal_at
        call.reveal_at = self._runtime.clock.time() + after if due is None else due
        by = request.by
        return LogRecord(
            call_id=call.call_id,
            provider=call.lane.name,
            owner=None if by is None or is_operator(by) else by,
            reveal_at=None if due is None else int(due * 1e6),
            reveal_after=int(after * 1e6),
            storage=storage,
            waits_at=MACHINE if waits else None,
            objects=objects,
        )

    def recorded(self, call: Call) -> None:
        """
        The row of *call* was written: what it says to be waiting may be stored from now on.
        """
        self._unrecorded.discard(call.call_id)
        if self._uploads is not None and call.reveal_at is not None:
            self._uploads.go_on()

    async def _packed(
        self, call: Call, seed: Seed, storage: str, kind: str, log: object
    ) -> tuple[str, Left] | None:
        key = f"{SEALED}{secrets.token_urlsafe(16)}"
        # Whoever has it could have the log from a storage that is not private after all.
        call.hidden = (*call.hidden, key)
        sealed = getattr(call.request, "sealed", False)
        name = call.call_id if sealed else seed.id or call.call_id
        try:
            content, content_type, ending = await threads.run(packed, log)
        except Exception as error:  # noqa: BLE001 - the seed is there, and must not be lost
            self._lost(call, error)
            return None
        name = _UNFIT.sub("-", f"{call.lane.name}-{name}-{kind}")[:150]
        stored = Stored(
            key=key, content_type=content_type, encoding="gzip", filename=f"{name}.{ending}"
        )
        left = Left(call_id=call.call_id, storage=storage, stored=stored, content=content)
        return kind, left

    async def _put_all(self, call: Call, lefts: list[Left]) -> tuple[list[Left], bool]:
        """
        Store what can be stored; return that, and whether some of it only waits on this disk.
        """
        if self._uploads is None:
            return await self._put_at_once(call, lefts), False
        kept, paths = [], []
        for left in lefts:
            try:
                # First here: a storage that doesn't answer, or a kill -9, must not cost the log.
                paths.append(await threads.run(self._uploads.waiting.add, left))
                kept.append(left)
            except OSError:
                kept += await self._put_at_once(call, [left])
        waits = not await self._uploads.try_now(paths, self._time_left(call), note=False)
        if waits:
            call.lane.emit("WARNING", "log_spooled", call=call)
        return kept, waits

    async def _put_at_once(self, call: Call, lefts: list[Left]) -> list[Left]:
        kept = []
        for left in lefts:
            try:
                async with asyncio.timeout(self._time_left(call)):
                    await self._storage_of(left.storage).put(left.stored, left.content)
                kept.append(left)
            except (SeedcoreError, OSError) as error:
                self._lost(call, error)
        return kept

    def _time_left(self, call: Call) -> float:
        rest = call.deadline - self._runtime.clock.monotonic()
        return max(1.0, min(self.LIMIT, rest))

    def _lost(self, call: Call, error: Exception) -> None:
        call.lane.emit("ERROR", "log_lost", call=call, error_type=type(error).__name__)

    async def _note_stored(self, call_id: str) -> bool:
        """
        Note in the row that its logs are stored; whether that is done, or there is no row.
        """
        if call_id in self._unrecorded:
            return False
        try:
            noted = await self._store.logs.stored(call_id)
        except DatabaseError:
            return False
        spool = self._store.spool
        return noted or spool is None or not spool.has_any_lines

    # --------------------------------------------------------------- revealing

    async def reveal(self, call_id: str, kind: str, by: str) -> Reveal:
        """
        Return a link to a log that is due, for who may see it; that is recorded first.

        Raises RevealError, DatabaseError, and what calls of the storage raise.
        """
        found = await self._store.logs.find(call_id, kind)
        if found is None or not (is_operator(by) or found.owner == by):
            why = f"is not there for {by}: there is none, or somebody else asked for its seed."
            raise RevealError(call_id, why)
        if kind not in found.objects:
            known = ", ".join(sorted(found.objects)) or "none"
            raise RevealError(call_id, f"has no kind {kind!r}, it has {known}.")
        if found.sealed:
            raise RevealError(call_id, "stays sealed until its seed is unsealed.")
        if not found.due:
            due = datetime.fromtimestamp(found.reveal_at, UTC)
            why = f"is sealed until {due:%Y-%m-%d %H:%M:%S} UTC."
            raise RevealError(call_id, why, due_at=found.reveal_at)
        link = await self._link(found, stored_of(found.objects[kind]))
        revealed_at = await self._store.logs.revealed(call_id, kind, by)
        extra = {"kind": kind, "by": str(by)}
        self._runtime.events.emit(
            Event(level="INFO", event="revealed", call_id=call_id, extra=extra)
        )
        return Reveal(
            call_id=call_id,
            kind=kind,
            link=link,
            expires_at=self._runtime.clock.time() + self._link_seconds,
            revealed_at=revealed_at,
            again=found.revealed_at is not None,
        )

    async def _link(self, found: StoredLog, stored: Stored) -> str:
        try:
            await self._bring(found, stored)
            storage = self._storage_of(found.storage)
            link = await storage.link(stored, self._link_seconds)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise RevealError(found.call_id, f"can't be read from the disk: {reason}.") from error
        if isinstance(storage, Directory):
            self._remove_later()
        return link

    async def _bring(self, found: StoredLog, stored: Stored) -> None:
        """
        Store a log that waits on this disk; raise RevealError for one that can't be had here.
        """
        uploads = self._uploads
        if uploads is not None and (path := await threads.run(uploads.waiting.find, stored.key)):
            if await uploads.try_now([path], self.LIMIT):
                return
            raise RevealError(found.call_id, "is on this machine and can't be stored yet.")
        if found.waits_at not in (None, MACHINE):
            why = f"waits on the machine {found.waits_at} until its storage takes it."
            raise RevealError(found.call_id, why)

    def _remove_later(self) -> None:
        def remove() -> None:
            self._timers.discard(timer)
            self._task(self._remove_expired())

        timer = self._runtime.loop.call_later(self._link_seconds + 1, remove)
        self._timers.add(timer)

    async def _remove_expired(self) -> None:
        storage = self._storage_of(None)
        if isinstance(storage, Directory):
            try:
                await storage.remove_expired()
            except OSError:
                return  # the next one tries again


def packed(log: object) -> tuple[bytes, str, str]:
    """
    Return the compressed bytes of a log, their type, and how its file's name ends.

    What JSON doesn't know is written as Python shows it: there is no other copy.
    """
    if isinstance(log, (bytes, bytearray)):
        return gzip.compress(log, mtime=0), "application/octet-stream", "bin"
    if isinstance(log, str):
        return _compressed(log), "text/plain; charset=utf-8", "txt"
    try:
        text = json.dumps(log, indent=1, ensure_ascii=False, default=_plain)
    except (TypeError, ValueError, RecursionError):  # odd keys, or it contains itself
        return _compressed(repr(log)), "text/plain; charset=utf-8", "txt"
    return _compressed(text), "application/json", "json"


def _compressed(text: str) -> bytes:
    return gzip.compress(text.encode("utf-8", "backslashreplace"), mtime=0)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    return repr(value)
