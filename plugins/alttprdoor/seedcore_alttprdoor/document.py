"""
The settings file of one run: what the caller asks for, and what the call decides.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from seedcore import ProviderInvalidRequestError, SeedRequest
from seedcore_alttprdoor.options import DECIDED, ENEMIZED, ITEMS, OURS, Options

BRANCHES = ("stable", "volatile", "unstable")
MOST_KILOBYTES = 64
SAID_HERE = frozenset({"customitemarray", "seed", "startinventoryarray"})
"""What every checkout takes without listing it."""

_NAMES = tuple(field.name for field in attrs.fields(Options) if field.name not in OURS)
_NAME = re.compile(r"[a-z0-9_]{1,60}", re.ASCII)


def asked_for(options: Options) -> dict[str, Any]:
    """
    Return the settings of the randomizer that a caller chose.
    """
    given = {name: getattr(options, name) for name in _NAMES}
    chosen = {name: value for name, value in given.items() if value is not None}
    return {**options.args, **chosen}


def check_request(request: SeedRequest) -> None:
    """
    Raise ProviderInvalidRequestError for what can be known to be wrong before anything is run.
    """
    if request.branch not in (None, *BRANCHES):
        text = f"branch is one of {', '.join(BRANCHES)}"
        raise ProviderInvalidRequestError(text)
    options: Options = request.options
    fault = _fault(options, request) or next(filter(None, map(_args_fault, options.args)), None)
    fault = fault or _sprite_fault(options.args.get("sprite")) or _items_fault(options)
    if fault:
        raise ProviderInvalidRequestError(fault)
    _check_size(asked_for(options))


def _fault(options: Options, request: SeedRequest) -> str | None:
    hidden = request.spoilers == "off"
    if options.spoiler_only and (hidden or request.race):
        return "spoiler_only makes a spoiler and no game: it needs spoilers on, and no race"
    if options.mask_settings and not hidden:
        return "mask_settings hides what spoilers would show; use spoilers off"
    if "seed" in options.args and request.spoilers != "on":
        return "who knows the seed can make the spoiler; leave seed out, or use spoilers on"
    return None


def _args_fault(name: str) -> str | None:
    if not _NAME.fullmatch(name):
        return "the names of its settings are of a-z, 0-9 and _, such as door_shuffle"
    if name in DECIDED or re.fullmatch(r"p\d+", name):
        return f"{name!r} isn't for callers to choose; leave it out"
    return None


def _sprite_fault(sprite: Any) -> str | None:
    # It may be a file of this machine, and whether that exists is nobody's business.
    if sprite is None or (isinstance(sprite, str) and not re.search(r"[/\\]|\.\.", sprite)):
        return None
    return "sprite must be the name of a sprite that the randomizer has, without a path"


def _items_fault(options: Options) -> str | None:
    items = options.customitemarray
    if items is None:  # its own list has all
        return None
    for name, number in items.items():
        if name not in ITEMS:
            return f"customitemarray has no item {name!r}.{_advice(name, ITEMS)}"
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            return f"customitemarray needs a whole number of {name}, 0 or more"
    missing = ", ".join(name for name in ITEMS if name not in items)
    if missing and options.args.get("custom") is True:
        return f"custom needs a customitemarray with all items; it lacks {missing}"
    return None


def _advice(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(str(name), known, 1)
    return f" Did you mean {close[0]!r}?" if close else ""


def _check_size(document: Mapping[str, Any]) -> None:
    try:
        size = len(json.dumps(document, allow_nan=False, ensure_ascii=False).encode())
    except (TypeError, ValueError, RecursionError):
        text = (
            "the settings hold a value that JSON doesn't know, such as a date or nan; texts, "
            "numbers, true, false, lists and mappings are allowed"
        )
        raise ProviderInvalidRequestError(text) from None
    if size > MOST_KILOBYTES * 1024:
        text = f"the settings have {size // 1024} KiB; {MOST_KILOBYTES} are allowed: shorten them"
        raise ProviderInvalidRequestError(text)


def document_of(request: SeedRequest, *, hash: str, out: str, rom: str) -> dict[str, Any]:  # noqa: A002
    """
    Return the settings file for *request*, whose results go to the folder *out*.
    """
    options: Options = request.options
    hidden = request.spoilers == "off"
    document = {
        **asked_for(options),
        "outputpath": out,
        "outputname": hash,
        "rom": rom,
        "count": 1,
        "multi": 1,
        "names": "",
        # The code stands in the spoiler, so that one is always made. "spoiler" is its name on
        # newer branches.
        "create_spoiler": True,
        "spoiler": "full",
        "race": request.spoilers != "on",
        # The seed stands in the game's title, and with the settings it would make the spoiler.
        "securerandom": request.spoilers != "on",
        "create_rom": not options.spoiler_only,
        "suppress_rom": options.spoiler_only,
        "calc_playthrough": not (hidden or options.spoiler_only),
        "skip_playthrough": hidden or options.spoiler_only,
        # Of a mystery the game must not tell how much there is to find.
        "mystery": options.mask_settings,
        "suppress_meta": True,
    }
    if options.spoiler_only:
        document["race"] = False
    return document


def needs_enemizer(options: Options) -> bool:
    """
    Whether something is asked for that the branch stable leaves to the enemizer.
    """
    chosen = asked_for(options)
    changed = any(chosen.get(name, usual) != usual for name, usual in ENEMIZED.items())
    return changed or str(chosen.get("sprite")).lower() == "randomonhit"


def check_listed(chosen: Mapping[str, Any], listed: Mapping[str, Any]) -> None:
    """
    Compare what a caller chose with what a checkout lists: it takes anything, and ignores what
    it doesn't know.

    Raises ProviderInvalidRequestError with what is allowed.
    """
    for name, value in chosen.items():
        if name not in listed and name not in SAID_HERE:
            advice = _advice(name, [*listed, *OURS])
            text = f"this branch of the randomizer has no setting {name!r}.{advice}"
            raise ProviderInvalidRequestError(text)
        words = _expected(listed.get(name, {}), value)
        if words:
            text = f"{name} must be {words} on this branch of the randomizer"
            raise ProviderInvalidRequestError(text)


def _expected(entry: Any, value: Any) -> str | None:
    """
    Return what a value must be, if it isn't.
    """
    if not isinstance(entry, Mapping):
        return None
    choices = entry.get("choices")
    if isinstance(choices, list) and str(value) not in map(str, choices):
        return f"one of {', '.join(map(str, choices))}"
    switch = entry.get("type") == "bool" or entry.get("action") in ("store_true", "store_false")
    if switch and not isinstance(value, bool):
        return "true or false"
    return None
