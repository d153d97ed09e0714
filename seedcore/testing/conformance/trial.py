"""
One call of the provider under test, by a real runner against the kit's upstream.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
import traceback
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import attrs
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

from seedcore.contract.classify import PLUGIN_ERROR
from seedcore.errors import SeedcoreError, clean_text
from seedcore.plugins import Provider, Registry
from seedcore.runner import Runner
from seedcore.settings import Settings
from seedcore.testing.clocks import LeapingClock
from seedcore.testing.conformance.case import Answer, Case, filled_in
from seedcore.testing.conformance.guard import Guard, guarded
from seedcore.testing.conformance.scripts import Scripted
from seedcore.testing.conformance.watching import Ran, longest_stop, watched
from seedcore.testing.events import CapturedEvents
from seedcore.testing.replies import Reply, status
from seedcore.testing.upstream import FaultUpstream, Received

LONGEST_ATTEMPT = 5.0
"""Seconds of an attempt in which nothing is meant to hang."""
ONE_ATTEMPT: Mapping[str, Any] = {"retry_enabled": False}
SURFACE = "conformance"


@attrs.define(kw_only=True, eq=False)
class Trial:
    """
    What came of one call: a value or an error, and everything that could be seen meanwhile.
    """

    upstream: FaultUpstream
    guard: Guard
    events: CapturedEvents = attrs.Factory(CapturedEvents)
    lent: int = 0
    """Requests that went through ``context.http``."""
    ran: list[Ran] = attrs.Factory(list)
    value: Any = None
    error: SeedcoreError | None = None
    unanswered: str = ""
    """The request that the upstream had not answered when the call ended."""
    seconds: float = 0.0
    blocked: float = 0.0
    """The longest that the event loop stood still, in seconds, where that was looked at."""
    script_error: Exception | None = None
    """What the author's own ``upstream`` raised."""

    def sent(self) -> int:
        """
        Return how many requests came so far.
        """
        return len(self.requests)

    @property
    def requests(self) -> list[Received]:
        """
        What came over the wire.
        """
        return self.upstream.requests

    @property
    def repeated(self) -> int:
        """
        How many requests the attempts before the last have sent; those of ``start`` are none.
        """
        return self.ran[-1].before - self.ran[0].before if self.ran else 0

    @property
    def attempts(self) -> list[list[Received]]:
        """
        The requests of each attempt, without those of ``start``.
        """
        begins = [ran.before for ran in self.ran]
        ends = [*begins[1:], len(self.requests)]
        return [self.requests[a:b] for a, b in zip(begins, ends, strict=False)]

    @property
    def succeeded(self) -> bool:
        """
        Whether the call gave a value.
        """
        return self.error is None

    @property
    def outcome(self) -> str:
        """
        What the caller got, in a few words.
        """
        if self.error is None:
            return f"success ({type(self.value).__name__})"
        return f"{type(self.error).__name__} ({self.error.user_message}{_place_of(self.error)})"

    @property
    def call_ids(self) -> set[str]:
        """
        The ids of all calls made.
        """
        return {event.call_id for event in self.events if event.call_id}

    async def middleware(
        self, request: ClientRequest, handler: ClientHandlerType
    ) -> ClientResponse:
        """
        Count a request of the lent session, and send it to the kit's upstream.
        """
        self.lent += 1
        return await self.upstream.middleware(request, handler)


def _place_of(error: SeedcoreError) -> str:
    """
    Return what a plugin's own mistake was, and where; nothing for other errors.
    """
    cause = error.__cause__
    if getattr(error, "reason", None) != PLUGIN_ERROR or not isinstance(cause, Exception):
        return ""
    frames = traceback.extract_tb(cause.__traceback__)
    place = f" in {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f": {type(cause).__name__}: {clean_text(cause, 100)}{place}"


@asynccontextmanager
async def trial_of(
    case: Case,
    script: Scripted | None = None,
    *,
    limits: Mapping[str, Any] = ONE_ATTEMPT,
    settings: Mapping[str, Any] | None = None,
    database: str | None = None,
) -> AsyncIterator[tuple[Trial, Runner]]:
    """
    Open an upstream and a runner for the case, without settings of whoever runs this.

    Raises PluginError for what is no provider, and SettingsError.
    """
    async with FaultUpstream() as upstream:
        with guarded() as guard, tempfile.TemporaryDirectory() as empty:
            trial = Trial(upstream=upstream, guard=guard)
            guard.allowed.add(upstream.port)
            upstream.script(_script(case.answer, script, trial))
            own = {**case.settings, **(settings or {})}
            core = {
                "attempt_timeout": LONGEST_ATTEMPT,
                "retry_base_delay": 0,
                "failure_rows": database is not None,
                "storage_directory": str(Path(empty) / "storage"),
                "storage_url": "https://files.example",
                **limits,
                "providers": {case.name: filled_in(own, upstream.url)},
            }
            registry = Registry()  # a provider may call others that are installed
            registry.add(case.name, watched(loaded(case), trial))
            async with Runner(
                settings=Settings.load(core, environ={}, directory=Path(empty)),
                registry=registry,
                database=database,
                clock=LeapingClock(),
                rng=Random(1),  # noqa: S311 - the same in every run
                sinks=[trial.events],
                http_middlewares=[trial.middleware],
            ) as runner:
                yield trial, runner


async def run(case: Case, script: Scripted | None = None, **how: Any) -> Trial:
    """
    Make the case's call once, and return what came of it; *how* is as for ``trial_of``.
    """
    asked = how.pop("request", {})
    async with trial_of(case, script, **how) as (trial, runner):
        await call(case, trial, runner, asked)
    return trial


async def call(case: Case, trial: Trial, runner: Runner, asked: Mapping[str, Any]) -> None:
    """
    Call the operation with the case's request changed by *asked*, and note what comes of it.
    """
    request = {**case.request, **asked}
    began = time.monotonic()
    try:
        trial.value = await runner.call(
            case.name, case.operation, surface=SURFACE, patience=0, **request
        )
    except SeedcoreError as error:
        trial.error = error
    finally:
        trial.seconds = time.monotonic() - began
        waiting = trial.upstream.unanswered
        trial.unanswered = f"{waiting[0].method} {waiting[0].path}" if waiting else ""


async def first_call(case: Case) -> Trial:
    """
    Make the call as the contract describes it, and look at whether it blocks the loop.
    """
    with longest_stop() as stops:
        trial = await run(case)
    trial.blocked = max(stops)
    return trial


def loaded(case: Case) -> Provider:
    """
    Return the provider with its hooks checked. Raises BrokenPluginError.
    """
    registry = Registry(discover=False)
    registry.add(case.name, case.target)
    return registry.load(case.name)


def _script(answer: Answer, script: Scripted | None, trial: Trial) -> Callable[[Received], Reply]:
    number = -1

    def reply(received: Received) -> Reply:
        nonlocal number
        number += 1
        scripted = script(received, number) if script else None
        if scripted is not None:
            return scripted
        try:
            given = answer(received, number - trial.repeated)
        except Exception as error:  # noqa: BLE001 - the author's own code
            trial.script_error = error
            return status(500)
        if not isinstance(given, Reply):
            trial.script_error = TypeError(f"it returned {type(given).__name__}, not a Reply")
            return status(500)
        return given

    return reply


async def settle() -> None:
    """
    Let what has ended come to rest: tasks that were cancelled, transports that were closed.
    """
    for _ in range(20):
        await asyncio.sleep(0)
