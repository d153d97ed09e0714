"""
Every value is checked here, since the site puts its default in place of one it doesn't know.
"""

from __future__ import annotations

import attrs
import pytest

from seedcore import ProviderInvalidRequestError
from seedcore_samus.options import SmOptions, Smz3Options, settings_of


@pytest.mark.parametrize(
    ("provider", "options", "words"),
    [
        ("smz3", {"smlogic": "medium"}, "smlogic must be one of normal, hard"),
        ("smz3", {"goal": "defeatmb"}, "goal must be one of defeatboth, fastganon"),
        ("smz3", {"opentower": "eightcrystals"}, "opentower must be one of random, nocrystals"),
        ("smz3", {"opentourian": "fivebosses"}, "opentourian must be one of random, nobosses"),
        ("smz3", {"swordlocation": ["early"]}, "swordlocation must be one of randomized, early"),
        ("smz3", {"keyshuffle": True}, "keyshuffle must be one of none, keysanity"),
        ("smz3", {"gamemode": "coop"}, "gamemode must be one of normal, multiworld"),
        ("smz3", {"logic": "casual"}, "logic is unknown"),
        ("sm", {"smlogic": "hard"}, "smlogic is unknown"),
        ("sm", {"placement": "half"}, "placement must be one of full, split"),
        ("sm", {"initialitems": "Charge"}, "initialitems is unknown"),
        ("sm", {"patch": "x"}, "patch is unknown"),
    ],
)
async def test_a_value_the_site_does_not_know_is_refused(
    runner, upstream, provider, options, words
):
    """
    With what is allowed; nothing is sent.
    """
    with pytest.raises(ProviderInvalidRequestError) as caught:
        await runner.generate(provider, options=options, surface="tests")

    assert words in caught.value.provider_message
    assert [] == upstream.requests


@pytest.mark.parametrize(
    "number", ["-1", "2147483648", "1.5", "abc", "٣", "1e3", " 7", "+7", "9" * 5000, -5, 2**31]
)
async def test_a_seed_number_out_of_range_is_refused(runner, upstream, number):
    """
    The site would fail without a word.
    """
    with pytest.raises(ProviderInvalidRequestError, match="whole number from 0 to 2147483647"):
        await runner.generate("smz3", options={"seed": number}, surface="tests")

    assert [] == upstream.requests


@pytest.mark.parametrize("number", ["", "0", 0, 7, "0007", "2147483647"])
async def test_a_seed_number_in_range_is_sent(runner, sent, number):
    """
    As it was given.
    """
    await runner.generate("sm", options={"seed": number}, surface="tests")

    assert str(number) == sent()[0]["seed"]


@pytest.mark.parametrize(
    "items", ["ETank:x", "ETank;Charge", "ETank,", ",", "E Tank", "ETank:1:2", "ETank, etank:2"]
)
async def test_items_that_are_no_list_of_items_are_refused(runner, upstream, items):
    """
    Each has a name and maybe a number, and stands there once.
    """
    with pytest.raises(ProviderInvalidRequestError, match="initialitems must"):
        await runner.generate("smz3", options={"initialitems": items}, surface="tests")

    assert [] == upstream.requests


@pytest.mark.parametrize("items", ["", "Boots", "ETank:2, Charge", "Boots, Random:1", "ETank : 2"])
async def test_items_are_sent_as_they_are(runner, sent, items):
    """
    None at all is not sent.
    """
    await runner.generate("smz3", options={"initialitems": items}, surface="tests")

    assert (items or None) == sent()[0].get("initialitems")


@pytest.mark.parametrize("key", ["", "short", "a" * 65, "with space", 'quote"quote', "schlüssel"])
async def test_a_key_that_can_not_be_masked_everywhere_is_refused(runner, upstream, key):
    """
    The words never have it.
    """
    with pytest.raises(ProviderInvalidRequestError) as caught:
        await runner.generate("smz3", options={"spoiler_key": key}, surface="tests")

    words = "option: spoiler_key must be 8 to 64 letters, digits and . _ ~ -"
    assert words == caught.value.provider_message
    assert [] == upstream.requests


async def test_a_branch_is_refused(runner, upstream):
    """
    There is none.
    """
    with pytest.raises(ProviderInvalidRequestError, match="it has no branches"):
        await runner.generate("smz3", branch="live", surface="tests")

    assert [] == upstream.requests


def test_a_key_is_not_shown():
    """
    Neither in the options' text nor among the settings.
    """
    options = Smz3Options(spoiler_key="k4vNq8ZtW2mX")

    assert "k4vN" not in repr(options)
    assert "k4vN" not in repr(settings_of(options, race=True))


@pytest.mark.parametrize("kind", [SmOptions, Smz3Options])
def test_every_option_says_what_it_is(kind):
    """
    For those who look it up.
    """
    assert all(field.metadata["help"] for field in attrs.fields(kind))
