"""
How a seed is waited for, and how often the site is asked meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import random

import aiohttp
import pytest

from seedcore import (
    ProviderInvalidRequestError,
    ProviderResponseFormatError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    Registry,
    Runner,
)
from seedcore.testing import Received, VirtualClock, replies, virtual_time
from seedcore_ootr import ootr


async def roll(runner, **asked):
    """
    Roll a race seed without glitches.
    """
    asked = {"settings": {"logic_rules": "glitchless"}, "race": True, **asked}
    return await runner.generate("ootr", surface="tests", **asked)


async def test_no_content_is_waited_for(runner, site, clock):
    """
    204 says that the site doesn't know the seed yet; the pauses grow from 2 s.
    """
    site.course = (None,) * 4

    seed = await roll(runner)

    assert "1234567" == seed.id
    assert 5 == len(site.asked("status"))
    assert [2.0, 2.4, 2.88, 3.46] == [round(pause, 2) for pause in clock.slept]


async def test_what_is_waited_for_is_reported(runner, events):
    """
    How far the site is, and how many are before this.
    """
    await roll(runner)

    seen = [event.extra for event in events if event.event == "poll"]
    assert [
        "not known yet",
        "generating, 0 %, place 2 in the queue",
        "generating, 40 %",
    ] == [extra["status"] for extra in seen]
    assert [0.0, 0.4] == [extra["progress"] for extra in seen[1:]]


async def test_a_seed_that_failed_is_made_anew(runner, site):
    """
    Status 3 is final for the seed, not for the settings.
    """
    site.ends += [3, 3, 1]

    seed = await roll(runner)

    assert "1234569" == seed.id
    assert (3, True) == (seed.meta.attempts, seed.meta.possible_duplicate)
    assert 3 == len(site.asked("create"))


async def test_a_seed_that_fails_each_time_is_an_error(runner, site):
    """
    After the attempts of a call.
    """
    site.course = ()
    site.ends += [3] * 3

    with pytest.raises(ProviderUnavailableError, match="no seed of these settings") as caught:
        await roll(runner)

    assert (3, "attempts") == (caught.value.attempts, caught.value.stopped_by)
    assert (3, 3) == (len(site.asked("create")), len(site.asked("status")))


async def test_status_2_is_a_success_too(runner, site):
    """
    The site's own page ends with it.
    """
    site.ends += [2]

    assert "1234567" == (await roll(runner)).id


async def test_a_seed_that_is_never_done_ends_at_the_limit(site, clock, runner_for):
    """
    The last status is named, and no second seed is asked for.
    """
    site.for_ever = True
    async with runner_for(site.url, poll_timeout=120) as runner:
        with pytest.raises(ProviderTimeoutError, match="generating, 40 %") as caught:
            await roll(runner)

    assert "deadline" == caught.value.stopped_by
    assert 1 == len(site.asked("create"))
    assert 110 <= sum(clock.slept) <= 120


async def test_without_a_word_about_it_the_limit_is_five_minutes(runner, site, clock):
    """
    The whole call may take seven.
    """
    site.for_ever = True

    with pytest.raises(ProviderTimeoutError):
        await roll(runner)

    assert 290 <= sum(clock.slept) <= 300


@pytest.mark.parametrize("where", ["looks", "details"])
@pytest.mark.parametrize("fault", [replies.lost(), replies.status(500), replies.status(503)])
async def test_a_look_that_fails_is_made_again_and_no_second_seed(runner, site, where, fault):
    """
    The seed is being made, whatever becomes of one look at it.
    """
    getattr(site, where).append(fault)

    seed = await roll(runner)

    assert "1234567" == seed.id
    assert 1 == len(site.asked("create"))
    assert False is seed.meta.possible_duplicate


async def test_without_a_limit_of_its_own_the_call_has_seven_minutes(site, clock, runner_for):
    """
    A seed takes minutes where others are before it.
    """
    site.for_ever = True
    async with runner_for(site.url, poll_timeout=3600) as runner:
        with pytest.raises(ProviderTimeoutError):
            await roll(runner)

    assert 410 <= sum(clock.slept) <= 420


async def test_looks_that_fail_for_good_end_the_call(runner, site):
    """
    Three attempts of one look, and still no second seed.
    """
    site.looks.extend([replies.status(500)] * 3)

    with pytest.raises(ProviderUnavailableError):
        await roll(runner)

    assert 1 == len(site.asked("create"))


async def test_a_seed_that_is_gone_ends_the_call(runner, site):
    """
    404 says that it has expired.
    """
    site.looks.append(replies.status(404))

    with pytest.raises(ProviderInvalidRequestError, match="has expired"):
        await roll(runner)

    assert (1, 1) == (len(site.asked("create")), len(site.asked("status")))


async def test_details_that_are_not_there_yet_are_waited_for(runner, site):
    """
    A finished seed has them soon.
    """
    site.details += [replies.status(204)] * 2

    assert "Bow/Big Magic/SOLD OUT/Map/Frog" == (await roll(runner)).code
    assert 3 == len(site.asked("details"))


PAGE = replies.typed("text/html", "<html>Maintenance</html>")
UNHAD = [
    ([replies.status(404)], "can't be had: the site answers with status 404"),
    ([replies.status(500)] * 3, "can't be had: the site answers with status 500"),
    ([replies.status(403)], "can't be had: the site answers with status 403"),
    ([PAGE], "can't be had: the site answers with something else"),
    ([replies.lost()] * 3, "can't be had: the site doesn't answer"),
    ([replies.status(204)] * 99, "can't be had: they weren't there in time"),
    ([replies.json_reply([])], "can't be had: the site answers with something else"),
    ([replies.json_reply(None)], "can't be had: the site answers with something else"),
    ([replies.json_reply({})], "don't have it"),
    ([replies.json_reply({"settingsLog": None})], "don't have it"),
]


@pytest.mark.parametrize(("answers", "words"), UNHAD)
async def test_a_seed_whose_details_cannot_be_had_is_a_seed(runner, site, answers, words):
    """
    Only its code is missing, and the seed says why; no second one is asked for.
    """
    site.details += answers

    seed = await roll(runner)

    assert (f"{site.url}/seed/get?id=1234567", None) == (seed.url, seed.code)
    assert f"not known, since its details {words}" == seed.extra["code"]
    assert (1, False) == (seed.meta.attempts, seed.meta.possible_duplicate)
    assert 1 == len(site.asked("create"))


async def test_why_a_code_is_missing_does_not_tell_the_key(runner, site):
    """
    Also where the site repeats the address.
    """
    words = f"cannot GET /api/v2/seed/details?key={site.key}"
    site.details += [replies.typed("text/plain", words, 400)]

    seed = await roll(runner)

    assert None is seed.code
    assert site.key not in repr(seed)


async def test_details_are_waited_for_half_a_minute(runner, site, clock):
    """
    The seed waits for them.
    """
    site.course = ()
    site.details += [replies.status(204)] * 99

    await roll(runner)

    assert 25 <= sum(clock.slept) <= 30


async def test_a_seed_comes_before_the_end_of_its_call(runner, site, clock):
    """
    However long its details take.
    """
    site.course = ()
    site.details += [replies.status(204)] * 99

    seed = await roll(runner, deadline=10)

    assert ("1234567", None) == (seed.id, seed.code)
    assert sum(clock.slept) <= 9


@virtual_time
async def test_details_that_hang_do_not_take_the_seed_along(say):
    """
    Their time ends before that of the call.
    """
    clock = VirtualClock()
    site = say.Site(clock.monotonic)
    site.course = ()

    async def hanging(request, handler):
        if "details" in request.url.path:
            await asyncio.sleep(10_000)
        return await without_sockets(site, request)

    async with runner_without_sockets(clock, say.KEY, hanging) as runner:
        seed = await roll(runner, deadline=5)

    assert ("1234567", None) == (seed.id, seed.code)


async def test_a_seed_that_is_done_without_an_end_is_not_waited_for(runner, site):
    """
    100 % with the status of a seed at work may be a moment too early, but not for long.
    """
    site.course = ()
    done = replies.json_reply({"status": 0, "progress": 100})
    site.looks += [done] * 2
    assert "1234567" == (await roll(runner)).id

    site.looks += [done] * 9
    with pytest.raises(ProviderResponseFormatError, match="doesn't say whether it made one"):
        await roll(runner)

    assert 3 + 3 == len(site.asked("status"))


async def test_a_status_that_nobody_knows_is_waited_for_until_it_is_final(runner, site):
    """
    Below 100 % the site is still at it.
    """
    site.course = ({"status": 7, "progress": 50}, {"status": 8})

    assert "1234567" == (await roll(runner)).id


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"status": 7, "progress": 100}, "means nothing here: 7"),
        ({"progress": 50}, "no status"),
        ({"status": "1"}, "no status"),
        ({"status": True}, "no status"),
        ([], "isn't the JSON object"),
        (None, "isn't the JSON object"),
    ],
)
async def test_a_look_at_something_else_is_refused(runner, site, status, words):
    """
    It is not waited for.
    """
    site.looks.append(replies.json_reply(status))

    with pytest.raises(ProviderResponseFormatError, match=words):
        await roll(runner)

    assert (1, 1) == (len(site.asked("create")), len(site.asked("status")))


# ------------------------------------------------------------------------ 20 in 10 s


def most_in_a_window(times, seconds=10.0):
    """
    Return the most requests in any window of that length.
    """
    return max(sum(1 for other in times if 0 <= other - start < seconds) for start in times)


async def test_one_after_the_other_is_never_too_fast(site, runner):
    """
    60 requests, polls and plain looks, and none of them is one too many.
    """
    site.course = (None, {"status": 0, "progress": 50})
    for _ in range(6):
        await roll(runner)
    for _ in range(30):
        await runner.call("ootr", "status", id=1234567, surface="tests", patience=60)

    assert 60 == len(site.times)
    assert 0 == site.floods
    assert most_in_a_window(site.times) <= 20


class Answer:
    """
    As much of a response as is used of one; there is no socket behind it.
    """

    connection = None
    _raw_cookie_headers = None

    def __init__(self, request, reply):
        self.request_info = aiohttp.RequestInfo(
            request.url, request.method, request.headers, request.url
        )
        self.url, self.status, self.headers = request.url, reply.status, reply.headers
        self.body = reply.body

    async def json(self, *, content_type):
        return json.loads(self.body)

    async def text(self, *, errors):
        return self.body.decode(errors=errors)

    def raise_for_status(self):
        if self.status >= 400:
            raise aiohttp.ClientResponseError(
                self.request_info, (), status=self.status, headers=self.headers
            )

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass

    def release(self):
        pass

    def close(self):
        pass

    async def wait_for_close(self):
        pass


async def without_sockets(site, request):
    """
    Return what the stand-in answers to a request that is never sent.
    """
    body = request.body
    content = b"{}" if not body or isinstance(body, bytes) else await body.as_bytes()
    received = Received(
        method=request.method,
        target=request.url.raw_path_qs,
        headers={},
        body=content,
        connection=1,
    )
    await asyncio.sleep(0.1)
    return Answer(request, site.answer(received))


def runner_without_sockets(clock, key, middleware):
    """
    A runner, still to be entered, whose requests end in *middleware*.
    """
    registry = Registry(discover=False)
    registry.add("ootr", ootr)
    return Runner(
        registry=registry,
        database=None,
        settings={"providers": {"ootr": {"key": key}}},
        sinks=[],
        clock=clock,
        rng=random.Random(1),
        http_middlewares=[middleware],
    )


@virtual_time
async def test_many_at_once_are_never_too_fast(say):
    """
    15 seeds of 4 requests each: the site sees all 60, and never more than 20 in any 10 s.
    """
    clock = VirtualClock()
    site = say.Site(clock.monotonic)
    site.course = (None,)

    async def answering(request, handler):
        return await without_sockets(site, request)

    async with runner_without_sockets(clock, say.KEY, answering) as runner:
        seeds = await asyncio.gather(*(roll(runner, patience=300) for _ in range(15)))

    assert 15 == len({seed.id for seed in seeds})
    assert (60, 0) == (len(site.times), site.floods)
    assert most_in_a_window(site.times) <= 20


async def test_whoever_is_blocked_all_the_same_waits_for_a_minute(site, runner, clock):
    """
    Another program with the same key may have asked too often.
    """
    site.looks.append(replies.typed("text/html", "<html>Too many requests</html>", 429))

    seed = await roll(runner)

    assert "1234567" == seed.id
    assert 1 == len(site.asked("create"))
    assert 60 <= max(clock.slept) <= 75
