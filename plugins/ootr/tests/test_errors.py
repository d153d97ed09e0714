"""
What the site's errors become, and the other operations.
"""

from __future__ import annotations

import json
from urllib.parse import quote, quote_plus

import pytest

from seedcore import (
    ProviderAuthenticationError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderResponseFormatError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from seedcore.testing import replies

PAGE = "<!DOCTYPE html><html><body><h1>nginx</h1></body></html>"
REFUSALS = [
    (400, ProviderInvalidRequestError, "refused the settings"),
    (401, ProviderAuthenticationError, ""),
    (403, ProviderAuthenticationError, "refused the key"),
    (404, ProviderInvalidRequestError, "doesn't know this"),
    (409, ProviderInvalidRequestError, "doesn't have this version"),
    (423, ProviderRateLimitError, "queue of new seeds is full"),
    (429, ProviderRateLimitError, "asked too often"),
    (500, ProviderUnavailableError, ""),
    (503, ProviderUnavailableError, ""),
]


async def roll(runner, **asked):
    """
    Roll a race seed without glitches.
    """
    asked = {"settings": {"logic_rules": "glitchless"}, "race": True, "patience": 1, **asked}
    return await runner.generate("ootr", surface="tests", **asked)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: str(refusal[0]))
@pytest.mark.parametrize("body", ["", PAGE, f"\ufeff\n{PAGE}", "{}"])
async def test_a_refusal_without_words_is_explained(runner, site, body, refusal):
    """
    No page reaches a person.
    """
    status, error, words = refusal
    site.first += [replies.typed("text/html", body, status)] * 3

    with pytest.raises(error) as caught:
        await roll(runner)

    assert error is type(caught.value)
    assert words in caught.value.provider_message
    if words:
        assert "<" not in caught.value.provider_message
    assert status == caught.value.status_code


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422, 500])
@pytest.mark.parametrize("words", ["bridge is no bridge", "no item called <x>, 5 < 6"])
async def test_the_sites_own_words_reach_the_person(runner, site, words, status):
    """
    Where it has some: angle brackets alone make no page of them.
    """
    site.first += [replies.typed("text/plain", words, status)] * 3

    with pytest.raises((ProviderInvalidRequestError, ProviderUnavailableError)) as caught:
        await roll(runner)

    assert words == caught.value.provider_message


async def test_a_version_that_is_not_there_is_told(runner, site):
    """
    The site's words; nothing is tried again.
    """
    with pytest.raises(ProviderInvalidRequestError, match="version is not available") as caught:
        await roll(runner, options={"version": "9.9.9"})

    assert (409, 1) == (caught.value.status_code, caught.value.attempts)


async def test_a_full_queue_is_waited_for(runner, site):
    """
    It uses up no attempt, and nothing was made.
    """
    site.first += [replies.status(423)]

    seed = await roll(runner, patience=30)

    assert "1234567" == seed.id
    assert False is seed.meta.possible_duplicate
    assert 2 == len(site.asked("create"))


async def test_a_flood_is_a_minute_long(runner, site):
    """
    The site says nothing of how long.
    """
    site.first += [replies.typed("text/html", PAGE, 429)]

    with pytest.raises(ProviderRateLimitError) as caught:
        await roll(runner)

    assert 60 == caught.value.retry_after
    assert 1 == len(site.upstream.requests)


async def test_a_pause_that_is_asked_for_is_kept(runner, site):
    """
    Where the site says how long, that counts.
    """
    site.first += [replies.rate_limited(7)]

    with pytest.raises(ProviderRateLimitError) as caught:
        await roll(runner)

    assert 7 == caught.value.retry_after


@pytest.mark.parametrize(
    "reply",
    [
        replies.typed("text/html", PAGE),
        replies.typed("application/json", '{"id": 1'),
        replies.typed("application/json", b"\xff\xfe"),
        replies.status(204),
        replies.json_reply(None),
        replies.json_reply([1234567]),
        replies.json_reply({"spoilers": False}),
        replies.json_reply({"id": "../x", "spoilers": False}),
        replies.json_reply({"id": True, "spoilers": False}),
        replies.json_reply({"id": -1, "spoilers": False}),
        replies.json_reply({"id": 1.5, "spoilers": False}),
        replies.garbage(),
    ],
)
async def test_an_answer_that_is_none_is_refused(runner, site, reply):
    """
    Nothing is asked about an id that can't be one.
    """
    site.first += [reply]

    with pytest.raises(ProviderResponseFormatError):
        await roll(runner)

    assert 1 == len(site.upstream.requests)


async def test_a_redirect_is_told_and_not_followed(runner, site):
    """
    It would become a GET, which makes no seed.
    """
    site.first += [replies.redirect(f"{site.url}/elsewhere")]

    with pytest.raises(ProviderResponseFormatError, match="redirect to elsewhere") as caught:
        await roll(runner)

    assert (302, 1) == (caught.value.status_code, len(site.upstream.requests))


@pytest.fixture
def refused_and_made(site, events, runner_for, tmp_path):
    """
    Refuse one call in words that repeat the address, serve another, and return all that came out.
    """

    async def make(key, status):
        site.key = key
        site.first += [site.echo(status)] * (3 if status >= 500 else 1)
        address = f"sqlite://{tmp_path / 'audit.sqlite3'}"
        async with runner_for(site.url, key=key, database=address) as runner:
            with pytest.raises((ProviderInvalidRequestError, ProviderUnavailableError)) as caught:
                await roll(runner)
            seed = await roll(runner)
        stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        seen = f"{caught.value} {caught.value!r} {seed!r} {[event.fields() for event in events]}"
        return caught.value, seen + stored.decode("utf-8", "replace")

    return make


