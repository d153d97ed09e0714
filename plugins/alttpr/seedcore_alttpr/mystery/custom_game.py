"""
What a roll of the customizer's section makes of a game: its settings, and its side effects.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from seedcore_alttpr.body import CUSTOM_DEFAULTS
from seedcore_alttpr.mystery.customizer import COUNTED, Customizer, Drawn, Hunt
from seedcore_alttpr.mystery.pool import COUNTS, SIZE, in_pool

WILD = ("region.wildKeys", "region.wildBigKeys", "region.wildCompasses", "region.wildMaps")

HEARTS = ("BossHeartContainer",) * 3
"""What everybody begins with."""

PAGE: Mapping[str, Any] = {
    **CUSTOM_DEFAULTS,
    "customPrizePacks": False,
    "prize.crossWorld": True,
    "prize.shuffleCrystals": True,
    "prize.shufflePendants": True,
    "region.bossNormalLocation": True,
    "rom.dungeonCount": "off",
    "rom.genericKeys": False,
    "rom.mapOnPickup": False,
    "rom.rupeeBow": False,
    "rom.timerMode": "off",
    "spoil.BootsLocation": False,
}
"""What the customizer's page sends, where it differs from what the site does without."""

HUNTS: Mapping[str, tuple[int, int]] = {"triforce-hunt": (20, 30), "ganonhunt": (40, 50)}
"""The goals that count pieces: how many win, and how many there are."""


def adjust(values: dict[str, Any], drawn: Drawn) -> None:
    """
    Change the options that don't go with what was drawn.
    """
    if drawn.custom.get("item.require.Lamp"):  # which allows rooms to be dark
        values.update(enemy_shuffle="none", enemy_damage="default", pot_shuffle="off")
    if any(name in drawn.custom for name in WILD):
        values["dungeon_items"] = "standard"


def settings_of(
    section: Customizer, drawn: Drawn, values: Mapping[str, Any], *, filler: str, rng: Random
) -> dict[str, Any]:
    """
    Return the options that only the customizer takes, for a game with the options *values*.
    """
    custom = {**PAGE, **drawn.custom, **_wild(section, drawn)}
    counts = {**COUNTS, **_taken(custom), **drawn.pool}
    for item in drawn.eq:
        counts[in_pool(item)] = max(0, counts.get(in_pool(item), 0) - 1)
    if values["goals"] in HUNTS:
        pieces, there = _pieces(section.hunt, HUNTS[values["goals"]], rng)
        custom["item.Goal.Required"], counts["TriforcePiece"] = pieces, there
    if custom["rom.timerMode"] == "countdown-ohko" and section.countdown is not None:
        for clock, (value, number) in section.countdown.clocks.items():
            custom[f"item.value.{clock}"] = value.roll(rng)
            counts[clock] = number.roll(rng)
        custom["rom.timerStart"] = section.countdown.start.roll(rng)
    if values["goals"] in ("pedestal", "dungeons"):  # else they may ask for what can't be won
        custom["prize.crossWorld"] = True
    counts[filler] = counts.get(filler, 0) + max(0, SIZE - sum(counts.values()))
    custom["item"] = {"count": counts}
    return {"customizer": True, "l": {}, "eq": _equipment(drawn, values), "custom": custom}


def _taken(custom: dict[str, Any]) -> dict[str, int]:
    """
    Take the counts of items out of *custom*, where they would be overruled by the others.
    """
    names = [name for name in custom if name.startswith(COUNTED)]
    return {name.removeprefix(COUNTED): custom.pop(name) for name in names}


def _wild(section: Customizer, drawn: Drawn) -> dict[str, Any]:
    """
    Return what helps to find things of dungeons that lie outside of them.
    """
    helps: dict[str, Any] = {}
    if any(drawn.custom.get(name) for name in WILD):
        helps.update({"rom.freeItemMenu": True, "rom.freeItemText": True})
    if drawn.custom.get("region.wildMaps") and "rom.mapOnPickup" not in section.custom:
        helps["rom.mapOnPickup"] = True
    if drawn.custom.get("region.wildCompasses") and "rom.dungeonCount" not in section.custom:
        helps["rom.dungeonCount"] = "pickup"
    return helps


def _pieces(hunt: Hunt | None, usual: tuple[int, int], rng: Random) -> tuple[int, int]:
    """
    Return how many pieces win, and how many there are: enough of them, whatever was rolled.
    """
    hunt = hunt or Hunt()
    goal = hunt.goal.roll(rng) if hunt.goal else usual[0]
    needed = goal + hunt.min_difference.roll(rng)
    low, high = hunt.pool.bounds(rng) if hunt.pool else (usual[1], usual[1])
    return goal, rng.randint(max(low, needed), max(high, needed))


def _equipment(drawn: Drawn, values: Mapping[str, Any]) -> list[str]:
    if not drawn.eq:
        return list(HEARTS)
    items = [*drawn.eq, *HEARTS]
    if values["world_state"] == "standard":  # a bird would carry Link out of the escape
        items = ["OcarinaInactive" if item == "OcarinaActive" else item for item in items]
    return items
