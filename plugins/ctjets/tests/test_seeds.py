"""
What is sent for a seed, and what comes back.
"""

from __future__ import annotations

import attrs
import pytest
import yaml

from seedcore import ProviderResponseFormatError, ProviderUnavailableError
from seedcore.store import Store
from seedcore.testing import replies

RACE = {"enemy_difficulty": "normal", "tech_rando": "fully_random", "disable_glitches": "on"}
OLDER = """
randomizer: ctjets
version: 3.1.0
description: Lost Worlds
settings:
  difficulty: normal
  disable_glitches: "on"
  lost_worlds: "on"
  zeal: on
  duplicate_char_assignments: 7f7f7f7f7f7f7f
  shop_prices: Normal
  tech_rando: Balanced Random
"""
FORM = {
    "seed": "",
    "game_mode": "standard",
    "enemy_difficulty": "normal",
    "item_difficulty": "normal",
    "shop_prices": "normal",
    "tech_rando": "fully_random",
    "duplicate_char_assignments": "7f7f7f7f7f7f7f",
    "power_tab_min": "2",
    "power_tab_max": "4",
    "magic_tab_min": "1",
    "magic_tab_max": "3",
    "speed_tab_min": "1",
    "speed_tab_max": "1",
    "fragments_required": "10",
    "extra_fragments": "5",
    "mystery_game_mode_standard": "75",
    "mystery_game_mode_lw": "25",
    "mystery_game_mode_loc": "0",
    "mystery_game_mode_ia": "0",
    "mystery_item_difficulty_easy": "15",
    "mystery_item_difficulty_normal": "70",
    "mystery_item_difficulty_hard": "15",
    "mystery_enemy_difficulty_normal": "75",
    "mystery_enemy_difficulty_hard": "25",
    "mystery_tech_order_normal": "10",
    "mystery_tech_order_full_random": "80",
    "mystery_tech_order_balanced_random": "10",
    "mystery_shop_prices_normal": "70",
    "mystery_shop_prices_random": "10",
    "mystery_shop_prices_mostly_random": "10",
    "mystery_shop_prices_free": "10",
    "mystery_tab_treasures": "10",
    "mystery_unlock_magic": "50",
    "mystery_bucket_fragments": "15",
    "mystery_chronosanity": "30",
    "mystery_boss_rando": "50",
    "mystery_boss_scale": "30",
    "mystery_locked_characters": "25",
    "mystery_duplicate_characters": "25",
    "mystery_epoch_fail": "50",
    "mystery_gear_rando": "25",
    "mystery_heal_rando": "25",
    "disable_glitches": "on",
}
"""What the form has that nobody has changed, and a flag."""


async def roll(runner, **asked):
    """
    Roll a race seed.
    """
    asked = {"options": RACE, "race": True, **asked}
    return await runner.generate("ctjets", surface="tests", **asked)


async def test_the_form_is_filled_in_and_sent(runner, site):
    """
    With its own token, cookie and address; a flag that is off isn't there, nor is a ROM.
    """
    await roll(runner, options={**RACE, "zeal": "off", "boss_rando": False})

    _, post, *_ = site.upstream.requests
    sent = site.sent
    assert {"csrfmiddlewaretoken": f"{0:064d}", **FORM} == sent
    assert f"csrftoken={0:032d}" == post.headers["cookie"]
    assert f"{site.url}/3_2_0/options/" == post.headers["referer"]
    assert post.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert len(post.body) == int(post.headers["content-length"])


async def test_a_seed_has_its_permalink_and_what_it_is_made_of(runner, site):
    """
    Its id is in the link, its version is the one that was asked for.
    """
    seed = await roll(runner)

    assert f"{site.url}/3_2_0/share/AbCdEfGhIjKl000/" == seed.url
    assert ("AbCdEfGhIjKl000", "3.2.0", None, None) == (
        seed.id,
        seed.version,
        seed.code,
        seed.spoiler_url,
    )
    made_of = {name: text for name, text in FORM.items() if name != "seed"}
    assert {"version": "3.2.0", **made_of} == seed.settings
    assert [
        "GET /3_2_0/options/",
        "POST /3_2_0/generate-rom/",
        "GET /3_2_0/share/AbCdEfGhIjKl000/",
        "GET /3_2_0/spoiler_log/AbCdEfGhIjKl000.json",
    ] == site.asked


