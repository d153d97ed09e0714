"""
The gate Rollback: calls are sent to a second provider and back again, some of them in flight.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from seedcore.model import Seed
from seedcore.plugins import Registry
from seedcore.testing.flows.acts import Act
from seedcore.testing.flows.compared import between, found_in
from seedcore.testing.flows.files import Flow
from seedcore.testing.flows.records import Noted, Subject
from seedcore.testing.flows.replay import Replayed, rows_in
from seedcore.testing.flows.stage import Stage, staged

NEXT = "-next"
"""What the second provider's name has in addition."""
IN_FLIGHT = 3
"""
Calls that begin before the route is rolled back and end after it, and as many that follow; fewer
where the provider takes fewer at a time.
"""
BY = "seedcore gates"
PATIENT = 10.0
"""Seconds in which calls in flight must have asked the site."""

Tell = Callable[[Any, str, int, int], None]


@attrs.frozen(kw_only=True)
class Course:
    """
    The calls that were made: each with who had to serve it.
    """

    routed: Act
    in_flight: list[Act]
    following: list[Act]
    back: Act

    def served(self, name: str) -> Iterator[tuple[str, str, Act]]:
        """
        Yield each call with when it was made, and the provider that had to serve it.
        """
        yield "while the route is set", f"{name}{NEXT}", self.routed
        for act in self.in_flight:
            yield "begun before the rollback", f"{name}{NEXT}", act
        for act in self.following:
            yield "begun after the rollback", name, act
        yield "after the rollback", name, self.back


async def rollback(
    subject: Subject, played: Mapping[str, Replayed], noted: Noted, tell: Tell
) -> str | None:
    """
    Route one flow to a second instance of the provider and back; return what was looked at.
    """
    flow = _chosen(subject, played)
    if flow is None:
        return None
    audited = subject.provider().operations[flow.operation].audited
    tell("Rollback", flow.file, 1, 1)
    name = f"{subject.name}{NEXT}"

    def prepare(registry: Registry) -> None:
        subject.put_in_place(registry)
        # Another instance: what the first keeps for itself must not be needed.
        second = registry.load(subject.name) if flow.course else subject.provider()
        registry.add(name, second)

    with noted.replaying(flow) as folder:
        subject.check(flow)
        registry = subject.registry()
        async with staged(flow, folder, registry, prepare=prepare, also=(name,)) as stage:
            course = await _there_and_back(stage, name)
        rows, _ = await rows_in(stage.database)
        for place, problem in _wrong(stage, course, played[flow.file]):
            noted.find(flow, place, problem)
        for place, problem in _wrong_rows(subject.name, course, rows, audited=audited):
            noted.find(flow, place, problem)
    return f"{flow.operation} to {name} and back, with calls in flight"


def _chosen(subject: Subject, played: Mapping[str, Replayed]) -> Flow | None:
    """
    Return the flow to send to and fro: one that makes a seed, if any does, and sends the least.
    """
    operations = subject.provider().operations

    def rank(flow: Flow) -> tuple[bool, bool, int]:
        sends = played[flow.file].sends
        return not operations[flow.operation].audited, not sends, len(sends)

    fit = [
        flow
        for flow in subject.flows
        if flow.file in played and played[flow.file].act.error is None
    ]
    return min(fit, key=rank, default=None)


async def _there_and_back(stage: Stage, name: str) -> Course:
    routes = stage.runner.routes
    asked = stage.flow.provider
    await routes.set(asked, {name: 1.0}, fallback=(), by=BY)
    routed = await stage.act(0)
    provider = stage.runner.registry.load(asked)
    settings = stage.runner.settings.provider(asked, provider.declaration)
    many = min(IN_FLIGHT, settings.policy().max_concurrent)
    laps = range(1, many + 1)
    stage.held.update(laps)
    in_flight = [asyncio.create_task(stage.act(lap)) for lap in laps]
    await _until_sent(stage, in_flight)
    await routes.rollback(asked, by=BY)
    following = [asyncio.create_task(stage.act(lap + many)) for lap in laps]
    stage.release.set()
    done = await asyncio.gather(*in_flight, *following)
    return Course(
        routed=routed,
        in_flight=done[:many],
        following=done[many:],
        back=await stage.act(2 * many + 1),
    )


async def _until_sent(stage: Stage, calls: list[asyncio.Task[Act]]) -> None:
    """
    Wait until each call has a request to send, which is held, or has ended without one.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENT
    while loop.time() < until:
        ended = sum(call.done() for call in calls)
        if len(stage.waiting) + ended >= len(calls):
            return
        await asyncio.sleep(0.001)


def _wrong(stage: Stage, course: Course, before: Replayed) -> Iterator[tuple[str, str]]:
    """
    Yield what the calls got that they should not have got.
    """
    asked = stage.flow.provider
    # A program's names are random, and each instance draws its next one.
    drawn = bool(stage.flow.course)
    for place, server, act in course.served(asked):
        if act.error is not None:
            yield place, f"{before.act.outcome} was to come, and {act.outcome} did"
            continue
        server_was = act.value.meta.provider if isinstance(act.value, Seed) else server
        if act.call_id is not None and server_was != server:
            yield place, f"{server} was to serve it, and {server_was} did"
        if not drawn:
            for where, problem in _unlike(stage, act, before):
                yield f"{place}: {where}", problem


def _unlike(stage: Stage, act: Act, before: Replayed) -> Iterator[tuple[str, str]]:
    """
    Yield where a call got or sent something else than *before*; what a flow leaves open may differ.
    """
    yield from between("gets", before.act.gets, act.gets)
    as_today = before.as_today(stage.flow.provider)
    known = found_in(stage.flow, as_today)
    now = {**as_today, "sends": stage.sent.requests(act.lap)}
    yield from (each for each in found_in(stage.flow, now) if each not in known)


def _wrong_rows(
    name: str, course: Course, rows: list[dict[str, Any]], *, audited: bool
) -> Iterator[tuple[str, str]]:
    """
    Yield which calls haven't exactly one row, with who served them.
    """
    count = Counter(row["call_id"] for row in rows)
    servers = {row["call_id"]: row["provider"] for row in rows}
    calls = [call for call in course.served(name) if call[2].error is None]
    for place, server, act in calls:
        if act.call_id is None or not audited:
            continue
        if count[act.call_id] != 1:
            yield f"{place}: rows", f"the call has {count[act.call_id]} rows, not 1"
        elif servers[act.call_id] != server:
            yield f"{place}: rows", f"the row names {servers[act.call_id]}, and {server} served"
    expected = len(calls) if audited else 0
    if len(rows) != expected:
        yield "rows", f"there are {len(rows)} rows of {len(calls)} calls that succeeded"
