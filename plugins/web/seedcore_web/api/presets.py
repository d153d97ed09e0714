"""
Presets, and what a mystery weightset comes to.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from seedcore_web.access import caller_of
from seedcore_web.api.asked import WEIGHTS
from seedcore_web.api.bodies import body_of, query_of, refuse
from seedcore_web.api.described import BASE, Described, json_of
from seedcore_web.api.schemas import TEXT
from seedcore_web.api.scopes import scope_of
from seedcore_web.endpoints import RUNNER
from seedcore_web.guard import require
from seedcore_web.jobs import JOBS

_NAMES = {"prefix": TEXT, "namespace": TEXT}
_WEIGHTSET = {"weightset": TEXT}


async def names(request: web.Request) -> web.Response:
    """
    List the names of presets.
    """
    asked = query_of(request, _NAMES)
    provider = request.match_info["provider"]
    prefix = asked.get("prefix", "")
    if "namespace" in asked:
        prefix = f"{asked['namespace'].removesuffix('/')}/{prefix}"
    found = await request.app[RUNNER].presets.names(provider, prefix)
    return json_of({"provider": provider, "presets": found})


async def preset(request: web.Request) -> web.Response:
    """
    Show a preset.
    """
    query_of(request, {})
    asked = request.match_info
    found = await request.app[RUNNER].presets.find(asked["provider"], asked["name"])
    shown = (
        "provider",
        "operation",
        "name",
        "title",
        "description",
        "branch",
        "source",
        "options",
        "text",
    )
    return json_of({name: getattr(found, name) for name in shown})


async def weightset(request: web.Request) -> web.Response:
    """
    Roll a saved weightset.
    """
    asked = query_of(request, _WEIGHTSET)
    if "weightset" not in asked:
        refuse("weightset is missing: name one, such as ?weightset=weighted.")
    return await _resolved(request, asked)


async def weights(request: web.Request) -> web.Response:
    """
    Roll a weightset that is sent.
    """
    return await _resolved(request, await body_of(request, WEIGHTS))


async def _resolved(request: web.Request, given: dict[str, Any]) -> web.Response:
    runner, provider = request.app[RUNNER], request.match_info["provider"]
    require(caller_of(request), scope_of(runner, provider, "resolve"))
    act = runner.call(provider, "resolve", surface="web", **given)
    result = await request.app[JOBS].run(act)
    facts = {"provider": provider, "operation": "resolve", "call_id": None}
    return json_of({**facts, "result": result})


ENDPOINTS = (
    Described(
        method="GET",
        path=f"{BASE}/presets/{{provider}}",
        answer=names,
        scope="read",
        summary="List the names of a provider's presets.",
        query=_NAMES,
        answers={200: "Names"},
    ),
    Described(
        method="GET",
        path=f"{BASE}/presets/{{provider}}/{{name:.+}}",
        answer=preset,
        scope="read",
        summary="Show a preset: name, or namespace/name.",
        answers={200: "Preset"},
        problems=(404, 422),
    ),
    Described(
        method="GET",
        path=f"{BASE}/mystery/{{provider}}",
        answer=weightset,
        scope="read",
        summary="Roll a saved weightset, and show what came of it; makes no seed.",
        query=_WEIGHTSET,
        answers={200: "Result"},
        problems=(404, 422, 501, 502, 504),
    ),
    Described(
        method="POST",
        path=f"{BASE}/mystery/{{provider}}",
        answer=weights,
        scope="read",
        summary="Roll a weightset that is sent, and show what came of it; makes no seed.",
        body=WEIGHTS,
        answers={200: "Result"},
        problems=(404, 413, 415, 422, 501, 502, 504),
    ),
)