@pytest.mark.parametrize("key", ["key-for-tests", "a key with=odd&signs"])
@pytest.mark.parametrize("status", [400, 403, 500])
async def test_the_key_is_nowhere(refused_and_made, key, status):
    """
    Not even where the site repeats the address that it was asked at.
    """
    error, seen = await refused_and_made(key, status)

    assert error.provider_message.startswith("cannot POST /api/v2/seed/create?key=***&encrypt=")
    for form in (key, quote(key, safe=""), quote_plus(key)):
        assert form not in seen


# --------------------------------------------------------------------- other operations


async def test_the_status_of_a_seed_is_one_look(runner, site):
    """
    What the site says, and how far it is.
    """
    site.course = (None, {"status": 0, "progress": 40, "positionQueue": 3})
    site.begin()

    seen = [await runner.call("ootr", "status", id=1234567, surface="tests") for _ in range(3)]

    assert [
        {"status": "not known yet", "progress": None},
        {"status": "generating, 40 %, place 3 in the queue", "progress": 0.4},
        {"status": "finished", "progress": 1.0},
    ] == seen


async def test_a_failed_seed_has_a_status(runner, site):
    """
    That it failed is an answer, not an error.
    """
    site.looks.append(replies.json_reply({"status": 3, "progress": 100}))

    seen = await runner.call("ootr", "status", id="1234567", surface="tests")

    assert {"status": "failed", "progress": 1.0} == seen


async def test_details_have_neither_the_spoiler_nor_the_seed(runner, site, say):
    """
    Who knows the generator's seed can make the spoiler.
    """
    site.details.append(replies.json_reply(say.recorded("details")))

    seen = await runner.call("ootr", "details", id=1234567, surface="tests")

    assert {
        "code": "Bow/Big Magic/SOLD OUT/Map/Frog",
        "created": "2024-09-16T15:20:00.000Z",
        "version": "8.1.0 Release",
        "settings": {"logic_rules": "glitchless"},
    } == seen
    assert "Medallion" not in json.dumps(seen)


async def test_a_password_is_waited_for(runner, site):
    """
    It comes a little after the seed.
    """
    await roll(runner, options={"password_lock": True})
    site.passwords += [replies.status(204), replies.json_reply({}), replies.json_reply({"pw": []})]

    notes = await runner.call("ootr", "password", id=1234567, surface="tests")

    assert ["A", "C down", "C up", "C left", "C right", "A"] == notes
    assert 4 == len(site.asked("pw"))


async def test_a_password_that_never_comes_is_a_timeout(runner, site):
    """
    After half a minute.
    """
    site.passwords += [replies.json_reply({"pw": None})] * 50

    with pytest.raises(ProviderTimeoutError, match="no password yet"):
        await runner.call("ootr", "password", id=1234567, surface="tests")


@pytest.mark.parametrize("notes", ["ACDU", [1, 2], {"a": 1}])
async def test_a_password_of_something_else_is_refused(runner, site, notes):
    """
    It is a list of notes.
    """
    site.passwords += [replies.json_reply({"pw": notes})]

    with pytest.raises(ProviderResponseFormatError, match="no password of notes"):
        await runner.call("ootr", "password", id=1234567, surface="tests")


async def test_the_newest_version_of_a_branch(runner, site):
    """
    The key isn't needed, and isn't sent.
    """
    newest = await runner.call("ootr", "version", surface="tests")
    await runner.call("ootr", "version", branch="devRSL", surface="tests")

    assert "8.1.0" == newest
    assert ["/api/version?branch=master", "/api/version?branch=devRSL"] == [
        received.target for received in site.upstream.requests
    ]


@pytest.mark.parametrize("document", [{}, {"currentlyActiveVersion": None}, [], "8.1.0"])
async def test_no_version_is_refused(runner, site, document):
    """
    The site is known to answer with other things at times.
    """
    site.upstream.script(replies.json_reply(document))

    with pytest.raises(ProviderResponseFormatError):
        await runner.call("ootr", "version", surface="tests")


@pytest.mark.parametrize("operation", ["status", "details", "password"])
@pytest.mark.parametrize(
    "key", ["", "abc", "1 2", "../x", -1, 0, 1.5, True, None, "\u0663", "1" * 20]
)
async def test_what_can_be_no_id_is_not_sent(runner, site, operation, key):
    """
    The sentence says where one stands.
    """
    with pytest.raises(ProviderInvalidRequestError, match="what stands behind id="):
        await runner.call("ootr", operation, id=key, surface="tests")

    assert [] == site.upstream.requests


@pytest.mark.parametrize("branch", ["", "a b", "dev&key", "x" * 31, ["dev"]])
async def test_what_can_be_no_branch_is_not_sent(runner, site, branch):
    """
    The sentence has examples.
    """
    with pytest.raises(ProviderInvalidRequestError, match="master, dev or devRSL"):
        await runner.call("ootr", "version", branch=branch, surface="tests")

    assert [] == site.upstream.requests


async def test_an_unknown_seed_is_told(runner, site):
    """
    The site answers 404 with nothing.
    """
    with pytest.raises(ProviderInvalidRequestError, match="has expired"):
        await runner.call("ootr", "status", id=7, surface="tests")
