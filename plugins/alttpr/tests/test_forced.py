"""
Items whose location is drawn from a list.
"""

from __future__ import annotations

import base64
import copy
from contextlib import suppress
from random import Random

import pytest
from hypothesis import given, strategies as st

from seedcore import ProviderInvalidRequestError
from seedcore_alttpr.body import placed
from seedcore_alttpr.options import ForcedItem


def place(name: str) -> str:
    """
    Return a location as the site writes it.
    """
    return base64.b64encode(f"{name}:1".encode()).decode()


PLACES = tuple(place(f"Chest {number}") for number in range(6))


def forced(**fields):
    """
    Return one wish: a hookshot in one of three chests.
    """
    return (ForcedItem(**{"item": "Hookshot:1", "locations": PLACES[:3], **fields}),)


def test_the_same_randomness_draws_the_same_locations():
    """
    The source is passed in, so a draw can be repeated.
    """
    draws = [placed({}, forced(quantity=2), Random(5)) for _ in range(3)]

    assert draws[0] == draws[1] == draws[2]
    assert 2 == len(draws[0])
    assert set(draws[0]) <= set(PLACES[:3])
    assert {"Hookshot:1"} == set(draws[0].values())


def test_a_location_that_has_an_item_is_never_drawn():
    """
    Neither one that was given nor one that an earlier item got.
    """
    given = {PLACES[0]: "Lamp:1"}

    filled = placed(given, forced(quantity=2), Random(1))

    assert {PLACES[0]: "Lamp:1", PLACES[1]: "Hookshot:1", PLACES[2]: "Hookshot:1"} == filled
    assert {PLACES[0]: "Lamp:1"} == given


def test_without_override_nothing_is_placed():
    """
    As in the bots, whatever the name may promise.
    """
    assert {} == placed({}, forced(override=False), Random(1))


@pytest.mark.parametrize(("chance", "least", "most"), [(0, 0, 0), (50, 60, 140), (100, 200, 200)])
def test_chance_is_per_cent_for_each_of_them(chance, least, most):
    """
    One draw per item of the quantity.
    """
    names = tuple(place(f"Chest {number}") for number in range(200))

    filled = placed({}, forced(locations=names, quantity=200, chance=chance), Random(3))

    assert least <= len(filled) <= most


@given(quantity=st.integers(0, 5), chance=st.integers(0, 100), seed=st.integers())
def test_any_draw_places_or_refuses(quantity, chance, seed):
    """
    Never an exception that isn't a sentence, never two items in one place.
    """
    filled = {}
    with suppress(ProviderInvalidRequestError):
        filled = placed({}, forced(quantity=quantity, chance=chance), Random(seed))

    assert len(filled) <= min(quantity, 3)


async def test_a_game_has_them_and_the_options_keep_theirs(make, site):
    """
    What was drawn is in the body and nowhere else; the caller's list stays whole.
    """
    options = {
        "customizer": True,
        "l": {PLACES[5]: "Lamp:1"},
        "forced_locations": [{"item": "BigKeyA2:1", "locations": list(PLACES[:3])}],
    }
    before = copy.deepcopy(options)

    for _ in range(4):
        seed = await make(**options)

    drawn = [set(sent["l"]) - {PLACES[5]} for sent in site.sent]
    assert all(1 == len(one) and one <= set(PLACES[:3]) for one in drawn)
    assert 1 < len(set.union(*drawn))
    assert "forced_locations" not in site.sent[0]
    assert {PLACES[5]: "Lamp:1"} == seed.settings["l"]
    wish = {"quantity": 1, "chance": 100, "override": True, **before["forced_locations"][0]}
    assert [wish] == seed.settings["forced_locations"]
    assert before == options


@pytest.mark.parametrize(
    ("taken", "quantity"), [(PLACES[:3], 1), ((), 4), (PLACES[:2], 2)], ids=["all", "few", "some"]
)
async def test_too_few_locations_are_refused_before_anything_is_sent(make, site, taken, quantity):
    """
    The sentence names the item and the remedy.
    """
    wish = {"item": "BigKeyA2:1", "locations": list(PLACES[:3]), "quantity": quantity}

    with pytest.raises(ProviderInvalidRequestError, match="BigKeyA2:1 finds none of its 3"):
        await make(customizer=True, l=dict.fromkeys(taken, "Lamp:1"), forced_locations=[wish])

    assert [] == site.sent


