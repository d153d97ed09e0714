"""
That nobody is shown a seed whose spoiler is to be seen and mustn't be, or isn't and must.
"""

from __future__ import annotations

import pytest

from seedcore import ProviderResponseFormatError, ProviderUnavailableError, SpoilerLeakError
from seedcore.testing import replies


async def roll(runner, **asked):
    """
    Roll a seed of the preset crosskeys.
    """
    return await runner.generate("avianart", preset="crosskeys", surface="tests", **asked)


ITEMS, NUMBER = "where its items are", "its seed number"
ALL = "all of it, since it isn't said to be a race"
LEAKS = (
    (ITEMS, {"Light World": {"Lost Woods Hideout": "Bow"}}),
    (ITEMS, ["Bow"]),
    (ITEMS, "Bow"),
    (NUMBER, {"meta": {"race": True, "seed": 613528871}}),
    (f"{ITEMS}, {NUMBER}", {"meta": {"seed": 613528871}, "Light World": {}}),
    *(
        (ALL, {"meta": {"race": no}})
        for no in (False, "No", "no", "false", "0", 0, None, "", [], {}, 2)
    ),
    *((ALL, spoiler) for spoiler in ({"meta": {"version": "1.4.1.11"}}, {"meta": {}}, {}, None)),
    (ALL, {"meta": 7}),
)


@pytest.mark.parametrize(("words", "spoiler"), LEAKS)
@pytest.mark.parametrize("race", [False, True])
async def test_a_seed_that_shows_its_spoiler_is_refused(
    runner, site, events, say, *, words, spoiler, race
):
    """
    The leak is named, an alert is left, and no other seed is asked for.
    """
    site.finished = {**say.recorded("race"), "spoiler": spoiler}

    with pytest.raises(SpoilerLeakError) as caught:
        await roll(runner, race=race)

    assert f"it shows {words}. The seed was thrown away" == caught.value.provider_message
    (alert,) = [event for event in events if event.event == "leak_refused"]
    assert ("ERROR", {"leak": words}) == (alert.level, alert.extra)
    seen = f"{caught.value!r} {caught.value} {[event.fields() for event in events]}"
    assert not any(secret in seen for secret in ("PpQXn7COf", "613528871", "Lost Woods"))
    assert 1 == len(site.posts)


async def test_a_first_answer_that_shows_it_is_enough(runner, site, say):
    """
    Nobody looks at the page any more.
    """
    leaking = {**say.recorded("race"), "spoiler": LEAKS[0][1]}
    site.first.append(say.enveloped(leaking))

    with pytest.raises(SpoilerLeakError, match=ITEMS):
        await roll(runner, race=True)

    assert [] == site.gets


async def test_a_page_that_shows_more_than_the_first_answer_is_noticed(runner, site, say):
    """
    Of a race that is done at once the page is asked for, since others see that.
    """
    site.first.append(say.enveloped(say.recorded("race")))
    site.looks.append(say.enveloped({**say.recorded("race"), "spoiler": LEAKS[0][1]}))

    with pytest.raises(SpoilerLeakError, match=ITEMS):
        await roll(runner, race=True)

    assert (1, 1) == (len(site.posts), len(site.gets))


async def test_a_page_that_cannot_be_had_is_no_race(runner, site, say):
    """
    A seed that nobody could judge isn't shown, and no other one is asked for.
    """
    site.first.append(say.enveloped(say.recorded("race")))
    site.looks += [replies.status(503)] * 3

    with pytest.raises(ProviderUnavailableError) as caught:
        await roll(runner, race=True)

    assert "PpQXn7COf" not in f"{caught.value!r} {caught.value}"
    assert (1, 3) == (len(site.posts), len(site.gets))


async def test_a_preset_of_alttpr_says_tournament(runner, site, say):
    """
    And is hidden all the same.
    """
    site.finished = {**say.recorded("race"), "spoiler": {"meta": {"tournament": True}}}

    seed = await roll(runner)

    assert seed.url is not None


@pytest.mark.parametrize("yes", [True, 1, "1", "true", "True", "Yes", "yes"])
async def test_a_race_may_be_written_in_several_ways(runner, site, say, yes):
    """
    What says that it is one is believed.
    """
    site.finished = {**say.recorded("race"), "spoiler": {"meta": {"race": yes}}}

    assert "PpQXn7COf" == (await roll(runner, race=True)).id


@pytest.mark.parametrize("spoiler", [{"meta": {"race": True}}, {"meta": {"race": False}}, {}, None])
async def test_a_seed_without_the_spoiler_that_was_asked_for_is_refused(runner, site, say, spoiler):
    """
    It is not what was asked for.
    """
    site.finished = {**say.recorded("open"), "spoiler": spoiler}

    with pytest.raises(ProviderResponseFormatError, match="without a public spoiler"):
        await roll(runner, spoilers="on")

    assert 1 == len(site.posts)


async def test_a_seed_with_spoilers_may_show_it(runner, site, say):
    """
    That is what was asked for.
    """
    site.finished = {**say.recorded("race"), "spoiler": LEAKS[0][1]}

    assert "PpQXn7COf" == (await roll(runner, spoilers="on")).id
