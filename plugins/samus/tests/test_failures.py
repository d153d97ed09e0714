"""
What goes wrong at the site, in words that say what to do.
"""

from __future__ import annotations

import json

import pytest

from seedcore import (
    ProviderAuthenticationError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderResponseFormatError,
    ProviderUnavailableError,
)
from seedcore.testing import replies
from seedcore_samus import contract


async def test_bad_luck_is_tried_again(runner, site):
    """
    The site failed without a word and then found places for all items.
    """
    site.unlucky = 1
    seed = await runner.generate("smz3", surface="tests")

    assert 2 == seed.meta.attempts


async def test_a_failure_without_a_word_is_explained(runner, site, upstream):
    """
    Bad luck and an item that a release doesn't know look the same.
    """
    with pytest.raises(ProviderUnavailableError) as caught:
        await runner.generate("smz3", options={"initialitems": "Sword"}, surface="tests")

    error = caught.value
    assert "it failed without a word" in error.provider_message
    assert "initialitems" in error.provider_message
    assert (500, 3, "attempts") == (error.status_code, error.attempts, error.stopped_by)
    assert error.retryable


async def test_a_refusal_without_a_word_is_explained(runner, site, upstream):
    """
    A release may lack a randomizer.
    """
    site.faults.append(replies.status(400))

    with pytest.raises(ProviderInvalidRequestError) as caught:
        await runner.generate("sm", options={"release": "beta"}, surface="tests")

    assert "check the option release" in caught.value.provider_message
    assert 1 == len(upstream.requests)


async def test_words_of_the_site_are_kept(runner, site):
    """
    Where it has some, they count.
    """
    site.faults.append(replies.json_reply({"error": "too many players"}, 400))

    with pytest.raises(ProviderInvalidRequestError) as caught:
        await runner.generate("sm", surface="tests")

    assert "too many players" == caught.value.provider_message


async def test_a_page_is_no_explanation(runner, site, upstream):
    """
    An error page of the site or of what stands before it says nothing that helps.
    """
    page = "<!DOCTYPE html><title>520: unknown error</title>"
    site.faults.extend(replies.typed("text/html; charset=UTF-8", page, 520) for _ in range(3))

    with pytest.raises(ProviderUnavailableError) as caught:
        await runner.generate("sm", surface="tests")

    assert "" == caught.value.provider_message
    assert (520, 3) == (caught.value.status_code, len(upstream.requests))


async def test_a_silent_pause_is_kept(runner, site):
    """
    A 429 without a body keeps its Retry-After.
    """
    site.faults.append(replies.rate_limited(30))

    with pytest.raises(ProviderRateLimitError) as caught:
        await runner.generate("sm", surface="tests")

    assert 30 == caught.value.retry_after


async def test_a_silent_denial_is_one(runner, site):
    """
    What the table of silences doesn't name means what it always means.
    """
    site.faults.append(replies.status(403))

    with pytest.raises(ProviderAuthenticationError):
        await runner.generate("sm", surface="tests")


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("text/html", "<!DOCTYPE html><div id=root></div>", "a web page in place of"),
        ("text/html", "", "nothing in place of"),
        ("application/octet-stream", "PK", "something else in place of"),
        ("application/json", '{"guid":', "something else in place of JSON"),
        ("application/json", "[" * 100_000, "something else in place of JSON"),
        ("application/json", "", "nothing in place of JSON"),
        ("application/json", "<html>", "a web page in place of JSON"),
    ],
)
@pytest.mark.parametrize("operation", ["generate", "seed", "spoiler", "options"])
async def test_a_page_instead_of_an_answer_is_refused(
    runner, site, upstream, *, kind, body, words, operation
):
    """
    As the site answers every address that it doesn't know; the sentence says what came.
    """
    site.faults.append(replies.typed(kind, body))
    named = {"id": contract.GUID} if operation in ("seed", "spoiler") else {}

    with pytest.raises(ProviderResponseFormatError, match=f"it answered with {words}"):
        await runner.call("sm", operation, surface="tests", **named)

    assert 1 == len(upstream.requests)


@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize("operation", ["generate", "seed", "spoiler", "options"])
async def test_every_refusal_without_a_word_is_explained(runner, site, operation, status):
    """
    Whatever was asked, the sentence says what may be wrong.
    """
    site.faults.append(replies.status(status))
    named = {"id": contract.GUID} if operation in ("seed", "spoiler") else {}

    with pytest.raises(ProviderInvalidRequestError) as caught:
        await runner.call("sm", operation, surface="tests", **named)

    assert status == caught.value.status_code
    assert "release" in caught.value.provider_message or "key" in caught.value.provider_message


async def test_a_redirect_is_not_followed(runner, site, upstream):
    """
    It would become a GET, and the settings would be lost.
    """
    site.faults.append(replies.redirect("https://sm.samus.link/elsewhere"))

    with pytest.raises(ProviderResponseFormatError, match="a redirect to elsewhere"):
        await runner.generate("sm", surface="tests")

    assert 1 == len(upstream.requests)


async def test_a_seed_that_moved_is_named(runner, site, upstream):
    """
    Its link could not be told.
    """
    site.faults.append(replies.redirect("https://samus.link/elsewhere"))
    site.faults.append(contract.seed("smz3", "11.3.2", {}))

    with pytest.raises(ProviderResponseFormatError, match="a redirect to elsewhere"):
        await runner.call("smz3", "seed", id=contract.GUID, surface="tests")


CHANGES = {
    "guid": (None, "", 7, "xyz", contract.SLUG, "../" + contract.GUID),
    "mode": (None, "coop", "multiworld", []),
    "hash": (None, "", ["GEEMER"]),
    "gameVersion": (None, 11),
    "gameId": (None, "sm"),
    "worlds": (None, [], {}, [None], "worlds"),
    "player": (None, "", 7),
    "settings": (None, 7),
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in CHANGES.items() for value in values]
)
async def test_a_seed_of_another_shape_is_refused(runner, site, upstream, name, value):
    """
    What is missing is named, nothing is made of the rest, and it isn't asked for again.
    """
    document = json.loads(contract.seed("smz3", "11.3.2", {}).body)
    place = document["worlds"][0] if name in document["worlds"][0] and name != "guid" else document
    place[name] = value
    site.faults.append(replies.json_reply(document))

    with pytest.raises(ProviderResponseFormatError) as caught:
        await runner.generate("smz3", surface="tests")

    assert None is caught.value.reason
    assert name in caught.value.provider_message
    assert 1 == len(upstream.requests)


async def test_a_multiworld_without_all_its_players_is_refused(runner, site):
    """
    One world for each.
    """
    document = json.loads(contract.seed("smz3", "11.3.2", {}).body)
    site.faults.append(replies.json_reply({**document, "mode": "multiworld"}))

    with pytest.raises(ProviderResponseFormatError, match="players is 1, not 2"):
        await runner.generate("smz3", options={"names": ["Red", "Blue"]}, surface="tests")


@pytest.mark.parametrize("settings", ["", "{", "[]", "null", '"text"'])
async def test_settings_that_can_not_be_read_are_refused(runner, site, settings):
    """
    Whether a race is hidden could not be told.
    """
    document = json.loads(contract.seed("smz3", "11.3.2", {}).body)
    document["worlds"][0]["settings"] = settings
    site.faults.append(replies.json_reply(document))

    with pytest.raises(ProviderResponseFormatError) as caught:
        await runner.generate("smz3", surface="tests")

    assert "settings" in caught.value.provider_message
    assert None is caught.value.reason