async def test_each_attempt_has_a_token_of_its_own(runner, site):
    """
    The first one may be no good any more.
    """
    site.made += [replies.status(502)]

    seed = await roll(runner)

    assert f"{1:064d}" == site.sent["csrfmiddlewaretoken"]
    assert (2, True) == (seed.meta.attempts, seed.meta.possible_duplicate)


@pytest.mark.parametrize("fault", [replies.status(502), replies.lost(), replies.rate_limited(2)])
async def test_a_page_that_fails_makes_no_second_seed(runner, site, fault):
    """
    It is asked for again, alone.
    """
    site.pages += [fault]
    site.logs += [fault]

    seed = await roll(runner)

    assert "AbCdEfGhIjKl000" == seed.id
    assert 1 == len(site.games)
    assert 1 == seed.meta.attempts


async def test_a_page_that_never_comes_ends_the_call(runner, site):
    """
    Still no second seed is made for that.
    """
    site.pages += [replies.status(502)] * 5

    with pytest.raises(ProviderUnavailableError):
        await roll(runner)

    assert 1 == len(site.games)


async def test_a_page_in_pieces_is_read_to_its_end(runner, site, say):
    """
    Without a word about its length, too.
    """
    site.games["AbCdEfGhIjKl000"] = say.Game(id="AbCdEfGhIjKl000", race=True, seed="x")
    page = site._share("AbCdEfGhIjKl000", "3_2_0")
    site.games.clear()
    site.pages += [attrs.evolve(page, pieces=40, chunked=True)]

    seed = await roll(runner)

    assert "AbCdEfGhIjKl000" == seed.id


async def test_a_page_without_the_folder_is_found(runner, site):
    """
    The site redirects to pages without the folder of their version, which is where it has them.
    """
    site.folder = False
    known = site.answer

    def answer(received):
        if received.path.startswith("/3_2_0/s"):
            return replies.typed("text/html", "<h1>Not Found</h1>", 404)
        if received.path.startswith("/s"):
            return known(attrs.evolve(received, target=f"/3_2_0{received.path}"))
        return known(received)

    site.upstream.script(answer)

    seed = await roll(runner)

    assert f"{site.url}/share/AbCdEfGhIjKl000/" == seed.url
    assert [
        "GET /3_2_0/share/AbCdEfGhIjKl000/",
        "GET /share/AbCdEfGhIjKl000/",
        "GET /spoiler_log/AbCdEfGhIjKl000.json",
    ] == site.asked[2:]


@pytest.mark.parametrize(
    "link",
    [
        "http://www.ctjot.com/share/AbCdEfGhIjKl000/",
        "https://ctjot.com/3_2_0/share/AbCdEfGhIjKl000",
        "/share/AbCdEfGhIjKl000/",
        "../share/AbCdEfGhIjKl000/",
    ],
)
async def test_links_become_one_permalink(runner, site, say, link):
    """
    Whichever of its names and schemes the site gives them.
    """
    site.games["AbCdEfGhIjKl000"] = say.Game(id="AbCdEfGhIjKl000", race=True, seed="x")
    page = f'<h3><a target="_blank" href="{link}"> Seed share link </a></h3>'
    site.made += [replies.typed("text/html", page)]

    seed = await roll(runner)

    assert f"{site.url}/3_2_0/share/AbCdEfGhIjKl000/" == seed.url
    assert "GET /3_2_0/spoiler_log/AbCdEfGhIjKl000.json" == site.asked[-1]


async def test_a_copy_of_the_site_has_no_folders(site, runner_for):
    """
    The open source one has a single version, at its root.
    """
    known = site.answer

    def answer(received):
        headers = {**received.headers}
        if received.method == "POST":
            assert f"{site.url}/options/" == headers["referer"]
            headers["referer"] = f"{site.url}/3_2_0/options/"
        target = f"/3_2_0{received.path}"
        return known(attrs.evolve(received, target=target, headers=headers))

    site.folder = False
    site.upstream.script(answer)
    async with runner_for(site.url, root_version="3.2.0") as runner:
        seed = await roll(runner)
        shown = await runner.call("ctjets", "seed", surface="tests", id=seed.id)

    assert f"{site.url}/share/AbCdEfGhIjKl000/" == seed.url == shown.url
    assert "POST /generate-rom/" in site.asked


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({}, ""),
        ({"seed": "CronoMarle"}, "CronoMarle"),
        ({"seed": 1999}, "1999"),
        ({"seed": "x" * 25}, "x" * 25),
    ],
)
async def test_a_seed_may_be_made_of_a_text(runner, site, asked, sent):
    """
    Of a seed without spoilers it is nowhere shown.
    """
    seed = await roll(runner, options={**RACE, **asked})

    assert sent == site.sent["seed"]
    assert "seed" not in seed.settings


