"""
What enemies, trees and crabs drop, and how long to dig: read from the patch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seedcore_alttpr.patch import bytes_at

SPRITES = {
    121: "Bee",
    178: "BeeGood",
    216: "Heart",
    217: "RupeeGreen",
    218: "RupeeBlue",
    219: "RupeeRed",
    220: "BombRefill1",
    221: "BombRefill4",
    222: "BombRefill8",
    223: "MagicRefillSmall",
    224: "MagicRefillFull",
    225: "ArrowRefill5",
    226: "ArrowRefill10",
    227: "Fairy",
}

PACKS: Mapping[tuple[int, ...], str] = {
    (216, 216, 216, 216, 217, 216, 216, 217): "HeartsPack",
    (218, 217, 218, 219, 218, 217, 218, 218): "RupeesPack",
    (224, 223, 223, 218, 224, 223, 216, 223): "MagicPack",
    (220, 220, 220, 221, 220, 220, 222, 220): "BombsPack",
    (225, 216, 225, 226, 225, 216, 225, 226): "ArrowsPack",
    (223, 217, 216, 225, 223, 220, 217, 216): "SmallVarietyPack",
    (216, 227, 224, 219, 222, 216, 219, 226): "LargeVarietyPack",
}
"""The packs of the game as it was sold, which a seed deals to other groups of enemies."""

GROUPS = (
    "HeartsGroup",
    "RupeesGroup",
    "MagicGroup",
    "BombsGroup",
    "ArrowsGroup",
    "SmallVarietyGroup",
    "LargeVarietyGroup",
)

TREE, CRAB, LAST_CRAB, FISH, STUN, DIGS, ENEMIES = (
    981972,
    207304,
    207300,
    950988,
    227731,
    982421,
    227960,
)
"""Where the ROM keeps them."""
SIZE = 8
"""Drops of a pack."""


def drops_of(patch: list[Any]) -> dict[str, Any]:
    """
    Return what drops where; what the patch doesn't write is left out.
    """
    drops: dict[str, Any] = {}
    if tree := bytes_at(patch, TREE, 3):
        drops["PullTree"] = {f"Tier{n}": _sprite(each) for n, each in enumerate(tree, 1)}
    crab = {"Main": bytes_at(patch, CRAB, 1), "Final": bytes_at(patch, LAST_CRAB, 1)}
    if found := {name: _sprite(each[0]) for name, each in crab.items() if each}:
        drops["RupeeCrab"] = found
    for name, place in (("Stun", STUN), ("FishSave", FISH)):
        if one := bytes_at(patch, place, 1):
            drops[name] = _sprite(one[0])
    if enemies := bytes_at(patch, ENEMIES, SIZE * len(GROUPS)):
        drops["PrizePacks"] = {
            group: _pack(enemies[SIZE * n : SIZE * (n + 1)]) for n, group in enumerate(GROUPS)
        }
    return drops


def digs_of(patch: list[Any]) -> dict[str, int]:
    """
    Return how long to dig for the prize of the digging game; nothing if the patch doesn't say.
    """
    digs = bytes_at(patch, DIGS, 1)
    return {"DiggingGameDigs": digs[0]} if digs else {}


def _pack(drops: Sequence[int]) -> str:
    return PACKS.get(tuple(drops)) or ", ".join(map(_sprite, drops))


def _sprite(number: int) -> str:
    return SPRITES.get(number, f"unknown ({number})")
