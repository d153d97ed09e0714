"""
What is refused here, what the site refuses, and what happens in bad weather.
"""

from __future__ import annotations

import base64

import pytest

from seedcore import (
    ProviderAuthenticationError,
    ProviderCapabilityError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderUnavailableError,
)

UNCLE = base64.b64encode(b"Link's Uncle:1").decode()

# ------------------------------------------------------------------------ refused here


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"goal": "gannon"}, "goal must be one of ganon, fast_ganon, dungeons"),
        ({"gaol": "ganon"}, "gaol is unknown. Did you mean 'goal'"),
        ({"crystals": {"ganon": 8}}, "crystals.ganon must be one of 0, 1, 2"),
        ({"crystals": {"gannon": 7}}, "crystals.gannon is unknown. Did you mean 'ganon'"),
        ({"item": {"pool": "easy"}}, "item.pool must be one of normal, hard"),
        ({"enemizer": {"pot_shuffle": "yes"}}, "enemizer.pot_shuffle must be one of on, off"),
        ({"allow_quickswap": "maybe"}, "allow_quickswap must be true or false"),
        ({"override_start_screen": [1, 2, 3, 4]}, "exactly five numbers from 0 to 31"),
        ({"override_start_screen": [1, 2, 3, 4, 32]}, "exactly five numbers from 0 to 31"),
        ({"override_start_screen": [1, 2, 3, 4, -1]}, "exactly five numbers from 0 to 31"),
        ({"override_start_screen": "Bow"}, "exactly five numbers from 0 to 31"),
        ({"lang": "../../etc"}, "lang must be a language such as en"),
        ({"branch": "beta"}, "branch is one of live, beeta, tournament"),
        ({"custom": {"a": 1}}, "only the customizer takes custom; add customizer: true"),
        ({"l": {UNCLE: "Lamp:1"}, "eq": ["Lamp"]}, "only the customizer takes l, eq"),
        ({"customizer": True, "entrances": "crossed"}, "the customizer can't shuffle entrances"),
        ({"customizer": True, "custom": "all"}, "custom must be a mapping"),
        ({"customizer": True, "l": ["Lamp"]}, "l must be a mapping"),
        ({"customizer": True, "l": {UNCLE: 1}}, "l needs the name of an item"),
        ({"customizer": True, "l": {"Link's Uncle": "Lamp:1"}}, "is no location"),
        ({"customizer": True, "l": {"x": "Lamp:1"}}, "'x' is no location"),
        ({"customizer": True, "l": {"/w==": "Lamp:1"}}, "is no location"),
        ({"customizer": True, "drops": {"7": []}}, "drops has the packs 0, 1, .* and no '7'"),
        ({"customizer": True, "drops": {"0": "Heart"}}, "drops needs a list"),
    ],
)
async def test_wrong_options_are_refused_with_what_is_allowed(make, site, options, words):
    """
    The site would take most of it for nothing, and count the attempt.
    """
    with pytest.raises(ProviderInvalidRequestError, match=words) as caught:
        await make(**options)

    assert [] == site.sent
    assert 0 == caught.value.attempts


async def test_masked_settings_with_spoilers_are_refused(make, site):
    """
    One shows what the other hides.
    """
    with pytest.raises(ProviderInvalidRequestError, match="use spoilers off"):
        await make(race=False, spoilers="on", mask_settings=True)

    assert [] == site.sent


async def test_a_race_with_spoilers_is_refused(make, site):
    """
    The site would make one.
    """
    with pytest.raises(ProviderInvalidRequestError):
        await make(race=True, spoilers="on")

    assert [] == site.sent


# ------------------------------------------------------------- refused by the site (422)


async def test_the_fields_of_a_422_reach_the_person(make, site, recorded):
    """
    Each in words, without the framework's sentence; nothing is tried again.
    """
    site.next.append(recorded("validation"))

    with pytest.raises(ProviderInvalidRequestError) as caught:
        await make(goal="completionist")

    words = "isn't one of the allowed values (validation.in)"
    assert f"goal {words}; crystals.ganon {words}; mode {words}" == caught.value.provider_message
    assert "given data" not in caught.value.user_message
    assert (422, "permanent") == (caught.value.status_code, caught.value.stopped_by)
    assert 1 == caught.value.attempts == len(site.sent)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            b'{"errors": {"override_start_screen": ["Value must be five"]}}',
            "override_start_screen: Value must be five",
        ),
        (b'{"errors": {"goal": "no"}}', "goal: no"),
        (b'{"message": "Something else", "errors": {}}', "Something else"),
        (b'{"message": "Something else", "errors": [1]}', "Something else"),
        (b'{"message": "Something else", "errors": {"goal": 1}}', "Something else"),
        (b'{"errors": ["one", 2, "two"]}', "one; two"),
        (b'{"error": "One thing", "errors": []}', "One thing"),
        (b"some words", "some words"),
        (b"<html>validation.in</html>", "it refuses an option and doesn't say which"),
        (b"\xef\xbb\xbf<html>validation.in</html>", "it refuses an option and doesn't say which"),
        (b"", "it refuses an option and doesn't say which"),
        (b'{"errors": {"goal', "it refuses an option and doesn't say which"),
        (b'{"message": {"goal": 1}}', "it refuses an option and doesn't say which"),
        (b"[1]", "it refuses an option and doesn't say which"),
    ],
)
async def test_other_shapes_of_a_422(make, site, recorded, body, words):
    """
    What can be read is shown, what can't be is left out.
    """
    import attrs

    site.next.append(attrs.evolve(recorded("validation"), body=body))

    with pytest.raises(ProviderInvalidRequestError) as caught:
        await make()

    assert words == caught.value.provider_message


