"""
Reading what is sent: JSON and queries, with a sentence for whatever is wrong in them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

from aiohttp import web

from seedcore.errors import clean_text, did_you_mean
from seedcore.surface.words import finite, no_number
from seedcore_web.api.schemas import Schema
from seedcore_web.limits import DEEPEST, MOST_VALUES
from seedcore_web.problems import Refusal

_TYPES: Mapping[str, tuple[tuple[type, ...], str]] = {
    "string": ((str,), "a text"),
    "object": ((dict,), "an object of names and values"),
    "array": ((list,), "a list"),
    "boolean": ((bool,), "true or false"),
    "integer": ((int,), "a whole number"),
    "number": ((int, float), "a number"),
    "null": ((type(None),), "null"),
}


def refuse(message: str) -> NoReturn:
    """
    Raise Refusal for something that can't be read.
    """
    raise Refusal(400, "BadRequest", message) from None


async def body_of(request: web.Request, schema: Schema, *, required: bool = True) -> dict[str, Any]:
    """
    Return the JSON object that was sent, without what is null. Raises Refusal.
    """
    content = await request.read()
    if not content and not required:
        return {}
    if request.content_type != "application/json":
        message = "Send JSON, with Content-Type: application/json."
        raise Refusal(415, "UnsupportedMediaType", message)
    given = document_of(content)
    if not isinstance(given, dict):
        refuse("The body must be one JSON object: names and values in braces.")
    check(given, schema)
    return {name: value for name, value in given.items() if value is not None}


def document_of(content: bytes) -> Any:
    """
    Return what JSON *content* says. Raises Refusal.
    """
    try:
        document = json.loads(
            content.decode("utf-8-sig"),
            parse_constant=no_number,
            parse_float=finite,
            object_pairs_hook=_named_once,
        )
    except UnicodeDecodeError as error:
        refuse(f"The body is not UTF-8 text (at byte {error.start}).")
    except json.JSONDecodeError as error:
        why = f"{error.msg} (line {error.lineno}, column {error.colno})"
        refuse(f"The body is not valid JSON: {why}.")
    except ValueError as error:
        why = clean_text(error, 200)
        refuse(f"The body is not valid JSON: {_DIGITS if 'digits' in why else why}.")
    except RecursionError:
        refuse(_TOO_DEEP)
    _check_size(document)
    return document


_DIGITS = "it has a number with too many digits"
_TOO_DEEP = f"The body is nested too deeply: {DEEPEST} levels are the most."


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        msg = f"the name {clean_text(twice, 80)!r} is given twice"
        raise ValueError(msg)
    return named


def _check_size(document: Any) -> None:
    level, depth, count = [document], 0, 1
    while level:
        depth += 1
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner += [*value, *value.values()]
            elif isinstance(value, list):
                inner += value
            elif isinstance(value, str) and not value.isascii():
                _check_text(value)
        count += len(inner)
        if depth > DEEPEST and inner:
            refuse(_TOO_DEEP)
        if count > MOST_VALUES:
            refuse(f"The body has too many values: {MOST_VALUES:,} are the most.")
        level = inner


def _check_text(text: str) -> None:
    if any("\ud800" <= mark <= "\udfff" for mark in text):
        refuse("The body has a text with half a character (a lone surrogate) in it.")


def check(given: Mapping[str, Any], schema: Schema) -> None:
    """
    Raise Refusal unless *given* has the names and types of *schema*.
    """
    properties = schema["properties"]
    for name, value in given.items():
        if name not in properties:
            known = ", ".join(properties)
            advice = did_you_mean(name, properties)
            refuse(f"There is no {clean_text(name, 80)!r} here.{advice} Names: {known}.")
        _check_value(name, value, properties[name])
    missing = [name for name in schema["required"] if given.get(name) is None]
    if missing:
        refuse(f"{missing[0]} is missing.")


def _check_value(name: str, value: Any, schema: Schema) -> None:
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(_is(value, each) for each in names):
        words = " or ".join(_TYPES[each][1] for each in names if each != "null")
        refuse(f"{name} must be {words}.")
    choices = schema.get("enum")
    if choices and value not in choices:
        known = ", ".join(choice for choice in choices if choice is not None)
        refuse(f"{name} must be one of {known}.{did_you_mean(value, known.split(', '))}")
    if schema.get("minLength") and not value:
        refuse(f"{name} must not be empty.")
    if isinstance(value, list) and not all(_is(each, schema["items"]["type"]) for each in value):
        words = _TYPES[schema["items"]["type"]][1]
        refuse(f"{name} must be a list, and each of it {words}.")


def _is(value: Any, name: str) -> bool:
    fits = isinstance(value, _TYPES[name][0])
    return fits and not (isinstance(value, bool) and name in ("integer", "number"))


def query_of(request: web.Request, known: Mapping[str, Schema]) -> dict[str, Any]:
    """
    Return the query by name: numbers and times as what they are. Raises Refusal.
    """
    found: dict[str, Any] = {}
    for name, text in request.query.items():
        if name not in known:
            names = ", ".join(known) or "none"
            advice = did_you_mean(name, known)
            refuse(f"There is no parameter {clean_text(name, 80)!r}.{advice} Known: {names}")
        if name in found:
            refuse(f"{name} is given twice. Give it once.")
        if text:
            found[name] = _read(name, text, known[name])
    return found


def _read(name: str, text: str, schema: Schema) -> Any:
    if schema["type"] == "integer":
        least, most = schema["minimum"], schema["maximum"]
        if not (text.isascii() and text.isdigit() and least <= int(text[:9]) <= most):
            refuse(f"{name} must be a whole number from {least} to {most}.")
        return int(text[:9])
    if schema.get("format") == "moment":
        return moment(name, text)
    return text


def moment(name: str, given: str | float) -> float:
    """
    Return a time as epoch seconds. Raises Refusal.
    """
    try:
        seconds = float(given)
    except OverflowError:
        seconds = -1
    except ValueError:
        try:
            found = datetime.fromisoformat(str(given))
            seconds = found.timestamp() if found.tzinfo else -1
        except (ValueError, OverflowError):
            seconds = -1
    if not 0 <= seconds < 1e11:
        refuse(f"{name} must be a time with its zone (2027-01-01T18:00:00Z), or epoch seconds.")
    return seconds
