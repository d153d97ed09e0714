"""
One level of a weightset's document: its top, or the weights of a sub.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from seedcore.errors import did_you_mean
from seedcore_alttpr.mystery import doors
from seedcore_alttpr.mystery.catalogue import OPTIONS, OUTSIDE
from seedcore_alttpr.mystery.kinds import Choice, Switch, Text, Whole
from seedcore_alttpr.mystery.pool import ITEM, SIZE
from seedcore_alttpr.mystery.problems import Problems, Unfit, inside, shown
from seedcore_alttpr.mystery.rules import read_rules
from seedcore_alttpr.mystery.section import read_customizer
from seedcore_alttpr.mystery.tables import known, table_at
from seedcore_alttpr.mystery.weights import Weights, read_weights
from seedcore_alttpr.mystery.weightset import Misc
from seedcore_alttpr.site import BRANCHES

TEXTS = ("description", "goal_name")

UNREAD = ("festive", "tournament", "spoilers")
"""Keys of older documents: the first means nothing, and the others are for the call to say."""

MISC = ("FillItemPoolWith", "force_doors", "branch")

_ITEM = re.compile(r"[^,]{1,100}")  # they are joined by commas

Level = dict[str, Any]
"""What was read of one map of weights, by its keys; the key ``subweights`` as it was written."""


class PresetName:
    """
    The name of a preset, or ``none``.
    """

    _text = Text(200)

    def read(self, value: object) -> str | None:
        """
        Return the name; ``None`` for none.
        """
        if value is None or value is False or value == "none":
            return None
        return self._text.read(value)


class Branch:
    """
    A branch of the site.
    """

    _choice = Choice(BRANCHES)

    def read(self, value: object) -> str:
        """
        Return its name.
        """
        try:
            return self._choice.read(value)
        except Unfit as unfit:
            rule = f"{unfit}; a branch of the Door Randomizer is options.branch"
        raise Unfit(rule)


def read_level(table: Mapping[Any, Any], place: str, problems: Problems) -> Level:
    """
    Return what *table* says; keys that are ``None`` in it are ``None`` in the level too.
    """
    level: Level = {}
    for key, value in table.items():
        where = inside(place, key)
        if not isinstance(key, str):
            problems.add(where, "is unknown")
        elif key in OPTIONS:
            level[key] = _weights_or_none(value, OPTIONS[key].kind, where, problems)
        elif key in _READERS:
            level[key] = _READERS[key](value, where, problems)
        elif key == "subweights":
            level[key] = value
        elif key not in UNREAD:
            _refuse(key, where, problems)
    if place and "preset" in level:
        problems.note(inside(place, "preset"), "has no effect; presets are rolled first of all")
    if place and "branch" in level:
        problems.note(inside(place, "branch"), "has no effect; it counts at the top only")
    return level


def _refuse(key: str, place: str, problems: Problems) -> None:
    if key.startswith(OUTSIDE):
        problems.note(place, "has no effect there; it belongs under customizer.custom")
    elif key == "retro":
        problems.note(place, "has no effect; world_state says it")
    else:
        names = (*OPTIONS, *_READERS, "subweights")
        near = did_you_mean(key, names)
        problems.add(place, f"is unknown{'.' if near else ''}{near}")


def _weights_or_none(value: object, kind: Any, place: str, problems: Problems) -> Weights | None:
    return None if value is None else read_weights(value, kind, place, problems)


def _read_text(value: object, place: str, problems: Problems) -> str | None:
    if value is None or isinstance(value, str):
        return value
    problems.add(place, "must be a text")
    return None


def _read_presets(value: object, place: str, problems: Problems) -> Weights | None:
    return _weights_or_none(value, PresetName(), place, problems)


def _read_instructions(value: object, place: str, problems: Problems) -> Weights | None:
    return _weights_or_none(value, Text(), place, problems)


def _read_branch(value: object, place: str, problems: Problems) -> str | None:
    return None if value is None else _read_plain(value, Branch(), place, problems)


def _read_plain(value: object, kind: Any, place: str, problems: Problems) -> Any:
    """
    Return a value that is never rolled, ``None`` if it doesn't fit.
    """
    try:
        return kind.read(value)
    except Unfit as unfit:
        problems.add(place, f"{shown(value)} {unfit}")
    return None


def _read_misc(value: object, place: str, problems: Problems) -> Misc | None:
    table = table_at(value, place, f"must be a map with {', '.join(MISC)}", problems)
    if table is None:
        return None
    known(table, MISC, place, problems)
    kinds = (ITEM, Switch(), Choice(doors.BRANCHES))
    found = [
        _read_plain(table[key], kind, inside(place, key), problems)
        if table.get(key) is not None
        else None
        for key, kind in zip(MISC, kinds, strict=True)
    ]
    return Misc(
        filler=found[0] or "Nothing", force_doors=bool(found[1]), branch=found[2] or "stable"
    )


def _read_inventory(value: object, place: str, problems: Problems) -> dict[str, Weights] | None:
    """
    Return what people may begin with in the Door Randomizer.

    It alone knows which items there are: its provider refuses a game with another one.
    """
    table = table_at(value, place, "must be a map of items to weights of their number", problems)
    if table is None:
        return None
    found: dict[str, Weights] = {}
    for key, item in table.items():
        where = inside(place, key)
        if not isinstance(key, str) or not _ITEM.fullmatch(key) or not key.isprintable():
            problems.add(where, "must be the name of an item, in at most 100 characters")
            continue
        weights = _weights_or_none(item, Whole(0, SIZE), where, problems)
        if weights is not None:
            found[key] = weights
    return found


_READERS: Mapping[str, Callable[[object, str, Problems], Any]] = {
    **dict.fromkeys(TEXTS, _read_text),
    "branch": _read_branch,
    "options": _read_misc,
    "preset": _read_presets,
    "rules": read_rules,
    "customizer": read_customizer,
    "startinventory": _read_inventory,
    "custom_instructions": _read_instructions,
}