async def test_a_redirect_is_explained_and_not_followed(make, site, recorded, upstream):
    """
    So the site refuses who doesn't ask for JSON; somebody in between may do so too.
    """
    site.next.append(recorded("redirect"))

    with pytest.raises(
        ProviderInvalidRequestError, match=r"a redirect \(302\) to a page"
    ) as caught:
        await make()

    assert 1 == caught.value.attempts == len(upstream.requests)


# --------------------------------------------------------------- a generator's end (409)


async def test_bad_luck_is_tried_again(make, site, events):
    """
    The next roll may be a game that can be won, up to five times as bots have done it.
    """
    site.unlucky = 4

    seed = await make(mode="open")

    assert 5 == seed.meta.attempts == len(site.sent)
    assert [409] * 4 == [event.status_code for event in events if event.level == "WARNING"]


async def test_lasting_bad_luck_ends_with_the_text(make, site):
    """
    After five attempts it may be the settings.
    """
    site.unlucky = 9

    with pytest.raises(ProviderInvalidRequestError) as caught:
        await make()

    assert "its generator gave up: Game Unwinnable. That can" in caught.value.provider_message
    assert (409, 5, True) == (
        caught.value.status_code,
        caught.value.attempts,
        caught.value.retryable,
    )


async def test_bad_luck_never_closes_the_site(make, site, events):
    """
    The site works; however many games can't be won, the next one is asked for.
    """
    site.unlucky = 40

    for _ in range(8):
        with pytest.raises(ProviderInvalidRequestError, match="Game Unwinnable"):
            await make()

    site.unlucky = 0
    assert 1 == (await make()).meta.attempts
    assert "breaker" not in {event.event for event in events}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Unable to generate", "its generator gave up: Unable to generate. "),
        ('No Available Locations: "Lamp 1" []', "its generator gave up: No Available"),
        ("Cannot Place Prize: Tower of Hera", "its generator gave up: Cannot Place"),
        ("Unknown Item: Lmap", "Unknown Item: Lmap"),
        ("", "its generator stopped and doesn't say why"),
        ("\ufeff <html>Conflict</html>", "its generator stopped and doesn't say why"),
        ('{"message": "Unable to generate"}', "its generator gave up: Unable to generate. "),
        ('{"exception": 7}', "its generator stopped and doesn't say why"),
        ("<html>409</html>", "its generator stopped and doesn't say why"),
    ],
)
async def test_the_text_of_a_409(make, site, recorded, text, words):
    """
    Bad luck is known by how it begins, anything else is final; pages are not shown.
    """
    import attrs

    once = attrs.evolve(recorded("missing_key"), body=text.encode())
    site.next.extend([once] * 5)

    with pytest.raises(ProviderInvalidRequestError) as caught:
        await make()

    assert caught.value.provider_message.startswith(words)
    assert (5 if "gave up" in words else 1) == caught.value.attempts


async def test_a_goal_out_of_reach_is_told_in_the_sites_words(make, site):
    """
    That stays so, so it isn't tried again.
    """
    custom = {"item.Goal.Required": 40, "item.count.TriforcePiece": 10}

    with pytest.raises(ProviderInvalidRequestError) as caught:
        await make(customizer=True, goal="triforce-hunt", custom=custom)

    assert "Not enough Triforce Pieces for the hunt" == caught.value.provider_message
    assert (409, 1) == (caught.value.status_code, caught.value.attempts)


# ------------------------------------------------------------------------ bad weather


async def test_a_crash_is_an_outage_and_its_page_is_not_shown(make, site, page):
    """
    It is tried again; the page never reaches a person.
    """
    site.next.extend([page(500, "Server Error")] * 5)

    with pytest.raises(ProviderUnavailableError) as caught:
        await make()

    assert ("", 500, 5) == (
        caught.value.provider_message,
        caught.value.status_code,
        caught.value.attempts,
    )


