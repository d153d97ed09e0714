"""
What is sent for a seed, and what comes back.
"""

from __future__ import annotations

import json

import pytest

from seedcore import ProviderResponseFormatError
from seedcore.testing import replies

RACE = {"settings_preset": "Season_Races", "skills_preset": "Season_Races", "race": True}
SHORT = {"settings_preset": "objectives_short", "race": True}


def paths(upstream):
    """
    The requests in their order.
    """
    return [f"{received.method} {received.path}" for received in upstream.requests]


async def test_a_race_takes_four_requests_and_a_look_at_its_page(make, upstream):
    """
    The settings that all begin with, a preset over them, skills, the seed.
    """
    seed = await make(**RACE)

    assert [
        "POST /randoPresetWebService",
        "POST /randoPresetWebService",
        "POST /presetWebService",
        "POST /randomizerWebService",
        f"GET /customizer/{seed.id}",
    ] == paths(upstream)
    assert seed.url == f"{upstream.url}/customizer/{seed.id}"


async def test_the_default_preset_is_asked_for_once(make, site):
    """
    Nothing is over it.
    """
    await make(race=True)

    asked = site.sent("randoPresetWebService")
    assert [{"randoPreset": "default", "origin": "extStats"}] == asked
    assert [{"preset": "regular"}] == site.sent("presetWebService")


async def test_nothing_is_kept_from_one_seed_to_the_next(make, site):
    """
    A preset may be changed on the site at any time.
    """
    await make(**RACE)
    site.settings["Season_Races"] = {**site.settings["Season_Races"], "hud": "on"}
    await make(**RACE)

    assert ["off", "on"] == [form["hud"] for form in site.sent()]


async def test_options_are_over_the_preset_and_that_is_over_the_default(make, site):
    """
    What nobody says is as in the default preset; lists are joined with commas.
    """
    await make(**RACE, maxDifficulty="easy", hud="on")

    (form,) = site.sent()
    assert ("easy", "on") == (form["maxDifficulty"], form["hud"])
    assert ("Major", "off") == (form["majorsSplit"], form["itemsounds"])
    assert ("Vanilla", "4") == (form["tourian"], form["nbObjective"])
    assert "slow,medium,fast,VARIAble,basic,speedrun" == form["progressionSpeedMultiSelect"]
    assert ("advanced", "0", "vanilla") == (form["complexity"], form["seed"], form["logic"])


@pytest.mark.parametrize(
    ("asked", "mode"),
    [
        ({"race": True}, "on"),
        ({"spoilers": "off"}, "on"),
        ({}, "on"),
        ({"spoilers": "on"}, "off"),
    ],
)
async def test_race_mode_is_on_unless_everybody_may_look(make, site, asked, mode):
    """
    Without it the site's own solver tells where everything is.
    """
    await make(**asked)

    assert mode == site.sent()[0]["raceMode"]


async def test_the_skills_are_those_that_the_settings_preset_names(make, site):
    """
    An option names others.
    """
    await make(settings_preset="SGL23Online")
    await make(settings_preset="SGL23Online", skills_preset="casual")

    assert ["Season_Races", "casual"] == [form["preset"] for form in site.sent()]
    scores = [json.loads(form["paramsFileTarget"])["score"] for form in site.sent()]
    assert [275, 99] == scores


async def test_a_preset_of_nobody_is_one_of_the_site(make, site):
    """
    Then it is the settings preset.
    """
    seed = await make(preset="SGL23Online", race=True)

    assert "full" == site.sent()[0]["areaRandomization"]
    assert "SGL23Online" == seed.extra["settings_preset"]


async def test_the_patch_is_not_asked_for(make, site):
    """
    It has 200 kB that nobody reads.
    """
    await make()

    assert "true" == site.sent()[0]["wantsCustomize"]


async def test_objectives_are_drawn_from_the_list_of_the_preset(make, site):
    """
    The site reads them from another field than its own presets write them to.
    """
    await make(**SHORT)
    await make(**SHORT, objective=["kill draygon", "kill botwoon", "nothing"])

    lists = [form["objective"] for form in site.sent()]
    assert ["kill kraid,kill ridley,kill shaktool", "kill draygon,kill botwoon,nothing"] == lists
    assert [("true", "2")] * 2 == [(f["objectiveRandom"], f["nbObjective"]) for f in site.sent()]


async def test_drawn_objectives_without_a_list_are_those_of_the_default(make, site):
    """
    As the site has it.
    """
    await make(objectiveRandom="true")
    site.settings["default"].pop("objective")
    await make(objectiveRandom=True)

    assert ["kill all G4", "nothing"] == [form["objective"] for form in site.sent()]


async def test_the_beta_is_another_site(make, upstream):
    """
    All of its requests go there.
    """
    seed = await make(**RACE, branch="beta")

    assert {True} == {path.split()[1].startswith("/beta/") for path in paths(upstream)}
    assert seed.url == f"{upstream.url}/beta/customizer/{seed.id}"


async def test_live_is_the_usual_site(make, upstream):
    """
    As without a branch.
    """
    seed = await make(branch="live")

    assert seed.url == f"{upstream.url}/customizer/{seed.id}"


