"""
What a setting must look like, in words for people: by its type, by attrs' own validators.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import Path
from re import Pattern
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import attrs

from seedcore.settings.structure import LISTS

_WORDS: Mapping[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path",
    datetime: "a date and time",
    date: "a date",
    timedelta: "a duration such as 90 or 1h30m",
    Pattern: "a regular expression",
}


def expected(kind: Any) -> str:
    """
    Return what a value of *kind* looks like, in words.
    """
    outer, args = get_origin(kind) or kind, get_args(kind)
    if outer is Annotated:
        return expected(args[0])
    if outer is Literal:
        return f"one of {', '.join(map(str, args))}"
    if outer in (Union, UnionType):
        return " or ".join(expected(arg) for arg in args if arg is not NoneType)
    if outer in (*LISTS, Sequence):
        items = ", ".join(dict.fromkeys(expected(arg) for arg in args if arg is not ...))
        count = f" of {len(args)} items" if outer is tuple and args and ... not in args else ""
        return f"a list{count} ({items})" if items else "a list"
    if outer in _WORDS or not isinstance(outer, type):
        return _WORDS.get(outer, "of another type")
    if issubclass(outer, Enum):
        return f"one of {', '.join(str(member.value) for member in outer)}"
    return "a table" if attrs.has(outer) or issubclass(outer, Mapping) else outer.__name__


_RULES = {
    "bound": "must be {0.compare_op} {0.bound}",
    "options": "must be one of {0.options}",
    "min_length": "must be at least {0.min_length} long",
    "max_length": "must be at most {0.max_length} long",
    "pattern": "must match {0.pattern.pattern}",
}


def rule_of(validator: Any) -> str:
    """
    Return what one of attrs' own validators asks for; empty for any other.
    """
    rules = [rule_of(part) for part in getattr(validator, "_validators", ())]
    if hasattr(validator, "validator"):
        return rule_of(validator.validator)
    rules += [text.format(validator) for name, text in _RULES.items() if hasattr(validator, name)]
    return " and ".join(rules) if all(rules) else ""
