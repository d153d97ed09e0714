"""
Rows 11 to 13: what the web server costs, and how soon its page is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import shutil
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import attrs
from measure import Effort
from table import Line

from seedcore.model import AuditRecord
from seedcore.store import Store

SCRIPT = Path(__file__).with_name("web_worker.py")
SLOW_CALLERS = 1_000
SLOW_SECONDS = 5.0
MOST_MEMORY = 150.0
"""Megabytes of the server with so many slow calls in it."""
CONCURRENT = 50
CALLS = 3_000
MOST_PROCESSOR = 1_000.0
"""Microseconds of the server for each call, over those of the runner alone."""
ROWS = 100_000
FIRST_PAINT = 300.0
"""Milliseconds until the browser shows something of the page."""
VISITS = 7
BROWSER = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


async def slow_callers(_: Effort) -> list[Line]:
    """
    Row 11: memory of the web server while 1,000 callers wait for slow seeds.
    """
    if not _installed():
        return []
    async with _folder() as database, _server(database, SLOW_SECONDS) as (address, process):
        async with _session() as session:
            rolls = (_rolled(session, address) for _ in range(SLOW_CALLERS))
            waiting = await asyncio.gather(*rolls)
        memory = await _memory(process)
    assert {200} == set(waiting), f"answers: {set(waiting)}"
    what = f"memory of the web server with {SLOW_CALLERS:,} slow generates"
    return [_line(11, what, memory, "MB", MOST_MEMORY)]


async def served_calls(_: Effort) -> list[Line]:
    """
    Row 12: processor time of a call over the web, and of the same call by the runner alone.
    """
    if not _installed():
        return []
    async with _folder() as database:
        order = {"calls": CALLS, "concurrent": CONCURRENT}
        async with _worker(database, 0.0, **order) as process:
            bare = float(await _line_of(process)) / CALLS * 1e6
    async with _folder() as database, _server(database, 0.0) as (address, process):
        await _calls(address, CONCURRENT * 20)
        before = await _process_time(process)
        await _calls(address, CALLS)
        ours = (await _process_time(process) - before) / CALLS * 1e6
    line = _line(12, f"processor time of a call, {CONCURRENT} at once", ours, "us", MOST_PROCESSOR)
    return [attrs.evolve(line, bare=bare, reached=ours - bare, against="more")]


async def first_paint(_: Effort) -> list[Line]:
    """
    Row 13: until the page shows something, with 100,000 audit rows.
    """
    chromium = shutil.which("chromium")
    if not _installed() or chromium is None:
        return []
    from playwright.async_api import async_playwright

    async with _folder() as database:
        await _fill(database)
        async with _server(database, 0.0) as (address, _process), async_playwright() as library:
            browser = await library.chromium.launch(executable_path=chromium, args=BROWSER)
            paints = []
            for _visit in range(VISITS):
                page = await browser.new_page()
                await page.goto(address)
                paints.append(await page.evaluate(_PAINTED))
                await page.close()
            await browser.close()
    what = f"first paint of the page with {ROWS:,} rows"
    return [_line(13, what, statistics.median(paints), "ms", FIRST_PAINT)]


_PAINTED = """
() => new Promise(resolve => {
  const seen = list => { const first = list.find(e => e.name === 'first-contentful-paint');
                         if (first) resolve(first.startTime); };
  seen(performance.getEntriesByType('paint'));
  new PerformanceObserver(list => seen(list.getEntries())).observe({type: 'paint', buffered: true});
})
"""


def _installed() -> bool:
    return importlib.util.find_spec("seedcore_web") is not None


def _line(row: int, what: str, ours: float, unit: Any, limit: float) -> Line:
    figures = {"bare": None, "by_hand": None, "unit": unit, "measure": unit}
    return Line(row=row, what=what, ours=ours, reached=ours, limit=limit, most=True, **figures)


@contextlib.asynccontextmanager
async def _folder() -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite://{folder}/audit.sqlite3"


@contextlib.asynccontextmanager
async def _server(database: str, seconds: float) -> AsyncIterator[tuple[str, Process]]:
    async with _worker(database, seconds, calls=None, concurrent=0) as process:
        yield (await _line_of(process)).decode().strip(), process


@contextlib.asynccontextmanager
async def _worker(database: str, seconds: float, **order: Any) -> AsyncIterator[Process]:
    told = json.dumps({"database": database, "seconds": seconds, **order})
    command = [sys.executable, str(SCRIPT), told]
    environment = {"PYTHONPATH": ":".join(filter(None, sys.path[1:]))}
    process = await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, env={**environment, "SEEDCORE_LOG": "off"}
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _line_of(process: Process) -> bytes:
    assert process.stdout is not None
    line = await process.stdout.readline()
    assert line, "it ended early; its traceback is above"
    return line


async def _process_time(process: Process) -> float:
    assert process.stdin is not None
    process.stdin.write(b"tell\n")
    return float(await _line_of(process))


async def _memory(process: Process) -> float:
    assert process.stdin is not None
    process.stdin.close()
    return float(json.loads(await _line_of(process))["memory"])


async def _calls(address: str, count: int) -> None:
    async with _session() as session:

        async def caller() -> None:
            for _ in range(count // CONCURRENT):
                assert await _rolled(session, address) == 200

        await asyncio.gather(*(caller() for _ in range(CONCURRENT)))


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))


async def _rolled(session: aiohttp.ClientSession, address: str) -> int:
    async with session.post(f"{address}api/v1/generate", json={"provider": "demo"}) as reply:
        await reply.read()
        return reply.status


async def _fill(database: str) -> None:
    """
    Write as many rows as the promise is about, over the last two days.
    """
    store = await Store.open(database)
    now, day = time.time_ns() // 1000, 86_400_000_000
    try:
        for start in range(0, ROWS, 1_000):
            rows = range(start, start + 1_000)
            await asyncio.gather(*(store.write(_row(n, now - n * 2 * day // ROWS)) for n in rows))
    finally:
        await store.close()


def _row(number: int, created_at: int) -> AuditRecord:
    return AuditRecord(
        call_id=f"bench-{number}",
        provider=f"demo-{number % 20}",
        operation="generate",
        surface="discord",
        randomizer="demo",
        gentype="preset",
        genoption="open",
        permalink=f"https://seeds.example/h/{number}",
        hash_id=str(number),
        settings={"goal": "ganon", "logic": "none"},
        attempt_count=1,
        latency_ms=812.5,
        race=False,
        spoilers="off",
        sealed=False,
        version="31",
        seed={"code": "Bow/Boots/Lamp"},
        report={"attempts": [{"start_ms": 0.0, "ms": 812.5, "outcome": "success"}]},
        created_at=created_at,
    )
