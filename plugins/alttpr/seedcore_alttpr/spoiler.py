"""
Spoilers: what a game shows of its own, and the logs of a spoiler race.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from seedcore_alttpr.drops import digs_of, drops_of
from seedcore_alttpr.game import MASKED_META, Game

REGIONS = (
    "Hyrule Castle",
    "Eastern Palace",
    "Desert Palace",
    "Tower Of Hera",
    "Castle Tower",
    "Dark Palace",
    "Swamp Palace",
    "Skull Woods",
    "Thieves Town",
    "Ice Palace",
    "Misery Mire",
    "Turtle Rock",
    "Ganons Tower",
    "Light World",
    "Death Mountain",
    "Dark World",
)
"""Where items are, in the order of a log; those of shuffled entrances come after them."""

NO_REGION = frozenset({"Special", "Shops", "Bosses", "Entrances", "Equipped", "playthrough"})

DUNGEONS = {
    "H2": "HyruleCastle",
    "P1": "EasternPalace",
    "P2": "DesertPalace",
    "P3": "TowerOfHera",
    "A1": "CastleTower",
    "D1": "PalaceOfDarkness",
    "D2": "SwampPalace",
    "D3": "SkullWoods",
    "D4": "ThievesTown",
    "D5": "IcePalace",
    "D6": "MiseryMire",
    "D7": "TurtleRock",
    "A2": "GanonsTower",
}

PROGRESSION = frozenset(
    [
        "L1Sword",
        "MasterSword",
        "ProgressiveSword",
        "Bottle",
        "BottleWithRandom",
        "BottleWithRedPotion",
        "BottleWithGreenPotion",
        "BottleWithBluePotion",
        "BottleWithBee",
        "BottleWithGoldBee",
        "BottleWithFairy",
        "Bombos",
        "Ether",
        "Quake",
        "BookOfMudora",
        "BowAndArrows",
        "BowAndSilverArrows",
        "SilverArrowUpgrade",
        "ProgressiveBow",
        "CaneOfByrna",
        "CaneOfSomaria",
        "Cape",
        "FireRod",
        "IceRod",
        "Flippers",
        "Hammer",
        "Hookshot",
        "Lamp",
        "MagicMirror",
        "MoonPearl",
        "Mushroom",
        "OcarinaActive",
        "OcarinaInactive",
        "PegasusBoots",
        "Powder",
        "PowerGlove",
        "ProgressiveGlove",
        "TitansMitt",
        "Shovel",
        "BugCatchingNet",
    ]
)
"""Items that open the way; dungeon items, hearts, shields, bombs and magic don't count."""

_DUNGEON_ITEM = re.compile(r"(?:BigKey|Key|Map|Compass)([HPAD]\d)")
_PRIZE = " - Prize"


def shown_in(games: Mapping[str, Game], *, masked: bool) -> str | None:
    """
    Say what of their spoilers *games*, by where each was seen, give away; ``None`` for nothing.
    """
    found = [
        f"{what} in {where}"
        for where, game in games.items()
        for what in _shown(game, masked=masked)
    ]
    return " and ".join(found) or None


def _shown(game: Game, *, masked: bool) -> Iterator[str]:
    if "playthrough" in game.spoiler:
        yield "the playthrough"
    if {*game.spoiler} - {"playthrough"}:
        yield "the locations of its items"
    if "seed" in game.meta:
        yield "the number that makes it again"
    if masked and not MASKED_META.issuperset(game.meta):
        yield "the settings, which must be masked,"


def logs_of(game: Game, permalink: str) -> dict[str, Any]:
    """
    Return the logs of a spoiler race by their kind.

    ``spoiler`` has all that the site says, ``progression`` only where items are that open the
    way, and not which ones; there is none where entrances are shuffled.
    """
    meta = {**game.meta, "hash": game.hash, "permalink": permalink}
    logs: dict[str, Any] = {"spoiler": {**_whole(game), "meta": meta}}
    if game.meta.get("shuffle", "none") == "none":
        logs["progression"] = {**_progression(game), "meta": meta}
    return logs


def _whole(game: Game) -> dict[str, Any]:
    regions = {name: dict(_items(game.spoiler[name])) for name in _regions(game)}
    prizes = {
        name: items.pop(place)
        for name, items in regions.items()
        for place in [each for each in items if each.endswith(_PRIZE)]
    }
    whole: dict[str, Any] = {"Prizes": prizes}
    special = game.spoiler.get("Special")
    known = dict(_items(special)) if isinstance(special, Mapping) else {}
    if found := {**known, **digs_of(game.patch)}:
        whole["Special"] = found
    whole |= regions
    whole["Drops"] = drops_of(game.patch)
    if game.meta.get("mode") == "retro" and "Shops" in game.spoiler:
        whole["Shops"] = game.spoiler["Shops"]
    if game.meta.get("enemizer.boss_shuffle", "none") != "none":
        bosses = game.spoiler.get("Bosses")
        whole["Bosses"] = dict(_items(bosses)) if isinstance(bosses, Mapping) else bosses
    if "Entrances" in game.spoiler:
        whole["Entrances"] = game.spoiler["Entrances"]
    return whole


def _progression(game: Game) -> dict[str, list[str]]:
    found = {
        name: [place for place, item in _items(game.spoiler[name]) if item in PROGRESSION]
        for name in _regions(game)
    }
    return {name: places for name, places in found.items() if places}


def _regions(game: Game) -> list[str]:
    """
    Return the names of the regions that the game has, known ones first.
    """
    there = [
        name
        for name, items in game.spoiler.items()
        if name not in NO_REGION and isinstance(items, Mapping)
    ]
    return sorted(there, key=lambda name: REGIONS.index(name) if name in REGIONS else len(REGIONS))


def _items(region: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """
    Yield each location with its item, without the number of the only player.
    """
    for place, item in region.items():
        yield place.removesuffix(":1"), _named(str(item).removesuffix(":1"))


def _named(item: str) -> str:
    found = _DUNGEON_ITEM.fullmatch(item)
    return f"{item}-{DUNGEONS.get(found[1], found[1])}" if found else item
