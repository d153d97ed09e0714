"""
What can be done with a seed that is there, and the site's own list of options.
"""

from __future__ import annotations

import json

import pytest

from seedcore import (
    ProviderCapabilityError,
    ProviderInvalidRequestError,
    ProviderResponseFormatError,
    ProviderUnavailableError,
)
from seedcore.testing import replies

GUID = "1c9c4b1b3b0f4f5f8a4fd0d6f4f1a2b3"
SLUG = "HJxLGzsPT1-KT9DW9PGisw"
KEY = "k4vNq8ZtW2mXc6RyB0sJ"


async def test_a_seed_is_found_by_slug_and_guid(runner, upstream):
    """
    With everything that may be shown, and nothing of a race's spoiler or key.
    """
    made = await runner.generate(
        "smz3", race=True, options={"spoiler_key": KEY, "seed": "7"}, surface="tests"
    )
    found = await runner.call("smz3", "seed", id=made.id, surface="tests")

    assert found == await runner.call("smz3", "seed", id=GUID, surface="tests")
    assert [f"/api/seed/{GUID}"] * 2 == [received.target for received in upstream.requests[-2:]]
    assert {
        "id": SLUG,
        "url": f"https://samus.link/seed/{SLUG}",
        "randomizer": "smz3",
        "code": made.code,
        "version": "11.3.2",
        "settings": {**made.settings, "seed": ""},
        "guid": GUID,
        "mode": "normal",
        "players": 1,
    } == found


async def test_a_multiworld_is_found_with_its_players(runner):
    """
    The link is that of the session.
    """
    options = {"names": ["Red", "Blue"]}
    made = await runner.generate("sm", options=options, spoilers="on", surface="tests")
    found = await runner.call("sm", "seed", id=made.id, surface="tests")

    assert made.url == found["url"] == f"https://sm.samus.link/multiworld/{SLUG}"
    assert ["Red", "Blue"] == found["names"]
    assert "1789654321" == found["seed_number"]


async def test_a_release_has_seeds_of_its_own(runner):
    """
    It must be named to find them.
    """
    await runner.generate("smz3", options={"release": "beta"}, spoilers="on", surface="tests")

    found = await runner.call("smz3", "seed", id=GUID, release="beta", surface="tests")
    assert f"https://beta.samus.link/seed/{SLUG}" == found["url"]
    log = await runner.call("smz3", "spoiler", id=GUID, release="beta", surface="tests")
    assert GUID == log["seed"]["guid"]
    with pytest.raises(ProviderInvalidRequestError, match="it has no such seed"):
        await runner.call("smz3", "spoiler", id=GUID, surface="tests")


async def test_a_seed_that_is_not_there_may_be_an_outage(runner, upstream):
    """
    The site fails for it in the same way, so both are said, and it is asked again.
    """
    with pytest.raises(ProviderUnavailableError) as caught:
        await runner.call("smz3", "seed", id=GUID, surface="tests")

    assert "also does for a seed that it doesn't have" in caught.value.provider_message
    assert (500, 3) == (caught.value.status_code, len(upstream.requests))


@pytest.mark.parametrize("operation", ["seed", "spoiler"])
@pytest.mark.parametrize("text", ["", "x", "../../evil", SLUG + "=", GUID[:-1], 7])
async def test_what_names_no_seed_is_not_asked_for(runner, upstream, operation, text):
    """
    It is refused before it becomes a part of a URL.
    """
    with pytest.raises(ProviderInvalidRequestError, match="id must be the name of a seed"):
        await runner.call("smz3", operation, id=text, surface="tests")

    assert [] == upstream.requests


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"release": "evil.example/"}, "release must be"),
        ({"release": ""}, "release must be"),
        ({"release": ["beta"]}, "release must be"),
        ({"key": ["12345678"]}, "key must be a text"),
        ({"key": ""}, "key must be a text"),
        ({"key": "a\nb"}, "key must be a text"),
        ({"yaml": "perhaps"}, "yaml must be true or false"),
    ],
)
async def test_wrong_arguments_are_refused(runner, upstream, arguments, words):
    """
    With what is allowed.
    """
    with pytest.raises(ProviderInvalidRequestError, match=words):
        await runner.call("smz3", "spoiler", id=GUID, surface="tests", **arguments)

    assert [] == upstream.requests


