"""
The columns of a line of JSON, however its database has exported them.

Whatever is wrong is a ``ValueError`` with a sentence for who has to correct the line.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from seedcore.model import LONGEST_NAME

DEEPEST = 100
"""Levels of a column of JSON."""
LATEST = 10**17
"""Epoch microseconds beyond which nobody means a moment: the year 5138."""
TOO_DEEP = "it is nested too deeply"

Columns = Mapping[str, Any]


def columns_of(line: bytes) -> Columns:
    """
    Return the object that *line* is.
    """
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        msg = "it is no UTF-8 text"
    except json.JSONDecodeError as error:
        msg = f"it is no JSON: {error.msg} (at character {error.pos + 1})"
        if line.lstrip()[:1] in (b"[", b"]") or line.rstrip().endswith(b","):
            msg += "; if the file is one array, write each row as a line of its own instead"
    except ValueError:
        msg = "it has a number with too many digits"
    except RecursionError:
        msg = TOO_DEEP
    else:
        if isinstance(row, dict):
            return row
        msg = "it must be a JSON object: each row is one, on a line of its own"
    raise ValueError(msg) from None


def mapping(row: Columns, name: str) -> dict[str, Any]:
    """
    Return a column of JSON, which many databases export as a text.
    """
    value = row.get(name)
    for _ in range(2):  # the text of an object, or that of such a text
        try:
            value = json.loads(value or "{}") if isinstance(value, str) else value
        except RecursionError:
            raise ValueError(TOO_DEEP) from None
        except ValueError:
            break
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    msg = f"{name!r} must be a JSON object, or the text of one"
    raise ValueError(msg)


# Keys are told by how they are written: ``bigkey`` and ``keysanity`` are no secrets of anybody.
_SECRET = re.compile(
    r"(?i:password|passwd|passphrase|secret|token|^key|api[_-]?key)$|(?:Key|KEY|[_-]key)$"
)


def without_secrets(value: Any, depth: int = 0) -> tuple[Any, int]:
    """
    Return *value* without texts that are secrets by their names, and how many there were.
    """
    if depth > DEEPEST:
        raise ValueError(TOO_DEEP)
    if isinstance(value, dict):
        kept = {name: item for name, item in value.items() if not _is_secret(name, item)}
        pairs = {name: without_secrets(item, depth + 1) for name, item in kept.items()}
        taken = len(value) - len(kept) + sum(each for _, each in pairs.values())
        return {name: item for name, (item, _) in pairs.items()}, taken
    if isinstance(value, list):
        items = [without_secrets(item, depth + 1) for item in value]
        return [item for item, _ in items], sum(each for _, each in items)
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        return _text_without_secrets(value, depth)
    return value, 0


def _text_without_secrets(value: str, depth: int) -> tuple[str, int]:
    # Some sites put their settings as a text into others.
    try:
        inner = json.loads(value)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    except ValueError:
        return value, 0
    cleaned, taken = without_secrets(inner, depth + 1)
    return (json.dumps(cleaned), taken) if taken else (value, 0)


def _is_secret(name: str, value: object) -> bool:
    # A number is none: keys and tokens are also what games have many of.
    return isinstance(value, str) and bool(value) and bool(_SECRET.search(name))


def text(row: Columns, name: str, longest: int | None = None) -> str | None:
    """
    Return a text; a short one, if it may be at most *longest* characters, is printable too.
    """
    value = row.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None or value == "":
        return None
    if isinstance(value, str) and (longest is None or _is_short(value, longest)):
        return value
    msg = f"{name!r} must be a text"
    raise ValueError(msg if longest is None else _must_be_short(name, longest))


def name_in(row: Columns, name: str) -> str:
    """
    Return a short text that has to be there.
    """
    found = text(row, name, LONGEST_NAME)
    if found is None:
        raise ValueError(_must_be_short(name, LONGEST_NAME))
    return found


def _is_short(value: str, longest: int) -> bool:
    return len(value) <= longest and value.isprintable()


def _must_be_short(name: str, longest: int) -> str:
    return f"{name!r} must be a printable text of 1 to {longest} characters"


def id_in(row: Columns) -> str | None:
    """
    Return the id of a row, a number or a short text.
    """
    value = row.get("id")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return text({"id": value}, "id", 100)


_TRUE = frozenset({"1", "true", "t", "on", "yes"})
_FALSE = frozenset({"0", "false", "f", "off", "no", ""})


def boolean(row: Columns, name: str) -> bool:
    """
    Return whether a column is true, as any database says that.
    """
    value = row.get(name)
    word = str(value).lower() if isinstance(value, (bool, int, str)) else None
    if value is None or word in _FALSE:
        return False
    if word in _TRUE:
        return True
    msg = f"{name!r} must be true or false, 1 or 0"
    raise ValueError(msg)


def turned_on(settings: Columns, name: str) -> bool:
    """
    Whether the settings of a game turn *name* on; they may hold anything.
    """
    value = settings.get(name)
    return isinstance(value, (bool, int, str)) and str(value).lower() in _TRUE


def whole(row: Columns, name: str, most: int) -> int:
    """
    Return a whole number from 0 to *most*.
    """
    found = number(row, name, most)
    if int(found) == found:
        return int(found)
    msg = f"{name!r} must be a whole number"
    raise ValueError(msg)


def number(row: Columns, name: str, most: int) -> float:
    """
    Return a number from 0 to *most*.
    """
    value = row.get(name)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= most:
        return value
    msg = f"{name!r} must be a number from 0 to {most}"
    raise ValueError(msg)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = re.compile(r"\d{9,11}(\.\d*)?")


def moment(row: Columns, name: str) -> int:
    """
    Return epoch microseconds, 0 where nothing says when it was: a date and time, UTC unless it
    has a zone, or epoch seconds.
    """
    value = row.get(name)
    if value is None or value == "" or str(value).startswith("0000-00-00"):  # MySQL's none
        return 0
    found = None
    if isinstance(value, str) and not _SECONDS.fullmatch(value):
        found = _written_out(value.strip())
    elif isinstance(value, (int, float, str)) and not isinstance(value, bool):
        found = _counted(value)
    if found is not None and 0 <= found < LATEST:
        return found
    msg = f"{name!r} must be a time such as 2024-05-01 12:00:00, or epoch seconds"
    raise ValueError(msg)


def _counted(value: float | str) -> int | None:
    try:
        seconds = float(value)
    except OverflowError:
        return None
    return round(seconds * 1e6) if math.isfinite(seconds) else None


def _written_out(value: str) -> int | None:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return (found - _EPOCH) // timedelta(microseconds=1)
