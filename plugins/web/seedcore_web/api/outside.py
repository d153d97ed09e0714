"""
What isn't under ``/api/v1``: a link that rolls, whether the server is well, what a problem means.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from seedcore import DatabaseError
from seedcore.surface.shown import shown_seed
from seedcore_web.access import caller_of
from seedcore_web.api.bodies import refuse
from seedcore_web.api.calls import title_of
from seedcore_web.endpoints import RUNNER, Endpoint
from seedcore_web.jobs import CLOSING, JOBS
from seedcore_web.problems import Refusal, kinds, title_of as meaning_of


async def go(request: web.Request) -> web.Response:
    """
    Roll a seed, and lead there.
    """
    runner, provider = request.app[RUNNER], request.match_info["provider"]
    given = dict(request.query)
    if len(given) < len(request.query):
        refuse("A parameter is given twice. Give it once; a list is [1, 2].")
    asked = runner.form(provider).arguments(given)
    seed = await request.app[JOBS].run(
        runner.generate(provider, surface="web", by=caller_of(request).author, **asked)
    )
    shown = shown_seed(seed, title_of(runner, seed.meta.provider))
    if shown.url and urlsplit(shown.url).scheme in ("http", "https"):
        return web.Response(status=303, headers={"Location": shown.url})
    return web.Response(text=f"{shown.text}\n")


async def health(_: web.Request) -> web.Response:
    """
    Say that the server runs.
    """
    return web.Response(text="alive\n")


async def ready(request: web.Request) -> web.Response:
    """
    Say whether calls can be made.
    """
    runner = request.app[RUNNER]
    if request.app[JOBS].draining:
        raise Refusal(503, "Unavailable", CLOSING)
    if runner.store is not None:
        try:
            await runner.store.state.look(["-"])
        except DatabaseError:  # where it is and what is wrong is nobody's business
            raise Refusal(503, "Unavailable", "The database doesn't answer.") from None
    return web.Response(text="ready\n")


async def problem(request: web.Request) -> web.Response:
    """
    Say what a problem means.
    """
    kind = kinds().get(request.match_info["slug"])
    if kind is None:
        raise web.HTTPNotFound
    return web.Response(text=f"{kind}: {meaning_of(kind)}\n")


ENDPOINTS = (
    Endpoint(method="GET", path="/go/{provider}", answer=go, scope="generate"),
    Endpoint(method="GET", path="/health", answer=health),
    Endpoint(method="GET", path="/ready", answer=ready),
    Endpoint(method="GET", path="/problems/{slug}", answer=problem),
)
