"""
A runner before a site that is played, where the call of a flow can be made, several times too.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import attrs
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

from seedcore.plugins import Registry
from seedcore.runner import Runner
from seedcore.settings import Settings
from seedcore.testing.clocks import LeapingClock
from seedcore.testing.conformance.guard import Guard, guarded
from seedcore.testing.events import CapturedEvents
from seedcore.testing.flows.acts import Act, Overdue, failure_of, reply_of, shown
from seedcore.testing.flows.faults import REFUSED, Faults, wait_out
from seedcore.testing.flows.files import Flow
from seedcore.testing.flows.programs import Ran
from seedcore.testing.flows.sent import LAP, Sent, number_of
from seedcore.testing.replies import Reply
from seedcore.testing.upstream import FaultUpstream, Received, refused_port

SURFACE = "flow"
DATABASE = "audit.sqlite3"
LONGEST = 10.0
"""Real seconds after which a call is given up."""


@attrs.define(kw_only=True, eq=False)
class Stage:
    """
    Where *flow* is replayed; ``held`` keeps the requests of the laps in it from being sent.
    """

    flow: Flow
    folder: Path
    database: str
    runner: Runner
    upstream: FaultUpstream
    clock: LeapingClock
    events: CapturedEvents
    sent: Sent
    guard: Guard
    ran: Ran | None
    held: set[int] = attrs.Factory(set)
    release: asyncio.Event = attrs.Factory(asyncio.Event)
    waiting: set[int] = attrs.Factory(set)
    """The laps that wait to be released."""
    _faults: dict[int, Faults] = attrs.Factory(dict)
    _asked: dict[int, int] = attrs.Factory(dict)
    """How many requests each lap has sent."""
    _planned: dict[int, Reply] = attrs.Factory(dict)
    """What is answered to a request in place of the recorded reply, by its number."""
    _answered: dict[int, int] = attrs.Factory(dict)
    _hanging: set[asyncio.Task[None]] = attrs.Factory(set)

    async def act(
        self,
        lap: int = 0,
        faults: Faults | None = None,
        arguments: Mapping[str, Any] | None = None,
    ) -> Act:
        """
        Make the call of the flow as *lap*, with other *arguments* if given.

        The site answers each lap as recorded, from the beginning, after its *faults*.
        """
        LAP.set(lap)
        self._faults[lap] = faults or Faults()
        given = self.flow.ours.get("arguments", {}) if arguments is None else arguments
        began = self.clock.monotonic()
        value: Any = None
        failure: BaseException | None = None
        with _given_up_after(LONGEST) as overdue:
            try:
                value = await self._call(given)
            except asyncio.CancelledError:
                if not overdue.is_set():
                    raise
                text = (
                    f"the call waits by itself, and hadn't ended after {LONGEST:g} s of real time"
                )
                failure = Overdue(text)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what came of it
                failure = error
        return Act(
            lap=lap,
            gets=shown(value) if failure is None else failure_of(failure),
            value=value,
            error=failure,
            seconds=self.clock.monotonic() - began,
        )

    async def _call(self, arguments: Mapping[str, Any]) -> Any:
        flow = self.flow
        if flow.operation == "generate":
            return await self.runner.generate(flow.provider, surface=SURFACE, **arguments)
        return await self.runner.call(flow.provider, flow.operation, surface=SURFACE, **arguments)

    async def middleware(
        self, request: ClientRequest, handler: ClientHandlerType
    ) -> ClientResponse:
        """
        Lead a request to the site that is played, or to where nobody listens.
        """
        number, lap = self.sent.note(request), LAP.get()
        place = self._asked[lap] = self._asked.get(lap, -1) + 1
        if lap in self.held:
            self.waiting.add(lap)
            await self.release.wait()
        fault = self._faults[lap].at(place)
        if fault == REFUSED:
            port = refused_port()
            self.guard.allowed.add(port)
            request.url = request.url.with_scheme("http").with_host("127.0.0.1").with_port(port)
            return await handler(request)
        if isinstance(fault, Reply):
            self._planned[number] = fault
        return await self.upstream.middleware(request, handler)

    def answer(self, received: Received) -> Reply:
        """
        Return what the site answers.
        """
        number = number_of(received)
        planned = self._planned.get(number)
        if planned is not None:
            if planned.delay:
                task = asyncio.ensure_future(wait_out(received, self.upstream, self.clock))
                self._hanging.add(task)
                task.add_done_callback(self._hanging.discard)
            return planned
        replies = self.flow.replies
        if not replies:
            return Reply(headers={"Content-Type": "application/json"}, body=b"{}")
        lap = self.sent.lap_of(number)
        place = self._answered[lap] = self._answered.get(lap, -1) + 1
        return reply_of(replies[min(place, len(replies) - 1)])

    async def rest(self) -> None:
        """
        Stop waiting for answers that hang.
        """
        for task in self._hanging:
            task.cancel()
        await asyncio.gather(*self._hanging, return_exceptions=True)


@contextlib.contextmanager
def _given_up_after(seconds: float) -> Any:
    """
    Cancel the current task after so many real seconds; the loop's own may leap.
    """
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    overdue = threading.Event()

    def give_up() -> None:
        overdue.set()
        loop.call_soon_threadsafe(task.cancel)

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield overdue
    finally:
        timer.cancel()
        if overdue.is_set():
            task.uncancel()


@contextlib.asynccontextmanager
async def staged(
    flow: Flow,
    folder: Path,
    registry: Registry,
    *,
    prepare: Callable[[Registry], None] = lambda registry: None,
    also: tuple[str, ...] = (),
    as_set: bool = False,
) -> AsyncIterator[Stage]:
    """
    Open a runner for *flow*, with its database in *folder*, an empty one.

    No settings of whoever runs this count. *prepare* changes the registry when the provider that
    is under test is in it; the providers *also* get the same settings. Retries don't wait,
    unless all is to be *as_set* by the provider. Raises NotHere, PluginError and SettingsError.
    """
    own = dict(flow.ours.get("settings", {}))
    if as_set:
        own = {name: item for name, item in own.items() if not name.startswith("retry_")}
    else:
        own = {"retry_base_delay": 0, **own}
    ran = Ran(folder / "checkouts", flow) if flow.course else None
    if ran is not None:
        registry.add(flow.provider, ran.provider(own))
        own = ran.settings(own)
    prepare(registry)
    database = f"sqlite://{folder / DATABASE}"
    settings = _settings(flow, dict.fromkeys((flow.provider, *also), own), folder, registry)

    async def middleware(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        return await stage.middleware(request, handler)

    async with FaultUpstream() as upstream:
        with guarded() as guard:
            guard.allowed.add(upstream.port)
            clock, events = LeapingClock(), CapturedEvents()
            runner = Runner(
                settings=settings,
                registry=registry,
                database=database,
                clock=clock,
                rng=Random(1),  # noqa: S311 - the same in every run
                sinks=[events],
                http_middlewares=[middleware],
            )
            stage = Stage(
                flow=flow,
                folder=folder,
                database=database,
                runner=runner,
                upstream=upstream,
                clock=clock,
                events=events,
                sent=Sent(upstream),
                guard=guard,
                ran=ran,
            )
            upstream.script(stage.answer)
            async with runner:
                try:
                    yield stage
                finally:
                    await stage.rest()


def _settings(flow: Flow, own: Mapping[str, Any], folder: Path, registry: Registry) -> Settings:
    given = {
        **flow.ours.get("core", {}),
        "providers": {**flow.ours.get("providers", {}), **own},
        "spool_directory": str(folder / "spool"),
        "storage_directory": str(folder / "storage"),
    }
    return Settings.load(given, installed=registry.names, environ={}, directory=folder)
