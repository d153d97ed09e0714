"""
What is wrong with weightsets, said before anything is rolled.
"""

from __future__ import annotations

import copy
import math
import re
from pathlib import Path
from random import Random

import pytest

import seedcore_alttpr
from seedcore import ProviderInvalidRequestError
from seedcore.presets.document import read
from seedcore_alttpr.mystery import level, parse, roll
from seedcore_alttpr.mystery.pool import COUNTS

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
"""A weightset that leaves no choice: the 17 keys that each must have."""

FOLDER = Path(seedcore_alttpr.__file__).with_name("weightsets")
SHIPPED = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def refusal(document):
    """
    Return what is said about a document that can't be used.
    """
    with pytest.raises(ProviderInvalidRequestError) as caught:
        parse(document)
    words = caught.value.provider_message
    assert words.startswith("the weightset can't be used: ")
    return words.removeprefix("the weightset can't be used: ")


def sub(**fields):
    """
    Return subweights with one sub, which is called hard.
    """
    return {"subweights": {"hard": fields}}


def rule(**fields):
    """
    Return a weightset's rules, of which the first two are right.
    """
    right = {"conditions": [{"Key": "goals", "Value": "ganon"}], "actions": {"hints": "on"}}
    return {"rules": [right, right, {**right, **fields}]}


def condition(**fields):
    """
    Return rules whose last has one condition.
    """
    return rule(conditions=[fields])


def test_the_least_there_can_be():
    """
    A value for each of the 17 keys is a weightset.
    """
    resolved = roll(parse(PLAIN), Random(1))

    assert 17 == len(PLAIN)
    assert "ganon" == resolved.settings["goal"]
    assert not resolved.customizer
    assert not resolved.doors


@pytest.mark.parametrize("document", [None, [], {}, "weighted", 5])
def test_what_is_no_weightset_at_all(document):
    """
    Is told what one is.
    """
    assert "it must be a map with weights for each option" == refusal(document)


@pytest.mark.parametrize("key", sorted(PLAIN))
def test_each_of_the_seventeen_is_needed(key):
    """
    Today the first to be missing ends the roll with a traceback.
    """
    document = {name: value for name, value in PLAIN.items() if name != key}

    assert f"there are no weights for {key}" == refusal(document)
    assert f"there are no weights for {key}" == refusal({**PLAIN, key: None})


# ------------------------------------------------------------------------------- weights


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({}, "goals: is empty: give values and their weights"),
        ({"ganon": 0}, "goals: all weights are 0"),
        ({"ganon": 0, "pedestal": 0.0}, "goals: all weights are 0"),
        ({"ganon": -1}, "goals.ganon: a weight must be a number from 0 on, not -1"),
        ({"ganon": "many"}, "goals.ganon: a weight must be a number from 0 on, not many"),
        ({"ganon": "5"}, "goals.ganon: a weight must be a number from 0 on, not 5"),
        ({"ganon": None}, "goals.ganon: a weight must be a number from 0 on, not nothing"),
        ({"ganon": True}, "goals.ganon: a weight must be a number from 0 on, not True"),
        ({"ganon": [1]}, "goals.ganon: a weight must be a number from 0 on, not [1]"),
        ({"ganon": math.nan}, "goals.ganon: a weight must be a number from 0 on, not nan"),
        ({"ganon": math.inf}, "goals.ganon: a weight must be a number from 0 on, not inf"),
        ({"ganon": 10**400}, "goals.ganon: a weight must be a number from 0 on, not 10000"),
        (["ganon"], "goals: must be a value or a map of values to weights, not a list"),
        ("gannon", "goals: gannon must be one of ganon, fast_ganon, dungeons, pedestal"),
        ({"gannon": 1}, "Did you mean 'ganon'?"),
        ({5: 1}, "goals: 5 must be one of ganon"),
        ({None: 1}, "goals: None must be one of ganon"),
        (5.5, "goals: 5.5 must be one of ganon"),
    ],
)
def test_weights_that_cannot_be_rolled(weights, words):
    """
    Are named with their place, and with what is allowed.
    """
    assert words in refusal({**PLAIN, "goals": weights})


