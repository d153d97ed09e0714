"""
What is installed, what it takes, and how it fares.
"""

from __future__ import annotations

from typing import Any

import attrs
from aiohttp import web

from seedcore import PluginError, Runner, UnknownProviderError
from seedcore.plugins import Provider
from seedcore.surface.fields import declared_fields
from seedcore.surface.form import form_of
from seedcore_web.api.bodies import query_of
from seedcore_web.api.described import BASE, Described, json_of
from seedcore_web.api.scopes import of_operation
from seedcore_web.endpoints import RUNNER


async def providers(request: web.Request) -> web.Response:
    """
    List the installed providers.
    """
    query_of(request, {})
    return json_of({"providers": request.app[RUNNER].registry.listing()})


async def provider(request: web.Request) -> web.Response:
    """
    Show one provider; one that can't be used has its reason and no operations.
    """
    query_of(request, {})
    runner, name = request.app[RUNNER], request.match_info["provider"]
    try:
        loaded = runner.registry.load(name)
    except UnknownProviderError:
        raise
    except PluginError:
        loaded = None
    line = next(each for each in runner.registry.listing() if each.provider == name)
    declared = None if loaded is None else loaded.declaration
    return json_of(
        {
            **attrs.asdict(line),
            "title": getattr(declared, "title", None),
            "homepage": getattr(declared, "homepage", None),
            "operations": [] if loaded is None else _operations(loaded),
            "options": [*declared_fields(getattr(declared, "options", None))],
            "routes": await _routes(runner, name),
            **await _state(runner, name),
        }
    )


def _operations(loaded: Provider) -> list[dict[str, Any]]:
    rows = []
    for name, operation in sorted(loaded.operations.items()):
        form = form_of(loaded, name)
        rows.append(
            {
                "name": name,
                "effect": str(operation.effect),
                "audited": operation.audited,
                "rolls": operation.rolls,
                "summary": operation.summary,
                "scope": of_operation(loaded, name),
                "any": form.any,
                "fields": form.fields,
            }
        )
    return rows


async def _routes(runner: Runner, name: str) -> list[Any]:
    """
    Return the routes from *name*, and those that lead there.
    """
    return [
        line
        for line in await runner.routes.listing()
        if name in (line.name, *line.to, *line.fallback)
    ]


async def _state(runner: Runner, name: str) -> dict[str, Any]:
    """
    Return the circuits and the gate of a provider as all processes share them.
    """
    if runner.store is None:
        return {"circuits": [], "gates": []}
    view = await runner.store.state.look([name])
    return {
        "circuits": [
            {
                "operation": operation,
                "state": circuit.condition.state.value,
                "open_for": round(max(0.0, circuit.condition.open_until - circuit.now), 3),
            }
            for (_, operation), circuit in sorted(view.circuits.items())
        ],
        "gates": [
            {
                "seconds": round(gate.seconds, 3),
                "status_code": gate.status_code,
                "message": gate.message,
            }
            for gate in view.gates.values()
            if gate.seconds > 0
        ],
    }


ENDPOINTS = (
    Described(
        method="GET",
        path=f"{BASE}/providers",
        answer=providers,
        scope="read",
        summary="List the installed providers.",
        answers={200: "Providers"},
    ),
    Described(
        method="GET",
        path=f"{BASE}/providers/{{provider}}",
        answer=provider,
        scope="read",
        summary="Show what a provider can do, its routes, circuits and gate.",
        answers={200: "Provider"},
        problems=(404,),
    ),
)
