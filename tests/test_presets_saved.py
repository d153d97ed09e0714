"""
Presets in the database: what is found, and who may save them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from seedcore.errors import (
    DatabaseError,
    InvalidPresetError,
    PresetNotFoundError,
    SettingsError,
)
from seedcore.presets import OPERATOR, Namespace, Saved
from seedcore.presets.lookup import FRESH
from seedcore.presets.presets import MOST_COLLABORATORS
from seedcore.store import Store
from support.preset_world import ME, YOU, World, ship
from support.stored import look

pytestmark = pytest.mark.dialects


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    The folder of the plugin that the providers are said to be from.
    """
    return ship(tmp_path, monkeypatch)


@pytest.fixture
async def world(tmp_path: Path, database_url: str, shipped: Path) -> AsyncIterator[World]:
    """
    With a database.
    """
    store = await Store.open(database_url)
    yield World(tmp_path / "own", store)
    await store.close()


async def test_what_hides_what(world: World, shipped: Path) -> None:
    """
    A folder that is named first, the next one, the database, the plugin.
    """
    second = world.directory.with_name("second")
    presets = world.with_directories(world.directory, second, world.directory / "missing")
    (shipped / "open.yaml").write_text("settings: {from: plugin}")
    sources = [await presets.find("demo", "open")]
    await presets.save("alttprdoor", "open", "settings: {from: elsewhere}", by=OPERATOR)
    await presets.save("demo", "open", "settings: {mode: standard}", by=OPERATOR)
    sources.append(await presets.find("demo", "open"))
    (second / "demo").mkdir(parents=True)
    (second / "demo" / "open.yaml").write_text("settings: {from: second}")
    sources.append(await presets.find("demo", "open"))
    world.write("demo/open.yml", "settings: {from: yml}")
    sources.append(await presets.find("demo", "open"))
    world.write("demo/open.yaml", "settings: {from: first}")
    sources.append(await presets.find("demo", "open"))
    await world.presets.delete("demo", "open", by=OPERATOR)
    for folder in (world.directory, second):
        for file in (folder / "demo").iterdir():
            file.unlink()
    sources.append(await presets.find("demo", "open"))

    expected = [
        ("plugin", {"from": "plugin"}),
        ("database", {"mode": "standard"}),
        ("directory", {"from": "second"}),
        ("directory", {"from": "yml"}),
        ("directory", {"from": "first"}),
        ("plugin", {"from": "plugin"}),
    ]
    assert expected == [(found.source, found.options) for found in sources]


@pytest.mark.parametrize(
    "name",
    [
        "../demo/open",
        "..",
        ".hidden",
        "/etc/passwd",
        "/",
        "a/",
        "/a",
        "a/b/c",
        "a\\b",
        "c:",
        "",
        " open",
        "open ",
        "a\x00b",
        "a\nb",
        "a\x1b[31m",
        "a\u202eb",
        "x" * 51,
        "me/" + "x" * 51,
        "me/..",
        "../me",
    ],
)
async def test_names_that_are_none(world: World, name: str) -> None:
    """
    Are refused with a sentence, whoever asks, before any file is looked for.
    """
    world.write("open.yaml", "settings: {}")
    world.write("demo/.hidden.yaml", "settings: {}")
    message = await world.refusal(name)

    assert "is no name" in message
    assert message.isprintable()
    assert len(message) < 200
    for refused in (
        world.presets.save("demo", name, "settings: {}", by=OPERATOR),
        world.presets.delete("demo", name, by=OPERATOR),
        world.presets.history("demo", name),
    ):
        with pytest.raises(InvalidPresetError, match="is no name"):
            await refused


async def test_a_name_that_is_nearly_one(world: World) -> None:
    """
    Gets a suggestion, from wherever it is.
    """
    world.write("demo/crosskeys.yaml", "settings: {}")
    await world.presets.save("demo", "me/latest", "settings: {}", by=ME)

    assert "there is no preset 'croskeys'. Did you mean 'crosskeys'?" == await world.refusal(
        "croskeys"
    )
    assert (
        "there is no preset 'lates' in the namespace 'me'. Did you mean 'me/latest'?"
        == await world.refusal("me/lates")
    )
    advice = "'seedcore presets list demo' lists them"
    assert f"there is no preset 'zzz'. {advice}" == await world.refusal("zzz")


