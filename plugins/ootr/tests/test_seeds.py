"""
What is sent for a seed, and what of the answers becomes one.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import seedcore_ootr
from seedcore import (
    ProviderCapabilityError,
    ProviderInvalidRequestError,
    ProviderResponseFormatError,
    SpoilerLeakError,
    UnconfiguredProviderError,
)
from seedcore.testing import replies
from seedcore_ootr.document import document_of

CODE = "Bow/Big Magic/SOLD OUT/Map/Frog"
GLITCHLESS = {"logic_rules": "glitchless"}


async def roll(runner, **asked):
    """
    Roll a seed without glitches, unless other settings are asked for.
    """
    asked = {"settings": GLITCHLESS, **asked}
    return await runner.generate("ootr", surface="tests", **asked)


# ------------------------------------------------------------------------- what is sent


async def test_settings_become_a_seed(runner, site):
    """
    One request makes it, some ask for its status, and one for its code.
    """
    seed = await roll(runner, race=True)

    paths = [received.path.removeprefix("/api/v2/seed/") for received in site.upstream.requests]
    assert ["create", "status", "status", "status", "status", "details"] == paths
    assert {"key": "key-for-tests", "encrypt": "true"} == site.asked("create")[0].query
    assert GLITCHLESS == json.loads(site.asked("create")[0].body)
    assert "application/json" == site.asked("create")[0].headers["content-type"]
    assert {"key": "key-for-tests", "id": "1234567"} == site.asked("details")[0].query
    assert f"{site.url}/seed/get?id=1234567" == seed.url
    assert ("1234567", CODE, "8.1.0") == (seed.id, seed.code, seed.version)
    assert {"encrypt": "true", "settings": GLITCHLESS} == dict(seed.settings)
    assert {"spoilers": False, "created": "2024-09-16T15:20:00.000Z"} == dict(seed.extra)
    assert None is seed.spoiler_url
    assert (1, False) == (seed.meta.attempts, seed.meta.possible_duplicate)


@pytest.mark.parametrize(
    ("asked", "query"),
    [
        ({"race": True}, {"encrypt": "true"}),
        ({}, {"encrypt": "true"}),
        ({"options": {"version": "6.1.0"}}, {"version": "6.1.0", "encrypt": "true"}),
        ({"options": {"version": "dev_8.1.45"}}, {"version": "dev_8.1.45", "locked": "true"}),
        ({"options": {"encrypt": False}}, {"locked": "true"}),
        ({"options": {"locked": True}}, {"locked": "true"}),
        ({"options": {"locked": False}}, {"encrypt": "true"}),
        ({"options": {"encrypt": True, "locked": True}}, {"encrypt": "true", "locked": "true"}),
        (
            {"options": {"version": "dev_8.1.45", "locked": False}},
            {"version": "dev_8.1.45", "encrypt": "true"},
        ),
        ({"spoilers": "on"}, {}),
        ({"spoilers": "on", "options": {"encrypt": False, "locked": False}}, {}),
        ({"options": {"hide_settings": True}}, {"encrypt": "true", "hideSettings": "true"}),
        (
            {"race": True, "options": {"password_lock": True}},
            {"encrypt": "true", "passwordLock": "true"},
        ),
        (
            {"settings": {**GLITCHLESS, "version": "6.1.0", "hide_settings": False}},
            {"version": "6.1.0", "encrypt": "true"},
        ),
    ],
)
async def test_only_what_is_wanted_stands_in_the_query(runner, site, asked, query):
    """
    A parameter counts as soon as it is there, so none of them ever says false.
    """
    seed = await roll(runner, **asked)

    (sent,) = site.asked("create")
    assert {"key": "key-for-tests", **query} == sent.query
    assert query == {name: text for name, text in seed.settings.items() if name != "settings"}


async def test_with_spoilers_there_is_one(runner, site):
    """
    A document without it would make a seed that has no spoiler at all.
    """
    seed = await roll(runner, spoilers="on", settings={"create_spoiler": False})

    assert True is json.loads(site.asked("create")[0].body)["create_spoiler"]
    assert True is seed.extra["spoilers"]
    assert None is seed.spoiler_url


@pytest.mark.parametrize("how", ["settings", "options", "nested"])
async def test_every_key_that_is_no_option_is_a_setting(runner, site, how):
    """
    However it is given; values keep their types.
    """
    document = {"world_count": 2, "bridge": "open", "disabled_locations": ["Deku Theater"]}
    asked = {"settings": None, "options": {"settings": document}}
    if how != "nested":
        asked = {"settings": None, how: document}

    await roll(runner, **asked)

    assert document == json.loads(site.asked("create")[0].body)


@pytest.mark.parametrize("file", ["first_steps", "lost_keys", "six_medallions", "two_worlds"])
async def test_a_preset_is_sent_as_it_stands_there(runner, site, file):
    """
    Each that is shipped; what the caller says wins.
    """
    await roll(runner, preset=file, settings={"bridge": "open"}, options={"trials": 6})

    sent = json.loads(site.asked("create")[0].body)
    assert ("open", 6, "glitchless") == (sent["bridge"], sent["trials"], sent["logic_rules"])
    assert sent["shopsanity"] in {"off", "4"}
    assert all(value is not None for value in sent.values())


def test_each_shipped_preset_is_tried():
    """
    The test above has all of them.
    """
    files = Path(seedcore_ootr.__file__).with_name("presets").glob("*.yaml")

    assert ["first_steps", "lost_keys", "six_medallions", "two_worlds"] == sorted(
        file.stem for file in files
    )


async def test_what_yaml_makes_of_off_is_off(runner, site):
    """
    These five are texts in every version; others may be true or false.
    """
    given = {"shopsanity": False, "tokensanity": False, "junk_ice_traps": True, "cows": False}

    await roll(runner, settings=given)

    assert {
        "shopsanity": "off",
        "tokensanity": "off",
        "junk_ice_traps": "on",
        "cows": False,
    } == json.loads(site.asked("create")[0].body)


async def test_shopsanity_may_be_a_number(runner, site):
    """
    The generator has it as a text.
    """
    await roll(runner, settings={"shopsanity": 4})

    assert {"shopsanity": "4"} == json.loads(site.asked("create")[0].body)


async def test_the_generators_seed_is_sent_and_kept_to_ourselves(runner, site):
    """
    Who knows it can make the spoiler.
    """
    hidden = await roll(runner, settings={"seed": "hello"}, race=True)
    shown = await roll(runner, settings={"seed": "hello"}, spoilers="on")

    sent = [json.loads(received.body)["seed"] for received in site.asked("create")]
    assert ["hello", "hello"] == sent
    assert {} == hidden.settings["settings"]
    assert "hello" == shown.settings["settings"]["seed"]


@pytest.mark.parametrize("asked", [{"race": True}, {"spoilers": "on"}])
async def test_the_generators_seed_is_nowhere_unless_spoilers_are_on(
    site, events, runner_for, tmp_path, asked
):
    """
    Neither in a row nor in an event nor in an error, though the site repeats it.
    """
    told = replies.typed("text/plain", "no seed of 'grandmother' today", 400)
    site.first.append(told)
    asked = {**asked, "settings": {**GLITCHLESS, "seed": "grandmother"}}
    address = f"sqlite://{tmp_path / 'audit.sqlite3'}"
    async with runner_for(site.url, database=address) as runner:
        with pytest.raises(ProviderInvalidRequestError) as caught:
            await roll(runner, **asked)
        await roll(runner, **asked)
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir()).decode("utf-8", "replace")
    seen = f"{caught.value!r} {[event.fields() for event in events]} {stored}"

    assert ("spoilers" in asked) is ("grandmother" in seen)


@pytest.mark.parametrize("seed", ["abc", "a"])
async def test_a_seed_that_is_too_short_to_hide_is_left_out_all_the_same(runner, site, seed):
    """
    It would mask half of every text.
    """
    made = await roll(runner, settings={"seed": seed}, race=True)

    assert ({}, CODE) == (made.settings["settings"], made.code)


@pytest.mark.parametrize("place", ["", "/", "/mirror", "/mirror/"])
async def test_the_seed_is_where_the_site_is(site, runner_for, place):
    """
    A base URL with a path keeps it.
    """
    async with runner_for(f"{site.url}{place}") as runner:
        seed = await roll(runner)

    assert f"{site.url}{place.rstrip('/')}/seed/get?id=1234567" == seed.url


# --------------------------------------------------------------------- what is refused


DEEP = {"x": [[[[[[[[[[[[[[[[[[[[["deep"]]]]]]]]]]]]]]]]]]]]]}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"settings": None}, "needs settings of the generator"),
        ({"settings": {}}, "needs settings of the generator"),
        ({"branch": "dev"}, "takes no branch"),
        ({"settings": {"World Count": 1}}, "of a-z, 0-9 and _"),
        ({"settings": {"": 1}}, "of a-z, 0-9 and _"),
        ({"settings": {"x" * 101: 1}}, "at most 100 characters"),
        ({"options": {"key": "grandmother"}}, "key is set by whoever runs the program"),
        ({"options": {"settings": {"key": "grandmother"}}}, "set by whoever runs the program"),
        ({"settings": {"api_key": "grandmother"}}, "set by whoever runs the program"),
        ({"options": {"poll_timeout": 5}}, "set by whoever runs the program"),
        ({"options": {"pasword_lock": True}}, "did you mean the option 'password_lock'"),
        ({"settings": {"passwordLock": True}}, "did you mean the option 'password_lock'"),
        ({"settings": {"hide_setting": True}}, "did you mean the option 'hide_settings'"),
        ({"settings": {"encrypted": True}}, "did you mean the option 'encrypt'"),
        ({"settings": {"unlocked": True}}, "did you mean the option 'locked'"),
        ({"settings": {"versions": "8.1.0"}}, "did you mean the option 'version'"),
        ({"settings": {"x": float("nan")}}, "JSON can't hold"),
        ({"settings": {"x": [float("inf")]}}, "JSON can't hold"),
        ({"settings": {"x": 10**400}}, "JSON can't hold"),
        ({"settings": {"x": {1: 2}}}, "JSON can't hold"),
        ({"settings": {"x": {"y": object()}}}, "JSON can't hold"),
        ({"settings": {"x": b"bytes"}}, "JSON can't hold"),
        ({"settings": DEEP}, "deeper than 20 levels"),
        ({"settings": {"x": "y" * 65537}}, "64 KiB are the most"),
        ({"settings": {"world_count": 0}}, "a whole number from 1 to 255"),
        ({"settings": {"world_count": 256}}, "a whole number from 1 to 255"),
        ({"settings": {"world_count": True}}, "a whole number from 1 to 255"),
        ({"settings": {"world_count": "2"}}, "a whole number from 1 to 255"),
        ({"settings": {"create_spoiler": "yes"}}, "true or false"),
        ({"settings": {"trials": 7}}, "a whole number from 0 to 6"),
        ({"settings": {"starting_hearts": 2}}, "a whole number from 3 to 20"),
        ({"settings": {"seed": 7}}, "a text, with quotes"),
        ({"settings": {"user_message": "x" * 43}}, "at most 42 characters"),
        ({"options": {"version": "latest"}}, "version must be one such as 8.1.0"),
        ({"options": {"version": "8.1"}}, "version must be one such as 8.1.0"),
        ({"options": {"version": "8.1.0&locked"}}, "version must be one such as 8.1.0"),
        ({"options": {"version": "\u0668.\u0661.\u0660"}}, "version must be one such as 8.1.0"),
        ({"options": {"encrypt": False, "locked": False}}, "neither encrypt nor locked"),
        ({"spoilers": "on", "options": {"encrypt": True}}, "leave these out"),
        ({"spoilers": "on", "options": {"locked": True}}, "leave these out"),
        (
            {"settings": {"create_spoiler": False}, "options": {"password_lock": True}},
            "needs create_spoiler",
        ),
        ({"options": {"password_lock": "maybe"}}, "password_lock"),
        ({"race": True, "spoilers": "on"}, "has no spoilers"),
    ],
)
async def test_what_no_version_takes_is_not_sent(runner, site, asked, words):
    """
    A sentence says what is wrong; the site isn't asked.
    """
    with pytest.raises(ProviderInvalidRequestError, match=words):
        await roll(runner, **asked)

    assert [] == site.upstream.requests


GENERATORS = (
    *(
        "randomize_settings",
        "show_seed_info",
        "shuffle_hideoutkeys",
        "key_rings",
        "key_rings_choice",
    ),
    *("settings_string", "enable_settings_file", "lock_on", "starting_tod", "free_scarecrow"),
)


@pytest.mark.parametrize("name", GENERATORS)
async def test_no_setting_of_the_generator_is_taken_for_an_option(runner, site, name):
    """
    Neither these nor those of the presets, each of which is tried above.
    """
    await roll(runner, settings={name: True, "show_seed_info": True, "randomize_settings": True})

    assert True is json.loads(site.asked("create")[0].body)[name]


def test_a_usual_document_is_not_measured(monkeypatch):
    """
    Only what may be too long is written as JSON once more to see how long.
    """
    monkeypatch.setattr(json, "dumps", None)

    assert GLITCHLESS == document_of(GLITCHLESS)


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("y" * (65536 - 8), True),
        ("y" * (65536 - 7), False),
        ("\U0001f600" * 5460, True),
        ("\U0001f600" * 5461, False),
        ("\x01" * 10921, True),
        ("\x01" * 10922, False),
    ],
)
def test_the_longest_document_has_64_kib_of_json(value, fits):
    """
    Whatever the characters take there: ``{"x":""}`` are 8 bytes.
    """
    if fits:
        assert {"x": value} == document_of({"x": value})
    else:
        with pytest.raises(ProviderInvalidRequestError, match="64 KiB are the most"):
            document_of({"x": value})


async def test_spoilers_later_are_refused(runner, site):
    """
    Nothing here reveals them.
    """
    with pytest.raises(ProviderCapabilityError):
        await roll(runner, spoilers="delayed")

    assert [] == site.upstream.requests


async def test_without_a_key_it_is_not_ready(site, runner_for, monkeypatch):
    """
    The sentence names the variable.
    """
    monkeypatch.delenv("SEEDCORE_OOTR_KEY", raising=False)
    async with runner_for(site.url, key=None) as runner:
        with pytest.raises(UnconfiguredProviderError, match="SEEDCORE_OOTR_KEY"):
            await roll(runner)


# ------------------------------------------------------------------- what must not come


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (True, "its spoiler log"),
        *((other, "perhaps its spoiler log, since its answer") for other in (None, "false", 0)),
    ],
)
@pytest.mark.parametrize("race", [False, True])
async def test_a_seed_that_shows_its_spoiler_is_refused(
    runner, site, events, *, shown, words, race
):
    """
    The leak is named, an alert is left, and the seed is neither waited for nor asked for again.
    """
    created = {"id": 1234567, "version": "8.1.0", "spoilers": shown}
    site.first.append(replies.json_reply(created))

    with pytest.raises(SpoilerLeakError) as caught:
        await roll(runner, race=race)

    assert caught.value.provider_message.startswith(f"it shows {words}")
    (alert,) = [event for event in events if event.event == "leak_refused"]
    assert "ERROR" == alert.level
    assert alert.extra["leak"].startswith(words)
    seen = f"{caught.value!r} {caught.value} {[event.fields() for event in events]}"
    assert "1234567" not in seen
    assert 1 == len(site.upstream.requests)


@pytest.mark.parametrize("shown", [False, None, "true", 1])
async def test_a_seed_that_hides_the_spoiler_that_was_asked_for_is_refused(runner, site, shown):
    """
    It is not what was asked for.
    """
    site.first.append(replies.json_reply({"id": 1234567, "version": "8.1.0", "spoilers": shown}))

    with pytest.raises(ProviderResponseFormatError, match="doesn't say that the spoiler is shown"):
        await roll(runner, spoilers="on")

    assert 1 == len(site.upstream.requests)


@pytest.mark.parametrize("key", [1234567, "1234567"])
async def test_an_id_is_a_number_or_its_text(runner, site, key):
    """
    The site has answered with both.
    """
    site.course = ()
    site.begin()
    site.first.append(replies.json_reply({"id": key, "spoilers": False}))

    seed = await roll(runner)

    assert ("1234567", None) == (seed.id, seed.version)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"settingsLog": '{"file_hash": ["Bow", "Map"]}'}, "Bow/Map"),
        ({"settingsLog": {"file_hash": ["Bow", "Map"]}}, "Bow/Map"),
        ({"settingsLog": "half of {"}, None),
        ({"settingsLog": "[" * 100_000}, None),
        ({"settingsLog": '["Bow"]'}, None),
        ({"settingsLog": "{}"}, None),
        ({"settingsLog": '{"file_hash": []}'}, None),
        ({"settingsLog": '{"file_hash": [1, 2]}'}, None),
        ({"settingsLog": '{"file_hash": "Bow"}'}, None),
    ],
)
async def test_a_seed_without_a_code_is_a_seed(runner, site, say, change, code):
    """
    The code is in a text of JSON inside the JSON, which need not be readable.
    """
    site.details.append(replies.json_reply({**say.recorded("details"), **change}))

    seed = await roll(runner)

    assert ("1234567", code) == (seed.id, seed.code)


async def test_a_seed_that_hides_its_settings_has_no_code(runner, site):
    """
    Its details may say nothing.
    """
    site.details.append(replies.json_reply({"creationTimestamp": "2024-09-16"}))

    seed = await roll(runner, options={"hide_settings": True})

    assert (None, "2024-09-16") == (seed.code, seed.extra["created"])
    assert "not known, since its details don't have it" == seed.extra["code"]


@pytest.mark.parametrize("race", [False, True])
async def test_a_seed_has_no_spoiler_of_its_details(runner, site, race):
    """
    Details have it where the key may see it, which says nothing of other people.
    """
    seed = await roll(runner, race=race)

    assert 1 == len(site.asked("details"))
    assert "Light Medallion" not in repr(seed)
