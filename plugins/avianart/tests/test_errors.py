"""
What the site's errors become, and the operation that looks at a seed.
"""

from __future__ import annotations

import pytest

from seedcore import (
    PresetNotFoundError,
    ProviderAuthenticationError,
    ProviderCapabilityError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderResponseFormatError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from seedcore.testing import Reply, replies

CASES = [
    (400, ProviderInvalidRequestError),
    (401, ProviderAuthenticationError),
    (403, ProviderAuthenticationError),
    (404, PresetNotFoundError),
    (405, ProviderCapabilityError),
    (408, ProviderTimeoutError),
    (422, ProviderInvalidRequestError),
    (429, ProviderRateLimitError),
    (500, ProviderUnavailableError),
    (503, ProviderUnavailableError),
]


async def roll(runner, **asked):
    """
    Roll a race seed of crosskeys.
    """
    asked = {"preset": "crosskeys", "race": True, "patience": 1, **asked}
    return await runner.generate("avianart", surface="tests", **asked)


async def look(runner, key="PpQXn7COf"):
    """
    Look at a seed.
    """
    return await runner.call("avianart", "seed", hash=key, surface="tests")


@pytest.mark.parametrize(("status", "error"), CASES)
async def test_a_status_in_the_envelope_is_one(runner, site, say, status, error):
    """
    It comes with HTTP 200, and its message reaches the person.
    """
    site.first += [say.refused(status, "No chickens today")] * 3

    with pytest.raises(error) as caught:
        await roll(runner)

    assert error is type(caught.value)
    assert "No chickens today" == caught.value.provider_message
    assert status == caught.value.status_code
    assert [] == site.gets


@pytest.mark.parametrize(("status", "error"), CASES)
async def test_a_status_of_http_is_the_same(runner, site, say, status, error):
    """
    The message is inside the envelope there too.
    """
    envelope = say.enveloped({"message": "No chickens today"}, status)
    site.first += [Reply(status=status, headers=envelope.headers, body=envelope.body)] * 3

    with pytest.raises(error) as caught:
        await roll(runner)

    assert "No chickens today" == caught.value.provider_message
    assert status == caught.value.status_code


async def test_an_unknown_preset_is_told_in_the_sites_words(runner, site):
    """
    One request, and nothing is tried again.
    """
    with pytest.raises(PresetNotFoundError, match="Preset nosuch not found") as caught:
        await roll(runner, preset="nosuch")

    assert (1, "permanent") == (caught.value.attempts, caught.value.stopped_by)
    assert 1 == len(site.upstream.requests)


@pytest.mark.parametrize("response", [None, {}, {"message": ""}, {"hash": "PpQXn7COf"}])
async def test_an_unknown_preset_without_words_is_one(runner, site, say, response):
    """
    With the status of HTTP, whatever the envelope's own is.
    """
    envelope = say.enveloped(response)
    site.first += [Reply(status=404, headers=envelope.headers, body=envelope.body)]

    with pytest.raises(PresetNotFoundError, match="its status is 404") as caught:
        await roll(runner)

    assert 404 == caught.value.status_code


@pytest.mark.parametrize("place", ["/elsewhere", "/api.php"])
async def test_an_address_without_the_interface_is_no_unknown_preset(site, runner_for, place):
    """
    The page of a server that has no such file says nothing about presets.
    """
    site.upstream.script(replies.typed("text/html", "<html>404 Not Found</html>", 404))
    async with runner_for(f"{site.url}{place}") as runner:
        with pytest.raises(ProviderInvalidRequestError, match="check base_url") as caught:
            await roll(runner)

    assert (ProviderInvalidRequestError, 404) == (type(caught.value), caught.value.status_code)


async def test_a_seed_that_is_gone_is_no_unknown_preset(runner, site, say):
    """
    The preset was known: its seed was being made.
    """
    site.looks += [say.refused(404, "No such seed")]

    with pytest.raises(ProviderInvalidRequestError, match="No such seed") as caught:
        await roll(runner)

    assert (ProviderInvalidRequestError, 404) == (type(caught.value), caught.value.status_code)
    assert (1, 1) == (len(site.posts), len(site.gets))


async def test_an_error_without_words_names_its_status(runner, site, say):
    """
    Whatever else the envelope holds.
    """
    site.first += [say.enveloped(None, 418)]

    with pytest.raises(ProviderInvalidRequestError, match="its status is 418"):
        await roll(runner)


async def test_a_pause_that_is_asked_for_is_known(runner, site):
    """
    The Retry-After of an HTTP 429 is kept.
    """
    site.first += [replies.rate_limited(90)]

    with pytest.raises(ProviderRateLimitError) as caught:
        await roll(runner)

    assert 90 == caught.value.retry_after


@pytest.mark.parametrize(
    "reply",
    [
        replies.typed("text/html", "<!doctype html><title>Maintenance</title>"),
        replies.typed("application/json", '{"status": 200, "resp'),
        replies.typed("application/json", b"\xff\xfe"),
        replies.typed("application/json", ""),
        replies.json_reply(None),
        replies.json_reply([]),
        replies.json_reply({"status": 200}),
        replies.json_reply({"response": {"hash": "PpQXn7COf"}}),
        replies.json_reply({"status": True, "response": {"hash": "PpQXn7COf"}}),
        replies.json_reply({"status": 7, "response": {"hash": "PpQXn7COf"}}),
        replies.json_reply({"status": 200, "response": ["PpQXn7COf"]}),
        replies.json_reply({"status": 200, "response": None}),
        replies.json_reply({"status": 200, "response": {"status": "generating"}}),
        replies.json_reply({"status": 200, "response": {"hash": "../../x"}}),
        replies.json_reply({"status": 200, "response": {"hash": "x" * 21}}),
        replies.json_reply({"status": 200, "response": {"hash": 7}}),
        replies.garbage(),
    ],
)
async def test_a_first_answer_that_is_none_is_refused(runner, site, reply):
    """
    Nothing is asked about a hash that can't be one.
    """
    site.first += [reply]

    with pytest.raises(ProviderResponseFormatError):
        await roll(runner)

    assert 1 == len(site.upstream.requests)


@pytest.mark.parametrize(
    "reply",
    [
        replies.typed("text/html", "<!doctype html><title>Maintenance</title>"),
        replies.json_reply(None),
        replies.json_reply({}),
        replies.typed("application/json", '{"status": 200, "resp'),
    ],
)
async def test_a_look_that_is_no_answer_ends_the_call(runner, site, reply):
    """
    It is not waited for: the site isn't what it was.
    """
    site.looks += [reply]

    with pytest.raises(ProviderResponseFormatError):
        await roll(runner)

    assert (1, 1) == (len(site.posts), len(site.gets))


async def test_a_status_that_is_a_text_is_read(runner, site, say):
    """
    It counts as the number that it shows.
    """
    site.first += [replies.json_reply({"status": "404", "response": {"message": "no"}})]

    with pytest.raises(PresetNotFoundError):
        await roll(runner)


async def test_a_redirect_of_the_request_is_not_followed(runner, site):
    """
    It would become a GET, which makes no seed.
    """
    site.first += [replies.redirect(f"{site.url}/elsewhere")]

    with pytest.raises(ProviderInvalidRequestError):
        await roll(runner)

    assert 1 == len(site.upstream.requests)


async def test_the_key_is_in_no_error_and_no_event(site, events, runner_for, say):
    """
    Not even where the site repeats it.
    """
    key = "key-for-tests/=+"
    site.first += [say.refused(400, f"{key} is no good")]
    async with runner_for(site.url, api_key=key) as runner:
        with pytest.raises(ProviderInvalidRequestError) as caught:
            await roll(runner)

    seen = f"{caught.value} {caught.value!r} {[event.fields() for event in events]}"
    assert "*** is no good" == caught.value.provider_message
    assert key not in seen


# --------------------------------------------------------------------------- one seed


async def test_a_finished_seed_is_told_without_its_spoiler(runner, site):
    """
    Code, version, title, notes and times, of a seed with a public spoiler too.
    """
    site.course = ()
    made = await roll(runner, race=False, spoilers="on")

    facts = await look(runner)

    assert {
        "url": made.url,
        "status": "finished",
        "code": "Bow/Map/Green Potion/Ice Rod/Big Key",
        "version": "1.4.1.11",
        "race": False,
        "title": "Crosskeys",
        "notes": "Entrances lead anywhere.",
        "startgen": 1726500000,
        "gentime": 1726500041,
    } == facts


async def test_a_seed_at_work_is_not_waited_for(runner, site, say):
    """
    One look, and what the site says.
    """
    site.looks += [say.enveloped(say.recorded("generating"))]

    assert {
        "url": f"{site.url}/perm/PpQXn7COf",
        "status": "generating, attempt 1",
    } == await look(runner)


async def test_a_seed_that_failed_says_why(runner, site, say):
    """
    That it failed is an answer, not an error.
    """
    site.looks += [say.enveloped(say.recorded("failure"))]

    facts = await look(runner)

    assert ("failed", "Failed to store") == (facts["status"], facts["message"])


async def test_an_unknown_seed_is_told(runner, site):
    """
    The site answers with nothing.
    """
    with pytest.raises(ProviderInvalidRequestError, match="no seed with this hash"):
        await look(runner, "unknown")


async def test_a_404_about_a_seed_is_about_the_seed(runner, site, say):
    """
    No preset was named.
    """
    site.looks += [say.refused(404, "No such seed")]

    with pytest.raises(ProviderInvalidRequestError, match="No such seed") as caught:
        await look(runner)

    assert ProviderInvalidRequestError is type(caught.value)


@pytest.mark.parametrize("key", ["", "a b", "../x", "x" * 21, "ä", ["7"], None, "abc\n"])
async def test_what_can_be_no_hash_is_not_sent(runner, site, key):
    """
    The sentence says what one looks like.
    """
    with pytest.raises(ProviderInvalidRequestError, match="1 to 20 letters and digits"):
        await look(runner, key)

    assert [] == site.upstream.requests
