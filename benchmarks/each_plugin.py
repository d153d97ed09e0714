"""
Row 9: each plugin against its site, which is played as its contract says.
"""

from __future__ import annotations

import functools
import json
from typing import Any

import aiohttp
from exchange import Asked, Exchange, exchanges
from measure import Effort, Rounds, burst_of, interleaved
from ours import SURFACE
from table import Line
from upstream import upstream

import seedcore
from seedcore.testing.conformance.case import filled_in

CALLERS = 100
OF_BARE = 0.80
MOST_ROUNDS = 5
"""A round of all plugins of this repository is some 2,600 requests."""
NO_LIMIT = "100000/s"
"""A rate that never lets anybody wait, with all that keeping to it costs."""


async def each_plugin(effort: Effort) -> list[Line]:
    """
    Row 9: calls of each installed plugin over a plain client with the same requests.
    """
    lines = []
    async for exchange in exchanges():
        with upstream(exchange.answers) as url:
            rounds = await _rounds(url, exchange, effort)
        count = len(exchange.asked)
        requests = "1 request" if count == 1 else f"{count} requests"
        lines.append(
            Line(
                row=9,
                what=f"{exchange.name} ({requests}), {CALLERS} at a time",
                bare=rounds.median("bare"),
                ours=rounds.median("ours"),
                by_hand=None,
                unit="/s",
                reached=rounds.middle(lambda each: each["ours"] / each["bare"]),
                against="bare",
                limit=OF_BARE,
            )
        )
    return lines


async def _rounds(url: str, exchange: Exchange, effort: Effort) -> Rounds:
    connector = aiohttp.TCPConnector(limit=CALLERS)
    async with (
        aiohttp.ClientSession(url, connector=connector) as session,
        _runner(url, exchange) as runner,
    ):
        ours = functools.partial(
            runner.generate, exchange.provider, surface=SURFACE, **exchange.request
        )
        return await interleaved(
            {
                "bare": burst_of(functools.partial(_ask, session, exchange.asked), CALLERS),
                "ours": burst_of(ours, CALLERS),
            },
            min(effort.rounds, MOST_ROUNDS),
        )


def _runner(url: str, exchange: Exchange) -> seedcore.Runner:
    own = filled_in(exchange.settings, url)
    settings = {**own, "base_url": url, "max_concurrent": CALLERS, "pool_size": CALLERS}
    registry = seedcore.Registry()
    if registry.load(exchange.provider).declaration.rate is not None:
        settings["rate"] = NO_LIMIT
    return seedcore.Runner(
        registry=registry,
        settings={"providers": {exchange.provider: settings}},
        database=None,
        sinks=(),
    )


async def _ask(session: aiohttp.ClientSession, requests: tuple[Asked, ...]) -> Any:
    """
    Make the same requests one after another, and read the answers.
    """
    document: Any = None
    for asked in requests:
        async with session.request(
            asked.method,
            asked.path,
            params=asked.query,
            headers=asked.headers,
            allow_redirects=False,
            **asked.body,
        ) as reply:
            text = await reply.text()
        document = json.loads(text) if asked.reads_json else text
    return document
