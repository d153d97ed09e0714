"""
Row 4: audit rows that are on the disk, per second.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from pathlib import Path

import by_hand
from measure import Effort, interleaved, rate_of
from table import Line

from seedcore import AuditRecord, Seed
from seedcore.store import Store

SEED = Seed(url="https://seeds.example/h/0123456789", id="0123456789")
REPORT = {"start_ms": 0.0, "ms": 1.5, "outcome": "success", "error": None, "status": None}


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
    return [await _compared(effort, callers, limit) for callers, limit in ((50, 30), (500, 40))]


async def _compared(effort: Effort, callers: int, limit: float) -> Line:
    numbers = itertools.count()
    with tempfile.TemporaryDirectory() as folder:
        store = await Store.open(f"sqlite://{folder}/ours.sqlite3")
        try:
            async with by_hand.tortoise(Path(folder)):
                rounds = await interleaved(
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
    return Line(
        row=4,
        what=f"durable audit rows, SQLite, {callers} at a time",
        bare=None,
        ours=rounds.median("ours"),
        by_hand=rounds.median("create"),
        unit="/s",
        reached=rounds.middle(lambda each: each["ours"] / each["create"]),
        against="Tortoise create",
        limit=limit,
    )
