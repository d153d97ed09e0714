"""
Rows 1, 5 and 6: what a call costs beside its network, in time and in memory.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import tracemalloc
from collections.abc import Awaitable, Callable
from operator import itemgetter
from typing import Any

from by_hand import Stack
from loguru import logger
from measure import Call, Effort, cpu_of, interleaved
from ours import SURFACE, runner_of
from purgatory.domain.model import OpenedState
from table import Line

from seedcore import CircuitOpenError, Seed

WAITING = 10_000
"""Calls that wait at the same time when their memory is measured."""


async def successful_call(effort: Effort) -> list[Line]:
    """
    Row 1: a call that succeeds at once, with no event and no audit.
    """

    async def roll(request: Any = None, context: Any = None) -> Seed:  # noqa: ARG001
        return Seed(url="https://seeds.example/h/0123456789", id="0123456789")

    logger.remove()
    stack = Stack(roll)
    async with runner_of(roll) as runner:
        calls: dict[str, Call] = {
            "bare": roll,
            "ours": functools.partial(runner.generate, "demo", surface=SURFACE),
            "stamina": stack.stamina,
            "tenacity": stack.tenacity,
        }
        sides = {side: cpu_of(call) for side, call in calls.items()}
        rounds = await interleaved(sides, effort.blocks)
    # The cheaper of the two: nobody has to take the other one.
    other = min(("stamina", "tenacity"), key=rounds.median)
    figures: dict[str, Any] = {
        "row": 1,
        "bare": rounds.best(itemgetter("bare")),
        "ours": rounds.best(itemgetter("ours")),
        "by_hand": rounds.best(itemgetter(other)),
        "unit": "us",
        "most": True,
    }
    overhead = rounds.best(lambda each: each["ours"] - each["bare"])
    share = rounds.middle(lambda each: (each["ours"] - each["bare"]) / (each[other] - each["bare"]))
    return [
        Line(
            what="overhead of a call, no event, no audit",
            reached=share,
            against=f"by hand ({other})",
            limit=0.2,
            **figures,
        ),
        Line(what="the same", reached=overhead, measure="us", against="more", limit=9, **figures),
    ]


async def refused_call(effort: Effort) -> list[Line]:
    """
    Row 5: a call that an open circuit refuses.
    """

    async def roll(request: Any = None, context: Any = None) -> Seed:  # noqa: ARG001
        raise ConnectionRefusedError

    logger.remove()
    stack = Stack(roll, attempts=1, failures=1)
    async with runner_of(
        roll,
        retry_max_attempts=1,
        circuit_breaker_failure_threshold=1,
        circuit_breaker_timeout=100,
    ) as runner:
        generate = functools.partial(runner.generate, "demo", surface=SURFACE)
        for call in (generate, stack.stamina):
            await _raises(Exception, call)  # this opens the circuit
        sides = {
            "bare": cpu_of(lambda: _raises(ConnectionRefusedError, roll)),
            "ours": cpu_of(lambda: _raises(CircuitOpenError, generate)),
            "stamina": cpu_of(lambda: _raises(OpenedState, stack.stamina)),
        }
        rounds = await interleaved(sides, effort.blocks)
    return [
        Line(
            row=5,
            what="refusal by an open circuit (bare: raised and caught)",
            bare=rounds.best(itemgetter("bare")),
            ours=rounds.best(itemgetter("ours")),
            by_hand=rounds.best(itemgetter("stamina")),
            unit="us",
            reached=rounds.best(itemgetter("ours")),
            measure="us",
            limit=12,
            most=True,
        )
    ]


async def _raises(kind: type[Exception], call: Callable[[], Awaitable[Any]]) -> None:
    try:
        await call()
    except kind:
        return
    msg = f"the call was to raise {kind.__name__}"
    raise AssertionError(msg)


async def waiting_call(_: Effort) -> list[Line]:
    """
    Row 6: the memory of a call while its provider waits for an answer.
    """
    answer = asyncio.Event()

    async def roll(request: Any = None, context: Any = None) -> Seed:  # noqa: ARG001
        await answer.wait()
        return Seed()

    logger.remove()
    async with runner_of(roll, concurrent=WAITING) as runner:
        generate = functools.partial(runner.generate, "demo", surface=SURFACE)
        bare, ours, by_hand = [
            await _memory_of(call, answer) for call in (roll, generate, Stack(roll).stamina)
        ]
    return [
        Line(
            row=6,
            what=f"memory of one of {WAITING:,} waiting calls",
            bare=bare,
            ours=ours,
            by_hand=by_hand,
            unit="B",
            reached=ours - bare,
            measure="B",
            against="more",
            limit=2000,
            most=True,
        )
    ]


async def _memory_of(call: Callable[[], Any], answer: asyncio.Event) -> float:
    """
    Return the bytes that one waiting *call* holds, its task included.
    """
    for count in (100, WAITING):  # a few first, for what is made only once
        answer.clear()
        gc.collect()
        tracemalloc.start()
        tasks = [asyncio.create_task(call()) for _ in range(count)]
        await asyncio.sleep(0)
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        answer.set()
        await asyncio.gather(*tasks)
    return held / WAITING
