"""
Rolling seeds, and every other operation.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from urllib.parse import quote

from aiohttp import web

from seedcore import Runner, Seed
from seedcore.errors import PluginError
from seedcore.surface.form import check_names
from seedcore.surface.shown import seed_facts, shown_seed
from seedcore_web.access import Caller, caller_of
from seedcore_web.api.asked import CALL, GENERATE
from seedcore_web.api.bodies import body_of, moment, refuse
from seedcore_web.api.described import BASE, Described, json_of
from seedcore_web.api.scopes import scope_of
from seedcore_web.endpoints import RUNNER
from seedcore_web.guard import ANY, require
from seedcore_web.jobs import JOBS
from seedcore_web.limits import LONGEST_ID

LIMITS = ("deadline", "patience", "profile", "dry_run")


async def generate(request: web.Request) -> web.Response:
    """
    Roll a seed.
    """
    asked = await body_of(request, GENERATE)
    runner, caller = request.app[RUNNER], caller_of(request)
    if "reveal_at" in asked:
        asked["reveal_at"] = moment("reveal_at", asked["reveal_at"])
    asked_for = {**asked, "by": caller.author}
    waits = asked_for.pop("wait", True)

    async def roll(call_id: str | None) -> dict[str, Any]:
        return rolled(runner, await runner.generate(**asked_for, surface="web", call_id=call_id))

    return await _answered(request, caller, asked_for, roll, waits=waits)


async def call(request: web.Request) -> web.Response:
    """
    Call any operation.
    """
    asked = await body_of(request, CALL)
    runner, caller = request.app[RUNNER], caller_of(request)
    provider, operation = asked["provider"], asked["operation"]
    arguments = asked.get("arguments", {})
    check_names(arguments)
    require(caller, scope_of(runner, provider, operation))
    if runner.form(provider, operation).rolls:
        arguments = _as_seed(arguments, caller)
    limits = {name: asked[name] for name in LIMITS if name in asked}

    async def ask(call_id: str | None) -> dict[str, Any]:
        given = {**limits, **arguments}
        result = await runner.call(provider, operation, surface="web", call_id=call_id, **given)
        return {
            "provider": provider,
            "operation": operation,
            "call_id": result.meta.call_id if is_ours(result) else call_id,
            "result": seed_facts(result) if is_ours(result) else result,
        }

    waits = asked.pop("wait", True)
    return await _answered(request, caller, {**asked, "arguments": arguments}, ask, waits=waits)


def _as_seed(arguments: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """
    Return the arguments of an operation that makes seeds as ``generate`` has them.
    """
    if "by" in arguments:
        refuse("by can't be given: it is who asks.")
    made = {**arguments, "by": caller.author}
    if made.get("reveal_at") is not None:
        made["reveal_at"] = moment("reveal_at", made["reveal_at"])
    return made


def is_ours(result: object) -> bool:
    """
    Whether *result* is a seed that the runner has put its meta on.
    """
    return isinstance(result, Seed) and result.meta is not None


async def _answered(
    request: web.Request,
    caller: Caller,
    asked: Mapping[str, Any],
    act: Callable[[str | None], Coroutine[Any, Any, dict[str, Any]]],
    *,
    waits: bool,
) -> web.Response:
    """
    Return what *act* returns, or where that will be found.
    """
    jobs, call_id = request.app[JOBS], idempotency(request, caller)
    lines = ",".join(request.headers.getall("Prefer", ())).lower()
    preferred = [each.partition(";")[0].strip() for each in lines.split(",")]
    if waits and "respond-async" not in preferred:
        return json_of(await jobs.run(act(call_id)))
    chosen = call_id or f"web:{caller.key_id}:{secrets.token_urlsafe(16)}"
    job = jobs.begin(chosen, caller.key_id, dict(asked), lambda: act(chosen))
    href = f"{BASE}/calls/{quote(chosen, safe='')}"
    accepted = {"call_id": chosen, "status": job.status, "href": href}
    told = {"Location": href, "Retry_After": "1"}
    if waits:
        told["Preference_Applied"] = "respond-async"
    return json_of(accepted, 202, **told)


def rolled(runner: Runner, seed: Seed) -> dict[str, Any]:
    """
    Return all of a seed, and what to show of it.
    """
    return {
        "seed": seed_facts(seed),
        "shown": shown_seed(seed, title_of(runner, seed.meta.provider)),
    }


def title_of(runner: Runner, provider: str) -> str | None:
    """
    Return the name of a provider that people see, if it has one.
    """
    try:
        title: str | None = runner.registry.load(provider).declaration.title
    except PluginError:
        return None
    return title


def idempotency(request: web.Request, caller: Caller) -> str | None:
    """
    Return the call_id for the ``Idempotency-Key`` of *caller*: nobody else's is the same.
    """
    text = request.headers.get("Idempotency-Key")
    if text is None:
        return None
    if len(text) > 1 and text[0] == text[-1] == '"':  # the draft's own form
        text = text[1:-1]
    if not (0 < len(text) <= LONGEST_ID and text.isprintable() and text.isascii()):
        refuse(f"Idempotency-Key must be 1 to {LONGEST_ID} printable ASCII characters.")
    return f"web:{caller.key_id}:{text}"


_ONCE = {"Idempotency-Key": "This call once: the same key and body get the same answer."}
_LATER = {"Prefer": "respond-async: answer at once, and let the call run."}
_PROBLEMS = (404, 413, 415, 422, 501, 502, 504)

ENDPOINTS = (
    Described(
        method="POST",
        path=f"{BASE}/generate",
        answer=generate,
        scope="generate",
        summary="Roll one seed.",
        body=GENERATE,
        headers={**_ONCE, **_LATER},
        answers={200: "Rolled", 202: "Accepted"},
        problems=_PROBLEMS,
    ),
    Described(
        method="POST",
        path=f"{BASE}/call",
        answer=call,
        scope=ANY,
        summary="Call any operation of a provider.",
        body=CALL,
        headers={**_ONCE, **_LATER},
        answers={200: "Result", 202: "Accepted"},
        problems=_PROBLEMS,
    ),
)
