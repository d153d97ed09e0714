"""
What is sent for a seed, and what of the answer becomes one.
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

import seedcore_avianart
from seedcore import (
    PresetNotFoundError,
    ProviderCapabilityError,
    ProviderInvalidRequestError,
)

CODE = "Bow/Map/Green Potion/Ice Rod/Big Key"


async def roll(runner, **asked):
    """
    Roll a seed of the preset crosskeys, unless another is asked for.
    """
    return await runner.generate("avianart", surface="tests", **{"preset": "crosskeys", **asked})


def body_of(received):
    """
    Return what was posted.
    """
    return json.loads(received.body)


# ------------------------------------------------------------------------- what is sent


async def test_a_preset_becomes_a_race_seed(runner, site):
    """
    It is asked for once and looked at until the status is missing.
    """
    seed = await roll(runner, race=True)

    assert "/api.php?action=generate&preset=crosskeys" == site.posts[0].target
    assert [{"args": {"race": True}}] == body_of(site.posts[0])
    assert "application/json" == site.posts[0].headers["content-type"]
    assert "authorization" not in site.posts[0].headers
    assert ["/api.php?action=permlink&hash=PpQXn7COf"] * 5 == [one.target for one in site.gets]
    assert f"{site.url}/perm/PpQXn7COf" == seed.url
    assert ("PpQXn7COf", CODE, "1.4.1.11") == (seed.id, seed.code, seed.version)
    assert {"preset": "crosskeys", "namespace": None, "race": True} == dict(seed.settings)
    assert None is seed.spoiler_url
    assert (1, False) == (seed.meta.attempts, seed.meta.possible_duplicate)


async def test_title_notes_attempts_and_times_are_kept(runner):
    """
    The attempts are the site's own: only a seed that isn't done yet tells them.
    """
    seed = await roll(runner, race=True)

    assert {
        "title": "Crosskeys",
        "notes": "Entrances lead anywhere.",
        "attempts": 3,
        "startgen": 1726500000,
        "gentime": 1726500041,
    } == dict(seed.extra)


async def test_without_spoilers_a_seed_is_a_race_seed(runner, site):
    """
    The page of any other shows the whole spoiler, also to who only wanted a casual game.
    """
    seed = await roll(runner)

    assert [{"args": {"race": True}}] == body_of(site.posts[0])
    assert True is site.made[seed.id].race
    assert True is seed.settings["race"]


async def test_with_spoilers_no_race_is_mentioned(runner, site):
    """
    A flag that is left out can't be mistaken for one that is set.
    """
    seed = await roll(runner, spoilers="on")

    assert [{"args": {}}] == body_of(site.posts[0])
    assert False is site.made[seed.id].race
    assert False is seed.settings["race"]
    assert CODE == seed.code
    assert None is seed.spoiler_url
    assert "613528871" not in repr(seed)


@pytest.mark.parametrize(
    ("asked", "preset", "namespace"),
    [
        ({"preset": "CrossKeys"}, "crosskeys", None),
        ({"options": {"preset": "crosshunt"}}, "crosshunt", None),
        ({"preset": None, "options": {"preset": "crosshunt"}}, "crosshunt", None),
        ({"settings": {"preset": "crosshunt"}}, "crosshunt", None),
        ({"options": {"namespace": "SomeBody"}}, "crosskeys", "somebody"),
        ({"options": {"namespace": "AVIANART"}}, "crosskeys", None),
        ({"options": {"preset": "SomeBody/crosskeys"}}, "somebody/crosskeys", None),
        ({"settings": {"preset": "crosshunt", "race": False}}, "crosshunt", None),
    ],
)
async def test_names_are_sent_in_lower_case(runner, site, asked, preset, namespace):
    """
    An option wins over the name of the call; the site's own namespace is left out.
    """
    seed = await roll(runner, **asked)

    assert {"action": "generate", "preset": preset} == site.posts[0].query
    assert namespace == body_of(site.posts[0])[0]["args"].get("namespace")
    assert (preset, namespace) == (seed.settings["preset"], seed.settings["namespace"])


@pytest.mark.parametrize(
    ("file", "preset"),
    [
        ("crosskeys", "crosskeys"),
        ("crosshunt", "crosshunt"),
        ("casualboots", "kaesden/casualboots"),
    ],
)
async def test_a_preset_file_names_the_sites_preset(runner, site, file, preset):
    """
    Each file that is shipped does, and what it says wins over its own name.
    """
    await roll(runner, preset=file)

    assert preset == site.posts[0].query["preset"]


async def test_a_document_that_names_no_preset_is_refused(site, runner_for, tmp_path):
    """
    Its own name is what somebody called the file, and perhaps somebody else's preset there.
    """
    folder = tmp_path / "avianart"
    folder.mkdir()
    folder.joinpath("crosskeys-mine.yaml").write_text("settings: {}\n", "utf-8")
    async with runner_for(site.url, presets=tmp_path) as runner:
        with pytest.raises(ProviderInvalidRequestError, match=r"settings: \{preset: crosskeys\}"):
            await roll(runner, preset="crosskeys-mine")
        seed = await roll(runner, preset="crosskeys-mine", options={"preset": "crosshunt"})

    assert "crosshunt" == seed.settings["preset"]
    assert 1 == len(site.posts)


async def test_a_saved_preset_that_names_no_preset_is_refused(site, runner_for, tmp_path):
    """
    The name of one looks like that of a preset of a namespace.
    """
    async with runner_for(site.url, database=f"sqlite://{tmp_path / 'a.sqlite3'}") as runner:
        await runner.presets.save("avianart", "me/latest", "settings: {}\n", by="tests:1")
        with pytest.raises(ProviderInvalidRequestError, match="names no preset of the site"):
            await roll(runner, preset="me/latest")

    assert [] == site.upstream.requests


def test_each_shipped_preset_is_tried():
    """
    The test above has all of them.
    """
    files = Path(seedcore_avianart.__file__).with_name("presets").glob("*.yaml")

    assert ["casualboots", "crosshunt", "crosskeys"] == sorted(file.stem for file in files)


async def test_the_key_is_sent_with_both_requests(site, runner_for):
    """
    As it is, in the header Authorization.
    """
    site.key = "key-for-tests"
    async with runner_for(site.url, api_key="key-for-tests") as runner:
        await roll(runner)

    assert {"key-for-tests"} == {one.headers["authorization"] for one in site.upstream.requests}


@pytest.mark.parametrize("place", ["", "/", "/mirror", "/mirror/"])
async def test_the_seed_is_where_the_site_is(site, runner_for, place):
    """
    A base URL with a path keeps it.
    """
    async with runner_for(f"{site.url}{place}") as runner:
        seed = await roll(runner)

    assert f"{site.url}{place.rstrip('/')}/perm/PpQXn7COf" == seed.url


# --------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"preset": None}, ProviderInvalidRequestError, "needs a preset of the site"),
        ({"branch": "OWR"}, ProviderInvalidRequestError, "takes no branch"),
        ({"options": {"preset": "a/b/c"}}, PresetNotFoundError, "somebody/crosskeys"),
        ({"options": {"preset": "../x"}}, PresetNotFoundError, "can't be the name"),
        ({"options": {"preset": "/x"}}, PresetNotFoundError, "can't be the name"),
        ({"options": {"preset": " "}}, PresetNotFoundError, "can't be the name"),
        ({"options": {"preset": "x\ny"}}, PresetNotFoundError, "can't be the name"),
        ({"options": {"preset": "x" * 101}}, PresetNotFoundError, "can't be the name"),
        (
            {"options": {"preset": "a/b", "namespace": "c"}},
            ProviderInvalidRequestError,
            "not both",
        ),
        ({"options": {"namespace": "a/b"}}, ProviderInvalidRequestError, "not both"),
        ({"options": {"preset": ["x"]}}, ProviderInvalidRequestError, "preset"),
        ({"options": {"logic": "none"}}, ProviderInvalidRequestError, "logic"),
        ({"race": True, "spoilers": "on"}, ProviderInvalidRequestError, "has no spoilers"),
        ({"spoilers": "delayed"}, ProviderCapabilityError, "revealed later"),
    ],
)
async def test_what_the_site_cannot_take_is_not_sent(runner, site, asked, error, words):
    """
    A sentence says what is wrong; the site isn't asked.
    """
    with pytest.raises(error, match=words):
        await roll(runner, **asked)

    assert [] == site.upstream.requests


# ------------------------------------------------------------------- what comes back


CALLED_OTHERWISE = "Bombs/Magic Powder/Flute/Bugnet/Empty Bottle"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"hash": "Bomb, Powder, Ocarina, Bug Net, Bottle"}, CALLED_OTHERWISE),
        ({"hash": "Cane, Pearl, Lamp"}, "Somaria/Moon Pearl/Lamp"),
        ({"hash": None}, None),
        ({"hash": " , "}, None),
        ({}, None),
    ],
)
async def test_the_code_has_the_names_that_others_use(runner, site, say, change, code):
    """
    A seed without one is a seed all the same.
    """
    site.finished = {**say.recorded("race"), "spoiler": {"meta": {"race": True, **change}}}

    seed = await roll(runner, race=True)

    assert code == seed.code


async def test_a_code_beside_the_spoiler_is_one(runner, site, say):
    """
    It is there for presets of another randomizer; a seed need not have its times.
    """
    change = {"spoiler": {"meta": {"race": True}}, "fshash": "Bow, Cape, Map", "meta": None}
    site.finished = {**say.recorded("race"), **change}

    seed = await roll(runner, race=True)

    assert "Bow/Cape/Map" == seed.code


async def test_a_mystery_keeps_its_secrets(runner, site, say):
    """
    The site shows question marks; nothing else is made of them.
    """
    meta = {"version": "1.4.1.11", "logic": "?", "mode": "?", "race": True, "hash": "Bow, Map"}
    site.finished = {**say.recorded("race"), "spoiler": {"meta": meta}}

    seed = await roll(runner, race=True)

    assert ("Bow/Map", "1.4.1.11") == (seed.code, seed.version)


async def test_the_row_says_what_was_asked(site, runner_for, tmp_path):
    """
    It is a seed of the game, of a preset, with what was sent as settings.
    """
    file = tmp_path / "audit.sqlite3"
    async with runner_for(site.url, database=f"sqlite://{file}") as runner:
        await roll(runner, preset=None, options={"preset": "crosshunt"}, race=True)
        await runner.call("avianart", "seed", hash="PpQXn7COf", surface="tests")

    with sqlite3.connect(file) as stored:
        columns = "randomizer, gentype, genoption, hash_id, permalink, settings"
        (row,) = stored.execute(f"SELECT {columns} FROM {table_of(stored)}").fetchall()
    stored.close()
    url = f"{site.url}/perm/PpQXn7COf"
    assert ("alttpr", "preset", "crosshunt", "PpQXn7COf", url) == row[:5]
    assert {"preset": "crosshunt", "namespace": None, "race": True} == json.loads(row[5])


def table_of(stored):
    """
    Return the table of the rows.
    """
    tables = stored.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
    return next(name for name, sql in tables if "permalink" in sql)
