"""
What was given about the options of a provider, brought into their shape.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from seedcore.errors import SettingsError
from seedcore.hookspecs import Documents
from seedcore.settings import names_of

SCALARS = frozenset({str, int, float, bool, type(None)})


def combined(documents: Documents, layers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """
    Return a document of all *layers*, later ones over earlier ones; a copy through and through.

    A dotted name such as ``item.pool`` means the name inside, and what is no option goes to the
    one that takes everything, where there is one. Raises SettingsError for a class of options
    that can't be used, and for a document that contains itself.
    """
    try:
        return _combined(documents, layers)
    except RecursionError:
        msg = "it is nested too deeply"
    raise SettingsError(msg)


def _combined(documents: Documents, layers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    names = names_of(documents.options) if documents.options else ()
    opened = documents.open_options
    whole: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            place, key = whole, name
            if name not in names:
                head, dot, rest = str(name).partition(".")
                if dot and head in names:
                    place, key = _inside(whole, head), rest
                elif opened is not None:
                    place = _inside(whole, opened)
            _put(place, key, value)
    return whole


def copied(value: Any) -> Any:
    """
    Return a copy of *value* that shares nothing with it which could be changed.
    """
    if type(value) in SCALARS:
        return value
    if isinstance(value, Mapping):
        return {name: copied(item) for name, item in value.items()}
    if type(value) is list:
        return [copied(item) for item in value]
    try:
        return copy.deepcopy(value)
    except Exception:  # noqa: BLE001 - an object that can't be copied: shared, then
        return value


def is_unchangeable(value: Any) -> bool:
    """
    Whether nothing in *value* can be changed: scalars, tuples, frozen classes of attrs.
    """
    if type(value) in SCALARS:
        return True
    if type(value) in (tuple, frozenset):
        return all(map(is_unchangeable, value))
    kind: Any = type(value)
    # Classes that only check what is set have a __setattr__ of their own, too.
    if not attrs.has(kind) or kind.__setattr__.__name__ != "_frozen_setattrs":
        return False
    return all(is_unchangeable(getattr(value, field.name)) for field in attrs.fields(kind))


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return a copy of both as one; mappings inside them are merged too, and *above* wins.
    """
    whole: dict[str, Any] = copied(below)
    for name, value in above.items():
        _put(whole, name, value)
    return whole


def _inside(place: dict[str, Any], name: str) -> dict[str, Any]:
    inner = place.get(name)
    if not isinstance(inner, dict):
        inner = place[name] = {}
    return inner


def _put(place: dict[str, Any], name: str, value: Any) -> None:
    """
    Set *name*, or add to the mapping that is there already.
    """
    if isinstance(value, Mapping) and isinstance(place.get(name), dict):
        for key, item in value.items():
            _put(place[name], key, item)
    else:
        place[name] = copied(value)
