"""
Runs a demo: a site that fails, a runner, an audit, and calls at a steady rate.
"""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any, TypeAlias

from seedcore.contract.deadline import Clock
from seedcore.demo.course import Course
from seedcore.demo.progress import Progress
from seedcore.demo.site import FaultyAnswers, demo
from seedcore.demo.summary import Summary
from seedcore.errors import ProviderError, SeedcoreError
from seedcore.events import Sink
from seedcore.plugins import Registry
from seedcore.runner import Runner
from seedcore.store import Store
from seedcore.testing.upstream import FaultUpstream

NAME = "demo"
"""The provider's name, and that of the surface."""
EVERY = 0.1
"""Seconds between two looks at the progress."""

Show: TypeAlias = Callable[[Progress], None]
"""Shows people what has happened so far; called again and again."""


async def run(
    course: Course,
    *,
    database: str,
    settings: Mapping[str, Any],
    show: Show,
    sinks: Iterable[Sink] = (),
) -> Summary:
    """
    Run the demo and return what came of it; cancelled, what came of it so far.

    *settings* are as for a ``Runner``; *sinks* receive the events as well.
    Raises SettingsError and DatabaseError before anything is called.
    """
    rng = Random()  # noqa: S311 - jitter and ids, no secrets
    answers = FaultyAnswers(course.faults, Random(course.seed))  # noqa: S311
    progress = Progress(course, Clock())
    async with FaultUpstream() as site:
        site.script(answers)
        registry = Registry(discover=False)
        registry.add(NAME, demo)
        runner = Runner(
            settings={**settings, **_own_settings(site.url)},
            registry=registry,
            database=database,
            rng=rng,
            sinks=[progress, *sinks],
        )
        rng.seed(course.seed)  # after the ids: two runs may go into one database
        since = time.time()
        async with runner:
            await _take(course, site, runner, progress, show)
            duration = progress.now
    name, rows = await _rows_found(progress, database, since)
    return Summary(
        progress=progress,
        duration=duration,
        requests=len(site.requests),
        faults=dict(answers.sent),
        patience=runner.settings.provider(NAME, registry.load(NAME).declaration).policy().patience,
        database=name,
        audit_rows=rows,
    )


def _own_settings(url: str) -> dict[str, Any]:
    """
    Return what has to be so, whatever is switched off; limits are those of the settings.
    """
    return {"disable": (), "only": (), "providers": {NAME: {"base_url": url}}}


async def _take(
    course: Course, site: FaultUpstream, runner: Runner, progress: Progress, show: Show
) -> None:
    """
    Take the course while somebody watches; Ctrl-C ends it early.
    """
    progress.begin()
    playing = asyncio.create_task(_play(course, site, runner, progress))
    try:
        while not playing.done():
            show(progress)
            await asyncio.wait({playing}, timeout=EVERY)
        await playing
        show(progress)
    except asyncio.CancelledError:
        progress.interrupted = True
        task = asyncio.current_task()
        assert task is not None
        task.uncancel()
    finally:
        playing.cancel()
        await asyncio.wait({playing})


async def _play(course: Course, site: FaultUpstream, runner: Runner, progress: Progress) -> None:
    calls: list[asyncio.Task[None]] = []
    try:
        for planned, act in course.timeline():
            moment = progress.returns_at if act == "return" else planned
            await asyncio.sleep(max(0.0, moment - progress.now))
            if act == "call":
                calls.append(asyncio.create_task(_call(runner, progress)))
            elif act == "leave":
                await site.stop()
                progress.site_left()
            else:
                await _return(site)
                progress.site_returned()
        await asyncio.gather(*calls)
    finally:
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


async def _call(runner: Runner, progress: Progress) -> None:
    progress.began += 1
    number, began = progress.began, progress.now
    try:
        outcome = await runner.generate(NAME, surface=NAME, options={"number": number})
    except ProviderError as error:
        progress.call_ended(began, error)
    else:
        progress.call_ended(began, outcome)


async def _return(site: FaultUpstream) -> None:
    try:
        await site.start()
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        msg = "Another program took the port of the demo's site during the outage. Run it again."
        raise SeedcoreError(msg) from error


async def _rows_found(progress: Progress, database: str, since: float) -> tuple[str, int]:
    """
    Return the database's name, and how many of the served calls have their row in it.
    """
    served = {call.call_id for call in progress.ended if call.failed is None}
    store = await Store.open(database)
    try:
        rows = store.queries.export(provider=NAME, surface=NAME, since=since)
        found = [row["call_id"] async for row in rows if row["call_id"] in served]
    finally:
        await store.close()
    return store.name, len(found)