async def test_a_race_seed_says_what_it_is_made_of_and_no_number(make):
    """
    Its file's name has the number of the seed, and whoever rolls may have chosen one.
    """
    seed = await make(**RACE, seed=20240102030405)

    assert (None, None, None) == (seed.code, seed.version, seed.spoiler_url)
    assert ("Season_Races", "on") == (seed.settings["preset"], seed.settings["raceMode"])
    assert {"paramsFileTarget", "wantsCustomize", "seed"}.isdisjoint(seed.settings)
    assert {
        "settings_preset": "Season_Races",
        "skills_preset": "Season_Races",
        "warnings": [
            "Missing param set: areaLayoutCustom=[]",
            "Missing param set: variaTweaksCustom=[]",
            "Missing param set: layoutCustom=[]",
        ],
    } == seed.extra


async def test_a_seed_that_all_may_look_into_has_its_number(make, site):
    """
    With it the same one can be made again; and its page is not asked for.
    """
    site.added = {"forcedArgs": {"hud": "on"}}
    seed = await make(spoilers="on", seed="17", settings_preset="Season_Races")

    assert "VARIA_Randomizer_MX17_Season_Races.sfc" == seed.extra["file_name"]
    assert ("17", {"hud": "on"}) == (seed.extra["seed"], seed.extra["forced"])
    assert ("17", "off") == (seed.settings["seed"], seed.settings["raceMode"])
    assert [] == site.sent(f"customizer/{seed.id}")


@pytest.mark.parametrize("name", [None, 5, "", "VARIA.sfc", "VARIA_X_.sfc"])
async def test_a_file_without_a_number_is_no_failure(make, site, name):
    """
    The number is a nicety.
    """
    site.added = {"fileName": name}

    assert "seed" not in (await make(spoilers="on")).extra


@pytest.mark.parametrize("name", ["roll", "roll_without_patch"])
async def test_the_recorded_answers_are_seeds(make, site, say, name):
    """
    With the patch and without.
    """
    site.then("randomizerWebService", say.recorded(name))
    seed = await make(spoilers="on")

    assert seed.url.endswith(f"/customizer/{say.document(name)['seedKey']}")
    assert "UEFUQ0gQ8qAA" not in repr(seed)


async def test_warnings_are_lines_without_html(make, site):
    """
    Forced settings are told as well.
    """
    site.added = {
        "errorMsg": "<b>&#39;Suits&#39;</b> forced to off<br/><BR />\nx &lt; y<br>1 < 2 > 0"
    }

    assert ["'Suits' forced to off", "x < y", "1 < 2 > 0"] == (await make()).extra["warnings"]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("<table><tr><td>a</td></tr></table>", "a"),
        ("&lt;script&gt;a&lt;/script&gt;", "a"),
        ("<svg onload=x()>a", "a"),
        ("<scr<b>ipt>a", "script>a"),
        ("<<<b>b>script>a", "b>script>a"),
        ("&lt;<b></b>script>a", "a"),
        ("&lt;\u200bscript>a", "a"),
        ("a <img src=x", "a img src=x"),
        ("a<!--", "a!--"),
        ("\x1b[31ma\u202e", "a"),
    ],
)
async def test_no_warning_becomes_html_or_a_command(make, site, said, shown):
    """
    Neither where it is shown on a page nor in a terminal.
    """
    site.added = {"errorMsg": said}

    assert [shown] == (await make()).extra["warnings"]


@pytest.mark.parametrize("said", ["", None, 17, ["x"]])
async def test_no_warnings_are_an_empty_list(make, site, said):
    """
    Whatever the site says in their place.
    """
    site.added = {"errorMsg": said}

    assert [] == (await make()).extra["warnings"]


async def test_a_race_has_no_warning_that_tells_of_places(make, site):
    """
    The rest of it stays.
    """
    said = (
        "\nMaximum difficulty could not be applied everywhere. "
        "Affected locations: [ Draygon: hard ]"
        "\nAffected locations: Bomb<br/>Too hard. Estimated seed difficulty: mania"
    )
    site.added = {"errorMsg": said}

    hidden = (await make(race=True)).extra["warnings"]
    assert ["Maximum difficulty could not be applied everywhere", "Too hard"] == hidden
    assert "Draygon" in (await make(spoilers="on")).extra["warnings"][0]


async def test_a_read_that_fails_once_makes_no_second_seed(make, site):
    """
    Presets and pages are read with attempts of their own.
    """
    for path in ("randoPresetWebService", "presetWebService", "customizer"):
        site.then(path, replies.status(503))
    seed = await make(**RACE)

    assert (1, 1) == (len(site.sent()), seed.meta.attempts)
    assert not seed.meta.possible_duplicate


async def test_a_page_that_is_down_for_good_ends_the_call(make, site):
    """
    Nobody could get the seed there, and nobody knows whether it is protected.
    """
    site.page = lambda text: "<html>under construction</html>"

    with pytest.raises(ProviderResponseFormatError, match="own page doesn't have"):
        await make(**RACE)

    assert 1 == len(site.sent())


async def test_a_seed_that_its_page_does_not_know_is_none(make, site):
    """
    The page says so with status 200.
    """
    site.page = lambda text: text.replace(
        "<title>", '<p>Seed 0-1 not available</p><title data-x="">'
    )

    with pytest.raises(ProviderResponseFormatError, match="own page doesn't have"):
        await make(**RACE)
