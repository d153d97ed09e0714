"""
What is sent for a seed, and what comes back, against a server that answers as the site does.
"""

from __future__ import annotations

import json

import pytest

from seedcore import ProviderInvalidRequestError

GUID = "1c9c4b1b3b0f4f5f8a4fd0d6f4f1a2b3"
SLUG = "HJxLGzsPT1-KT9DW9PGisw"
ALL_OF_SMZ3 = {
    "smlogic": "normal",
    "goal": "defeatboth",
    "opentower": "sevencrystals",
    "ganonvulnerable": "sevencrystals",
    "opentourian": "fourbosses",
    "swordlocation": "randomized",
    "morphlocation": "randomized",
    "keyshuffle": "none",
    "seed": "",
    "gamemode": "normal",
    "players": "1",
    "race": "true",
}


async def test_a_seed_has_link_code_and_version(runner, upstream):
    """
    The permalink has the slug, the code is the four enemies that the game shows.
    """
    seed = await runner.generate("smz3", race=True, surface="tests")

    assert f"https://samus.link/seed/{SLUG}" == seed.url
    assert SLUG == seed.id
    assert "RIPPER SCISER RIPPER SCISER" == seed.code
    assert "11.3.2" == seed.version
    assert None is seed.spoiler_url
    assert {"guid": GUID, "mode": "normal", "players": 1} == dict(seed.extra)
    assert ALL_OF_SMZ3 == dict(seed.settings)
    received = upstream.requests[0]
    assert ("POST", "/api/randomizers/smz3/generate") == (received.method, received.target)
    assert "application/json" == received.headers["content-type"]
    assert ALL_OF_SMZ3 == json.loads(received.body)


async def test_sm_is_asked_on_its_own_host(runner, upstream, sent):
    """
    Its settings and version are others.
    """
    seed = await runner.generate("sm", race=True, surface="tests")

    assert f"https://sm.samus.link/seed/{SLUG}" == seed.url
    assert "3.1" == seed.version
    assert "/api/randomizers/sm/generate" == upstream.requests[0].target
    assert [
        {
            "logic": "tournament",
            "goal": "defeatmb",
            "placement": "split",
            "seed": "",
            "gamemode": "normal",
            "players": "1",
            "race": "true",
        }
    ] == sent()


async def test_every_value_is_a_text_and_seed_is_always_there(runner, sent):
    """
    A number given for the seed is a text on the wire.
    """
    options = {"seed": 2147483647, "players": "1", "initialitems": "ETank:2, Charge"}
    await runner.generate("smz3", options=options, surface="tests")

    (body,) = sent()
    assert {str} == {type(value) for value in body.values()}
    assert ("2147483647", "ETank:2, Charge") == (body["seed"], body["initialitems"])


async def test_a_preset_is_sent_with_the_call_on_top(runner, sent):
    """
    Options win over the settings document, which wins over the preset.
    """
    await runner.generate(
        "smz3",
        preset="hard",
        settings={"goal": "alldungeonsdefeatmotherbrain", "keyshuffle": "keysanity"},
        options={"keyshuffle": "none"},
        surface="tests",
    )

    (body,) = sent()
    assert "hard" == body["smlogic"]
    assert ("alldungeonsdefeatmotherbrain", "none") == (body["goal"], body["keyshuffle"])


async def test_a_document_of_a_preset_is_taken_as_it_is(runner, sent):
    """
    What stands in presets today: mixed case, race (which the call decides), one player.
    """
    document = {
        "logic": "Tournament",
        "goal": "defeatMB",
        "placement": "full",
        "seed": "",
        "race": "true",
        "gamemode": "normal",
        "players": "1",
    }
    seed = await runner.generate("sm", settings=document, spoilers="on", surface="tests")

    (body,) = sent()
    assert {**document, "logic": "tournament", "goal": "defeatmb", "race": "false"} == body
    assert body == dict(seed.settings)


