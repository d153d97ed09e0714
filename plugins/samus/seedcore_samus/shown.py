"""
What everybody can see of a seed, and the log that only its key opens.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from seedcore import ProviderResponseFormatError, Rolled, Seed, SeedRequest
from seedcore_samus import reply as answers
from seedcore_samus.site import SilentRefusal, address, raise_for_refusal

if TYPE_CHECKING:
    from seedcore import Context

Read = TypeVar("Read")

HIDDEN = ""
"""What the site says of a log, with status 400, to who hasn't got its key."""


def new_key() -> str:
    """
    Return a key that nobody can guess: 128 random bits.
    """
    return secrets.token_urlsafe(16)


@attrs.frozen(kw_only=True)
class Shown:
    """
    The answer to who asked for a seed, and that to who asks for its log without a key.
    """

    reply: Mapping[str, Any] = attrs.field(repr=False)
    page: str = attrs.field(default=HIDDEN, repr=False)


def leak_of(shown: Shown) -> str | None:
    """
    Name what is shown that people must not see of a seed without spoilers; ``None`` if nothing.

    Whoever can read the answer could read the rest.
    """
    return ", ".join(dict.fromkeys(_leaks(shown))) or None


def _leaks(shown: Shown) -> Iterator[str]:
    seed, worlds = shown.reply, answers.worlds_of(shown.reply)
    settings = [answers.settings_in(world) for world in worlds]
    if seed.get("seedNumber") or any(each.get("seed") for each in settings):
        yield "its seed number"
    if seed.get("spoiler") not in (None, "", "[]"):
        yield "its playthrough"
    if any(world.get("worldState") is not None for world in worlds):
        yield "the state of its worlds"
    if any(world.get("locations") is not None for world in worlds):
        yield "the locations of its items"
    if any(each.get("race") != "true" for each in settings):
        yield "settings that are not those of a race"
    if shown.page != HIDDEN:
        yield "its log to who has no key"


async def rolled(
    seed: Seed,
    document: Mapping[str, Any],
    request: SeedRequest,
    context: Context,
    *,
    key: str | None,
    yaml: bool,
) -> Rolled:
    """
    Return a seed without spoilers with what everybody sees of it, and the log of a spoiler race.

    What shows something already is not looked at any further.
    """
    shown, delayed = Shown(reply=document), request.spoilers == "delayed"
    if leak_of(shown) or not (request.race or delayed):
        return Rolled(seed, shown=shown)
    guid, release = seed.extra["guid"], request.options.release
    page = await _of_new_seed(context, lambda: page_of(context, guid, release))
    shown = attrs.evolve(shown, page=page)
    if leak_of(shown) or not delayed:
        return Rolled(seed, shown=shown)
    log = await _of_new_seed(context, lambda: log_of(context, guid, release, key=key, yaml=yaml))
    return Rolled(seed, shown=shown, logs={"spoiler": log})


async def _of_new_seed(context: Context, read: Callable[[], Awaitable[Read]]) -> Read:
    """
    Return what *read* does of a seed that was just made; its failure makes no second seed.
    """

    async def look() -> Read:
        try:
            return await read()
        except SilentRefusal as refusal:
            if refusal.status not in (400, 404):
                raise
            text = "it doesn't have the log of the seed that it made, or its key doesn't open it"
            raise ProviderResponseFormatError(text, status_code=refusal.status) from None

    return await context.poll(look)


async def log_of(
    context: Context, guid: str, release: str | None, *, key: str | None, yaml: bool
) -> Mapping[str, Any] | str:
    """
    Return the log of a seed, in which there is no key.
    """
    params = {"yaml": "true" if yaml else "false"}
    if key is not None:
        params["key"] = key
    async with context.http.get(_place(context, guid, release), params=params) as reply:
        await raise_for_refusal(reply, "spoiler")
        log = await answers.log(reply, yaml=yaml)
    return log.replace(key, "true") if key and isinstance(log, str) else log


async def page_of(context: Context, guid: str, release: str | None) -> str:
    """
    Return what everybody gets who asks for the log of a seed.
    """
    async with context.http.get(_place(context, guid, release), params={"yaml": "false"}) as reply:
        if reply.status == 400 and not (await reply.read()).strip():
            return HIDDEN
        await raise_for_refusal(reply, "spoiler")
        await answers.document(reply)  # a web page is no log
        return await reply.text("utf-8", "replace")


def _place(context: Context, guid: str, release: str | None) -> str:
    return address(context.settings, release, f"api/spoiler/{guid}")
