"""
Row 10: what a local call waits for while programs run on this machine.
"""

from __future__ import annotations

import asyncio
import tempfile
import time

from measure import Effort
from ours import SURFACE
from table import Line

import seedcore
from seedcore.testing.conformance.find import shipped

PROGRAMS = 50
LONGEST = 20.0
"""Milliseconds of one local call meanwhile."""
PAUSE = 0.005
"""Seconds between two local calls."""


async def queued_programs(_: Effort) -> list[Line]:
    """
    Row 10: local calls while 50 games of the Door Randomizer are queued, made by a stand-in.
    """
    contracts = [one for one in shipped("alttprdoor") if one.operation == "generate"]
    if not contracts:
        return []
    contract = contracts[0]
    registry = seedcore.Registry(discover=False)
    registry.add("alttprdoor", contract.provider)
    registry.add("local", _local)
    with tempfile.TemporaryDirectory() as folder:
        settings = {
            "storage_directory": folder,
            "storage_url": "https://files.example",
            "providers": {"alttprdoor": contract.settings},
        }
        async with seedcore.Runner(
            registry=registry, settings=settings, database=None, sinks=[]
        ) as runner:
            await runner.generate("alttprdoor", surface=SURFACE, **contract.request)
            alone = await _longest(runner, asyncio.create_task(asyncio.sleep(0.5)))
            games = asyncio.gather(
                *(
                    runner.generate(
                        "alttprdoor", surface=SURFACE, profile="batch", **contract.request
                    )
                    for _ in range(PROGRAMS)
                )
            )
            beside = await _longest(runner, games)
    return [
        Line(
            row=10,
            what=f"longest local call beside {PROGRAMS} queued door games",
            bare=alone,
            ours=beside,
            by_hand=None,
            unit="ms",
            reached=beside,
            measure="ms",
            limit=LONGEST,
            most=True,
        )
    ]


async def _longest(runner: seedcore.Runner, meanwhile: asyncio.Future[object]) -> float:
    """
    Return the milliseconds of the longest of many local calls until *meanwhile* is done.

    The time by which the pause before a call was too long is part of it: the loop stood still.
    """
    longest = 0.0
    while not meanwhile.done():
        started = time.perf_counter()
        await asyncio.sleep(PAUSE)
        await runner.generate("local", surface=SURFACE)
        longest = max(longest, time.perf_counter() - started - PAUSE)
    await meanwhile
    return longest * 1e3


async def _local() -> seedcore.Seed:
    return seedcore.Seed(id="1")
