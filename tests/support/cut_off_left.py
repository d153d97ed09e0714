"""
What a call has left behind.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import aiohttp

from seedcore.contract.circuit import State
from seedcore.lane import Lane

if TYPE_CHECKING:
    from support.cut_off import World

LONG_LIVED = {"seedcore-store-writer", "seedcore-store-claims", "seedcore-sharing-watch"}
"""Tasks of a runner that no call waits for."""


def facts_of(lane: Lane) -> tuple[Any, ...]:
    """
    Return what the breaker has learned; that an opening is over is nothing it learns.
    """
    facts: list[Any] = []
    for circuit in lane.circuits.values():
        breaker, condition = circuit.breaker, circuit.breaker.condition
        facts += [breaker._failures, breaker._calls_failed, condition.state is State.CLOSED]
        facts += [condition.reopened, condition.successes]
    return (*facts, lane.gate.guess, lane.gate._until, lane.budget._left)


def held(world: World) -> list[str]:
    """
    Return what a call should have given back the moment it ended.
    """
    found: dict[str, int] = {}
    for lane in world.lanes:
        runtime = lane.runtime
        queues = runtime.limits._queues.values()
        found |= {
            f"slots of {lane.name}": lane.slots.in_use,
            f"queued for {lane.name}": lane.slots.queued,
            f"waiting for {lane.name}": sum(len(each.waiting) for each in lane.circuits.values()),
            "waits": len(runtime.waits._everyone),
            "limits": sum(limit.running for queue in queues for limit in queue)
            + len(runtime.limits._singles),
        }
    found["running"] = world.runner._running
    return [name for name, count in found.items() if count]


def left(world: World, before: set[asyncio.Task[Any]]) -> list[str]:
    """
    Return what should be gone once the loop has turned a few times.
    """
    found = held(world)
    for lane in world.lanes:
        found += [
            f"probe of {lane.name}"
            for each in lane.circuits.values()
            if each.breaker.condition.probes or each.asking or each.unsaid
        ]
        connector: Any = lane._session.connector if lane._session else None
        if connector and (connector._acquired or connector._waiters):
            found.append(f"response of {lane.name}")
    found += ["request"] if world.upstream._serving else []
    found += [each.name for each in threading.enumerate() if each.name.startswith("seedcore:")]
    tasks = asyncio.all_tasks() - before - {asyncio.current_task()}
    return found + [
        task.get_name()
        for task in tasks
        if task.get_name() not in LONG_LIVED and not is_the_upstreams(task)
    ]


def is_the_upstreams(task: asyncio.Task[Any]) -> bool:
    """
    Whether it is one of aiohttp's server, which has one for each connection.
    """
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and code.co_filename.endswith("web_protocol.py")


def is_of_the_closed(complaint: dict[str, Any]) -> bool:
    """
    Whether it is only that who waited for an answer was closed, and nobody hears that it broke off.
    """
    return isinstance(complaint.get("exception"), aiohttp.ServerDisconnectedError)
