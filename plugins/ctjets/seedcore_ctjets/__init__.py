"""
Seeds of Jets of Time, the Chrono Trigger randomizer of ctjot.com.

The site has pages for people and no interface: a form is opened for its token and cookie, filled
in and sent, and the seed is where the answer leads to.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from seedcore import (
    ProviderCapabilityError,
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
from seedcore_ctjets.fields import NEWEST
from seedcore_ctjets.form import Wish, id_of, version_of, wish_of
from seedcore_ctjets.options import Options, Settings
from seedcore_ctjets.page import Form, shows_spoiler, summary_of
from seedcore_ctjets.rom import SET_ROM, Rom
from seedcore_ctjets.site import (
    DENIED,
    HOSTS,
    NOTHING,
    folder_of,
    log_of,
    make,
    open_form,
    shared,
)

if TYPE_CHECKING:
    from seedcore import Context


@provider(
    base_url="https://ctjot.com",
    hosts=HOSTS,
    title="Chrono Trigger: Jets of Time",
    homepage="https://ctjot.com",
    settings=Settings,
    options=Options,
    open_options="fields",
    presets="presets",
    ignored_options=("spoiler_log",),
)
class CtJets:
    """
    Makes seeds, and looks at those that exist.
    """

    def __init__(self) -> None:
        self._rom = Rom()

    @hookimpl
    def check(self, request: Request) -> None:
        """
        Refuse what no form takes, what the known form doesn't have, and what can't be an id.
        """
        if isinstance(request, SeedRequest):
            wish_of(request)
            return
        id_of(request.arguments.get("id"))
        version_of(request.arguments.get("version", NEWEST))

    @hookimpl
    async def generate(self, request: SeedRequest, context: Context) -> Seed | Rolled:
        """
        Fill in the form of a version, and return the seed that comes of it.
        """
        wish = wish_of(request)
        async with self._rom_for(wish, context.settings) as rom:
            opened = await open_form(context, wish.version)
            _compare(wish, opened.form)
            made = await make(wish, opened, rom, context)
        log = made.beside(f"spoiler_log/{made.id}")
        seed = Seed(
            url=made.url,
            id=made.id,
            version=wish.version,
            spoiler_url=None if wish.hidden else f"{log}.txt",
            settings=wish.recorded,
        )
        if wish.hidden:
            # Before 3.2.0 there was none to ask for.
            old, address = wish.is_older, f"{log}.json"
            answer = await context.poll(lambda: log_of(context, address, wish.version, missing=old))
            return Rolled(seed, shown={"page": made.page, "spoiler_log": answer})
        if not shows_spoiler(made.page):
            text = "spoilers are on, and the page of its seed has no spoiler log"
            raise ProviderResponseFormatError(text)
        return seed

    @hookimpl
    def leak(self, shown: Mapping[str, Any]) -> str | None:
        """
        Name the spoiler that a seed's page has, or that its address gives to everybody.
        """
        found = []
        if shows_spoiler(shown["page"]):
            found.append("where key items, characters and bosses are")
        if shown["spoiler_log"] not in (NOTHING, DENIED):
            found.append("its spoiler log to whoever asks for that")
        return " and ".join(found) or None

    @operation(effect="read")
    async def seed(self, context: Context, id: str, version: str = NEWEST) -> Seed:  # noqa: A002 - its name there
        """
        Return a seed as its page shows it: extra has the settings, and whether it is for a race.
        """
        version = version_of(version)
        path = f"{folder_of(context, version)}share/{id_of(id)}/"
        made = await shared(context, path, version, id)
        spoiler = shows_spoiler(made.page)
        return Seed(
            url=made.url,
            id=made.id,
            version=version,
            spoiler_url=made.beside(f"spoiler_log/{made.id}.txt") if spoiler else None,
            extra={"race": not spoiler, "summary": summary_of(made.page)},
        )

    @operation(effect="read", placeholder={})
    async def spoiler(self, context: Context, id: str, version: str = NEWEST) -> dict[str, Any]:  # noqa: A002 - the same
        """
        Return the spoiler log of a seed that isn't for a race.
        """
        version = version_of(version)
        path = f"{folder_of(context, version)}spoiler_log/{id_of(id)}.json"
        answer = await log_of(context, path, version)
        if answer == DENIED:
            text = "it is a race seed, whose spoiler log nobody gets"
            raise ProviderInvalidRequestError(text)
        return dict(answer)

    @asynccontextmanager
    async def _rom_for(self, wish: Wish, settings: Settings) -> AsyncIterator[BinaryIO | None]:
        """
        Open the ROM if the version reads it, before anything is sent.
        """
        wanted = wish.is_older if settings.upload == "older" else settings.upload == "always"
        if not wanted:
            yield None
        elif settings.rom is None:
            text = f"upload sends the ROM to all versions, and there is none: {SET_ROM}"
            if wish.is_older:
                text = f"version {wish.version} of the site reads the ROM: {SET_ROM}"
                text += f", or ask for version {NEWEST}"
            raise ProviderCapabilityError(text)
        else:
            async with self._rom.opened(settings.rom) as rom:
                yield rom


def _compare(wish: Wish, form: Form) -> None:
    """
    Refuse fields that the form doesn't have: the site would ignore them and make another seed.
    """
    unknown = [name for name, text in wish.fields.items() if text and name not in form.names]
    if not unknown or not form.names:
        return
    called = f", which calls itself {form.version}," if form.version else ""
    text = (
        f"the form of version {wish.version} there{called} has no fields {', '.join(unknown)}, and "
        "would ignore them; ask for the version that has them, or leave them out"
    )
    raise ProviderInvalidRequestError(text)


ctjets = CtJets()
