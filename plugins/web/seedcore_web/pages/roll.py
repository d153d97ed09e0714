"""
Rolling a seed with a form.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

import attrs
from aiohttp import web
from yarl import URL

from seedcore import Form, Seed, SeedcoreError, UnknownOperationError
from seedcore.model import kind_of
from seedcore.plugins import Provider
from seedcore.surface.shown import seconds_until, shown_seed
from seedcore.surface.words import key_values
from seedcore_web.access import caller_of
from seedcore_web.endpoints import RUNNER
from seedcore_web.guard import require
from seedcore_web.jobs import JOBS
from seedcore_web.pages.inputs import groups_of
from seedcore_web.pages.rendering import page, query
from seedcore_web.problems import Problem, Refusal, problem_of

TOKEN, MORE, DRY = "_token", "_more", "_dry"
"""Fields of the form that are no arguments of the provider."""
PRESETS = 500
"""Names of presets that the form suggests."""
LONGEST_LINK = 2_000
"""Characters of what a link can fill into the form."""
_TOKEN = re.compile(r"[0-9a-f]{32}")


@attrs.frozen(kw_only=True)
class Asked:
    """
    What is to be rolled: *name* as it was asked for, and the form of who makes it.
    """

    name: str
    operation: str
    provider: Provider
    form: Form

    @property
    def title(self) -> str:
        """
        What people call the provider.
        """
        return self.provider.declaration.title or self.name


async def choose(request: web.Request) -> web.StreamResponse:
    """
    Answer with the providers to choose from, or go to the form of the chosen one.
    """
    require(caller_of(request), "generate")
    runner, chosen = request.app[RUNNER], request.query.get("provider")
    names = [line.provider for line in runner.registry.listing() if line.status != "disabled"]
    if chosen:
        known = chosen in names or runner.routes.of(chosen) is not None
        if not known:
            runner.registry.load(chosen)  # which says what there is
        raise web.HTTPSeeOther(URL("/roll") / chosen)
    routes = [line.name for line in await runner.routes.listing()]
    return page(request, "choose.html", names=sorted({*names, *routes}))


async def show_form(request: web.Request) -> web.Response:
    """
    Answer with the form; values in the query are filled in.
    """
    require(caller_of(request), "generate")
    asked = _asked(request)
    return await _form_page(request, asked, dict(request.query))


async def roll(request: web.Request) -> web.Response:
    """
    Roll what the form says, once, and answer with the seed, or with the form and what is wrong.
    """
    asked, caller = _asked(request), caller_of(request)
    posted = await request.post()
    texts = {name: text for name, text in posted.items() if isinstance(text, str)}
    token = texts.pop(TOKEN, "")
    if not _TOKEN.fullmatch(token):
        message = "The form came without its token. Open its page again, and send it from there."
        raise Refusal(400, "BadRequest", message)
    dry = bool(texts.get(DRY))
    try:
        arguments = _arguments(asked.form, texts)
        # Reloading the answer, or a second click, is the same call; a dry run leaves it to be made.
        rolling = request.app[RUNNER].generate(
            asked.name,
            surface="web",
            call_id=f"web:form:{caller.key_id}:{token}",
            by=caller.author,
            operation=asked.operation,
            dry_run=dry,
            **arguments,
        )
        seed = await request.app[JOBS].run(rolling)
    except SeedcoreError as error:
        return await _form_page(request, asked, texts, problem_of(error))
    return _seed_page(request, asked, seed, texts)


def _asked(request: web.Request) -> Asked:
    """
    Return what the address asks for. Raises PluginError.
    """
    runner, name = request.app[RUNNER], request.match_info["provider"]
    operation = request.query.get("operation") or "generate"
    form = runner.form(name, operation)
    provider = runner.registry.load(form.provider)
    if not form.rolls:
        raise UnknownOperationError(provider.name, operation, provider.rolling)
    return Asked(name=name, operation=operation, provider=provider, form=form)


def _arguments(form: Form, texts: Mapping[str, str]) -> dict[str, Any]:
    """
    Return the arguments that were typed; an input that was left alone is none.
    """
    known = {field.name for field in form.fields}
    given: dict[str, Any] = {name: text for name, text in texts.items() if name in known and text}
    if form.any:
        lines = texts.get(MORE, "").splitlines()
        for name, text in key_values(line for line in lines if line.strip()).items():
            given["options." + name if name in known else name] = text
    return form.arguments(given)


async def _form_page(
    request: web.Request, asked: Asked, typed: Mapping[str, str], problem: Problem | None = None
) -> web.Response:
    runner = request.app[RUNNER]
    documents = asked.provider.operations[asked.operation].documents
    takes_presets = documents.presets is not None
    kind = kind_of(asked.provider.name, asked.operation)
    presets = await runner.presets.search(kind, limit=PRESETS) if takes_presets else []
    needs_all = not takes_presets and not documents.upstream_presets
    response = page(
        request,
        "roll.html",
        problem.status if problem else 200,
        asked=asked,
        groups=groups_of(asked.form, typed, needs_all=needs_all),
        presets=presets,
        token=secrets.token_hex(16),
        more=typed.get(MORE, ""),
        dry=bool(typed.get(DRY)),
        error=problem.shown if problem else None,
        wait=seconds_until(problem.shown.retry_at) if problem else None,
    )
    response.headers.update(problem.headers if problem else {})
    return response


def _seed_page(
    request: web.Request, asked: Asked, seed: Seed, texts: Mapping[str, str]
) -> web.Response:
    hidden = {field.name for field in asked.form.fields if field.secret}
    kept = {name: text for name, text in texts.items() if name not in hidden}
    again = query({"operation": request.query.get("operation"), **kept})
    return page(
        request,
        "seed.html",
        asked=asked,
        seed=seed,
        shown=shown_seed(seed, asked.provider.declaration.title),
        again=again if len(again) <= LONGEST_LINK else "",
    )
