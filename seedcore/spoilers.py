"""
The logs of spoiler races: sealed and stored with their seed, and revealed once they are due.
"""

from __future__ import annotations

import asyncio
import functools
import gzip
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import attrs

from seedcore.contract import threads
from seedcore.errors import RevealError, SeedcoreError
from seedcore.events import Event
from seedcore.model import LogRecord, Reveal, Seed, SeedRequest
from seedcore.presets.records import is_operator
from seedcore.storage import SEALED, Storage, Stored, Waiting, storage_of
from seedcore.storage.waiting import Left

if TYPE_CHECKING:
    from pathlib import Path

    from seedcore.call import Call
    from seedcore.lane import Runtime
    from seedcore.settings import CoreSettings

_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


class SpoilerLogs:
    """
    Keeps and reveals them; *call* calls an operation of the provider that is the storage.
    """

    LIMIT = 10.0
    """Seconds that whoever asked for a seed waits for the storage at most."""
    FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
    """Seconds between tries to store what waits; they double."""

    def __init__(
        self, runtime: Runtime, core: CoreSettings, call: Callable[..., Awaitable[Any]]
    ) -> None:
        self._runtime = runtime
        self._core = core
        self._call = call
        self._uploading: asyncio.Task[None] | None = None
        spool = runtime.store.spool if runtime.store is not None else None
        self._waiting = Waiting(spool.directory / "logs") if spool is not None else None

    def _storage(self, name: str | None = None, *, deadline: float | None = None) -> Storage:
        call = functools.partial(self._call, deadline=deadline)
        return storage_of(self._core, call, self._runtime.clock.time, name=name)

    # ----------------------------------------------------------------- keeping

    async def keep(self, call: Call, seed: Seed) -> LogRecord | None:
        """
        Store the logs of *call*, or leave them on this disk for later; an event tells of a loss.
        """
        request, storage = call.request, self._storage(deadline=self.LIMIT)
        assert isinstance(request, SeedRequest)
        assert request.reveal_at is not None
        objects: dict[str, Any] = {}
        for kind, log in call.logs.items():
            key = f"{SEALED}{secrets.token_urlsafe(16)}"
            # Whoever has it could have the log from a storage that is not private after all.
            call.hidden = (*call.hidden, key)
            try:
                content, content_type, ending = _packed(log)
                name = _UNFIT.sub("-", f"{request.provider}-{seed.id or call.call_id}-{kind}")
                filename = f"{name[:150]}.{ending}"
                stored = Stored(
                    key=key, content_type=content_type, encoding="gzip", filename=filename
                )
                await self._keep(call, storage, stored, content)
            except Exception as error:  # noqa: BLE001 - the seed is there, and must not be lost
                call.lane.emit("ERROR", "log_lost", call=call, error_type=type(error).__name__)
                continue
            objects[kind] = attrs.asdict(stored)
        if not objects:
            return None
        return LogRecord(
            call_id=request.call_id,
            provider=request.provider,
            owner=request.by,
            reveal_at=int(request.reveal_at * 1e6),
            storage=storage.name,
            objects=objects,
            created_at=int(self._runtime.clock.time() * 1e6),
        )

    async def _keep(self, call: Call, storage: Storage, stored: Stored, content: bytes) -> None:
        waiting = self._waiting
        if not storage.name or waiting is None:
            await storage.put(stored, content)
            return
        # First here: a storage that doesn't answer, or a kill -9, must not cost the log.
        left = Left(storage=storage.name, stored=stored, content=content)
        path = await threads.run(waiting.add, left)
        try:
            await storage.put(stored, content)
        except SeedcoreError as error:
            call.lane.emit("WARNING", "log_spooled", call=call, error_type=type(error).__name__)
            self.upload_later()
        else:
            await threads.run(waiting.remove, path)

    # ------------------------------------------------------- what waits on disk

    def upload_later(self) -> None:
        """
        Store what waits on this disk, in the background, until nothing is left.
        """
        if self._uploading is None or self._uploading.done():
            self._uploading = self._runtime.loop.create_task(self._upload_all())

    async def upload_left(self) -> None:
        """
        Begin to store what an earlier program has left on this disk.
        """
        if self._waiting is not None and await threads.run(self._waiting.all):
            self.upload_later()

    async def close(self) -> None:
        """
        Stop storing what waits; the next program goes on.
        """
        if self._uploading is not None:
            self._uploading.cancel()
            await asyncio.wait({self._uploading}, timeout=1.0)

    async def _upload_all(self) -> None:
        assert self._waiting is not None
        pause = self.FIRST_PAUSE
        while left := await threads.run(self._waiting.all):
            done = [await self._uploaded(path) for path in left]
            if all(done):
                return
            await self._runtime.waits.sleep(pause)
            if self._runtime.draining:
                return
            pause = min(2 * pause, self.LONGEST_PAUSE)

    async def _uploaded(self, path: Path) -> bool:
        assert self._waiting is not None
        try:
            left = await threads.run(self._waiting.read, path)
            if left is None:  # another process has stored it; a damaged one stays for a person
                return True
            await self._storage(left.storage).put(left.stored, left.content)
            await threads.run(self._waiting.remove, path)
        except (SeedcoreError, OSError):
            return False
        self._runtime.events.emit(Event(level="INFO", event="log_stored"))
        return True

    # --------------------------------------------------------------- revealing

    async def reveal(self, call_id: str, kind: str, by: str) -> Reveal:
        """
        Return a link to a log that is due, for who may see it; who asked is recorded first.

        Raises RevealError, DatabaseError, and what calls of the storage raise.
        """
        store = self._runtime.store
        if store is None:
            raise RevealError(call_id, "can't be found: this program uses no database.")
        found = await store.logs.find(call_id, kind)
        if found is None or not (is_operator(by) or found.owner == by):
            why = f"is not there for {by}: there is none, or somebody else asked for its seed."
            raise RevealError(call_id, why)
        if kind not in found.objects:
            known = ", ".join(sorted(found.objects)) or "none"
            raise RevealError(call_id, f"has no kind {kind!r}, it has {known}.")
        if not found.due:
            due = datetime.fromtimestamp(found.reveal_at, UTC)
            why = f"is sealed until {due:%Y-%m-%d %H:%M:%S} UTC."
            raise RevealError(call_id, why, due_at=found.reveal_at)
        link = await self._link(call_id, found.storage, Stored(**found.objects[kind]))
        revealed_at = await store.logs.revealed(call_id, kind, by)
        extra = {"kind": kind, "by": str(by)}
        self._runtime.events.emit(
            Event(level="INFO", event="revealed", call_id=call_id, extra=extra)
        )
        return Reveal(
            call_id=call_id,
            kind=kind,
            link=link,
            expires_at=self._runtime.clock.time() + self._core.link_seconds,
            revealed_at=revealed_at,
            again=found.revealed_at is not None,
        )

    async def _link(self, call_id: str, storage: str, stored: Stored) -> str:
        waiting = self._waiting
        try:
            if waiting is not None and (path := await threads.run(waiting.find, stored.key)):
                await self._uploaded(path)
                if path.exists():
                    why = "is on this machine and can't be stored yet; ask again later."
                    raise RevealError(call_id, why)
            return await self._storage(storage).link(stored, self._core.link_seconds)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise RevealError(call_id, f"can't be read from the disk: {reason}.") from error


def _packed(log: object) -> tuple[bytes, str, str]:
    """
    Return the compressed bytes of a log, their type, and how its file's name ends.
    """
    if isinstance(log, bytes):
        return gzip.compress(log, mtime=0), "application/octet-stream", "bin"
    if isinstance(log, str):
        return gzip.compress(log.encode(), mtime=0), "text/plain; charset=utf-8", "txt"
    text = json.dumps(_plain(log), indent=1, ensure_ascii=False)
    return gzip.compress(text.encode(), mtime=0), "application/json", "json"


def _plain(log: object) -> object:
    return dict(log) if isinstance(log, Mapping) else log