# ------------------------------------------------------------------ presets


async def test_a_preset_of_ours(runner, site):
    """
    Five are shipped; options of the call come over them.
    """
    names = await runner.presets.names("ctjets")
    for name in names:
        await roll(runner, preset=name, options={"power_tab_max": 9})
        assert "9" == site.sent["power_tab_max"]

    assert ["hard", "lostworlds", "mystery", "newplayers", "race"] == names


async def test_a_preset_of_an_older_version(site, runner_for, rom_file, tmp_path):
    """
    Its form has fields and words of its own, and the ROM; it answers with the page itself.
    """
    folder = tmp_path / "presets" / "ctjets"
    folder.mkdir(parents=True)
    folder.joinpath("lost.yaml").write_text(OLDER)
    folders = [str(folder.parent)]
    async with runner_for(site.url, folders=folders, rom=str(rom_file)) as runner:
        seed = await roll(runner, preset="lost", options=None)

    sent = site.sent
    assert f"{0:064d}" == sent.pop("csrfmiddlewaretoken")
    assert {"seed": "", **yaml.safe_load(OLDER)["settings"], "zeal": "on"} == sent
    assert f"{site.url}/3_1_0/share/AbCdEfGhIjKl000/" == seed.url
    assert "3.1.0" == seed.version


@pytest.mark.parametrize("version", ["3.1.0", "3_1_0"])
async def test_values_of_either_version_are_understood(site, runner_for, rom_file, version):
    """
    Each form gets its own words.
    """
    options = {"version": version, "difficulty": "hard", "lost_worlds": "off"}
    options |= {"shop_prices": "mostly_random", "tech_rando": "Balanced Random", "zeal": True}
    options |= {"duplicate_char_assignments": "7f7f7f7f7f7f7f"}
    async with runner_for(site.url, rom=str(rom_file)) as runner:
        await roll(runner, options=options)
        older = site.sent
        await roll(runner, options={"shop_prices": "Mostly Random", "tech_rando": "Normal"})

    assert ("Mostly Random", "Balanced Random", "on", "hard") == tuple(
        older[name] for name in ("shop_prices", "tech_rando", "zeal", "difficulty")
    )
    assert "lost_worlds" not in older
    assert ("mostly_random", "normal") == (site.sent["shop_prices"], site.sent["tech_rando"])


# ------------------------------------------------------------------ spoilers


async def test_spoilers_are_asked_for_and_shown(runner, site):
    """
    Only then is the form's field there.
    """
    seed = await roll(runner, race=False, spoilers="on", options={**RACE, "seed": "hello"})

    assert "on" == site.sent["spoiler_log"]
    assert f"{site.url}/3_2_0/spoiler_log/AbCdEfGhIjKl000.txt" == seed.spoiler_url
    assert ("hello", "on") == (seed.settings["seed"], seed.settings["spoiler_log"])
    assert 3 == len(site.asked)


async def test_a_spoiler_that_is_missing_is_told(runner, site):
    """
    The site made another seed than was asked for.
    """
    page = '<a id="seed_share" href="/share/AbCdEfGhIjKl000/">Seed share link</a>'
    site.made += [replies.typed("text/html", page)]

    with pytest.raises(ProviderResponseFormatError, match="has no spoiler log"):
        await roll(runner, race=False, spoilers="on")


async def test_a_document_says_nothing_of_spoilers(runner, site):
    """
    What older documents have about them is for the call to decide.
    """
    await roll(runner, options=None, settings={**RACE, "spoiler_log": "on"})

    assert "spoiler_log" not in site.sent


async def test_the_row_has_it_all(site, runner_for, tmp_path):
    """
    The id too, which is in the link.
    """
    address = f"sqlite://{tmp_path / 'audit.sqlite3'}"
    async with runner_for(site.url, database=address) as runner:
        await roll(runner, preset="race", options=None)
    store = await Store.open(address)
    (row,) = await store.queries.calls()
    await store.close(timeout=5)

    names = ("randomizer", "gentype", "genoption", "hash_id", "permalink", "version")
    permalink = f"{site.url}/3_2_0/share/AbCdEfGhIjKl000/"
    assert ("ctjets", "preset", "race", "AbCdEfGhIjKl000", permalink, "3.2.0") == tuple(
        row[name] for name in names
    )
