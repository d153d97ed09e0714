"""
What the site's errors become, whatever status they have.
"""

from __future__ import annotations

import pytest

from seedcore import (
    PresetNotFoundError,
    ProviderCapabilityError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderResponseFormatError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from seedcore.testing import replies

PAGE = "<!DOCTYPE html><html><body><h1>nginx</h1></body></html>"
KEY = "cdacc21d-e48d-4dec-ab91-22ca92239b9d"
ROLL = "randomizerWebService"
BAD_LUCK = [
    "Exceeded time limit of 20 seconds",
    "STUCK !<br/>LOCATIONS<br/>Bomb: Morph",
    "<br/>Could not find an area layout with these settings; ",
    "Could not find a door color combination with these settings; ",
    "Could not find a solution for escape",
    "Scavenger seed generation timed out; ",
    "randomizerWebService: something wrong happened",
    "Error: list index out of range",
]
FOR_GOOD = [
    "randomizerWebService: can't load the preset",
    "Error patching /tmp/x.json: (KeyError: 'hud')",
    "Invalid start location: Aqueduct.  Only with areas",
    "Unable to process settings; ",
]


@pytest.mark.parametrize("words", BAD_LUCK)
async def test_bad_luck_is_tried_again(make, site, say, words):
    """
    Three rolls in all, as bots do it today; and nobody takes the site for down.
    """
    site.then(ROLL, say.no_seed(words), say.no_seed(words))
    seed = await make(race=True)

    assert (3, 3) == (seed.meta.attempts, len(site.sent()))


async def test_bad_luck_that_lasts_is_told(make, site, say):
    """
    In the site's words, up to where it tells what it had placed.
    """
    site.then(ROLL, *[say.no_seed(BAD_LUCK[1])] * 3)

    with pytest.raises(ProviderInvalidRequestError) as caught:
        await make(race=True)

    text = "its generator gave up: STUCK !\nThat can be bad luck; ask again, or for less"
    assert text == caught.value.provider_message
    assert (3, True) == (caught.value.attempts, caught.value.retryable)


@pytest.mark.parametrize("words", FOR_GOOD)
async def test_what_can_not_work_is_not_tried_again(make, site, say, words):
    """
    The answer has status 200 all the same.
    """
    site.then(ROLL, say.no_seed(words))

    with pytest.raises(ProviderInvalidRequestError, match="made no seed: ") as caught:
        await make(race=True)

    assert words.strip() in caught.value.provider_message
    assert (1, False) == (caught.value.attempts, caught.value.retryable)


@pytest.mark.parametrize("words", ["", None, "<br/>"])
async def test_no_seed_without_words_is_explained(make, site, say, words):
    """
    Something must be told.
    """
    site.then(ROLL, say.no_seed(words))

    with pytest.raises(ProviderInvalidRequestError, match="it doesn't say why"):
        await make(race=True)


async def test_a_long_message_is_cut(make, site, say):
    """
    Nobody reads the twenty-first line, nor the end of one that fills the screen.
    """
    lines = ["x" * 501, *(f"line {n}" for n in range(2, 99))]
    site.then(ROLL, say.no_seed("<br/>".join(lines)))

    with pytest.raises(ProviderInvalidRequestError) as caught:
        await make()

    first, *_, last = caught.value.provider_message.splitlines()
    assert (500, "line 20") == (first.count("x"), last)


@pytest.mark.parametrize("asked", [{"race": True}, {}])
async def test_a_site_without_race_mode_makes_no_race(make, site, asked):
    """
    Its source is public but for that; who wants no race is told how to get a seed.
    """
    site.public = True

    with pytest.raises(ProviderCapabilityError, match="it has no race mode") as caught:
        await make(**asked)

    assert "No module named 'rom.race_mode'" in caught.value.provider_message
    assert (1, 1) == (caught.value.attempts, len(site.sent()))
    assert (await make(spoilers="on")).id


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('"Unknown preset"', "Unknown preset"),
        ('"Wrong value for seed, must be an int"', "Wrong value for seed, must be an int"),
        ("Unknown values for layoutCustom: x", "Unknown values for layoutCustom: x"),
        ('"half of', '"half of'),
        ("[1]", "it refused what was asked, and doesn't say why"),
        ("", "it refused what was asked, and doesn't say why"),
        (PAGE, "it refused what was asked, and doesn't say why"),
    ],
)
async def test_a_refused_parameter_is_told_once(make, site, say, body, words):
    """
    JSON or not; pages are for people with a browser.
    """
    site.then(ROLL, say.typed(body, 400))

    with pytest.raises(ProviderInvalidRequestError) as caught:
        await make()

    assert words == caught.value.provider_message
    assert (400, 1) == (caught.value.status_code, caught.value.attempts)