@pytest.mark.parametrize("provider", ["sm", "smz3"])
async def test_every_preset_of_ours_can_be_rolled(runner, site, provider):
    """
    Each fits the options, for a race and for all to see.
    """
    site.guids.extend(f"{number:032x}" for number in range(40))
    names = await runner.presets.names(provider)

    assert len(names) >= 3
    for name in names:
        seed = await runner.generate(provider, preset=str(name), race=True, surface="tests")
        assert "true" == seed.settings["race"]


async def test_a_seed_that_everybody_may_look_into_has_a_log(runner, sent):
    """
    With spoilers on it is no race, and its log needs no key; the number makes it again.
    """
    seed = await runner.generate("smz3", spoilers="on", surface="tests")

    assert f"https://samus.link/api/spoiler/{GUID}?yaml=true" == seed.spoiler_url
    assert "1789654321" == seed.extra["seed_number"]
    assert ["false"] == [body["race"] for body in sent()]


async def test_the_log_of_sm_is_no_yaml(runner):
    """
    The site fails to write one.
    """
    seed = await runner.generate("sm", spoilers="on", surface="tests")

    assert f"https://sm.samus.link/api/spoiler/{GUID}?yaml=false" == seed.spoiler_url


# -------------------------------------------------------------------- multiworlds


async def test_names_make_a_multiworld(runner, sent):
    """
    Whatever a preset says about one player; the link is that of the session.
    """
    seed = await runner.generate(
        "smz3",
        settings={"gamemode": "normal", "players": "1"},
        options={"names": ["Red", "Blue the 2nd", "C_C"]},
        race=True,
        surface="tests",
    )

    assert f"https://samus.link/multiworld/{SLUG}" == seed.url
    (body,) = sent()
    expected = {"player-0": "Red", "player-1": "Blue the 2nd", "player-2": "C_C"}
    assert {"gamemode": "multiworld", "players": "3", **expected}.items() <= body.items()
    assert ["Red", "Blue the 2nd", "C C"] == seed.extra["names"]
    assert ("multiworld", 3) == (seed.extra["mode"], seed.extra["players"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"names": ["Red", "!?"]}, "the name of player 2, '!?', has neither a letter"),
        ({"names": ["Red", ""]}, "the name of player 2, '', has neither"),
        ({"names": ["Röd", "日本"]}, "the name of player 2, '日本', has neither"),
        ({"names": ["Red B", "red_b"]}, "player 2, 'red_b', looks the same in the game as 'Red B'"),
        ({"names": ["Red"]}, "two players or more, and names has one"),
        ({"names": ["Red", "Blue"], "players": 3}, "players is 3, but there are 2 names"),
        ({"players": "2"}, "a multiworld needs a name for each player"),
        ({"gamemode": "Multiworld"}, "a multiworld needs a name for each player"),
        ({"players": 0}, "players must be 1 or more"),
        ({"names": ["Averylongname1", "Averylongname2"]}, "player 2, 'Averylongname2', looks the"),
        ({"names": ["twelve chars", "Twelve_Chars!"]}, "player 2, 'Twelve_Chars!', looks the same"),
        ({"names": ["eleven char", "eleven char x"]}, "player 2, 'eleven char x', looks the same"),
        ({"names": ["x" * 101, "Red"]}, "player 1 must be one line of 100 characters at most"),
        ({"names": ["Red", "a\nb"]}, "player 2 must be one line of 100 characters"),
        ({"names": ["Red", "a\u202eb"]}, "player 2 must be one line of 100 characters"),
        ({"names": [f"P{n}" for n in range(101)]}, "names has 101 players; 100 are allowed"),
    ],
)
async def test_players_that_do_not_fit_are_refused(runner, upstream, options, words):
    """
    The site would fail without a word; it isn't asked.
    """
    with pytest.raises(ProviderInvalidRequestError) as caught:
        await runner.generate("sm", options=options, surface="tests")

    assert words in caught.value.provider_message
    assert [] == upstream.requests


