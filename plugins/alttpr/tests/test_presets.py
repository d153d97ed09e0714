"""
The presets that come with the plugin, and what older documents have.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import seedcore_alttpr
from seedcore import InvalidPresetError, Registry, Runner
from seedcore_alttpr import Alttpr

FOLDER = Path(seedcore_alttpr.__file__).with_name("presets")
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))

OLDER = """
goal_name: an older one
customizer: true
settings:
  tournament: true
  spoilers: false
  version: v1.0 final
  hints: off
  crystals: {ganon: 7, tower: "random"}
  enemizer: {pot_shuffle: on}
  l: []
  drops:
    0: [auto_fill]
  eq: [PegasusBoots]
  custom: {rom.timerMode: "off", item: {count: {Lamp: 1}}}
  notes: ""
"""


async def roll(runner, preset, **arguments):
    """
    Make a race of a preset.
    """
    return await runner.generate("alttpr", preset=preset, surface="tests", race=True, **arguments)


def test_there_are_some():
    """
    One of them is the customizer's.
    """
    assert ["crossed_keysanity", "keysanity", "open", "open_boots", "standard"] == NAMES


@pytest.mark.parametrize("name", NAMES)
async def test_every_preset_makes_a_game(runner, site, name):
    """
    With nothing added to what it says but the flags of a race.
    """
    seed = await roll(runner, name)

    assert seed.id in site.kept
    assert {"tournament", "spoilers"} <= set(site.sent[0])
    assert ("keysanity" in name) == ("full" == site.sent[0]["dungeon_items"])
    assert ("boots" in name) == seed.extra["customizer"]


async def test_a_preset_is_sent_as_it_is(runner, site):
    """
    No key more and none less.
    """
    import yaml

    await roll(runner, "open")

    document = yaml.safe_load((FOLDER / "open.yaml").read_text(encoding="utf-8"))
    assert {**document["settings"], "tournament": True, "spoilers": "off"} == site.sent[0]


async def test_options_win_over_the_preset(runner, site):
    """
    A person's own wish comes last.
    """
    await roll(runner, "open", options={"hints": "on", "crystals.ganon": 3})

    assert ("on", {"ganon": "3", "tower": "7"}) == (site.sent[0]["hints"], site.sent[0]["crystals"])


@pytest.fixture
def folder(tmp_path):
    """
    A folder of presets of one's own, and how to write one.
    """
    (tmp_path / "alttpr").mkdir()

    def write(name, text):
        (tmp_path / "alttpr" / f"{name}.yaml").write_text(text, encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
async def own(upstream, tmp_path):
    """
    A runner that knows the folder.
    """
    registry = Registry(discover=False)
    registry.add("alttpr", Alttpr())
    settings = {
        "preset_directories": [str(tmp_path)],
        "providers": {"alttpr": {"base_url": upstream.url, "beeta_url": upstream.url}},
    }
    async with Runner(registry=registry, database=None, settings=settings) as runner:
        yield runner


async def test_an_older_document_is_understood(own, folder, site):
    """
    Its flags are the call's, unquoted switches and numbers are meant as texts.
    """
    folder("older", OLDER)

    seed = await roll(own, "older", options={"quickswap": True})

    sent = site.sent[0]
    assert (True, "off", "absent") == (
        sent["tournament"],
        sent["spoilers"],
        sent.get("version", "absent"),
    )
    assert ("off", "on") == (sent["hints"], sent["enemizer"]["pot_shuffle"])
    assert {"ganon": "7", "tower": "random"} == sent["crystals"]
    assert ({}, {"0": ["auto_fill"]}, "") == (sent["l"], sent["drops"], sent["notes"])
    assert {"off", False, 1} == {
        sent["custom"]["rom.timerMode"],
        sent["custom"]["rom.freeItemMenu"],
        sent["custom"]["item"]["count"]["Lamp"],
    }
    assert True is sent["allow_quickswap"]
    assert True is seed.extra["customizer"]


async def test_the_branch_of_a_preset_wins(own, folder, site, upstream):
    """
    As in the bots.
    """
    folder("beeta_only", "branch: beeta\nsettings: {goal: ganon}\n")

    seed = await roll(own, "beeta_only", branch="live")

    assert f"{upstream.url}/h/{seed.id}" == seed.url


async def test_a_preset_that_does_not_fit_is_named(own, folder, site):
    """
    The sentence says which key, and what is allowed.
    """
    folder("wrong", "settings: {goal: gannon}\n")

    with pytest.raises(InvalidPresetError, match="wrong.*goal must be one of ganon"):
        await roll(own, "wrong")

    assert [] == site.sent
