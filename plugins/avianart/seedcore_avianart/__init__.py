"""
Seeds of AVIANART, the door randomizer of avianart.games.

A seed is asked for once, and its page is asked again until it is done. That it is done is said
by the status that is missing. Its page is what everybody can see of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from seedcore import (
    AuditRecord,
    Pending,
    PresetNotFoundError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderUnavailableError,
    Request,
    Rolled,
    Seed,
    SeedRequest,
    hookimpl,
    operation,
    provider,
)
from seedcore_avianart.options import Options, Settings, Wish, hash_of, wish_of
from seedcore_avianart.reply import (
    FAILED,
    EnvelopeError,
    Response,
    is_seed,
    judge,
    new_hash,
    response_of,
)
from seedcore_avianart.seed import check_open, code_of, extra_of, leak_of, meta_of, version_of

if TYPE_CHECKING:
    # Showing or listing the plugin must not pay for importing aiohttp.
    import aiohttp

    from seedcore import Context

API = "api.php"


@provider(
    base_url="https://avianart.games",
    title="AVIANART",
    homepage="https://avianart.games",
    settings=Settings,
    options=Options,
    presets="presets",
    upstream_presets=True,
    ignored_options=("race", "spoilers", "tournament"),
)
class Avianart:
    """
    Generates seeds of the site's presets, and looks at those that exist.
    """

    @hookimpl
    def check(self, request: Request) -> None:
        """
        Refuse what can't be a preset or a hash.
        """
        if isinstance(request, SeedRequest):
            wish_of(request)
        elif request.operation == "seed":
            hash_of(request.arguments["hash"])

    @hookimpl
    async def generate(self, request: SeedRequest, context: Context) -> Rolled:
        """
        Make a seed of a preset of the site, and wait until it is done.
        """
        wish = wish_of(request)
        first, site = await _submit(wish, context)
        key = new_hash(first)
        finished, attempts = await _finished(first, key, context, race=request.race)
        if finished.get("status") == FAILED:
            # The site has tried ten times; another seed of the same preset may be luckier.
            text = f"it gave up on this seed: {finished.get('message') or 'it does not say why'}"
            raise ProviderUnavailableError(text)
        if not wish.race:
            check_open(finished)
        seed = Seed(
            url=f"{site}perm/{key}",
            id=key,
            code=code_of(finished),
            version=version_of(finished),
            settings=attrs.asdict(wish),
            extra=extra_of(finished, attempts),
        )
        return Rolled(seed, shown={"reply": first, "page": finished})

    @hookimpl
    def leak(self, shown: Mapping[str, Response]) -> str | None:
        """
        Neither the first answer nor the page has anything of a spoiler, and both are of a race.
        """
        return leak_of(shown["reply"], shown["page"])

    @operation(effect="read", placeholder={})
    async def seed(self, context: Context, hash: str) -> dict[str, Any]:  # noqa: A002 - its name there
        """
        Return what is known about a seed that exists, without its spoiler.
        """
        key = hash_of(hash)
        async with _page(key, context) as reply:
            response = await response_of(reply)
            site = _site_of(reply)
        if response is None:
            text = "it has no seed with this hash"
            raise ProviderInvalidRequestError(text)
        return _facts(judge(response, key), response, f"{site}perm/{key}")

    @hookimpl
    def map_error(self, error: Exception) -> ProviderError | None:
        """
        What isn't found is a seed, or all of the interface; not a preset in either case.
        """
        if isinstance(error, EnvelopeError) and error.status == 404:
            text = "" if error.enveloped else f"there is no {API} at its address; check base_url"
            return ProviderInvalidRequestError(text)
        return None

    @hookimpl
    def audit(self, record: AuditRecord) -> AuditRecord | None:
        """
        Its seeds are seeds of the game, whoever makes them, and always of a preset.
        """
        if record.operation != "generate":
            return None
        preset = record.genoption or record.settings.get("preset")
        return attrs.evolve(record, randomizer="alttpr", gentype="preset", genoption=preset)


async def _submit(wish: Wish, context: Context) -> tuple[Response, str]:
    """
    Ask for a seed; return the first answer, and where the site is.
    """
    async with context.http.post(
        API,
        params={"action": "generate", "preset": wish.preset},
        json=[{"args": wish.arguments}],
        headers=_headers(context),
        allow_redirects=False,  # a redirected POST becomes a GET, which makes nothing
    ) as reply:
        try:
            response = await response_of(reply)
        except EnvelopeError as error:
            if error.status == 404 and error.enveloped:  # a preset is all that it was told
                raise PresetNotFoundError(error.text, status_code=404) from None
            raise
        return response or {}, _site_of(reply)


async def _finished(
    first: Response, key: str, context: Context, *, race: bool
) -> tuple[Response, int | None]:
    """
    Look at the seed until it is done; return it, and how often the site has tried.

    The page of a *race* is looked at even if the first answer is the seed: others see the page.
    """
    attempts = first.get("attempts")

    async def look() -> Response | Pending:
        nonlocal attempts
        async with _page(key, context) as reply:
            response = await response_of(reply)
        # Only a seed that isn't done says that.
        attempts = (response or {}).get("attempts", attempts)
        return judge(response, key)

    # The first answer may be the seed, or nothing but its hash where it is done already.
    if is_seed(first) or first.get("status"):
        state = judge(first, key)
        if not isinstance(state, Pending):
            settled = state.get("status") == FAILED or leak_of(state)
            if settled or not race:
                return state, attempts
    deadline = context.settings.poll_timeout
    found = await context.poll(look, interval=5.0, growth=1.1, longest=10.0, deadline=deadline)
    return found, attempts


def _page(key: str, context: Context) -> aiohttp.client._RequestContextManager:
    params = {"action": "permlink", "hash": key}  # the site spells it so
    return context.http.get(API, params=params, headers=_headers(context))


def _headers(context: Context) -> Mapping[str, str]:
    key = context.settings.api_key
    return {"Authorization": key} if key else {}


def _site_of(reply: aiohttp.ClientResponse) -> str:
    return str(reply.url.with_query(None)).removesuffix(API)


def _facts(state: Response | Pending, response: Response, url: str) -> dict[str, Any]:
    if isinstance(state, Pending):
        return {"url": url, "status": state.status}
    status = "failed" if state.get("status") == FAILED else "finished"
    attempts = response.get("attempts")
    facts = {"code": code_of(response), "version": version_of(response)}
    if status == "failed":
        facts = {"message": response.get("message")}
    race = meta_of(response).get("race")
    return {"url": url, "status": status, **facts, "race": race, **extra_of(response, attempts)}


avianart = Avianart()
