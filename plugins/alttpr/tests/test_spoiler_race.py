"""
Spoiler races: games whose spoiler nobody can see, and the logs that are revealed when due.
"""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

import attrs
import pytest

from seedcore import (
    ProviderInvalidRequestError,
    ProviderResponseFormatError,
    RevealError,
    SpoilerLeakError,
)
from seedcore_alttpr.game import read_game
from seedcore_alttpr.spoiler import logs_of

ME = "discord:1"
OPEN = {"mode": "open", "goal": "ganon", "item_placement": "advanced", "hints": "off"}
PERMALINK = "https://alttpr.com/h/qy6Iuj9mba"

CASTLE = {
    "Sanctuary": "Ether",
    "Sewers - Secret Room - Left": "ThreeBombs",
    "Sewers - Secret Room - Middle": "KeyH2-HyruleCastle",
    "Sewers - Secret Room - Right": "Hammer",
    "Sewers - Dark Cross": "PieceOfHeart",
    "Hyrule Castle - Boomerang Chest": "ThreeBombs",
    "Hyrule Castle - Map Chest": "Shovel",
    "Hyrule Castle - Zelda's Cell": "MapH2-HyruleCastle",
    "Link's Uncle": "PieceOfHeart",
    "Secret Passage": "TwentyRupees",
}
PALACE = {
    "Eastern Palace - Compass Chest": "MapP1-EasternPalace",
    "Eastern Palace - Big Chest": "FiftyRupees",
    "Eastern Palace - Cannonball Chest": "CompassP1-EasternPalace",
    "Eastern Palace - Big Key Chest": "ThreeHundredRupees",
    "Eastern Palace - Map Chest": "BigKeyP1-EasternPalace",
    "Eastern Palace - Boss": "TenArrows",
}
PROGRESSION = {
    "Hyrule Castle": [
        "Sanctuary",
        "Sewers - Secret Room - Right",
        "Hyrule Castle - Map Chest",
    ],
}
"""Where Ether, Hammer and Shovel are in the recorded game; its palace has nothing of use."""

SHOPS = [{"location": "Kakariko Shop", "type": "Shop", "item_0": {"item": "RedPotion"}}]


def changed(reply, change):
    """
    Return a recorded answer whose document *change* has changed.
    """
    document = json.loads(reply.body)
    change(document)
    return attrs.evolve(reply, body=json.dumps(document).encode())


def written(tmp_path):
    """
    Return the address of a database in the folder of a test.
    """
    return f"sqlite://{tmp_path}/audit.sqlite3"


@pytest.fixture
def program(upstream, runner_for, tmp_path):
    """
    A runner with a database, which keeps logs in a directory; still to be entered.
    """
    core = {"storage_directory": str(tmp_path / "files")}
    return runner_for(upstream.url, database=written(tmp_path), core=core)


async def raced(runner, **arguments):
    """
    Make a game for a spoiler race.
    """
    options = {**OPEN, **arguments.pop("options", {})}
    given = {"race": True, "by": ME, "surface": "tests", **arguments}
    return await runner.generate("alttpr", spoilers="delayed", options=options, **given)


def shift(tmp_path, seconds):
    """
    Let it be *seconds* later than it was, for every log.
    """
    with sqlite3.connect(tmp_path / "audit.sqlite3") as connection:
        due = "COALESCE(reveal_at, kept_at + reveal_after)"
        connection.execute(f"UPDATE seedcore_logs SET reveal_at = {due} - {seconds * 10**6}")


def count_logs(tmp_path):
    """
    Return how many logs the database knows.
    """
    with sqlite3.connect(tmp_path / "audit.sqlite3") as connection:
        [[count]] = connection.execute("SELECT count(*) FROM seedcore_logs")
    return count


def files_of(tmp_path):
    """
    Return all that was stored for logs.
    """
    return [path for path in (tmp_path / "files").rglob("*") if path.is_file()]