async def test_sm_has_no_yaml(runner, upstream):
    """
    The site would fail.
    """
    with pytest.raises(ProviderCapabilityError, match="only as JSON"):
        await runner.call("sm", "spoiler", id=GUID, yaml=True, surface="tests")

    assert [] == upstream.requests


async def test_the_log_of_sm_is_read(runner, upstream):
    """
    ``yaml`` is always said, and a key only if there is one.
    """
    await runner.generate("sm", spoilers="on", surface="tests")
    log = await runner.call("sm", "spoiler", id=SLUG, surface="tests")

    assert {"yaml": "false"} == upstream.requests[1].query
    assert 1 == len(log["locations"])


@pytest.mark.parametrize(
    "body",
    ["null", "[]", "{}", '{"locations": []}', '{"locations": {}, "seed": {}}', '"text"'],
)
async def test_another_log_is_refused(runner, site, body):
    """
    Its shape is looked at.
    """
    site.faults.append(replies.typed("application/json", body))

    with pytest.raises(ProviderResponseFormatError) as caught:
        await runner.call("smz3", "spoiler", id=GUID, surface="tests")

    assert None is caught.value.reason


@pytest.mark.parametrize(
    "reply",
    [
        replies.typed("text/html", "<!DOCTYPE html><div id=root></div>"),
        replies.typed("text/plain", " "),
        replies.typed("application/json", "{}"),
    ],
)
async def test_another_yaml_is_refused(runner, site, reply):
    """
    A page for people is no log.
    """
    site.faults.append(reply)

    with pytest.raises(ProviderResponseFormatError) as caught:
        await runner.call("smz3", "spoiler", id=GUID, yaml=True, surface="tests")

    assert None is caught.value.reason


# ---------------------------------------------------------------------- catalogue


@pytest.mark.parametrize(
    ("provider", "keys"),
    [
        ("sm", ["logic", "goal", "placement"]),
        ("smz3", ["smlogic", "goal", "opentower", "keyshuffle"]),
    ],
)
async def test_options_are_those_of_the_site(runner, provider, keys):
    """
    Each with key, description, type, values and default.
    """
    options = await runner.call(provider, "options", surface="tests")

    assert keys == [option["key"] for option in options]
    assert {"key", "description", "type", "values", "default"} == {*options[0]}


@pytest.mark.parametrize("twice", [False, True])
async def test_a_list_in_json_is_read_in_either_form(runner, site, twice):
    """
    The site writes a text, which as JSON is JSON in a text.
    """
    text = json.dumps({"id": "sm", "options": [{"key": "logic"}]})
    site.faults.append(replies.json_reply(text if twice else json.loads(text)))

    assert [{"key": "logic"}] == await runner.call("sm", "options", surface="tests")


async def test_a_release_without_the_randomizer_is_named(runner, site):
    """
    The site's answer is ``null`` and status 200.
    """
    site.faults.append(replies.typed("text/plain; charset=utf-8", "null"))

    with pytest.raises(ProviderResponseFormatError, match="check the option release"):
        await runner.call("sm", "options", release="beta", surface="tests")


@pytest.mark.parametrize("body", ["", "{", "7", '{"options": {}}', '{"options": ["logic"]}'])
async def test_another_list_is_refused(runner, site, body):
    """
    Whatever it is.
    """
    site.faults.append(replies.typed("text/plain; charset=utf-8", body))

    with pytest.raises(ProviderResponseFormatError) as caught:
        await runner.call("smz3", "options", surface="tests")

    assert None is caught.value.reason
