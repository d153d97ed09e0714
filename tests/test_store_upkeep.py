"""
What an operator asks about the database, and what he does to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from seedcore import Policy
from seedcore.contract import circuit
from seedcore.errors import DatabaseError
from seedcore.store import Store, upkeep
from seedcore.store.database import Batch
from seedcore.store.presets import Key
from seedcore.store.rows import Rows
from seedcore.store.state import SharedGate
from seedcore.store.upkeep import Pruned
from support.stored import audit_record, failure_record, is_postgres, log_record, look

pytestmark = pytest.mark.dialects

DAYS = "SELECT provider, day, calls, failures FROM seedcore_days ORDER BY provider, day"
CALL_IDS = "SELECT call_id FROM seedcore_calls ORDER BY call_id"
FAILED_IDS = "SELECT call_id FROM seedcore_failures ORDER BY call_id"


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """
    An open store.
    """
    opened = await Store.open(database_url)
    yield opened
    await opened.close()


def at(text: str) -> int:
    """
    Return a time (UTC) in epoch microseconds.
    """
    since = datetime.fromisoformat(text).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds


async def fill(store: Store, rows: Sequence[tuple[str, str, str]]) -> None:
    """
    Write rows: their ids (calls, and failures with an ``f``), providers and times.
    """
    for call_id, provider, time in rows:
        if call_id.startswith("f"):
            store.write_failure(failure_record(call_id, provider=provider, created_at=at(time)))
        else:
            await store.write(audit_record(call_id, provider=provider, created_at=at(time)))
    assert await store.flush(5)


async def prune(store: Store, before: str) -> list[Pruned]:
    """
    Prune, and return the progress.
    """
    return [done async for done in store.upkeep.prune(at(before))]


class TestStatus:
    """
    What there is.
    """

    async def test_an_empty_database(self, store: Store, database_url: str) -> None:
        """
        All is made and nothing is in it.
        """
        status = await store.upkeep.status()

        assert ("postgres" if is_postgres(database_url) else "sqlite") == status.dialect
        assert store.name == status.name
        names = (
            "0001_initial",
            "0002_shared_state",
            "0003_presets",
            "0004_logs",
            "0005_routes_and_keys",
        )
        assert dict.fromkeys(names, True) == status.migrations
        assert [] == status.pending
        assert dict.fromkeys(upkeep.TABLES, 0) == status.rows
        assert status.oldest is None
        assert status.bytes > 10_000
        assert status.spool is not None
        assert (0, 0, 0) == (status.spool.lines, status.spool.torn, status.spool.bytes)

    async def test_every_table_is_counted(self, store: Store) -> None:
        """
        And the oldest call has its time.
        """
        await fill(
            store,
            [
                ("a", "demo", "2024-03-01T12:00"),
                ("b", "demo", "2024-02-29T12:00"),
                ("f", "demo", "2024-01-01T12:00"),
                ("old", "demo", "2020-01-01T00:00"),
            ],
        )
        await prune(store, "2021-01-01")
        await store.unseal("a", "race room")
        await store.state.move("demo", "generate", Policy(), circuit.opening(0))
        gate = SharedGate(seconds=1.0, guess=2.0, status_code=429, message="x")
        await store.state.close_gate("demo", "", gate)
        await store.claim("c", provider="demo", operation="upload", fingerprint="f")
        await store.presets.make_namespace("me", "discord:1")
        await store.presets.save(Key("demo", "me", "open"), "settings: {}", by="discord:1")
        await store.write(None, log=log_record("a"))
        await store.logs.revealed("a", "spoiler", "discord:1")
        await store.routes.add("demo", "{}", by="discord:1")
        await store.keys.add("bot", ["generate"])
        status = await store.upkeep.status()

        assert dict.fromkeys(upkeep.TABLES, 1) | {"calls": 2} == status.rows
        assert at("2024-02-29T12:00") == status.oldest

    async def test_it_has_no_secrets(self, store: Store, database_url: str) -> None:
        """
        An operator may paste it anywhere.
        """
        told = repr(await store.upkeep.status())

        if is_postgres(database_url):
            assert str(urlsplit(database_url).password) not in told
        assert store.name in told


class TestPruning:
    """
    Old rows go, and what is left of them is a number.
    """

    async def test_old_rows_go_and_their_number_stays(
        self, store: Store, database_url: str
    ) -> None:
        """
        Per provider and day (UTC), calls and failures apart; the limit itself is not older.
        """
        await fill(
            store,
            [
                ("a", "one", "2024-02-28T23:59:59.999999"),
                ("b", "one", "2024-02-29T00:00:00"),
                ("c", "one", "2024-02-29T23:59:59.999999"),
                ("d", "two", "2024-02-29T12:00:00"),
                ("e", "one", "2024-03-01T00:00:00"),
                ("f1", "one", "2024-02-29T12:00:00"),
                ("f2", "three", "2024-02-29T12:00:00"),
                ("f3", "three", "2024-03-01T00:00:00"),
            ],
        )
        older = await store.upkeep.count_older(at("2024-03-01"))
        progress = await prune(store, "2024-03-01")

        assert Pruned(calls=4, failures=2) == older == progress[-1]
        assert [("e",)] == look(database_url, CALL_IDS)
        assert [("f3",)] == look(database_url, FAILED_IDS)
        assert [
            ("one", "2024-02-28", 1, 0),
            ("one", "2024-02-29", 2, 1),
            ("three", "2024-02-29", 0, 1),
            ("two", "2024-02-29", 1, 0),
        ] == look(database_url, DAYS)

    async def test_dry_runs_go_and_are_no_calls(self, store: Store, database_url: str) -> None:
        """
        Nobody was asked.
        """
        when = at("2024-02-29T12:00:00")
        for name, dry in (("real", False), ("dry", True)):
            await store.write(audit_record(name, provider="one", created_at=when, dry=dry))
        await prune(store, "2024-03-01")

        assert [] == look(database_url, CALL_IDS)
        assert [("one", "2024-02-29", 1, 0)] == look(database_url, DAYS)

    async def test_numbers_of_the_same_day_are_added(self, store: Store, database_url: str) -> None:
        """
        A day may be pruned in several parts.
        """
        rows = [(str(hour), "one", f"2024-02-29T{hour:02}:30") for hour in range(24)]
        await fill(store, rows)
        for hour in (3, 3, 10, 23):
            await prune(store, f"2024-02-29T{hour:02}:00")

        assert [("one", "2024-02-29", 23, 0)] == look(database_url, DAYS)
        assert [("23",)] == look(database_url, CALL_IDS)

    async def test_it_goes_in_portions_and_tells_how_far_it_is(
        self, store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Others write in between, and whoever stops it keeps what was done.
        """
        monkeypatch.setattr(upkeep, "CHUNK", 2)
        names = [*(f"c{n}" for n in range(5)), *(f"f{n}" for n in range(3))]
        await fill(store, [(name, "one", "2024-02-29") for name in names])
        pruning = store.upkeep.prune(at("2024-03-01"))
        assert Pruned(calls=2) == await anext(pruning)
        await pruning.aclose()
        assert [("one", "2024-02-29", 2, 0)] == look(database_url, DAYS)
        assert 3 == len(look(database_url, CALL_IDS))
        await store.write(audit_record("new"))

        progress = await prune(store, "2024-03-01")
        assert [
            Pruned(calls=2),
            Pruned(calls=4),
            Pruned(calls=4, failures=2),
            Pruned(calls=4, failures=3),
            Pruned(calls=4, failures=3),
        ] == progress
        assert [
            ("demo", "2023-11-14", 1, 0),
            ("one", "2024-02-29", 5, 3),
        ] == look(database_url, DAYS)

    async def test_with_nothing_to_do_nothing_is_done(
        self, store: Store, database_url: str
    ) -> None:
        """
        One line of progress says so.
        """
        await fill(store, [("a", "one", "2024-02-29")])

        assert [Pruned()] == await prune(store, "2024-02-29")
        assert [] == look(database_url, DAYS)

    async def test_a_count_and_its_deletion_are_one_transaction(
        self, store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        A process that dies in the middle leaves rows or a number, never both, never neither.
        """
        await fill(store, [("a", "one", "2024-02-29"), ("f", "one", "2024-02-29")])
        database = store._database
        write = database.write

        async def break_off(batches: Sequence[Batch], limit: float) -> None:
            await write([*batches, Batch("INSERT INTO nowhere VALUES (?)", Rows([[1]]))], limit)

        with monkeypatch.context() as broken:
            broken.setattr(database, "write", break_off)
            with pytest.raises(DatabaseError, match="can't be used"):
                await prune(store, "2024-03-01")
        assert [] == look(database_url, DAYS)
        assert [("a",)] == look(database_url, CALL_IDS)

        await prune(store, "2024-03-01")
        assert [("one", "2024-02-29", 1, 1)] == look(database_url, DAYS)

    async def test_two_who_prune_at_once_count_each_row_once(
        self, store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Two hosts may have the same job at the same time.
        """
        monkeypatch.setattr(upkeep, "CHUNK", 7)
        names = [*(f"c{n}" for n in range(40)), *(f"f{n}" for n in range(40))]
        await fill(store, [(name, "one", "2024-02-29") for name in names])
        other = await Store.open(database_url)
        await asyncio.gather(prune(store, "2024-03-01"), prune(other, "2024-03-01"))
        await other.close()

        assert [("one", "2024-02-29", 40, 40)] == look(database_url, DAYS)
        assert [] == look(database_url, CALL_IDS)
        assert [] == look(database_url, FAILED_IDS)

    async def test_unsealings_go_with_their_calls(self, store: Store, database_url: str) -> None:
        """
        And no others do.
        """
        await fill(store, [("a", "one", "2024-02-29"), ("b", "one", "2024-03-02")])
        for call_id in ("a", "b", "not yet written"):
            await store.unseal(call_id, "race room")
        await prune(store, "2024-03-01")

        question = "SELECT call_id FROM seedcore_unsealings ORDER BY call_id"
        assert [("b",), ("not yet written",)] == look(database_url, question)

    async def test_a_call_whose_log_is_not_due_stays(self, store: Store, database_url: str) -> None:
        """
        It is as old as its log: somebody is still to see that.
        """
        await fill(store, [(each, "smdash", "2025-03-01 10:00") for each in ("a", "b", "c", "d")])
        due, hour = at("2025-03-05 10:00"), 3_600_000_000
        await store.write(None, log=log_record("a", reveal_at=due))
        await store.write(None, log=log_record("b", reveal_at=due - 48 * hour))
        await store.write(None, log=log_record("c", reveal_at=None, reveal_after=hour))

        before = "2025-03-05 00:00"
        assert Pruned(calls=2) == await store.upkeep.count_older(at(before))
        assert 2 == (await prune(store, before))[-1].calls
        assert [("a",), ("c",)] == look(database_url, CALL_IDS)
        assert [("a",), ("c",)] == look(
            database_url, "SELECT call_id FROM seedcore_logs ORDER BY call_id"
        )

    async def test_old_claims_go_unless_they_are_held(
        self, store: Store, database_url: str
    ) -> None:
        """
        One that may be renewed is in use, however old it is.
        """
        facts: Any = {"provider": "demo", "operation": "upload", "fingerprint": "f"}
        for call_id in ("held", "done", "in doubt", "young"):
            claim = await store.claim(call_id, **facts)
            if call_id == "done":
                await store.write(None, claim, "1")
                expired = "UPDATE seedcore_claims SET expires_at = 5 WHERE call_id = 'done'"
                look(database_url, expired)
            elif call_id == "in doubt":
                await store.claims.leave_in_doubt(claim)
        look(database_url, "UPDATE seedcore_claims SET created_at = 1 WHERE call_id <> 'young'")
        older = await store.upkeep.count_older(2)
        progress = [done async for done in store.upkeep.prune(2)]

        assert Pruned(claims=2) == progress[-1]
        assert older == progress[-1]
        question = "SELECT call_id FROM seedcore_claims ORDER BY call_id"
        assert [("held",), ("young",)] == look(database_url, question)
