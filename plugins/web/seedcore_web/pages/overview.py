"""
The first page: the providers now, a form to begin with, the newest seeds, failures over time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

import attrs
from aiohttp import web

from seedcore import DatabaseError, Runner
from seedcore.routes import RouteLine
from seedcore.store.state import View
from seedcore_web.endpoints import RUNNER
from seedcore_web.pages.chart import chart_of, first_bar
from seedcore_web.pages.providers import ProviderLine, provider_lines
from seedcore_web.pages.recorded import DAY, NO_DATABASE, WINDOWS, Row
from seedcore_web.pages.rendering import page

NEWEST = 10
WINDOW = WINDOWS["24h"]


@attrs.frozen(kw_only=True)
class Recorded:
    """
    What the database says; ``problem`` is why it says nothing.
    """

    seeds: list[Row] = attrs.Factory(list)
    totals: list[Row] = attrs.Factory(list)
    failures: list[Row] = attrs.Factory(list)
    view: View | None = None
    routes: list[RouteLine] = attrs.Factory(list)
    problem: str | None = None


async def show_overview(request: web.Request) -> web.Response:
    """
    Answer with the overview.
    """
    runner, now = request.app[RUNNER], time.time()
    start = first_bar(now, WINDOW.step, WINDOW.bars)
    known = await _recorded(runner, now, start)
    lines = provider_lines(
        runner.registry, view=known.view, routes=known.routes, totals=known.totals, now=now
    )
    return page(
        request,
        "overview.html",
        providers=lines,
        counts=_counts(known, lines),
        seeds=known.seeds,
        chart=chart_of(known.failures, start=start, step=WINDOW.step, bars=WINDOW.bars),
        problem=known.problem,
        window=WINDOW,
    )


async def _recorded(runner: Runner, now: float, start: float) -> Recorded:
    """
    Ask everything at once; what a page needs of the database is these few questions.
    """
    store = runner.store
    if store is None:
        return Recorded(routes=await runner.routes.listing(), problem=NO_DATABASE)
    try:
        seeds, totals, failures, view, routes = await asyncio.gather(
            store.queries.calls(limit=NEWEST),
            store.queries.totals(now - DAY),
            store.queries.failures_by_kind(start, WINDOW.step),
            store.state.look(runner.registry.names),
            runner.routes.listing(),
        )
    except DatabaseError as error:  # the providers can be looked at all the same
        return Recorded(problem=error.user_message)
    return Recorded(seeds=seeds, totals=totals, failures=failures, view=view, routes=routes)


def _counts(known: Recorded, lines: Iterable[ProviderLine]) -> dict[str, int]:
    lines = list(lines)
    return {
        "providers": len(lines),
        "usable": sum(line.shape == "ok" for line in lines),
        "troubled": sum(bool(line.circuits or line.pauses) for line in lines),
        "calls": sum(row["calls"] for row in known.totals),
        "failures": sum(row["failures"] for row in known.totals),
    }