def test_numbers_that_are_too_long_to_be_written():
    """
    Python refuses to turn them into a text, even for a message.
    """
    huge = 10**5000

    assert "goals: something huge must be one of ganon" in refusal({**PLAIN, "goals": huge})
    assert "goals: something huge must be one of" in refusal({**PLAIN, "goals": {huge: 1}})
    assert "not something huge" in refusal({**PLAIN, "goals": {"ganon": [huge]}})
    assert "something huge: is unknown" == refusal({**PLAIN, huge: 1})
    assert "something huge must be a text" in refusal({**PLAIN, "custom_instructions": huge})
    assert "custom.a: something huge must be" in refusal(
        {**PLAIN, "customizer": {"custom": {"a": huge}}}
    )


def test_a_value_that_is_never_rolled_may_be_anything():
    """
    People leave such lines for later.
    """
    parse({**PLAIN, "goals": {"ganon": 1, "banana": 0}})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hints": "maybe"}, "hints: maybe must be one of on, off"),
        ({"allow_quickswap": "maybe"}, "allow_quickswap: maybe must be on or off"),
        ({"pot_shuffle": "none"}, "pot_shuffle: none must be one of on, off"),
        ({"tower_open": 8}, "tower_open: 8 must be one of 0, 1, 2"),
        ({"triforce_pool": {"some": 1}}, "triforce_pool: some must be a whole number from 0 to"),
        ({"item_pool": "easy"}, "item_pool: easy must be one of normal, hard, expert"),
        ({"pottery": "all"}, "pottery: all must be one of none, keys"),
        ({"startinventory": ["Lamp"]}, "startinventory: must be a map of items"),
        ({"startinventory": {"Lamp": "x"}}, "startinventory.Lamp: x must be a whole number"),
        ({"startinventory": {"Lamp,Bow": 1}}, "startinventory.Lamp,Bow: must be the name of an"),
        ({"goal": "ganon"}, "goal: is unknown. Did you mean 'goals'?"),
        ({"entrances": "none"}, "entrances: is unknown. Did you mean 'entrance_shuffle'?"),
        ({"subweight": {}}, "subweight: is unknown. Did you mean 'subweights'?"),
        ({7: "ganon"}, "7: is unknown"),
        ({"qqq": 1}, "qqq: is unknown"),
        ({"description": {"a": 1}}, "description: must be a text"),
        ({"custom_instructions": ""}, "custom_instructions: an empty text must be a text of 1"),
        ({"custom_instructions": {"x" * 1001: 1}}, "must be a text of 1 to 1000 characters"),
        ({"branch": "stable"}, "branch: stable must be one of live, beeta, tournament; a branch"),
        ({"options": 5}, "options: must be a map with FillItemPoolWith, force_doors, branch"),
        ({"options": {"fill": 1}}, "options.fill: is unknown. Known: FillItemPoolWith"),
        ({"options": {"FillItemPoolWith": "Rupee"}}, "options.FillItemPoolWith: Rupee is no item"),
        ({"options": {"force_doors": "maybe"}}, "options.force_doors: maybe must be on or off"),
        ({"options": {"branch": "live"}}, "options.branch: live must be one of stable, volatile"),
        ({"preset": {"open": 0}}, "preset: all weights are 0"),
        ({"preset": {"": 1}}, "preset: an empty text must be a text of 1 to 200 characters"),
    ],
)
def test_other_keys_that_do_not_fit(change, words):
    """
    Each says its place, and what is allowed or the nearest that is known.
    """
    assert words in refusal({**PLAIN, **change})


def test_yaml_reads_some_words_as_something_else():
    """
    An unquoted ``on`` is ``True`` as a value and as a key, and crystals may be numbers.
    """
    document = {**PLAIN, "hints": True, "tower_open": {4: 1}, "pot_shuffle": {False: 1, "off": 2}}
    settings = roll(parse(document), Random(1)).settings

    assert "on" == settings["hints"]
    assert "4" == settings["crystals"]["tower"]
    assert "off" == settings["enemizer"]["pot_shuffle"]