async def revealed(runner, seed, kind="spoiler"):
    """
    Return a log, as whoever asked for the game reads it.
    """
    found = await runner.reveal(seed.meta.call_id, by=ME, kind=kind)
    return json.loads(Path(unquote(urlsplit(found.link).path)).read_bytes())


# ------------------------------------------------------------------------ end to end


async def test_a_spoiler_race_from_the_game_to_the_log(program, site, upstream, recorded, tmp_path):
    """
    The site gives the spoiler to who asks for the game and nobody else; so do we, later.
    """
    site.next.append(recorded("spoiler_race"))
    site.pages.append(recorded("kept_spoiler_race"))
    async with program as runner:
        seed = await raced(runner, reveal_at=time.time() + 900)

        assert [{**OPEN, "tournament": True, "spoilers": "generate"}] == site.sent
        assert ["/api/randomizer", "/hash/qy6Iuj9mba"] == [e.target for e in upstream.requests]
        assert f"{upstream.url}/h/qy6Iuj9mba" == seed.url
        assert ("qy6Iuj9mba", "Ether/Hammer/Bow/Hookshot/Bombos") == (seed.id, seed.code)
        assert (None, "generate") == (seed.spoiler_url, seed.extra["meta"]["spoilers"])
        for kind in ("spoiler", "progression"):
            with pytest.raises(RevealError, match="is sealed until"):
                await revealed(runner, seed, kind)

        shift(tmp_path, 901)
        spoiler = await revealed(runner, seed)
        progression = await revealed(runner, seed, "progression")

    meta = {**seed.extra["meta"], "hash": "qy6Iuj9mba", "permalink": seed.url}
    assert {
        "Prizes": {"Eastern Palace": "Crystal5"},
        "Hyrule Castle": CASTLE,
        "Eastern Palace": PALACE,
        "Drops": {},
        "meta": meta,
    } == spoiler
    assert {**PROGRESSION, "meta": meta} == progression


async def test_until_then_the_log_is_nowhere(program, site, recorded, events, tmp_path):
    """
    Not in the seed, an event or a row, nor in the database or its journal.
    """
    site.next.append(recorded("spoiler_race"))
    async with program as runner:
        seed = await raced(runner)
        with pytest.raises(RevealError) as refused:
            await revealed(runner, seed)
        rows = await runner._runtime.store.queries.calls()

    told = f"{seed} {seed.extra} {seed.settings} {events} {rows} {refused.value}"
    on_disk = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert 2 == len(files_of(tmp_path))
    for word in ("Sanctuary", "ThreeBombs", "Crystal5", "Eastern Palace"):  # the code has a Hammer
        assert word not in told
        assert word.encode() not in on_disk
    [row] = rows
    assert ("delayed", True, seed.url) == (row["spoilers"], row["race"], row["permalink"])
    assert {**OPEN, "tournament": True, "spoilers": "generate"} == row["settings"]


async def test_the_number_that_makes_it_again_is_for_the_log(program, site, recorded, tmp_path):
    """
    The seed says what everybody can see, whatever else its answer has in meta.
    """

    def change(game):
        game["spoiler"]["meta"]["seed"] = 7_654_321

    site.next.append(changed(recorded("spoiler_race"), change))
    site.pages.append(recorded("kept_spoiler_race"))
    async with program as runner:
        seed = await raced(runner)
        assert "7654321" not in f"{seed} {seed.extra}"
        shift(tmp_path, 90_000)
        assert 7_654_321 == (await revealed(runner, seed))["meta"]["seed"]


async def test_it_need_not_be_a_race(program, site, recorded, upstream):
    """
    Nobody can see the spoiler either way; so its page is read too.
    """
    site.next.append(recorded("spoiler_race"))
    async with program as runner:
        seed = await raced(runner, race=False)

    assert (True, "generate") == (site.sent[0]["tournament"], site.sent[0]["spoilers"])
    assert f"/hash/{seed.id}" == upstream.requests[-1].target