async def test_one_crash_is_survived(make, site, page):
    """
    The site may have made a game before it crashed, which is harmless.
    """
    site.next.append(page(503, "Be right back"))

    seed = await make()

    assert (2, True) == (seed.meta.attempts, seed.meta.possible_duplicate)


async def test_the_limit_of_a_minute_is_told_at_once(make, site):
    """
    A pause beyond the caller's patience is raised, with the time to come back.
    """
    site.used = 60

    with pytest.raises(ProviderRateLimitError) as caught:
        await make()

    assert 57 == caught.value.retry_after
    assert "Too Many Attempts." == caught.value.provider_message
    assert 1 == len(site.sent)


async def test_a_short_pause_is_kept(make, site, recorded):
    """
    It costs no attempt of the limit.
    """
    import attrs

    headers = {**recorded("rate_limit").headers, "retry-after": "0.01"}
    site.next.append(attrs.evolve(recorded("rate_limit"), headers=headers))

    seed = await make()

    assert (2, False) == (seed.meta.attempts, seed.meta.possible_duplicate)


async def test_a_festive_game_out_of_season(make):
    """
    The site has no such endpoint then.
    """
    with pytest.raises(ProviderCapabilityError, match="no festive randomizer at this time"):
        await make(festive=True)


async def test_a_closed_door_is_about_credentials(make, site, page):
    """
    The page that asks for a password isn't shown; the settings that it is about are named.
    """
    site.next.append(page(401, "Unauthorized", **{"WWW-Authenticate": "Basic"}))

    with pytest.raises(ProviderAuthenticationError) as caught:
        await make()

    assert "it wants a login: set username and password" == caught.value.provider_message
    assert 401 == caught.value.status_code


async def test_a_login_that_is_not_taken_is_named(upstream, runner_for, site, page):
    """
    Neither of its parts is shown.
    """
    site.next.append(page(401, "Unauthorized"))

    async with runner_for(upstream.url, username="a-bot", password="a-secret") as runner:
        with pytest.raises(ProviderAuthenticationError, match="username and password") as caught:
            await runner.generate("alttpr", surface="tests")

    assert "it doesn't take this login" in caught.value.provider_message
    assert "a-bot" not in str(caught.value)


@pytest.mark.parametrize("operation", ["generate", "settings", "customizer_settings"])
async def test_an_address_with_nothing_there_is_named(upstream, runner_for, page, operation):
    """
    What is always there on the site is missing only where the address is wrong.
    """
    upstream.script(lambda _: page(404, "Not Found"))

    async with runner_for(upstream.url) as runner:
        with pytest.raises(ProviderInvalidRequestError, match="check its address") as caught:
            await runner.call("alttpr", operation, surface="tests")

    assert 404 == caught.value.status_code


# ------------------------------------------------------------------------ the stand-in


@pytest.mark.parametrize(
    ("name", "body", "endpoint"),
    [
        ("validation", {"goal": "banana", "crystals": {"ganon": "9"}, "mode": "sideways"}, ""),
        ("unparsable", "not json", ""),
        ("missing_key", {"custom": {"banana": 1}, "l": {}}, "customizer"),
        (
            "not_enough_pieces",
            {"goal": "triforce-hunt", "custom": {"item.Goal.Required": 40}},
            "customizer",
        ),
        ("race", {"tournament": True, "spoilers": "off", "mode": "open"}, ""),
        ("open", {"tournament": False, "spoilers": "off"}, ""),
        ("masked", {"tournament": True, "spoilers": "mystery"}, ""),
    ],
)
async def test_the_stand_in_answers_as_the_site_did(upstream, recorded, name, body, endpoint):
    """
    Status, content type and what of a spoiler is shown are the recorded ones.
    """
    import aiohttp

    url = f"{upstream.url}/api/{endpoint or 'randomizer'}"
    sent = {"data": body} if isinstance(body, str) else {"json": body}
    asked = {"Accept": "application/json"}
    async with (
        aiohttp.ClientSession() as client,
        client.post(url, **sent, headers=asked) as reply,
    ):
        given = await reply.text()

    expected = recorded(name)
    assert (expected.status, expected.headers["content-type"]) == (
        reply.status,
        reply.headers["Content-Type"],
    )
    if expected.status == 200:
        import json

        before, now = json.loads(expected.body)["spoiler"], json.loads(given)["spoiler"]
        assert before.keys() == now.keys()
        assert before["meta"]["spoilers"] == now["meta"]["spoilers"]
    elif expected.status == 409:
        assert expected.body.decode() == given
