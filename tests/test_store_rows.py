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
from seedcore.store.rows import BREAKERS, CALLS, FAILURES, Rows, Table
from support.stored import audit_record


def stored(value: object) -> Any:
    """
    Return what *value* among the settings is read back as.
    """
    row = CALLS.row(audit_record(settings={"x": value}))
    return json.loads(row[CALLS.columns.index("settings")])["x"]


@pytest.mark.parametrize(
    ("table", "model", "record"),
    [
        (CALLS, Call, AuditRecord),
        (FAILURES, Failure, FailureRecord),
        (BREAKERS, Breaker, BreakerRecord),
    ],
)
def test_a_column_per_field(table: Table, model: Any, record: Any) -> None:
    """
    Records, models and statements have the same columns in the same order.
    """
    fields = [field.name for field in attrs.fields(record)]

    assert fields == list(table.columns)
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


def test_a_statement_marks_its_values_as_the_database_expects() -> None:
    """
    Question marks for SQLite, numbers for PostgreSQL.
    """
    table = Table("t", BreakerRecord, "ON CONFLICT DO NOTHING")
    columns = "provider, operation, state, generation, open_until, reopened, successes, updated_at"

    assert table.insert("sqlite") == (
        f"INSERT INTO t ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
    )
    assert "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON" in table.insert("postgres")
