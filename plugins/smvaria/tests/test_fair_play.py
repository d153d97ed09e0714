"""
A seed that nobody may look into is handed out only if the site shows nothing of it.
"""

from __future__ import annotations

import pytest

from seedcore import ProviderInvalidRequestError, ProviderResponseFormatError, SpoilerLeakError
from seedcore_smvaria.shown import ITEMS, LOOKED_INTO, MAGIC, ROLLED, SETTINGS, Shown, leak_of

CHANCE = {"settings_preset": "Season_Races", "morphPlacement": "random", "startLocation": "random"}
PROTECTED = "<script>var isRace = true;</script>"


def leak(reply=None, page=PROTECTED, chance=()):
    """
    What is given away by an answer and a page.
    """
    return leak_of(Shown(reply=reply or {}, page=page, chance=frozenset(chance)))


@pytest.mark.parametrize("asked", [{"race": True}, {"spoilers": "off"}, {}])
async def test_a_seed_made_without_race_mode_is_thrown_away(make, site, events, asked):
    """
    Its page says so, and its key reaches nobody.
    """
    site.page = lambda text: text.replace("isRace = true", "isRace = false")

    with pytest.raises(
        SpoilerLeakError, match="without its race mode. The seed was thrown"
    ) as caught:
        await make(**asked)

    assert (1, 1) == (caught.value.attempts, len(site.sent()))
    (key,) = site.kept
    assert key not in repr(caught.value.to_json())
    assert key not in str([event.fields() for event in events])
    assert "leak_refused" in [event.event for event in events]


async def test_what_all_may_look_into_is_not_judged(make, site):
    """
    Nor is its page asked for.
    """
    site.page = lambda text: text.replace("isRace = true", "isRace = false")

    assert (await make(spoilers="on")).id


async def test_a_race_page_may_have_its_settings(make):
    """
    The site shows them of every seed; what it protects is where things are.
    """
    assert (await make(race=True, settings_preset="Season_Races")).id


@pytest.mark.parametrize(
    ("page", "found"),
    [
        (PROTECTED, None),
        ("<td>Race mode</td><td>on</td><h4>Randomizer Parameters</h4>", None),
        ("<script>seedParams = {};var isRace = true;isRace = false;</script>", None),
        ("<script>const seedParams = {'hud': 'on'};</script>", SETTINGS),
        ("<h4>Randomizer Parameters</h4>", SETTINGS),
        ('{"majorsSplit": "Full"}', SETTINGS),
        ("<script>var isRace = false;</script>", LOOKED_INTO),
        ("<td>Race mode</td>\n <td class='x'>off</td><td>var isRace = true;", LOOKED_INTO),
        (f'{PROTECTED}<a HREF="/spoiler/17">log</a>', ITEMS),
    ],
)
def test_a_page_is_judged_by_what_it_says(page, found):
    """
    Settings are no secret of a seed that is said to be protected.
    """
    assert found == leak(page=page)


@pytest.mark.parametrize("words", ["const seedParams = null;", "let isRace=false;", "", "Race: no"])
async def test_a_page_that_says_nothing_of_it_is_no_proof(make, site, words):
    """
    The site may look otherwise by then.
    """
    site.page = lambda text: f"<html>{text.partition('seedKey = ')[2][:40]}{words}</html>"

    with pytest.raises(ProviderResponseFormatError, match="doesn't say whether it is protected"):
        await make(race=True)

    assert 1 == len(site.sent())


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ({"ips": "x", "fileName": "VARIA_X17_.sfc", "errorMsg": "a", "max_size": 1}, None),
        ({"truncate_length": 3, "status": "OK", "seedKey": "x", "version": "2026-04"}, None),
        ({"spoiler": {}, "itemLocs": None, "params": [], "settings": ""}, None),
        ({"spoiler": {"Bomb": "Morph"}}, ITEMS),
        ({"itemLocs": [{"Item": "Morph"}]}, ITEMS),
        ({"log": [{"locations": {"Bomb": "Morph"}}]}, ITEMS),
        ({"params": ["--race", "17"]}, MAGIC),
        ({"magic": 17}, MAGIC),
        ({"majorsSplit": "Full"}, SETTINGS),
        ({"randoPresetDict": {"hud": "on"}}, SETTINGS),
        ({"raceMode": "off"}, LOOKED_INTO),
        ({"forcedArgs": {"raceMode": "off"}}, LOOKED_INTO),
        ({"forcedArgs": {"suitsRestriction": "off"}}, None),
        ({"forcedArgs": "off"}, None),
        ({"forcedArgs": {"morphPlacement": "early"}}, ROLLED),
        ({"spoiler": [1], "magic": 5, "hud": "on"}, f"{ITEMS}, {MAGIC} and {SETTINGS}"),
    ],
)
def test_an_answer_is_judged_by_its_names(reply, found):
    """
    Only names that have something below them; and of a setting left to chance even its value.
    """
    assert found == leak(reply, chance=["morphPlacement"])


async def test_a_draw_that_was_forced_is_thrown_away(make, site):
    """
    The page would tell everybody how it fell.
    """
    site.added = {"forcedArgs": {"morphPlacement": "early"}}

    with pytest.raises(SpoilerLeakError, match="which of its random settings it drew") as caught:
        await make(race=True, **CHANCE)

    assert "early" not in caught.value.provider_message
    assert (await make(race=True, **{**CHANCE, "morphPlacement": "late"})).id


async def test_drawn_objectives_are_left_to_chance(make, site):
    """
    They have another switch than all the rest.
    """
    site.added = {"forcedArgs": {"objective": ["kill ridley"]}}

    with pytest.raises(SpoilerLeakError, match="random settings"):
        await make(race=True, settings_preset="objectives_short")


async def test_the_number_of_a_race_is_nowhere(runner_for, upstream, site, events, tmp_path):
    """
    Neither the site's own nor one that was chosen, not in the rows either.
    """
    address = f"sqlite://{tmp_path / 'audit.sqlite3'}"
    async with runner_for(upstream.url, database=address) as runner:
        drawn = await runner.generate("smvaria", race=True, surface="tests")
        chosen = await runner.generate(
            "smvaria", race=True, options={"seed": "8267715575655437775"}, surface="tests"
        )
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir()).decode("utf-8", "replace")
    seen = f"{drawn!r} {chosen!r} {[event.fields() for event in events]} {stored}"

    assert "8267715575655437775" == site.sent()[1]["seed"]
    for number in ("2943143084842318129", "8267715575655437775"):
        assert number not in seen


async def test_the_number_of_a_race_is_in_no_error(
    *, runner_for, upstream, site, say, events, tmp_path
):
    """
    The site may repeat the one that it drew where its page should be.
    """
    number = "2943143084842318129"
    site.then("customizer", say.typed(f"no page of {number}", 400))
    address = f"sqlite://{tmp_path / 'audit.sqlite3'}"
    async with runner_for(upstream.url, database=address) as runner:
        with pytest.raises(ProviderInvalidRequestError, match=r"no page of \*\*\*$") as caught:
            await runner.generate("smvaria", race=True, surface="tests")
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir()).decode("utf-8", "replace")

    seen = f"{caught.value!r} {caught.value.to_json()} {[e.fields() for e in events]} {stored}"
    assert number not in seen
