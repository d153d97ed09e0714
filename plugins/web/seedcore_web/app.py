"""
The application: every endpoint, and what holds for all of them.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Awaitable, Callable, Collection

import attrs
from aiohttp import web

from seedcore import DatabaseError, Runner
from seedcore_web.access import ACCESS, CALLER, Access
from seedcore_web.api import API
from seedcore_web.endpoints import RUNNER, Endpoint
from seedcore_web.guard import check_url, guarded
from seedcore_web.jobs import JOBS, Jobs
from seedcore_web.limits import BODY, PER_MINUTE
from seedcore_web.pages import PAGES, prepare
from seedcore_web.pages.errors import error_page
from seedcore_web.problems import Problem, answer_of, problem_of

SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Without a referrer at all, browsers say "null" for where a form comes from.
    "Referrer-Policy": "same-origin",
    "Server": "seedcore",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
EXPOSED = "Location, Preference-Applied, Retry-After"
ASKED_FIRST = {
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, Prefer",
    "Access-Control-Allow-Methods": "GET, POST, PUT",
    "Access-Control-Max-Age": "600",
}
NO_DATABASE = "The audit database can't be used right now."
"""What is said of it to whoever has no business with where it is."""
LOG = logging.getLogger("seedcore_web")

Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(
    runner: Runner,
    *,
    per_minute: int = PER_MINUTE,
    cors: Collection[str] = (),
    now: Callable[[], float] = time.monotonic,
) -> web.Application:
    """
    Return the application around an open *runner*, which it doesn't close.

    *per_minute* are the requests of a key that says nothing else, *cors* the origins whose pages
    may ask the API with a key of their own; *now* replaces the clock of limits on requests.
    """
    app = web.Application(client_max_size=BODY, middlewares=[_problems])
    app[RUNNER] = runner
    app[ACCESS] = Access(runner, per_minute=per_minute, now=now)
    app[JOBS] = Jobs()
    for endpoint in (*API, *PAGES):
        _add(app, endpoint)
    if cors:
        _allow(app, frozenset(cors))
    app.on_response_prepare.append(_secure)
    prepare(app)
    app.on_shutdown.append(_drain)
    return app


def _add(app: web.Application, endpoint: Endpoint) -> None:
    answer = guarded(endpoint)
    app.router.add_route(endpoint.method, endpoint.path, answer)
    # HEAD does what GET does, so not where that rolls a seed.
    if endpoint.method == "GET" and endpoint.scope != "generate":
        app.router.add_route("HEAD", endpoint.path, answer)


async def _drain(app: web.Application) -> None:
    await app[JOBS].close()


async def _secure(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(SECURITY)
    response.headers.setdefault("Cache-Control", "no-store")


@web.middleware
async def _problems(request: web.Request, handler: Next) -> web.StreamResponse:
    try:
        check_url(request)
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        problem = problem_of(error)
    except Exception as error:  # noqa: BLE001 - nothing may become a traceback
        problem = problem_of(error)
        if problem.kind == "InternalError":
            _report(request, error)
        elif isinstance(error, DatabaseError) and not _is_operator(request):
            problem = attrs.evolve(problem, shown=attrs.evolve(problem.shown, message=NO_DATABASE))
    return _answer(request, problem)


def _is_operator(request: web.Request) -> bool:
    caller = request.get(CALLER)
    return caller is not None and caller.allows("admin")


def _answer(request: web.Request, problem: Problem) -> web.StreamResponse:
    if request.path.startswith("/api/") or "json" in request.headers.get("Accept", ""):
        return answer_of(problem)
    try:
        response = error_page(request, problem.shown, problem.status)
    except Exception as error:  # noqa: BLE001 - the sentence is what counts
        _report(request, error)
        response = web.Response(text=f"{problem.shown.message}\n", status=problem.status)
    response.headers.update(problem.headers)
    return response


def _report(request: web.Request, error: Exception) -> None:
    # Its text and the arguments may hold anything, so only where it happened is told.
    where = traceback.extract_tb(error.__traceback__)[-1]
    route = request.match_info.route.resource
    LOG.error(
        "%s at %s %s, in %s:%s",
        type(error).__name__,
        request.method,
        "" if route is None else route.canonical,
        where.filename,
        where.lineno,
    )


def _allow(app: web.Application, origins: frozenset[str]) -> None:
    async def tell(request: web.Request, response: web.StreamResponse) -> None:
        if not request.path.startswith("/api/"):
            return
        response.headers["Vary"] = "Origin"
        if request.headers.get("Origin") in origins:
            response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
            response.headers["Access-Control-Expose-Headers"] = EXPOSED

    async def asked_first(request: web.Request) -> web.Response:
        allowed = request.headers.get("Origin") in origins
        return web.Response(status=204, headers=ASKED_FIRST if allowed else {})

    app.on_response_prepare.append(tell)
    app.router.add_route("OPTIONS", "/api/{any:.*}", asked_first)