async def test_a_game_of_the_customizer(program, site, upstream, tmp_path):
    """
    With forced items, whose places stand in nothing but the log.
    """
    async with program as runner:
        seed = await raced(runner, options={"customizer": True})
        shift(tmp_path, 90_000)
        spoiler = await revealed(runner, seed)

    assert ["/api/customizer", f"/hash/{seed.id}"] == [each.target for each in upstream.requests]
    assert "PegasusBoots" == spoiler["Hyrule Castle"]["Sewers - Secret Room - Left"]
    assert ("custom", seed.url) == (spoiler["meta"]["difficulty"], spoiler["meta"]["permalink"])


async def test_bad_luck_leaves_one_log(program, site, tmp_path):
    """
    That of the game that was made.
    """
    site.unlucky = 2
    async with program as runner:
        seed = await raced(runner)

    assert (3, 1) == (seed.meta.attempts, count_logs(tmp_path))
    assert 2 == len(files_of(tmp_path))


# ---------------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda game: game.update(spoiler={"meta": game["spoiler"]["meta"]}),
            "without the spoiler",
        ),
        (lambda game: game["spoiler"]["meta"].update(spoilers="off"), "isn't generate"),
        (lambda game: game["spoiler"]["meta"].update(spoilers="on"), "isn't generate"),
        (
            lambda game: game["spoiler"]["meta"].update(tournament=False),
            "than one without spoilers",
        ),
        (lambda game: game["spoiler"]["meta"].update(goal="dungeons"), "goal is dungeons"),
    ],
)
async def test_another_game_than_was_asked(program, site, recorded, tmp_path, *, change, words):
    """
    One without its log is of no use, and one that says "on" will show it to everybody.
    """
    site.next.append(changed(recorded("spoiler_race"), change))
    async with program as runner:
        with pytest.raises(ProviderResponseFormatError, match=words) as caught:
            await raced(runner)

    assert (1, 0) == (len(site.sent), count_logs(tmp_path))
    assert "Hammer" not in f"{caught.value.to_json()}"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda spoiler: spoiler.update({"Desert Palace": {}}), "the locations of its items"),
        (lambda spoiler: spoiler.update(playthrough={}), "the playthrough"),
        (lambda spoiler: spoiler["meta"].update(seed=1), "the number that makes it again"),
    ],
)
async def test_a_page_that_shows_the_spoiler(
    program, site, recorded, events, *, tmp_path, change, found
):
    """
    Then everybody could look, and nothing is left to be revealed.
    """
    site.next.append(recorded("spoiler_race"))
    site.pages.append(changed(recorded("kept_spoiler_race"), lambda game: change(game["spoiler"])))
    async with program as runner:
        with pytest.raises(SpoilerLeakError) as caught:
            await raced(runner)
        assert [] == await runner._runtime.store.queries.calls()

    text = f"it shows {found} in its page. The seed was thrown away"
    assert text == caught.value.provider_message
    assert (1, 0) == (len(site.sent), count_logs(tmp_path))
    assert [] == files_of(tmp_path)
    told = f"{caught.value.to_json()} {events}"
    assert not [word for word in ("qy6Iuj9mba", "Hammer", "Crystal5") if word in told]


async def test_masked_settings_are_nothing_for_a_spoiler_race(program, site):
    """
    The log would show them.
    """
    async with program as runner:
        with pytest.raises(ProviderInvalidRequestError, match="mask_settings hides what spoilers"):
            await raced(runner, options={"mask_settings": True})

    assert [] == site.sent


# ------------------------------------------------------------------- what logs contain


def logs(recorded, change=None):
    """
    Return the logs of the recorded game, which *change* has changed.
    """
    reply = recorded("spoiler_race")
    document = json.loads((changed(reply, change) if change else reply).body)
    return logs_of(read_game(document), PERMALINK)