# ---------------------------------------------------------------------------- subweights


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"subweights": {}}, "subweights: is empty: it must be a map of names"),
        ({"subweights": ["hard"]}, "subweights: must be a map of names, each with a chance"),
        ({"subweights": {"hard": None}}, "subweights.hard: must have a chance"),
        ({"subweights": {"hard": {}}}, "subweights.hard: must have a chance"),
        ({"subweights": {"hard": 70}}, "subweights.hard: must be a map with a chance and weights"),
        (sub(weights={}), "subweights.hard: must have a chance"),
        (sub(chance=0), "subweights: all chances are 0"),
        (sub(chance=-1), "subweights.hard.chance: a chance must be a number from 0 on, not -1"),
        (sub(chance="70"), "subweights.hard.chance: a chance must be a number from 0 on, not 70"),
        (sub(chance=math.nan), "subweights.hard.chance: a chance must be a number"),
        (sub(chance=1, weight={}), "subweights.hard.weight: is unknown. Did you mean 'weights'?"),
        (sub(chance=1, weights=[]), "subweights.hard.weights: must be a map of weights"),
        (
            sub(chance=1, weights={"goals": {"ganon": 0}}),
            "subweights.hard.weights.goals: all weights are 0",
        ),
        (
            sub(chance=1, weights=sub(chance=1, weights={"goals": {"ganon": -2}})),
            "subweights.hard.weights.subweights.hard.weights.goals.ganon: a weight must be",
        ),
        (
            sub(chance=1, weights={"goals": None}),
            "subweights.hard: there are no weights for goals; give them there or above",
        ),
    ],
)
def test_subweights_that_do_not_fit(change, words):
    """
    Their places lead through all the subs above them.
    """
    assert words in refusal({**PLAIN, **change})


def test_a_sub_that_leads_to_itself():
    """
    Would be rolled for ever; YAML's anchors can write such a thing.
    """
    document = {**PLAIN, **sub(chance=100, weights={})}
    document["subweights"]["hard"]["weights"]["subweights"] = document["subweights"]

    words = refusal(document)

    place = "subweights.hard.weights.subweights"
    assert f"{place}: leads back to itself, so that it might never come to an end" == words


def test_too_many_subs():
    """
    A short document can say very much by naming the same things again and again.
    """
    subs = {"a": {"chance": 1}}
    for _ in range(12):
        part = {"chance": 1, "weights": {"subweights": subs}}
        subs = {"a": part, "b": part, "c": part}

    assert "subweights: there are more than 1000 of them" in refusal({**PLAIN, "subweights": subs})


def test_too_many_levels():
    """
    Twenty are enough for anybody.
    """
    document = PLAIN
    for _ in range(30):
        document = {**PLAIN, **sub(chance=1, weights=document)}

    assert "is nested too deeply; 20 levels are allowed" in refusal(document)


def test_what_a_sub_adds_counts_only_where_it_is_rolled():
    """
    So the top may leave it out, and a sub without a chance may be unfinished.
    """
    document = {name: value for name, value in PLAIN.items() if name != "goals"}
    never = {"chance": 0, "weights": {}}

    parse(
        {**document, "subweights": {"a": {"chance": 1, "weights": {"goals": "ganon"}}, "b": never}}
    )


