"""
Texts and values that can be shown: printable, and as plain as JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Set as AbstractSet
from typing import Any


def printable(text: object) -> str:
    """
    Return *text* without what would steer a terminal: controls, escapes, bidirectional marks.
    """
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(mark if mark.isprintable() else " " for mark in shown)


def one_line(text: object) -> str:
    """
    Return *text* as one printable line.
    """
    return printable(" ".join(str(text).split()))


def lines_of(text: object) -> str:
    """
    Return *text* as printable lines; empty ones are left out.
    """
    return "\n".join(filter(None, map(one_line, str(text).splitlines())))


def text_of(value: object) -> str:
    """
    Return *value* for a person: text as it is, everything else as compact JSON.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return one_line(value)
    return printable(json.dumps(plain(value), ensure_ascii=False))


def plain(value: Any) -> Any:
    """
    Return *value* as JSON can hold it, without the secret fields of records.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, AbstractSet)):
        return [plain(item) for item in value]
    if hasattr(type(value), "__attrs_attrs__"):
        fields = type(value).__attrs_attrs__
        shown = (field.name for field in fields if not field.metadata.get("secret"))
        return {name: plain(getattr(value, name)) for name in shown}
    return _named(value)


def _named(value: object) -> str:
    from datetime import date
    from decimal import Decimal
    from enum import Enum
    from pathlib import PurePath
    from uuid import UUID

    if isinstance(value, Enum):
        return str(value.value)
    # The repr of an unknown object may hold anything, a secret too.
    known = (date, Decimal, PurePath, UUID)
    return str(value) if isinstance(value, known) else f"<{type(value).__name__}>"
