"""
How often things are rolled, and that whatever is rolled can be sent.
"""

from __future__ import annotations

import copy
import json
import math
from collections import Counter
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings as with_settings, strategies as st

import seedcore_alttpr
from seedcore import ProviderInvalidRequestError, SeedRequest
from seedcore.hookspecs import Declaration
from seedcore.options import combined
from seedcore.presets.document import read
from seedcore.settings import structure
from seedcore_alttpr import Alttpr
from seedcore_alttpr.body import body_of
from seedcore_alttpr.mystery import parse, roll
from seedcore_alttpr.mystery.catalogue import OPTIONS, SITE
from seedcore_alttpr.mystery.doors import LACKS
from seedcore_alttpr.mystery.pool import COUNTS, IN_STEPS, amount_of
from seedcore_alttpr.mystery.weights import Weights
from seedcore_alttpr.options import Options

ROLLS = 100_000
SIGMAS = 5
"""With a fixed seed a result is always the same; a correct die fails one seed in a million."""

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

FOLDER = Path(seedcore_alttpr.__file__).with_name("weightsets")


def assert_shares(shares, found):
    """
    Check how often each value was *found* against its share of all.
    """
    rolls = sum(found.values())
    assert set(found) == {value for value, share in shares.items() if share}
    for value, share in shares.items():
        allowed = SIGMAS * math.sqrt(rolls * share * (1 - share)) + 1e-9
        assert abs(found[value] - rolls * share) <= allowed, (value, share, found)


# ----------------------------------------------------------------------------- frequencies


@pytest.mark.parametrize(
    "weights",
    [
        {"a": 1, "b": 1},
        {"a": 95, "b": 2.5, "c": 2, "d": 0.5},
        {"a": 0, "b": 7, "c": 0, "d": 93, "e": 0},
        {"a": 5e-324, "b": 5e-324},
        {"a": 1.5e308, "b": 1.5e308},
        {str(number): number for number in range(100)},
    ],
)
def test_values_are_rolled_as_often_as_their_weights_say(weights):
    """
    Whatever they add up to; what has a weight of 0 never comes.
    """
    total = sum(map(Fraction, weights.values()))
    shares = {value: float(Fraction(weight) / total) for value, weight in weights.items()}
    (die,) = parse({**PLAIN, "custom_instructions": weights}).stage.plans()
    rng = Random(20)
    found = Counter(die.instructions.roll(rng) for _ in range(ROLLS))

    assert_shares(shares, found)


def test_what_is_meant_the_same_counts_together():
    """
    YAML's bare ``on`` and the quoted one are two keys of one value.
    """
    (plan,) = parse({**PLAIN, "hints": {True: 1, "on": 2, "off": 1}}).stage.plans()

    assert {"on": 0.75, "off": 0.25} == plan.options["hints"].share


def test_rounding_never_rolls_nothing():
    """
    The largest number that randomness gives is still within the last value.
    """

    class High(Random):
        def random(self):
            return 1 - 2**-53

    for sums in ((0.1, 0.2, 0.30000000000000004), (5e-324, 1e-323), (1.0, 3.0)):
        values = tuple(range(len(sums)))
        assert values[-1] == Weights(values, sums).roll(High())


def test_whole_weightsets_follow_their_weights():
    """
    A hundred thousand rolls of everything, subweights included, each on its own.
    """
    document = {
        **PLAIN,
        "goals": {"ganon": 4, "pedestal": 1, "dungeons": 0, "fast_ganon": 2.5},
        "tower_open": {"random": 1, **{str(number): number for number in range(8)}},
        "hints": {"on": 1, "off": 2},
        "subweights": {
            "plain": {"chance": 30},
            "hard": {
                "chance": 60,
                "weights": {"item_pool": {"hard": 3, "expert": 1}, "hints": "on"},
            },
            "odd": {
                "chance": 10,
                "weights": {
                    "subweights": {
                        "retro": {"chance": 1, "weights": {"world_state": "retro"}},
                        "inverted": {"chance": 3, "weights": {"world_state": "inverted"}},
                        "never": {"chance": 0, "weights": {"world_state": "standard"}},
                    }
                },
            },
        },
    }
    weightset, rng = parse(document), Random(8)
    rolls = [roll(weightset, rng).settings for _ in range(ROLLS)]

    goals = {"ganon": 4 / 7.5, "pedestal": 1 / 7.5, "fast_ganon": 2.5 / 7.5}
    assert_shares(goals, Counter(each["goal"] for each in rolls))
    tower = {"random": 1 / 29, **{str(number): number / 29 for number in range(8)}}
    assert_shares(tower, Counter(each["crystals"]["tower"] for each in rolls))
    pool = {"normal": 0.4, "hard": 0.45, "expert": 0.15}
    assert_shares(pool, Counter(each["item"]["pool"] for each in rolls))
    mode = {"open": 0.9, "retro": 0.025, "inverted": 0.075}
    assert_shares(mode, Counter(each["mode"] for each in rolls))
    both = {
        (goal, hint): share * (0.6 + 0.4 / 3 if hint == "on" else 0.8 / 3)
        for goal, share in goals.items()
        for hint in ("on", "off")
    }
    assert_shares(both, Counter((each["goal"], each["hints"]) for each in rolls))


