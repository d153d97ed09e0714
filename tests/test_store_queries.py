"""
Reading the audit, and what the reader hides.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import attrs
import pytest

import seedcore.store
from seedcore.errors import DatabaseError
from seedcore.store import Queries, Store
from support.stored import audit_record, failure_record, is_postgres, look

pytestmark = pytest.mark.dialects

SECOND = 1_000_000
"""Times are stored as microseconds."""


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """
    An open store.
    """
    opened = await Store.open(database_url)
    yield opened
    await opened.close()


async def everything(store: Store) -> dict[str, list[Any]]:
    """
    Return what each public reader yields; a new one needs an entry here.

    One is missing: ``own_call`` is for whoever makes the same call again.
    """
    readers = {name for name, _ in inspect.getmembers(Queries, inspect.isfunction)}
    counting = {"failures_by_kind", "totals"}
    reading = {"calls", "call", "failures", "failures_of", "export", "has_call", "own_call"}
    assert counting | reading == {name for name in readers if not name.startswith("_")}
    return {
        "calls": await store.queries.calls(),
        "call": [await store.queries.call("c-1"), await store.queries.call("c-2")],
        "failures_of": await store.queries.failures_of("c-1"),
        "failures_by_kind": await store.queries.failures_by_kind(0, 3600),
        "totals": await store.queries.totals(0),
        "failures": await store.queries.failures(),
        "export": [row async for row in store.queries.export()],
        "has_call": [await store.queries.has_call("c-1")],
    }


async def ids(store: Store, **chosen: Any) -> list[str]:
    """
    Return the ids of the chosen calls in the order they are listed.
    """
    return [row["call_id"] for row in await store.queries.calls(**chosen)]


async def test_a_row_is_read_as_it_was_written(store: Store) -> None:
    """
    Every field comes back with its type, JSON included.
    """
    record = audit_record("c-1", race=True, settings={"ä": [1, None, {"x": True}]}, hash_id=None)
    await store.write(record)

    assert [attrs.asdict(record)] == await store.queries.calls()
    assert [attrs.asdict(record)] == [row async for row in store.queries.export()]
    assert (await store.queries.calls())[0]["race"] is True


async def test_the_newest_come_first(store: Store) -> None:
    """
    By time, and by the order of writing where the time is the same.
    """
    for call_id, seconds in (("b", 5), ("c", 5), ("a", 9), ("d", 1)):
        await store.write(audit_record(call_id, created_at=seconds * SECOND))

    assert ["a", "c", "b", "d"] == await ids(store)
    assert ["a", "c"] == await ids(store, limit=2)
    assert [] == await ids(store, limit=0)


async def test_rows_are_chosen_by_provider_surface_and_time(store: Store) -> None:
    """
    All conditions hold together; the time is epoch seconds and inclusive.
    """
    rows = (
        ("a", "p", "web", 1),
        ("b", "p", "discord", 2),
        ("c", "q", "web", 3),
        ("d", "p", "web", 4),
    )
    for call_id, provider, surface, seconds in rows:
        await store.write(
            audit_record(call_id, provider=provider, surface=surface, created_at=seconds * SECOND)
        )

    assert ["d", "b", "a"] == await ids(store, provider="p")
    assert ["d", "c", "a"] == await ids(store, surface="web")
    assert ["d", "c"] == await ids(store, since=2.5)
    assert ["d"] == await ids(store, provider="p", surface="web", since=4)
    assert ["a", "d"] == [
        row["call_id"] async for row in store.queries.export(provider="p", surface="web")
    ]


async def test_failures_are_read_the_same_way(store: Store) -> None:
    """
    Newest first, chosen by the same conditions, with every field.
    """
    old = failure_record("f-1", created_at=SECOND, in_doubt=True, status_code=None)
    for record in (old, failure_record("f-2", provider="other")):
        store.write_failure(record)
    await store.flush(1)

    assert ["f-2", "f-1"] == [row["call_id"] for row in await store.queries.failures()]
    assert [attrs.asdict(old)] == await store.queries.failures(provider="demo")
    assert [] == await store.queries.failures(limit=0)


async def test_an_export_has_every_row_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Oldest first, across pages, and with rows that are written meanwhile.
    """
    monkeypatch.setattr("seedcore.store.queries.PAGE", 3)
    for number in range(7):
        await store.write(audit_record(f"c-{number}", sealed=number % 2 == 0))
    exported = []
    async for row in store.queries.export():
        exported.append(row["call_id"])
        if row["call_id"] == "c-6":
            await store.write(audit_record("c-7"))

    assert [f"c-{number}" for number in range(8)] == exported


async def test_no_reader_shows_what_is_sealed(store: Store) -> None:
    """
    Permalink, hash and seed of a sealed row are in nothing that any reader returns.
    """
    seed = {"code": "canary", "spoiler_url": "canary", "extra": {"text": "canary"}}
    hidden = {"permalink": "https://seeds.example/canary", "hash_id": "canary", "seed": seed}
    await store.write(audit_record("c-1", sealed=True, **hidden))
    await store.write(audit_record("c-2", sealed=False))
    answers = await everything(store)

    assert "canary" not in repr(answers)
    [shown, _] = answers["export"]
    assert (None, None, {}) == (shown["permalink"], shown["hash_id"], shown["seed"])
    assert {} == shown["settings"]  # those of a mystery are what nobody may know
    assert "https://seeds.example/c-2" == answers["export"][1]["permalink"]


