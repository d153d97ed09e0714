# ruff: noqa: N815 - the names are the site's own
"""
What a caller asks for, by the site's own names.

``None`` is not sent, so that what the settings preset says holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import attrs

from seedcore import setting
from seedcore_smvaria.values import (
    AREA_PATCHES,
    AREAS,
    DIFFICULTIES,
    ENERGIES,
    LARGEST_SEED,
    LAYOUT_PATCHES,
    LOGICS,
    MORPHS,
    MOST_OBJECTIVES,
    OBJECTIVES,
    SPEEDS,
    SPLITS,
    STARTS,
    SUITS,
    TOURIANS,
    TWEAKS,
    number,
    several,
)

Switch = Literal["on", "off", "random"]


def pool(names: tuple[str, ...]) -> Any:
    """
    Return the option with what the one before it may become where that is random.
    """
    return setting(None, help=f"of {', '.join(names)}", converter=several(names))


def patches(names: tuple[str, ...]) -> Any:
    """
    Return the option with the patches of a group that are wanted; unset: all of them.
    """
    return setting(None, help=f"only some: {', '.join(names)}", converter=several(names))


def amount(low: int, high: int, *words: str, of: str, whole: bool = True) -> Any:
    """
    Return an option that is a number, or one of *words*.
    """
    text = f"{of}, {' or '.join([f'{low} to {high}', *words])}"
    return setting(None, help=text, converter=number(low, high, *words, whole=whole))


@attrs.frozen(kw_only=True)
class Options:
    """
    The options of ``generate``.
    """

    settings_preset: str = setting("default", help="settings preset of the site; all start with it")
    skills_preset: str | None = setting(
        None, help="skills preset of the site; unset: the one that the settings preset names"
    )
    seed: str | None = setting(
        None,
        help=f"number of the seed, 0 to {LARGEST_SEED}; 0 or unset: a random one",
        converter=number(0, LARGEST_SEED),
    )

    logic: Literal["vanilla", "mirror", "random"] | None = setting(None, help="which game")
    logicMultiSelect: tuple[str, ...] | None = pool(LOGICS)
    startLocation: (
        Literal[
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
            "random",
        ]
        | None
    ) = setting(None, help="where the game starts; some only with areas randomized")
    startLocationMultiSelect: tuple[str, ...] | None = pool(STARTS)
    majorsSplit: Literal["Full", "FullWithHUD", "Major", "Chozo", "Scavenger", "random"] | None = (
        setting(None, help="which items are where; FullWithHUD is called full countdown")
    )
    majorsSplitMultiSelect: tuple[str, ...] | None = pool(SPLITS)
    scavNumLocs: str | None = amount(4, 17, "random", of="locations of a scavenger hunt")
    scavRandomized: Switch | None = setting(None, help="scavenger: other items there too")
    maxDifficulty: (
        Literal["easy", "medium", "hard", "harder", "hardcore", "mania", "infinity", "random"]
        | None
    ) = setting(None, help="the most difficult way to an item")
    progressionSpeed: (
        Literal[
            "slowest",
            "slow",
            "medium",
            "fast",
            "fastest",
            "basic",
            "VARIAble",
            "speedrun",
            "random",
        ]
        | None
    ) = setting(None, help="how soon items come that open ways")
    progressionSpeedMultiSelect: tuple[str, ...] | None = pool(SPEEDS)
    progressionDifficulty: Literal["easier", "normal", "harder", "random"] | None = setting(
        None, help="how far apart they are"
    )
    progressionDifficultyMultiSelect: tuple[str, ...] | None = pool(DIFFICULTIES)
    morphPlacement: Literal["early", "late", "normal", "random"] | None = setting(
        None, help="when the Morph Ball comes"
    )
    morphPlacementMultiSelect: tuple[str, ...] | None = pool(MORPHS)
    suitsRestriction: Switch | None = setting(None, help="no early suits")
    hideItems: Switch | None = setting(None, help="some items are hidden")
    strictMinors: Switch | None = setting(None, help="minor items in these proportions exactly")

    missileQty: str | None = amount(1, 9, "random", of="proportion of missiles", whole=False)
    superQty: str | None = amount(1, 9, "random", of="proportion of super missiles", whole=False)
    powerBombQty: str | None = amount(1, 9, "random", of="proportion of power bombs", whole=False)
    minorQty: str | None = amount(7, 100, "random", of="per cent of minor items")
    minorQtyEqLeGe: Literal["=", ">=", "<="] | None = setting(
        None, help="whether it is as much, at least or at most"
    )
    energyQty: Literal["dread", "ultra sparse", "sparse", "medium", "vanilla", "random"] | None = (
        setting(None, help="energy and reserve tanks")
    )
    energyQtyMultiSelect: tuple[str, ...] | None = pool(ENERGIES)

    objective: tuple[str, ...] | None = setting(
        None,
        help=f"at most {MOST_OBJECTIVES} objectives; with objectiveRandom those to draw from",
        converter=several(OBJECTIVES),
    )
    objectiveMultiSelect: tuple[str, ...] | None = setting(
        None, help="the site's name for objectives to draw from", converter=several(OBJECTIVES)
    )
    objectiveRandom: Literal["true", "false"] | None = setting(
        None, help="whether nbObjective of them are drawn"
    )
    nbObjective: str | None = amount(0, MOST_OBJECTIVES, "random", of="objectives to be drawn")
    nbObjectivesRequired: str | None = amount(1, 31, "off", "random", of="objectives to be done")
    hiddenObjectives: Switch | None = setting(None, help="they show once Tourian is found")
    distributeObjectives: Switch | None = setting(None, help="draw of all kinds of them")
    tourian: Literal["Vanilla", "Fast", "Disabled", "random"] | None = setting(
        None, help="what is left of Tourian"
    )
    tourianMultiSelect: tuple[str, ...] | None = pool(TOURIANS)

    areaRandomization: Literal["off", "full", "light", "random"] | None = setting(
        None, help="whether areas are connected otherwise"
    )
    areaRandomizationMultiSelect: tuple[str, ...] | None = pool(AREAS)
    areaLayout: Switch | None = setting(None, help="patches for areas that are")
    areaLayoutCustom: tuple[str, ...] | None = patches(AREA_PATCHES)
    doorsColorsRando: Switch | None = setting(None, help="other colours of doors")
    allowGreyDoors: Switch | None = setting(None, help="grey is one of them")
    bossRandomization: Switch | None = setting(None, help="bosses are elsewhere")
    minimizer: Switch | None = setting(None, help="fewer locations; with areas and bosses random")
    minimizerQty: str | None = amount(30, 100, "random", of="locations of the minimizer")
    escapeRando: Switch | None = setting(None, help="the escape leads elsewhere")
    removeEscapeEnemies: Switch | None = setting(None, help="and meets nobody")

    funCombat: Switch | None = setting(None, help="without some weapons")
    funMovement: Switch | None = setting(None, help="without some ways to move")
    funSuits: Switch | None = setting(None, help="without suits")

    layoutPatches: Switch | None = setting(None, help="patches against getting stuck")
    layoutCustom: tuple[str, ...] | None = patches(LAYOUT_PATCHES)
    variaTweaks: Switch | None = setting(None, help="small changes of the logic's own")
    variaTweaksCustom: tuple[str, ...] | None = patches(TWEAKS)
    nerfedCharge: Switch | None = setting(None, help="a weak charge beam from the start")
    relaxed_round_robin_cf: Switch | None = setting(None, help="crystal flash with any ammunition")
    disable_spark_damage: Switch | None = setting(None, help="shinesparks cost no energy")
    gravityBehaviour: Literal["Vanilla", "Balanced", "Progressive", "random"] | None = setting(
        None, help="what the suits protect from"
    )
    gravityBehaviourMultiSelect: tuple[str, ...] | None = pool(SUITS)
    itemsounds: Switch | None = setting(None, help="short sounds for items")
    elevators_speed: Switch | None = setting(None, help="fast elevators")
    fast_doors: Switch | None = setting(None, help="fast doors")
    spinjumprestart: Switch | None = setting(None, help="a spin jump may begin in the air")
    rando_speed: Switch | None = setting(None, help="momentum is kept")
    Infinite_Space_Jump: Switch | None = setting(None, help="space jump without timing")
    refill_before_save: Switch | None = setting(None, help="saving refills")
    better_reserves: Switch | None = setting(None, help="reserve tanks that work better")
    hud: Switch | None = setting(None, help="items left are shown")
    revealMap: Switch | None = setting(None, help="the map is known")
    animals: Switch | None = setting(None, help="a surprise where the animals are")
    No_Music: Switch | None = setting(None, help="no music")
    random_music: Switch | None = setting(None, help="other music")

    unchecked: Mapping[str, Any] = setting(
        factory=dict,
        help="names and values that are sent as they are: what the site has and this list doesn't",
    )


HERE = frozenset({"settings_preset", "skills_preset", "unchecked"})
"""Options that are no names of the site."""
NAMES = tuple(field.name for field in attrs.fields(Options) if field.name not in HERE)
"""What the site calls its settings."""
