"""
How records become rows.
"""

from __future__ import annotations

import datetime
import json
from decimal import Decimal
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

import attrs
import pytest

from seedcore.model import AuditRecord, BreakerRecord, FailureRecord
from seedcore.store import rows
from seedcore.store.models import Breaker, Call, Failure
from seedcore.store.rows import CALLS, FAILURES, Rows, Table, spoken
from seedcore.store.state import CIRCUIT_COLUMNS
from support.stored import audit_record


@attrs.frozen
class Coordinates:
    """
    A record of two columns.
    """

    x: int
    y: int


def stored(value: object) -> Any:
    """
    Return what *value* among the settings is read back as.
    """
    row = CALLS.row(audit_record(settings={"x": value}))
    return json.loads(row[CALLS.columns.index("settings")])["x"]


@pytest.mark.parametrize(
    ("columns", "model", "record"),
    [
        (CALLS.columns, Call, AuditRecord),
        (FAILURES.columns, Failure, FailureRecord),
        (CIRCUIT_COLUMNS, Breaker, BreakerRecord),
    ],
)
def test_a_column_per_field(columns: tuple[str, ...], model: Any, record: Any) -> None:
    """
    Records, models and statements have the same columns in the same order.
    """
    fields = [field.name for field in attrs.fields(record)]

    assert fields == list(columns)
    assert fields == [name for name in model._meta.fields_db_projection if name != "id"]


def test_values_are_taken_as_they_are() -> None:
    """
    Only the three mappings are written as JSON.
    """
    record = audit_record(settings={"ä": [1, None, True]}, seed={}, report=MappingProxyType({}))
    expected = attrs.asdict(record, recurse=False)
    expected |= {"settings": '{"\\u00e4":[1,null,true]}', "seed": "{}", "report": "{}"}

    assert list(expected.values()) == list(CALLS.row(record))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (MappingProxyType({"a": MappingProxyType({})}), {"a": {}}),
        ({"b", "a"}, ["a", "b"]),
        (("a", 1), ["a", 1]),
        (datetime.date(2024, 2, 29), "2024-02-29"),
        (Decimal("1.50"), "1.50"),
        (PurePosixPath("a/b"), "a/b"),
    ],
)
def test_settings_may_hold_more_than_json_knows(value: object, expected: object) -> None:
    """
    A plugin's settings are kept even where they are no plain data.
    """
    assert expected == stored(value)


def test_json_is_the_same_without_the_fast_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An interpreter without CPython's encoder writes the same text.
    """
    record = audit_record(settings={"ä": [1.5, None, True], "set": {"a"}, "nested": {"b": {}}})
    fast = CALLS.row(record)
    monkeypatch.setattr(json.encoder, "c_make_encoder", None)
    monkeypatch.setattr(rows, "_pieces", rows._encoder())

    assert fast == CALLS.row(record)


def test_an_unknown_object_shows_its_type_only() -> None:
    """
    Its repr could hold a secret.
    """

    class Token:
        def __repr__(self) -> str:
            return "Token('pa55word')"

    assert stored(Token()) == "<Token>"


def test_rows_hide_their_values() -> None:
    """
    aiosqlite logs its arguments at DEBUG, and a row may hold a sealed permalink.
    """
    two = Rows([CALLS.row(audit_record()), CALLS.row(audit_record())])

    assert "<2 rows>" == f"{two}" == repr(two)


def test_what_a_provider_says_is_cut_to_its_column() -> None:
    """
    PostgreSQL would refuse the row, and SQLite would take it.
    """
    row = CALLS.row(audit_record(randomizer="r" * 201, gentype="g" * 51, genoption="o" * 999))
    shown = dict(zip(CALLS.columns, row, strict=True))

    assert ("r" * 200, "g" * 50) == (shown["randomizer"], shown["gentype"])
    assert "o" * 999 == shown["genoption"]


@pytest.mark.parametrize("column", ["surface", "permalink"])
@pytest.mark.parametrize(
    ("text", "expected"), [("a\x00b", "a\ufffdb"), ("a\ud800b", "a?b"), ("ä\x00", "ä\ufffd")]
)
def test_a_text_no_database_takes_is_mended(column: str, text: str, expected: str) -> None:
    """
    A NUL is none for PostgreSQL, half of a surrogate pair for neither.
    """
    row = CALLS.row(audit_record(**{column: text}))

    assert expected == row[CALLS.columns.index(column)]


@pytest.mark.parametrize("odd", ["a\x00b", "a\ud800b"])
def test_so_is_one_within_json(odd: str) -> None:
    """
    In keys as in values, and what only looks like one stays.
    """
    row = CALLS.row(audit_record(settings={odd: [odd], "plain": "\\ud800 \\u0000"}))
    text = row[CALLS.columns.index("settings")]
    mended = odd.replace("\x00", "\ufffd").replace("\ud800", "?")

    assert {mended: [mended], "plain": "\\ud800 \\u0000"} == json.loads(text)
    assert "\\u0000" not in text.replace("\\\\", "")
    assert "\\ud8" not in text.replace("\\\\", "")


def test_a_statement_marks_its_values_as_the_database_expects() -> None:
    """
    Question marks for SQLite, numbers for PostgreSQL.
    """
    table = Table("t", Coordinates, "ON CONFLICT DO NOTHING")

    assert "INSERT INTO t (x, y) VALUES (?, ?) ON CONFLICT DO NOTHING" == table.insert
    assert table.insert == spoken(table.insert, "sqlite")
    assert "INSERT INTO t (x, y) VALUES ($1, $2) ON CONFLICT DO NOTHING" == spoken(
        table.insert, "postgres"
    )


@pytest.mark.parametrize(
    ("dialect", "now", "day"),
    [("sqlite", "julianday('now')", "strftime("), ("postgres", "clock_timestamp()", "to_char(")],
)
def test_a_statement_has_the_time_of_the_database(dialect: Any, now: str, day: str) -> None:
    """
    No process's clock matters to another one.
    """
    told = spoken("SELECT {now}, {day}", dialect)

    assert now in told
    assert day in told
    assert "{" not in told
