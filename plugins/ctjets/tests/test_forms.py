"""
What a form takes: the known one is checked before anything is sent, others by what they show.
"""

from __future__ import annotations

import pytest

from seedcore import InvalidPresetError, ProviderInvalidRequestError


async def refusal(runner, **asked):
    """
    Return why a seed is refused.
    """
    with pytest.raises(ProviderInvalidRequestError) as caught:
        await runner.generate("ctjets", surface="tests", **asked)
    return caught.value


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"enemy_dificulty": "hard"},
            "no field 'enemy_dificulty'. Did you mean 'enemy_difficulty'?",
        ),
        ({"difficulty": "hard"}, "no field 'difficulty'. Did you mean 'item_difficulty'?"),
        ({"lost_worlds": "on"}, "version=3.1.0"),
        ({"enemy_difficulty": "hrad"}, "enemy_difficulty must be one of easy, normal, hard"),
        ({"game_mode": "iceage"}, "game_mode must be one of standard, lost_worlds, ice_age"),
        ({"tech_rando": "Balancd Random"}, "tech_rando must be one of normal, balanced_random"),
        ({"shop_prices": 3}, "shop_prices must be one of normal, free"),
        ({"zeal": "maybe"}, "zeal must be true or false"),
        ({"power_tab_min": 0}, "power_tab_min must be a whole number from 1 to 9"),
        ({"power_tab_min": "many"}, "power_tab_min must be a whole number"),
        ({"power_tab_min": 5}, "power_tab_min is 5 and power_tab_max 4; give both in order"),
        ({"mystery_zeal": 5}, "no field 'mystery_zeal'"),
        ({"mystery_boss_rando": 101}, "mystery_boss_rando must be a whole number from 0 to 100"),
        (
            {
                "mystery_seed": True,
                "mystery_enemy_difficulty_normal": 0,
                "mystery_enemy_difficulty_hard": 0,
            },
            "one of mystery_enemy_difficulty_normal, mystery_enemy_difficulty_hard must be more",
        ),
        ({"duplicate_char_assignments": "7f7f"}, "duplicate_char_assignments must be 14 hex"),
        ({"duplicate_char_assignments": "007f7f7f7f7f7f"}, "must be 14 hex digits"),
        ({"duplicate_char_assignments": "ff7f7f7f7f7f7f"}, "must be 14 hex digits"),
        ({"seed": "x" * 26}, "seed must be a text of at most 25 characters"),
        ({"seed": "two\nlines"}, "seed must be a text of at most 25 characters"),
        ({"version": "newest"}, "version must be one such as 3.2.0 or 3.1.0"),
        ({"version": "../admin"}, "version must be one such as"),
        ({"version": 3.2}, "version must be"),
        ({"spoiler_log": "on"}, "'spoiler_log' is decided by spoilers"),
        ({"rom_file": "x"}, "set rom to the path of the ROM"),
        ({"csrfmiddlewaretoken": "x"}, "is the provider's own"),
        ({"version": "3.1.0", "a b": "x"}, "'a b' can't be a field"),
        ({"version": "3.1.0", 'x"\r\nX: y': "x"}, "can't be a field"),
        ({"version": "3.1.0", "difficulty": ["hard"]}, "the field 'difficulty' must be a text"),
        ({"version": "3.1.0", "difficulty": "x" * 201}, "must be a text of at most 200"),
        ({"version": "3.1.0", "difficulty": "a\r\nb"}, "must be a text of at most 200"),
        ({"version": "3.1.0", **{f"f{n}": "x" for n in range(201)}}, "there are 201 fields"),
    ],
)
async def test_what_no_form_takes_is_refused_before_anything_is_sent(runner, site, options, words):
    """
    With what is allowed, or what was meant; in a dry run too.
    """
    error = await refusal(runner, options=options)
    dry = await refusal(runner, options=options, dry_run=True)

    assert words in error.provider_message
    assert error.provider_message == dry.provider_message
    assert [] == site.asked


async def test_a_branch_is_a_version_here(runner, site):
    """
    The sentence says so.
    """
    error = await refusal(runner, branch="beta")

    assert "it takes no branch; the option version chooses one" in error.provider_message
    assert [] == site.asked


async def test_a_mistake_of_a_preset_names_it(site, runner_for, tmp_path):
    """
    Such as one of an older version that doesn't say so.
    """
    folder = tmp_path / "ctjets"
    folder.mkdir()
    folder.joinpath("old.yaml").write_text("settings: {difficulty: hard}")
    async with runner_for(site.url, folders=[str(tmp_path)]) as runner:
        with pytest.raises(InvalidPresetError) as caught:
            await runner.generate("ctjets", surface="tests", preset="old")

    assert caught.value.provider_message.startswith(
        "the preset 'old' doesn't fit: the form of version 3.2.0 has no field 'difficulty'."
    )


async def test_fields_that_the_form_does_not_show_are_named(site, runner_for, rom_file):
    """
    The site would ignore them, and make another seed than was asked for.
    """
    options = {"version": "3.1.0", "difficulty": "hard", "lost_wolds": True, "fast_tabs": "on"}
    async with runner_for(site.url, rom=str(rom_file)) as runner:
        error = await refusal(runner, options=options)

    assert error.provider_message.startswith(
        "the form of version 3.1.0 there, which calls itself 3.1.0, has no fields fast_tabs, "
        "lost_wolds, and would ignore them"
    )
    assert ["GET /3_1_0/options/"] == site.asked


async def test_a_form_of_another_version_is_named_by_its_fields(site, runner_for, say, rom_file):
    """
    What the site refuses, and which version its form says it is of.
    """
    site.fields = False  # nothing is known of it until it is sent
    known = site.answer
    site.upstream.script(lambda received: known(say.moved(received, "3_1_0", "3_2_0")))
    options = {"version": "3.1.0", "difficulty": "hard", "tech_rando": "Balanced Random"}
    async with runner_for(site.url, rom=str(rom_file)) as runner:
        error = await refusal(runner, options=options)

    assert error.provider_message.startswith(
        "its form refuses these fields: enemy_difficulty, item_difficulty, shop_prices, "
        "power_tab_min, power_tab_max, "
    )
    assert error.provider_message.endswith(
        "It is the form of version 3.2.0, and the options are for 3.1.0"
    )
    assert (404, 1) == (error.status_code, error.attempts)


async def test_the_recorded_refusal(runner, site, say):
    """
    All 39 fields, of a form that doesn't say its version.
    """
    site.first += [say.reply_of("options")]
    site.made += [say.reply_of("invalid_form")]

    error = await refusal(runner)

    assert error.provider_message.startswith("its form refuses these fields: enemy_difficulty, ")
    assert "mystery_gear_rando, mystery_heal_rando. They are missing" in error.provider_message
    assert "may not be that of version 3.2.0" in error.provider_message
    assert 404 == error.status_code
    assert "t" * 64 == site.sent["csrfmiddlewaretoken"]


async def test_a_newer_form_gets_the_known_fields_and_more(runner, site, say):
    """
    What it doesn't have, it refuses itself.
    """
    site.fields = False
    known = site.answer
    site.upstream.script(lambda received: known(say.moved(received, "3_3_0", "3_2_0")))
    options = {"version": "3.3.0", "zeal": True, "new_thing": 3, "other_thing": False}
    seed = await runner.generate("ctjets", surface="tests", options=options, race=True)

    sent = site.sent
    assert ("3", "on", "normal") == (sent["new_thing"], sent["zeal"], sent["enemy_difficulty"])
    assert "other_thing" not in sent
    assert "3.3.0" == seed.version