# --------------------------------------------------------------------------------- rules


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rules": {"goals": 1}}, "rules: must be a list of rules"),
        ({"rules": ["swordless"]}, "rules[0]: must be a map with conditions and actions"),
        (rule(condition=[]), "rules[2].condition: is unknown. Did you mean 'conditions'?"),
        (rule(conditions={"Key": "goals"}), "rules[2].conditions: must be a list, each with a"),
        (rule(conditions=["goals"]), "rules[2].conditions[0]: must be a map with Key and Value"),
        (condition(Key="goals"), "rules[2].conditions[0]: lacks Value"),
        (
            condition(key="goals", Value=1),
            "rules[2].conditions[0].key: is unknown. Did you mean 'Key",
        ),
        (condition(Key="goal", Value=1), "rules[2].conditions[0].Key: goal is no option. Did you"),
        (condition(Key=["goals"], Value=1), "rules[2].conditions[0].Key: ['goals'] is no option"),
        (condition(Key="goals", Value="x"), "rules[2].conditions[0].Value: x must be one of ganon"),
        (
            condition(Key="goals", Value="ganon", MatchType="not"),
            "rules[2].conditions[0].MatchType: not is unknown. Known: exact",
        ),
        ({"rules": rule()["rules"] * 17}, "rules: has 51 rules; 50 are allowed: join some of"),
        (rule(actions=None), "rules[2].actions: must be a map of options to weights"),
        (rule(actions={}), "rules[2].actions: must be a map of options to weights"),
        (rule(actions={"hint": "on"}), "rules[2].actions.hint: hint is no option. Did you mean"),
        (rule(actions={"hints": {"on": 0}}), "rules[2].actions.hints: all weights are 0"),
        (rule(actions={"hints": "loud"}), "rules[2].actions.hints: loud must be one of on, off"),
    ],
)
def test_rules_that_do_not_fit(change, words):
    """
    Are counted from 0, as in the document.
    """
    assert words in refusal({**PLAIN, **change})


# ---------------------------------------------------------------------------- customizer


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ([], "customizer: must be a map with eq, custom, pool, triforce-hunt, timed-ohko"),
        ({"equipment": {}}, "customizer.equipment: is unknown. Known: eq"),
        ({"custom": {f"a{number}": 1 for number in range(501)}}, "custom: has more than 500 names"),
        ({"eq": ["PegasusBoots"]}, "customizer.eq: must be a map of names to weights"),
        ({"eq": {"Boots": 1}}, "customizer.eq: Boots is no item that the site knows"),
        ({"eq": {"PegasusBoot": 1}}, "Did you mean 'PegasusBoots'?"),
        ({"eq": {"PegasusBoots": -1}}, "customizer.eq.PegasusBoots: -1 must be a whole number"),
        ({"eq": {"PegasusBoots": {1: 0}}}, "customizer.eq.PegasusBoots: all weights are 0"),
        ({"eq": {"Bottle1": 8}}, "customizer.eq.Bottle1: 8 must be a whole number from 0 to 7"),
        ({"eq": {"Ocarina": "on fire"}}, "customizer.eq.Ocarina: on fire must be a whole number"),
        ({"pool": {"Rupoor": 217}}, "customizer.pool.Rupoor: 217 must be a whole number from 0"),
        ({"pool": {"Bottle1": 1}}, "customizer.pool: Bottle1 is no item that the site knows"),
        ({"custom": {"region.wildKeys": "some"}}, "custom.region.wildKeys: some must be on or off"),
        ({"custom": {"rom.timerMode": "ohko"}}, "custom.rom.timerMode: ohko must be one of off"),
        ({"custom": {"rom.logicMode": {"x" * 101: 1}}}, "a text of at most 100 characters"),
        ({"custom": {"a": {"b": {"c": 1}}}}, "customizer.custom.a.b: a weight must be a number"),
        ({"custom": {"": 1}}, "customizer.custom: an empty text is no name: letters, digits, dots"),
        ({"custom": {"rom\u202e": 1}}, "is no name: letters, digits, dots and hyphens are"),
        ({"custom": {"x" * 101: 1}}, "is no name: letters, digits, dots and hyphens are"),
        ({"custom": {"item": 5}}, "customizer.custom: item is made of all counts; give yours in"),
        ({"custom": {"item.count": 5}}, "customizer.custom: item.count is made of all counts"),
        ({"custom": {"item.count.Lmap": 5}}, "customizer.custom: item.count.Lmap is no item that"),
        ({"pool": {"Lamp": 200, "Hookshot": {0: 1, 200: 1}}},
         "customizer: may come to 501 items that must be placed, and 216 have room; lower the"),
        ({"custom": {"item.count.Lamp": 216}}, "customizer: may come to 318 items that must be"),
        ({"triforce-hunt": {"goal": [1, 90], "min_difference": 40}}, "may come to 233 items"),
        ({"triforce-hunt": {"pool": [1, 216]}}, "may come to 319 items that must be placed"),
        ({"triforce-hunt": 30}, "customizer.triforce-hunt: must be a map with goal, pool, min_"),
        ({"triforce-hunt": {"goals": 30}}, "triforce-hunt.goals: is unknown. Did you mean 'goal'"),
        ({"triforce-hunt": {"goal": 0}}, "triforce-hunt.goal: 0 must be a whole number from 1"),
        ({"triforce-hunt": {"goal": [9]}}, "triforce-hunt.goal: must be a number, or two such as"),
        ({"triforce-hunt": {"goal": [9, 5]}}, "or two such as [1, 216], the lower one first"),
        ({"triforce-hunt": {"goal": [1, 999]}}, "goal: must be a whole number from 1 to 216"),
        ({"triforce-hunt": {"goal": ["a", "b"]}}, "goal: must be a number, or two such as"),
        ({"timed-ohko": []}, "customizer.timed-ohko: must be a map with timerStart and clock"),
        ({"timed-ohko": {"start": 5}}, "timed-ohko.start: is unknown. Known: timerStart, clock"),
        ({"timed-ohko": {"timerStart": "soon"}}, "timed-ohko.timerStart: soon must be a whole"),
        ({"timed-ohko": {"clock": ["Red"]}}, "timed-ohko.clock: must be a map with GreenClock"),
        ({"timed-ohko": {"clock": {"Red": {}}}}, "clock.Red: is unknown. Known: GreenClock"),
        ({"timed-ohko": {"clock": {"RedClock": 5}}}, "RedClock: must be a map with value and pool"),
        ({"timed-ohko": {"clock": {"RedClock": {"pool": -1}}}}, "clock.RedClock.pool: -1 must be"),
        ({"eq": {"Rupees": 9999, **dict.fromkeys(
            ("Lamp", "Hammer", "Heart", "Bomb", "Arrow", "Cape", "Bow", "Ether", "Quake", "Bombos",
             "Shovel", "Powder", "IceRod", "FireRod", "Hookshot", "Flippers", "MoonPearl",
             "Mushroom", "Triforce", "RedMail"), 50)}},
         "customizer.eq: comes to 1041 items; 1000 are allowed"),
    ],
)  # fmt: skip
def test_sections_of_the_customizer_that_do_not_fit(section, words):
    """
    The site would ignore what it doesn't know, and nobody would learn of it.
    """
    assert words in refusal({**PLAIN, "customizer": section})


