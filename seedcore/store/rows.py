"""
How records become rows, and the statements that write them.

Statements are written once: ``?`` for a value, ``{now}`` for the database's own clock in epoch
microseconds and ``{day}`` for the day of ``created_at`` become what the dialect calls them.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Set as AbstractSet
from datetime import date
from decimal import Decimal
from operator import attrgetter
from pathlib import PurePath
from typing import Any
from uuid import UUID

import attrs

from seedcore.model import AuditRecord, FailureRecord, LogRecord
from seedcore.store.address import Dialect

_JSON_COLUMNS = ("settings", "seed", "report", "objects")
_LONGEST = {"randomizer": 200, "gentype": 50}
"""Most characters of the columns that a provider's ``audit`` hook may fill with anything."""

_NOW: Mapping[str, str] = {
    # A statement's start, not its transaction's, which may have waited.
    "postgres": "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000000.0 AS INTEGER)",
}
_DAY: Mapping[str, str] = {
    "postgres": ("to_char(to_timestamp(created_at / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD')"),
    "sqlite": "strftime('%Y-%m-%d', created_at / 1000000, 'unixepoch')",
}

Row = list[Any]


@functools.cache
def spoken(statement: str, dialect: Dialect) -> str:
    """
    Return *statement* as the database of *dialect* understands it.
    """
    statement = statement.replace("{now}", _NOW[dialect]).replace("{day}", _DAY[dialect])
    if dialect == "sqlite":
        return statement
    numbers = itertools.count(1)
    return re.sub(r"\?", lambda _: f"${next(numbers)}", statement)


class Rows(list[Row]):
    """
    The rows of one transaction; their repr hides the values.

    aiosqlite logs its arguments at DEBUG, sealed permalinks included.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} rows>"


class Table:
    """
    The rows of one record class: a column per field, in the same order.
    """

    def __init__(self, name: str, record: type[attrs.AttrsInstance], conflict: str = "") -> None:
        self.name = name
        self.columns = tuple(field.name for field in attrs.fields(record))
        marks = ", ".join("?" for _ in self.columns)
        columns = ", ".join(self.columns)
        self.insert = f"INSERT INTO {name} ({columns}) VALUES ({marks}) {conflict}"  # noqa: S608 - ours
        places = {name: place for place, name in enumerate(self.columns)}
        self._long = tuple((places[c], most) for c, most in _LONGEST.items() if c in places)
        self._take = attrgetter(*self.columns)
        self._json = tuple(self.columns.index(c) for c in _JSON_COLUMNS if c in self.columns)

    def row(self, record: attrs.AttrsInstance) -> Row:
        """
        Return *record* as a row; raises what ``json`` raises for a mapping it can't write.
        """
        row = [_writable(value) for value in self._take(record)]
        for place in self._json:
            row[place] = _json(row[place]) if row[place] else "{}"
        for place, most in self._long:
            row[place] = row[place][:most]
        return row


def _writable(value: Any) -> Any:
    # Half of a surrogate pair, as JSON can bring it, is no text for a database, and a NUL
    # none for PostgreSQL.
    if type(value) is not str:
        return value
    if "\x00" in value:
        value = value.replace("\x00", "\ufffd")
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def _json(value: object) -> str:
    try:
        try:
            text = "".join(_pieces(value, 0))
        except (TypeError, ValueError):  # odd keys, nan, numbers with too many digits
            return json.dumps(_spelled_out(value))
        if "\\u0000" in text or "\\ud" in text:  # what _writable takes out of plain texts
            return json.dumps(_spelled_out(value))
        return text
    except RecursionError:
        return '{"...": "nested too deeply"}'


def _spelled_out(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_writable(str(key)): _spelled_out(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, AbstractSet)):
        return [_spelled_out(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int) and value.bit_length() > 10_000:
        return "<int>"
    return _writable(value if value is None or isinstance(value, (str, int)) else _plain(value))


def _plain(value: object) -> Any:
    # A plugin's settings may hold more than JSON knows. The repr of an unknown object may
    # hold anything, a secret too.
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, AbstractSet):
        return sorted(value, key=str)
    if isinstance(value, (date, Decimal, UUID, PurePath)):
        return str(value)
    return f"<{type(value).__name__}>"


def _encoder() -> Callable[[object, int], Iterable[str]]:
    # ``JSONEncoder.encode`` makes this function anew for every value, which costs as much as
    # the value itself; an audit row has three.
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # not CPython
        return lambda value, _: json.dumps(value, default=_plain, separators=(",", ":"))
    escape = json.encoder.encode_basestring_ascii
    encode: Callable[[object, int], Iterable[str]]
    encode = make(None, _plain, escape, None, ":", ",", False, False, False)
    return encode


_pieces = _encoder()

CALLS = Table("seedcore_calls", AuditRecord, "ON CONFLICT (call_id) DO NOTHING")
FAILURES = Table("seedcore_failures", FailureRecord)
LOGS = Table("seedcore_logs", LogRecord)
