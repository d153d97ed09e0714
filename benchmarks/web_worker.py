"""
The process of rows 11 to 13: the web server with one provider in it, or that runner alone.

Its argument is a JSON object: ``database``, the ``seconds`` that the provider takes, and
``calls`` to make without a server, ``concurrent`` at a time, or null to serve. It prints the port
and its process time for each line that it reads, and last what it has used.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from ours import SURFACE, runner_of
from worker import peak_memory

from seedcore import Runner, Seed

CALLERS = 1_000


async def alone(runner: Runner, calls: int, concurrent: int) -> None:
    """
    Make *calls* without a server.
    """

    async def caller() -> None:
        for _ in range(calls // concurrent):
            await runner.generate("demo", surface=SURFACE)

    await asyncio.gather(*(caller() for _ in range(concurrent)))


async def served(runner: Runner) -> None:
    """
    Serve; print the port, and for each line that is read the process time in use.
    """
    from seedcore_web.server import Serving, more_files, served

    more_files()
    lines = asyncio.get_running_loop().run_in_executor
    async with served(runner, Serving(port=0, log=False)) as (_, [address]):
        print(address, flush=True)
        while await lines(None, sys.stdin.readline):
            print(time.process_time(), flush=True)


async def main(*, database: str, seconds: float, calls: int | None, concurrent: int) -> None:
    """
    Open, work, and tell.
    """

    async def demo() -> Seed:
        await asyncio.sleep(seconds)
        return Seed(url="https://seeds.example/h/0123456789", id="0123456789")

    async with runner_of(demo, concurrent=CALLERS, database=database) as runner:
        if calls is None:
            await served(runner)
        else:
            await alone(runner, concurrent * 20, concurrent)
            used = time.process_time()
            await alone(runner, calls, concurrent)
            print(time.process_time() - used, flush=True)
    print(json.dumps({"memory": peak_memory() / 1e6}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(**json.loads(sys.argv[1])))