@pytest.mark.parametrize(
    "section",
    [
        {"pool": {"TwentyRupees": 216, "PieceOfHeart": 216}},
        {"pool": {"Lamp": 3}, "triforce-hunt": {"goal": 50, "pool": [60, 70]}},
        {"pool": dict.fromkeys(COUNTS, 0), "triforce-hunt": {"goal": 216}},
        {"pool": {"Lamp": 1}, "custom": {"item.count.Lamp": 216}},
    ],
)
def test_what_the_site_leaves_out_may_be_too_much(section):
    """
    Only what must be placed needs room.
    """
    parse({**PLAIN, "customizer": section})


# --------------------------------------------------------------------------------- doors


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"goals": {"trinity": 1}}, "goals: trinity is known to the Door Randomizer only"),
        (
            {"goals": "trinity", "door_shuffle": {"basic": 1, "vanilla": 1}},
            "it may come to a game of the site; options.force_doors: true prevents that",
        ),
        (
            rule(actions={"boss_shuffle": "unique"}),
            "rules[2].actions.boss_shuffle: unique is known to the Door Randomizer only",
        ),
        (
            {
                "door_shuffle": {"basic": 1, "vanilla": 1},
                "rules": [
                    {"conditions": [], "actions": {"pottery": "keys"}},
                    {
                        "conditions": [{"Key": "pottery", "Value": "keys"}],
                        "actions": {"goals": "trinity"},
                    },
                ],
            },
            "rules[1].actions.goals: trinity is known to the Door Randomizer only",
        ),
        (
            {"item_pool": "crowd_control", "shopsanity": {"on": 1, "off": 9}},
            "item_pool: crowd_control is nothing for the Door Randomizer, which shopsanity asks",
        ),
    ],
)
def test_what_only_one_of_the_two_can_do(change, words):
    """
    Is refused where the other might have to do it.
    """
    assert words in refusal({**PLAIN, **change})


