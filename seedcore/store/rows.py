"""
How records become rows, and the statements that write them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Set as AbstractSet
from datetime import date
from decimal import Decimal
from operator import attrgetter
from pathlib import PurePath
from typing import Any
from uuid import UUID

import attrs

from seedcore.model import AuditRecord, BreakerRecord, FailureRecord

_JSON_COLUMNS = ("settings", "seed", "report")


Row = list[Any]


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
        self.columns = tuple(field.name for field in attrs.fields(record))
        self._name = name
        self._conflict = conflict
        self._take = attrgetter(*self.columns)
        self._json = tuple(self.columns.index(c) for c in _JSON_COLUMNS if c in self.columns)

    def row(self, record: attrs.AttrsInstance) -> Row:
        """
        Return *record* as a row; raises what ``json`` raises for a mapping it can't write.
        """
        row = [_writable(value) for value in self._take(record)]
        for place in self._json:
            row[place] = _json(row[place]) if row[place] else "{}"
        return row

    def insert(self, dialect: str) -> str:
        """
        Return the statement that inserts one row.
        """
        postgres = dialect == "postgres"
        marks = (f"${place}" if postgres else "?" for place in range(1, len(self.columns) + 1))
        columns = ", ".join(self.columns)
        values = ", ".join(marks)
        return f"INSERT INTO {self._name} ({columns}) VALUES ({values}) {self._conflict}"  # noqa: S608 - ours


def _writable(value: Any) -> Any:
    # Half of a surrogate pair, as JSON can bring it, is no text for a database.
    if type(value) is not str or value.isascii():
        return value
    return value.encode("utf-8", "replace").decode()


def _json(value: object) -> str:
    try:
        try:
            return "".join(_pieces(value, 0))
        except (TypeError, ValueError):  # odd keys, nan, numbers with too many digits
            return json.dumps(_spelled_out(value))
    except RecursionError:
        return '{"...": "nested too deeply"}'


def _spelled_out(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _spelled_out(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, AbstractSet)):
        return [_spelled_out(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int) and value.bit_length() > 10_000:
        return "<int>"
    return value if value is None or isinstance(value, (str, int)) else _plain(value)


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
BREAKERS = Table(
    "seedcore_breakers",
    BreakerRecord,
    # A process that lags behind must not undo what a peer or an operator did later.
    "ON CONFLICT (provider, operation) DO UPDATE SET state = excluded.state, "
    "generation = excluded.generation, open_until = excluded.open_until, "
    "reopened = excluded.reopened, successes = excluded.successes, "
    "updated_at = excluded.updated_at "
    "WHERE excluded.generation > seedcore_breakers.generation "
    "OR (excluded.generation = seedcore_breakers.generation "
    "AND excluded.updated_at >= seedcore_breakers.updated_at)",
)
