"""
What was called: rows of the audit, failures, and single calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import attrs
from aiohttp import web

from seedcore import DatabaseError
from seedcore.store import Store
from seedcore_web.access import Caller, caller_of
from seedcore_web.api.asked import REVEAL
from seedcore_web.api.bodies import body_of, query_of
from seedcore_web.api.described import BASE, Described, json_of
from seedcore_web.api.schemas import TEXT, kind
from seedcore_web.endpoints import RUNNER
from seedcore_web.guard import ANY, require
from seedcore_web.jobs import JOBS, Job
from seedcore_web.limits import PAGE
from seedcore_web.problems import Refusal
from seedcore_web.revealing import revealed

_LIMIT = kind("integer", about="Rows.", minimum=1, maximum=PAGE, default=50)
_SINCE = kind("string", about="A time with its zone, or epoch seconds.", format="moment")
_FAILED = {"provider": TEXT, "surface": TEXT, "since": _SINCE, "limit": _LIMIT}
_CALLED = {**_FAILED, "before": kind("string", about="A call_id: the rows before it.")}


async def audit(request: web.Request) -> web.Response:
    """
    List successful calls.
    """
    asked = query_of(request, _CALLED)
    asked.setdefault("limit", 50)
    queries = store_of(request).queries
    rows = await queries.calls(**asked)
    before = asked.get("before")
    if before is not None and not rows and not await queries.has_call(before):
        raise Refusal(404, "NotFound", "before is no call that is recorded here; begin anew.")
    following = None
    if len(rows) == asked["limit"]:
        query = urlencode({**asked, "before": rows[-1]["call_id"]})
        following = f"{BASE}/audit?{query}"
    return json_of({"rows": rows, "next": following})


async def failures(request: web.Request) -> web.Response:
    """
    List failed calls.
    """
    return json_of({"rows": await store_of(request).queries.failures(**query_of(request, _FAILED))})


async def call(request: web.Request) -> web.Response:
    """
    Show how a call stands.
    """
    query_of(request, {})
    call_id, caller = request.match_info["call_id"], caller_of(request)
    if not call_id.startswith(f"web:{caller.key_id}:"):
        require(caller, "read")
    job = request.app[JOBS].find(call_id)
    # Looked at first: a job that ends meanwhile has its row the next time.
    status: str | None = None if job is None else job.status
    store = request.app[RUNNER].store
    row, failed = None, []
    if store is not None:
        row = await store.queries.call(call_id)
        failed = await store.queries.failures_of(call_id)
        status = status or await _recorded(store, call_id, row, failed)
    facts = {
        "call_id": call_id,
        "status": status or "unknown",
        "row": row,
        "attempts": _attempts(row or next(iter(failed), {})),
        "failures": failed,
        **_ended(job, caller),
    }
    if facts["status"] == "running":
        return json_of(facts, Retry_After="1")
    return json_of(facts, 404 if facts["status"] == "unknown" else 200)


async def _recorded(
    store: Store, call_id: str, row: Mapping[str, Any] | None, failed: list[Any]
) -> str:
    """
    Return how a call stands that may be another server's.
    """
    claim = await store.claims.find(call_id)
    if row is not None or (claim is not None and claim.done):
        return "done"
    if claim is not None and claim.left > 0:
        return "running"
    return "failed" if failed or claim is not None else "unknown"


def _ended(job: Job | None, caller: Caller) -> dict[str, Any]:
    """
    Return what came of a job, for nobody but who asked.
    """
    if job is None or job.key_id != caller.key_id:
        return {"result": None, "problem": None}
    problem = None if job.problem is None else job.problem.to_json()
    return {"result": job.result, "problem": problem}


def _attempts(row: Mapping[str, Any]) -> list[Any]:
    attempts = row.get("report", {}).get("attempts", [])
    return attempts if isinstance(attempts, list) else []


async def reveal(request: web.Request) -> web.Response:
    """
    Reveal a spoiler log that is due.
    """
    asked = await body_of(request, REVEAL, required=False)
    return json_of(attrs.asdict(await revealed(request, asked.get("kind", "spoiler"))))


def store_of(request: web.Request) -> Store:
    """
    Return the database. Raises DatabaseError where there is none.
    """
    store = request.app[RUNNER].store
    if store is None:
        msg = "Nothing is recorded here: this server uses no database."
        raise DatabaseError(msg)
    return store


ENDPOINTS = (
    Described(
        method="GET",
        path=f"{BASE}/audit",
        answer=audit,
        scope="read",
        summary="List successful calls, the newest first.",
        query=_CALLED,
        answers={200: "Rows"},
        problems=(404,),
    ),
    Described(
        method="GET",
        path=f"{BASE}/failures",
        answer=failures,
        scope="read",
        summary="List failed calls, the newest first.",
        query=_FAILED,
        answers={200: "Failures"},
    ),
    Described(
        method="POST",
        path=f"{BASE}/calls/{{call_id:.+}}/reveal",
        answer=reveal,
        scope=ANY,
        summary="Return a link to the spoiler log of a call, once it is due.",
        body=REVEAL,
        required=False,
        answers={200: "Reveal"},
        problems=(404, 413, 415, 501, 502, 504),
    ),
    Described(
        method="GET",
        path=f"{BASE}/calls/{{call_id:.+}}",
        answer=call,
        scope=ANY,
        summary="Show how a call stands.",
        answers={200: "Call", 404: "Call"},
    ),
)
