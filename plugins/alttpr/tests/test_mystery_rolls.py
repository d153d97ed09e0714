"""
What weightsets come to: presets, subweights, the Door Randomizer, the customizer, and rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import attrs
import pytest

from seedcore import PresetNotFoundError, ProviderInvalidRequestError, SeedRequest
from seedcore.hookspecs import Declaration
from seedcore.options import combined
from seedcore.settings import structure
from seedcore_alttpr import Alttpr
from seedcore_alttpr.mystery import parse, resolve, roll
from seedcore_alttpr.mystery.pool import COUNTS
from seedcore_alttpr.options import Options

PLAIN = {
    "glitches_required": "none",
    "item_placement": "advanced",
    "dungeon_items": "standard",
    "accessibility": "items",
    "goals": "ganon",
    "ganon_open": "7",
    "tower_open": "7",
    "world_state": "open",
    "hints": "off",
    "weapons": "randomized",
    "item_pool": "normal",
    "item_functionality": "normal",
    "boss_shuffle": "none",
    "enemy_shuffle": "none",
    "enemy_damage": "default",
    "enemy_health": "default",
    "entrance_shuffle": "none",
}

HEARTS = ["BossHeartContainer"] * 3


@attrs.frozen(kw_only=True)
class FakePreset:
    """
    A preset as the core finds it.
    """

    provider: str = "alttpr"
    options: Mapping[str, Any] = attrs.Factory(dict)
    branch: str | None = None


async def none_of_them(name):
    """
    Find no preset.
    """
    raise PresetNotFoundError(f"no preset is called {name}")


def rolled(seed=1, **change):
    """
    Return one roll of the plain weightset with a change.
    """
    return roll(parse({**PLAIN, **change}), Random(seed))


def settings(seed=1, **change):
    """
    Return the settings of one roll, checked as the provider checks them.
    """
    resolved = rolled(seed, **change)
    if not resolved.doors:
        check(resolved.settings)
    return resolved.settings


def check(chosen, spoilers="off"):
    """
    Take settings through all that the provider's options go through.
    """
    document = combined(Declaration(options=Options), [chosen])
    request = SeedRequest(
        provider="alttpr",
        operation="generate",
        surface="tests",
        call_id="1",
        options=structure(Options, document, subject="option"),
        spoilers=spoilers,
    )
    Alttpr().check(request)


def custom(seed=1, section=None, **change):
    """
    Return what a section of the customizer makes of the plain weightset.
    """
    return settings(seed, customizer=section, **change)


def counts(chosen):
    """
    Return the pool of a game of the customizer where it isn't the usual one.
    """
    pool = chosen["custom"]["item"]["count"]
    return {name: count for name, count in pool.items() if count != COUNTS.get(name, 0)}


# ------------------------------------------------------------------------- plain weights


def test_what_is_sent_of_the_plain_weightset():
    """
    All of it, in the shape of the provider's options.
    """
    assert {
        "glitches": "none",
        "item_placement": "advanced",
        "dungeon_items": "standard",
        "accessibility": "items",
        "goal": "ganon",
        "crystals": {"ganon": "7", "tower": "7"},
        "mode": "open",
        "entrances": "none",
        "hints": "off",
        "weapons": "randomized",
        "item": {"pool": "normal", "functionality": "normal"},
        "enemizer": {
            "boss_shuffle": "none",
            "enemy_shuffle": "none",
            "enemy_damage": "default",
            "enemy_health": "default",
            "pot_shuffle": "off",
        },
        "pseudoboots": False,
        "lang": "en",
    } == settings()


def test_the_call_says_what_the_weightset_does_not():
    """
    Quickswap is there only where it has weights; the call's own then doesn't replace it.
    """
    assert "allow_quickswap" not in settings()
    assert settings(allow_quickswap=True)["allow_quickswap"] is True
    assert settings(allow_quickswap={"false": 1})["allow_quickswap"] is False


def test_the_same_randomness_comes_to_the_same_game():
    """
    All chance is the caller's.
    """
    change = {"goals": {"ganon": 1, "pedestal": 1, "dungeons": 1}, "hints": {"on": 1, "off": 1}}

    assert rolled(5, **change) == rolled(5, **change)
    assert 6 == len({str(rolled(seed, **change).settings) for seed in range(60)})


def test_what_each_weight_came_to():
    """
    Is told by its place, for who may know it.
    """
    resolved = rolled(
        goals={"pedestal": 1},
        customizer={"eq": {"Lamp": 1}},
        rules=[{"conditions": [], "actions": {"hints": "on"}}],
    )

    assert "pedestal" == resolved.rolled["goals"]
    assert 1 == resolved.rolled["customizer.eq.Lamp"]
    assert "on" == resolved.rolled["rules[0].actions.hints"]
    assert "off" == resolved.rolled["hints"]
    assert "pedestal" not in repr(resolved)


# ------------------------------------------------------------------------------- presets


async def test_a_preset_takes_the_place_of_the_weights():
    """
    Its settings are used but for its title, and what the call decides; nothing of it is changed.
    """
    options = {
        "goal": "pedestal",
        "name": "a title",
        "notes": "a text",
        "tournament": False,
        "spoilers": "on",
        "customizer": True,
        "l": {},
        "item": {"pool": "hard"},
    }
    found = FakePreset(options=options, branch="beeta")
    asked = []

    async def preset(name):
        asked.append(name)
        return found

    document = {**PLAIN, "preset": {"none": 0, "open": 1}, "custom_instructions": "Have fun"}
    resolved = await resolve(parse(document), Random(1), preset)
    resolved.settings["item"]["pool"] = "expert"

    assert ["open"] == asked
    assert {
        "goal": "pedestal",
        "customizer": True,
        "l": {},
        "item": {"pool": "expert"},
    } == resolved.settings
    assert "hard" == options["item"]["pool"]
    assert resolved.customizer
    assert not resolved.doors
    assert "beeta" == resolved.branch
    assert "open" == resolved.preset
    assert "Have fun" == resolved.custom_instructions
    assert {"preset": "open"} == resolved.rolled
    assert "alttpr" == resolved.provider


async def test_a_preset_for_the_door_randomizer():
    """
    Is made where it must be made.
    """

    async def preset(name):
        return FakePreset(provider="alttprdoor", options={"door_shuffle": "crossed"})

    resolved = await resolve(parse({"preset": "crossed"}), Random(1), preset, masked=True)

    assert {"door_shuffle": "crossed", "mask_settings": True} == resolved.settings
    assert resolved.doors
    assert "alttprdoor" == resolved.provider


async def test_a_preset_of_another_game():
    """
    Can't be rolled, and its name tells why.
    """

    async def preset(name):
        return FakePreset(provider="avianart", options={"preset": "crosskeys"})

    with pytest.raises(ProviderInvalidRequestError, match="preset keys, which is for avianart"):
        await resolve(parse({"preset": "keys"}), Random(1), preset)


async def test_a_preset_that_is_not_there():
    """
    Is said by who looked for it.
    """
    with pytest.raises(PresetNotFoundError, match="no preset is called keys"):
        await resolve(parse({"preset": "keys"}), Random(1), none_of_them)


async def test_no_preset():
    """
    Leaves it to the weights, and nobody is asked.
    """
    weightset = parse({**PLAIN, "preset": {"none": 1, "open": 0}})
    resolved = await resolve(weightset, Random(1), none_of_them)

    assert "ganon" == resolved.settings["goal"]
    assert resolved.preset is None
    assert "none" == resolved.rolled["preset"]


async def test_a_masked_game():
    """
    Hides its settings too, whoever makes it; that goes together with no spoilers.
    """

    async def preset(name):
        return FakePreset(options={"goal": "ganon", "mask_settings": False})

    rolls = [
        await resolve(parse(PLAIN), Random(1), none_of_them, masked=True),
        await resolve(parse({"preset": "open"}), Random(1), preset, masked=True),
    ]

    for resolved in rolls:
        assert resolved.settings["mask_settings"] is True
        check(resolved.settings)
    doors = await resolve(
        parse({**PLAIN, "door_shuffle": "basic"}), Random(1), none_of_them, masked=True
    )
    assert doors.settings["mask_settings"] is True
    assert "mask_settings" not in settings()


# ---------------------------------------------------------------------------- subweights


def test_subweights_are_merged_one_level_deep():
    """
    What a sub has replaces the whole of what is above, and ``None`` takes it away.
    """
    subs = {
        "boots": {
            "chance": 1,
            "weights": {
                "goals": "pedestal",
                "customizer": {"eq": {"PegasusBoots": 1}},
                "subweights": {
                    "swordless": {"chance": 1, "weights": {"weapons": "swordless"}},
                },
            },
        }
    }
    resolved = rolled(customizer={"eq": {"Lamp": 1, "Hammer": 1}}, subweights=subs)

    assert "pedestal" == resolved.settings["goal"]
    assert "swordless" == resolved.settings["weapons"]
    assert ["PegasusBoots", *HEARTS] == resolved.settings["eq"]
    assert ["boots", "swordless"] == resolved.rolled["subweights"]

    subs["boots"]["weights"]["subweights"]["swordless"]["weights"]["customizer"] = None

    assert "eq" not in settings(customizer={"eq": {"Lamp": 1}}, subweights=subs)


def test_a_sub_without_weights_ends_it():
    """
    The weights above are used as they are.
    """
    resolved = rolled(subweights={"default": {"chance": 1}})

    assert "ganon" == resolved.settings["goal"]
    assert ["default"] == resolved.rolled["subweights"]


def test_subs_of_a_sub_are_not_those_above():
    """
    One that has none of its own is the last; today's merge would begin again otherwise.
    """
    subs = {"a": {"chance": 3, "weights": {"hints": "on"}}, "b": {"chance": 1}}
    names = {tuple(rolled(seed, subweights=subs).rolled["subweights"]) for seed in range(40)}

    assert {("a",), ("b",)} == names


# ----------------------------------------------------------------------- door randomizer


@pytest.mark.parametrize(
    ("change", "doors"),
    [
        ({"door_shuffle": "vanilla", "pottery": "none", "dropshuffle": "off"}, False),
        ({"dropshuffle": "none", "shopsanity": False, "bombbag": "no"}, False),
        ({"door_shuffle": "basic"}, True),
        ({"keydropshuffle": "on"}, True),
        ({"keydropshuffle": True}, True),
        ({"keydropshuffle": {True: 1, False: 0}}, True),
        ({"keydropshuffle": {"True": 1}}, True),
        ({"dropshuffle": True}, True),
        ({"dropshuffle": "keys", "options": {"branch": "unstable"}}, True),
        ({"pottery": "lottery"}, True),
        ({"shopsanity": "on"}, True),
        ({"collection_rate": True}, True),
        ({"bombbag": True}, True),
        ({"options": {"force_doors": True}}, True),
        ({"intensity": 3, "colorizepots": "on", "mapshuffle": "on"}, False),
    ],
)
def test_when_a_game_goes_to_the_door_randomizer(change, doors):
    """
    When something came out that the site hasn't; YAML's bare ``on`` is one, too.
    """
    assert doors == rolled(**change).doors


def test_what_the_door_randomizer_gets():
    """
    The keys of its command line, with its own words, and hints as a switch.
    """
    resolved = rolled(
        goals="fast_ganon",
        ganon_open=5,
        tower_open={"random": 1},
        world_state="retro",
        weapons="randomized",
        hints="on",
        dungeon_items="mcs",
        door_shuffle="crossed",
        intensity=3,
        pot_shuffle="on",
        shufflelinks={"yes": 1},
        triforce_goal={"30": 1},
        beemizer=2,
        allow_quickswap=True,
        customizer={"eq": {"Lamp": 1}},
        startinventory={"Pegasus Boots": True, "Bombs (10)": {2: 1}, "Lamp": 0, "Bow": None},
    )

    assert "stable" == resolved.branch
    assert not resolved.customizer
    assert {
        "retro": True,
        "mode": "open",
        "logic": "noglitches",
        "goal": "crystals",
        "crystals_gt": "random",
        "crystals_ganon": "5",
        "swords": "random",
        "difficulty": "normal",
        "item_functionality": "normal",
        "accessibility": "items",
        "hints": True,
        "shuffleenemies": "none",
        "shufflebosses": "none",
        "shufflepots": True,
        "enemy_damage": "default",
        "enemy_health": "default",
        "pseudoboots": False,
        "shuffle": "vanilla",
        "shuffleganon": True,
        "openpyramid": True,
        "intensity": 3,
        "beemizer": "2",
        "algorithm": "balanced",
        "door_shuffle": "crossed",
        "keydropshuffle": False,
        "dropshuffle": False,
        "pottery": "none",
        "colorizepots": False,
        "shopsanity": False,
        "shufflelinks": True,
        "timer": "none",
        "experimental": False,
        "dungeon_counters": "default",
        "collection_rate": False,
        "bombbag": False,
        "triforce_pool": 0,
        "triforce_goal": 30,
        "restrict_boss_items": "none",
        "overworld_map": "default",
        "mapshuffle": True,
        "compassshuffle": True,
        "keyshuffle": True,
        "bigkeyshuffle": False,
        "keysanity": False,
        "quickswap": True,
        "startinventory": "Pegasus Boots,Bombs (10),Bombs (10)",
        "usestartinventory": True,
    } == resolved.settings


@pytest.mark.parametrize("branch", ["volatile", "unstable"])
def test_newer_branches_have_more_than_on_and_off(branch):
    """
    What is written as a switch is meant as one of their ways, and they open the pyramid alone.
    """
    options = {"branch": branch, "force_doors": True}
    on = rolled(options=options, keyshuffle="on", dropshuffle=True)
    ways = rolled(options=options, keyshuffle="universal", dropshuffle="underworld")
    off = rolled(options=options, keyshuffle="off")

    assert branch == on.branch
    assert ("wild", "keys") == (on.settings["keyshuffle"], on.settings["dropshuffle"])
    assert "universal" == ways.settings["keyshuffle"]
    assert "underworld" == ways.settings["dropshuffle"]
    assert ("none", "none") == (off.settings["keyshuffle"], off.settings["dropshuffle"])
    assert "openpyramid" not in on.settings


def test_keysanity_only_where_all_four_leave_their_dungeons():
    """
    The tool would turn on what was rolled off.
    """
    force = {"options": {"force_doors": True}, "dungeon_items": "full"}

    assert rolled(**force).settings["keysanity"] is True
    assert rolled(**force, bigkeyshuffle="off").settings["keysanity"] is False
    assert rolled(**force, keysanity="off").settings["keysanity"] is False


def test_a_limit_of_what_people_begin_with():
    """
    As many are drawn of what was rolled.
    """
    items = {"Lamp": 1, "Hammer": 1, "Bow": 1}
    force = {"options": {"force_doors": True}, "startinventory": items}
    drawn = [
        rolled(seed, **force, startinventorylimit={"2": 1}).settings["startinventory"].split(",")
        for seed in range(20)
    ]

    assert {2} == {len(each) for each in drawn}
    assert set(items) == {item for each in drawn for item in each}
    assert rolled(**force, startinventorylimit=0).settings["usestartinventory"] is False


# ---------------------------------------------------------------------------- customizer


def test_nothing_of_the_customizer_without_a_roll():
    """
    A section that comes to nothing leaves it to the randomizer.
    """
    section = {
        "eq": {"PegasusBoots": {True: 0, False: 1}, "Bottle1": 0},
        "custom": {"rom.rupeeBow": None, "rom.somethingNew": {None: 1}},
        "triforce-hunt": {"goal": 5},
    }

    assert "customizer" not in custom(section=section)
    assert "customizer" not in custom(section={"eq": {"Lamp": 1}}, entrance_shuffle="crossed")


def test_what_link_begins_with_is_not_in_the_pool():
    """
    Three hearts are added, and the pool is filled up again.
    """
    eq = {
        "PegasusBoots": True,
        "OcarinaActive": 1,
        "Bottle1": {7: 1},
        "Bottle2": "1",
        "ProgressiveBow": 2,
        "Boomerang": 3,
        "Rupees": 430,
        "ProgressiveSword": 2,
    }
    chosen = custom(section={"eq": eq})

    assert [
        "PegasusBoots",
        "OcarinaActive",
        "BottleWithFairy",
        "Bottle",
        "Bow",
        "Boomerang",
        "RedBoomerang",
        "ThreeHundredRupees",
        "OneHundredRupees",
        *(["TwentyRupees", "FiveRupees", "FiveRupees"]),
        "ProgressiveSword",
        "ProgressiveSword",
        *HEARTS,
    ] == chosen["eq"]
    assert {
        "PegasusBoots": 0,
        "OcarinaInactive": 0,
        "BottleWithRandom": 2,
        "Boomerang": 0,
        "RedBoomerang": 0,
        "ThreeHundredRupees": 4,
        "OneHundredRupees": 0,
        "TwentyRupees": 27,
        "FiveRupees": 2,
        "ProgressiveSword": 2,
        "Nothing": 13,
    } == counts(chosen)
    assert 216 == sum(chosen["custom"]["item"]["count"].values())
    assert 216 == sum(COUNTS.values())


def test_the_pool_is_filled_with_what_the_weightset_says():
    """
    And never made smaller.
    """
    pool = {"PieceOfHeart": 4, "item": None}
    del pool["item"]
    chosen = custom(section={"pool": pool}, options={"FillItemPoolWith": "TwentyRupees2"})

    assert {"PieceOfHeart": 4, "TwentyRupees2": 20} == counts(chosen)
    assert HEARTS == chosen["eq"]
    assert {"Rupoor": 50} == counts(custom(section={"pool": {"Rupoor": {"50": 1}}}))
    assert {"Lamp": 3} == counts(custom(section={"custom": {"item.count.Lamp": 3}}))


def test_switches_of_the_customizer():
    """
    What is rolled replaces what the page would send; texts stay texts, numbers become such.
    """
    section = {
        "custom": {
            "rom.dungeonCount": {True: 1},
            "rom.timerMode": False,
            "rom.freeItemText": {"16": 1},
            "prize.shufflePendants": "off",
            "item.overflow.replacement.Bow": "SmallMagic",
            "canBootsClip": {"true": 1},
            "somethingNew": "true",
        }
    }
    chosen = custom(section=section)["custom"]

    assert "on" == chosen["rom.dungeonCount"]
    assert "off" == chosen["rom.timerMode"]
    assert 16 == chosen["rom.freeItemText"]
    assert chosen["prize.shufflePendants"] is False
    assert chosen["prize.shuffleCrystals"] is True
    assert chosen["region.wildKeys"] is False
    assert "SmallMagic" == chosen["item.overflow.replacement.Bow"]
    assert chosen["canBootsClip"] is True
    assert chosen["somethingNew"] is True
    assert "item.Goal.Required" not in chosen


def test_dark_rooms_have_no_shuffled_enemies():
    """
    Allowing rooms without light turns off what would be unfair in them.
    """
    change = {"enemy_shuffle": "random", "enemy_damage": "shuffled", "pot_shuffle": "on"}
    dark = custom(section={"custom": {"item.require.Lamp": True}}, **change)
    lit = custom(section={"custom": {"item.require.Lamp": False}}, **change)

    assert {
        "boss_shuffle": "none",
        "enemy_shuffle": "none",
        "enemy_damage": "default",
        "enemy_health": "default",
        "pot_shuffle": "off",
    } == dark["enemizer"]
    assert "random" == lit["enemizer"]["enemy_shuffle"]


def test_things_of_dungeons_that_lie_elsewhere():
    """
    Their switches take the place of dungeon_items, and bring what helps to find them.
    """
    wild = {"region.wildMaps": True, "region.wildCompasses": True}
    chosen = custom(section={"custom": wild}, dungeon_items="full")
    kept = custom(section={"custom": {"region.wildKeys": False}}, dungeon_items="full")
    said = {**wild, "rom.mapOnPickup": False, "rom.dungeonCount": "off", "rom.freeItemMenu": 0}

    assert "standard" == chosen["dungeon_items"]
    assert "standard" == kept["dungeon_items"]
    assert (
        "full"
        == custom(section={"custom": {"rom.rupeeBow": True}}, dungeon_items="full")["dungeon_items"]
    )
    assert chosen["custom"]["rom.freeItemMenu"] is True
    assert chosen["custom"]["rom.freeItemText"] is True
    assert chosen["custom"]["rom.mapOnPickup"] is True
    assert "pickup" == chosen["custom"]["rom.dungeonCount"]
    assert kept["custom"]["rom.freeItemMenu"] is False
    chosen = custom(section={"custom": said})["custom"]
    assert chosen["rom.mapOnPickup"] is False
    assert "off" == chosen["rom.dungeonCount"]
    assert chosen["rom.freeItemMenu"] is True


def test_a_hunt_always_has_enough_pieces():
    """
    Whatever is rolled, the pool has at least the goal and the difference.
    """
    section = {
        "eq": {"Lamp": 1},
        "triforce-hunt": {"goal": [20, 50], "pool": [30, 40], "min_difference": {0: 1, 10: 1}},
    }
    seen = set()
    for seed in range(300):
        chosen = custom(seed, section=section, goals="triforce-hunt")["custom"]
        goal, pool = chosen["item.Goal.Required"], chosen["item"]["count"]["TriforcePiece"]
        seen.add(goal)
        assert 20 <= goal <= 50
        assert max(30, goal) <= pool <= 60

    assert set(range(20, 51)) == seen


@pytest.mark.parametrize(
    ("goal", "hunt", "pieces"),
    [
        ("triforce-hunt", None, (20, 30)),
        ("ganonhunt", None, (40, 50)),
        ("triforce-hunt", {"goal": 15}, (15, 30)),
        ("triforce-hunt", {"goal": 35}, (35, 35)),
        ("triforce-hunt", {"pool": 0, "min_difference": 5}, (20, 25)),
        ("triforce-hunt", {"goal": "30", "pool": "60"}, (30, 60)),
        ("triforce-hunt", {"goal": 90, "min_difference": 10}, (90, 100)),
    ],
)
def test_how_many_pieces_a_hunt_has(goal, hunt, pieces):
    """
    The usual ones, or those of the section.
    """
    section = {"eq": {"Lamp": 1}, "triforce-hunt": hunt}
    chosen = custom(section=section, goals=goal)["custom"]

    assert pieces == (chosen["item.Goal.Required"], chosen["item"]["count"]["TriforcePiece"])
    assert "item.Goal.Required" not in custom(section=section, goals="ganon")["custom"]


def test_a_clock_that_runs_out():
    """
    Clocks count only where the rolled mode of the timer is that one.
    """
    section = {
        "custom": {"rom.timerMode": "countdown-ohko"},
        "timed-ohko": {
            "timerStart": [900, 1500],
            "clock": {
                "GreenClock": {"value": 180, "pool": 12},
                "RedClock": {"value": [-600, -500], "pool": {0: 1}},
            },
        },
    }
    chosen = custom(section=section)
    off = custom(section={**section, "custom": {"rom.timerMode": "off"}})["custom"]
    bare = custom(section={"custom": {"rom.timerMode": "countdown-ohko"}})["custom"]

    assert 180 == chosen["custom"]["item.value.GreenClock"]
    assert -600 <= chosen["custom"]["item.value.RedClock"] <= -500
    assert "item.value.BlueClock" not in chosen["custom"]
    assert 900 <= chosen["custom"]["rom.timerStart"] <= 1500
    assert {"GreenClock": 12} == counts(chosen)
    assert "rom.timerStart" not in off
    assert "rom.timerStart" not in bare


def test_a_bird_does_not_come_before_the_escape():
    """
    In the standard world it must be woken first.
    """
    section = {"eq": {"OcarinaActive": 1}}

    assert ["OcarinaInactive", *HEARTS] == custom(section=section, world_state="standard")["eq"]
    assert ["OcarinaActive", *HEARTS] == custom(section=section)["eq"]


@pytest.mark.parametrize("goal", ["pedestal", "dungeons"])
def test_goals_that_need_prizes_of_both_worlds(goal):
    """
    May have them in either.
    """
    section = {"custom": {"prize.crossWorld": False}}

    assert custom(section=section, goals=goal)["custom"]["prize.crossWorld"] is True
    assert custom(section=section)["custom"]["prize.crossWorld"] is False


# ------------------------------------------------------------------------ safety and rules


@pytest.mark.parametrize(
    ("change", "weapons"),
    [
        ({"enemy_shuffle": "shuffled"}, "assured"),
        ({"enemy_damage": "random"}, "assured"),
        ({"enemy_health": "easy"}, "assured"),
        ({"enemy_health": "easy", "weapons": "swordless"}, "assured"),
        ({"enemy_health": "easy", "weapons": "vanilla"}, "vanilla"),
        ({"enemy_health": "easy", "world_state": "open"}, "randomized"),
        ({}, "randomized"),
        ({"boss_shuffle": "full"}, "randomized"),
    ],
)
def test_the_escape_can_be_survived(change, weapons):
    """
    In the standard world Link has a sword if enemies aren't what they were, whoever makes it.
    """
    change = {"world_state": "standard", **change}
    swords = rolled(**change, options={"force_doors": True}).settings["swords"]

    assert weapons == settings(**change)["weapons"]
    assert weapons.replace("randomized", "random") == swords


def test_the_escape_after_dark_rooms():
    """
    Where the customizer turned enemies off there is nothing to survive.
    """
    section = {"custom": {"item.require.Lamp": True}}
    chosen = custom(section=section, world_state="standard", enemy_shuffle="shuffled")

    assert "randomized" == chosen["weapons"]


@pytest.mark.parametrize(
    ("change", "key", "value", "fits"),
    [
        ({"tower_open": "4"}, "tower_open", 4, True),
        ({"tower_open": 4}, "tower_open", "4", True),
        ({"tower_open": 4}, "tower_open", "5", False),
        ({"hints": "on"}, "hints", True, True),
        ({"hints": True}, "hints", "on", True),
        ({"allow_quickswap": True}, "allow_quickswap", "on", True),
        ({"allow_quickswap": "off"}, "allow_quickswap", False, True),
        ({}, "allow_quickswap", False, True),
        ({}, "mapshuffle", "off", True),
        ({}, "keyshuffle", False, True),
        ({}, "door_shuffle", "vanilla", True),
        ({}, "glitches", "none", True),
        ({}, "glitches_required", "none", True),
        ({}, "glitches_required", "no_logic", False),
    ],
)
def test_conditions_compare_what_is_meant(change, key, value, fits):
    """
    And not how it happens to be written.
    """
    rules = [{"conditions": [{"Key": key, "Value": value}], "actions": {"goals": "pedestal"}}]

    assert fits == ("pedestal" == settings(**change, rules=rules)["goal"])


def test_all_conditions_must_be_met():
    """
    None of them: always.
    """
    one = {"Key": "goals", "Value": "ganon", "MatchType": "exact"}
    other = {"Key": "hints", "Value": "on"}
    never = {"Key": "goals", "Value": "pedestal"}
    for conditions, fits in (
        ([one], True),
        ([one, other], False),
        ([], True),
        ([one, never], False),
    ):
        rules = [{"conditions": conditions, "actions": {"weapons": "vanilla"}}]
        assert fits == ("vanilla" == settings(rules=rules)["weapons"])


def test_rules_see_what_earlier_rules_did():
    """
    They are applied in their order, after the sword was given.
    """
    rules = [
        {"conditions": [{"Key": "goals", "Value": "ganon"}], "actions": {"goals": "pedestal"}},
        {"conditions": [{"Key": "goals", "Value": "pedestal"}], "actions": {"hints": {"on": 1}}},
        {"conditions": [{"Key": "goals", "Value": "ganon"}], "actions": {"item_pool": "hard"}},
        {
            "conditions": [{"Key": "weapons", "Value": "assured"}],
            "actions": {"weapons": "swordless"},
        },
    ]
    chosen = settings(rules=rules, world_state="standard", enemy_health="hard")

    assert ("pedestal", "on") == (chosen["goal"], chosen["hints"])
    assert "normal" == chosen["item"]["pool"]
    assert "swordless" == chosen["weapons"]


def test_a_rule_may_take_the_customizer_away():
    """
    It can't shuffle entrances; and what a rule makes of the goal counts for the rest.
    """
    entrances = [{"conditions": [], "actions": {"entrance_shuffle": "crossed"}}]
    hunt = [{"conditions": [], "actions": {"goals": "triforce-hunt"}}]
    section = {"eq": {"Lamp": 1}}

    assert "customizer" not in custom(section=section, rules=entrances)
    assert 20 == custom(section=section, rules=hunt)["custom"]["item.Goal.Required"]


# --------------------------------------------------------------------------- around a game


def test_words_for_the_players():
    """
    Are rolled like all else, and subweights may have their own.
    """
    words = {"Bingo at noon": 1, "Free for all": 1}
    subs = {"a": {"chance": 1, "weights": {"custom_instructions": 7}}}

    assert set(words) == {
        rolled(seed, custom_instructions=words).custom_instructions for seed in range(20)
    }
    assert "7" == rolled(custom_instructions=words, subweights=subs).custom_instructions
    assert rolled().custom_instructions is None


def test_where_games_of_the_site_are_made():
    """
    The weightset may name a branch; games of the Door Randomizer have their own.
    """
    assert "beeta" == rolled(branch="beeta").branch
    assert "stable" == rolled(branch="beeta", door_shuffle="basic").branch
    assert rolled().branch is None
