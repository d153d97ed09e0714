"""
The body of a request for a game, and what is refused before it is sent.

The site answers a body that it can't read with a spoiled default game, and takes what it
doesn't know for nothing; so all that can be known is checked here.
"""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterable, Iterator, Mapping
from random import Random
from types import MappingProxyType
from typing import Any

import attrs

from seedcore import ProviderInvalidRequestError, SeedRequest
from seedcore_alttpr.options import (
    CUSTOMIZER_ONLY,
    NOT_SENT,
    Crystals,
    Enemizer,
    ForcedItem,
    Items,
    Options,
)

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

SPOILERS = {"off": "off", "on": "on", "delayed": "generate"}
"""What the site calls them; with "generate" only who asks for the game gets its spoiler."""

FREE = ("name", "notes", *CUSTOMIZER_ONLY)
"""Options that may hold what JSON doesn't know."""

NAMES: Mapping[type[Any], tuple[str, ...]] = {
    kind: tuple(field.name for field in attrs.fields(kind))
    for kind in (Options, Crystals, Items, Enemizer, ForcedItem)
}
"""The fields of each table of options, looked up once: every game needs them."""

NOTHING: Mapping[str, Any] = MappingProxyType({})

PACKS = ("0", "1", "2", "3", "4", "5", "6", "crab", "stun", "fish", "pull")
KEPT_BYTES = {"name": 100, "notes": 300}

MOST_KILOBYTES = 256
"""The largest body that is sent; a customizer game that decides everything has a tenth of it."""

MOST_LOCATIONS = 230
"""All that the customizer lists."""


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
    body["tournament"] = request.spoilers != "on"
    body["spoilers"] = "mystery" if options.mask_settings else SPOILERS[request.spoilers]
    return body


def _given(options: Any, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """
    Return the fields of *options* that have a value, as plain data of their own.
    """
    given: dict[str, Any] = {}
    for name in NAMES[type(options)]:
        value = getattr(options, name)
        if value is None or name in without:
            continue
        if isinstance(value, (str, bool)):
            given[name] = value
        elif type(value) in NAMES:
            if inner := _given(value):
                given[name] = inner
        else:
            given[name] = list(value) if isinstance(value, tuple) else copy.deepcopy(value)
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


def recorded(body: Mapping[str, Any], options: Options) -> Mapping[str, Any]:
    """
    Return what may be known of the *body* to be sent.

    The settings of a masked game are for nobody, and neither is what is going to be drawn.
    """
    if options.mask_settings:
        return {name: body[name] for name in ("tournament", "spoilers")}
    if not options.forced_locations:
        return body
    return {**body, "forced_locations": [_given(each) for each in options.forced_locations]}


def placed(
    locations: Mapping[str, Any], forced: Iterable[ForcedItem], rng: Random
) -> dict[str, Any]:
    """
    Return *locations* and where *rng* puts the *forced* items besides; neither is changed.

    Raises ProviderInvalidRequestError when there is no way to give each of them a location.
    """
    drawn: dict[str, ForcedItem] = {}
    for each in forced:
        for _ in range(each.quantity if each.override else 0):
            if rng.randint(1, 100) <= each.chance and not _drew(each, drawn, locations, rng):
                raise _no_room(each)
    return {**locations, **{location: each.item for location, each in drawn.items()}}


def _drew(
    forced: ForcedItem, drawn: dict[str, ForcedItem], given: Mapping[str, Any], rng: Random
) -> bool:
    """
    Draw a free location for an item; if it has none left, let earlier ones move for it.
    """
    origins: dict[str, str | None] = {}
    waiting: list[tuple[ForcedItem, str | None]] = [(forced, None)]
    for item, origin in waiting:  # which grows meanwhile
        found = [place for place in item.locations if place not in given and place not in origins]
        origins.update(dict.fromkeys(found, origin))
        free = [place for place in found if place not in drawn]
        if free:
            place = rng.choice(free)
            while (before := origins[place]) is not None:
                drawn[place] = drawn[before]
                place = before
            drawn[place] = forced
            return True
        waiting += [(drawn[place], place) for place in found]
    return False


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
    options: Options = request.options
    if not any(getattr(options, name) for name in FREE):
        return  # all else was checked by its type, and is short
    _check_forced(options)
    try:
        body = {**body_of(request), "forced_locations": options.forced_locations}
        text = json.dumps(body, allow_nan=False, ensure_ascii=False, default=attrs.asdict)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError):
        text = (
            "the options hold a value that JSON doesn't know, such as a date or nan; "
            "texts, numbers, true, false, lists and mappings are allowed"
        )
        raise ProviderInvalidRequestError(text) from None
    if size > MOST_KILOBYTES * 1024:
        text = f"the options have {size // 1024} KiB; {MOST_KILOBYTES} are allowed: shorten them"
        raise ProviderInvalidRequestError(text)


def _check_forced(options: Options) -> None:
    """
    Refuse what can't be drawn for sure; where chance decides, only the draw shows it.
    """
    given = options.l or {}
    for each in options.forced_locations:
        if each.override and each.chance and each.quantity and not {*each.locations} - {*given}:
            raise _no_room(each)
    sure = [each for each in options.forced_locations if each.chance == 100]
    placed(given, sure, Random(0))  # noqa: S311 - it only has to fit


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
    lists = [options.forced_locations, *(each.locations for each in options.forced_locations)]
    if any(len(each) > MOST_LOCATIONS for each in lists):
        yield f"forced_locations takes {MOST_LOCATIONS} items with as many locations each at most"
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
