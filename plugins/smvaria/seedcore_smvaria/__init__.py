"""
Seeds of VARIA, the Super Metroid randomizer of varia.run.

A seed takes four requests: the settings that all begin with, a preset of settings over them, a
preset of skills, and the seed itself. For one that nobody may look into, its public page is a
fifth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seedcore import (
    ProviderResponseFormatError,
    Request,
    Rolled,
    Seed,
    SeedRequest,
    hookimpl,
    operation,
    provider,
)
from seedcore_smvaria.options import Options
from seedcore_smvaria.preset import sent_for, settings_of, skills_of
from seedcore_smvaria.reply import roll_of, seed_of
from seedcore_smvaria.shown import Shown, leak_of, page_of
from seedcore_smvaria.site import Settings, ask, check_branch
from seedcore_smvaria.wish import check_name, wish_of

if TYPE_CHECKING:
    from seedcore import Context


@provider(
    base_url="https://varia.run",
    title="VARIA, Super Metroid Randomizer",
    homepage="https://varia.run",
    settings=Settings,
    options=Options,
    presets="presets",
    upstream_presets=True,
    # The call decides the first; the others say nothing to the generator.
    ignored_options=("raceMode", "complexity", "randoPreset"),
)
class Smvaria:
    """
    Makes seeds, and shows the site's presets.
    """

    @hookimpl
    def check(self, request: Request) -> None:
        """
        Refuse what the site would refuse, or ignore without a word.
        """
        if isinstance(request, SeedRequest):
            wish_of(request)
            return
        check_branch(request.arguments.get("branch"))
        if "name" in request.arguments:
            check_name(request.arguments["name"], "name")

    @hookimpl
    async def generate(self, request: SeedRequest, context: Context) -> Seed | Rolled:
        """
        Make a seed.
        """
        wish = wish_of(request)
        branch = request.branch
        if wish.hidden and "seed" in wish.own:
            context.hide(wish.own["seed"])  # the site may repeat it
        sent, passwords = await sent_for(wish, context, branch)
        answer = await ask(
            context, "randomizerWebService", branch=branch, form=sent.form, secrets=passwords
        )
        roll = roll_of(answer, hidden=wish.hidden)
        seed = seed_of(roll, sent, wish, answer.site)
        if not wish.hidden:
            return seed
        if roll.number:
            context.hide(roll.number)
        page = await page_of(roll.key, context, branch)
        return Rolled(seed, shown=Shown(reply=roll.reply, page=page, chance=sent.chance))

    @hookimpl
    def leak(self, shown: Shown) -> str | None:
        """
        Name what the site shows of a seed that nobody may look into.
        """
        return leak_of(shown)

    @operation(effect="read", placeholder=[])
    async def skill_presets(self, context: Context, branch: str | None = None) -> list[str]:
        """
        Return the names of the skills presets, those of the community among them.
        """
        names = (await ask(context, "skillPresetListWebService", branch=branch)).document
        if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
            return names
        text = "its answer is no list of names"
        raise ProviderResponseFormatError(text)

    @operation(effect="read", placeholder={})
    async def skill_preset(
        self, name: str, context: Context, branch: str | None = None
    ) -> dict[str, Any]:
        """
        Return a skills preset, without the password that protects it there.
        """
        return await skills_of(name, context, branch)

    @operation(effect="read", placeholder={})
    async def settings_preset(
        self, name: str, context: Context, branch: str | None = None
    ) -> dict[str, Any]:
        """
        Return a settings preset: settings by the site's names.
        """
        return await settings_of(name, context, branch)


smvaria = Smvaria()
