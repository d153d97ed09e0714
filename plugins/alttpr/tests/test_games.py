"""
Making games: what is sent, and what comes back.
"""

from __future__ import annotations

import base64
import json

import attrs
import pytest

from seedcore import Registry, Runner, SpoilerLeakError
from seedcore.store import Store
from seedcore_alttpr import Alttpr
from seedcore_alttpr.options import Options

UNCLE = base64.b64encode(b"Link's Uncle:1").decode()
OPEN = {"mode": "open", "goal": "ganon", "item_placement": "advanced", "hints": "off"}
FLAGS = {
    "item.require.Lamp": False,
    "rom.freeItemMenu": False,
    "rom.freeItemText": False,
    "region.wildKeys": False,
    "region.wildBigKeys": False,
    "region.wildMaps": False,
    "region.wildCompasses": False,
}


async def test_a_race_is_made_with_exactly_what_was_asked(make, site, upstream):
    """
    Options that nobody gave are not sent; the two flags of a race always are.
    """
    seed = await make(**OPEN)

    assert [{**OPEN, "tournament": True, "spoilers": "off"}] == site.sent
    assert site.sent[0] == dict(seed.settings)
    assert f"{upstream.url}/h/Hash000000" == seed.url
    assert ("Hash000000", "2024-02-18", None) == (seed.id, seed.version, seed.spoiler_url)
    assert "Shovel/Bombos/Flippers/Bombs/Mushroom" == seed.code
    # Then its page, as everybody can see it.
    assert [("POST", "/api/randomizer"), ("GET", "/hash/Hash000000")] == [
        (asked.method, asked.target) for asked in upstream.requests
    ]


async def test_the_recorded_race_becomes_a_seed(make, site, recorded):
    """
    A literal answer of the site's: the icons are within a longer write.
    """
    site.next.append(recorded("race"))

    seed = await make(**OPEN, allow_quickswap=False)

    assert "PzEXTZAIaa" == seed.id
    assert "Moon Pearl/Empty Bottle/Heart/Tunic/Hammer" == seed.code
    assert "2026-11-21T00:00:00+00:00" == seed.extra["generated"]
    assert ("NoGlitches", "ganon") == (seed.extra["logic"], seed.extra["goal"])
    assert "advanced" == seed.extra["meta"]["item_placement"]


async def test_json_is_asked_for(make, upstream):
    """
    Without the header a refusal would be a redirect that says nothing.
    """
    await make(**OPEN)

    made, looked_up = (each.headers for each in upstream.requests)
    assert ("application/json", "application/json") == (made["accept"], made["content-type"])
    assert "application/json" == looked_up["accept"]
    assert not ["cookie" for each in (made, looked_up) if "cookie" in each]


async def test_nested_options_keep_their_shape(make, site):
    """
    ``crystals.ganon`` on a command line is the same as a mapping; empty tables are not sent.
    """
    await make(**{"crystals.ganon": "random"}, item={"pool": "hard"})

    sent = site.sent[0]
    assert ({"ganon": "random"}, {"pool": "hard"}) == (sent["crystals"], sent["item"])
    assert "enemizer" not in sent


async def test_a_casual_game_has_a_spoiler_on_the_site_only(make, site):
    """
    The flags are turned around, and nothing of the spoiler is in the seed.
    """
    seed = await make(**OPEN, race=False, spoilers="on")

    assert (False, "on") == (site.sent[0]["tournament"], site.sent[0]["spoilers"])
    assert "PegasusBoots" not in json.dumps([dict(seed.settings), dict(seed.extra)])
    assert "Hyrule Castle" in site.kept[seed.id]["spoiler"]


async def test_a_casual_game_without_spoilers_hides_them_as_a_race_does(make, site):
    """
    The site has no other way: without its flag it shows everything.
    """
    await make(**OPEN, race=False)

    assert (True, "off") == (site.sent[0]["tournament"], site.sent[0]["spoilers"])


