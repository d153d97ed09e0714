"""
One process of row 8: a runner under a load of calls, then at rest.

Its argument is a JSON object: ``database`` (or null), ``looking`` (at what other processes
share), and the ``rate`` and ``seconds`` of the load. It prints a line when it is ready, begins
when it reads one, and prints what it has used. It imports nothing that a host wouldn't.
"""

from __future__ import annotations

import asyncio
import json
import re
import resource
import sys
import time
from pathlib import Path

from ours import SURFACE, runner_of

from seedcore import Runner, Seed

WARM_UP = 1.0
SETTLE = 2.5
"""Seconds from the last call until nothing looks any more."""
REST = 3.0
NEVER = 3600.0


async def demo() -> Seed:
    """
    Roll at once.
    """
    return Seed(url="https://seeds.example/h/0123456789", id="0123456789")


async def load(runner: Runner, rate: float, seconds: float) -> int:
    """
    Make calls at *rate*; return how many of their rows are in the database.
    """
    began = time.monotonic()
    durable = 0
    for number in range(round(rate * seconds)):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        seed = await runner.generate("demo", surface=SURFACE)
        durable += seed.meta.audit == "durable"
    return durable


def peak_memory() -> int:
    """
    Return the most bytes that this process has had in memory.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except FileNotFoundError:  # not Linux
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    # There ru_maxrss begins with the size of the parent, which is larger.
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


async def main(*, database: str | None, looking: bool, rate: float, seconds: float) -> None:
    """
    Open, wait for the word, work, rest, and tell.
    """
    if not looking:
        from seedcore.sharing import Sharing  # which brings Tortoise along

        # Both: an attempt for which the last look is too old makes one itself.
        Sharing.LOOK_EVERY = Sharing.FRESH = NEVER
    async with runner_of(demo, database=database) as runner:
        print("ready", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        await load(runner, rate, WARM_UP)
        used = time.process_time()
        durable = await load(runner, rate, seconds)
        busy = (time.process_time() - used) / seconds
        await asyncio.sleep(SETTLE)
        used = time.process_time()
        await asyncio.sleep(REST)
        idle = (time.process_time() - used) / REST
    shares = {"busy": busy * 100, "idle": idle * 100}
    print(json.dumps({**shares, "memory": peak_memory() / 1e6, "durable": durable}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(**json.loads(sys.argv[1])))
