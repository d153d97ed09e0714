"""
One runner with all that is around it, and one call there that is cut off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from random import Random
from typing import Any

import attrs

import seedcore.http  # noqa: F401 - loaded on first use it would cost that attempt 0.3 s
from seedcore import Clock, Context, Registry, Runner, Seed, SeedRequest
from seedcore.lane import Lane
from seedcore.testing.clocks import LeapingClock
from seedcore.testing.events import CapturedEvents
from seedcore.testing.replies import Reply, json_reply
from seedcore.testing.upstream import FaultUpstream
from support.cut_off_left import facts_of
from support.stepped import WAYS, Stepped

GOOD = json_reply({"id": "4711", "filler": "x" * 600}, pieces=2, pause=0.004)
"""A seed whose body comes in two pieces, so that it has to be waited for."""
PATIENT = 5.0
"""Real seconds that nothing here takes."""
CALL, OTHER, NEXT = "call", "other", "next"
"""Surfaces of the call that is looked at, of one beside it, and of the one after it."""


class World:
    """
    A fresh runner on a real database file, its upstream, and what they were asked.
    """

    def __init__(self, kind: Kind, upstream: FaultUpstream, database: Path) -> None:
        self.kind = kind
        self.upstream = upstream
        self.database = database
        self.events = CapturedEvents()
        self.keys: list[str] = []
        """The idempotency keys of the attempts."""
        self.replies: list[Any] = []
        """Responses that a provider has kept."""
        self.over = False
        """Whether the call that is looked at has ended."""
        self.beside: set[asyncio.Task[Any]] = set()
        registry = Registry(discover=False)
        for name, target in kind.providers(self).items():
            registry.add(name, target)
        self.runner = Runner(
            registry=registry,
            database=f"sqlite://{database}",
            sinks=[self.events],
            clock=kind.clock(self),
            rng=Random(7),
            settings={
                "retry_jitter": False,
                "providers": {"demo": {"base_url": upstream.url}},
                **kind.settings,
            },
        )

    @property
    def lanes(self) -> list[Lane]:
        """
        The lanes that are open.
        """
        return list(self.runner._lanes.values())

    def call(self, surface: str) -> Coroutine[Any, Any, Seed]:
        """
        Return one call as its kind makes it.
        """
        return self.runner.generate("demo", surface=surface, **self.kind.arguments)

    def beside_it(self, call: Coroutine[Any, Any, Any]) -> None:
        """
        Let *call* run beside the one that is looked at.
        """
        task = asyncio.create_task(call)
        self.beside.add(task)
        task.add_done_callback(self.beside.discard)

    async def ask(self, request: SeedRequest, context: Context) -> Seed:
        """
        Roll a seed at the upstream, as most providers do.
        """
        self.keys.append(context.idempotency_key)
        async with context.http.post("seed") as reply:
            reply.raise_for_status()
            return rolled(await reply.json())


def rolled(body: Mapping[str, Any]) -> Seed:
    """
    Return the seed that an upstream has answered with.
    """
    return Seed(id=body["id"], url=f"https://seeds.example/{body['id']}", extra={"n": 1})


async def _nothing(_: World) -> None:
    """
    Prepare nothing: it is the first call of its process.
    """


def _asking(world: World) -> dict[str, Any]:
    async def demo(request: SeedRequest, context: Context) -> Seed:
        return await world.ask(request, context)

    return {"demo": demo}


@attrs.frozen(kw_only=True)
class Kind:
    """
    A kind of call: its provider, what its upstream answers, and what happened before.

    It has at least *least* await points, and *through* are functions it waits in.
    """

    least: int
    through: tuple[str, ...]
    replies: tuple[Reply, ...] = (GOOD,)
    providers: Callable[[World], dict[str, Any]] = _asking
    prepare: Callable[[World], Awaitable[None]] = _nothing
    arguments: Mapping[str, Any] = attrs.Factory(dict)
    settings: Mapping[str, Any] = attrs.Factory(dict)
    clock: Callable[[World], Clock] = lambda _: LeapingClock()
    fails: bool = False
    threaded: bool = False
    """Whether a slot is held until a thread has ended."""


class Run:
    """
    One call of a kind that is cut off at its *at*th suspension, in one way.

    ``facts`` are what the lanes knew at that moment.
    """

    def __init__(self, world: World, at: int, way: str) -> None:
        self.world = world
        self.at = at
        self.way = way
        self.reached = False
        self.facts: dict[str, tuple[Any, ...]] = {}
        self.stepped = Stepped(world.call(CALL), self._suspended)

    def _suspended(self, stepped: Stepped[Any], awaited: Any) -> None:
        if len(stepped.places) != self.at:
            return
        self.reached = True
        if self.way == "with the answer" and isinstance(awaited, asyncio.Future):
            awaited.add_done_callback(self._note)
        else:
            self._note()
        WAYS[self.way](stepped, awaited)

    def _note(self, _: object = None) -> None:
        self.facts = {lane.name: facts_of(lane) for lane in self.world.lanes}

    async def go(self) -> asyncio.Task[Any]:
        """
        Make the call, and return its task when that is done.
        """
        self.world.upstream.script(GOOD)
        await self.world.kind.prepare(self.world)
        self.world.upstream.script(*self.world.kind.replies)
        task = asyncio.create_task(self.stepped)
        await asyncio.wait({task}, timeout=PATIENT)
        self.world.over = True
        if self.way == "a turn later":  # too late, if that was the end of it
            self.reached = self.reached and task.cancelled()
        return task
