"""
The maps of a document: whether they are there, and have only the keys they may have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from seedcore.errors import did_you_mean
from seedcore_alttpr.mystery.problems import Problems, inside, shown


def table_at(value: object, place: str, rule: str, problems: Problems) -> Mapping[Any, Any] | None:
    """
    Return *value* if it is a map, ``None`` if it is none or not there; *rule* says what it must be.
    """
    if value is None:
        return None
    if isinstance(value, Mapping):
        return value
    problems.add(place, rule)
    return None


def known(table: Iterable[object], names: tuple[str, ...], place: str, problems: Problems) -> None:
    """
    Add a problem for each key of *table* that is none of *names*.
    """
    for key in table:
        if key not in names:
            text = f"is unknown.{did_you_mean(shown(key), names)} Known: {', '.join(names)}"
            problems.add(inside(place, key), text)