async def test_masked_settings_are_shown_to_nobody(make, site):
    """
    That is the site's mode for mystery games.
    """
    seed = await make(**OPEN, mask_settings=True)

    assert (True, "mystery") == (site.sent[0]["tournament"], site.sent[0]["spoilers"])
    assert {"tournament": True, "spoilers": "mystery"} == seed.settings
    assert True is seed.extra["masked"]
    assert "goal" not in seed.extra
    assert {"logic", "build", "tournament", "size", "spoilers", "allow_quickswap"} == set(
        seed.extra["meta"]
    )


async def test_title_and_notes_come_back_as_text(make, site):
    """
    The site keeps notes as HTML.
    """
    seed = await make(**OPEN, name="Cup", notes="a &amp; b<br />\nc <b>d</b>")

    assert ("Cup", "a & b\nc d") == (seed.extra["title"], seed.extra["notes"])


async def test_long_notes_are_cut_between_characters(make, site):
    """
    The site cuts at 300 bytes, and would stumble over half a character.
    """
    await make(**OPEN, notes="x" * 299 + "é", name="é" * 60)

    assert ("x" * 299, "é" * 50) == (site.sent[0]["notes"], site.sent[0]["name"])


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({}, "absent"),
        ({"quickswap": True}, True),
        ({"quickswap": False}, False),
        ({"allow_quickswap": False, "quickswap": True}, False),
    ],
)
async def test_quickswap_is_a_wish_and_allow_quickswap_an_order(make, site, options, sent):
    """
    A bot asks for it where the preset doesn't say anything.
    """
    await make(**OPEN, **options)

    assert sent == site.sent[0].get("allow_quickswap", "absent")


async def test_options_that_are_for_us_are_not_sent(make, site):
    """
    The site's body has none of them.
    """
    site.festive = True

    await make(**OPEN, festive=True, quickswap=True, mask_settings=True)

    assert not {"festive", "quickswap", "mask_settings", "customizer"} & set(site.sent[0])


async def test_a_festive_game_says_so(make, site, upstream):
    """
    It has an endpoint of its own.
    """
    site.festive = True

    seed = await make(**OPEN, festive=True)

    # The page of a game is where that of any other is.
    assert ["/festive/api/randomizer", f"/hash/{seed.id}"] == [
        asked.target for asked in upstream.requests
    ]
    assert True is seed.extra["festive"]
    assert f"{upstream.url}/h/{seed.id}" == seed.url


async def test_a_festive_game_may_change_what_was_asked(make, site, recorded):
    """
    But not who may see its spoiler.
    """
    site.festive = True
    game = json.loads(recorded("race").body)
    game["spoiler"]["meta"] |= {"special": True, "goal": "pedestal"}
    site.next.append(attrs.evolve(recorded("race"), body=json.dumps(game).encode()))

    assert "pedestal" == (await make(**OPEN, festive=True)).extra["goal"]

    game["spoiler"]["Special"] = {}
    site.next.append(attrs.evolve(recorded("race"), body=json.dumps(game).encode()))
    with pytest.raises(SpoilerLeakError, match="the locations of its items in its answer"):
        await make(**OPEN, festive=True)


# ------------------------------------------------------------------------- customizer


async def test_the_customizer_gets_what_its_page_would_send(make, site, upstream):
    """
    The switches that the site reads without asking are filled in, and so are the locations.
    """
    seed = await make(**OPEN, customizer=True, eq=["PegasusBoots", "BossHeartContainer"])

    assert ["/api/customizer", f"/hash/{seed.id}"] == [asked.target for asked in upstream.requests]
    assert (FLAGS, {}) == (site.sent[0]["custom"], site.sent[0]["l"])
    assert ["PegasusBoots", "BossHeartContainer"] == site.sent[0]["eq"]
    assert True is seed.extra["customizer"]


@pytest.mark.parametrize(
    "custom",
    [
        {"item": {"require": {"Lamp": True}, "count": {"Lamp": 2}}},
        {"item.require.Lamp": True, "item.count.Lamp": 2},
    ],
)
async def test_switches_that_are_given_stay(make, site, custom):
    """
    They may be dotted or nested, and only the others are filled in.
    """
    await make(**OPEN, customizer=True, custom=custom)

    filled = {key: value for key, value in FLAGS.items() if key != "item.require.Lamp"}
    assert {**custom, **filled} == site.sent[0]["custom"]


