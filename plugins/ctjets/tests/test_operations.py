"""
Looking at seeds that exist.
"""

from __future__ import annotations

import pytest

from seedcore import ProviderInvalidRequestError, ProviderResponseFormatError
from seedcore.testing import replies


@pytest.fixture
def games(site, say):
    """
    A race seed and one that isn't.
    """
    site.games["Race12345678901"] = say.Game(id="Race12345678901", race=True, seed="FrogRobo")
    site.games["Open12345678901"] = say.Game(id="Open12345678901", race=False, seed="LuccaAyla")


async def call(runner, operation, **arguments):
    """
    Call an operation.
    """
    return await runner.call("ctjets", operation, surface="tests", **arguments)


async def test_the_page_of_a_race_seed(runner, site, games):
    """
    Its settings as the page shows them, and no spoiler.
    """
    seed = await call(runner, "seed", id="Race12345678901")

    assert f"{site.url}/3_2_0/share/Race12345678901/" == seed.url
    assert ("Race12345678901", "3.2.0", None) == (seed.id, seed.version, seed.spoiler_url)
    summary = "Seed: FrogRobo\nGame Mode: Standard\nEnemies & items: normal"
    assert {"race": True, "summary": summary} == seed.extra
    assert ["GET /3_2_0/share/Race12345678901/"] == site.asked


async def test_the_page_of_a_seed_with_spoilers(runner, site, games):
    """
    Where its log is, too.
    """
    seed = await call(runner, "seed", id="Open12345678901", version="3_1_0")

    assert f"{site.url}/3_1_0/spoiler_log/Open12345678901.txt" == seed.spoiler_url
    assert False is seed.extra["race"]
    assert "3.1.0" == seed.version


async def test_the_log_of_a_seed(runner, site, games):
    """
    As the site has it.
    """
    log = await call(runner, "spoiler", id="Open12345678901")

    assert {"key_items": [{"location": "Zenan Bridge", "key": "Gate Key"}]} == log
    assert ["GET /3_2_0/spoiler_log/Open12345678901.json"] == site.asked


async def test_the_log_of_a_race_is_nobodys(runner, site, games):
    """
    What the site answers in its place is no log.
    """
    with pytest.raises(ProviderInvalidRequestError, match="it is a race seed, whose spoiler log"):
        await call(runner, "spoiler", id="Race12345678901")


@pytest.mark.parametrize("operation", ["seed", "spoiler"])
async def test_an_unknown_seed_is_told_in_the_sites_words(runner, site, operation):
    """
    They stand in a page.
    """
    with pytest.raises(ProviderInvalidRequestError) as caught:
        await call(runner, operation, id="doesnotexist01")

    assert "Seed does not exist." == caught.value.provider_message
    assert (404, 1) == (caught.value.status_code, caught.value.attempts)


@pytest.mark.parametrize("operation", ["seed", "spoiler"])
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"id": "../options"}, "15 letters and digits"),
        ({"id": ""}, "15 letters and digits"),
        ({"id": "x" * 16}, "15 letters and digits"),
        ({"id": None}, "15 letters and digits"),
        ({"id": "Race12345678901", "version": "x"}, "a version is one such as 3.2.0"),
        ({"id": "Race12345678901", "version": 3.2}, "a version is one such as 3.2.0"),
        ({}, "needs id"),
    ],
)
async def test_what_can_be_no_seed_is_not_asked_for(runner, site, operation, arguments, words):
    """
    The sentence says what an id and a version are.
    """
    with pytest.raises(ProviderInvalidRequestError, match=words):
        await call(runner, operation, **arguments)

    assert [] == site.asked


@pytest.mark.parametrize(
    ("operation", "reply"),
    [
        ("seed", replies.typed("text/html", "<h1>Maintenance</h1>")),
        ("seed", replies.typed("text/html", "")),
        ("spoiler", replies.typed("text/html", "<h1>Maintenance</h1>")),
        ("spoiler", replies.json_reply([])),
        ("spoiler", replies.json_reply({})),
        ("spoiler", replies.status(204)),
    ],
)
async def test_an_answer_that_is_none_is_refused(runner, site, operation, reply):
    """
    It isn't taken for a seed, or a log.
    """
    site.upstream.script(reply)

    with pytest.raises(ProviderResponseFormatError):
        await call(runner, operation, id="Race12345678901")


@pytest.mark.parametrize("operation", ["seed", "spoiler"])
async def test_an_outage_is_asked_again(runner, site, games, operation):
    """
    It only reads.
    """
    site.pages += [replies.status(500)]
    site.logs += [replies.status(500)]

    assert await call(runner, operation, id="Open12345678901")
    assert 2 == len(site.asked)
