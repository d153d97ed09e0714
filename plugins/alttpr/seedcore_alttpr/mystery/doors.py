"""
Games of the Door Randomizer: when a weightset comes to one, and its settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

BRANCHES = ("stable", "volatile", "unstable")
NEW = ("volatile", "unstable")
"""Branches whose keys and drops have more than on and off, and that open the pyramid themselves."""

LACKS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "stable": {
        "goals": ("ganonhunt", "completionist"),
        "entrance_shuffle": ("swapped", "lite", "lean"),
        "door_shuffle": ("partitioned",),
        "dropshuffle": ("keys", "underworld"),
        "keyshuffle": ("wild", "universal"),
    },
    **{
        branch: {
            "entrance_shuffle": (
                "restricted_legacy",
                "full_legacy",
                "madness_legacy",
                "insanity_legacy",
            ),
            "enemy_shuffle": ("random", "legacy"),
        }
        for branch in NEW
    },
}
"""What some branch has, by the branches that haven't."""

TRIGGERS: Mapping[str, tuple[Any, ...]] = {
    "door_shuffle": ("vanilla",),
    "keydropshuffle": (False,),
    "dropshuffle": ("off", "none"),
    "pottery": ("none",),
    "shopsanity": (False,),
    "collection_rate": (False,),
    "bombbag": (False,),
}
"""The options that the site hasn't, and what they come to where a game needs none of them."""

GOALS = {"fast_ganon": "crystals", "triforce-hunt": "triforcehunt"}
SWORDS = {"randomized": "random"}

MAPS = ("mc", "mcs", "full")
KEYS = ("mcs", "full")


def is_needed(name: str, value: object) -> bool:
    """
    Return whether the option *name* needs the Door Randomizer where it comes to *value*.
    """
    return name in TRIGGERS and value not in TRIGGERS[name]


def settings_of(values: Mapping[str, Any], inventory: Sequence[str], branch: str) -> dict[str, Any]:
    """
    Return the settings for its command line.
    """
    settings = {**_world(values), **_shuffles(values), **_keys(values, branch)}
    if branch not in NEW:
        simple = settings["shuffle"] in ("vanilla", "dungeonsfull", "dungeonssimple")
        settings["openpyramid"] = simple and settings["goal"] in ("crystals", "trinity")
    if values["allow_quickswap"] is not None:
        settings["quickswap"] = values["allow_quickswap"]
    settings["startinventory"] = ",".join(inventory)
    settings["usestartinventory"] = bool(inventory)
    return settings


def _world(values: Mapping[str, Any]) -> dict[str, Any]:
    retro = values["world_state"] == "retro"
    return {
        "retro": retro,
        "mode": "open" if retro else values["world_state"],
        "logic": "noglitches",
        "goal": GOALS.get(values["goals"], values["goals"]),
        "crystals_gt": values["tower_open"],
        "crystals_ganon": values["ganon_open"],
        "swords": SWORDS.get(values["weapons"], values["weapons"]),
        "difficulty": values["item_pool"],
        "item_functionality": values["item_functionality"],
        "accessibility": values["accessibility"],
        "hints": values["hints"] == "on",
        "shuffleenemies": values["enemy_shuffle"],
        "shufflebosses": values["boss_shuffle"],
        "shufflepots": values["pot_shuffle"] == "on",
        **{name: values[name] for name in ("enemy_damage", "enemy_health", "pseudoboots")},
    }


def _shuffles(values: Mapping[str, Any]) -> dict[str, Any]:
    entrances, intensity = values["entrance_shuffle"], values["intensity"]
    same = (
        "algorithm",
        "door_shuffle",
        "keydropshuffle",
        "pottery",
        "colorizepots",
        "shopsanity",
        "shufflelinks",
        "timer",
        "experimental",
        "dungeon_counters",
        "collection_rate",
        "bombbag",
        "triforce_pool",
        "triforce_goal",
        "restrict_boss_items",
        "overworld_map",
    )
    return {
        "shuffle": "vanilla" if entrances == "none" else entrances,
        "shuffleganon": True,
        "intensity": intensity if intensity == "random" else int(intensity),
        "beemizer": 0 if values["beemizer"] == "0" else values["beemizer"],
        **{name: values[name] for name in same},
    }


def _keys(values: Mapping[str, Any], branch: str) -> dict[str, Any]:
    """
    Return what leaves its dungeon, or its enemy.

    Older branches know on and off, newer ones several ways; what is written as the one is meant
    as the other.
    """
    items = values["dungeon_items"]
    follows = {
        "mapshuffle": items in MAPS,
        "compassshuffle": items in MAPS,
        "bigkeyshuffle": items == "full",
    }
    settings: dict[str, Any] = {
        name: follow if values[name] is None else values[name] for name, follow in follows.items()
    }
    keys = values["keyshuffle"] or ("on" if items in KEYS else "off")
    wild, loose, off = ("wild", "keys", "none") if branch in NEW else (True, True, False)
    settings["keyshuffle"] = {"on": wild, "off": off, "none": off}.get(keys, keys)
    drops = values["dropshuffle"]
    settings["dropshuffle"] = {"on": loose, "off": off, "none": off}.get(drops, drops)
    # It turns all four on, so it must not be on where one of them is off.
    all_four = all((*(settings[name] for name in follows), settings["keyshuffle"] == wild))
    given = values["keysanity"]
    settings["keysanity"] = given if given is not None else all_four and items == "full"
    return settings