async def test_everything_of_the_customizer_is_sent(make, site):
    """
    Locations, drops and texts go as they are; PHP's empty list is an empty mapping.
    """
    drops = {0: ["Heart", "auto_fill"], "crab": []}
    texts = {"uncle_leaving_text": "Bye"}

    await make(**OPEN, customizer=True, l={UNCLE: "Lamp:1"}, drops=drops, texts=texts)
    await make(**OPEN, customizer=True, l=[], drops=[])

    first, second = site.sent
    assert ({UNCLE: "Lamp:1"}, texts) == (first["l"], first["texts"])
    assert {"0": ["Heart", "auto_fill"], "crab": []} == first["drops"]
    assert ({}, {}) == (second["l"], second["drops"])


async def test_what_custom_decides_is_not_held_against_the_game(make, site):
    """
    A switch in custom wins over the option of the same name, on the site.
    """
    seed = await make(
        **OPEN, customizer=True, allow_quickswap=False, custom={"allow_quickswap": True}
    )

    assert True is seed.extra["meta"]["allow_quickswap"]


async def test_the_recorded_customizer_game_becomes_a_seed(make, site, recorded):
    """
    A literal answer of the site's.
    """
    site.next.append(recorded("customizer"))

    seed = await make(**OPEN, customizer=True, eq=["PegasusBoots"])

    assert "suzOX6zmba" == seed.id
    assert True is seed.extra["customizer"]


# --------------------------------------------------------------------- the audit row


async def test_the_row_says_what_was_made(upstream, tmp_path):
    """
    Randomizer, preset, hash, permalink and the body; whether it was the customizer.
    """
    registry = Registry(discover=False)
    registry.add("alttpr", Alttpr())
    database = f"sqlite://{tmp_path}/audit.sqlite3"
    settings = {"providers": {"alttpr": {"base_url": upstream.url}}}
    async with Runner(registry=registry, database=database, settings=settings) as runner:
        seed = await runner.generate("alttpr", options=OPEN, race=True, surface="tests")

    store = await Store.open(database)
    [row] = await store.queries.calls()
    await store.close(timeout=5)
    assert ("alttpr", "options", None) == (row["randomizer"], row["gentype"], row["genoption"])
    assert (seed.id, seed.url, "2024-02-18") == (
        row["hash_id"],
        row["permalink"],
        row["version"],
    )
    assert {**OPEN, "tournament": True, "spoilers": "off"} == row["settings"]
    assert (seed.code, False) == (row["seed"]["code"], row["seed"]["customizer"])


async def test_a_row_tells_nothing_that_players_must_not_know(upstream, site, tmp_path):
    """
    Neither where a forced item went, nor the settings of a masked game.
    """
    registry = Registry(discover=False)
    registry.add("alttpr", Alttpr())
    settings = {"providers": {"alttpr": {"base_url": upstream.url}}}
    wish = {"item": "BigKeyA2:1", "locations": [UNCLE]}
    async with Runner(
        registry=registry, database=f"sqlite://{tmp_path}/audit.sqlite3", settings=settings
    ) as runner:
        for options in (
            {"customizer": True, "forced_locations": [wish]},
            {"goal": "pedestal", "mask_settings": True},
        ):
            await runner.generate("alttpr", options=options, race=True, surface="tests")

    store = await Store.open(f"sqlite://{tmp_path}/audit.sqlite3")
    masked, forced = sorted((row["settings"] for row in await store.queries.calls()), key=len)
    await store.close(timeout=5)
    assert {UNCLE: "BigKeyA2:1"} == site.sent[0]["l"]
    assert {} == forced["l"]
    assert [{**wish, "quantity": 1, "chance": 100, "override": True}] == forced["forced_locations"]
    assert {"tournament": True, "spoilers": "mystery"} == masked
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"pedestal" not in files


def test_every_option_says_what_it_is():
    """
    ``seedcore show alttpr`` prints these.
    """
    assert [] == [field.name for field in Options.__attrs_attrs__ if not field.metadata.get("help")]
