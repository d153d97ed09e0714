"""
One process with a runner, told over stdin what to do; it prints a JSON line per happening.

Its only argument is a JSON object: ``worker`` (its name), ``database``, ``upstream`` and
``settings``. It understands these lines, and ends in order when stdin does:

- ``{"do": "load", "rate": 20}`` makes so many calls a second, without call_ids of its own.
- ``{"do": "rest"}`` ends that, and says so when the last of them has ended.
- ``{"do": "ids", "ids": ["a", "b"]}`` makes these calls at once, each until it succeeds.

SIGUSR1 and SIGUSR2 set its wall clock an hour forth and back. It dies with its parent.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import signal
import sys
import time
from typing import Any

from seedcore import (
    Clock,
    Context,
    Event,
    ProviderError,
    Registry,
    Runner,
    Seed,
    SeedcoreError,
    SeedRequest,
    provider,
)

HOUR = 3600.0
MOST_AT_ONCE = 400
"""Calls in flight; beyond that the load skips a beat instead of growing for ever."""
PAUSE = 0.05
"""Seconds before a call with an id is made once more."""
PR_SET_PDEATHSIG = 1


class JumpingClock(Clock):
    """
    A clock whose wall time may be an hour off; the monotonic one stays right.
    """

    off = 0.0

    def time(self) -> float:
        """
        Return the wrong epoch seconds.
        """
        return time.time() + self.off

    def jump(self, seconds: float) -> None:
        """
        Set the wall clock.
        """
        self.off += seconds
        tell("clock", off=self.off)


def tell(kind: str, **facts: Any) -> None:
    """
    Print what happened, as one line that is out when this returns.
    """
    sys.stdout.write(json.dumps({"kind": kind, "at": time.monotonic(), **facts}) + "\n")
    sys.stdout.flush()


def listen(event: Event) -> None:
    """
    Print the events that the tests judge by.
    """
    if event.event not in ("attempt", "call"):
        tell("event", event=event.event, breaker=event.breaker, extra=dict(event.extra))


def provider_of(base_url: str, worker: str) -> Any:
    """
    Return the provider: one request, which says who makes it and for which call.
    """

    @provider(base_url=base_url, effect="repeatable")
    async def demo(request: SeedRequest, context: Context) -> Seed:
        headers = {
            "X-Worker": worker,
            "X-Call-Id": context.call_id,
            "Idempotency-Key": context.idempotency_key,
        }
        async with context.http.get("seed", headers=headers) as reply:
            reply.raise_for_status()
            body = await reply.json()
        return Seed(id=body["id"])

    return demo


async def call(runner: Runner, call_id: str | None = None) -> SeedcoreError | None:
    """
    Make one call, print its outcome, and return its error.
    """
    began = time.monotonic()
    try:
        seed = await runner.generate("demo", surface="soak", call_id=call_id)
    except SeedcoreError as error:
        name, said = type(error).__name__, str(error)
        tell("call", ok=False, began=began, call_id=call_id, error=name, said=said)
        return error
    meta = seed.meta
    tell("call", ok=True, began=began, call_id=meta.call_id, seed=seed.id, audit=meta.audit)
    return None


async def until_it_succeeds(runner: Runner, call_id: str) -> None:
    """
    Make a call again and again, as long as it is the provider's fault.
    """
    while isinstance(await call(runner, call_id), ProviderError):
        await asyncio.sleep(PAUSE)


async def load(runner: Runner, rate: float) -> None:
    """
    Make calls at *rate* until cancelled, then wait for those in flight.

    What a stopped process has missed is not made up for.
    """
    calls: set[asyncio.Task[Any]] = set()
    due = time.monotonic()
    try:
        while True:
            if len(calls) < MOST_AT_ONCE:
                task = asyncio.create_task(call(runner))
                calls.add(task)
                task.add_done_callback(calls.discard)
            due = max(due + 1 / rate, time.monotonic() - 1 / rate)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
    except asyncio.CancelledError:
        await asyncio.gather(*calls)
        tell("rested")


async def obey(runner: Runner) -> None:
    """
    Do what stdin says until it ends.
    """
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    pipe, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer
    )
    tasks: set[asyncio.Task[None]] = set()
    loads: list[asyncio.Task[None]] = []
    while line := await reader.readline():
        order = json.loads(line)
        if order["do"] == "rest":
            for task in loads:
                task.cancel()
            loads.clear()
            continue
        if order["do"] == "load":
            new = [asyncio.create_task(load(runner, order["rate"]))]
            loads += new
        else:
            new = [asyncio.create_task(until_it_succeeds(runner, one)) for one in order["ids"]]
        tasks.update(new)
    pipe.close()
    for task in loads:
        task.cancel()
    await asyncio.gather(*tasks)


async def main() -> None:
    """
    Open a runner and work until stdin ends.
    """
    config = json.loads(sys.argv[1])
    clock = JumpingClock()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, clock.jump, HOUR)
    loop.add_signal_handler(signal.SIGUSR2, clock.jump, -HOUR)
    registry = Registry(discover=False)
    registry.add("demo", provider_of(config["upstream"], config["worker"]))
    runner = Runner(
        registry=registry,
        database=config["database"],
        settings=config["settings"],
        clock=clock,
        sinks=[listen],
        start=["demo"],  # the first call must not pay for imports
    )
    async with runner:
        tell("ready")
        await obey(runner)
    tell("ended")


if __name__ == "__main__":
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    asyncio.run(main())