async def test_whoever_makes_the_call_again_gets_all_of_its_row(store: Store) -> None:
    """
    The caller of a sealed seed knows it already; nobody else may ask like this.
    """
    record = audit_record("c-1", sealed=True)
    await store.write(record)
    await store.write(audit_record("c-2"))

    assert attrs.asdict(record) == await store.queries.own_call("c-1")
    assert await store.queries.own_call("c-3") is None
    folder = Path(seedcore.store.__file__).parent.parent
    askers = {
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "own_call"
    }
    assert {"once.py"} == askers


async def test_an_unsealed_row_is_shown(store: Store) -> None:
    """
    Recording the unsealing shows this row and no other, and the row itself stays as it was.
    """
    for call_id in ("c-1", "c-2"):
        await store.write(audit_record(call_id, sealed=True))
    await store.unseal("c-1", "race room")
    await store.unseal("c-1", "somebody else")

    for rows in (await store.queries.calls(), [row async for row in store.queries.export()]):
        shown = {row["call_id"]: row for row in rows}
        assert "https://seeds.example/c-1" == shown["c-1"]["permalink"]
        assert {"code": "bow boots"} == shown["c-1"]["seed"]
        assert shown["c-1"]["sealed"] is True
        assert shown["c-2"]["permalink"] is None


async def test_more_sealed_rows_than_a_statement_takes(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The unsealings are looked up in portions.
    """
    monkeypatch.setattr("seedcore.store.queries.PAGE", 2)
    for number in range(5):
        await store.write(audit_record(f"c-{number}", sealed=True))
        if number != 2:
            await store.unseal(f"c-{number}", "race room")

    rows = await store.queries.calls(limit=5)
    assert ["c-2"] == [row["call_id"] for row in rows if row["permalink"] is None]


def test_only_the_queries_read_audit_rows() -> None:
    """
    Another reader of the table could forget to hide something.
    """
    folder = Path(seedcore.store.__file__).parent.parent
    readers = set()
    for file in folder.rglob("*.py"):
        names = {
            node.id if isinstance(node, ast.Name) else getattr(node, "name", "")
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            if isinstance(node, (ast.Name, ast.alias))
        }
        if "tortoise" in file.read_text(encoding="utf-8") and "Call" in names:
            readers.add(file.relative_to(folder).as_posix())

    assert {"store/queries.py"} == readers


async def test_a_question_that_fails_is_a_database_error(store: Store, database_url: str) -> None:
    """
    No exception of a driver or of Tortoise reaches a command or a surface.
    """
    look(database_url, "DROP TABLE seedcore_calls")
    if is_postgres(database_url):
        told = "can't be used: its tables are missing; run 'seedcore db migrate'"
    else:
        told = "can't be used: OperationalError: no such table"

    with pytest.raises(DatabaseError, match=told):
        await store.queries.calls()


async def test_one_call_is_found_as_every_reader_sees_it(store: Store) -> None:
    """
    With its failures, the newest first: an id may fail and succeed later.
    """
    await store.write(audit_record("c-1"))
    for number in range(3):
        store.write_failure(failure_record("c-1", created_at=number * SECOND))
    await store.flush()
    row = await store.queries.call("c-1")

    assert row == attrs.asdict(audit_record("c-1"))
    assert await store.queries.call("c-2") is None
    failures = await store.queries.failures_of("c-1", limit=2)
    assert [2 * SECOND, SECOND] == [each["created_at"] for each in failures]
    assert [] == await store.queries.failures_of("c-2")


async def test_pages_follow_each_other(store: Store) -> None:
    """
    Also where many rows are of the same moment, as imported ones are.
    """
    for number in range(7):
        await store.write(audit_record(f"c-{number}", created_at=SECOND * (number // 4)))
    seen: list[str] = []
    before = None
    while page := await ids(store, limit=2, before=before):
        seen += page
        before = page[-1]

    assert [f"c-{number}" for number in (6, 5, 4, 3, 2, 1, 0)] == seen
    assert [] == await ids(store, before="never")


async def test_failures_are_counted_by_kind_and_time(store: Store) -> None:
    """
    In steps from the epoch on.
    """
    kinds = [(0, "A"), (59, "A"), (59.5, "B"), (60, "A"), (200, "B")]
    for number, (seconds, kind) in enumerate(kinds):
        record = failure_record(f"f-{number}", created_at=int(seconds * SECOND), error_type=kind)
        store.write_failure(record)
    await store.flush()

    assert [
        {"start": 0.0, "error_type": "A", "count": 1},
        {"start": 0.0, "error_type": "B", "count": 1},
        {"start": 60.0, "error_type": "A", "count": 1},
        {"start": 180.0, "error_type": "B", "count": 1},
    ] == await store.queries.failures_by_kind(1, 60)


async def test_totals_leave_dry_runs_out(store: Store) -> None:
    """
    Of each provider that has anything, since then.
    """
    await store.write(audit_record("c-1", provider="a", created_at=SECOND))
    await store.write(audit_record("c-2", provider="a", created_at=5 * SECOND))
    await store.write(audit_record("c-3", provider="a", created_at=6 * SECOND, dry=True))
    store.write_failure(failure_record("f-1", provider="b", created_at=5 * SECOND))
    await store.flush()

    assert [
        {"provider": "a", "calls": 1, "failures": 0, "last_at": 5 * SECOND},
        {"provider": "b", "calls": 0, "failures": 1, "last_at": None},
    ] == await store.queries.totals(2)
