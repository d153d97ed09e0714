"""
Seeds of samus.link: Super Metroid (``sm``), and Super Metroid with A Link to the Past (``smz3``).

Both randomizers speak one dialect. A seed that is for a race, or that was asked for without
spoilers, is made so that the site shows its contents to nobody who hasn't got its key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from seedcore import (
    AuditRecord,
    ProviderCapabilityError,
    ProviderError,
    ProviderInvalidRequestError,
    Request,
    Rolled,
    Seed,
    SeedRequest,
    hookimpl,
    operation,
    provider,
)
from seedcore_samus import players, reply as answers, site
from seedcore_samus.identity import guid_of
from seedcore_samus.options import LABEL, SmOptions, Smz3Options, recorded, settings_of
from seedcore_samus.shown import Shown, leak_of, log_of, new_key, rolled
from seedcore_samus.site import SmSettings, Smz3Settings, address, raise_for_refusal, root

if TYPE_CHECKING:
    from seedcore import Context

THE_CALL_DECIDES = ("race", "spoilers", "tournament")
"""Settings of older documents about which a call has a say of its own."""


class Samus:
    """
    One randomizer of the site.
    """

    randomizer: ClassVar[str]
    writes_yaml: ClassVar[bool]
    """Whether its spoiler logs can be had as YAML."""

    def __init__(self, new_key: Callable[[], str] = new_key) -> None:
        self._new_key = new_key

    @hookimpl
    def check(self, request: Request) -> None:
        """
        Refuse what the site would answer with an empty failure, or with another seed.
        """
        if isinstance(request, SeedRequest):
            self._check_seed(request)
        else:
            self._check_arguments(request.arguments)

    def _check_seed(self, request: SeedRequest) -> None:
        options = request.options
        if request.branch is not None:
            text = "it has no branches; another release of the site is the option release"
            raise ProviderInvalidRequestError(text)
        players.check(options.names, options.players, options.gamemode)
        if options.spoiler_key is not None and request.spoilers == "on":
            text = "with spoilers on everybody can read the log: leave spoiler_key out"
            raise ProviderInvalidRequestError(text)

    def _check_arguments(self, arguments: Mapping[str, Any]) -> None:
        release, key, yaml = (arguments.get(name) for name in ("release", "key", "yaml"))
        if "id" in arguments:
            guid_of(arguments["id"])
        if release is not None and not (isinstance(release, str) and LABEL.fullmatch(release)):
            text = "release must be 1 to 63 letters, digits and hyphens, such as beta"
            raise ProviderInvalidRequestError(text)
        if key is not None and not (isinstance(key, str) and key.isprintable() and key):
            text = "key must be a text of one line"
            raise ProviderInvalidRequestError(text)
        if yaml not in (None, True, False):
            text = "yaml must be true or false"
            raise ProviderInvalidRequestError(text)
        if yaml and not self.writes_yaml:
            text = "it writes its logs only as JSON; leave yaml out"
            raise ProviderCapabilityError(text)

    @hookimpl
    async def generate(self, request: SeedRequest, context: Context) -> Seed | Rolled:
        """
        Make a seed.
        """
        options, hidden = request.options, request.spoilers != "on"
        sent = settings_of(options, race=hidden)
        if hidden and options.seed:
            # Who knows it and the settings can make the game anew. Zeros before it don't count.
            context.hide(options.seed.lstrip("0"))
        key = options.spoiler_key
        if key is None and request.spoilers == "delayed":
            key = self._new_key()
        document, here = await self._asked(context, options.release, sent, key)
        made = answers.stored(document)
        answers.check_made(made, self.randomizer, sent)
        seed = Seed(
            url=made.permalink(here),
            id=made.slug,
            code=made.code,
            version=made.version,
            spoiler_url=None if hidden else self._log_of(made.guid, here),
            settings=recorded(sent, hidden=hidden),
            extra=_extra(made),
        )
        if not hidden:
            return seed
        return await rolled(seed, document, request, context, key=key, yaml=self.writes_yaml)

    async def _asked(
        self, context: Context, release: str | None, sent: Mapping[str, str], key: str | None
    ) -> tuple[Any, str]:
        """
        Ask for a seed; return the answer, and where the site is.
        """
        if key is not None:
            context.hide(key)
            sent = {**sent, "spoilerKey": key}
        path = f"api/randomizers/{self.randomizer}/generate"
        url = address(context.settings, release, path)
        # A redirect that is followed makes the POST a GET.
        async with context.http.post(url, json=sent, allow_redirects=False) as reply:
            await raise_for_refusal(reply)
            return await answers.document(reply), root(reply.url, path)

    @hookimpl
    def leak(self, shown: Shown) -> str | None:
        """
        Neither the answer nor the log without a key shows anything.
        """
        return leak_of(shown)

    def _log_of(self, guid: str, here: str) -> str:
        # Without saying which form it has, a log of smz3 would be a page of JSON.
        return f"{here}/api/spoiler/{guid}?yaml={str(self.writes_yaml).lower()}"

    @operation(effect="read", placeholder={})
    async def seed(
        self,
        context: Context,
        id: str,  # noqa: A002 - as the Seed calls it
        release: str | None = None,
    ) -> Mapping[str, Any]:
        """
        Return what is known of a seed, by its slug or guid: url, code, version, settings, players.
        """
        path = f"api/seed/{guid_of(id)}"
        async with context.http.get(address(context.settings, release, path)) as reply:
            await raise_for_refusal(reply)
            found = answers.stored(await answers.document(reply))
            here = root(reply.url, path)
        return {
            "id": found.slug,
            "url": found.permalink(here),
            "randomizer": found.randomizer,
            "code": found.code,
            "version": found.version,
            "settings": dict(found.settings),
            **_extra(found),
        }

    @operation(effect="read", placeholder={})
    async def spoiler(
        self,
        context: Context,
        id: str,  # noqa: A002 - as the Seed calls it
        key: str | None = None,
        yaml: bool = False,  # noqa: FBT001, FBT002 - arguments of operations are passed by name
        release: str | None = None,
    ) -> Mapping[str, Any] | str:
        """
        Return the spoiler log of a seed, of a race only with its key; as YAML only for smz3.
        """
        if key is not None:
            context.hide(key)
        return await log_of(context, guid_of(id), release, key=key, yaml=yaml)

    @operation(effect="read")
    async def options(
        self, context: Context, release: str | None = None
    ) -> list[Mapping[str, Any]]:
        """
        Return the site's own list of options: key, description, type, values, default.
        """
        path = f"api/randomizers/{self.randomizer}"
        async with context.http.get(address(context.settings, release, path)) as reply:
            await raise_for_refusal(reply)
            return await answers.catalogue(reply)

    @hookimpl
    def map_error(self, error: Exception, request: Request) -> ProviderError | None:
        """
        Put words to the refusals that come without any.
        """
        return site.meaning(error, request.operation)

    @hookimpl
    def audit(self, record: AuditRecord) -> AuditRecord:
        """
        Tell multiworlds apart, and call the randomizer as the site does.
        """
        many = record.settings.get("gamemode") == "multiworld"
        gentype = "multiworld" if many else record.gentype
        return attrs.evolve(record, randomizer=self.randomizer, gentype=gentype)


def _extra(seed: answers.Stored) -> Mapping[str, Any]:
    """
    Return what a surface may show beside link and code.
    """
    extra: dict[str, Any] = {"guid": seed.guid, "mode": seed.mode, "players": len(seed.players)}
    if seed.mode == "multiworld":
        extra["names"] = list(seed.players)
    if seed.number:
        extra["seed_number"] = seed.number
    return extra


@provider(
    base_url="https://sm.samus.link",
    title="Super Metroid Item Randomizer",
    homepage="https://sm.samus.link",
    settings=SmSettings,
    options=SmOptions,
    presets="presets/sm",
    ignored_options=THE_CALL_DECIDES,
    delayed=True,
)
class Sm(Samus):
    """
    The Super Metroid item randomizer.
    """

    randomizer = "sm"
    writes_yaml = False


@provider(
    base_url="https://samus.link",
    title="Super Metroid & A Link to the Past Combo Randomizer",
    homepage="https://samus.link",
    settings=Smz3Settings,
    options=Smz3Options,
    presets="presets/smz3",
    ignored_options=THE_CALL_DECIDES,
    delayed=True,
)
class Smz3(Samus):
    """
    Super Metroid and A Link to the Past in one game.
    """

    randomizer = "smz3"
    writes_yaml = True


sm = Sm()
smz3 = Smz3()

__all__ = ["Samus", "Sm", "Smz3", "sm", "smz3"]
