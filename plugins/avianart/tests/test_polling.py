"""
How a seed is waited for.
"""

from __future__ import annotations

import pytest

from seedcore import (
    ProviderResponseFormatError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from seedcore.testing import replies


async def roll(runner, **asked):
    """
    Roll a race seed of crosskeys.
    """
    return await runner.generate(
        "avianart", **{"preset": "crosskeys", "race": True, "surface": "tests", **asked}
    )


async def test_the_looks_come_every_five_to_ten_seconds(runner, site, clock):
    """
    The first is at once; the pauses grow a little.
    """
    site.course = ("generating",) * 12

    await roll(runner)

    assert 13 == len(site.gets)
    pauses = [round(pause, 2) for pause in clock.slept]
    assert [5.0, 5.5, 6.05] == pauses[:3]
    assert 10.0 == max(pauses)


@pytest.mark.parametrize("race", [False, True])
async def test_a_seed_that_is_done_at_once_is_not_waited_for(runner, site, say, race):
    """
    The first answer may be the seed itself: it has no status. Of a race the page counts, too.
    """
    site.course = ()
    for answers in (site.first, site.looks):
        answers.append(say.enveloped(say.recorded("race")))

    seed = await roll(runner, race=race)

    assert ("PpQXn7COf", "Bow/Map/Green Potion/Ice Rod/Big Key") == (seed.id, seed.code)
    assert (1, int(race)) == (len(site.posts), len(site.gets))


@pytest.mark.parametrize("extra", [{}, {"status": None}, {"status": ""}])
async def test_a_first_answer_with_nothing_but_the_hash_is_looked_at(runner, site, say, extra):
    """
    The missing status says that it is done, and the seed is where its hash leads.
    """
    site.course = ()
    site.made["PpQXn7COf"] = say.Made(key="PpQXn7COf", race=True, course=say.deque())
    site.first.append(say.enveloped({"hash": "PpQXn7COf", **extra}))

    seed = await roll(runner)

    assert "1.4.1.11" == seed.version
    assert (1, 1) == (len(site.posts), len(site.gets))


@pytest.mark.parametrize("status", ["success", "Finished", "done", 0, 200, True, None])
@pytest.mark.parametrize("where", ["first", "looks"])
async def test_what_has_all_of_a_seed_is_one(runner, site, say, where, status):
    """
    Whatever the site calls that, and wherever it comes.
    """
    site.course = ()
    getattr(site, where).append(say.enveloped({**say.recorded("race"), "status": status}))

    seed = await roll(runner, race=False)

    assert ("PpQXn7COf", "1.4.1.11") == (seed.id, seed.version)
    assert (1, int(where == "looks")) == (len(site.posts), len(site.gets))


@pytest.mark.parametrize("status", ["pregeneration", "generating", "postgen"])
async def test_a_seed_under_way_is_not_taken_for_one(runner, site, say, status):
    """
    Though there may be a part of it already.
    """
    site.course = ()
    site.looks.append(say.enveloped({**say.recorded("race"), "status": status}))

    await roll(runner)

    assert 2 == len(site.gets)


async def test_a_seed_that_failed_is_not_taken_for_one(runner, site, say):
    """
    Whatever is left of it.
    """
    site.course = ()
    left = {"patch": {"0": [1]}, "status": "failure", "message": "no"}
    site.looks += [say.enveloped(left)] * 3

    with pytest.raises(ProviderUnavailableError, match="it gave up on this seed: no"):
        await roll(runner)


async def test_a_word_that_nobody_knows_without_a_seed_is_waited_for(runner, site, say):
    """
    Keys that hold nothing yet make no seed of it.
    """
    empty = {"patch": None, "spoiler": None, "status": "baking"}
    site.looks += [say.enveloped({**say.recorded("generating"), **empty})]
    site.course = ()

    await roll(runner)

    assert 2 == len(site.gets)


async def test_words_that_nobody_knows_are_waited_for(runner, site):
    """
    The site may learn new ones.
    """
    site.course = ("queued", "baking")

    await roll(runner)

    assert 3 == len(site.gets)


async def test_a_moment_without_an_answer_is_waited_for(runner, site, say):
    """
    Between two states of a seed the site knows nothing of it.
    """
    site.looks += [say.enveloped(None), say.enveloped(None)]

    seed = await roll(runner)

    assert "PpQXn7COf" == seed.id
    assert 1 == len(site.posts)


async def test_a_seed_that_is_never_done_ends_at_the_limit(site, say, clock, runner_for):
    """
    The last status is named, and no second seed is asked for.
    """
    site.course = ("pregeneration", "generating", say.FOR_EVER)
    async with runner_for(site.url, poll_timeout=60) as runner:
        with pytest.raises(ProviderTimeoutError) as caught:
            await roll(runner)

    assert "generating, attempt" in caught.value.provider_message
    assert "Kakariko" not in caught.value.provider_message
    assert ("deadline", 1) == (caught.value.stopped_by, len(site.posts))
    assert 50 <= sum(clock.slept) <= 60


async def test_without_a_word_about_it_the_limit_is_two_minutes(runner, site, say, clock):
    """
    As long as bots have always waited.
    """
    site.course = ("generating", say.FOR_EVER)

    with pytest.raises(ProviderTimeoutError):
        await roll(runner)

    assert 110 <= sum(clock.slept) <= 120


async def test_the_deadline_of_the_call_comes_first(site, say, clock, runner_for):
    """
    However long a seed may take, who asked has an answer by then.
    """
    site.course = ("generating", say.FOR_EVER)
    async with runner_for(site.url, poll_timeout=3600) as runner:
        with pytest.raises(ProviderTimeoutError):
            await roll(runner, deadline=90)

    assert sum(clock.slept) <= 90


@pytest.mark.parametrize("fault", [replies.lost(), replies.status(500), replies.status(503)])
async def test_a_look_that_fails_is_made_again_and_no_second_seed(runner, site, fault):
    """
    The seed is being made, whatever becomes of one look at it.
    """
    site.looks += [fault]

    seed = await roll(runner)

    assert "PpQXn7COf" == seed.id
    assert 1 == len(site.posts)
    assert 6 == len(site.gets)
    assert False is seed.meta.possible_duplicate


async def test_looks_that_fail_for_good_end_the_call(runner, site):
    """
    Three attempts of one look, and still no second seed.
    """
    site.looks += [replies.status(500)] * 3

    with pytest.raises(ProviderUnavailableError):
        await roll(runner)

    assert (1, 3) == (len(site.posts), len(site.gets))


async def test_a_seed_that_the_site_gave_up_on_is_asked_for_anew(runner, site):
    """
    The seed that comes then may be the second.
    """
    site.ends += ["failure", "done"]

    seed = await roll(runner)

    assert "2rZ" == seed.id
    assert (2, True) == (seed.meta.attempts, seed.meta.possible_duplicate)
    assert 2 == len(site.posts)


async def test_a_site_that_gives_up_each_time_says_why(runner, site):
    """
    Its message is in the error, after the attempts of a call.
    """
    site.course = ()
    site.ends += ["failure"] * 3

    with pytest.raises(ProviderUnavailableError) as caught:
        await roll(runner)

    assert "it gave up on this seed: Failed to store" == caught.value.provider_message
    assert (3, "attempts") == (caught.value.attempts, caught.value.stopped_by)
    assert 3 == len(site.posts)


async def test_a_failure_in_the_first_answer_is_one(runner, site, say):
    """
    Without a message it is one too.
    """
    failure = say.enveloped({"hash": "PpQXn7COf", "status": "failure"})
    site.first += [failure] * 3

    with pytest.raises(ProviderUnavailableError, match="does not say why"):
        await roll(runner)

    assert (3, 0) == (len(site.posts), len(site.gets))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hash": "2rZ"}, "another seed"),
        ({"status": 7}, "neither a status nor a seed"),
        ({"status": None}, "neither a status nor a seed"),
    ],
)
async def test_a_look_at_something_else_is_refused(runner, site, say, change, words):
    """
    Nothing is made of another seed, or of what is none.
    """
    site.looks += [say.enveloped({**say.recorded("generating"), **change})]

    with pytest.raises(ProviderResponseFormatError, match=words):
        await roll(runner)

    assert 1 == len(site.posts)


async def test_what_is_waited_for_is_reported(runner, events):
    """
    Each new status is an event.
    """
    await roll(runner)

    seen = [event.extra["status"] for event in events if event.event == "poll"]
    assert [
        "pregeneration, attempt 1",
        "generating, attempt 2",
        "generating, attempt 3",
        "postgen, attempt 3",
    ] == seen
