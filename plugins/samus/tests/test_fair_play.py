"""
That nobody is shown a seed without spoilers whose spoiler is to be seen.
"""

from __future__ import annotations

import json

import pytest

from seedcore import (
    ProviderError,
    ProviderResponseFormatError,
    ProviderUnavailableError,
    SpoilerLeakError,
)
from seedcore.testing import replies
from seedcore_samus import contract

LOG = contract.log(contract.seed("smz3", "11.3.2", {}))
HIDDEN = replies.status(400)


async def roll(runner, **asked):
    """
    Roll a race seed of smz3.
    """
    return await runner.generate("smz3", **{"race": True, "surface": "tests", **asked})


def asked_for(upstream):
    """
    Return method and target of each request.
    """
    return [f"{received.method} {received.target}" for received in upstream.requests]


POST = "POST /api/randomizers/smz3/generate"
PAGE = f"GET /api/spoiler/{contract.GUID}?yaml=false"


# -------------------------------------------------------------------------- the answer


@pytest.mark.parametrize("race", [True, False])
async def test_a_site_that_stops_hiding_is_noticed(runner, site, upstream, events, race):
    """
    The seed is thrown away at once, an alert is left, and no other seed is asked for.
    """
    site.strips = False

    with pytest.raises(SpoilerLeakError) as caught:
        await roll(runner, race=race)

    words = "the state of its worlds, the locations of its items"
    assert f"it shows {words}. The seed was thrown away" == caught.value.provider_message
    (alert,) = [event for event in events if event.event == "leak_refused"]
    assert ("ERROR", {"leak": words}) == (alert.level, alert.extra)
    assert contract.SLUG not in f"{caught.value!r} {[event.fields() for event in events]}"
    assert [POST] == asked_for(upstream)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("seedNumber",), "1789654321", "its seed number"),
        (("spoiler",), '[{"Morphing Ball":"x"}]', "its playthrough"),
        (("worlds", 0, "worldState"), "{}", "the state of its worlds"),
        (("worlds", 0, "locations"), [], "the locations of its items"),
        (("worlds", 0, "settings"), '{"race": "true", "seed": "5"}', "its seed number"),
        (("worlds", 0, "settings"), '{"race": "True", "seed": ""}', "settings that are not"),
        (("worlds", 0, "settings"), "{}", "settings that are not those of a race"),
    ],
)
@pytest.mark.parametrize("asked", [{}, {"race": False}])
async def test_every_trace_of_a_spoiler_counts(runner, site, *, path, value, words, asked):
    """
    Each of them alone makes a seed unfit for a race.
    """
    document = json.loads(contract.seed("smz3", "11.3.2", {}).body)
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    site.faults.append(replies.json_reply(document))

    with pytest.raises(SpoilerLeakError) as caught:
        await roll(runner, **asked)

    assert caught.value.provider_message.startswith(f"it shows {words}")
    assert "1789654321" not in str(caught.value)


async def test_what_is_missing_hides_as_well(runner, site):
    """
    A release that leaves these fields out altogether is as good.
    """
    document = json.loads(contract.seed("smz3", "11.3.2", {}).body)
    for name in ("seedNumber", "spoiler"):
        del document[name]
    for name in ("worldState", "locations"):
        del document["worlds"][0][name]
    site.faults.append(replies.json_reply(document))
    site.logs.append(HIDDEN)

    assert (await roll(runner)).url


async def test_a_second_world_that_cannot_be_read_is_refused(runner, site):
    """
    Whatever it hides, nobody could say so.
    """
    document = json.loads(contract.seed("smz3", "11.3.2", {}).body)
    document["worlds"].append({**document["worlds"][0], "settings": "{"})
    document["mode"] = "multiworld"
    site.faults.append(replies.json_reply(document))

    with pytest.raises(ProviderResponseFormatError, match="settings of a world can't be read"):
        await roll(runner, options={"names": "Red,Blue"})


# ---------------------------------------------------------------- the log without a key


async def test_the_log_of_a_race_is_asked_for(runner, upstream):
    """
    Once, without a key: it must not open.
    """
    seed = await roll(runner)

    assert contract.SLUG == seed.id
    assert [POST, PAGE] == asked_for(upstream)


@pytest.mark.parametrize("asked", [{}, {"spoilers": "on"}])
async def test_the_log_of_another_seed_is_not_asked_for(runner, upstream, asked):
    """
    Where nobody races, the site's answer says enough.
    """
    await roll(runner, race=False, **asked)

    assert [POST] == asked_for(upstream)


async def test_a_log_is_looked_for_where_its_seed_is(runner, upstream):
    """
    A release has seeds of its own.
    """
    await roll(runner, options={"release": "beta"})

    assert ["beta.samus.link"] * 2 == [each.headers["host"] for each in upstream.requests]


@pytest.mark.parametrize("log", [LOG, replies.json_reply({"log": 1}), replies.json_reply(None)])
async def test_a_log_that_opens_without_a_key_is_a_leak(runner, site, events, upstream, log):
    """
    Whatever form it has. Neither error nor events have anything of it, or of the seed.
    """
    site.logs.append(log)

    with pytest.raises(SpoilerLeakError) as caught:
        await roll(runner)

    words = "its log to who has no key"
    assert f"it shows {words}. The seed was thrown away" == caught.value.provider_message
    (alert,) = [event for event in events if event.event == "leak_refused"]
    assert ("ERROR", {"leak": words}) == (alert.level, alert.extra)
    seen = f"{caught.value!r} {caught.value} {[event.fields() for event in events]}"
    assert contract.SLUG not in seen
    assert "Power Bomb" not in seen
    assert [POST, PAGE] == asked_for(upstream)


async def test_a_look_that_fails_is_repeated_alone(runner, site, upstream):
    """
    No second seed is made for it.
    """
    site.logs += [replies.status(503), replies.status(500)]

    seed = await roll(runner)

    assert (1, False) == (seed.meta.attempts, seed.meta.possible_duplicate)
    assert [POST, PAGE, PAGE, PAGE] == asked_for(upstream)


@pytest.mark.parametrize(
    ("log", "error", "words"),
    [
        (replies.status(503), ProviderUnavailableError, None),
        (replies.status(500), ProviderUnavailableError, "failed without a word"),
        (replies.status(404), ProviderResponseFormatError, "doesn't have the log"),
        (replies.status(403), ProviderError, None),
        (replies.typed("text/html", "<h1>Soon</h1>", 400), ProviderError, None),
        (replies.typed("text/html", "<h1>Soon</h1>"), ProviderResponseFormatError, "a web page"),
        (replies.typed("application/json", ""), ProviderResponseFormatError, "nothing"),
    ],
)
async def test_a_race_that_nobody_could_judge_is_not_shown(
    runner, site, upstream, *, log, error, words
):
    """
    What can't be looked at could show anything.
    """
    site.logs += [log] * 3

    with pytest.raises(error, match=words) as caught:
        await roll(runner)

    assert not isinstance(caught.value, SpoilerLeakError)
    assert contract.SLUG not in f"{caught.value!r} {caught.value}"
    assert 1 == asked_for(upstream).count(POST)
