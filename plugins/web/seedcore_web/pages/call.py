"""
One call, attempt by attempt, and the log of a spoiler race that is due.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import attrs
from aiohttp import web

from seedcore import Reveal, RevealError
from seedcore.presets.records import is_operator
from seedcore.store import Store
from seedcore.store.logs import StoredLog
from seedcore.surface.shown import ShownError
from seedcore_web.access import caller_of
from seedcore_web.pages.recorded import Row, store_of
from seedcore_web.pages.rendering import page
from seedcore_web.pages.timeline import Timeline, timeline_of
from seedcore_web.problems import Refusal, problem_of
from seedcore_web.revealing import revealed

KIND = "spoiler"


@attrs.frozen(kw_only=True)
class Log:
    """
    The logs of a spoiler race: when they are due, and the kinds that the visitor may reveal now.
    """

    due_at: float
    due: bool
    kinds: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Route:
    """
    The way a call took: what was asked for, and who failed before somebody served it.
    """

    asked: str
    failed: tuple[tuple[str, str], ...]


@attrs.frozen(kw_only=True)
class Told:
    """
    A row with its picture and its way; ``hidden`` says that it is sealed.
    """

    row: Row
    timeline: Timeline | None
    route: Route | None
    hidden: bool = False


async def show_call(request: web.Request) -> web.Response:
    """
    Answer with everything that is recorded of a call.
    """
    return await call_page(request)


async def reveal(request: web.Request) -> web.Response:
    """
    Reveal a log to the visitor, and show the link to it on the page of its call.
    """
    kind = str((await request.post()).get("kind") or KIND)
    try:
        found = await revealed(request, kind)
    except (RevealError, Refusal) as error:
        problem = problem_of(error)
        return await call_page(request, status=problem.status, error=problem.shown)
    return await call_page(request, link=found)


async def call_page(
    request: web.Request,
    *,
    status: int = 200,
    link: Reveal | None = None,
    error: ShownError | None = None,
) -> web.Response:
    """
    Return the page of the call that is named in the address. Raises Refusal if nobody knows it.
    """
    store, call_id = store_of(request), request.match_info["call_id"]
    row, failures, log = await asyncio.gather(
        store.queries.call(call_id),
        store.queries.failures_of(call_id),
        _log(store, call_id, caller_of(request).by),
    )
    if row is None and not failures:
        message = f"No call is recorded as {call_id!r}. A call that failed is, a moment later."
        raise Refusal(404, "NotFound", message)
    return page(
        request,
        "call.html",
        status,
        call_id=call_id,
        told=_told(row) if row else None,
        failures=[_told(failure) for failure in failures],
        log=log,
        revealed=link,
        error=error,
    )


async def _log(store: Store, call_id: str, by: str) -> Log | None:
    found = await store.logs.find(call_id, KIND)
    if found is None:
        return None
    may = is_operator(by) or found.owner == by
    return Log(due_at=found.reveal_at, due=found.due, kinds=_kinds(found) if may else ())


def _kinds(found: StoredLog) -> tuple[str, ...]:
    return tuple(sorted(found.objects)) if found.due and not found.sealed else ()


def _told(row: Row) -> Told:
    report = row["report"] if isinstance(row["report"], Mapping) else {}
    # Until its unsealing is recorded, the rows of a sealed seed have none.
    hidden = bool(row.get("sealed")) and not row["seed"] and row["permalink"] is None
    return Told(row=row, timeline=_timeline(report, row), route=_route(report, row), hidden=hidden)


def _timeline(report: Mapping[str, Any], row: Row) -> Timeline | None:
    try:
        return timeline_of(report, row["latency_ms"])
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError):
        return None  # a row of another program, or one that somebody has damaged


def _route(report: Mapping[str, Any], row: Row) -> Route | None:
    found = report.get("route")
    if not isinstance(found, Mapping) or not found.get("asked"):
        return None
    failed = [each for each in found.get("failed") or () if isinstance(each, Mapping)]
    if not failed and found["asked"] == row["provider"]:
        return None  # there was no way to tell of
    return Route(
        asked=str(found["asked"]),
        failed=tuple((str(one.get("provider")), str(one.get("error"))) for one in failed),
    )