async def test_saving_and_finding(world: World) -> None:
    """
    Names have no capital letters there, however they are written.
    """
    saved = await world.presets.save("demo", "Me/Latest", "settings: {hints: on}", by=ME)
    found = await world.presets.find("demo", "ME/latest")

    assert Saved(provider="demo", name="me/latest", revision=1) == saved
    assert ("me/latest", "database", {"hints": True}) == (found.name, found.source, found.options)
    assert "in the namespace 'me'" in await world.refusal("me/latest", "alttprdoor")


async def test_a_save_is_a_revision(world: World) -> None:
    """
    Deleting is one too, and none is ever lost.
    """
    for number in (1, 2, 2):
        saved = await world.presets.save("demo", "me/a", f"settings: {{}} # {number}", by=ME)
    await world.presets.delete("demo", "me/a", by=ME)
    gone = await world.refusal("me/a")
    with pytest.raises(PresetNotFoundError, match="no preset 'me/a' is saved"):
        await world.presets.delete("demo", "me/a", by=ME)
    await world.presets.save("demo", "me/a", "settings: {} # 3", by=ME)
    history = await world.presets.history("demo", "ME/A")

    assert (2, True) == (saved.revision, saved.unchanged)
    assert "there is no preset 'a'" in gone
    expected = [(4, " # 3", False), (3, "", True), (2, " # 2", False), (1, " # 1", False)]
    assert expected == [
        (each.revision, each.text.removeprefix("settings: {}"), each.deleted) for each in history
    ]
    assert {ME} == {each.saved_by for each in history}
    assert 1_700_000_000_000_000 < history[-1].created_at <= history[0].created_at


async def test_saving_at_the_same_moment(world: World) -> None:
    """
    Everybody's text is a revision, in whatever order.
    """
    texts = [f"settings: {{}} # {number}" for number in range(20)]
    await asyncio.gather(*(world.presets.save("demo", "me/a", text, by=ME) for text in texts))
    history = await world.presets.history("demo", "me/a")

    assert [*range(20, 0, -1)] == [each.revision for each in history]
    assert sorted(texts) == sorted(each.text for each in history)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("settings: {mode: opne}", "option: mode must be one of open, standard"),
        ("settings: {moed: open}", "option: moed is unknown. Did you mean 'mode'?"),
        ("settings: {crystals: {gannon: 7}}", "option: crystals.gannon is unknown"),
        ("settings: {}\ncustomizer: maybe", "option: customizer must be true or false"),
        ("settings: {", "line 1, column 12: "),
        ("just text", "it must be a mapping"),
        (b"\xff\x00", "it is binary"),
        ("settings: {}\nbranch: []", "branch must be a text"),
        ("x: 1", "'settings' is missing"),
    ],
)
async def test_nothing_invalid_is_saved(
    world: World, database_url: str, text: str, sentence: str
) -> None:
    """
    Whoever saves is told at once, not whoever rolls; no namespace is made either.
    """
    with pytest.raises(InvalidPresetError) as caught:
        await world.presets.save("demo", "me/a", text, by=ME)  # type: ignore[arg-type]

    assert caught.value.provider_message.startswith(f"the preset 'me/a': {sentence}")
    assert [] == await world.presets.history("demo", "me/a")
    assert [(0,)] == look(database_url, "SELECT count(*) FROM seedcore_namespaces")


@pytest.mark.parametrize(
    ("provider", "text", "notes"),
    [
        (
            "demo",
            "settings: {}\nhint: on",
            ["unknown key 'hint' is ignored. Did you mean 'hints'?"],
        ),
        ("demo", "settings: {}\nfoo: 1", ["unknown key 'foo' is ignored"]),
        ("demo", "settings: {race: true, crystals.ganon: '5'}\nstudytime: 1", []),
        ("alttprdoor", "settings: {players: 2, anything: 1}", []),
        ("alttprdoor", "settings: {a: 1}", ["not checked: it leaves players to whoever rolls it"]),
        (
            "demo",
            "settings: {}\nstudytime: 13",
            ["a call with nothing else is refused: 13 brings bad luck"],
        ),
        (
            "demo",
            "avianart: true\nsettings: {}",
            ["not checked: the provider 'avianart' is not installed"],
        ),
        ("smz3", "settings: {}", ["not checked: the provider 'smz3' is not installed"]),
    ],
)
async def test_what_means_nothing_is_said(
    world: World, provider: str, text: str, notes: list[str]
) -> None:
    """
    A preset with it is saved all the same.
    """
    saved = await world.presets.save(provider, "me/a", text, by=ME)

    assert notes == [*saved.notes]