async def test_names_that_differ_where_the_game_shows_them_are_sent(runner, sent):
    """
    Whole: the site cuts them, not we.
    """
    names = ["Averylongname1", "Bverylongname1", "x" * 100, "Röd"]
    await runner.generate("sm", options={"names": names}, surface="tests")

    assert names == [sent()[0][f"player-{number}"] for number in range(4)]


async def test_players_may_be_counted_as_well(runner, sent):
    """
    The number of names is the one that fits.
    """
    options = {"names": "Red,Blue", "players": "2", "gamemode": "multiworld"}
    await runner.generate("sm", options=options, surface="tests")

    assert "2" == sent()[0]["players"]


# ----------------------------------------------------------------------- releases


async def test_a_release_is_another_host(runner, upstream, site):
    """
    The seed is there and nowhere else, and so is its page.
    """
    site.guids.append("00000000000000000000000000000001")
    first = await runner.generate("smz3", options={"release": "beta"}, surface="tests")
    second = await runner.generate("sm", options={"release": "Beta"}, surface="tests")

    assert f"https://beta.samus.link/seed/{SLUG}" == first.url
    assert "https://beta.sm.samus.link/seed/AAAAAAAAAAAAAAAAAAAAAQ" == second.url
    hosts = [received.headers["host"] for received in upstream.requests]
    assert ["beta.samus.link", "beta.sm.samus.link"] == hosts
    assert "release" not in first.settings


@pytest.mark.parametrize(
    "release",
    [
        "evil.example/",
        "evil.example#",
        "a.b",
        "-beta",
        "beta-",
        "user@evil",
        "",
        "a" * 64,
        "bêta",
        "be ta",
        "..",
    ],
)
async def test_a_release_can_not_lead_elsewhere(runner, upstream, release):
    """
    It is one part of a host's name.
    """
    with pytest.raises(ProviderInvalidRequestError, match="release must be 1 to 63 letters"):
        await runner.generate("smz3", options={"release": release}, surface="tests")

    assert [] == upstream.requests


async def test_a_preset_may_name_its_release(runner_for, upstream, tmp_path):
    """
    A file of one's own, as bots have them.
    """
    folder = tmp_path / "smz3"
    folder.mkdir()
    text = (
        "randomizer: smz3\ngoal_name: beat the games\nrelease: beta\nsettings:\n  smlogic: Hard\n"
    )
    (folder / "solo.yaml").write_text(text + '  race: "true"\n  players: "1"\n')
    async with runner_for(presets_in=tmp_path) as runner:
        seed = await runner.generate("smz3", preset="solo", race=True, surface="tests")

    assert f"https://beta.samus.link/seed/{SLUG}" == seed.url
    assert "hard" == seed.settings["smlogic"]


@pytest.mark.parametrize("release", ["beta", "Beta"])
async def test_where_releases_are_is_a_setting(runner_for, upstream, release):
    """
    For a copy of the site; in a path, upper and lower case would not be the same.
    """
    settings = {"release_url": "https://copy.example/{release}/"}
    async with runner_for(**settings) as runner:
        seed = await runner.generate("smz3", options={"release": release}, surface="tests")

    assert f"https://copy.example/beta/seed/{SLUG}" == seed.url


async def test_a_base_url_with_a_path_is_kept(runner_for, upstream):
    """
    The links are where the site was asked.
    """
    async with runner_for(base_url="https://copy.example/mirror") as runner:
        seed = await runner.generate("smz3", spoilers="on", surface="tests")

    assert "/mirror/api/randomizers/smz3/generate" == upstream.requests[0].target
    assert f"https://copy.example/mirror/seed/{SLUG}" == seed.url
    assert f"https://copy.example/mirror/api/spoiler/{GUID}?yaml=true" == seed.spoiler_url
