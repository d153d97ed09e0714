"""
What people type: ``KEY=VALUE``, ``--key=value``, and the values in them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, NoReturn

from seedcore.errors import SettingsError


class BadWords(SettingsError, ValueError):  # noqa: N818 - it is a sentence for a person
    """
    What was typed can't be read; the text says why and what to write.
    """


def key_values(items: Iterable[str]) -> dict[str, str]:
    """
    Return ``KEY=VALUE`` items as a mapping of texts. Raises BadWords.
    """
    values: dict[str, str] = {}
    for item in items:
        key, equals, text = item.partition("=")
        if not equals or not key.strip():
            _refuse(item, "is not KEY=VALUE. Write for example players=2 or name=text.")
        _put(values, key, text, item)
    return values


def chat_words(text: str) -> tuple[list[str], dict[str, str]]:
    """
    Return the plain words of a chat message, and its ``--key=value`` as a mapping of texts.

    ``--key`` alone is ``yes``; a value in quotes may have spaces. Raises BadWords.
    """
    plain: list[str] = []
    named: dict[str, str] = {}
    for typed in _split(text):
        # Phones make one long dash of two.
        word = f"--{typed[1:]}" if typed.startswith("—") else typed
        key, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--"):
            plain.append(word)
        elif not key:
            _refuse(word, "names nothing. Write for example --players=2 or --hints.")
        else:
            _put(named, key.replace("-", "_"), value if equals else "yes", word)
    return plain, named


def _split(text: str) -> list[str]:
    words: list[str] = []
    word, quote, begun = "", "", False
    for mark in text:
        if quote:
            if mark == quote:
                quote = ""
            else:
                word += mark
        elif mark in '"“”' and (not word or word.endswith("=")):
            quote, begun = ('"' if mark == '"' else "”"), True
        elif mark.isspace():
            if word or begun:
                words.append(word)
            word, begun = "", False
        else:
            word, begun = word + mark, True
    if quote:
        _refuse(text, "has a quote that isn't closed. Close it, or leave it out.")
    return [*words, word] if word or begun else words


def _put(values: dict[str, str], key: str, text: str, item: str) -> None:
    if any("\ud800" <= mark <= "\udfff" for mark in item):
        _refuse(item, "is not valid UTF-8. Write it in UTF-8.")
    if key in values:
        msg = f"{key!a} is given twice. Give it once; a list is [1, 2]."
        raise BadWords(msg)
    values[key] = text


def _refuse(item: str, why: str) -> NoReturn:
    shown = ascii(item if len(item) <= 40 else item[:40] + "...")
    msg = f"{shown} {why}"
    raise BadWords(msg)


def value_of(text: str) -> Any:
    """
    Return what *text* means as JSON; the text itself if it isn't JSON.
    """
    try:
        return json.loads(text, parse_constant=no_number, parse_float=finite)
    except (ValueError, RecursionError):
        return text


def no_number(word: str) -> NoReturn:
    """
    Refuse ``NaN`` and ``Infinity``, which Python's JSON takes. Raises ValueError.
    """
    msg = f"{word} is not a JSON number"
    raise ValueError(msg)


def finite(text: str) -> float:
    """
    Return a number that isn't too large for one. Raises ValueError.
    """
    number = float(text)
    return number if math.isfinite(number) else no_number(text)
