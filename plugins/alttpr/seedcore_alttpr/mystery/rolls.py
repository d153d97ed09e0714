"""
Rolling a weightset.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Any, Protocol

import attrs

from seedcore import ProviderInvalidRequestError
from seedcore.options import copied
from seedcore_alttpr.mystery import custom_game, doors
from seedcore_alttpr.mystery.catalogue import DEFAULTS, SITE
from seedcore_alttpr.mystery.problems import shown
from seedcore_alttpr.mystery.weightset import Plan, Weightset

PATHS = tuple((name, *path.rpartition(".")[::2]) for name, path in SITE.items())
"""Each option's name here, and its table and name in the site's."""

HIDDEN = frozenset({"name", "notes", "tournament", "spoilers", "race", "mask_settings"})
"""What a preset says of its own game, or what the call decides."""

PROVIDERS: Mapping[str, bool] = {"alttpr": False, "alttprdoor": True}
"""Who makes the games of presets, and whether they are of the Door Randomizer."""


class Found(Protocol):
    """
    A preset, such as ``context.preset("alttpr", name)`` finds.
    """

    @property
    def provider(self) -> str:
        """
        The provider that makes its games.
        """

    @property
    def options(self) -> Mapping[str, Any]:
        """
        The options of its games.
        """

    @property
    def branch(self) -> str | None:
        """
        Where they must be made.
        """


@attrs.frozen(kw_only=True)
class Resolved:
    """
    What a weightset came to, this time.

    ``settings`` are options of the provider ``alttpr``, or with ``doors`` those of ``alttprdoor``.
    ``rolled`` maps the place of each weight to what it came to. It has no item's place in it, but
    it is all that a mystery hides, as ``settings``, ``preset`` and ``branch`` are: never show it
    to who plays the game, least of all in a race, before it is over.
    """

    settings: Mapping[str, Any] = attrs.field(repr=False)
    customizer: bool = False
    doors: bool = False
    branch: str | None = None
    custom_instructions: str | None = None
    preset: str | None = attrs.field(default=None, repr=False)
    rolled: Mapping[str, Any] = attrs.field(factory=dict, repr=False)

    @property
    def provider(self) -> str:
        """
        Who is to make the game.
        """
        return "alttprdoor" if self.doors else "alttpr"


async def resolve(
    weightset: Weightset,
    rng: Random,
    preset: Callable[[str], Awaitable[Found]],
    *,
    masked: bool = False,
) -> Resolved:
    """
    Return one roll of *weightset*; *preset* finds one by its name, if it comes to one.

    With *masked* the game is to hide its settings too (``mask_settings``), which goes together
    with no spoilers. All chance comes from *rng*. Raises whatever *preset* does, and
    ProviderInvalidRequestError for a preset of another game.
    """
    name = weightset.presets.roll(rng) if weightset.presets is not None else None
    if name is None:
        return roll(weightset, rng, masked=masked)
    found = await preset(name)
    if found.provider not in PROVIDERS:
        text = (
            f"the weightset came to the preset {shown(name)}, which is for {found.provider}; only "
            f"presets for {' and '.join(PROVIDERS)} can be rolled"
        )
        raise ProviderInvalidRequestError(text)
    instructions = weightset.instructions
    is_doors = PROVIDERS[found.provider]
    settings = {key: copied(value) for key, value in found.options.items() if key not in HIDDEN}
    if masked:
        settings["mask_settings"] = True
    return Resolved(
        settings=settings,
        customizer=bool(settings.get("customizer")),
        doors=is_doors,
        branch=found.branch,
        custom_instructions=instructions.roll(rng) if instructions is not None else None,
        preset=name,
        rolled={"preset": name},
    )


def roll(weightset: Weightset, rng: Random, *, masked: bool = False) -> Resolved:
    """
    Return one roll of the weights alone, for a weightset that may come to no preset.
    """
    plan, subs = weightset.stage.roll(rng)
    branch: str | None
    rolled: dict[str, Any] = {"subweights": list(subs)} if subs else {}
    if weightset.presets is not None:
        rolled["preset"] = "none"
    values = dict(DEFAULTS)
    for name, weights in plan.options.items():
        rolled[name] = values[name] = weights.roll(rng)
    instructions = plan.instructions.roll(rng) if plan.instructions is not None else None
    if plan.misc.force_doors or any(doors.is_needed(name, values[name]) for name in doors.TRIGGERS):
        settings, is_doors, branch = _doors(plan, values, rng, rolled), True, plan.misc.branch
    else:
        settings, is_doors, branch = _site(plan, values, rng, rolled), False, weightset.branch
    if masked:
        settings["mask_settings"] = True
    return Resolved(
        settings=settings,
        customizer="customizer" in settings,
        doors=is_doors,
        branch=branch,
        custom_instructions=instructions,
        rolled=rolled,
    )


def _doors(
    plan: Plan, values: dict[str, Any], rng: Random, rolled: dict[str, Any]
) -> dict[str, Any]:
    inventory: list[str] = []
    for item, weights in plan.inventory.items():
        rolled[weights.place] = number = weights.roll(rng)
        inventory += [item] * number
    limit = values["startinventorylimit"]
    if limit is not None and len(inventory) > limit:
        inventory = rng.sample(inventory, limit)
    _settle(plan, values, rng, rolled)
    return doors.settings_of(values, inventory, plan.misc.branch)


def _site(
    plan: Plan, values: dict[str, Any], rng: Random, rolled: dict[str, Any]
) -> dict[str, Any]:
    section, drawn = plan.customizer, None
    if section is not None and values["entrance_shuffle"] == "none":
        drawn = section.roll(rng, rolled)
    if drawn is not None:
        custom_game.adjust(values, drawn)
    _settle(plan, values, rng, rolled)
    settings: dict[str, Any] = {"lang": "en", "pseudoboots": values["pseudoboots"]}
    for name, table, option in PATHS:
        (settings.setdefault(table, {}) if table else settings)[option] = values[name]
    if values["allow_quickswap"] is not None:
        settings["allow_quickswap"] = values["allow_quickswap"]
    # A rule may have shuffled the entrances since, which the customizer can't.
    if section is not None and drawn is not None and values["entrance_shuffle"] == "none":
        filler = plan.misc.filler
        settings |= custom_game.settings_of(section, drawn, values, filler=filler, rng=rng)
    return settings


def _settle(plan: Plan, values: dict[str, Any], rng: Random, rolled: dict[str, Any]) -> None:
    """
    Give Link a sword where he might not escape without one, then apply the rules.
    """
    fights = (
        values["enemy_shuffle"] != "none"
        or values["enemy_damage"] != "default"
        or values["enemy_health"] != "default"
    )
    armed = values["weapons"] in ("vanilla", "assured")
    if values["world_state"] == "standard" and fights and not armed:
        values["weapons"] = "assured"
    for rule in plan.rules:
        if rule.fits(values):
            rule.apply(values, rng, rolled)