def test_regions_come_in_the_order_of_the_game(recorded):
    """
    Prizes first, then castle, palaces and the rest; those that nobody knows at the end.
    """

    def change(game):
        known = game["spoiler"]
        spoiler = {
            "Equipped": {"Boots:1": "PegasusBoots:1"},
            "A cave": {"Chest:1": "Lamp:1"},
            "Dark World": {"Catfish:1": "Quake:1"},
            "Light World": {"Sahasrahla:1": "ProgressiveSword:1"},
            "Special": {"Misery Mire Medallion:1": "Ether:1"},
            "Turtle Rock": {"Turtle Rock - Prize:1": "Crystal6:1"},
            "Eastern Palace": known["Eastern Palace"],
            "Hyrule Castle": known["Hyrule Castle"],
            "Not a region": "Hammer",
        }
        game["spoiler"] = {**spoiler, "meta": known["meta"]}

    both = logs(recorded, change)

    regions = ["Hyrule Castle", "Eastern Palace", "Turtle Rock", "Light World", "Dark World"]
    assert ["Prizes", "Special", *regions, "A cave", "Drops", "meta"] == [*both["spoiler"]]
    assert {"Eastern Palace": "Crystal5", "Turtle Rock": "Crystal6"} == both["spoiler"]["Prizes"]
    assert {"Misery Mire Medallion": "Ether"} == both["spoiler"]["Special"]
    assert {} == both["spoiler"]["Turtle Rock"]
    assert {
        **PROGRESSION,
        "Light World": ["Sahasrahla"],
        "Dark World": ["Catfish"],
        "A cave": ["Chest"],
    } == {name: found for name, found in both["progression"].items() if name != "meta"}
    assert ["Hyrule Castle", "Light World", "Dark World", "A cave", "meta"] == [
        *both["progression"]
    ]


@pytest.mark.parametrize(
    ("item", "named"),
    [
        ("BigKeyA2", "BigKeyA2-GanonsTower"),
        ("KeyD1", "KeyD1-PalaceOfDarkness"),
        ("MapP3", "MapP3-TowerOfHera"),
        ("CompassD7", "CompassD7-TurtleRock"),
        ("KeyA1", "KeyA1-CastleTower"),
        ("KeyD9", "KeyD9-D9"),
        ("KeyGK", "KeyGK"),
        ("Lamp", "Lamp"),
    ],
)
def test_things_of_dungeons_say_which(recorded, item, named):
    """
    Who reads the log doesn't know the site's numbers; what has none stays as it is.
    """

    def change(game):
        game["spoiler"]["Light World"] = {"Sahasrahla:1": f"{item}:1"}

    assert {"Sahasrahla": named} == logs(recorded, change)["spoiler"]["Light World"]


@pytest.mark.parametrize(
    ("item", "counts"),
    [
        ("ProgressiveSword", True),
        ("BottleWithGoldBee", True),
        ("OcarinaInactive", True),
        ("BugCatchingNet", True),
        ("BigKeyP1", False),
        ("BossHeartContainer", False),
        ("ProgressiveShield", False),
        ("TenBombs", False),
        ("HalfMagic", False),
    ],
)
def test_what_opens_the_way(recorded, item, counts):
    """
    The log of progression says where, and never what.
    """

    def change(game):
        game["spoiler"]["Light World"] = {"Sahasrahla:1": f"{item}:1", "Link's House:1": "Arrow:1"}

    found = logs(recorded, change)["progression"]
    assert (["Sahasrahla"] if counts else None) == found.get("Light World")
    assert item not in json.dumps({**found, "meta": {}})


