"""
The presets that are shipped, and those of the site.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import seedcore_smvaria

SHIPPED = sorted(
    path.stem for path in Path(seedcore_smvaria.__file__).parent.glob("presets/*.yaml")
)


@pytest.fixture(autouse=True)
def _everything(site, say):
    """
    A site that has all presets that the shipped ones name.
    """
    for name in ("SMRAT2021", "Torneio_SGPT3_stage1", "Torneio_SGPT3_stage2", "VARIA_Weekly"):
        site.settings[name] = {**say.document("season_races_settings"), "maxDifficulty": "easy"}
    for name in ("SMRAT2021", "Torneio_SGPT3", "newbie"):
        site.skills[name] = say.document("season_races_skills")


@pytest.mark.parametrize("name", SHIPPED)
async def test_a_shipped_preset_makes_a_race(make, name):
    """
    Nothing is missing in it.
    """
    seed = await make(preset=name, race=True)

    assert seed.url


@pytest.mark.parametrize(
    ("name", "settings", "skills"),
    [
        ("season_races", "Season_Races", "Season_Races"),
        ("sgl23_online", "SGL23Online", "Season_Races"),
        ("smrat2021", "SMRAT2021", "SMRAT2021"),
        ("torneio_sgpt3_stage1", "Torneio_SGPT3_stage1", "Torneio_SGPT3"),
        ("torneio_sgpt3_stage2", "Torneio_SGPT3_stage2", "Torneio_SGPT3"),
        ("varia_weekly", "VARIA_Weekly", "casual"),
        ("choozo", "Season_Races", "Season_Races"),
        ("choozo_basic", "Season_Races", "newbie"),
        ("playoff_full_random", "Season_Races", "Season_Races"),
    ],
)
async def test_a_preset_of_the_league_is_a_pair(make, site, name, settings, skills):
    """
    Settings and skills by the names that the site has for them.
    """
    seed = await make(preset=name, race=True)

    assert (settings, skills) == (seed.extra["settings_preset"], seed.extra["skills_preset"])
    assert [{"preset": skills}] == site.sent("presetWebService")


async def test_a_choozo_race_has_what_the_room_chose(make, site):
    """
    The room's choices are options over the preset.
    """
    await make(
        preset="choozo",
        race=True,
        majorsSplit="FullWithHUD",
        areaRandomization="light",
        morphPlacement="late",
        startLocationMultiSelect=["Aqueduct", "Bubble Mountain", "Firefleas Top"],
    )

    (form,) = site.sent()
    assert ("FullWithHUD", "light", "on") == tuple(
        form[name] for name in ("majorsSplit", "areaRandomization", "bossRandomization")
    )
    assert ("random", "late") == (form["startLocation"], form["morphPlacement"])
    assert "Aqueduct,Bubble Mountain,Firefleas Top" == form["startLocationMultiSelect"]
    assert "FullWithHUD,Major" == form["majorsSplitMultiSelect"]


async def test_the_names_of_skills_presets_are_listed(ask, upstream):
    """
    Those of the community among them.
    """
    names = await ask("skill_presets")

    assert {"newbie", "Season_Races", "flo"} <= {*names}
    assert ["GET"] == [received.method for received in upstream.requests]


async def test_a_settings_preset_is_read(ask, say, site):
    """
    For extended statistics: anybody else's session would be changed by it.
    """
    assert say.document("season_races_settings") == await ask(
        "settings_preset", name="Season_Races"
    )
    asked = {"randoPreset": "Season_Races", "origin": "extStats"}
    assert [asked] == site.sent("randoPresetWebService")


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("skill_presets", {}),
        ("skill_preset", {"name": "casual"}),
        ("settings_preset", {"name": "default"}),
    ],
)
async def test_the_beta_has_presets_of_its_own(ask, upstream, operation, arguments):
    """
    Its address is a setting.
    """
    await ask(operation, branch="beta", **arguments)

    assert upstream.requests[0].path.startswith("/beta/")


@pytest.mark.parametrize("address", ["beta.varia.run", "ftp://x", "https://u:p@x", "https://x?y=1"])
async def test_an_address_of_the_beta_must_be_one(runner_for, upstream, address):
    """
    As base_url must.
    """
    from seedcore import SettingsError

    async with runner_for(upstream.url, beta_url=address) as runner:
        with pytest.raises(SettingsError, match="beta_url must be an http"):
            await runner.generate("smvaria", surface="tests")
