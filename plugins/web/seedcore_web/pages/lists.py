"""
The seeds and the failures, filtered.
"""

from __future__ import annotations

import asyncio
import time

from aiohttp import web

from seedcore_web.endpoints import RUNNER
from seedcore_web.pages.chart import chart_of, first_bar
from seedcore_web.pages.recorded import WINDOWS, Window, store_of, window_of
from seedcore_web.pages.rendering import page, query

ROWS = 50
MOST_FAILURES = 100


async def show_seeds(request: web.Request) -> web.Response:
    """
    Answer with a page of the seeds, the newest first.
    """
    window, given = window_of(request), _given(request)
    before = request.query.get("before") or None
    rows = await store_of(request).queries.calls(
        given["provider"],
        given["surface"],
        _since(window),
        ROWS + 1,  # one more tells whether there are older ones
        before=before,
    )
    shown = rows[:ROWS]
    older = query({**given, "before": shown[-1]["call_id"]}) if len(rows) > ROWS else None
    return page(
        request,
        "seeds.html",
        rows=shown,
        older=older,
        before=before,
        newest=query(given),
        **_filters(request, given),
    )


async def show_failures(request: web.Request) -> web.Response:
    """
    Answer with the newest failures, and all of them over time.
    """
    store, given = store_of(request), _given(request)
    asked = window_of(request)
    window = asked or WINDOWS["24h"]
    start = first_bar(time.time(), window.step, window.bars)
    rows, counted = await asyncio.gather(
        store.queries.failures(
            given["provider"], given["surface"], _since(asked), MOST_FAILURES + 1
        ),
        store.queries.failures_by_kind(start, window.step),
    )
    return page(
        request,
        "failures.html",
        rows=rows[:MOST_FAILURES],
        more=len(rows) > MOST_FAILURES,
        most=MOST_FAILURES,
        chart=chart_of(counted, start=start, step=window.step, bars=window.bars),
        window=window,
        **_filters(request, given),
    )


def _given(request: web.Request) -> dict[str, str | None]:
    names = ("provider", "surface", "since")
    return {name: request.query.get(name, "").strip() or None for name in names}


def _filters(request: web.Request, given: dict[str, str | None]) -> dict[str, object]:
    names = set(request.app[RUNNER].registry.names)
    if given["provider"]:
        names.add(given["provider"])  # its rows are there when it isn't installed any more
    return {"given": given, "names": sorted(names), "windows": WINDOWS.values()}


def _since(window: Window | None) -> float | None:
    return None if window is None else time.time() - window.seconds
