"""
The kinds of calls that are cut off everywhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import sqlite3
import time
from typing import Any

import attrs

from seedcore import Clock, Context, Pending, ProviderError, Seed, SeedRequest, hookimpl
from seedcore.contract.circuit import State
from seedcore.testing.clocks import LeapingClock
from seedcore.testing.replies import Reply, status
from support.cut_off import GOOD, OTHER, Kind, World, rolled
from support.stored import until


async def _rolled(world: World) -> None:
    await world.runner.generate("demo", surface=OTHER)


def _closing_nothing(world: World) -> dict[str, Any]:
    async def demo(request: SeedRequest, context: Context) -> Seed:
        stack = contextlib.AsyncExitStack()  # and nobody ever leaves it
        reply = await stack.enter_async_context(context.http.post("seed"))
        world.replies.append(reply)  # else its end would be that of the coroutine
        await reply.content.readany()
        return rolled({"id": "4711"})

    return {"demo": demo}


def _in_a_thread(world: World) -> dict[str, Any]:
    def demo(request: SeedRequest) -> Seed:
        world.keys.append(request.call_id)
        time.sleep(0.002)
        return rolled({"id": "4711"})

    return {"demo": demo}


def _nesting(world: World) -> dict[str, Any]:
    async def demo(request: SeedRequest, context: Context) -> Seed:
        await context.generate("inner")
        return await world.ask(request, context)

    async def inner(request: SeedRequest, context: Context) -> Seed:
        async with context.http.get(f"{world.upstream.url}/inner") as reply:
            return Seed(id=(await reply.json())["id"])

    return {"demo": demo, "inner": inner}


def _polling(world: World) -> dict[str, Any]:
    async def demo(request: SeedRequest, context: Context) -> Seed:
        made = await world.ask(request, context)
        looks = iter((Pending("generating"), made))

        async def look() -> Seed | Pending:
            async with context.http.get(f"{world.upstream.url}/look") as reply:
                await reply.read()
            return next(looks)

        return await context.poll(look)

    return {"demo": demo}


def _starting(world: World) -> dict[str, Any]:
    class Demo:
        @hookimpl
        async def start(self, context: Context) -> str:
            async with context.http.get("start") as reply:
                return str((await reply.json())["id"])

        @hookimpl
        async def generate(self, request: SeedRequest, context: Context) -> Seed:
            assert "4711" == context.state
            return await world.ask(request, context)

    return {"demo": Demo()}


def _holding(world: World) -> dict[str, Any]:
    """
    The call beside it ends once it is waited for, or for nothing.
    """

    async def demo(request: SeedRequest, context: Context) -> Seed:
        if context.surface == OTHER:
            while not (world.over or _is_waited_for(world)):
                await asyncio.sleep(0)
        return await world.ask(request, context)

    return {"demo": demo}


def _is_waited_for(world: World) -> bool:
    [lane] = world.lanes
    return lane.slots.queued > 0 or len(lane.runtime.waits._everyone) > 0


async def _held(world: World) -> None:
    """
    Let another call take the only slot, or the same id.
    """
    world.beside_it(world.call(OTHER))
    while not (world.lanes and world.lanes[0].slots.in_use):
        await asyncio.sleep(0)


async def _opened(world: World) -> None:
    """
    Let the circuit open, for everybody.
    """
    world.upstream.script(status(500))
    with contextlib.suppress(ProviderError):
        await world.runner.generate("demo", surface=OTHER)
    circuit = world.lanes[0].circuit("generate")
    assert State.OPEN is circuit.breaker.state
    await until(lambda: not circuit.unsaid)


class SharedLeaps(LeapingClock):
    """
    Leaps over the waits of the runner, and lets the same time pass for its database.
    """

    def __init__(self, world: World) -> None:
        super().__init__()
        self._database = world.database

    def leap(self, seconds: float) -> None:
        """
        Let *seconds* pass: what the database has noted is older by then.
        """
        super().leap(seconds)
        older = int((seconds + 0.1) * 1e6)  # it has noted it a little later
        with contextlib.closing(sqlite3.connect(self._database)) as connection, connection:
            for key, open_until, text in connection.execute(
                "SELECT id, open_until, probes FROM seedcore_breakers"
            ).fetchall():
                probes = json.dumps([[name, began - older] for name, began in json.loads(text)])
                connection.execute(
                    "UPDATE seedcore_breakers SET open_until = ?, probes = ? WHERE id = ?",
                    [open_until - older, probes, key],
                )


DOWN, GONE, WAIT = status(500), Reply(cut="at_once"), status(429, Retry_After="1")
FRAGILE = {
    "retry_enabled": False,
    "circuit_breaker_failure_threshold": 1,
    "circuit_breaker_timeout": 1.0,
}

KINDS: dict[str, Kind] = {
    "the first": Kind(least=6, through=("look", "_connect_sock", "read", "record")),
    "a plain one": Kind(prepare=_rolled, least=3, through=("start", "read", "record")),
    "with a reply nobody closes": Kind(
        providers=_closing_nothing,
        replies=(attrs.evolve(GOOD, pause=math.inf),),
        least=4,
        through=("sock_connect", "start", "record"),
    ),
    "with retries": Kind(
        replies=(DOWN, GONE, GOOD), least=8, through=("sleep", "start", "read", "record")
    ),
    "asked to wait": Kind(replies=(WAIT, GOOD), least=7, through=("_wait_for", "start", "record")),
    "queued": Kind(
        providers=_holding,
        prepare=_held,
        settings={"max_concurrent": 1},
        clock=lambda _: Clock(),
        least=4,
        through=("_queue", "start", "record"),
    ),
    "at an open circuit": Kind(
        prepare=_opened,
        settings=FRAGILE,
        clock=SharedLeaps,
        least=5,
        through=("_wait_for", "probe", "start", "record"),
    ),
    "with an id": Kind(
        arguments={"call_id": "mine"}, least=9, through=("_claim", "start", "finish")
    ),
    "with an id that is in use": Kind(
        providers=_holding,
        prepare=_held,
        arguments={"call_id": "mine"},
        clock=lambda _: Clock(),
        least=1,
        through=("_wait_for",),
    ),
    "with an id, failing": Kind(
        replies=(DOWN,),
        arguments={"call_id": "mine"},
        least=11,
        through=("_claim", "sleep", "let_go"),
        fails=True,
    ),
    "in a thread": Kind(
        providers=_in_a_thread,
        threaded=True,
        least=3,
        through=("_started_or_in_a_thread", "record"),
    ),
    "with another inside": Kind(providers=_nesting, least=9, through=("_nested", "record")),
    "with polls": Kind(
        providers=_polling, least=12, through=("_look", "sleep", "start", "read", "record")
    ),
    "with a start": Kind(providers=_starting, least=5, through=("_started_or_in_a_thread",)),
}

OF_THE_DATABASE = ("the first", "at an open circuit", *(name for name in KINDS if "an id" in name))
"""Those that differ in what they have written when they are cut off."""