async def test_nothing_is_saved_for_who_would_never_look_at_it(world: World) -> None:
    """
    Neither for a provider without presets, nor for one that leads to it.
    """
    for provider, text in (("plain", "settings: {}"), ("demo", "randomizer: plain\nsettings: {}")):
        with pytest.raises(InvalidPresetError, match="plain takes no presets from here"):
            await world.presets.save(provider, "me/a", text, by=ME)


@pytest.mark.parametrize(
    "name", ["me/With space", "me/a+b", "Ünï", "me/ü", "_/..a", "a b/c", "me/-.~"]
)
async def test_names_that_are_saved_are_plain(world: World, name: str) -> None:
    """
    Though a file may be called so.
    """
    with pytest.raises(InvalidPresetError, match="is no name"):
        await world.presets.save("demo", name, "settings: {}", by=OPERATOR)


@pytest.mark.parametrize(
    "name", ["a", "me/a", "m-e/v3.1_x", "1/2", "_/-", "x" * 50, "x" * 50 + "/" + "y" * 50]
)
async def test_names_that_can_be_saved(world: World, name: str) -> None:
    """
    Letters, digits, '_', '-' and '.', up to fifty in each part.
    """
    await world.presets.save("demo", name, "settings: {}", by=OPERATOR)

    assert name == (await world.presets.find("demo", name)).name


@pytest.mark.parametrize("by", ["", " ", "a\nb", "x" * 201, None, 7])
async def test_who_saves_must_be_somebody(world: World, by: Any) -> None:
    """
    A wrong 'by' is a mistake of the program.
    """
    for act in (
        world.presets.save("demo", "me/a", "settings: {}", by=by),
        world.presets.delete("demo", "me/a", by=by),
        world.presets.share("me", YOU, by=by),
        world.presets.unshare("me", by, by=ME),
        world.presets.load([], by=by),
    ):
        with pytest.raises(SettingsError, match="'by' must be a printable text"):
            await act


async def test_only_operators_save_for_all(world: World) -> None:
    """
    Others are told to use a namespace.
    """
    with pytest.raises(InvalidPresetError, match="only operators .* write 'yours/open'"):
        await world.presets.save("demo", "open", "settings: {}", by=ME)
    await world.presets.save("demo", "Open", "settings: {}", by=OPERATOR)
    with pytest.raises(InvalidPresetError, match="only operators"):
        await world.presets.delete("demo", "open", by=ME)

    assert "database" == (await world.presets.find("demo", "Open")).source


async def test_a_namespace_is_whose_first_preset_is_in_it(world: World) -> None:
    """
    Others may read it, and write once it is shared with them.
    """
    theirs = "the namespace 'me' belongs to somebody else"
    await world.presets.save("demo", "me/a", "settings: {}", by=ME)
    with pytest.raises(InvalidPresetError, match=theirs):
        await world.presets.save("alttprdoor", "me/b", "settings: {}", by=YOU)
    with pytest.raises(InvalidPresetError, match=theirs):
        await world.presets.delete("demo", "me/a", by=YOU)
    with pytest.raises(InvalidPresetError, match=theirs):
        await world.presets.share("me", YOU, by=YOU)
    await world.presets.share("Me", YOU, by=ME)
    await world.presets.share("me/", YOU, by=ME)
    await world.presets.save("demo", "me/b", "settings: {}", by=YOU)
    shared = await world.presets.namespace("me")
    with pytest.raises(InvalidPresetError, match=theirs):
        await world.presets.share("me", "discord:3", by=YOU)
    await world.presets.unshare("me", YOU, by=YOU)
    with pytest.raises(InvalidPresetError, match=theirs):
        await world.presets.save("demo", "me/b", "settings: {} # again", by=YOU)
    await world.presets.save("demo", "me/b", "settings: {} # mine", by=OPERATOR)

    assert Namespace(name="me", owner=ME, collaborators=(YOU,)) == shared
    assert Namespace(name="me", owner=ME) == await world.presets.namespace("me")
    assert await world.presets.namespace("you") is None


