"""
Nobody sees a spoiler who must not.
"""

from __future__ import annotations

import pytest

from seedcore import ProviderInvalidRequestError, SpoilerLeakError

ITEM = "Hookshot"
"""What the log says of a location."""


async def test_without_spoilers_the_log_goes_nowhere(runner, checkout, storage, tmp_path):
    """
    The run makes one, since the code stands in it; nobody but the provider ever has it.
    """
    seed = await runner.generate("alttprdoor", surface="test")

    everywhere = [path for path in (tmp_path / "storage").rglob("*") if path.is_file()]
    assert [f"DR_{seed.id}.bps"] == [path.name for path in everywhere]
    assert seed.spoiler_url is None
    assert ITEM not in repr(seed)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ({}, [True, True, True]),
        ({"race": True}, [True, True, True]),
        ({"spoilers": "on"}, [False, False, False]),
    ],
)
async def test_dice_that_nobody_can_roll_again(runner, checkout, call, expected):
    """
    Without spoilers the seed in the game's title is none, so that it makes no spoiler; nobody
    waits for a playthrough that nobody reads.
    """
    await runner.generate("alttprdoor", surface="test", **call)

    sent = checkout.runs[0]["settings"]
    assert expected == [sent[name] for name in ("race", "securerandom", "skip_playthrough")]


async def test_with_spoilers_the_log_is_put_up(runner, storage):
    """
    Its address is in the seed.
    """
    seed = await runner.generate("alttprdoor", spoilers="on", surface="test")

    assert f"https://files.example/spoiler/DR_{seed.id}_Spoiler.txt" == seed.spoiler_url
    log = (storage / "spoiler" / f"DR_{seed.id}_Spoiler.txt").read_text()
    assert f"Sanctuary: {ITEM}" in log


async def test_a_spoiler_race_hands_the_log_over_sealed(runner_for, checkout, storage, tmp_path):
    """
    It is public nowhere until it is due, and in no field of the seed.
    """
    database = f"sqlite://{tmp_path / 'audit.sqlite3'}"
    async with runner_for(database=database) as runner:
        seed = await runner.generate("alttprdoor", race=True, spoilers="delayed", surface="test")

    assert ["patch"] == [path.name for path in storage.iterdir()]
    assert ITEM not in repr(seed)
    assert seed.spoiler_url is None
    sent = checkout.runs[0]["settings"]
    assert (True, True, False) == (sent["race"], sent["securerandom"], sent["skip_playthrough"])


async def test_a_seed_number_in_the_title_is_a_leak(runner, checkout, storage):
    """
    A randomizer that doesn't know how to hide it makes no seeds without spoilers, and nothing is
    put up.
    """
    checkout.course("numbered")
    with pytest.raises(SpoilerLeakError, match="its seed number, of which the spoiler can be made"):
        await runner.generate("alttprdoor", race=True, surface="test")

    assert not storage.exists()


async def test_with_spoilers_a_seed_number_is_none(runner, checkout):
    """
    Nothing is to be hidden.
    """
    checkout.course("numbered")
    seed = await runner.generate("alttprdoor", spoilers="on", surface="test")

    assert seed.spoiler_url is not None


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        ({"files": ("patch/DR_a.bps",), "notes": "", "title": "ER118_1_1_GLo7rDmNn"}, None),
        ({"files": ("spoiler/DR_a_Spoiler.txt",), "notes": "", "title": ""}, "its spoiler log"),
        (
            {"files": (), "notes": "<seed>5</seed>", "title": ""},
            "words that are hidden in the patch",
        ),
    ],
)
async def test_what_a_leak_is(runner_for, shown, words):
    """
    Kinds of things are named, never what they are.
    """
    from seedcore_alttprdoor import alttprdoor

    assert words == alttprdoor.leak(shown)


async def test_masked_settings_are_for_nobody(runner, checkout):
    """
    Neither the seed nor the game tells them.
    """
    options = {"door_shuffle": "crossed", "mask_settings": True}
    seed = await runner.generate("alttprdoor", options=options, surface="test")

    assert {} == dict(seed.settings)
    assert "crossed" not in repr(seed)
    assert checkout.runs[0]["settings"]["mystery"] is True


async def test_what_a_seed_was_made_of_is_recorded(runner):
    """
    Without folders of this machine, and what the call decides.
    """
    seed = await runner.generate("alttprdoor", options={"beemizer": "1"}, surface="test")

    assert {"beemizer": "1"} == dict(seed.settings)


async def test_no_race_with_spoilers(runner, checkout):
    """
    The core refuses it.
    """
    with pytest.raises(ProviderInvalidRequestError):
        await runner.generate("alttprdoor", race=True, spoilers="on", surface="test")

    assert [] == checkout.runs