@pytest.mark.parametrize("name", ["SGLive2021", "Torneio_SGPT2"])
async def test_a_settings_preset_that_is_gone_is_told(make, name):
    """
    Bots still offer these two.
    """
    with pytest.raises(PresetNotFoundError) as caught:
        await make(preset=name, race=True)

    text = f"it has no settings preset '{name}' that can be used: Rando preset not found"
    assert text == caught.value.provider_message
    assert (400, 1) == (caught.value.status_code, caught.value.attempts)


async def test_a_skills_preset_that_is_gone_is_told(make, site):
    """
    No seed is asked for.
    """
    with pytest.raises(PresetNotFoundError) as caught:
        await make(skills_preset="Torneio_SGPT2")

    text = "it has no skills preset 'Torneio_SGPT2' that can be used: Preset not found"
    assert text == caught.value.provider_message
    assert [] == site.sent()


async def test_presets_that_are_asked_for_alone_are_told_in_the_same_way(ask):
    """
    Both kinds of them.
    """
    with pytest.raises(PresetNotFoundError, match="no settings preset 'gone'.*Rando preset not"):
        await ask("settings_preset", name="gone")
    with pytest.raises(PresetNotFoundError, match="no skills preset 'gone'.*Preset not found"):
        await ask("skill_preset", name="gone")


@pytest.mark.parametrize("path", ["randoPresetWebService", "presetWebService", ROLL])
@pytest.mark.parametrize("header", [{}, {"web2py_error": "ticket solver/127.0.0.1"}])
async def test_a_crash_has_words_of_its_own(make, site, say, path, header):
    """
    The page with the number of its ticket is for whoever runs the site.
    """
    site.then(path, *[say.typed(PAGE if header else say.TICKET, 500, **header)] * 9)

    with pytest.raises(ProviderUnavailableError) as caught:
        await make(race=True)

    assert "it crashed on this request, which only its own log explains" in str(caught.value)
    assert 500 == caught.value.status_code


async def test_a_crash_is_tried_again(make, site, say):
    """
    The next roll is another one.
    """
    site.then(ROLL, say.typed(say.TICKET, 500), replies.status(502))
    seed = await make(race=True)

    assert (3, True) == (seed.meta.attempts, seed.meta.possible_duplicate)


@pytest.mark.parametrize(
    "body",
    [
        "",
        PAGE,
        "null",
        "[]",
        "{}",
        '"OK"',
        "17",
        '{"status": "OK"',
        "\ufeff<html>",
        "OK",
        "[" * 9999,
    ],
)
@pytest.mark.parametrize("path", ["randoPresetWebService", "presetWebService", ROLL])
async def test_garbage_is_no_answer(make, site, say, body, path):
    """
    Nothing is made of it, and nothing is tried again.
    """
    site.then(path, say.typed(body))

    with pytest.raises(ProviderResponseFormatError) as caught:
        await make(race=True)

    assert None is caught.value.reason
    assert caught.value.provider_message


@pytest.mark.parametrize(
    ("roll", "words"),
    [
        ({"status": "OK"}, "couldn't keep it"),
        ({"status": "OK", "seedKey": None}, "couldn't keep it"),
        ({"status": "OK", "seedKey": ""}, "can't be one"),
        ({"status": "OK", "seedKey": 17}, "can't be one"),
        ({"status": "OK", "seedKey": "../x"}, "can't be one"),
        ({"status": "OK", "seedKey": f"{KEY}\n"}, "can't be one"),
        ({"status": "OK", "seedKey": KEY.upper()}, "can't be one"),
        ({"seedKey": KEY}, "doesn't say whether"),
        ({"status": "ok", "seedKey": KEY}, "doesn't say whether"),
        ({"status": True, "seedKey": KEY}, "doesn't say whether"),
    ],
)
async def test_a_seed_without_a_key_is_none(make, site, say, roll, words):
    """
    It would have no address.
    """
    site.then(ROLL, say.typed(roll))

    with pytest.raises(ProviderResponseFormatError, match=words) as caught:
        await make(spoilers="on")

    assert 1 == caught.value.attempts


