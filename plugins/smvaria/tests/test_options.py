"""
What can be asked is checked before anything is sent.
"""

from __future__ import annotations

import pytest

from seedcore import ProviderError, ProviderInvalidRequestError
from seedcore_smvaria.values import OBJECTIVES

EIGHTEEN = [*OBJECTIVES[:18]]


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({"hud": "on"}, {"hud": "on"}),
        ({"hud": True, "animals": False}, {"hud": "on", "animals": "off"}),
        ({"hud": "random"}, {"hud": "random"}),
        ({"areaRandomization": False}, {"areaRandomization": "off"}),
        ({"objectiveRandom": True}, {"objectiveRandom": "true"}),
        ({"missileQty": 3.5}, {"missileQty": "3.5"}),
        ({"missileQty": "3.5", "superQty": 2}, {"missileQty": "3.5", "superQty": "2"}),
        ({"superQty": 2.0, "powerBombQty": "random"}, {"superQty": "2", "powerBombQty": "random"}),
        ({"minorQty": 7, "minimizerQty": "100"}, {"minorQty": "7", "minimizerQty": "100"}),
        ({"nbObjectivesRequired": False}, {"nbObjectivesRequired": "off"}),
        ({"nbObjectivesRequired": 31}, {"nbObjectivesRequired": "31"}),
        ({"nbObjective": 0}, {"nbObjective": "0"}),
        ({"seed": 0}, {"seed": "0"}),
        ({"seed": 2**63 - 1}, {"seed": str(2**63 - 1)}),
        ({"objective": "kill kraid, kill ridley"}, {"objective": "kill kraid,kill ridley"}),
        ({"objective": ["kill kraid", "kill kraid"]}, {"objective": "kill kraid"}),
        ({"objective": EIGHTEEN}, {"objective": ",".join(EIGHTEEN)}),
        (
            {"areaRandomization": "random", "areaRandomizationMultiSelect": [False, "full"]},
            {"areaRandomization": "random", "areaRandomizationMultiSelect": "off,full"},
        ),
        ({"layoutCustom": ["moat", "spazer"]}, {"layoutCustom": "moat,spazer"}),
        ({"unchecked": {"newSwitch": True, "other": False}}, {"newSwitch": "on", "other": "off"}),
        ({"unchecked": {"newList": ["a", "b"], "n": 1.5}}, {"newList": "a,b", "n": "1.5"}),
        ({"unchecked": {"animals": "on"}, "animals": "off"}, {"animals": "on"}),
        ({"unchecked": {"lightAreaRandomization": "on"}}, {"lightAreaRandomization": "on"}),
    ],
)
async def test_what_the_site_takes_is_sent(make, site, asked, sent):
    """
    As texts, with YAML's switches and numbers understood.
    """
    await make(spoilers="on", **asked)

    (form,) = site.sent()
    assert sent == {name: form[name] for name in sent}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"hud": "maybe"}, "hud must be one of on, off, random"),
        ({"majorsSplit": "full"}, "one of Full, FullWithHUD, Major, Chozo, Scavenger, random"),
        ({"majorSplit": "Full"}, "Did you mean 'majorsSplit'"),
        ({"preset": "Season_Races", "settings_preset": "haste"}, "name two settings presets"),
        ({"objectives": ["kill kraid"]}, "Did you mean 'objective'"),
        ({"objective": ["kill everybody"]}, "objective must be a list of: nothing, kill kraid"),
        ({"objective": []}, "objective must be a list of"),
        ({"objective": 5}, "objective must be a list of"),
        ({"objective": OBJECTIVES[:19]}, "objective has at most 18 names"),
        ({"objectiveRandom": "maybe"}, "one of true, false"),
        ({"missileQty": 0.5}, "missileQty must be a number from 1 to 9 or random"),
        ({"missileQty": "nan"}, "from 1 to 9"),
        ({"missileQty": True}, "from 1 to 9"),
        ({"missileQty": "1e0"}, "from 1 to 9"),
        ({"missileQty": [3]}, "from 1 to 9"),
        ({"minorQty": 6}, "minorQty must be a whole number from 7 to 100 or random"),
        ({"minorQty": 50.5}, "a whole number from 7 to 100"),
        ({"minimizerQty": 29}, "from 30 to 100"),
        ({"scavNumLocs": 3}, "from 4 to 17"),
        ({"nbObjective": 19}, "from 0 to 18"),
        ({"nbObjectivesRequired": 32}, "from 1 to 31 or off or random"),
        ({"seed": -1}, f"from 0 to {2**63 - 1}"),
        ({"seed": 2**63}, f"from 0 to {2**63 - 1}"),
        ({"seed": "abc"}, "seed must be a whole number"),
        ({"startLocation": "Ceres Station"}, "one of Ceres, Landing Site"),
        ({"startLocationMultiSelect": ["Big Pink", 5]}, "must be a list of: Ceres"),
        ({"layoutCustom": "moats"}, "must be a list of: door_indicators_plms"),
        ({"settings_preset": "no-such"}, "letters, digits and _"),
        ({"settings_preset": "x" * 33}, "1 to 32"),
        ({"skills_preset": "é"}, "skills_preset is a name"),
        ({"preset": "some thing"}, "settings_preset is a name"),
        ({"branch": "alpha"}, "branch is one of live, beta"),
        ({"unchecked": {"raceMode": "off"}}, "race and spoilers decide it"),
        ({"unchecked": {"paramsFileTarget": "{}"}}, "skills_preset chooses it"),
        ({"unchecked": {"seed": "17"}}, "seed can't be sent unchecked"),
        ({"unchecked": {"Racemode": "off"}}, "did you mean 'raceMode'"),
        ({"unchecked": {"objectve": ["kill kraid"]}}, "did you mean 'objective'"),
        ({"unchecked": {"settings_preset": "x"}}, "an option beside unchecked"),
        ({"unchecked": {"a b": "x"}}, "letters, digits and _"),
        ({"unchecked": {"x": None}}, "x in unchecked must be a text"),
        ({"unchecked": {"x": {}}}, "x in unchecked must be a text"),
        ({"unchecked": {"x": []}}, "x in unchecked must be a text"),
        ({"unchecked": {"x": "a\nb"}}, "x in unchecked must be a text"),
        ({"unchecked": {"x": "a" * 2001}}, "1 to 2000 characters"),
        ({"unchecked": {f"x{n}": "1" for n in range(101)}}, "101 names, and 100 are the most"),
        ({"race": True, "spoilers": "on"}, "a race seed has no spoilers"),
        ({"spoilers": "delayed"}, ""),
    ],
)
async def test_what_it_does_not_take_is_refused(make, upstream, asked, words):
    """
    With what is allowed, and without a request.
    """
    with pytest.raises(ProviderError) as caught:
        await make(**asked)

    assert words in caught.value.provider_message
    assert ([], 0) == (upstream.requests, caught.value.attempts)


async def test_nineteen_may_be_drawn_from(make, site):
    """
    Eighteen are the most that a seed has.
    """
    await make(objective=OBJECTIVES[:19], objectiveRandom="true")

    assert 18 == site.sent()[0]["objective"].count(",")


async def test_a_document_of_the_site_fits(make, site, say):
    """
    Without the skills preset, which has an option of its own, and with what the call decides.
    """
    document = say.document("default_settings")
    del document["preset"]
    seed = await make(settings={**document, "raceMode": "off", "complexity": "simple"})

    assert "on" == seed.settings["raceMode"] == site.sent()[0]["raceMode"]
    assert "advanced" == site.sent()[0]["complexity"]


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("skill_preset", {"name": "no-such"}),
        ("settings_preset", {"name": ""}),
        ("settings_preset", {"name": None}),
        ("skill_presets", {"branch": "alpha"}),
    ],
)
async def test_operations_are_checked_too(ask, upstream, operation, arguments):
    """
    Nothing is sent.
    """
    with pytest.raises(ProviderInvalidRequestError):
        await ask(operation, **arguments)

    assert [] == upstream.requests
