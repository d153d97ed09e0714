"""
What is only read: kept games, the daily one, the catalogues, base patches.
"""

from __future__ import annotations

import json

import attrs
import pytest

from seedcore import (
    ProviderInvalidRequestError,
    ProviderResponseFormatError,
    ProviderUnavailableError,
)

OPEN = {"mode": "open", "goal": "fast_ganon", "crystals": {"ganon": "5"}, "glitches": "none"}


async def test_a_kept_game_is_json_that_is_called_html(ask, site, recorded):
    """
    The recorded answer has everything but the body that made it.
    """
    site.next.append(recorded("kept_race"))

    seed = await ask("game", hash="PzEXTZAIaa")

    assert "text/html; charset=UTF-8" == recorded("kept_race").headers["content-type"]
    assert ("PzEXTZAIaa", "2024-02-18") == (seed.id, seed.version)
    assert seed.url.endswith("/h/PzEXTZAIaa")
    assert "Moon Pearl/Empty Bottle/Heart/Tunic/Hammer" == seed.code
    assert "spoiler" not in seed.extra


async def test_a_race_is_looked_up_without_its_spoiler(make, ask):
    """
    The site shows only what everybody may see; its settings are those it was made with.
    """
    made = await make(**OPEN)

    found = await ask("game", hash=made.id)

    assert (made.url, made.code, made.version) == (found.url, found.code, found.version)
    assert "spoiler" not in found.extra
    assert OPEN.items() <= {**found.settings, "crystals": {"ganon": "5"}}.items()
    assert {"ganon": "5", "tower": "7"} == found.settings["crystals"]
    assert made.extra["meta"] == found.extra["meta"]


async def test_an_open_game_is_looked_up_with_its_spoiler(make, ask):
    """
    Who may see it asks for it.
    """
    made = await make(**OPEN, race=False, spoilers="on")

    found = await ask("game", hash=made.id)

    assert {"Hyrule Castle", "playthrough"} == set(found.extra["spoiler"])


async def test_settings_that_were_looked_up_can_be_asked_for_again(make, ask):
    """
    They have the shape of a preset's.
    """
    found = await ask("game", hash=(await make(**OPEN)).id)

    again = await make(**found.settings)

    assert found.extra["meta"] == again.extra["meta"]


async def test_an_unknown_hash_is_named(ask, upstream):
    """
    The site's own answer says nothing at all.
    """
    for operation in ("game", "patch"):
        with pytest.raises(ProviderInvalidRequestError) as caught:
            await ask(operation, hash="nosuchhash")
        assert "no game has the hash nosuchhash there" == caught.value.provider_message
        assert (404, 1) == (caught.value.status_code, caught.value.attempts)

    assert ["/hash/nosuchhash", "/api/h/nosuchhash"] == [sent.path for sent in upstream.requests]


@pytest.mark.parametrize(
    "wrong", ["short", "../../../x", "https://alttpr.com/h/PzEXTZAIaa", 7, ["x"], "", None]
)
async def test_what_can_be_no_hash_is_not_asked_for(ask, upstream, wrong):
    """
    It would be a part of an address.
    """
    for operation in ("game", "patch"):
        with pytest.raises(ProviderInvalidRequestError, match="10 to 40 letters and digits"):
            await ask(operation, hash=wrong)

    assert [] == upstream.requests


async def test_another_game_than_asked_for_is_refused(ask, site, recorded):
    """
    A cache that mixes games up must not hand one out.
    """
    site.next.append(recorded("kept_race"))

    with pytest.raises(ProviderResponseFormatError, match="another game than was asked for"):
        await ask("game", hash="A86y9szjaa")


async def test_the_daily_game(ask, upstream):
    """
    Two requests: its hash and day, and the game with its title.
    """
    seed = await ask("daily")

    assert ["/api/daily", "/hash/Daily00000"] == [sent.target for sent in upstream.requests]
    assert "2026-11-21T00:00:00.000000Z" == seed.extra["daily"]
    assert ("Daily: open", "Daily00000") == (seed.extra["title"], seed.id)
    assert f"{upstream.url}/h/Daily00000" == seed.url


async def test_a_day_without_a_game(ask, upstream, page):
    """
    The site says so with a page.
    """
    upstream.script(page(404, "Not Found"))

    with pytest.raises(ProviderInvalidRequestError, match="no game for today"):
        await ask("daily")


@pytest.mark.parametrize("body", ["{}", "[]", '{"hash": "../x"}', '{"hash": null}'])
async def test_a_daily_game_without_a_hash(ask, site, recorded, body):
    """
    Nothing is asked for then.
    """
    site.next.append(attrs.evolve(recorded("patch"), body=body.encode()))

    with pytest.raises(ProviderResponseFormatError, match="daily game has no hash"):
        await ask("daily")


async def test_the_catalogues_are_returned_as_they_are(ask, recorded):
    """
    One of the randomizer, one of the customizer.
    """
    assert json.loads(recorded("settings").body) == await ask("settings")
    assert json.loads(recorded("customizer_settings").body) == await ask("customizer_settings")


async def test_a_base_patch_has_an_address(make, ask, site, recorded):
    """
    A patch of another game, or half of one, is refused.
    """
    made = await make()

    pointer = await ask("patch", hash=made.id)

    assert made.id == pointer["hash"]
    assert f"/bps/{pointer['md5']}.bps" == pointer["bpsLocation"]
    for body in ({"hash": made.id}, {**pointer, "hash": "other00000"}, []):
        site.next.append(attrs.evolve(recorded("patch"), body=json.dumps(body).encode()))
        with pytest.raises(ProviderResponseFormatError):
            await ask("patch", hash=made.id)


async def test_a_read_that_fails_is_tried_again(ask, site, page):
    """
    Reading twice does no harm.
    """
    site.next.append(page(502, "Bad Gateway"))

    assert "goals" in await ask("settings")

    site.next.extend([page(500, "Server Error")] * 5)
    with pytest.raises(ProviderUnavailableError):
        await ask("settings")
