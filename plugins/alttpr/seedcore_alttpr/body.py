"""
The body of a request for a game, and what is refused before it is sent.

The site answers a body that it can't read with a spoiled default game, and takes what it
doesn't know for nothing; so all that can be known is checked here.
"""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

import attrs

from seedcore import ProviderInvalidRequestError, SeedRequest
from seedcore_alttpr.options import CUSTOMIZER_ONLY, NOT_SENT, ForcedItem, Options

CUSTOM_DEFAULTS: Mapping[str, Any] = {
    "item.require.Lamp": False,
    "rom.freeItemMenu": False,
    "rom.freeItemText": False,
    "region.wildKeys": False,
    "region.wildBigKeys": False,
    "region.wildMaps": False,
    "region.wildCompasses": False,
}
"""What the site's page sends of custom, and the site reads without asking whether it is there."""

FREE = ("name", "notes", *CUSTOMIZER_ONLY)
"""Options that may hold what JSON doesn't know."""

PACKS = ("0", "1", "2", "3", "4", "5", "6", "crab", "stun", "fish", "pull")
KEPT_BYTES = {"name": 100, "notes": 300}


def body_of(request: SeedRequest) -> dict[str, Any]:
    """
    Return what is sent for *request*; locations still to be drawn are not in it.
    """
    options: Options = request.options
    body = _given(options, NOT_SENT)
    for name, most in KEPT_BYTES.items():
        if name in body:
            # The site cuts between bytes, and stumbles over half a character.
            body[name] = body[name].encode()[:most].decode(errors="ignore")
    if options.customizer:
        known = dotted(body.get("custom", {}))
        missing = {key: value for key, value in CUSTOM_DEFAULTS.items() if key not in known}
        body["custom"] = {**body.get("custom", {}), **missing}
        body.setdefault("l", {})
    else:
        body = {name: value for name, value in body.items() if name not in CUSTOMIZER_ONLY}
    if options.quickswap is not None:
        body.setdefault("allow_quickswap", options.quickswap)
    # Anything but JSON's own true would be taken for something else, and never refused.
    body["tournament"] = request.spoilers == "off"
    body["spoilers"] = "mystery" if options.mask_settings else request.spoilers
    return body


def _given(options: Any, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """
    Return the fields of *options* that have a value, as plain data of their own.
    """
    given: dict[str, Any] = {}
    for field in attrs.fields(type(options)):
        value = getattr(options, field.name)
        if value is None or field.name in without:
            continue
        if isinstance(value, (str, bool)):
            given[field.name] = value
        elif attrs.has(type(value)):
            if inner := _given(value):
                given[field.name] = inner
        else:
            given[field.name] = list(value) if isinstance(value, tuple) else copy.deepcopy(value)
    return given


def dotted(nested: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """
    Return *nested* with a key such as ``item.count.Lamp`` for each value.
    """
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping) and value:
            flat.update(dotted(value, f"{before}{key}."))
        else:
            flat[f"{before}{key}"] = value
    return flat


def placed(
    locations: Mapping[str, Any], forced: tuple[ForcedItem, ...], rng: Random
) -> dict[str, Any]:
    """
    Return *locations* and where *rng* puts the *forced* items besides; neither is changed.

    Raises ProviderInvalidRequestError when an item finds all its locations taken.
    """
    filled = dict(locations)
    for each in forced:
        for _ in range(each.quantity):
            if not each.override or rng.randint(1, 100) > each.chance:
                continue
            free = [location for location in each.locations if location not in filled]
            if not free:
                raise _no_room(each)
            filled[rng.choice(free)] = each.item
    return filled


def _no_room(forced: ForcedItem) -> ProviderInvalidRequestError:
    text = (
        f"forced_locations: {forced.item} finds none of its {len(forced.locations)} locations "
        "free; give it more of them, or leave them out of l and of the other items"
    )
    return ProviderInvalidRequestError(text)


def check_options(request: SeedRequest) -> None:
    """
    Raise ProviderInvalidRequestError, with what is allowed, for options that don't fit together.
    """
    for text in _faults(request.options, request.spoilers):
        raise ProviderInvalidRequestError(text)
    for forced in request.options.forced_locations:
        free = set(forced.locations).difference(request.options.l or {})
        sure = forced.quantity if forced.chance == 100 else min(forced.quantity, 1)
        if forced.override and forced.chance and sure > len(free):
            raise _no_room(forced)
    if not any(getattr(request.options, name) for name in FREE):
        return  # all else was checked by its type
    try:
        json.dumps(body_of(request), allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        text = (
            "the options hold a value that JSON doesn't know, such as a date or nan; "
            "texts, numbers, true, false, lists and mappings are allowed"
        )
        raise ProviderInvalidRequestError(text) from None


def _faults(options: Options, spoilers: str) -> Iterator[str]:
    if options.mask_settings and spoilers != "off":
        yield "mask_settings hides what spoilers would show; use spoilers off"
    if not options.customizer:
        given = [name for name in CUSTOMIZER_ONLY if getattr(options, name)]
        if given:
            yield f"only the customizer takes {', '.join(given)}; add customizer: true"
        return
    if options.entrances not in (None, "none"):
        yield "the customizer can't shuffle entrances; use entrances: none, or no customizer"
    wrong = [name for name in options.drops or {} if name not in PACKS]
    if wrong:
        yield f"drops has the packs {', '.join(PACKS)}, and no {wrong[0]!r}"
    if any(not isinstance(pack, list) for pack in (options.drops or {}).values()):
        yield "drops needs a list of drops for each pack, such as [Heart, auto_fill]"
    if any(not isinstance(item, str) for item in (options.l or {}).values()):
        yield "l needs the name of an item for each location, such as Lamp:1"
    places = (*(options.l or {}), *(p for each in options.forced_locations for p in each.locations))
    wrong = [place for place in places if not _is_location(place)]
    if wrong:
        yield (
            f"{wrong[0]!r} is no location, and the site would ignore it; a location is the "
            "base64 of its name and :1, as 'customizer_settings' lists them"
        )


def _is_location(text: str) -> bool:
    try:
        name = base64.b64decode(text, validate=True).decode()
    except ValueError:
        return False
    return name.endswith(":1") and name.isprintable()
