"""
Row 4: audit rows that are on the disk, per second.

Started as a script it measures one database: a process has Tortoise's queries in one dialect.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import time

import attrs
import by_hand
from databases import Kind, databases
from measure import Effort, Rounds, interleaved, rate_of
from table import Line

from seedcore import AuditRecord, Seed
from seedcore.store import Store

SEED = Seed(url="https://seeds.example/h/0123456789", id="0123456789")
REPORT = {"start_ms": 0.0, "ms": 1.5, "outcome": "success", "error": None, "status": None}

PROMISED = {"SQLite": {50: 30, 500: 40}, "PostgreSQL": {50: 6, 500: 20}}
"""How many times as fast as ``create``, by callers."""
MOST = 300
"""Seconds after which a database has stopped answering."""


def record(call_id: str) -> AuditRecord:
    """
    Return the row of a call that succeeded at once.
    """
    return AuditRecord(
        call_id=call_id,
        provider="demo",
        operation="generate",
        surface="bench",
        randomizer="demo",
        gentype="options",
        genoption=None,
        permalink=SEED.url,
        hash_id=SEED.id,
        settings={},
        attempt_count=1,
        latency_ms=1.5,
        race=False,
        spoilers="off",
        sealed=False,
        version=None,
        seed={},
        report={"attempts": [REPORT], "omitted": 0, "waited_ms": {}},
        created_at=time.time_ns() // 1000,
    )


async def durable_rows(effort: Effort) -> list[Line]:
    """
    Row 4: group commit against Tortoise's ``create``, the same columns and durability.
    """
    with databases() as kinds:
        return [
            _compared(kind, effort, callers, limit)
            for kind in kinds
            for callers, limit in PROMISED[kind.name].items()
        ]


def _compared(kind: Kind, effort: Effort, callers: int, limit: float) -> Line:
    order = {"callers": callers, "effort": attrs.asdict(effort)}
    order |= {"ours": kind.new(), "create": kind.new()}
    child = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, __file__],
        input=json.dumps(order),
        stdout=subprocess.PIPE,
        timeout=MOST,
        text=True,
        check=True,
    )
    rounds = Rounds(json.loads(child.stdout))
    return Line(
        row=4,
        what=f"durable audit rows, {kind.name}, {callers} at a time",
        bare=None,
        ours=rounds.median("ours"),
        by_hand=rounds.median("create"),
        unit="/s",
        reached=rounds.middle(lambda each: each["ours"] / each["create"]),
        against="Tortoise create",
        limit=limit,
    )


async def _measure(ours: str, create: str, callers: int, effort: Effort) -> Rounds:
    numbers = itertools.count()
    store = await Store.open(ours)
    try:
        async with by_hand.tortoise(create):
            return await interleaved(
                {
                    "ours": rate_of(
                        lambda: store.write(record(f"bench-{next(numbers):x}")),
                        callers,
                        effort.seconds,
                    ),
                    "create": rate_of(
                        lambda: by_hand.create(f"bench-{next(numbers):x}", SEED, 1, 1.5),
                        callers,
                        effort.seconds,
                    ),
                },
                effort.rounds,
            )
    finally:
        await store.close()


if __name__ == "__main__":
    told = json.load(sys.stdin)
    told["effort"] = Effort(**told["effort"])
    print(json.dumps(asyncio.run(_measure(**told)).figures))