@pytest.mark.parametrize("settings", [{"hud": None}, {"hud": True}, {"x": [["y"]]}, {"x": {}}])
async def test_settings_of_another_kind_are_garbage(make, site, settings):
    """
    A preset has texts, numbers and lists of texts.
    """
    site.settings["default"] = settings

    with pytest.raises(ProviderResponseFormatError, match="something else than texts"):
        await make()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({f"k{n}": "v" for n in range(501)}, "has 501 settings, and 500 are the most"),
        ({"k": ["ü" * 2**10] * 32}, "bytes, and 65,536 are the most"),
        ({"x\r\ny": "1"}, "names in its settings preset must have 1 to 64 letters"),
        ({"": "1"}, "names in its settings preset must have 1 to 64 letters"),
        ({"x" * 65: "1"}, "names in its settings preset must have 1 to 64 letters"),
        ({"hud": "\ud800"}, "something else than texts"),
    ],
)
async def test_settings_that_can_be_no_form_are_garbage(make, site, say, settings, words):
    """
    What is wrong is told.
    """
    site.then("randoPresetWebService", say.typed(settings))

    with pytest.raises(ProviderResponseFormatError, match=words) as caught:
        await make()

    assert None is caught.value.reason


async def test_skills_have_a_limit_too(make, site):
    """
    They are sent on.
    """
    site.skills["regular"]["Knows"] = {f"k{n}": "v" * 100 for n in range(700)}

    with pytest.raises(ProviderResponseFormatError, match="its skills preset has 7.,... bytes"):
        await make()


@pytest.mark.parametrize("skills", [{"error": "x"}, {"Knows": []}])
async def test_skills_without_knowledge_are_garbage(make, site, skills):
    """
    The site would take anything for skills, and make a seed that nobody asked for.
    """
    site.skills["regular"] = skills

    with pytest.raises(ProviderResponseFormatError, match="what a player knows"):
        await make()


async def test_what_a_settings_preset_must_not_decide_is_not_taken(make, site):
    """
    Race mode and the seed are the call's.
    """
    site.settings["default"] |= {"raceMode": "off", "seed": "17", "paramsFileTarget": "{}"}
    seed = await make(race=True)

    assert ("on", "0") == (site.sent()[0]["raceMode"], site.sent()[0]["seed"])
    assert "regular" == seed.extra["skills_preset"]


async def test_a_redirect_is_told_and_not_followed(make, site, upstream):
    """
    It would become a GET, which makes no seed; the old address of the site does that.
    """
    site.then(ROLL, replies.redirect(f"{upstream.url}/elsewhere"))

    with pytest.raises(ProviderResponseFormatError, match="redirect to elsewhere") as caught:
        await make()

    assert (302, 1) == (caught.value.status_code, len(site.sent()))


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (replies.rate_limited(7), ProviderRateLimitError),
        (replies.status(404), ProviderInvalidRequestError),
        (replies.status(503), ProviderUnavailableError),
        (replies.status(408), ProviderTimeoutError),
        (replies.Reply(cut="in_body", body=b"{}"), ProviderUnavailableError),
    ],
)
async def test_other_failures_are_as_everywhere(make, site, reply, error):
    """
    The core knows them.
    """
    site.then(ROLL, *[reply] * 3)

    with pytest.raises(error):
        await make()


@pytest.mark.parametrize("body", ["", PAGE, "{}", "[]", '["a", 5]', '"a"'])
async def test_a_list_of_names_is_one(ask, site, say, body):
    """
    Or it is refused.
    """
    site.then("skillPresetListWebService", say.typed(body))

    with pytest.raises(ProviderResponseFormatError):
        await ask("skill_presets")
