"""
Games of alttpr.com, the randomizer of A Link to the Past, and of its branches.

``POST api/randomizer`` and ``api/customizer`` make a new game every time. The site never
refuses a flag that it doesn't understand, so every answer is compared with what was asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random, SystemRandom
from typing import TYPE_CHECKING, Any

import attrs

from seedcore import (
    ProviderCapabilityError,
    ProviderError,
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
from seedcore_alttpr.body import body_of, check_options, placed, recorded
from seedcore_alttpr.game import HASH, Game, check_game, read_game, settings_of
from seedcore_alttpr.mysteries import Weights, check_weights, check_wish, game_of, rolled
from seedcore_alttpr.options import Options
from seedcore_alttpr.site import Settings, ask, check_branch
from seedcore_alttpr.spoiler import logs_of, shown_in

if TYPE_CHECKING:
    from seedcore import Context

SYSTEM = SystemRandom()
"""Where forced items go: nobody can guess that."""


@provider(
    base_url="https://alttpr.com",
    title="A Link to the Past Randomizer",
    homepage="https://alttpr.com",
    settings=Settings,
    options=Options,
    # Games that can't be won are bad luck, and more common than sites that are down.
    policy={"retry_max_attempts": 5},
    presets="presets",
    # Older documents have these; the first two the call decides, the third nobody reads.
    ignored_options=("tournament", "spoilers", "version"),
    delayed=True,
)
class Alttpr:
    """
    Makes games, looks them up, and lists what can be chosen.

    *rng* draws the locations of forced items, and what the options of mysteries come to.
    """

    def __init__(self, rng: Random = SYSTEM) -> None:
        self._rng = rng

    @hookimpl
    def check(self, request: Request) -> None:
        """
        Refuse what the site would answer with a crash, or with another game.
        """
        if isinstance(request, SeedRequest):
            check_branch(request.branch)
            check = check_weights if request.operation == "mystery" else check_options
            check(request)
            return
        if request.operation == "resolve":
            check_wish(request.arguments)
            return
        check_branch(request.arguments.get("branch"))
        if "hash" not in request.arguments:
            return
        found = request.arguments["hash"]
        if not (isinstance(found, str) and HASH.fullmatch(found)):
            text = "a hash is the last part of a permalink: 10 to 40 letters and digits"
            raise ProviderInvalidRequestError(text)

    @hookimpl
    def leak(self, shown: Mapping[str, Game], request: SeedRequest) -> str | None:
        """
        Name what the site shows of a game whose spoiler is to be hidden.
        """
        return shown_in(shown, masked=getattr(request.options, "mask_settings", False))

    @hookimpl
    async def generate(self, request: SeedRequest, context: Context) -> Rolled:
        """
        Make a game.
        """
        options: Options = request.options
        body = body_of(request)
        settings = recorded(body, options)
        if options.forced_locations:
            body["l"] = placed(body["l"], options.forced_locations, self._rng)
        path = "api/customizer" if options.customizer else "api/randomizer"
        path = f"festive/{path}" if options.festive else path
        answer = await ask(context, path, branch=request.branch, body=body)
        game = read_game(answer.document)
        delayed = request.spoilers == "delayed"
        # What only whoever asked for it gets, nobody else is shown.
        shown = {} if delayed else {"its answer": game}
        hidden = request.spoilers != "on"
        if not (hidden and self.leak(shown, request)):
            check_game(game, body, customizer=options.customizer)
            if hidden and (request.race or delayed):
                shown["its page"] = await _page(context, game.hash, request.branch)
        public = shown["its page"] if delayed else game
        seed = public.seed(answer.site, settings, customizer=options.customizer)
        logs = logs_of(game, seed.text) if delayed else {}
        return Rolled(seed, shown=shown, logs=logs)

    @operation(
        effect="repeatable",
        rolls=True,
        options=Weights,
        open_options="weights",
        presets="weightsets",
        whole_documents=True,
    )
    async def mystery(self, request: SeedRequest, context: Context) -> Rolled:
        """
        Make a game whose options are rolled by weights; ``alttprdoor`` makes it if they say so.
        """
        weights = request.options.weights
        roll = await rolled(weights, self._rng, context, provider=request.provider)
        # Whoever made it has judged what is shown of it.
        return Rolled(await game_of(roll, request, context), shown={})

    @operation(effect="read", placeholder={})
    async def resolve(
        self,
        request: Request,
        context: Context,
        weightset: str | None = None,
        weights: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """
        Roll a weightset, by its name or as a document, and return what came of it; makes no game.
        """
        if weightset is not None:
            found = await context.preset(f"{request.provider}mystery", weightset)
            weights = {**found.options, "branch": found.branch}
        assert weights is not None
        roll = await rolled(weights, self._rng, context, provider=request.provider)
        return {"provider": roll.provider, **attrs.asdict(roll, recurse=False)}

    @operation(effect="read")
    async def game(self, hash: str, context: Context, branch: str | None = None) -> Seed:  # noqa: A002
        """
        Return the game with a hash; ``extra["spoiler"]`` is what the site shows of its spoiler.
        """
        game, site = await _kept(context, hash, branch)
        return game.seed(site, settings_of(game), spoiler=dict(game.spoiler) or None)

    @operation(effect="read")
    async def daily(self, context: Context, branch: str | None = None) -> Seed:
        """
        Return today's game, with its day in ``extra["daily"]``.
        """
        today = (await ask(context, "api/daily", branch=branch)).document
        found = today.get("hash") if isinstance(today, Mapping) else None
        if not (isinstance(found, str) and HASH.fullmatch(found)):
            text = "its daily game has no hash"
            raise ProviderResponseFormatError(text)
        game, site = await _kept(context, found, branch)
        return game.seed(site, settings_of(game), daily=str(today.get("daily") or ""))

    @operation(effect="read")
    async def settings(self, context: Context, branch: str | None = None) -> dict[str, Any]:
        """
        Return the catalogue of the randomizer's options.
        """
        return _table((await ask(context, "randomizer/settings", branch=branch)).document)

    @operation(effect="read")
    async def customizer_settings(
        self, context: Context, branch: str | None = None
    ) -> dict[str, Any]:
        """
        Return the catalogue of the customizer: its locations, items and drops.
        """
        return _table((await ask(context, "customizer/settings", branch=branch)).document)

    @operation(effect="read")
    async def patch(self, hash: str, context: Context, branch: str | None = None) -> dict[str, Any]:  # noqa: A002
        """
        Return which base patch a game needs: ``hash``, ``md5`` and ``bpsLocation``.
        """
        pointer = _table((await ask(context, f"api/h/{hash}", branch=branch)).document)
        texts = [pointer.get(name) for name in ("md5", "bpsLocation")]
        if pointer.get("hash") == hash and all(isinstance(text, str) for text in texts):
            return pointer
        text = "it doesn't say which base patch the game needs"
        raise ProviderResponseFormatError(text)

    @hookimpl
    def map_error(self, error: Exception, request: Request) -> ProviderError | None:
        """
        Say what isn't there, which the site's 404 doesn't.
        """
        if getattr(error, "status", None) != 404:
            return None
        if isinstance(request, SeedRequest) and getattr(request.options, "festive", False):
            text = "it has no festive randomizer at this time of the year; leave festive off"
            return ProviderCapabilityError(text, status_code=404)
        if "hash" in request.arguments:
            text = f"no game has the hash {request.arguments['hash']} there"
            return ProviderInvalidRequestError(text, status_code=404)
        if request.operation == "daily":
            return ProviderInvalidRequestError("it has no game for today", status_code=404)
        text = (
            "nothing is there where it was asked; check its address (base_url, or that of the "
            "branch)"
        )
        return ProviderInvalidRequestError(text, status_code=404)


async def _kept(context: Context, found: str, branch: str | None) -> tuple[Game, str]:
    """
    Return the game that the site keeps under a hash, and the site.
    """
    answer = await ask(context, f"hash/{found}", branch=branch)
    game = read_game(answer.document)
    if game.hash != found:
        text = "it answered with another game than was asked for"
        raise ProviderResponseFormatError(text)
    return game, answer.site


async def _page(context: Context, found: str, branch: str | None) -> Game:
    """
    Return what everybody can read of a game. It is asked again by itself: the game is made.
    """

    async def look() -> Game:
        try:
            return (await _kept(context, found, branch))[0]
        except Exception as error:
            if getattr(error, "status", None) != 404:
                raise
        # It may come to know the game yet, which another one would not mend.
        text = "it doesn't have the game that it made, so that nobody can tell what it shows of it"
        raise ProviderResponseFormatError(text, status_code=404, retryable=True)

    return await context.poll(look)


def _table(document: object) -> dict[str, Any]:
    if isinstance(document, dict) and document:
        return document
    text = "it answered with something that is no list of what it has"
    raise ProviderResponseFormatError(text)


alttpr = Alttpr()
