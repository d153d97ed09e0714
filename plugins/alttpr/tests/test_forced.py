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
    What was drawn is in the body and in the seed's settings; the caller's list stays whole.
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
    assert site.sent[-1]["l"] == seed.settings["l"]
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


async def test_items_that_take_each_others_locations_are_refused_too(make, site):
    """
    That shows only when they are drawn, which is before anything is sent as well.
    """
    wish = {"item": "BigKeyA2:1", "locations": list(PLACES[:2]), "quantity": 2}

    with pytest.raises(ProviderInvalidRequestError, match="forced_locations"):
        await make(customizer=True, forced_locations=[wish, wish])

    assert [] == site.sent


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"chance": 101}, "chance must be a whole number from 0 to 100"),
        ({"quantity": -1}, "quantity must be a whole number from 0 to 230"),
        ({"locations": ["Chest 1:1"]}, "is no location"),
        ({"place": []}, "place is unknown"),
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
