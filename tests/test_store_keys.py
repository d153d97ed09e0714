"""
Keys: handed out once, kept as digests, checked in the same time whatever is wrong.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from seedcore.errors import SettingsError
from seedcore.store import Store
from support.peers import answer

pytestmark = pytest.mark.dialects


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """
    An open store.
    """
    opened = await Store.open(database_url)
    yield opened
    await opened.close()


async def test_a_key_opens_what_its_scopes_say(store: Store) -> None:
    """
    An admin's opens everything.
    """
    text, key = await store.keys.add("bot", ["read", "generate"], per_minute=60)
    admin, _ = await store.keys.add("me", ["admin"])
    found = await store.keys.check(text)

    assert found == key
    assert ("bot", ("generate", "read"), 60) == (key.name, key.scopes, key.per_minute)
    assert [True, True, False] == [key.allows(each) for each in ("generate", "read", "admin")]
    mine = await store.keys.check(admin)
    assert mine is not None
    assert all(mine.allows(each) for each in ("generate", "read", "admin"))
    assert ["bot", "me"] == [each.name for each in await store.keys.listing()]


async def test_the_database_has_no_key(store: Store, database_url: str) -> None:
    """
    Whoever reads it can ask nothing.
    """
    text, _ = await store.keys.add("bot", ["read"])
    secret = text.rsplit("_", 1)[-1]
    stored = repr(answer(database_url, "SELECT * FROM seedcore_keys"))

    assert secret not in stored
    assert text.removeprefix("seedcore_") not in stored


async def test_a_revoked_key_opens_nothing(store: Store) -> None:
    """
    For good; and its name can be given to another one.
    """
    text, _ = await store.keys.add("bot", ["read"])
    assert await store.keys.any_active()
    assert await store.keys.revoke("bot")
    assert await store.keys.check(text) is None
    assert not await store.keys.any_active()
    assert not await store.keys.revoke("bot")

    other, _ = await store.keys.add("bot", ["generate"])
    found = await store.keys.check(other)
    assert found is not None
    assert ("generate",) == found.scopes
    assert await store.keys.check(text) is None
    assert [False, True] == [each.active for each in await store.keys.listing()]


@pytest.mark.parametrize(
    "wrong",
    ["", "seedcore", "seedcore_", "seedcore__", "bot", "a_b_c", "\x00", "\udce4", "x" * 100_000],
)
async def test_a_wrong_key_opens_nothing(store: Store, wrong: str) -> None:
    """
    Whatever somebody sends.
    """
    text, key = await store.keys.add("bot", ["read"])

    assert await store.keys.check(wrong) is None
    assert await store.keys.check(f"seedcore_{key.key_id}_{wrong}") is None
    assert await store.keys.check(text[:-1]) is None
    assert await store.keys.check(text + "x") is None


@pytest.mark.parametrize(
    ("scopes", "sentence"),
    [(["reed"], "There is no scope 'reed'. Did you mean 'read'?"), ([], "A key needs a scope")],
)
async def test_a_scope_that_is_none_is_refused(
    store: Store, scopes: list[str], sentence: str
) -> None:
    """
    With those there are.
    """
    with pytest.raises(SettingsError) as caught:
        await store.keys.add("bot", scopes)

    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("name", "per_minute", "sentence"),
    [
        ("", None, "1 to 200 characters"),
        ("a\x00", None, "printable"),
        ("x" * 300, None, "1 to 200 characters"),
        ("bot", 0, "from 1 to 1,000,000"),
        ("bot", 2**40, "from 1 to 1,000,000"),
    ],
)
async def test_what_no_key_can_have_is_refused(
    store: Store, name: str, per_minute: int | None, sentence: str
) -> None:
    """
    Before the database is asked.
    """
    with pytest.raises(SettingsError) as caught:
        await store.keys.add(name, ["read"], per_minute=per_minute)

    assert sentence in str(caught.value)


async def test_two_keys_in_use_have_two_names(store: Store) -> None:
    """
    A name says which one to revoke.
    """
    await store.keys.add("bot", ["read"])
    with pytest.raises(SettingsError, match="There is a key 'bot' already"):
        await store.keys.add("bot", ["read"])