def test_presets_and_their_absence():
    """
    A preset is as likely as its weight says.
    """
    weightset = parse({**PLAIN, "preset": {"none": 95, "open": 4.5, "keysanity": 0.5}})
    rng = Random(4)

    found = Counter(weightset.presets.roll(rng) for _ in range(ROLLS))
    assert_shares({None: 0.95, "open": 0.045, "keysanity": 0.005}, found)


def test_amounts_are_spread_evenly():
    """
    Both ends of a range are as likely as what is between.
    """
    section = {"eq": {"Lamp": 1}, "triforce-hunt": {"goal": [11, 20], "pool": 30}}
    weightset = parse({**PLAIN, "goals": "triforce-hunt", "customizer": section})
    rng = Random(6)
    found = Counter(
        roll(weightset, rng).settings["custom"]["item.Goal.Required"] for _ in range(20_000)
    )

    assert_shares(dict.fromkeys(range(11, 21), 0.1), found)


# ------------------------------------------------------------------- whatever is rolled

NUMBERS = st.integers(0, 100) | st.floats(0, 100, allow_nan=False)
CUSTOM = (
    "customPrizePacks",
    "item.require.Lamp",
    "region.wildMaps",
    "region.wildCompasses",
    "region.wildKeys",
    "rom.rupeeBow",
    "rom.somethingNew",
    "canBunnyRevive",
)


def weights_of(values, *, spelled=lambda value: value):
    """
    Return a strategy for weights of some of *values*, or one of them alone.
    """
    values = st.sampled_from(list(values))
    maps = st.dictionaries(values.map(spelled), NUMBERS, min_size=1)
    return values.map(spelled) | maps.filter(lambda weights: sum(weights.values()) > 0)


def site_values(name):
    """
    Return what every maker of games has for an option.
    """
    lacking = {"crowd_control"}.union(*(lacks.get(name, ()) for lacks in LACKS.values()))
    return [value for value in OPTIONS[name].kind.values if value not in lacking]


ONE = {name: weights_of(site_values(name)) for name in SITE}
SWITCH = weights_of((True, False))
AMOUNT = st.integers(1, 20) | st.tuples(st.integers(1, 10), st.integers(10, 20)).map(list)

DOORS = {
    "door_shuffle": weights_of(("vanilla", "basic", "crossed")),
    "keydropshuffle": SWITCH,
    "pottery": weights_of(("none", "keys", "lottery")),
    "keyshuffle": weights_of(("on", "off")),
    "startinventory": st.dictionaries(st.sampled_from(("Lamp", "Bow")), weights_of((0, 1, 2))),
    "intensity": weights_of((1, 2, 3, "random")),
}

CUSTOMIZER = st.fixed_dictionaries(
    {},
    optional={
        "eq": st.sampled_from((*COUNTS, *IN_STEPS, "Rupees")).flatmap(
            lambda name: st.fixed_dictionaries({name: weights_of(range(amount_of(name).high + 1))})
        ),
        "custom": st.dictionaries(st.sampled_from(CUSTOM), SWITCH)
        | st.just({"rom.timerMode": "countdown-ohko"}),
        "pool": st.dictionaries(st.sampled_from(tuple(COUNTS)), weights_of(range(20))),
        "triforce-hunt": st.fixed_dictionaries(
            {}, optional={"goal": AMOUNT, "pool": AMOUNT, "min_difference": AMOUNT}
        ),
        "timed-ohko": st.fixed_dictionaries(
            {},
            optional={
                "timerStart": AMOUNT,
                "clock": st.just({"RedClock": {"value": [-9, 9], "pool": 1}}),
            },
        ),
    },
)

