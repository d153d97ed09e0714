"""
What a person would put together instead: stamina or tenacity, purgatory, asyncio.timeout,
loguru and Tortoise.

It does less: no gate, budget, queue, slots, error taxonomy, or limit on waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import purgatory
import stamina
import tenacity
from loguru import logger
from purgatory.domain.model import OpenedState
from tortoise import Tortoise, fields
from tortoise.indexes import Index
from tortoise.models import Model

from seedcore import Seed

Roll = Callable[[], Awaitable[Seed]]


class Audit(Model):
    """
    The same columns and indexes as ours.
    """

    id = fields.BigIntField(primary_key=True)
    call_id = fields.CharField(max_length=200, unique=True)
    provider = fields.CharField(max_length=200)
    operation = fields.CharField(max_length=200)
    surface = fields.CharField(max_length=200)
    randomizer = fields.CharField(max_length=200)
    gentype = fields.CharField(max_length=50)
    genoption = fields.TextField(null=True)
    permalink = fields.TextField(null=True)
    hash_id = fields.TextField(null=True)
    settings: fields.Field[dict[str, Any]] = fields.JSONField()
    attempt_count = fields.IntField()
    latency_ms = fields.FloatField()
    race = fields.BooleanField()
    spoilers = fields.CharField(max_length=20)
    sealed = fields.BooleanField()
    version = fields.TextField(null=True)
    seed: fields.Field[dict[str, Any]] = fields.JSONField()
    report: fields.Field[dict[str, Any]] = fields.JSONField()
    created_at = fields.BigIntField()

    class Meta:
        table = "audit"
        indexes = (
            Index(fields=("created_at",)),
            Index(fields=("provider", "created_at")),
            Index(fields=("surface", "created_at")),
        )


@contextlib.asynccontextmanager
async def tortoise(url: str) -> AsyncIterator[None]:
    """
    Open a database as Tortoise does it: SQLite with WAL, PostgreSQL with a pool of five.

    A commit is on the disk when it returns.
    """
    await Tortoise.init(db_url=url, modules={"models": [__name__]})
    try:
        await Tortoise.generate_schemas()
        yield
    finally:
        await Tortoise.close_connections()


async def create(call_id: str, seed: Seed, attempts: int, latency_ms: float) -> None:
    """
    Write the audit row of one call.
    """
    report = {"start_ms": 0.0, "ms": round(latency_ms, 1), "outcome": "success"}
    await Audit.create(
        call_id=call_id,
        provider="demo",
        operation="generate",
        surface="bench",
        randomizer="demo",
        gentype="options",
        permalink=seed.url,
        hash_id=seed.id,
        settings={},
        attempt_count=attempts,
        latency_ms=latency_ms,
        race=False,
        spoilers="off",
        sealed=False,
        seed={},
        report={"attempts": [report], "omitted": 0, "waited_ms": {}},
        created_at=time.time_ns() // 1000,
    )


def _worth_retrying(error: BaseException) -> bool:
    return isinstance(error, Exception) and not isinstance(error, OpenedState)


class Stack:
    """
    *roll* with retries, a circuit breaker, a timeout, one log line and, if wanted, a row.
    """

    def __init__(
        self, roll: Roll, *, attempts: int = 3, failures: int = 5, audit: bool = False
    ) -> None:
        self._roll = roll
        self._audit = audit
        self._circuits = purgatory.AsyncCircuitBreakerFactory(failures, default_ttl=100)
        self._with_stamina = stamina.retry(
            on=_worth_retrying, attempts=attempts, timeout=200, wait_initial=1, wait_max=60
        )(self._attempt)
        self._with_tenacity = tenacity.retry(
            retry=tenacity.retry_if_exception(_worth_retrying),
            stop=tenacity.stop_after_attempt(attempts) | tenacity.stop_after_delay(200),
            wait=tenacity.wait_random_exponential(max=60),
            reraise=True,
        )(self._attempt)

    async def _attempt(self) -> Seed:
        async with await self._circuits.get_breaker("demo"), asyncio.timeout(60):
            return await self._roll()

    async def stamina(self) -> Seed:
        """
        Make one call, retried by stamina.
        """
        return await self._recorded(self._with_stamina)

    async def tenacity(self) -> Seed:
        """
        Make one call, retried by tenacity.
        """
        return await self._recorded(self._with_tenacity)

    async def _recorded(self, call: Roll) -> Seed:
        call_id = uuid.uuid4().hex if self._audit else None
        started = time.perf_counter()
        seed = await call()
        latency_ms = round((time.perf_counter() - started) * 1e3, 3)
        if call_id is not None:
            await create(call_id, seed, 1, latency_ms)
        logger.info("generate done", call_id=call_id, provider="demo", latency_ms=latency_ms)
        return seed