async def test_sharing_at_the_same_moment(world: World) -> None:
    """
    Everybody gets in, up to the limit.
    """
    await world.presets.save("demo", "me/a", "settings: {}", by=ME)
    people = [f"discord:{number}" for number in range(MOST_COLLABORATORS)]
    await asyncio.gather(*(world.presets.share("me", who, by=ME) for who in people))
    shared = await world.presets.namespace("me")
    with pytest.raises(InvalidPresetError, match="at most 100 collaborators"):
        await world.presets.share("me", "one too many", by=ME)
    with pytest.raises(InvalidPresetError, match="there is no namespace 'you'"):
        await world.presets.share("you", ME, by=OPERATOR)
    with pytest.raises(InvalidPresetError, match="is no name of a namespace"):
        await world.presets.share("me/you", YOU, by=ME)

    assert shared is not None
    assert sorted(people) == sorted(shared.collaborators)


async def test_a_namespace_has_room_for_so_many(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Deleted ones make room; a new revision needs none.
    """
    monkeypatch.setattr("seedcore.presets.presets.MOST_PRESETS", 2)
    await world.presets.save("demo", "me/a", "settings: {}", by=ME)
    await world.presets.save("alttprdoor", "me/b", "settings: {}", by=ME)
    with pytest.raises(InvalidPresetError, match="'me' has 2 presets, the most; delete one first"):
        await world.presets.save("demo", "me/c", "settings: {}", by=ME)
    await world.presets.save("demo", "me/a", "settings: {} # changed", by=ME)
    await world.presets.delete("demo", "me/a", by=ME)
    await world.presets.save("demo", "me/c", "settings: {}", by=ME)
    for name in "abc":
        await world.presets.save("demo", name, "settings: {}", by=OPERATOR)


async def test_names(world: World, shipped: Path) -> None:
    """
    All of a provider's, each once, sorted; a prefix needs no capital letters.
    """
    for name in ("open", "Over", "standard"):
        world.write(f"demo/{name}.yaml", "settings: {}")
    (shipped / "open.yaml").write_text("settings: {}")
    (shipped / "shipped.yml").write_text("settings: {")
    for name in ("open", "ordinary"):
        await world.presets.save("demo", name, "settings: {}", by=OPERATOR)
    for name in ("me/open", "me/other", "mine/x"):
        await world.presets.save("demo", name, "settings: {}", by=ME)
    await world.presets.save("alttprdoor", "elsewhere", "settings: {}", by=OPERATOR)
    public = ["Over", "open", "ordinary", "shipped", "standard"]

    assert sorted([*public, "me/open", "me/other", "mine/x"]) == await world.presets.names("demo")
    assert ["Over", "open", "ordinary"] == await world.presets.names("demo", "O")
    assert ["me/open", "me/other", "mine/x"] == await world.presets.names("demo", "m")
    assert ["me/other"] == await world.presets.names("demo", "ME/OT")
    assert public == await world.presets.search("demo")
    assert ["Over", "open", "ordinary"] == await world.presets.search("demo", "o")
    assert [] == await world.presets.search("demo", "m")
    assert ["me/open", "me/other"] == await world.presets.search("demo", "Me/")
    assert ["me/other"] == await world.presets.search("demo", "me/ot")
    assert ["Over"] == await world.presets.search("demo", limit=1)
    assert [] == await world.presets.search("demo", limit=0)


async def test_a_search_finds_so_many(world: World) -> None:
    """
    Discord takes twenty-five.
    """
    for number in range(30):
        world.write(f"demo/p{number:02}.yaml", "settings: {}")
        await world.presets.save("demo", f"me/p{number:02}", "settings: {}", by=ME)

    assert [f"p{number:02}" for number in range(25)] == await world.presets.search("demo", "p")
    assert [f"me/p{number:02}" for number in range(25)] == await world.presets.search("demo", "me/")


@pytest.mark.parametrize(
    "prefix", ["../", "/", "//", "a/b/c", "\x00", "a/\x00", "%", "_", "\ud800"]
)
async def test_prefixes_that_no_name_has(world: World, prefix: str) -> None:
    """
    Find nothing, and break nothing.
    """
    world.write("demo/open.yaml", "settings: {}")
    await world.presets.save("demo", "me/a", "settings: {}", by=ME)

    assert [] == await world.presets.search("demo", prefix)
    assert [] == await world.presets.names("demo", prefix)


@pytest.mark.parametrize("provider", ["..", "../own/demo", "/etc", "a/b", "", "\x00"])
async def test_a_provider_that_is_a_path(world: World, provider: str) -> None:
    """
    Has no presets.
    """
    world.write("demo/open.yaml", "settings: {}")

    assert [] == await world.presets.names(provider)
    assert [] == await world.presets.search(provider)
    with pytest.raises(PresetNotFoundError):
        await world.presets.find(provider, "open")


async def test_a_database_that_is_gone(world: World, shipped: Path) -> None:
    """
    What it said when it was last asked still holds; what it was never asked can't be known.
    """
    (shipped / "open.yaml").write_text("settings: {}")
    (shipped / "hidden.yaml").write_text("settings: {}")
    world.write("demo/mine.yaml", "settings: {}")
    await world.presets.save("demo", "hidden", "settings: {hints: on}", by=OPERATOR)
    await world.presets.save("demo", "me/a", "settings: {hints: on}", by=ME)
    for name in ("open", "hidden", "me/a"):
        await world.presets.find("demo", name)
    assert world.store is not None
    await world.store.close()
    found = {n: await world.presets.find("demo", n) for n in ("open", "hidden", "mine", "me/a")}

    assert ["plugin", "database", "directory", "database"] == [
        each.source for each in found.values()
    ]
    assert ["hidden", "mine", "open"] == await world.presets.search("demo")
    with pytest.raises(PresetNotFoundError):
        await world.presets.find("demo", "other")
    with pytest.raises(DatabaseError):
        await world.presets.find("demo", "me/b")
    with pytest.raises(DatabaseError):
        await world.presets.names("demo")
    with pytest.raises(DatabaseError):
        await world.presets.save("demo", "me/a", "settings: {}", by=ME)


async def test_nobody_becomes_an_operator_by_a_name(world: World) -> None:
    """
    Not even one who is called as the operator is in the history.
    """
    await world.presets.save("demo", "me/a", "settings: {}", by=ME)
    await world.presets.save("demo", "theirs/a", "settings: {}", by=OPERATOR)
    for name in ("open", "me/a", "theirs/a"):
        for by in ("operator", YOU):
            with pytest.raises(InvalidPresetError):
                await world.presets.save("demo", name, "settings: {}", by=by)

    assert "operator" == (await world.presets.history("demo", "theirs/a"))[0].saved_by


async def test_a_name_for_all_is_known_after_a_while_in_other_processes(world: World) -> None:
    """
    And at once where it was saved.
    """
    elsewhere = world.another()
    with pytest.raises(PresetNotFoundError):
        await elsewhere.find("demo", "new")
    await world.presets.save("demo", "new", "settings: {}", by=OPERATOR)
    await world.presets.find("demo", "new")
    with pytest.raises(PresetNotFoundError):
        await elsewhere.find("demo", "new")
    world.clock.leap(FRESH)
    assert "database" == (await elsewhere.find("demo", "new")).source

    await world.presets.delete("demo", "new", by=OPERATOR)
    with pytest.raises(PresetNotFoundError):
        await world.presets.find("demo", "new")


async def test_what_is_remembered_has_a_limit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Whoever asks for made-up names fills no memory.
    """
    monkeypatch.setattr("seedcore.presets.lookup.REMEMBERED", 3)
    for number in range(10):
        await world.refusal(f"me/{number}")

    assert 3 == len(world.presets._answers)


@pytest.mark.parametrize("wrong", [None, 5, b"open"])
async def test_a_name_that_is_no_text_is_refused(world: World, wrong: Any) -> None:
    """
    With a sentence, as any other that can't be one.
    """
    with pytest.raises(PresetNotFoundError, match="a preset's name is a text"):
        await world.presets.find("demo", wrong)
    with pytest.raises(InvalidPresetError, match="a preset's name is a text"):
        await world.presets.save("demo", wrong, "settings: {}", by=ME)
    with pytest.raises(InvalidPresetError, match="it must be a text"):
        await world.presets.save("demo", "me/a", bytearray(b"settings: {}"), by=ME)  # type: ignore[arg-type]


async def test_of_very_many_names_each_is_asked_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    None of them is hidden by how many are kept.
    """
    monkeypatch.setattr("seedcore.presets.lookup.MOST_NAMES", 2)
    for name in ("a", "b", "c", "d"):
        await world.presets.save("demo", name, "settings: {}", by=OPERATOR)

    assert "database" == (await world.presets.find("demo", "d")).source
    with pytest.raises(PresetNotFoundError):
        await world.presets.find("demo", "e")
