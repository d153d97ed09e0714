"""
The sites that are simulated: they wait, answer and raise as a transport would, without sockets.
"""

from __future__ import annotations

import asyncio
import math
from bisect import bisect_right
from collections.abc import Sequence
from random import Random
from typing import NoReturn

from seedcore import (
    Effect,
    ProviderUnavailableError,
    Seed,
    SeedRequest,
    hookimpl,
    operation,
)

Latency = tuple[float, float]

USUAL: Latency = (0.05, 0.4)
"""Seconds that an answer takes, at least and at most."""
AT_ONCE: Latency = (0.001, 0.02)
"""Seconds until a machine refuses a connection."""


class Site:
    """
    A site that answers everything; ``asked`` are the moments when attempts reached it.
    """

    def __init__(self, rng: Random, latency: Latency = USUAL) -> None:
        self.rng = rng
        self.latency = latency
        self.now = asyncio.get_running_loop().time
        self.began = self.now()
        self.asked: list[float] = []

    async def ask(self, operation: str, what: str) -> None:
        """
        Return when *what* is answered, or raise what the transport would.
        """
        self.asked.append(self.now())
        await self.answer(operation, what)

    async def answer(self, operation: str, what: str) -> None:
        """
        Answer after a while.
        """
        await asyncio.sleep(self.rng.uniform(*self.latency))

    async def refuse(self) -> NoReturn:
        """
        Nobody listens.
        """
        await asyncio.sleep(self.rng.uniform(*AT_ONCE))
        raise ConnectionRefusedError

    async def fail(self) -> NoReturn:
        """
        Answer with an error of the server.
        """
        await asyncio.sleep(self.rng.uniform(*self.latency))
        raise ProviderUnavailableError(status_code=500)

    async def hang_up(self) -> NoReturn:
        """
        Take the request and drop the connection.
        """
        await asyncio.sleep(self.rng.uniform(*self.latency))
        raise ConnectionResetError

    async def hang(self) -> NoReturn:
        """
        Take the request and never answer: only the limit of the attempt ends it.
        """
        await asyncio.get_running_loop().create_future()
        raise AssertionError


class RandomFaults(Site):
    """
    A *share* of its answers are faults, of three kinds, without any pattern.
    """

    def __init__(self, rng: Random, share: float) -> None:
        super().__init__(rng)
        self.share = share

    async def answer(self, operation: str, what: str) -> None:
        """
        Answer, or fail in one of three ways.
        """
        if self.rng.random() < self.share:
            await self.rng.choice((self.refuse, self.fail, self.hang_up))()
        await super().answer(operation, what)


class Outages(Site):
    """
    Up and down in turn; *edges* are the moments of change, in seconds since it began.

    What it works on when it goes down is lost, and what it hangs on never comes back.
    """

    def __init__(self, rng: Random, edges: Sequence[float], *, hangs: bool = False) -> None:
        super().__init__(rng)
        self.edges = [self.began + edge for edge in edges]
        self.hangs = hangs

    @property
    def outages(self) -> list[tuple[float, float]]:
        """
        From when to when it is down.
        """
        return list(zip(self.edges[::2], self.edges[1::2], strict=True))

    async def answer(self, operation: str, what: str) -> None:
        """
        Answer while it is up, and for as long as it stays up.
        """
        now = self.now()
        passed = bisect_right(self.edges, now)
        if passed % 2:
            await (self.hang() if self.hangs else self.refuse())
        seconds = self.rng.uniform(*self.latency)
        until_down = (self.edges[passed] if passed < len(self.edges) else math.inf) - now
        await asyncio.sleep(min(seconds, until_down))
        if until_down < seconds:
            if self.hangs:
                await self.hang()
            raise ConnectionResetError


class Poisoned(Site):
    """
    One request breaks it, or makes it hang, always; all others are answered.
    """

    POISON = "poison"

    def __init__(self, rng: Random, *, hangs: bool = False) -> None:
        super().__init__(rng)
        self.hangs = hangs

    async def answer(self, operation: str, what: str) -> None:
        """
        Answer, or break.
        """
        if what == self.POISON:
            await (self.hang() if self.hangs else self.fail())
        await super().answer(operation, what)


class DeadOperation(Site):
    """
    One of its operations is gone, or hangs; the others are as ever.
    """

    DEAD = "generate"

    def __init__(self, rng: Random, *, hangs: bool = False) -> None:
        super().__init__(rng)
        self.hangs = hangs

    async def answer(self, operation: str, what: str) -> None:
        """
        Answer, unless it is about the dead operation.
        """
        if operation == self.DEAD:
            await (self.hang() if self.hangs else self.fail())
        await super().answer(operation, what)


class Provider:
    """
    The plugin of a simulated site, with three operations.
    """

    def __init__(self, site: Site) -> None:
        self.site = site

    @hookimpl
    async def generate(self, request: SeedRequest) -> Seed:
        """
        Roll a seed.
        """
        await self.site.ask("generate", request.preset or "")
        return Seed()

    @operation(effect=Effect.READ)
    async def presets(self, what: str) -> str:
        """
        Return the presets.
        """
        await self.site.ask("presets", what)
        return what

    @operation(effect=Effect.READ)
    async def branches(self, what: str) -> str:
        """
        Return the branches.
        """
        await self.site.ask("branches", what)
        return what
