"""
The site behind the provider: it answers as told, and remembers who asked when.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from random import Random
from types import TracebackType
from typing import Any, Literal, Self

import attrs
from aiohttp import web

Mode = Literal["ok", "refuse", "hang", "faults"]
"""Seeds; 503; no answer at all; 503 at random for 15 % of the requests."""

LIMIT = 10.0


@attrs.define(eq=False, kw_only=True)
class Asked:
    """
    One request; times are those of ``time.monotonic``, which all processes share.

    ``worked`` is when its seed was made: from then on the work is done, answered or not.
    ``ended`` is when the answer was given, or when the worker hung up or died.
    """

    worker: str
    call_id: str
    key: str
    mode: Mode
    arrived: float
    worked: float | None = None
    seed: str | None = None
    ended: float | None = None


class Upstream:
    """
    A server on loopback in a thread of its own; a context manager.

    Making a seed takes ``WORK`` seconds and goes on after the worker has hung up, as a real
    site's would. A 503 takes ``REFUSAL`` seconds, so that two at a time can be seen.
    """

    WORK = 0.02
    REFUSAL = 0.2
    FAULTS = 0.15

    def __init__(self, seed: int) -> None:
        self.mode: Mode = "ok"
        self.requests: list[Asked] = []
        self.port = 0
        self._rng = Random(seed)
        self._numbers = itertools.count(1)
        self._listens = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="upstream")

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._listens.wait(LIMIT), "the upstream did not start"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(LIMIT)
        assert not self._thread.is_alive(), "the upstream did not end"

    @property
    def url(self) -> str:
        """
        Where it listens.
        """
        return f"http://127.0.0.1:{self.port}"

    def works(self) -> dict[str, list[Asked]]:
        """
        Return the requests whose work was done, by call_id, in the order they came.
        """
        done: dict[str, list[Asked]] = {}
        for asked in list(self.requests):
            if asked.worked is not None:
                done.setdefault(asked.call_id, []).append(asked)
        return done

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        app = web.Application()
        app.router.add_get("/seed", self._answer)
        # With the cancellation a handler notices at once that its worker is gone.
        runner = web.AppRunner(
            app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1
        )
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=512)
        await site.start()
        self.port = runner.addresses[0][1]
        self._listens.set()
        await self._over.wait()
        await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        asked = Asked(
            worker=request.headers["X-Worker"],
            call_id=request.headers["X-Call-Id"],
            key=request.headers["Idempotency-Key"],
            mode=self.mode,
            arrived=time.monotonic(),
        )
        self.requests.append(asked)
        try:
            return await self._reply(asked)
        finally:
            asked.ended = time.monotonic()

    async def _reply(self, asked: Asked) -> web.Response:
        if asked.mode == "hang":
            await self._over.wait()
        fault = asked.mode == "faults" and self._rng.random() < self.FAULTS
        if asked.mode == "refuse" or fault:
            await asyncio.sleep(self.REFUSAL)
            return web.json_response({"error": "out of order"}, status=503)
        made: asyncio.Future[Any] = self._loop.create_future()
        self._loop.call_later(self.WORK, self._make, asked, made)
        await asyncio.shield(made)
        return web.json_response({"id": asked.seed})

    def _make(self, asked: Asked, made: asyncio.Future[Any]) -> None:
        asked.seed, asked.worked = str(next(self._numbers)), time.monotonic()
        made.set_result(None)
