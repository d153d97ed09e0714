"""
The items of the site's customizer: how many there are, and what one can begin with.
"""

from __future__ import annotations

from collections.abc import Mapping

from seedcore_alttpr.mystery.kinds import Named, Whole

SIZE = 216
"""Items that a game has room for."""

_BY_COUNT: Mapping[int, str] = {
    0: """
        Nothing Triforce TriforcePiece Rupoor RedClock BlueClock GreenClock QuarterMagic SmallMagic
        Heart Bomb Bow BowAndArrows BowAndSilverArrows SilverArrowUpgrade OcarinaActive PowerGlove
        TitansMitt BlueMail RedMail BlueShield RedShield MirrorShield
        L1Sword L1SwordAndShield MasterSword L3Sword L4Sword
        Bottle BottleWithRedPotion BottleWithGreenPotion BottleWithBluePotion BottleWithBee
        BottleWithGoldBee BottleWithFairy
        BombUpgrade5 BombUpgrade10 ArrowUpgrade5 ArrowUpgrade10
        MapA1 MapH1 CompassA1 CompassH1 CompassH2 BigKeyA1 BigKeyH1 BigKeyH2 KeyH1 KeyP1
    """,
    1: """
        Arrow Bombos BookOfMudora Boomerang BugCatchingNet CaneOfByrna CaneOfSomaria Cape Ether
        FireRod Flippers HalfMagic Hammer HeartContainer Hookshot IceRod Lamp MagicMirror MoonPearl
        Mushroom OcarinaInactive OneHundredRupees PegasusBoots Powder Quake RedBoomerang Shovel
        TenBombs
        MapA2 MapD1 MapD2 MapD3 MapD4 MapD5 MapD6 MapD7 MapH2 MapP1 MapP2 MapP3
        CompassA2 CompassD1 CompassD2 CompassD3 CompassD4 CompassD5 CompassD6 CompassD7 CompassP1
        CompassP2 CompassP3
        BigKeyA2 BigKeyD1 BigKeyD2 BigKeyD3 BigKeyD4 BigKeyD5 BigKeyD6 BigKeyD7 BigKeyP1 BigKeyP2
        BigKeyP3
        KeyD2 KeyD4 KeyH2 KeyP2 KeyP3
    """,
    2: "OneRupee ProgressiveArmor ProgressiveBow ProgressiveGlove KeyA1 KeyD5",
    3: "ProgressiveShield KeyD3 KeyD6",
    4: "BottleWithRandom FiveRupees ProgressiveSword KeyA2 KeyD7",
    5: "ThreeHundredRupees",
    6: "KeyD1",
    7: "FiftyRupees",
    10: "BossHeartContainer",
    12: "TenArrows",
    16: "ThreeBombs",
    24: "PieceOfHeart",
    28: "TwentyRupees",
}

COUNTS: Mapping[str, int] = {
    name: count for count, names in _BY_COUNT.items() for name in names.split()
}
"""What the customizer puts in the pool unless it is told otherwise: 216 items."""

_SPARE = """
    Nothing Rupoor BlueClock GreenClock RedClock Heart HeartContainer PieceOfHeart SmallMagic
    Arrow TenArrows Bomb ThreeBombs BombUpgrade5 BombUpgrade10 ArrowUpgrade5 ArrowUpgrade10
    OneRupee FiveRupees TwentyRupees TwentyRupees2 FiftyRupees OneHundredRupees ThreeHundredRupees
    Boomerang RedBoomerang SilverArrowUpgrade ProgressiveArmor BlueMail RedMail BlueShield RedShield
    ProgressiveSword L1Sword L1SwordAndShield MasterSword L3Sword L4Sword
    BottleWithRandom Bottle BottleWithRedPotion BottleWithGreenPotion BottleWithBluePotion
    BottleWithBee BottleWithGoldBee BottleWithFairy
"""
SPARE = frozenset(_SPARE.split())
"""What the site leaves out where it has no room; a game can't be made without the others."""

ITEM = Named(frozenset({*COUNTS, "TwentyRupees2", "PowerStar"}), "item")
COUNT = Whole(0, SIZE)

_BOTTLES = (
    "Bottle",
    "BottleWithRedPotion",
    "BottleWithGreenPotion",
    "BottleWithBluePotion",
    "BottleWithBee",
    "BottleWithGoldBee",
    "BottleWithFairy",
)

IN_STEPS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    **{f"Bottle{number}": tuple((name,) for name in _BOTTLES) for number in range(1, 5)},
    "ProgressiveBow": (("SilverArrowUpgrade",), ("Bow",), ("BowAndSilverArrows",)),
    "Boomerang": (("Boomerang",), ("RedBoomerang",), ("Boomerang", "RedBoomerang")),
    "Ocarina": (("OcarinaInactive",), ("OcarinaActive",)),
}
"""Equipment whose number says which items it is, from 1 on, and not how many."""

RUPEES = (
    (300, "ThreeHundredRupees"),
    (100, "OneHundredRupees"),
    (50, "FiftyRupees"),
    (20, "TwentyRupees"),
    (5, "FiveRupees"),
    (1, "OneRupee"),
)

EQUIPMENT = Named(ITEM.known | {*IN_STEPS, "Rupees"}, "item")

MOST_OF_ONE = 50
MOST_RUPEES = 9_999


def amount_of(name: str) -> Whole:
    """
    Return which numbers the equipment called *name* may have.
    """
    if name in IN_STEPS:
        return Whole(0, len(IN_STEPS[name]))
    return Whole(0, MOST_RUPEES if name == "Rupees" else MOST_OF_ONE)


def items_of(name: str, number: int) -> tuple[str, ...]:
    """
    Return the items that *number* of the equipment called *name* are.
    """
    if name in IN_STEPS:
        return IN_STEPS[name][number - 1] if number else ()
    if name != "Rupees":
        return (name,) * number
    items: list[str] = []
    for worth, rupee in RUPEES:
        items += [rupee] * (number // worth)
        number %= worth
    return tuple(items)


def in_pool(item: str) -> str:
    """
    Return which item of the pool somebody has who begins with *item*.
    """
    if item in _BOTTLES:
        return "BottleWithRandom"
    return "OcarinaInactive" if item == "OcarinaActive" else item
