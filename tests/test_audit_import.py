"""
Rows of an earlier audit table: what is made of their columns, and that each is added once.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st

from seedcore.errors import DatabaseError
from seedcore.model import AuditRecord
from seedcore.store import Store
from seedcore.store.earlier import Reading
from seedcore.store.imports import KNOWN, NEW, TAKEN, Rehearsal
from support.stored import audit_record, look

pytestmark = pytest.mark.dialects

NOON = round(datetime(2024, 5, 1, 12, tzinfo=UTC).timestamp() * 1e6)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """
    An open store.
    """
    opened = await Store.open(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def rehearsal() -> Iterator[Rehearsal]:
    """
    An import where there is no database yet.
    """
    opened = Rehearsal(None)
    yield opened
    opened.close()


def line(**columns: Any) -> bytes:
    """
    Return a row of the earlier table, with some of its columns replaced.
    """
    row = {
        "id": 7,
        "randomizer": "alttpr",
        "hash_id": "abc",
        "permalink": "https://alttpr.com/h/abc",
        "settings": {"goal": "ganon"},
        "gentype": "preset",
        "genoption": "open",
        "timestamp": "2024-05-01 12:00:00",
        "customizer": 0,
        "doors": False,
        "avianart": False,
    }
    return json.dumps(row | columns).encode()


def record(reading: Reading | None = None, **columns: Any) -> AuditRecord:
    """
    Return what is made of that row.
    """
    return (reading or Reading()).record(line(**columns))


def exported(call_id: str = "c-1", **changes: Any) -> bytes:
    """
    Return a line as ``seedcore audit export`` prints it.
    """
    made = audit_record(call_id)
    row = {name: getattr(made, name) for name in AuditRecord.__slots__ if name != "__weakref__"}
    return json.dumps(row | changes).encode()


# ------------------------------------------------------------------------- an earlier row


def test_what_the_row_says_is_kept() -> None:
    """
    And what nobody knows is named in the report, since its columns can't be empty.
    """
    made = record()

    assert ("alttpr", "generate", "import", "alttpr") == (
        made.provider,
        made.operation,
        made.surface,
        made.randomizer,
    )
    assert ("preset", "open", "abc", "https://alttpr.com/h/abc") == (
        made.gentype,
        made.genoption,
        made.hash_id,
        made.permalink,
    )
    assert ({"goal": "ganon"}, NOON) == (made.settings, made.created_at)
    assert (0, 0.0, False, "off", False) == (
        made.attempt_count,
        made.latency_ms,
        made.race,
        made.spoilers,
        made.sealed,
    )
    assert "audit_generated_games" == made.report["imported_from"]
    assert ["attempt_count", "latency_ms", "surface", "race", "spoilers"] == made.report["unknown"]


@pytest.mark.parametrize(
    ("columns", "provider"),
    [
        ({"doors": True}, "alttprdoor"),
        ({"doors": "1"}, "alttprdoor"),
        ({"avianart": 1}, "avianart"),
        ({"avianart": "true", "randomizer": None}, "avianart"),
        ({"randomizer": "smz3", "doors": "0", "avianart": None}, "smz3"),
        ({"randomizer": "ctjets", "doors": "", "avianart": "false"}, "ctjets"),
    ],
)
def test_the_provider_is_told_by_flags_and_randomizer(
    columns: dict[str, Any], provider: str
) -> None:
    """
    True may be written in any way that a database has.
    """
    assert provider == record(**columns).provider


def test_a_mystery_is_an_operation_of_its_own() -> None:
    """
    Its rolled settings are kept as they are: columns of the audit are for operators.
    """
    made = record(gentype="mystery", genoption="weighted", settings={"mode": "open"})

    assert ("mystery", "weighted", {"mode": "open"}) == (
        made.operation,
        made.genoption,
        made.settings,
    )


@pytest.mark.parametrize(
    ("settings", "race", "spoilers", "unknown"),
    [
        ({"tournament": True, "spoilers": "off"}, True, "off", []),
        ({"race": "true"}, True, "off", ["spoilers"]),
        ({"tournament": False, "spoilers": "on"}, False, "on", []),
        ({"tournament": [], "spoilers": {}}, False, "off", []),
    ],
)
def test_race_and_spoilers_are_what_the_settings_say(
    settings: dict[str, Any], race: bool, spoilers: str, unknown: list[str]
) -> None:
    """
    The table had no columns for them.
    """
    made = record(settings=settings)

    assert (race, spoilers) == (made.race, made.spoilers)
    assert ["attempt_count", "latency_ms", "surface", *unknown] == made.report["unknown"]


@pytest.mark.parametrize(
    ("timestamp", "microseconds"),
    [
        ("2024-05-01 12:00:00.123456", NOON + 123456),
        ("2024-05-01T14:00:00+02:00", NOON),
        ("2024-05-01T12:00:00Z", NOON),
        ("2024-05-01 12:00:00+00", NOON),
        ("2024-05-01", NOON - 12 * 3600 * 1_000_000),
        (NOON // 1_000_000, NOON),
        (NOON / 1e6 + 0.5, NOON + 500_000),
        (str(NOON // 1_000_000), NOON),
        (None, 0),
        ("", 0),
        ("0000-00-00 00:00:00", 0),
    ],
)
def test_a_time_in_any_form(timestamp: Any, microseconds: int) -> None:
    """
    Without a zone it is UTC; a row that has none is of 1970, and is counted.
    """
    reading = Reading()
    made = record(reading, timestamp=timestamp)

    assert microseconds == made.created_at
    assert int(microseconds == 0) == reading.undated
    assert ("created_at" in made.report["unknown"]) == (microseconds == 0)


def test_secrets_are_taken_out_of_settings() -> None:
    """
    Wherever they are nested, in texts of JSON too; what only sounds so stays.
    """
    kept = {"keysanity": "on", "bigkey": "wild", "Key": 4, "tokens": "all", "goal": None}
    secret = {"spoilerKey": "hush", "api_key": "hush", "PASSWORD": "hush", "clientSecret": "hush"}
    inner = json.dumps({"a": 1, "spoilerKey": "hush"})
    reading = Reading()
    made = record(reading, settings={**kept, **secret, "worlds": [{"settings": inner, **secret}]})

    assert {**kept, "worlds": [{"settings": '{"a": 1}'}]} == made.settings
    assert 9 == reading.secrets


@pytest.mark.parametrize(
    "settings", ['{"goal": "ganon"}', json.dumps('{"goal": "ganon"}'), {"goal": "ganon"}]
)
def test_settings_may_be_a_text_of_json(settings: object) -> None:
    """
    Many databases export them so.
    """
    assert {"goal": "ganon"} == record(settings=settings).settings


def test_empty_columns() -> None:
    """
    Null and an empty text are the same, and so is a column that isn't there.
    """
    made = Reading().record(b'{"randomizer": "sm", "hash_id": "", "settings": null}')

    assert (None, None, None, {}, "unknown", 0) == (
        made.hash_id,
        made.permalink,
        made.genoption,
        made.settings,
        made.gentype,
        made.created_at,
    )
    assert made.call_id.startswith("import:audit_generated_games:row-")


def test_an_id_is_the_same_each_time() -> None:
    """
    It is that of the row, or a digest of it, however the row was exported.
    """
    with_settings = {"id": None, "settings": '{"goal": "ganon"}', "doors": "0"}

    assert "import:audit_generated_games:7" == record().call_id == record(id="7").call_id
    assert "import:other:7" == record(Reading(source="other"), id=7.0).call_id
    assert record(id=None).call_id == record(**with_settings).call_id
    assert record(id=None).call_id != record(id=None, timestamp="2024-05-02").call_id


def test_other_columns_are_told_once() -> None:
    """
    Those of a bad line aren't.
    """
    reading = Reading()
    for guild in (1, 2):
        record(reading, guild=guild, server="eu")
    with pytest.raises(ValueError, match="'doors' must be true or false"):
        record(reading, doors="maybe", more=1)

    assert ["guild", "server"] == list(reading.ignored)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it is no JSON: Expecting value (at character 1)"),
        (b"{", "it is no JSON: Expecting property name enclosed in double quotes (at character 2)"),
        (b"\xff\xfe{\x00", "it is no UTF-8 text"),
        (b"[{}]", "it must be a JSON object: each row is one, on a line of its own"),
        (b"{}", "'randomizer' must say which one it was"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b'{"a":' * 100_000, "it is nested too deeply"),
        (b'{"id": ' + b"9" * 5_000 + b"}", "it has a number with too many digits"),
        (line(settings=json.loads("[" * 400 + "]" * 400)), "'settings' must be a JSON object"),
        (line(settings={"a": json.loads("[" * 400 + "]" * 400)}), "it is nested too deeply"),
        (line(settings={"a": "[" * 100_000}), "it is nested too deeply"),
        (line(settings="{" * 9), "'settings' must be a JSON object, or the text of one"),
        (line(settings="[" * 100_000), "it is nested too deeply"),
        (line(settings=3), "'settings' must be a JSON object, or the text of one"),
        (line(avianart=2), "'avianart' must be true or false, 1 or 0"),
        (line(customizer=[]), "'customizer' must be true or false, 1 or 0"),
        (line(permalink=["x"]), "'permalink' must be a text"),
        (line(randomizer="x" * 201), "'randomizer' must be a printable text of 1 to 200"),
        (line(randomizer="a\u202eb"), "'randomizer' must be a printable text"),
        (line(gentype="x" * 51), "'gentype' must be a printable text of 1 to 50 characters"),
        (line(id="a\x00"), "'id' must be a printable text of 1 to 100 characters"),
        (line(id=True), "'id' must be a printable text"),
        (line(timestamp="yesterday"), "'timestamp' must be a time such as 2024-05-01 12:00:00"),
        (line(timestamp=1e300), "'timestamp' must be"),
        (line(timestamp=10**400), "'timestamp' must be"),
        (line(timestamp=-1), "'timestamp' must be"),
        (line(timestamp=1714564800123), "'timestamp' must be"),
        (line(timestamp=True), "'timestamp' must be"),
        (line(timestamp=float("nan")), "'timestamp' must be"),
        (line(timestamp="0001-01-01T00:00:00+14:00"), "'timestamp' must be"),
        (exported(call_id=None), "'call_id' must be a printable text of 1 to 200 characters"),
        (exported(provider="x" * 201), "'provider' must be a printable text"),
        (exported(attempt_count=1.5), "'attempt_count' must be a whole number"),
        (exported(attempt_count=2**31), "'attempt_count' must be a number from 0 to 2147483647"),
        (exported(latency_ms="1"), "'latency_ms' must be a number from 0"),
        (exported(created_at=float("inf")), "'created_at' must be a number from 0"),
        (exported(spoilers="x" * 21), "'spoilers' must be a printable text of 1 to 20 characters"),
    ],
)
def test_a_bad_line_has_a_sentence(content: bytes, problem: str) -> None:
    """
    Which column, and what it may be; no value is quoted.
    """
    with pytest.raises(ValueError, match="^i|^'") as caught:
        Reading().record(content)
    assert str(caught.value).startswith(problem)


@given(
    st.dictionaries(
        st.sampled_from(["id", "randomizer", "settings", "timestamp", "doors", "call_id", "seed"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=5,
        ),
    )
)
@hypothesis_settings(max_examples=200, deadline=None, derandomize=True)
def test_nothing_else_is_raised(row: dict[str, Any]) -> None:
    """
    A line is a row or a sentence, whatever its columns hold.
    """
    try:
        made = Reading().record(json.dumps(row).encode())
    except ValueError:
        return
    assert made.call_id.isprintable()


# ---------------------------------------------------------------------------- adding them


async def test_rows_are_added_once(store: Store) -> None:
    """
    A second import of the same rows adds nothing, also in one transaction with new ones.
    """
    rows = [record(id=number) for number in range(30)]
    again = await store.imports.add(rows[:20])
    outcomes = await store.imports.add([*rows, rows[-1]])
    calls = await store.queries.calls(limit=99)

    assert [NEW] * 20 == again
    assert [KNOWN] * 20 + [NEW] * 10 + [KNOWN] == outcomes
    assert {row.call_id for row in rows} == {row["call_id"] for row in calls}
    assert 30 == len(calls)
    assert [] == await store.imports.add([])


async def test_the_row_in_the_database(store: Store) -> None:
    """
    It reads as any other, whatever its texts hold.
    """
    made = record(
        settings={"spoilerKey": "hush", "name": "a\x00b \ud800"}, customizer=1, permalink="x\x00y"
    )
    await store.imports.add([made])
    [row] = await store.queries.calls()

    assert {"customizer": True} == row["seed"]
    assert {"name": "a\ufffdb ?"} == row["settings"]
    assert "x\ufffdy" == row["permalink"]
    assert ("alttpr", NOON, made.report) == (row["provider"], row["created_at"], row["report"])
    assert await store.queries.has_call("import:audit_generated_games:7")


async def test_an_id_of_another_table_is_told(store: Store) -> None:
    """
    Unless the other table gets a source of its own. A time that is another is the same row's.
    """
    await store.imports.add([record(), record(id=8)])
    other = {"hash_id": "other", "permalink": "https://alttpr.com/h/other"}
    later = "2025-05-01 12:00:00"  # the table dates a row anew whenever it is saved

    assert [TAKEN] == await store.imports.add([record(**other)])
    assert [KNOWN] == await store.imports.add([record(timestamp=later)])
    assert [NEW] == await store.imports.add([record(Reading(source="two"), **other)])
    assert [NEW, TAKEN] == await store.imports.add([record(id=9), record(id=9, **other)])


async def test_an_exported_line_is_the_same_row_again(store: Store) -> None:
    """
    So rows can move to another database; those that are there stay as they are.
    """
    await store.write(audit_record("c-1"))
    await store.write(audit_record("c-2", sealed=True))
    await store.imports.add([record()])
    before = [row async for row in store.queries.export()]
    rows = [Reading().record(json.dumps(row).encode()) for row in before]
    reading = Reading()
    moved = reading.record(exported("c-3", guild=1))

    assert [KNOWN] * 3 + [NEW] == await store.imports.add([*rows, moved])
    assert before == [row async for row in store.queries.export()][:3]
    assert [*before[0].values()][1:6] == [*(await store.queries.calls())[1].values()][1:6]
    assert ["guild"] == list(reading.ignored)
    assert "discord" == moved.surface


async def test_a_row_that_the_database_refuses(store: Store, database_url: str) -> None:
    """
    The others are written without it.
    """
    wrong = audit_record("c-9", surface=None)
    outcomes = await store.imports.add([record(id=1), wrong, record(id=2)])

    assert [NEW, NEW] == outcomes[::2]
    assert outcomes[1].startswith("the database refuses it: ")
    assert [(2,)] == look(database_url, "SELECT count(*) FROM seedcore_calls")


async def test_a_database_that_is_gone(store: Store, database_url: str) -> None:
    """
    Is an error, and no row's fault.
    """
    look(database_url, "DROP TABLE seedcore_calls")

    with pytest.raises(DatabaseError, match="can't be used"):
        await store.imports.add([record()])


# ----------------------------------------------------------------------------- a dry run


async def test_a_rehearsal_says_the_same(store: Store, database_url: str) -> None:
    """
    It knows what is there, and what it would have written itself.
    """
    await store.imports.add([record()])
    rehearsal = Rehearsal(store.imports if await store.imports.has_table() else None)
    try:
        first = await rehearsal.add([record(), record(id=8), record(id=8, hash_id="other")])
        second = await rehearsal.add([record(id=8), record(hash_id="other")])
    finally:
        rehearsal.close()

    assert ([KNOWN, NEW, TAKEN], [KNOWN, TAKEN]) == (first, second)
    assert [(1,)] == look(database_url, "SELECT count(*) FROM seedcore_calls")


async def test_a_rehearsal_without_a_database(rehearsal: Rehearsal) -> None:
    """
    Everything is new, once.
    """
    assert [NEW, KNOWN] == await rehearsal.add([record(), record()])
    assert [KNOWN, NEW] == await rehearsal.add([record(), record(id=8)])


async def test_tables_that_are_not_made_yet(database_url: str) -> None:
    """
    A database without them has no rows.
    """
    if not database_url.startswith("postgres"):
        Path(database_url.removeprefix("sqlite://")).touch()
    opened = await Store.open(database_url, migrating=False)
    try:
        assert not await opened.imports.has_table()
    finally:
        await opened.close()
