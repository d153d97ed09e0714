"""
What can be asked of the site: its request body, and how seedcore makes one.

``None`` is not sent, so that the site's own default holds, which may change with its builds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import attrs

from seedcore import SettingsError, setting

Crystal = Literal["0", "1", "2", "3", "4", "5", "6", "7", "random"]
Switch = Literal["on", "off"]

_LANGUAGE = re.compile(r"[a-z]{2,3}([_-][A-Za-z]{2,4})?")


def mapping(value: object) -> Mapping[str, Any] | None:
    """
    Return *value* as a mapping; an empty list is one, since PHP writes them so.
    """
    if value is None:
        return None
    if isinstance(value, Mapping):
        # A pack of drops is called "0", which YAML reads as a number.
        return {str(key): item for key, item in value.items()}
    if value == []:
        return {}
    msg = "must be a mapping of names to values"
    raise SettingsError(msg)


def five_icons(_: object, field: attrs.Attribute[Any], value: object) -> None:
    """
    Check that *value* is a file-select code.
    """
    icons = value if isinstance(value, tuple) else ()
    if len(icons) != 5 or any(icon not in range(32) for icon in icons):
        msg = f"{field.name} must be exactly five numbers from 0 to 31"
        raise SettingsError(msg)


def language(_: object, field: attrs.Attribute[Any], value: object) -> None:
    """
    Check that *value* can be the name of a language.
    """
    if not (isinstance(value, str) and _LANGUAGE.fullmatch(value)):
        msg = f"{field.name} must be a language such as en, de or pt_BR"
        raise SettingsError(msg)


def between(low: int, high: int) -> Any:
    """
    Return a check for a whole number from *low* to *high*.
    """

    def check(_: object, field: attrs.Attribute[Any], value: object) -> None:
        if not (isinstance(value, int) and low <= value <= high):
            msg = f"{field.name} must be a whole number from {low} to {high}"
            raise SettingsError(msg)

    return check


@attrs.frozen(kw_only=True)
class Crystals:
    """
    How many crystals open the way.
    """

    ganon: Crystal | None = setting(None, help="to hurt Ganon; the site's default is 7")
    tower: Crystal | None = setting(None, help="to enter his tower; the site's default is 7")


@attrs.frozen(kw_only=True)
class Items:
    """
    Which items there are, and how well they work.
    """

    pool: Literal["normal", "hard", "expert", "crowd_control"] | None = setting(
        None, help="the items; the site's default is normal"
    )
    functionality: Literal["normal", "hard", "expert"] | None = setting(
        None, help="how well they work; the site's default is normal"
    )


@attrs.frozen(kw_only=True)
class Enemizer:
    """
    What happens to bosses, enemies and pots.
    """

    boss_shuffle: Literal["none", "simple", "full", "random"] | None = setting(
        None, help="the site's default is none"
    )
    enemy_shuffle: Literal["none", "shuffled", "random"] | None = setting(
        None, help="the site's default is none"
    )
    enemy_damage: Literal["default", "shuffled", "random"] | None = setting(
        None, help="the site's default is default"
    )
    enemy_health: Literal["default", "easy", "hard", "expert"] | None = setting(
        None, help="the site's default is default"
    )
    pot_shuffle: Switch | None = setting(None, help="the site's default is off")


@attrs.frozen(kw_only=True)
class ForcedItem:
    """
    An item that goes to a location drawn from a list, which is done here and not by the site.
    """

    item: str = setting(help="the item, such as BigKeyA2:1")
    locations: tuple[str, ...] = setting(help="where it may go, as the keys of l")
    quantity: int = setting(1, help="how many of it", validator=between(0, 230))
    chance: int = setting(100, help="per cent, for each of them", validator=between(0, 100))
    override: bool = setting(True, help="false: nothing is placed")


@attrs.frozen(kw_only=True)
class Options:
    """
    The options of ``generate``; a preset's settings have the same shape.
    """

    glitches: (
        Literal["none", "overworld_glitches", "hybrid_major_glitches", "major_glitches", "no_logic"]
        | None
    ) = setting(None, help="glitches that may be needed; the site's default is none")
    item_placement: Literal["basic", "advanced"] | None = setting(
        None, help="the site's default is basic"
    )
    dungeon_items: Literal["standard", "mc", "mcs", "full"] | None = setting(
        None, help="maps, compasses, small and big keys that leave their dungeon; default standard"
    )
    accessibility: Literal["items", "locations", "none"] | None = setting(
        None, help="what can be reached for sure; the site's default is items"
    )
    goal: (
        Literal[
            "ganon",
            "fast_ganon",
            "dungeons",
            "pedestal",
            "triforce-hunt",
            "ganonhunt",
            "completionist",
        ]
        | None
    ) = setting(None, help="the site's default is ganon")
    crystals: Crystals = setting(attrs.Factory(Crystals), help="crystals that are needed")
    mode: Literal["standard", "open", "inverted", "retro"] | None = setting(
        None, help="the state of the world; the site's default is standard"
    )
    entrances: Literal["none", "simple", "restricted", "full", "crossed", "insanity"] | None = (
        setting(None, help="the shuffle of entrances; the site's default is none")
    )
    weapons: Literal["randomized", "assured", "vanilla", "swordless"] | None = setting(
        None, help="where swords are; the site's default is randomized"
    )
    hints: Switch | None = setting(None, help="hints on tiles; the site's default is on")
    item: Items = setting(attrs.Factory(Items), help="the items")
    enemizer: Enemizer = setting(attrs.Factory(Enemizer), help="bosses, enemies and pots")
    allow_quickswap: bool | None = setting(
        None, help="whether items may be swapped quickly; the site's default is true"
    )
    pseudoboots: bool | None = setting(None, help="the site's default is false")
    override_start_screen: tuple[int, ...] | None = setting(
        None,
        help="the five icons of the file-select code, as numbers from 0 to 31",
        validator=attrs.validators.optional(five_icons),
    )
    name: str | None = setting(None, help="a title; the site keeps 100 bytes")
    notes: str | None = setting(None, help="text in Markdown; the site keeps 300 bytes")
    lang: str | None = setting(
        None,
        help="the language of the texts in the game",
        validator=attrs.validators.optional(language),
    )
    customizer: bool = setting(False, help="whether the options below are taken")
    custom: Mapping[str, Any] | None = setting(
        None, help="customizer: its switches and item counts, dotted or nested", converter=mapping
    )
    l: Mapping[str, Any] | None = setting(  # noqa: E741 - the site's own name
        None, help="customizer: location to item, as in its catalogue", converter=mapping
    )
    eq: tuple[str, ...] | None = setting(None, help="customizer: items to start with")
    drops: Mapping[str, Any] | None = setting(
        None, help="customizer: what enemies drop, a list for each pack", converter=mapping
    )
    texts: Mapping[str, Any] | None = setting(
        None, help="customizer: texts of the game", converter=mapping
    )
    forced_locations: tuple[ForcedItem, ...] = setting(
        (), help="customizer: items whose location is drawn from a list"
    )
    quickswap: bool | None = setting(
        None, help="allow_quickswap for where the preset doesn't say it"
    )
    festive: bool = setting(False, help="the festive randomizer, when the site has one")
    mask_settings: bool = setting(False, help="hide the settings from players too")


NOT_SENT = frozenset({"customizer", "forced_locations", "quickswap", "festive", "mask_settings"})
"""Options that say what to do here, not on the site."""

CUSTOMIZER_ONLY = ("custom", "l", "eq", "drops", "texts", "forced_locations")