@pytest.mark.parametrize(
    "wishes",
    [
        [(PLACES[:2], 2), (PLACES[:2], 2)],
        [(PLACES[:1], 1), (PLACES[:1], 1)],
        [(PLACES[:2], 1), (PLACES[1:3], 1), (PLACES[:3], 2)],
        [(PLACES[:5], 3), (PLACES[:2], 2), (PLACES[1:3], 1)],
    ],
)
async def test_items_that_take_each_others_locations_are_refused_too(runner, site, wishes):
    """
    By a dry run as well: however they are drawn, they don't fit.
    """
    wish = [
        {"item": f"Item{number}", "locations": list(places), "quantity": quantity}
        for number, (places, quantity) in enumerate(wishes)
    ]
    options = {"customizer": True, "forced_locations": wish}

    for dry_run in (False, True):
        with pytest.raises(ProviderInvalidRequestError, match="forced_locations: Item"):
            await runner.generate("alttpr", options=options, surface="tests", dry_run=dry_run)

    assert [] == site.sent


@given(seed=st.integers())
def test_items_that_fit_always_find_their_locations(seed):
    """
    Whatever was drawn for the first ones, they move if another has nowhere else to go.
    """
    wishes = (
        *forced(item="A", locations=PLACES[:4]),
        *forced(item="B", locations=PLACES[:2]),
        *forced(item="C", locations=PLACES[1:3]),
        *forced(item="D", locations=PLACES[:1]),
    )

    filled = placed({PLACES[4]: "Lamp:1"}, wishes, Random(seed))

    by_item = {item: {where for where in filled if filled[where] == item} for item in "ABCD"}
    assert [1, 1, 1, 1] == [len(by_item[item]) for item in "ABCD"]
    for wish in wishes:
        assert by_item[wish.item] <= set(wish.locations)


def test_every_location_is_drawn_at_times():
    """
    A free one is as likely as another.
    """
    drawn = {place for seed in range(60) for place in placed({}, forced(), Random(seed))}

    assert set(PLACES[:3]) == drawn


@pytest.mark.parametrize("wrong", [{"override": False}, {"chance": 0}, {"quantity": 0}])
async def test_what_is_not_placed_needs_no_location(make, site, wrong):
    """
    All of its locations may be taken.
    """
    wish = {"item": "BigKeyA2:1", "locations": [PLACES[0]], "quantity": 2, **wrong}

    await make(customizer=True, l={PLACES[0]: "Lamp:1"}, forced_locations=[wish])

    assert {PLACES[0]: "Lamp:1"} == site.sent[0]["l"]


async def test_what_chance_may_decide_well_is_not_refused_before(runner):
    """
    One of these two may well come alone.
    """
    wish = {"item": "Lamp:1", "locations": [PLACES[0]], "chance": 50}
    options = {"customizer": True, "forced_locations": [wish, wish]}

    assert (await runner.generate("alttpr", options=options, surface="tests", dry_run=True)).id


async def test_what_chance_decides_is_refused_when_it_is_drawn(make, site):
    """
    Here it is all but sure; nothing is sent.
    """
    wish = {"item": "Lamp:1", "locations": [PLACES[0]], "quantity": 200, "chance": 99}

    with pytest.raises(ProviderInvalidRequestError, match="finds none of its 1 locations free"):
        await make(customizer=True, forced_locations=[wish])

    assert [] == site.sent


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"chance": 101}, "chance must be a whole number from 0 to 100"),
        ({"quantity": -1}, "quantity must be a whole number from 0 to 230"),
        ({"locations": ["Chest 1:1"]}, "is no location"),
        ({"place": []}, "place is unknown"),
        ({"locations": [place(str(number)) for number in range(231)]}, "takes 230 items with as"),
    ],
)
async def test_a_wrong_wish_is_refused(make, site, wrong, words):
    """
    Each with what is allowed.
    """
    wish = {"item": "BigKeyA2:1", "locations": list(PLACES[:2]), **wrong}

    with pytest.raises(ProviderInvalidRequestError, match=words):
        await make(customizer=True, forced_locations=[wish])

    assert [] == site.sent