RULE = st.tuples(st.sampled_from(tuple(SITE)), st.sampled_from(tuple(SITE))).flatmap(
    lambda names: st.fixed_dictionaries(
        {
            "conditions": st.sampled_from(site_values(names[0])).map(
                lambda value: [{"Key": names[0], "Value": value}]
            )
            | st.just([]),
            "actions": st.fixed_dictionaries({names[1]: ONE[names[1]]}),
        }
    )
)

EXTRAS = {
    **ONE,
    **DOORS,
    "customizer": CUSTOMIZER | st.none(),
    "rules": st.lists(RULE, max_size=3),
    "allow_quickswap": SWITCH,
    "pseudoboots": SWITCH,
    "options": st.fixed_dictionaries(
        {},
        optional={
            "FillItemPoolWith": st.sampled_from(("Nothing", "TwentyRupees2")),
            "force_doors": st.booleans(),
            "branch": st.sampled_from(("stable", "volatile")),
        },
    ),
}

CHANGE = st.fixed_dictionaries({}, optional=EXTRAS)
SUBS = st.dictionaries(
    st.sampled_from(("a", "b", "c")),
    st.fixed_dictionaries({"chance": st.integers(1, 9)}, optional={"weights": CHANGE}),
    min_size=1,
)
WEIGHTSETS = st.builds(
    lambda base, change, subs: {**base, **change, **({"subweights": subs} if subs else {})},
    st.fixed_dictionaries(ONE),
    CHANGE,
    st.none() | SUBS,
)


def assert_can_be_sent(resolved):
    """
    Take the settings through all checks of the provider, up to the body of the request.
    """
    document = combined(Declaration(options=Options), [resolved.settings])
    request = SeedRequest(
        provider="alttpr",
        operation="generate",
        surface="tests",
        call_id="1",
        options=structure(Options, document, subject="option"),
    )
    Alttpr().check(request)
    body = json.loads(json.dumps(body_of(request)))
    sent = {key: value for key, value in resolved.settings.items() if key != "customizer"}
    assert sent == {key: body[key] for key in sent}


@with_settings(derandomize=True, deadline=None, max_examples=150)
@given(document=WEIGHTSETS, seed=st.integers(0, 2**32))
def test_whatever_is_rolled_can_be_sent(document, seed):
    """
    A weightset that was let through comes to options that the provider takes, every time.
    """
    before = copy.deepcopy(document)
    weightset, rng = parse(document), Random(seed)
    for _ in range(5):
        resolved = roll(weightset, rng)
        json.dumps([resolved.settings, resolved.rolled])
        if resolved.doors:
            assert None not in resolved.settings.values()
            assert isinstance(resolved.settings["hints"], bool)
        else:
            assert_can_be_sent(resolved)
        assert resolved.customizer == bool(resolved.settings.get("customizer"))
        if resolved.customizer:
            assert sum(resolved.settings["custom"]["item"]["count"].values()) >= 216
            assert min(resolved.settings["custom"]["item"]["count"].values()) >= 0

    assert before == document


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                (*OPTIONS, "subweights", "rules", "customizer", "eq", "chance", "weights")
            )
            | st.text(max_size=8)
            | st.integers(),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@with_settings(derandomize=True, deadline=None, max_examples=150)
@given(junk=st.dictionaries(st.sampled_from((*EXTRAS, "subweights", "preset")), JUNK))
def test_junk_is_refused_with_a_sentence(junk):
    """
    Or it is no junk: then it can be rolled.
    """
    try:
        weightset = parse({**PLAIN, **junk})
    except ProviderInvalidRequestError as error:
        said = error.provider_message
    else:
        roll(weightset, Random(1))
        return

    assert said.startswith("the weightset can't be used: ")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_weightsets_of_the_plugin_can_be_sent(path):
    """
    Each of five hundred rolls.
    """
    weightset = parse(read(path.read_text(), provider="alttpr", name=path.stem))
    rng = Random(11)
    made = Counter()
    for _ in range(500):
        resolved = roll(weightset, rng)
        made[resolved.provider, resolved.customizer] += 1
        if not resolved.doors:
            assert_can_be_sent(resolved)

    assert ("doors" == path.stem) == (made["alttprdoor", False] > 0)
    assert (path.stem in {"friendly", "layered", "surprise"}) == (made["alttpr", True] > 0)
