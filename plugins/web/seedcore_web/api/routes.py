"""
Where the calls of a name go.
"""

from __future__ import annotations

from aiohttp import web

from seedcore_web.access import caller_of
from seedcore_web.api.asked import ROUTE
from seedcore_web.api.bodies import body_of, query_of
from seedcore_web.api.described import BASE, Described, json_of
from seedcore_web.endpoints import RUNNER


async def routes(request: web.Request) -> web.Response:
    """
    List the routes.
    """
    query_of(request, {})
    return json_of({"routes": await request.app[RUNNER].routes.listing()})


async def change(request: web.Request) -> web.Response:
    """
    Set a route.
    """
    asked = await body_of(request, ROUTE)
    line = await request.app[RUNNER].routes.set(
        request.match_info["name"],
        asked["to"],
        fallback=asked.get("fallback", ()),
        by=caller_of(request).author,
    )
    return json_of(line)


async def rollback(request: web.Request) -> web.Response:
    """
    Go back to the route before.
    """
    name, by = request.match_info["name"], caller_of(request).author
    return json_of(await request.app[RUNNER].routes.rollback(name, by=by))


ENDPOINTS = (
    Described(
        method="GET",
        path=f"{BASE}/routes",
        answer=routes,
        scope="read",
        summary="List the routes.",
        answers={200: "Routes"},
    ),
    Described(
        method="PUT",
        path=f"{BASE}/routes/{{name}}",
        answer=change,
        scope="admin",
        summary="Send the calls of a name to other providers.",
        body=ROUTE,
        answers={200: "Route"},
        problems=(413, 415),
    ),
    Described(
        method="POST",
        path=f"{BASE}/routes/{{name}}/rollback",
        answer=rollback,
        scope="admin",
        summary="Go back to what the route was before.",
        answers={200: "Route"},
    ),
)
