"""
Mysteries as people ask for them: what is rolled, what is sent, and what nobody may see.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from random import Random

import attrs
import pytest

import seedcore_alttpr
from seedcore import (
    InvalidPresetError,
    PresetNotFoundError,
    ProviderCapabilityError,
    ProviderInvalidRequestError,
    Rolled,
    Seed,
    SpoilerLeakError,
    hookimpl,
    provider,
    setting,
)
from seedcore.presets.document import read
from seedcore.testing import FaultUpstream
from seedcore_alttpr.mystery import parse

SHIPPED = sorted(
    path.stem for path in Path(seedcore_alttpr.__file__).with_name("weightsets").glob("*.yaml")
)
ME = "discord:1"

WEIGHTS = {
    "glitches_required": "none",
    "item_placement": "advanced",
    "dungeon_items": "mcs",
    "accessibility": "items",
    "goals": {"pedestal": 3, "ganon": 0},
    "ganon_open": "5",
    "tower_open": 6,
    "world_state": "inverted",
    "hints": "off",
    "weapons": "swordless",
    "item_pool": "normal",
    "item_functionality": "normal",
    "boss_shuffle": "none",
    "enemy_shuffle": "none",
    "enemy_damage": "default",
    "enemy_health": "default",
    "entrance_shuffle": "crossed",
    "allow_quickswap": True,
}
"""A weightset that leaves no choice, so that everybody knows what must come of it."""

GAME = {
    "lang": "en",
    "glitches": "none",
    "item_placement": "advanced",
    "dungeon_items": "mcs",
    "accessibility": "items",
    "goal": "pedestal",
    "crystals": {"ganon": "5", "tower": "6"},
    "mode": "inverted",
    "entrances": "crossed",
    "hints": "off",
    "weapons": "swordless",
    "item": {"pool": "normal", "functionality": "normal"},
    "enemizer": {
        "boss_shuffle": "none",
        "enemy_shuffle": "none",
        "enemy_damage": "default",
        "enemy_health": "default",
        "pot_shuffle": "off",
    },
    "pseudoboots": False,
    "allow_quickswap": True,
}
"""What the site is asked for then, without the flags."""

SECRETS = ("pedestal", "inverted", "swordless", "crossed", "mcs")
WIDE = dict.fromkeys(range(9_000), 1)
DOORS = {**WEIGHTS, "door_shuffle": "crossed"}

SAVED = "goal_name: mine\nbranch: tournament\nsettings: {goal: dungeons, name: Cup, notes: Hello}\n"


@attrs.frozen(kw_only=True)
class Anything:
    """
    The options of the stand-in below.
    """

    args: dict = setting(attrs.Factory(dict), help="whatever was asked")


@provider(options=Anything, open_options="args", presets="presets")
class Doors:
    """
    A stand-in for the Door Randomizer's provider. ``asked`` are the requests for its games, and
    ``leaking`` is what it says that people can see of them.
    """

    def __init__(self) -> None:
        self.asked = []
        self.leaking = None

    @hookimpl
    async def generate(self, request) -> Rolled:
        """
        Make a game, and tell too much of it.
        """
        self.asked.append(request)
        settings = dict(request.options.args)
        told = {"patch_url": "https://doors.example/1.bps", "door_shuffle": "crossed"}
        seed = Seed(
            url="https://doors.example/1",
            id="1",
            code="Bow",
            spoiler_url="https://doors.example/1.txt" if request.spoilers == "on" else None,
            settings=settings,
            extra=told,
        )
        return Rolled(seed, shown="everything")

    @hookimpl
    def leak(self, shown) -> str | None:
        """
        Name it.
        """
        return self.leaking


@pytest.fixture
def doors():
    """
    The stand-in.
    """
    return Doors()


@pytest.fixture
def program(upstream, runner_for, doors, tmp_path):
    """
    A runner with a database that can have games with doors made, too; still to be entered.
    """
    database = f"sqlite://{tmp_path}/audit.sqlite3"

    def make(**settings):
        given = {"database": database, "others": {"alttprdoor": doors}, **settings}
        return runner_for(upstream.url, **given)

    return make


async def roll(runner, settings=None, **arguments):
    """
    Make a mystery for a race.
    """
    given = {"race": True, "surface": "tests", **arguments}
    return await runner.generate("alttpr", operation="mystery", settings=settings, **given)


async def rows_of(runner):
    """
    Return the rows of the audit.
    """
    return await runner._runtime.store.queries.calls()


# ------------------------------------------------------------------- what people may see


async def test_nobody_sees_what_a_mystery_came_to(program, site, upstream, events):
    """
    The site masks it, its page is looked at, and the seed, the row and the events are silent.
    """
    async with program() as runner:
        seed = await roll(runner, WEIGHTS)
        [row] = await rows_of(runner)

    assert [{**GAME, "tournament": True, "spoilers": "mystery"}] == site.sent
    assert ["/api/randomizer", f"/hash/{seed.id}"] == [each.target for each in upstream.requests]
    assert (f"{upstream.url}/h/{seed.id}", None) == (seed.url, seed.spoiler_url)
    assert ("Shovel/Bombos/Flippers/Bombs/Mushroom", "2024-02-18") == (seed.code, seed.version)
    assert ({}, {"generated", "festive", "masked"}) == (dict(seed.settings), {*seed.extra})
    assert True is seed.extra["masked"]
    # The row has the weights that were given, as they were given.
    assert WEIGHTS == row["settings"]["weights"]
    assert row["settings"].items() <= {**WEIGHTS, "weights": WEIGHTS}.items()
    told = f"{seed} {dict(seed.extra)} {events} { {**row, 'settings': None} }"
    assert not [word for word in SECRETS if word in told]


async def test_of_several_weights_nothing_on_the_disk_says_which(program, site, tmp_path):
    """
    The row has their names as a weightset calls them, and none of the site's.
    """
    weights = {**WEIGHTS, "goals": {"pedestal": 1, "ganon": 1, "dungeons": 1}}
    async with program() as runner:
        await roll(runner, weights)

    assert site.sent[0]["goal"] in weights["goals"]
    found = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b'"goals"' in found
    assert not [name for name in ("goal", "crystals", "mode") if f'"{name}"'.encode() in found]


async def test_it_need_not_be_a_race(program, site, upstream):
    """
    Then it is as hidden, and its page isn't looked at.
    """
    async with program() as runner:
        seed = await roll(runner, WEIGHTS, race=False)

    assert {"tournament": True, "spoilers": "mystery"}.items() <= site.sent[0].items()
    assert ({}, 1) == (dict(seed.settings), len(upstream.requests))
    assert "goal" not in seed.extra


async def test_a_mystery_with_spoilers_shows_what_it_came_to(program, site, upstream):
    """
    For who wants to see what comes out of a weightset.
    """
    async with program() as runner:
        seed = await roll(runner, WEIGHTS, race=False, spoilers="on")
        [row] = await rows_of(runner)

    shown = {**GAME, "tournament": False, "spoilers": "on"}
    assert [shown] == site.sent
    assert shown == dict(seed.settings) == row["settings"]
    assert ("pedestal", "inverted") == (seed.extra["goal"], seed.extra["meta"]["mode"])
    assert 1 == len(upstream.requests)


@pytest.mark.parametrize("where", ["answer", "page"])
async def test_a_mystery_that_shows_its_settings(program, site, recorded, events, where):
    """
    A race whose options everybody can read is no mystery.
    """
    weights = {**WEIGHTS, "allow_quickswap": False}  # as in what was recorded
    site.next.append(recorded("race" if where == "answer" else "masked"))
    if where == "page":
        page = json.loads(recorded("kept_masked").body)
        page["spoiler"]["meta"]["goal"] = "pedestal"
        body = json.dumps(page).encode()
        site.pages.append(attrs.evolve(recorded("kept_masked"), body=body))
    async with program() as runner:
        with pytest.raises(SpoilerLeakError) as caught:
            await roll(runner, weights)
        assert [] == await rows_of(runner)

    text = f"it shows the settings, which must be masked, in its {where}. The seed was thrown away"
    assert text == caught.value.provider_message
    assert (1, 1) == (len(site.sent), len([e for e in events if e.event == "leak_refused"]))
    told = f"{caught.value.to_json()} {events}"
    assert not [word for word in (*SECRETS, "PzEXTZAIaa", "A86y9szjaa") if word in told]


async def test_the_row_says_what_was_asked(program, upstream, tmp_path):
    """
    As of every call; a mystery is one of ``gentype``, its weightset that of ``genoption``.
    """
    async with program() as runner:
        seed = await roll(runner, preset="friendly")
        [row] = await rows_of(runner)

    assert ("alttpr", "mystery", "mystery", "friendly") == tuple(
        row[name] for name in ("randomizer", "operation", "gentype", "genoption")
    )
    assert (seed.id, seed.url, True, "off") == tuple(
        row[name] for name in ("hash_id", "permalink", "race", "spoilers")
    )
    assert ("mystery", 1, "durable") == (
        seed.meta.operation,
        seed.meta.attempts,
        seed.meta.audit,
    )


@pytest.mark.parametrize("race", [True, False])
async def test_instructions_are_for_everybody(program, race):
    """
    They are the one thing of a mystery that is told.
    """
    weights = {**WEIGHTS, "custom_instructions": {"Bring a lamp.": 1}}
    spoilers = "off" if race else "on"
    async with program() as runner:
        with_some = await roll(runner, weights, race=race, spoilers=spoilers)
        without = await roll(runner, WEIGHTS, race=race, spoilers=spoilers)

    assert "Bring a lamp." == with_some.extra["instructions"]
    assert "instructions" not in without.extra


# ------------------------------------------------------------------- where weights are from


def test_the_weightset_of_the_readme_can_be_rolled():
    """
    With the options that it leaves out, and not a word in it has no effect.
    """
    readme = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    example = readme.partition("### Weightsets")[2].partition("```yaml\n")[2].partition("```")[0]

    weightset = parse({**WEIGHTS, **read(example, provider="alttprmystery", name="example")})

    assert () == weightset.notes
    assert {"hard", "easy"} == {stage.name for stage in weightset.stage.subs.values}


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("race", [True, False])
async def test_every_weightset_makes_games(upstream, site, runner_for, doors, *, name, race):
    """
    Whatever comes out is taken by the site, or by the Door Randomizer's provider.
    """
    others = {"alttprdoor": doors}
    async with runner_for(upstream.url, others=others, rng=Random(name)) as runner:
        for _ in range(5):
            seed = await roll(runner, preset=name, race=race, spoilers="off" if race else "on")
            assert seed.id == "1" or seed.id in site.kept

    assert 5 == len(doors.asked) + len(site.sent)
    assert bool(doors.asked) == (name == "doors")


async def test_a_weightset_that_somebody_saved(program, site):
    """
    Weightsets go by alttprmystery, as their folders do.
    """
    text = json.dumps({**WEIGHTS, "goal_name": "mine", "description": "my own"})  # which is YAML
    async with program() as runner:
        saved = await runner.presets.save("alttprmystery", "me/mine", text, by=ME)
        await roll(runner, preset="me/mine")
        [row] = await rows_of(runner)

    assert () == saved.notes
    assert GAME.items() <= site.sent[0].items()
    assert ("me/mine", {"weights": WEIGHTS}) == (row["genoption"], row["settings"])


async def test_options_go_over_a_weightset(program, site):
    """
    A map is merged with the one below; a single value, which a caller sets, replaces it.
    """
    async with program() as runner:
        await roll(runner, WEIGHTS, options={"goals": {"pedestal": 0, "dungeons": 1}})
        await roll(runner, WEIGHTS, options={"goals": "fast_ganon", "hints": {"on": 1}})
        await roll(runner, preset="friendly", options=WEIGHTS)

    first, second, third = site.sent
    assert ("dungeons", "off") == (first["goal"], first["hints"])
    assert ("fast_ganon", "on") == (second["goal"], second["hints"])
    assert ("inverted", "swordless") == (third["mode"], third["weapons"])


@pytest.mark.parametrize("preset", ["open_boots", "me/mine"])
async def test_a_weightset_of_presets(program, site, preset):
    """
    The first thing to be rolled is one that is shipped, or that somebody saved.
    """
    async with FaultUpstream() as other:
        other.script(site)
        async with program(tournament_url=other.url) as runner:
            await runner.presets.save("alttpr", "me/mine", SAVED, by=ME)
            seed = await roll(runner, {"preset": {preset: 1, "open": 0}})
        urls = {"open_boots": None, "me/mine": f"{other.url}/h/{seed.id}"}

    [sent] = site.sent
    assert (True, "mystery") == (sent["tournament"], sent["spoilers"])
    assert ("PegasusBoots" in sent.get("eq", ())) == (preset == "open_boots")
    # The branch of a preset counts, its title and notes would tell which it is.
    assert ("dungeons" == sent.get("goal")) == (preset == "me/mine")
    assert not {"name", "notes"} & {*sent}
    assert (urls[preset] or seed.url, {}) == (seed.url, dict(seed.settings))
    assert not {"title", "notes"} & {*seed.extra}


async def test_none_of_its_presets(program, site):
    """
    Then the weights beside them count.
    """
    async with program() as runner:
        await roll(runner, {**WEIGHTS, "preset": {"none": 1}})

    assert GAME.items() <= site.sent[0].items()


@pytest.mark.parametrize(
    ("where", "branch", "asked"),
    [
        ("weightset", None, "tournament"),
        ("call", "tournament", "tournament"),
        ("saved", None, "tournament"),
    ],
)
async def test_a_branch(program, site, upstream, where, *, branch, asked):
    """
    Of the weightset, given or saved, or of the call.
    """
    weights = {**WEIGHTS, "branch": asked} if where != "call" else WEIGHTS
    async with FaultUpstream() as other:
        other.script(site)
        async with program(tournament_url=other.url) as runner:
            if where == "saved":
                await runner.presets.save("alttprmystery", "me/mine", json.dumps(weights), by=ME)
                seed = await roll(runner, preset="me/mine")
            else:
                seed = await roll(runner, weights, branch=branch)

        assert f"{other.url}/h/{seed.id}" == seed.url
    assert [] == upstream.requests


# ---------------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"goals": {"gannon": 1}}, "goals: gannon"),
        ({"goals": {"ganon": 0}}, "goals: all weights are 0"),
        ({"gaols": "ganon"}, "gaols: is unknown. Did you mean 'goals'?"),
        ({"hints": None}, "there are no weights for hints"),
        ({"branch": "beta"}, "branch: beta"),
        ({"subweights": {"a": {"chance": -1}}}, "subweights.a.chance: a chance must be"),
        ({"ganon_open": dict.fromkeys(range(20_000), 0)}, "has more than 64 KiB; leave out what"),
        (
            {"door_shuffle": {"partitioned": 1, "vanilla": 99}},
            "door_shuffle: partitioned is nothing for the branch stable of the Door Randomizer",
        ),
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_weightset_that_can_not_be_rolled(program, site, change, words, dry_run):
    """
    The places that are wrong are named, and nothing is sent.
    """
    async with program() as runner:
        with pytest.raises(ProviderInvalidRequestError) as caught:
            await roll(runner, {**WEIGHTS, **change}, dry_run=dry_run)

    assert words in caught.value.provider_message
    assert [] == site.sent


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({}, ProviderInvalidRequestError, "a mystery needs weights: name a weightset"),
        ({"settings": {"weights": []}}, ProviderInvalidRequestError, "a mystery needs weights"),
        ({"settings": {"weights": 7}}, ProviderInvalidRequestError, "weights must be a mapping"),
        ({"spoilers": "delayed"}, ProviderInvalidRequestError, "a mystery hides its settings"),
        ({"spoilers": "on"}, ProviderInvalidRequestError, "a race seed has no spoilers"),
        ({"branch": "beta"}, ProviderInvalidRequestError, "branch is one of live, beeta"),
        ({"preset": "open"}, PresetNotFoundError, "open"),
        ({"preset": "me/none"}, PresetNotFoundError, "no preset 'none' in the namespace 'me'"),
    ],
)
async def test_what_is_no_mystery(program, site, arguments, error, words):
    """
    Said before anything is rolled.
    """
    given = {} if len(arguments) == 0 or "preset" in arguments else {"settings": WEIGHTS}
    async with program() as runner:
        with pytest.raises(error, match=words):
            await roll(runner, **{**given, **arguments})

    assert [] == site.sent


async def test_a_saved_weightset_that_can_not_be_rolled(program, site):
    """
    Whoever saves it is told, and so is who rolls it.
    """
    text = json.dumps({**WEIGHTS, "goals": "gannon"})
    async with program() as runner:
        saved = await runner.presets.save("alttprmystery", "me/mine", text, by=ME)
        with pytest.raises(InvalidPresetError, match="goals: gannon"):
            await roll(runner, preset="me/mine")

    assert "goals: gannon" in " ".join(saved.notes)
    assert [] == site.sent


async def test_a_preset_that_is_not_there(program, site):
    """
    It is named; only the roll shows it, since presets come and go.
    """
    async with program() as runner:
        with pytest.raises(PresetNotFoundError, match="nowhere"):
            await roll(runner, {"preset": "nowhere"})

    assert [] == site.sent


async def test_a_preset_of_another_game(program, site, doors):
    """
    Those of the site and of the Door Randomizer can be rolled.
    """
    async with program(others={"another": doors}) as runner:
        await runner.presets.save("alttpr", "me/other", "randomizer: another\nsettings: {}", by=ME)
        with pytest.raises(ProviderInvalidRequestError, match="only presets for alttpr and"):
            await roll(runner, {"preset": "me/other"})

    assert ([], []) == (site.sent, doors.asked)


async def test_a_dry_run_rolls_nothing(program, site):
    """
    It returns a placeholder.
    """
    async with program() as runner:
        seed = await roll(runner, preset="weighted", dry_run=True)

    assert seed.meta.dry
    assert [] == site.sent


# ------------------------------------------------------------------------- with doors


@pytest.mark.parametrize(("race", "spoilers"), [(True, "off"), (False, "off"), (False, "on")])
async def test_doors_are_for_their_own_provider(program, site, doors, race, spoilers):
    """
    Which is asked as the site is: with masked settings, unless there are spoilers.
    """
    hidden = spoilers == "off"
    async with program() as runner:
        seed = await roll(runner, DOORS, race=race, spoilers=spoilers)
        [row] = await rows_of(runner)

    [asked] = doors.asked
    assert [] == site.sent
    assert (race, spoilers, "stable") == (asked.race, asked.spoilers, asked.branch)
    given = {"door_shuffle": "crossed", "goal": "pedestal", "shuffle": "crossed"}
    assert given.items() <= asked.options.args.items()
    assert hidden == asked.options.args.get("mask_settings", False)
    assert ("https://doors.example/1", "Bow", "mystery") == (
        seed.url,
        seed.code,
        seed.meta.operation,
    )
    assert ("alttpr", "mystery", "alttpr", seed.url) == tuple(
        row[name] for name in ("provider", "gentype", "randomizer", "permalink")
    )
    # Whether or not the other provider masks what it returns.
    shown = {} if hidden else dict(asked.options.args)
    assert shown == dict(seed.settings)
    assert (DOORS if hidden else shown) == row["settings"].get("weights", row["settings"])
    assert hidden == ("door_shuffle" not in seed.extra)
    assert hidden == (seed.spoiler_url is None)


@pytest.mark.parametrize("weights", [WEIGHTS, DOORS], ids=["site", "doors"])
@pytest.mark.parametrize(
    ("race", "spoilers", "refused"),
    [
        (False, None, None),
        (False, "on", None),
        (False, "off", None),
        (False, "delayed", "a mystery hides its settings"),
        (True, None, None),
        (True, "on", "a race seed has no spoilers"),
        (True, "off", None),
        (True, "delayed", "a mystery hides its settings"),
    ],
)
async def test_every_kind_of_call(program, site, doors, weights, *, race, spoilers, refused):
    """
    Is made as fairly as it was asked, whoever makes the game, or refused before one is made.
    """
    async with program() as runner:
        if refused:
            with pytest.raises(ProviderInvalidRequestError, match=refused):
                await roll(runner, weights, race=race, spoilers=spoilers)
        else:
            await roll(runner, weights, race=race, spoilers=spoilers)

    assert (not refused) == len(site.sent) + len(doors.asked)
    for sent in site.sent:
        shown = spoilers == "on"
        assert (not shown, "on" if shown else "mystery") == (sent["tournament"], sent["spoilers"])
    for asked in doors.asked:
        assert (race, spoilers or "off") == (asked.race, asked.spoilers)


@pytest.mark.parametrize(
    ("weights", "branch"),
    [
        (DOORS, "stable"),
        ({**DOORS, "options": {"branch": "volatile"}}, "volatile"),
        ({**DOORS, "branch": "tournament"}, "stable"),
        ({"preset": "me/doors"}, None),
    ],
)
async def test_doors_have_branches_of_their_own(program, doors, weights, branch):
    """
    The call's and the weightset's are those of the site.
    """
    text = "doors: true\nsettings: {args: {door_shuffle: basic}}"
    async with program() as runner:
        await runner.presets.save("alttpr", "me/doors", text, by=ME)
        await roll(runner, weights, branch="beeta")

    assert [branch] == [each.branch for each in doors.asked]


async def test_a_mystery_with_doors_that_shows_its_spoiler(program, doors, events):
    """
    Who makes it says so, and it is refused as its own would be.
    """
    doors.leaking = "its spoiler file"
    async with program() as runner:
        with pytest.raises(SpoilerLeakError) as caught:
            await roll(runner, DOORS)
        assert [] == await rows_of(runner)

    text = "it shows its spoiler file. The seed was thrown away"
    assert ("alttprdoor", text) == (caught.value.provider, caught.value.provider_message)
    assert 1 == len(doors.asked)
    assert ["alttprdoor"] == [each.provider for each in events if each.event == "leak_refused"]


@pytest.mark.parametrize(
    ("others", "core", "words"),
    [
        ({}, {}, "it needs another provider. .*pip install seedcore-alttprdoor"),
        (None, {"disable": ["alttprdoor"]}, "it needs another provider. .*switched off"),
    ],
)
async def test_doors_that_nobody_can_make(program, site, doors, others, *, core, words):
    """
    Other weightsets, and other rolls of this one, work all the same.
    """
    given = {} if others is None else {"others": others}
    async with program(core=core, **given) as runner:
        with pytest.raises(ProviderCapabilityError, match=words) as caught:
            await roll(runner, DOORS)
        assert (await roll(runner, WEIGHTS)).id in site.kept

    assert "alttprdoor" in caught.value.user_message
    assert [] == doors.asked


# ------------------------------------------------------------------- under the contract


async def test_bad_luck_is_tried_again(program, site):
    """
    The game that was rolled is made again; a mystery has the attempts of a game, and no more.
    """
    async with program() as runner:
        site.unlucky = 2
        seed = await roll(runner, WEIGHTS)
        made = len(site.sent)
        site.unlucky = 99
        with pytest.raises(ProviderInvalidRequestError, match="That can be bad luck") as caught:
            await roll(runner, WEIGHTS)

    assert (3, 1) == (made, seed.meta.attempts)
    assert all(GAME.items() <= sent.items() for sent in site.sent)
    assert (5, True) == (len(site.sent) - made, caught.value.retryable)


@pytest.mark.parametrize("most", [1, 2])
async def test_mysteries_do_not_wait_for_each_other(program, site, most):
    """
    Each makes a game of the same provider, for which it must not need a second slot.
    """
    site.limit = 1_000
    async with program(max_concurrent=most, database=None) as runner:
        async with asyncio.timeout(30):
            seeds = await asyncio.gather(*(roll(runner, WEIGHTS) for _ in range(10)))

    assert 10 == len({seed.id for seed in seeds}) == len(site.sent)


async def test_more_mysteries_than_slots(program, site):
    """
    As they come when a tournament begins.
    """
    site.limit = 1_000
    async with program(database=None) as runner:
        async with asyncio.timeout(60):
            seeds = await asyncio.gather(*(roll(runner, WEIGHTS, race=False) for _ in range(70)))

    assert 70 == len({seed.id for seed in seeds}) == len(site.sent)


async def test_a_mystery_that_is_asked_for_twice_is_rolled_once(program, site):
    """
    Under the id of its call.
    """
    async with program() as runner:
        first = await roll(runner, WEIGHTS, call_id="c-1")
        again = await roll(runner, WEIGHTS, call_id="c-1")

    assert (first.url, 1) == (again.url, len(site.sent))


# ---------------------------------------------------------------------------- resolve


async def test_resolve_says_what_comes_of_a_weightset(ask, upstream):
    """
    As ``mystery`` would ask for it; no game is made.
    """
    found = await ask("resolve", weights=WEIGHTS)

    assert {
        "provider": "alttpr",
        "settings": GAME,
        "customizer": False,
        "doors": False,
        "branch": None,
        "custom_instructions": None,
        "preset": None,
    } == {name: value for name, value in found.items() if name != "rolled"}
    assert {"goals": "pedestal", "tower_open": "6"}.items() <= found["rolled"].items()
    assert found == json.loads(json.dumps(found))
    assert [] == upstream.requests


@pytest.mark.parametrize("name", SHIPPED)
async def test_resolve_takes_the_name_of_a_weightset(ask, name):
    """
    The same that ``mystery`` takes; each time another game may come of it.
    """
    found = [await ask("resolve", weightset=name) for _ in range(9)]

    assert 1 < len({json.dumps(each, sort_keys=True) for each in found})
    assert {("alttprdoor" if each["doors"] else "alttpr") for each in found} == {
        each["provider"] for each in found
    }


async def test_resolve_of_saved_documents(program, upstream):
    """
    A weightset with its branch, and the presets that one may name.
    """
    weights = {**DOORS, "door_shuffle": "vanilla", "branch": "beeta"}
    async with program() as runner:
        await runner.presets.save("alttprmystery", "me/mine", json.dumps(weights), by=ME)
        await runner.presets.save("alttpr", "me/mine", SAVED, by=ME)
        mine = await runner.call("alttpr", "resolve", surface="tests", weightset="me/mine")
        of_preset = await runner.call(
            "alttpr", "resolve", surface="tests", weights={"preset": "me/mine"}
        )

    assert ("beeta", GAME) == (mine["branch"], mine["settings"])
    assert ("tournament", "me/mine", {"goal": "dungeons"}) == (
        of_preset["branch"],
        of_preset["preset"],
        of_preset["settings"],
    )
    assert [] == upstream.requests


async def test_resolve_of_a_game_with_doors(ask):
    """
    Nobody has to have its provider to see what would be asked of it.
    """
    found = await ask("resolve", weights={**DOORS, "custom_instructions": "Doors!"})

    assert ("alttprdoor", True, "stable", "Doors!") == tuple(
        found[name] for name in ("provider", "doors", "branch", "custom_instructions")
    )
    assert "crossed" == found["settings"]["door_shuffle"]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({}, ProviderInvalidRequestError, "the name of a weightset, or weights: one of them"),
        (
            {"weightset": "friendly", "weights": WEIGHTS},
            ProviderInvalidRequestError,
            "one of them",
        ),
        ({"weights": {}}, ProviderInvalidRequestError, "it must be a map with weights"),
        ({"weights": [1]}, ProviderInvalidRequestError, "it must be a map with weights"),
        ({"weights": {**WEIGHTS, "goals": "gannon"}}, ProviderInvalidRequestError, "goals: gannon"),
        ({"weights": {"goals": ["x" * 66_000]}}, ProviderInvalidRequestError, "more than 64 KiB"),
        ({"weights": [WIDE] * 9_000}, ProviderInvalidRequestError, "more than 64 KiB"),
        ({"weightset": "nowhere"}, PresetNotFoundError, "nowhere"),
        ({"weightset": 7}, ProviderInvalidRequestError, "7"),
        ({"weightset": "open"}, PresetNotFoundError, "open"),
    ],
)
async def test_what_resolve_can_not_roll(ask, arguments, error, words):
    """
    The same places are named as by ``mystery``.
    """
    with pytest.raises(error, match=words):
        await ask("resolve", **arguments)


async def test_a_dry_run_of_resolve(ask):
    """
    It is checked, and nothing is rolled.
    """
    assert {} == await ask("resolve", weights=WEIGHTS, dry_run=True)
    with pytest.raises(ProviderInvalidRequestError, match="goals: gannon"):
        await ask("resolve", weights={**WEIGHTS, "goals": "gannon"}, dry_run=True)
