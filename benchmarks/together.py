"""
Row 8: what each of eight processes on one database costs while it makes 20 calls a second.

Nothing was promised here. The limits are some twice of what was measured on a busy machine, so
that one sees what gets worse; at rest, half of what a look each second would cost.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

from databases import Kind, databases
from measure import Effort
from table import Line, Unit

SCRIPT = Path(__file__).with_name("worker.py")
RATE = 20
ROLES = {"looking": 4, "blind": 4, "alone": 2}
"""
How many processes share a database, how many only write to it, and how many have none.

All run at once: a look costs less than the speed of a machine changes from one run to the next.
"""
ON_DATABASE = ROLES["looking"] + ROLES["blind"]
MOST = 60.0
"""Seconds beside the load after which a process hangs."""

UNITS: dict[str, Unit] = {"busy": "%", "idle": "%", "memory": "MB"}
Used = dict[str, list[dict[str, float]]]
"""By role, what each process printed."""


async def shared_database(effort: Effort) -> list[Line]:
    """
    Row 8: processor time, memory and connections of eight processes on one database.
    """
    with databases() as kinds:
        return [line for kind in kinds for line in await _measured(kind, effort.load)]


async def _measured(kind: Kind, seconds: float) -> list[Line]:
    used, connections = await _used(kind, seconds)
    name = f"one of {ON_DATABASE} processes on {kind.name}"
    more = partial(_more, used)
    lines = [
        more("busy", "alone", f"{name}: {RATE} calls/s (bare: no database)", 2.5),
        more("busy", "blind", f"{name}: its looks (bare: none)", 0.4),
        more("idle", "alone", f"{name}: at rest (bare: no database)", 0.03),
        more("memory", "alone", f"{name}: memory (bare: no database)", 25),
    ]
    if connections is not None:
        each = connections / ON_DATABASE
        lines.append(_line(f"{name}: connections", each, each, "", 3))
    return lines


def _more(used: Used, figure: str, without: str, what: str, limit: float) -> Line:
    bare, ours = (
        statistics.median(each[figure] for each in used[role]) for role in (without, "looking")
    )
    return _line(what, ours, ours - bare, UNITS[figure], limit, bare=bare, against="more")


def _line(what: str, ours: float, reached: float, unit: Unit, limit: float, **more: Any) -> Line:
    figures = {"bare": None, "by_hand": None, "unit": unit, "measure": unit, **more}
    return Line(row=8, what=what, ours=ours, reached=reached, limit=limit, most=True, **figures)


async def _used(kind: Kind, seconds: float) -> tuple[Used, int | None]:
    """
    Run all processes; return what they have used and how many connections they had.
    """
    shared = {"database": kind.new(), "rate": RATE, "seconds": seconds, "looking": True}
    orders = {
        "looking": shared,
        "blind": {**shared, "looking": False},
        "alone": {**shared, "database": None},
    }
    used: Used = {role: [] for role in ROLES}
    async with asyncio.timeout(MOST + seconds), contextlib.AsyncExitStack() as stack:
        crew = [
            (role, await stack.enter_async_context(_worker(orders[role])))
            for role, count in ROLES.items()
            for _ in range(count)
        ]
        for _, worker in crew:
            await _line_of(worker)  # that it is ready
        for _, worker in crew:
            assert worker.stdin is not None
            worker.stdin.write(b"go\n")
            await asyncio.sleep(1 / RATE / len(crew))  # hosts don't call in step
        await asyncio.sleep(seconds / 2)
        connections = None if kind.connections is None else kind.connections()
        for role, worker in crew:
            used[role].append(json.loads(await _line_of(worker)))
    durable = [each["durable"] for role in ("looking", "blind") for each in used[role]]
    assert durable == [RATE * seconds] * ON_DATABASE, f"rows written: {durable}"
    return used, connections


@contextlib.asynccontextmanager
async def _worker(order: dict[str, Any]) -> AsyncIterator[Process]:
    command = [sys.executable, str(SCRIPT), json.dumps(order)]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _line_of(process: Process) -> bytes:
    assert process.stdout is not None
    line = await process.stdout.readline()
    assert line, "it ended early; its traceback is above"
    return line
