"""
The options that a weightset has weights for, and what they may come to.

Some are the site's, under other names; some only the Door Randomizer has; some both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

import attrs

from seedcore_alttpr.mystery.kinds import Choice, Switch, Whole
from seedcore_alttpr.mystery.weights import Kind
from seedcore_alttpr.options import Options

SITE: Mapping[str, str] = {
    "glitches_required": "glitches",
    "item_placement": "item_placement",
    "dungeon_items": "dungeon_items",
    "accessibility": "accessibility",
    "goals": "goal",
    "ganon_open": "crystals.ganon",
    "tower_open": "crystals.tower",
    "world_state": "mode",
    "entrance_shuffle": "entrances",
    "hints": "hints",
    "weapons": "weapons",
    "item_pool": "item.pool",
    "item_functionality": "item.functionality",
    "boss_shuffle": "enemizer.boss_shuffle",
    "enemy_shuffle": "enemizer.enemy_shuffle",
    "enemy_damage": "enemizer.enemy_damage",
    "enemy_health": "enemizer.enemy_health",
    "pot_shuffle": "enemizer.pot_shuffle",
}
"""What the site's options are called in a weightset."""

REQUIRED = tuple(name for name in SITE if name != "pot_shuffle")
"""What every weightset has weights for, unless it rolls nothing but presets."""

NOT_FOR_DOORS = frozenset({"item_placement"})
"""Of those, what the Door Randomizer has no use for."""

ONLY_DOORS: Mapping[str, tuple[str, ...]] = {
    "goals": ("trinity", "crystals", "triforcehunt"),
    "entrance_shuffle": (
        "vanilla",
        "swapped",
        "lite",
        "lean",
        "dungeonsfull",
        "dungeonssimple",
        "restricted_legacy",
        "full_legacy",
        "madness_legacy",
        "insanity_legacy",
    ),
    "boss_shuffle": ("unique",),
    "enemy_shuffle": ("legacy",),
    "enemy_health": ("normal",),
}
"""Values that the Door Randomizer has and the site hasn't."""

NEVER_DOORS: Mapping[str, tuple[str, ...]] = {"item_pool": ("crowd_control",)}
"""Values that the site has and the Door Randomizer hasn't."""

IN_DOORS = "with the Door Randomizer"
POTTERY = (
    "none",
    "keys",
    "dungeon",
    "cave",
    "cavekeys",
    "reduced",
    "clustered",
    "nonempty",
    "lottery",
)


@attrs.frozen(kw_only=True)
class Option:
    """
    What an option may come to, and what it is without weights.
    """

    kind: Kind
    default: Any = None


def _site_values(path: str) -> tuple[str, ...]:
    """
    Return what the site has for an option of ours, such as ``crystals.ganon``.
    """
    kind: Any = Options
    for name in path.split("."):
        kind = attrs.fields_dict(attrs.resolve_types(kind))[name].type
    literal = next(each for each in get_args(kind) if get_origin(each) is Literal)
    return get_args(literal)


def _switches(*names: str, default: bool | None = False) -> dict[str, Option]:
    return {name: Option(kind=Switch(), default=default) for name in names}


def _choice(*values: str, default: str) -> Option:
    return Option(kind=Choice(values), default=default)


_SITE_OPTIONS = {
    name: Option(
        kind=Choice(_site_values(path), ONLY_DOORS.get(name, ()), IN_DOORS),
        default="off" if name == "pot_shuffle" else None,
    )
    for name, path in SITE.items()
}

# Without weights of their own these follow dungeon_items.
_KEYS_OF_DUNGEONS = {
    **_switches("mapshuffle", "compassshuffle", "bigkeyshuffle", "keysanity", default=None),
    "keyshuffle": Option(kind=Choice(("on", "off", "none", "wild", "universal"))),
}

OPTIONS: Mapping[str, Option] = {
    **_SITE_OPTIONS,
    **_switches("pseudoboots"),
    # Without weights the call says it.
    **_switches("allow_quickswap", default=None),
    "door_shuffle": _choice("vanilla", "basic", "partitioned", "crossed", default="vanilla"),
    **_switches("keydropshuffle", "shopsanity", "collection_rate", "bombbag"),
    "dropshuffle": _choice("on", "off", "none", "keys", "underworld", default="off"),
    "pottery": _choice(*POTTERY, default="none"),
    **_KEYS_OF_DUNGEONS,
    **_switches("colorizepots", "experimental", "shufflelinks"),
    "algorithm": _choice(
        "balanced", "vanilla_fill", "major_only", "dungeon_only", "district", default="balanced"
    ),
    "timer": _choice(
        "none", "display", "timed", "timed-ohko", "ohko", "timed-countdown", default="none"
    ),
    "dungeon_counters": _choice("default", "on", "off", "pickup", default="default"),
    "restrict_boss_items": _choice("none", "mapcompass", "dungeon", default="none"),
    "overworld_map": _choice("default", "compass", "map", default="default"),
    "intensity": _choice("1", "2", "3", "random", default="2"),
    "beemizer": _choice("0", "1", "2", "3", "4", default="0"),
    "triforce_pool": Option(kind=Whole(0, 216), default=0),
    "triforce_goal": Option(kind=Whole(0, 216), default=0),
    "startinventorylimit": Option(kind=Whole(0, 216)),
}
"""All that has weights of its own, in the order in which it is rolled."""

DEFAULTS: Mapping[str, Any] = {name: option.default for name, option in OPTIONS.items()}

IN_RULES: Mapping[str, str] = {
    **{name: name for name in OPTIONS if name != "startinventorylimit"},
    "glitches": "glitches_required",
}
"""What rules call the options; the limit has been applied when rules are."""

OUTSIDE = ("rom.", "item.", "region.", "prize.", "spoil.")
"""How names begin that stand two levels too high: they are of customizer.custom."""