@pytest.mark.parametrize(
    ("branch", "name", "value"),
    [
        ("stable", "goals", "ganonhunt"),
        ("stable", "goals", "completionist"),
        *(("stable", "entrance_shuffle", value) for value in ("swapped", "lite", "lean")),
        ("stable", "door_shuffle", "partitioned"),
        *(("stable", "dropshuffle", value) for value in ("keys", "underworld")),
        *(("stable", "keyshuffle", value) for value in ("wild", "universal")),
        *(
            (branch, name, value)
            for branch in ("volatile", "unstable")
            for name, value in (
                ("entrance_shuffle", "restricted_legacy"),
                ("entrance_shuffle", "full_legacy"),
                ("entrance_shuffle", "madness_legacy"),
                ("entrance_shuffle", "insanity_legacy"),
                ("enemy_shuffle", "random"),
                ("enemy_shuffle", "legacy"),
            )
        ),
    ],
)
def test_what_a_branch_of_the_door_randomizer_can_not_do(branch, name, value):
    """
    Is refused where that branch may have to, by a sub or a rule as well; others have it.
    """
    words = f"{value} is nothing for the branch {branch} of the Door Randomizer"
    options = {"force_doors": True, "branch": branch}
    rare = {value: 1, PLAIN.get(name, "vanilla" if name == "door_shuffle" else "off"): 99}
    other = {"force_doors": True, "branch": "stable" if branch != "stable" else "unstable"}

    found = refusal({**PLAIN, "options": options, name: rare})
    assert f"{name}: {words}, which options.force_doors asks for; leave it out, or" in found
    hard = sub(chance=1, weights={name: rare})
    assert f"weights.{name}: {words}" in refusal({**PLAIN, "options": options, **hard})
    changed = rule(actions={name: rare})
    assert f"rules[2].actions.{name}: {words}" in refusal({**PLAIN, "options": options, **changed})
    parse({**PLAIN, "options": other, name: rare})


@pytest.mark.parametrize(
    "change",
    [
        {"goals": "ganonhunt"},
        {"enemy_shuffle": "random", "options": {"branch": "unstable"}},
        {"goals": "trinity", "options": {"force_doors": True}},
        {"goals": "trinity", "door_shuffle": {"basic": 1, "crossed": 1}},
        {"item_placement": None, "pottery": "lottery"},
        {
            "door_shuffle": {"basic": 1, "vanilla": 1},
            **rule(
                conditions=[{"Key": "door_shuffle", "Value": "basic"}], actions={"goals": "trinity"}
            ),
        },
    ],
)
def test_what_surely_comes_to_one_of_the_two(change):
    """
    May have what only that knows, and lack what it doesn't ask.
    """
    parse({**PLAIN, **change})


# --------------------------------------------------------------------- all of them at once


def test_everything_wrong_is_said_at_once():
    """
    Up to ten places; then it says how many more there are.
    """
    words = refusal({**PLAIN, **{f"wrong{number}": 1 for number in range(14)}})

    assert 10 == words.count("is unknown")
    assert words.endswith("; and 4 more")


@pytest.mark.parametrize("name", ["", "a,b", "x" * 101, "Lamp\u202e", 7])
def test_items_that_people_can_not_begin_with(name):
    """
    Which there are, only the Door Randomizer knows; it gets their names joined by commas.
    """
    found = refusal({**PLAIN, "startinventory": {name: 1}})

    assert ": must be the name of an item, in at most 100 characters" in found


