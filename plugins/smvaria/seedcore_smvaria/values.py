"""
The values that the site takes, and how what people write becomes one of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from seedcore import SettingsError

MOST_OBJECTIVES = 18
LARGEST_SEED = 2**63 - 1

LOGICS = ("vanilla", "mirror")
SPLITS = ("Full", "FullWithHUD", "Major", "Chozo", "Scavenger")
SPEEDS = ("slowest", "slow", "medium", "fast", "fastest", "basic", "VARIAble", "speedrun")
DIFFICULTIES = ("easier", "normal", "harder")
MORPHS = ("early", "late", "normal")
ENERGIES = ("dread", "ultra sparse", "sparse", "medium", "vanilla")
SUITS = ("Vanilla", "Balanced", "Progressive")
AREAS = ("off", "full", "light")
TOURIANS = ("Vanilla", "Fast", "Disabled")
STARTS = (
    "Ceres",
    "Landing Site",
    "Gauntlet Top",
    "Green Brinstar Elevator",
    "Big Pink",
    "Etecoons Supers",
    "Wrecked Ship Main",
    "Firefleas Top",
    "Business Center",
    "Bubble Mountain",
    "Mama Turtle",
    "Watering Hole",
    "Aqueduct",
    "Red Brinstar Elevator",
    "Golden Four",
)
OBJECTIVES = (
    "nothing",
    *(f"kill {boss}" for boss in ("kraid", "phantoon", "draygon", "ridley")),
    *(f"kill {count} G4" for count in ("one", "two", "three", "all")),
    *(f"kill {boss}" for boss in ("spore spawn", "botwoon", "crocomire", "golden torizo")),
    "kill one miniboss",
    "kill two minibosses",
    "kill three minibosses",
    "kill all mini bosses",
    *(f"collect {part}% items" for part in (25, 50, 75, 100)),
    "collect all upgrades",
    *(f"explore {part}% map" for part in (25, 50, 75, 100)),
    *(
        f"{what} {area}"
        for what in ("clear", "explore")
        for area in (
            "crateria",
            "green brinstar",
            "red brinstar",
            "wrecked ship",
            "kraid's lair",
            "upper norfair",
            "croc's lair",
            "lower norfair",
            "west maridia",
            "east maridia",
        )
    ),
    "tickle the red fish",
    "kill the orange geemer",
    "kill shaktool",
    "activate chozo robots",
    "visit the animals",
    "kill king cacatac",
    *(
        f"kill all {enemies}"
        for enemies in (
            "space pirates",
            "ki hunters",
            "beetoms",
            "cacatacs",
            "kagos",
            "yapping maws",
        )
    ),
)
LAYOUT_PATCHES = (
    "door_indicators_plms",
    "dachora",
    "early_super_bridge",
    "high_jump",
    "moat",
    "spospo_save",
    "nova_boost_platform",
    "red_tower",
    "spazer",
    "climb_supers",
    "brinstar_map_room",
    "kraid_save",
    "mission_impossible",
)
AREA_PATCHES = (
    "area_rando_gate_caterpillar",
    "area_rando_gate_east_tunnel",
    "area_layout_ln_exit",
    "area_rando_gate_crab_tunnel",
    "area_rando_gate_greenhillzone",
    "east_ocean",
    "aqueduct_bomb_blocks",
    "area_layout_east_tunnel",
    "area_layout_caterpillar",
    "area_layout_single_chamber",
    "area_layout_crab_hole",
)
TWEAKS = ("WS_Etank", "LN_Chozo", "bomb_torizo")

_NUMBER = re.compile(r"[0-9]{1,19}(\.[0-9]{1,3})?")

Converter = Callable[[Any], Any]


def number(low: int, high: int, *words: str, whole: bool = True) -> Converter:
    """
    Return what makes the site's text of a number from *low* to *high*, or of one of *words*.
    """
    kind = "a whole number" if whole else "a number"
    rule = " or ".join([f"must be {kind} from {low} to {high}", *words])

    def convert(value: object) -> str | None:
        if value is None:
            return None
        text = "off" if value is False else str(value).strip()  # YAML reads off as false
        if text in words:
            return text
        if not isinstance(value, bool) and _NUMBER.fullmatch(text):
            text = text.removesuffix(".0")
            exact = "." not in text
            if (exact or not whole) and low <= (int(text) if exact else float(text)) <= high:
                return text
        raise SettingsError(rule)

    return convert


def several(names: tuple[str, ...], most: int | None = None) -> Converter:
    """
    Return what makes a tuple of *names*, at most *most*, of a list or of a text with commas.
    """
    limit = f" of at most {most}" if most else ""
    rule = f"must be a list{limit} of: {', '.join(names)}"

    def convert(value: object) -> tuple[str, ...] | None:
        if value is None:
            return None
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, (list, tuple)):
            raise SettingsError(rule)
        # YAML reads off as false.
        found = ["off" if part is False else part for part in parts]
        found = [part.strip() if isinstance(part, str) else part for part in found]
        if found and all(part in names for part in found) and len(found) <= (most or len(found)):
            return tuple(dict.fromkeys(found))
        raise SettingsError(rule)

    return convert
