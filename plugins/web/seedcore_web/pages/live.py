"""
Telling open pages that something has changed: one look a second for all of them together.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Protocol

import attrs
from aiohttp import web

from seedcore import DatabaseError, Runner
from seedcore_web.access import ACCESS, caller_of
from seedcore_web.endpoints import RUNNER
from seedcore_web.problems import Refusal


class GoesOn(Protocol):
    """
    Says whether somebody listens still.
    """

    def __call__(self, *, beat: bool) -> Awaitable[bool]:
        """
        Return that; at each *beat* a key is looked at, too.
        """


Seen = Mapping[str, str]
"""Of each part of the pages, what changes when it does."""

LOOK_EVERY = 1.0
"""Seconds between looks while somebody listens."""
HEARTBEAT = 15.0
"""Seconds after which something is sent all the same, so that proxies keep the connection."""
LONGEST = 600.0
"""Seconds of a stream; browsers come again at once, and show their key again."""
MOST = 200
"""Pages that listen at the same time."""
MOST_OF_ONE = 20
"""Those of one key."""
SEEN_EVERY = 1.0
"""Seconds after which it is seen that a page was closed."""
RETRY = 3_000
"""Milliseconds until a browser comes again."""
LOG = logging.getLogger("seedcore_web")


@attrs.define(eq=False)
class Listener:
    """
    One open page: what has changed since it was told, and that it should be told.
    """

    changed: dict[str, str] = attrs.Factory(dict)
    number: int = 0
    who: str = ""
    woken: asyncio.Event = attrs.Factory(asyncio.Event)


class Watcher:
    """
    Looks while somebody listens, and tells all listeners what has changed.

    *look* returns what is there now, *rest* waits until the next look.
    """

    def __init__(
        self, look: Callable[[], Awaitable[Seen]], rest: Callable[[], Awaitable[object]]
    ) -> None:
        self._look = look
        self._rest = rest
        self._listeners: set[Listener] = set()
        self._looking: asyncio.Task[None] | None = None
        self._seen: Seen | None = None
        self._number = 0
        self._name = secrets.token_hex(4)  # a page may come back after a restart
        self.closed = False

    @contextlib.contextmanager
    def listening(self, last_event: str | None = None, *, who: str = "") -> Iterator[Listener]:
        """
        Listen; who comes back from *last_event* and has missed something is told everything.

        Raises Refusal if too many listen already, or too many with the key *who*, or nobody may
        any more.
        """
        same = sum(bool(who) and each.who == who for each in self._listeners)
        if self.closed or len(self._listeners) >= MOST or same >= MOST_OF_ONE:
            others = f"{same} with this key do" if same >= MOST_OF_ONE else f"{MOST} others do"
            why = "it is shutting down" if self.closed else f"{others} already"
            message = f"This server can't send live updates to this page: {why}."
            raise Refusal(503, "Unavailable", message)
        listener = Listener(number=self._number, who=who)
        if last_event is not None and last_event != self.event_id(self._number):
            listener.changed = {"all": last_event}
            listener.woken.set()
        self._listeners.add(listener)
        if self._looking is None:
            self._looking = asyncio.get_running_loop().create_task(self._watch())
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            if not self._listeners and self._looking is not None:
                self._looking.cancel()
                self._looking = self._seen = None

    def event_id(self, number: int) -> str:
        """
        Return the id of a change, by which a page says how far it was told.
        """
        return f"{self._name}-{number}"

    async def close(self) -> None:
        """
        Let every listener go.
        """
        self.closed = True
        looking = self._looking
        for listener in self._listeners:
            listener.woken.set()
        if looking is not None:
            looking.cancel()
            await asyncio.wait({looking})

    async def _watch(self) -> None:
        told = ""
        while True:
            kind = await self._try_to_look()
            if kind not in ("", told):  # the same one each second would fill the log
                LOG.error("%s while looking for what has changed", kind)
            told = kind
            await self._rest()

    async def _try_to_look(self) -> str:
        """
        Look; return the type of an error that nobody expects, whose text may hold anything.
        """
        try:
            self._compare(await self._look())
        except DatabaseError:
            pass  # the next look may have an answer
        except Exception as error:  # noqa: BLE001 - else no page would hear of anything
            return type(error).__name__
        return ""

    def _compare(self, now: Seen) -> None:
        before, self._seen = self._seen, now
        if before is None:
            return
        changed = {part: value for part, value in now.items() if before.get(part) != value}
        if not changed:
            return
        self._number += 1
        for listener in self._listeners:
            listener.changed.update(changed)
            listener.number = self._number
            listener.woken.set()


WATCHER: web.AppKey[Watcher] = web.AppKey("watcher", Watcher)


def prepare(app: web.Application) -> None:
    """
    Let the pages of *app* be told of changes, until it shuts down.
    """

    async def look() -> Seen:
        return await look_at(app[RUNNER])

    async def rest() -> None:
        await asyncio.sleep(LOOK_EVERY)

    async def close(_: web.Application) -> None:
        await app[WATCHER].close()

    app[WATCHER] = Watcher(look, rest)
    app.on_shutdown.append(close)


async def look_at(runner: Runner) -> Seen:
    """
    Return what is there now: the newest seed and failure, and the state of the providers.
    """
    states = [(line.provider, line.status) for line in runner.registry.listing()]
    store = runner.store
    if store is None:
        return {"providers": repr(states)}
    seeds = await store.queries.calls(limit=1)
    failures = await store.queries.failures(limit=1)
    view = await store.state.look(runner.registry.names)
    circuits = sorted(
        (name, circuit.condition.state.value, circuit.condition.open_until > circuit.now)
        for name, circuit in view.circuits.items()
    )
    gates = sorted((name, gate.version, gate.seconds > 0) for name, gate in view.gates.items())
    routes = [
        (line.name, *line.to.items(), line.fallback) for line in await runner.routes.listing()
    ]
    return {
        "seeds": seeds[0]["call_id"] if seeds else "",
        "failures": str(failures[0]["created_at"]) + failures[0]["call_id"] if failures else "",
        "providers": repr((states, circuits, gates, routes)),
    }


async def send_events(request: web.Request) -> web.StreamResponse:
    """
    Answer with ``changed`` events, each with the names of the parts that have changed.
    """
    watcher = request.app.get(WATCHER)
    if watcher is None:
        raise Refusal(503, "Unavailable", "This server sends no live updates.")
    if request.method == "HEAD":  # it would wait for an end that is not to come soon
        return web.Response(content_type="text/event-stream")
    caller, access = caller_of(request), request.app[ACCESS]

    async def goes_on(*, beat: bool) -> bool:
        if request.transport is None or request.transport.is_closing():
            return False
        try:
            now = await access.who(request) if beat else caller
        except Refusal as refusal:
            return refusal.status == 503  # nobody can tell just now
        return now is not None and now.allows("read")

    who = "" if caller.key is None else caller.key_id
    with watcher.listening(request.headers.get("Last-Event-ID"), who=who) as listener:
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )
        await response.prepare(request)
        with contextlib.suppress(ConnectionResetError):  # the page was closed
            async for text in events(watcher, listener, goes_on=goes_on):
                await response.write(text.encode())
    return response


async def events(
    watcher: Watcher,
    listener: Listener,
    *,
    heartbeat: float = HEARTBEAT,
    now: Callable[[], float] = time.monotonic,
    goes_on: GoesOn | None = None,
) -> AsyncIterator[str]:
    """
    Yield what is sent to a page, until it has listened for long or the server shuts down, or
    *goes_on*, which is asked each second and told of each *beat*, says that it is gone.
    """
    start = now()
    until, beat_at = start + LONGEST, start + heartbeat
    yield f"retry: {RETRY}\nid: {watcher.event_id(listener.number)}\n\n"
    while not watcher.closed and now() < until:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(heartbeat, SEEN_EVERY)):
                await listener.woken.wait()
        # However much happens: a busy server has its beats, too.
        if beat := now() >= beat_at:
            beat_at = now() + heartbeat
        if goes_on is not None and not await goes_on(beat=beat):
            return
        listener.woken.clear()
        if beat and not listener.changed:
            yield ": nothing new\n\n"
        if listener.changed:
            changed, listener.changed = listener.changed, {}
            parts = json.dumps({"parts": sorted(changed)})
            yield f"id: {watcher.event_id(listener.number)}\nevent: changed\ndata: {parts}\n\n"