def test_nobody_looks_for_more_than_fifty(monkeypatch):
    """
    Else a long document full of mistakes would keep everything else waiting.
    """
    asked = []
    monkeypatch.setattr(level, "did_you_mean", lambda *words: asked.append(words) or "")
    words = refusal({**PLAIN, **{f"wrong{number}": 1 for number in range(9_000)}})

    assert 10 == words.count("is unknown")
    assert words.endswith("; and 40 or more")
    assert 50 == len(asked)


def test_long_sentences_are_fewer():
    """
    So that the last of them isn't cut off in its middle.
    """
    part = {"chance": 1, "weights": {"entrance_shuffle": "all", "boss_shuffle": "all"}}

    words = refusal({**PLAIN, "subweights": {f"hard{number}": part for number in range(12)}})

    assert len(words) < 2000
    assert re.fullmatch(r" and \d+ more", words.rpartition(";")[2])


def test_the_words_of_a_document_are_shown_tamely():
    """
    A key may have line breaks, escape sequences or a novel in it.
    """
    words = refusal({**PLAIN, "a\n\x1b[31m" + "b" * 500: 1})

    assert "\n" not in words
    assert "\x1b" not in words
    assert len(words) < 100


# ------------------------------------------------------------------ what older documents have


def test_keys_that_mean_nothing_are_taken():
    """
    The call decides about two of them, and nobody reads the others.
    """
    document = {
        **PLAIN,
        "description": "An older one",
        "goal_name": "mystery",
        "festive": True,
        "tournament": {"true": 1},
        "spoilers": {"mystery": 1},
        "custom_instructions": None,
        "customizer": None,
        "rules": None,
        "preset": None,
        "subweights": None,
        "options": None,
        "startinventory": None,
        "branch": None,
    }
    weightset = parse(document)

    assert "An older one" == weightset.description
    assert () == weightset.notes
    assert roll(parse(PLAIN), Random(3)).settings == roll(weightset, Random(3)).settings


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (
            {"rom.logicMode": "MajorGlitches"},
            "rom.logicMode: has no effect there; it belongs under",
        ),
        ({"retro": 0}, "retro: has no effect; world_state says it"),
        (
            {"customizer": {"timed-ohko": {"forced_settings": {"item_placement": "basic"}}}},
            "customizer.timed-ohko.forced_settings: has no effect; use rules or subweights",
        ),
        (
            sub(chance=1, weights={"preset": "open"}),
            "subweights.hard.weights.preset: has no effect; presets are rolled first of all",
        ),
        (
            sub(chance=1, weights={"branch": "live"}),
            "subweights.hard.weights.branch: has no effect; it counts at the top only",
        ),
    ],
)
def test_what_has_no_effect_is_noted(change, note):
    """
    Documents with such slips work today, so they aren't refused.
    """
    (said,) = parse({**PLAIN, **change}).notes

    assert said.startswith(note)


def test_a_document_of_presets_needs_no_weights():
    """
    But it needs them if it may come to none of its presets.
    """
    weightset = parse({"preset": {"open": 1, "standard": 2, "old": 0}})

    assert ("open", "standard") == weightset.preset_names
    assert "there are no weights for" in refusal({"preset": {"open": 1, "none": 1}})


def test_the_document_is_left_as_it_is():
    """
    Documents are kept and shared.
    """
    document = read((FOLDER / "surprise.yaml").read_text(), provider="alttpr", name="surprise")
    before = copy.deepcopy(document)
    weightset = parse(document)
    for seed in range(50):
        roll(weightset, Random(seed))

    assert before == document


def test_there_are_weightsets_with_the_plugin():
    """
    Plain ones, one of the customizer, one of several layers, and one that may come to doors.
    """
    assert ["doors", "friendly", "layered", "surprise", "weighted"] == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_each_of_them_can_be_used(name):
    """
    It says what it is, and nothing in it is idle.
    """
    text = (FOLDER / f"{name}.yaml").read_text()
    weightset = parse(read(text, provider="alttpr", name=name))

    assert weightset.description
    assert () == weightset.notes
