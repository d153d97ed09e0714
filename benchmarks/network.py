"""
Rows 2 and 3: calls over HTTP on loopback, plain and with everything written down.
"""

from __future__ import annotations

import contextlib
import functools
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import by_hand
from loguru import logger
from measure import Call, Effort, Rounds, interleaved, rate_of
from ours import SURFACE, runner_of
from table import Line
from upstream import upstream

from seedcore import Seed
from seedcore.events import JsonLines

Sides = dict[str, Call]


async def ask(session: aiohttp.ClientSession) -> Seed:
    """
    Make the request that every side makes.
    """
    async with session.get("/generate") as reply:
        reply.raise_for_status()
        body = await reply.json()
    return Seed(url=body["permalink"], id=body["hash"], version=body["version"])


async def provider(context: Any) -> Seed:
    """
    Make it as a provider does.
    """
    return await ask(context.http)


async def plain_calls(effort: Effort) -> list[Line]:
    """
    Row 2: HTTP with no event and no audit.
    """
    logger.remove()
    lines: list[Line] = []
    with upstream() as url:
        for callers, of_bare in ((50, 0.85), (500, 0.90)):
            rounds = await _plain(url, callers, effort)
            figures = _figures(rounds, 2, f"HTTP, {callers} at a time")
            new_session = {**figures, "by_hand": rounds.median("session per call")}
            lines += [
                _line(rounds, figures, "bare", of_bare),
                _line(rounds, new_session, "session per call", 2.5),
            ]
    return lines


async def _plain(url: str, callers: int, effort: Effort) -> Rounds:
    async def session_per_call() -> Seed:
        async with aiohttp.ClientSession(url) as session:
            return await ask(session)

    async with (
        _session(url, callers) as bare,
        _session(url, callers) as other,
        runner_of(provider, concurrent=callers, base_url=url) as runner,
    ):
        return await _rounds(
            {
                "bare": functools.partial(ask, bare),
                "ours": functools.partial(runner.generate, "demo", surface=SURFACE),
                "by hand": by_hand.Stack(functools.partial(ask, other)).stamina,
                "session per call": session_per_call,
            },
            callers,
            effort,
        )


async def recorded_calls(effort: Effort) -> list[Line]:
    """
    Row 3: HTTP with JSON events in a file and a durable audit row per call.
    """
    lines: list[Line] = []
    with upstream() as url:
        for callers, of_bare in ((50, 0.40), (500, 0.60)):
            with tempfile.TemporaryDirectory() as folder:
                rounds = await _recorded(url, callers, effort, Path(folder))
            figures = _figures(rounds, 3, f"HTTP, JSON events, SQLite audit, {callers} at a time")
            lines += [
                _line(rounds, figures, "bare", of_bare),
                _line(rounds, figures, "by hand", 4),
            ]
    return lines


async def _recorded(url: str, callers: int, effort: Effort, folder: Path) -> Rounds:
    logger.remove()
    logger.add(folder / "by_hand.log", serialize=True, format="{message}")
    ours = folder / "ours.sqlite3"
    with (folder / "ours.log").open("w") as log:
        async with (
            _session(url, callers) as bare,
            _session(url, callers) as other,
            by_hand.tortoise(f"sqlite://{folder}/by_hand.sqlite3"),
            runner_of(
                provider,
                concurrent=callers,
                base_url=url,
                database=f"sqlite://{ours}",
                sinks=(JsonLines(log),),
            ) as runner,
        ):
            sides: Sides = {
                "bare": functools.partial(ask, bare),
                "ours": functools.partial(runner.generate, "demo", surface=SURFACE),
                "by hand": by_hand.Stack(functools.partial(ask, other), audit=True).stamina,
            }
            rounds = await _rounds(sides, callers, effort)
    logger.remove()
    _check(folder / "ours.log", ours)
    return rounds


def _check(log: Path, database: Path) -> None:
    """
    Make sure that each call left an event and a row: what wasn't done was not measured.
    """
    calls = sum('"event":"call"' in line for line in log.open())
    with contextlib.closing(sqlite3.connect(database)) as connection:
        ((rows,),) = connection.execute("SELECT count(*) FROM seedcore_calls")
    assert calls == rows > 0, f"{calls} events, {rows} rows"


@contextlib.asynccontextmanager
async def _session(url: str, callers: int) -> AsyncIterator[aiohttp.ClientSession]:
    """
    Open a session as one does, with room for all *callers*.
    """
    connector = aiohttp.TCPConnector(limit=callers)
    async with aiohttp.ClientSession(url, connector=connector) as session:
        yield session


async def _rounds(sides: Sides, callers: int, effort: Effort) -> Rounds:
    slices = {side: rate_of(call, callers, effort.seconds) for side, call in sides.items()}
    return await interleaved(slices, effort.rounds)


def _figures(rounds: Rounds, row: int, what: str) -> dict[str, Any]:
    bare, ours, other = map(rounds.median, ("bare", "ours", "by hand"))
    return {"row": row, "what": what, "bare": bare, "ours": ours, "by_hand": other, "unit": "/s"}


def _line(rounds: Rounds, figures: dict[str, Any], other: str, limit: float) -> Line:
    reached = rounds.middle(lambda each: each["ours"] / each[other])
    return Line(**figures, reached=reached, against=other, limit=limit)
