"""
The store as a whole: what it keeps over a restart, and where.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seedcore import Policy
from seedcore.contract.circuit import Condition, State
from seedcore.errors import DatabaseError
from seedcore.store import Store
from seedcore.store.drain import Drained
from seedcore.store.entries import Entry
from seedcore.store.spool import Spool
from support.stored import Gone, Told, audit_record, call_entry, failure_record, look

OPEN = Condition(state=State.OPEN, generation=5, open_until=1_700_000_002.0, reopened=1)


def opening(known: Condition, policy: Policy, now: float) -> Condition:
    """
    Take the step to a circuit that is open.
    """
    return OPEN


@pytest.mark.dialects
async def test_everything_is_there_after_a_restart(database_url: str) -> None:
    """
    Calls, failures, claims and circuits, also those that nobody waited for.
    """
    before = await Store.open(database_url)
    assert "durable" == await before.write(audit_record("c-1"))
    before.write_failure(failure_record("f-1"))
    await before.state.move("demo", "generate", Policy(), opening)
    claim = await before.claim("mine", provider="demo", operation="upload", fingerprint="f")
    assert "durable" == await before.write(None, claim, '"result"')
    await before.close()

    after = await Store.open(database_url)
    assert await after.queries.has_call("c-1")
    assert not await after.queries.has_call("f-1")
    assert ["f-1"] == [row["call_id"] for row in await after.queries.failures()]
    [record] = await after.state.records()
    assert ("demo", "generate", "open", 5, 1_700_000_002_000_000, 1, 0, 0) == (
        record.provider,
        record.operation,
        record.state,
        record.generation,
        record.open_until,
        record.reopened,
        record.successes,
        record.revision,
    )
    found = await after.claim("mine", provider="demo", operation="upload", fingerprint="f")
    assert (True, False, '"result"') == (found.done, found.mine, found.result)
    await after.close()


async def test_a_store_says_where_it_is(tmp_path: Path) -> None:
    """
    The path is absolute, whatever the URL said.
    """
    store = await Store.open("sqlite://audit.sqlite3")

    assert str(tmp_path / "audit.sqlite3") == store.name
    assert tmp_path / "audit.sqlite3.spool" == store.spool.directory
    await store.close()


async def test_a_set_directory_is_that_of_the_spool(tmp_path: Path) -> None:
    """
    For a database file on a disk that one would rather not rely on.
    """
    store = await Store.open("sqlite://audit.sqlite3", spool_directory="elsewhere/spool")

    assert tmp_path / "elsewhere" / "spool" == store.spool.directory
    assert not store.spool.directory.exists()
    await store.close()


async def test_a_database_in_memory_has_no_spool() -> None:
    """
    Nobody could ever drain it.
    """
    store = await Store.open("sqlite://:memory:", spool_directory="spool")

    assert store.spool is None
    assert Drained() == await store.drain()
    assert (await store.claim("c", provider="p", operation="o", fingerprint="f")).mine
    await store.close()


@pytest.mark.dialects
async def test_while_all_is_well_nothing_is_left_on_the_disk(
    database_url: str, tmp_path: Path
) -> None:
    """
    No spool is made for calls that need none.
    """
    store = await Store.open(database_url)
    await store.write(audit_record("c-1"))
    assert store.spool is not None
    assert not store.spool.directory.exists()
    await store.close()

    assert [] == list(tmp_path.glob("*spool*"))


@pytest.mark.dialects
async def test_a_success_ends_its_claim_in_the_same_transaction(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Through the spool too: who asks again finds both or neither.
    """
    store = await Store.open(database_url)
    mine = {"provider": "demo", "operation": "generate", "fingerprint": "f"}
    claim = await store.claim("c-1", **mine)
    gone = Gone(monkeypatch, store._database)
    assert "spooled" == await store.write(audit_record("c-1"), claim)
    assert not (await store.claim("c-1", **mine)).done
    assert await store.queries.own_call("c-1") is None

    gone.back()
    assert Drained(written=1) == await store.drain()
    assert (await store.claim("c-1", **mine)).done
    assert await store.queries.own_call("c-1") is not None
    await store.close()


@pytest.mark.dialects
async def test_who_meets_a_claim_looks_whether_its_process_is_gone(database_url: str) -> None:
    """
    Its lines are written first, then its claims expire; they are not waited for.
    """
    mine = {"provider": "demo", "operation": "generate", "fingerprint": "f"}
    told = Told()
    dead, store = await Store.open(database_url), await Store.open(database_url, tell=told)
    done = await dead.claim("done", **mine)
    begun = await dead.claim("begun", **mine)
    assert (done.mine, begun.mine) == (True, True)
    living = await store.claim("begun", **mine)
    assert (False, False) == (living.mine, living.done)
    assert 29 < living.left <= 30

    # It dies: the system lets its lock go, and what it has spooled stays.
    parts = {**call_entry("done").parts, "claims": [None, "done", done.token]}
    assert dead.spool is not None
    dead.spool.append([Entry("done", parts)])
    die(dead.spool)
    store._looked_for_dead = 0.0

    expired = await store.claim("begun", **mine)
    assert (False, False, True) == (expired.mine, expired.done, expired.left <= 0)
    assert (await store.claim("done", **mine)).done
    assert await store.queries.has_call("done")
    assert [{"rows": 1, "torn": 0}] == told.facts
    dead.claims._held = 0
    await dead.close()
    await store.close()


def die(spool: Spool) -> None:
    """
    Let the locks of a spool go, as the system does when its process ends.
    """
    for file in (spool._lock, spool._file):
        if file is not None:
            file.close()
    spool._lock = spool._file = None


@pytest.mark.dialects
async def test_the_dead_are_looked_for_once_a_second_only(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    However many calls wait for the claims of others.
    """
    mine = {"provider": "demo", "operation": "generate", "fingerprint": "f"}
    other, store = await Store.open(database_url), await Store.open(database_url)
    looks = 0

    async def bury() -> None:
        nonlocal looks
        looks += 1

    monkeypatch.setattr(store, "_bury", bury)
    for number in range(3):
        await other.claim(f"c-{number}", **mine)
        assert not (await store.claim(f"c-{number}", **mine)).mine

    assert 1 == looks
    await store.close()
    await other.close()


async def test_a_spool_that_can_not_be_drained_is_named(tmp_path: Path) -> None:
    """
    What an operator asks for fails with the reason; a start goes on without it.
    """
    store = await Store.open("sqlite://audit.sqlite3")
    assert store.spool is not None
    store.spool.directory.mkdir()
    (store.spool.directory / f"{store.spool._key}-left.spool").mkdir()

    told = f"The spool {store.spool.directory} can't be drained: IsADirectoryError: Is a directory."
    with pytest.raises(DatabaseError) as error:
        await store.drain()
    assert told == str(error.value)
    await store.close()
    await (await Store.open("sqlite://audit.sqlite3")).close()


@pytest.mark.dialects
async def test_an_operator_may_open_it_without_draining(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Who only looks changes nothing.
    """
    store = await Store.open(database_url)
    Gone(monkeypatch, store._database)
    await store.write(audit_record("c-1"))
    await store.close()

    looking = await Store.open(database_url, migrating=False)
    status: Any = (await looking.upkeep.status()).spool
    assert (1, 0) == (status.lines, status.held)
    await looking.close()
    assert [] == look(database_url, "SELECT call_id FROM seedcore_calls")
