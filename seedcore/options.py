"""
What was given about the options of a provider, brought into their shape.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from seedcore.hookspecs import Declaration
from seedcore.settings import names_of


def combined(declaration: Declaration, layers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """
    Return a document of all *layers*, later ones over earlier ones; a copy through and through.

    A dotted name such as ``item.pool`` means the name inside, and what is no option goes to the
    one that takes everything, where there is one. Raises SettingsError for a class of options
    that can't be used.
    """
    names = names_of(declaration.options) if declaration.options else ()
    whole: dict[str, Any] = {}
    for layer in layers:
        for name, value in copy.deepcopy(dict(layer)).items():
            head, dot, rest = str(name).partition(".")
            part = {name: value}
            if name not in names and dot and head in names:
                part = {head: {rest: value}}
            elif name not in names and declaration.open_options is not None:
                part = {declaration.open_options: part}
            whole = merged(whole, part)
    return whole


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return both as one; mappings inside them are merged too, and *above* wins.
    """
    both = dict(below)
    for name, value in above.items():
        known = both.get(name)
        if isinstance(known, Mapping) and isinstance(value, Mapping):
            both[name] = merged(known, value)
        else:
            both[name] = value
    return both
