"""
Seeds of DASH, the Super Metroid randomizer of dashrando.net.

``GET generate/<preset>`` makes a new seed every time. Its answer is a redirect to the seed,
and that redirect is the result: following it would only fetch a page made for people. It says
nothing of spoilers, so that a race seed's own spoiler page is asked for, which must not be there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import attrs

from seedcore import (
    PresetNotFoundError,
    ProviderInvalidRequestError,
    ProviderResponseFormatError,
    Request,
    Rolled,
    Seed,
    SeedRequest,
    hookimpl,
    operation,
    provider,
)

if TYPE_CHECKING:
    # Showing or listing the plugin must not pay for importing aiohttp.
    import aiohttp

    from seedcore import Context

OWN_HOSTS = frozenset({"www.dashrando.net", "dashrando.net"})
"""Where seeds live, even if base_url says to ask somewhere else."""

NO_SEED = "Seed not found"
"""What a spoiler page says, with status 200, of a seed that the site doesn't have."""

PERMALINK = re.compile(r"https?://(?P<place>[^\s/?#@\\]+)/seed/(?P<key>[0-9a-z]{12})")


@attrs.frozen
class NoOptions:
    """
    A preset is all that this provider takes.
    """


@provider(
    base_url="https://www.dashrando.net",
    title="Super Metroid DASH",
    homepage="https://www.dashrando.net",
    options=NoOptions,
)
class Smdash:
    """
    Generates seeds and lists the presets.
    """

    @hookimpl
    def check(self, request: Request) -> None:
        """
        Refuse what can't be the name of a preset, and what has no place in a race.
        """
        if isinstance(request, SeedRequest):
            _preset(request)
            if _made(request)["race"] and request.spoilers == "on":
                text = "a mystery preset makes a race seed, which has no spoilers; use spoilers off"
                raise ProviderInvalidRequestError(text)

    @hookimpl
    async def generate(self, request: SeedRequest, context: Context) -> Rolled:
        """
        Make a seed of a preset.
        """
        preset = _preset(request)
        made = _made(request)
        wanted = {**made, "race": request.race}
        # Any value counts as a wish, spoiler=0 as well: what isn't wanted must not be sent.
        params = {name: "1" for name, want in wanted.items() if want}
        path = f"generate/{quote(preset, safe='')}"
        async with context.http.get(path, params=params, allow_redirects=False) as reply:
            url, key = await _permalink(reply)
        seed = Seed(
            url=url,
            id=key,
            spoiler_url=f"{url}/spoiler" if made["spoiler"] else None,
            settings={"preset": preset, **made},
        )
        page = await _spoiler_page(key, context) if request.race else None
        return Rolled(seed, shown={"reply": url, "page": page})

    @hookimpl
    def leak(self, shown: Mapping[str, str | None]) -> str | None:
        """
        A seed without spoilers has no spoiler page.
        """
        return None if shown["page"] is None else "its spoiler page"

    @operation(effect="read")
    async def presets(self, context: Context) -> list[str]:
        """
        Return the names of all presets.
        """
        async with context.http.get("api/presets") as reply:
            reply.raise_for_status()
            document = await reply.json()
        return _preset_names(document)


def _made(request: SeedRequest) -> dict[str, bool]:
    # Mystery presets make race seeds whether asked to or not.
    mystery = (request.preset or "").startswith("mystery")
    return {"race": request.race or mystery, "spoiler": request.spoilers == "on"}


def _preset(request: SeedRequest) -> str:
    """
    Return the preset asked for, if it is all that was asked and can be a name at all.
    """
    advice = f"'seedcore call {request.provider} presets' lists them"
    for what, value in (("settings", request.settings), ("branch", request.branch)):
        if value:
            text = f"it takes no {what}, only a preset; {advice}"
            raise ProviderInvalidRequestError(text)
    if request.preset is None:
        text = f"it needs a preset; {advice}"
        raise ProviderInvalidRequestError(text)
    # As a part of a path, dots alone would lead elsewhere, and no quoting changes that.
    if not (request.preset.isprintable() and request.preset.strip(".")):
        text = f"this can't be the name of one; {advice}"
        raise PresetNotFoundError(text)
    return request.preset


async def _permalink(reply: aiohttp.ClientResponse) -> tuple[str, str]:
    """
    Return address and key of the seed that *reply* announces.
    """
    if reply.status == 422:
        words = await reply.text(errors="replace")
        if words.startswith("Invalid preset"):
            raise PresetNotFoundError(words, status_code=reply.status)
    reply.raise_for_status()
    if reply.status != 307:
        text = f"it answered with status {reply.status} instead of a redirect (307) to the seed"
        raise ProviderResponseFormatError(text, status_code=reply.status)
    url = reply.headers.get("Location", "")
    found = PERMALINK.fullmatch(url)
    # The server names the host that it was asked as.
    places = {*OWN_HOSTS, reply.url.host_port_subcomponent}
    if found is None or found["place"].lower() not in places:
        text = "its redirect doesn't lead to a seed on its own site"
        raise ProviderResponseFormatError(text, status_code=reply.status)
    if (await reply.text(errors="replace")).strip() != url:
        text = "the text of its answer and its redirect don't name the same seed"
        raise ProviderResponseFormatError(text, status_code=reply.status)
    return url, found["key"]


async def _spoiler_page(key: str, context: Context) -> str | None:
    """
    Return the spoiler page of a seed; ``None`` where there is none (404), as it must be.
    """

    async def look() -> str | None:
        async with context.http.get(f"seed/{key}/spoiler") as reply:
            if reply.status == 404:
                return None
            reply.raise_for_status()
            page = await reply.text(errors="replace")
        if reply.status == 200 and NO_SEED not in page:
            return page
        text = "its answer doesn't tell whether the race seed that it made has a spoiler page"
        raise ProviderResponseFormatError(text, status_code=reply.status)

    return await context.poll(look)


def _preset_names(document: Any) -> list[str]:
    """
    Return the first tag of each preset: the name that the site itself uses for it.
    """
    try:
        tags = [preset["tags"] for preset in document["data"]]
        names = [some[0] for some in tags if isinstance(some, list)]
    except (IndexError, KeyError, TypeError):
        tags, names = [None], []
    if len(names) != len(tags) or not all(isinstance(n, str) and n.isprintable() for n in names):
        text = "its list of presets doesn't look like one"
        raise ProviderResponseFormatError(text)
    return names


smdash = Smdash()