@pytest.mark.parametrize(
    ("meta", "parts", "there"),
    [
        ({"mode": "retro"}, {"Shops": SHOPS}, {"Shops": SHOPS}),
        ({"mode": "open"}, {"Shops": SHOPS}, {}),
        (
            {"enemizer.boss_shuffle": "full"},
            {"Bosses": {"Eastern Palace:1": "Moldorm:1"}},
            {"Bosses": {"Eastern Palace": "Moldorm"}},
        ),
        ({"enemizer.boss_shuffle": "none"}, {"Bosses": {"Eastern Palace:1": "Armos Knights"}}, {}),
        (
            {"shuffle": "crossed"},
            {"Entrances": {"Links House": "Eastern Palace"}},
            {"Entrances": {"Links House": "Eastern Palace"}},
        ),
    ],
)
def test_what_only_some_games_have(recorded, meta, parts, there):
    """
    Shops matter in retro, bosses where they are shuffled, and entrances too.
    """

    def change(game):
        game["spoiler"]["meta"] |= meta
        game["spoiler"] |= parts

    spoiler = logs(recorded, change)["spoiler"]

    assert there == {
        name: spoiler[name] for name in ("Shops", "Bosses", "Entrances") if name in spoiler
    }


def test_shuffled_entrances_have_no_log_of_progression(recorded):
    """
    Nobody could find the locations by their names.
    """

    def change(game):
        game["spoiler"]["meta"]["shuffle"] = "simple"

    assert ["spoiler"] == [*logs(recorded, change)]


def test_what_drops_is_read_from_the_patch(recorded):
    """
    Also where it is within longer writes, or spread over several.
    """
    hearts, rupees = [216, 216, 216, 216, 217, 216, 216, 217], [218, 217, 218, 219, 218, 217]
    packs = [[*rupees, 218, 218], hearts, *([[121, 178, 227, 226, 222, 224, 223, 1]] * 5)]
    enemies = [number for pack in packs for number in pack]

    def change(game):
        game["patch"] = [
            {"207300": [221, 0, 0, 0, 217]},
            {"227731": [220]},
            {"227950": [9] * 10 + enemies[:20]},
            {"227980": [*enemies[20:], 9, 9]},
            {"950988": [216]},
            {"981970": [0, 0, 217, 218, 219, 0]},
            {"982421": [30]},
        ]

    odd = "Bee, BeeGood, Fairy, ArrowRefill10, BombRefill8, MagicRefillFull, MagicRefillSmall"
    odd += ", unknown (1)"
    groups = ("Magic", "Bombs", "Arrows", "SmallVariety", "LargeVariety")
    spoiler = logs(recorded, change)["spoiler"]
    assert {"DiggingGameDigs": 30} == spoiler["Special"]
    assert {
        "PullTree": {"Tier1": "RupeeGreen", "Tier2": "RupeeBlue", "Tier3": "RupeeRed"},
        "RupeeCrab": {"Main": "RupeeGreen", "Final": "BombRefill4"},
        "Stun": "BombRefill1",
        "FishSave": "Heart",
        "PrizePacks": {
            "HeartsGroup": "RupeesPack",
            "RupeesGroup": "HeartsPack",
            **{f"{group}Group": odd for group in groups},
        },
    } == spoiler["Drops"]


@pytest.mark.parametrize(
    "patch",
    [
        [{"227960": [216] * 55}],
        [{"227960": [216] * 30 + [999] + [216] * 30}],
        [{"227960": "no list"}, {"x": [1]}, "no write", None],
    ],
)
def test_what_the_patch_does_not_write_is_left_out(recorded, patch):
    """
    Half a table would be wrong.
    """
    assert {} == logs(recorded, lambda game: game.update(patch=patch))["spoiler"]["Drops"]


def test_meta_says_whose_log_it_is(recorded):
    """
    Hash and permalink, beside all that the site says.
    """
    for log in logs(recorded).values():
        assert ("qy6Iuj9mba", PERMALINK) == (log["meta"]["hash"], log["meta"]["permalink"])
        assert ("ganon", "2024-02-18") == (log["meta"]["goal"], log["meta"]["build"])
