"""
The generator's settings: a document whose keys and values are the generator's own.

Which keys there are depends on its version, so that only the site can check them. What is
checked here is what no version takes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from seedcore import ProviderInvalidRequestError
from seedcore_ootr.names import fault_of

MOST_BYTES = 64 * 1024
MOST_LEVELS = 20
LARGEST_NUMBER = 2**53
"""Beyond it, a number isn't the same any more where it is read as a float."""
MOST_HEARTS, MOST_TRIALS, MOST_WORLDS, LONGEST_MESSAGE = 20, 6, 255, 42

LONGEST_FORM = 12
"""Bytes that JSON has at most for a character: two escapes for one beyond U+FFFF."""

OFF = frozenset(
    {"junk_ice_traps", "shopsanity", "shuffle_interior_entrances", "shuffle_scrubs", "tokensanity"}
)
"""Settings that are texts in every version, one of which is ``off``: YAML makes false of that."""


def document_of(settings: Mapping[Any, Any]) -> dict[str, Any]:
    """
    Return *settings* as they are sent, or raise what is wrong with them.
    """
    if not settings:
        text = (
            "it needs settings of the generator: give a preset, or settings such as "
            "logic_rules=glitchless"
        )
        raise ProviderInvalidRequestError(text)
    document = {}
    for key, value in settings.items():
        if (fault := fault_of(key)) is not None:
            raise ProviderInvalidRequestError(fault)
        meant = _meant(key, value) if key in OFF else value
        # Most settings are a text or a switch, which are plain as they are.
        document[key] = meant if type(meant) in (str, bool) else _plain(key, meant, 1)
        if key in KNOWN:
            _check(key, document[key])
    _check_size(document)
    return document


def _check_size(document: Mapping[str, Any]) -> None:
    # Python's own text of it takes half the time, and settles it for all but the longest.
    if len(repr(document)) * LONGEST_FORM <= MOST_BYTES:
        return
    size = len(json.dumps(document, separators=(",", ":")))
    if size > MOST_BYTES:
        text = f"the settings have {size:,} bytes, and {MOST_BYTES // 1024} KiB are the most"
        raise ProviderInvalidRequestError(text)


def _meant(key: str, value: Any) -> Any:
    """
    Return what was meant by the value of a setting in OFF whose quotes are missing.
    """
    if isinstance(value, bool):
        return "on" if value else "off"
    if key == "shopsanity" and isinstance(value, int):
        return str(value)
    return value


def _plain(key: str, value: Any, level: int) -> Any:
    """
    Return *value* as JSON has it.
    """
    if level > MOST_LEVELS:
        text = f"the setting {key!r} is deeper than {MOST_LEVELS} levels"
        raise ProviderInvalidRequestError(text)
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return {name: _plain(key, item, level + 1) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(key, item, level + 1) for item in value]
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, (int, float)) and abs(value) <= LARGEST_NUMBER:
        return value
    text = (
        f"the setting {key!r} has a value that JSON can't hold; it holds texts, true and false, "
        "numbers up to 2**53, lists and mappings with texts as names"
    )
    raise ProviderInvalidRequestError(text)


def _whole(least: int, most: int) -> tuple[Callable[[Any], bool], str]:
    def fits(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most

    return fits, f"a whole number from {least} to {most}"


_SWITCH = (lambda value: isinstance(value, bool)), "true or false"

KNOWN: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "create_spoiler": _SWITCH,
    "randomize_settings": _SWITCH,
    "show_seed_info": _SWITCH,
    "starting_hearts": _whole(3, MOST_HEARTS),
    "trials": _whole(0, MOST_TRIALS),
    "world_count": _whole(1, MOST_WORLDS),
    "seed": ((lambda value: isinstance(value, str) and bool(value)), "a text, with quotes in YAML"),
    "user_message": (
        (lambda value: isinstance(value, str) and len(value) <= LONGEST_MESSAGE),
        f"a text of at most {LONGEST_MESSAGE} characters",
    ),
}
"""Settings that are the same in every version."""


def _check(key: str, value: Any) -> None:
    fits, words = KNOWN[key]
    if not fits(value):
        text = f"the setting {key!r} must be {words}"
        raise ProviderInvalidRequestError(text)
