"""
The rows of presets: added, never changed, and none lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from seedcore.errors import DatabaseError
from seedcore.store import Store
from seedcore.store.address import address_of
from seedcore.store.database import Database
from seedcore.store.presets import Key, NamespaceRow, StoredPresets
from seedcore.store.store import open_database
from support.stored import look

pytestmark = pytest.mark.dialects

KEY = Key("demo", "me", "open")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """
    An open database.
    """
    opened = await open_database(address_of(database_url), pool_size=5)
    yield opened
    await opened.close(5)


@pytest.fixture
def presets(database: Database) -> StoredPresets:
    """
    Its presets.
    """
    return StoredPresets(database)


async def test_each_text_is_a_revision(presets: StoredPresets) -> None:
    """
    The newest comes first, with who saved it and when.
    """
    assert await presets.newest(KEY) is None
    assert (1, True) == await presets.save(KEY, "a", by="discord:1")
    assert (2, True) == await presets.save(KEY, "b", by="discord:2")
    newest, first = await presets.revisions(KEY)

    assert (2, "b", "discord:2", False) == (
        newest.revision,
        newest.text,
        newest.saved_by,
        newest.deleted,
    )
    assert (1, "a") == (first.revision, first.text)
    assert 1_700_000_000_000_000 < first.created_at <= newest.created_at
    assert newest == await presets.newest(KEY)
    assert [newest] == await presets.revisions(KEY, limit=1)
    assert [] == await presets.revisions(KEY, limit=0)


async def test_the_same_text_again_is_none(presets: StoredPresets) -> None:
    """
    Unless it was deleted, or another one came between.
    """
    await presets.save(KEY, "a", by="discord:1")

    assert (1, False) == await presets.save(KEY, "a", by="discord:2")
    assert (2, True) == await presets.save(KEY, "", by="discord:1", deleted=True)
    assert (2, False) == await presets.save(KEY, "", by="discord:1", deleted=True)
    assert (3, True) == await presets.save(KEY, "a", by="discord:1")
    assert (4, True) == await presets.save(KEY, "b", by="discord:1")
    assert (5, True) == await presets.save(KEY, "a", by="discord:1")


async def test_saving_at_the_same_moment_loses_nothing(
    presets: StoredPresets, database_url: str
) -> None:
    """
    Each of forty gets a revision of its own, from two programs too.
    """
    other = await open_database(address_of(database_url), pool_size=5)
    both = (presets, StoredPresets(other))
    saved = await asyncio.gather(
        *(both[number % 2].save(KEY, f"text {number}", by=f"p{number}") for number in range(40))
    )
    await other.close(5)
    rows = {row.revision: row for row in await presets.revisions(KEY)}

    assert [(number, True) for number in range(1, 41)] == sorted(saved)
    assert [*range(1, 41)] == sorted(rows)
    for number, (revision, _) in enumerate(saved):
        assert (f"text {number}", f"p{number}") == (rows[revision].text, rows[revision].saved_by)


async def test_names_are_of_what_is_there(presets: StoredPresets) -> None:
    """
    Of one provider, or one of its namespaces; deleted ones are left out.
    """
    for key in (
        KEY,
        Key("demo", "me", "over"),
        Key("demo", "me", "gone"),
        Key("demo", "you", "open_x"),
        Key("demo", "", "openx"),
        Key("other", "me", "open"),
    ):
        await presets.save(key, key.name, by="operator")
    await presets.save(Key("demo", "me", "gone"), "", by="operator", deleted=True)
    everywhere = [("", "openx"), ("me", "open"), ("me", "over"), ("you", "open_x")]

    assert everywhere == sorted(await presets.names("demo"))
    assert [("me", "open"), ("me", "over")] == await presets.names("demo", namespace="me")
    assert [("me", "over")] == await presets.names("demo", namespace="me", prefix="ov")
    assert [("you", "open_x")] == await presets.names("demo", namespace="you", prefix="open_")
    assert [] == await presets.names("demo", namespace="", prefix="open_")
    assert [("me", "open")] == await presets.names("demo", namespace="me", limit=1)
    assert [] == await presets.names("demo", namespace="me", prefix="%")
    assert {"open": "open", "over": "over"} == await presets.texts("demo", "me")
    assert (3, 1, 1, 0) == (
        await presets.count("me"),
        await presets.count("you"),
        await presets.count(""),
        await presets.count("nobody"),
    )


async def test_a_namespace_belongs_to_who_was_first(presets: StoredPresets) -> None:
    """
    Of many at once, one makes it and the others see whose it is.
    """
    made = await asyncio.gather(
        *(presets.make_namespace("me", f"discord:{number}") for number in range(10))
    )

    assert 1 == len(set(made))
    assert made[0] == await presets.namespace("me")
    assert await presets.namespace("you") is None


async def test_collaborators_are_changed_by_compare_and_set(presets: StoredPresets) -> None:
    """
    Whoever was second looks again.
    """
    known = await presets.make_namespace("me", "discord:1")

    assert () == known.collaborators
    assert await presets.set_collaborators(known, ["discord:2"])
    assert not await presets.set_collaborators(known, ["discord:3"])
    changed = await presets.namespace("me")
    assert changed is not None
    assert ("discord:2",) == changed.collaborators


@pytest.mark.parametrize("stored", ["", "{", "7", "null", "[" * 100_000])
def test_a_damaged_row_shares_with_nobody(stored: str) -> None:
    """
    The owner can share it anew.
    """
    assert () == NamespaceRow(name="me", owner="discord:1", stored=stored).collaborators


async def test_many_are_saved_together(presets: StoredPresets) -> None:
    """
    With the namespaces they need; one that is there stays as it is.
    """
    await presets.make_namespace("me", "discord:1")
    await presets.save(KEY, "old", by="discord:1")
    rows = [(KEY, "new"), (Key("demo", "you", "a"), "x"), (Key("demo", "", "b"), "y")]
    made = [
        NamespaceRow(name="me", owner="thief", stored="[]"),
        NamespaceRow(name="you", owner="discord:2", stored='["discord:3"]'),
    ]
    await presets.save_all(rows, made, by="operator")
    mine, yours = await presets.namespace("me"), await presets.namespace("you")

    assert ["new", "old"] == [row.text for row in await presets.revisions(KEY)]
    assert {"a": "x"} == await presets.texts("demo", "you")
    assert {"b": "y"} == await presets.texts("demo", "")
    assert mine is not None
    assert yours is not None
    assert ("discord:1", "discord:2") == (mine.owner, yours.owner)
    assert ("discord:3",) == yours.collaborators


async def test_of_many_all_or_none_are_saved(presets: StoredPresets, database_url: str) -> None:
    """
    A row that the database refuses takes the others with it.
    """
    rows = [(Key("demo", "me", f"p{number}"), "x") for number in range(20)]
    with pytest.raises(DatabaseError):
        await presets.save_all([*rows, (Key("demo", "me", None), "x")], [], by="operator")  # type: ignore[arg-type]

    assert [(0,)] == look(database_url, "SELECT count(*) FROM seedcore_presets")


async def test_importing_while_others_save(presets: StoredPresets, database_url: str) -> None:
    """
    Whoever comes second gets the next revision: the texts of both are there.
    """
    other = await open_database(address_of(database_url), pool_size=5)
    keys = [Key("demo", "", f"p{number}") for number in range(10)]
    imports = [
        StoredPresets(each).save_all([(key, f"import {n}") for key in keys], [], by="operator")
        for n, each in enumerate((other, other, presets._database))
    ]
    saves = [presets.save(key, "saved", by="operator") for key in keys]
    await asyncio.gather(*imports, *saves)
    await other.close(5)

    expected = {"import 0", "import 1", "import 2", "saved"}
    for key in keys:
        assert expected == {row.text for row in await presets.revisions(key)}


async def test_a_database_that_is_gone(database: Database, presets: StoredPresets) -> None:
    """
    Every question ends with a sentence.
    """
    await database.close(5)

    for question in (
        presets.newest(KEY),
        presets.save(KEY, "a", by="operator"),
        presets.names("demo"),
        presets.count("me"),
        presets.make_namespace("me", "discord:1"),
        presets.save_all([(KEY, "x")], [], by="operator"),
    ):
        with pytest.raises(DatabaseError):
            await question


async def test_a_store_has_presets(database_url: str) -> None:
    """
    They are kept when it is opened again; odd texts too.
    """
    text = "settings: {name: 'Žluťoučký 🐎'}\n# it's \"quoted\" \\ ? {now} $1\n" + "#" * 60_000
    store = await Store.open(database_url)
    await store.presets.save(KEY, text, by="discord:1")
    await store.close()
    store = await Store.open(database_url)
    newest = await store.presets.newest(KEY)
    await store.close()

    assert newest is not None
    assert text == newest.text
