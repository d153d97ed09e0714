"""
Where calls by a name go: ``[routes.<name>]`` of the file, and what is set at run time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from seedcore.errors import SettingsError, clean_text, did_you_mean

LONGEST_NAME = 200
MOST_TARGETS = 50
MOST_FALLBACKS = 10
MOST_SHARE = 1_000_000


@attrs.frozen(kw_only=True)
class Route:
    """
    Where calls by one name go: ``to`` providers by their shares, which add up to 1.

    ``fallback`` are asked in turn when the chosen one is out. Without ``to`` calls go to the
    provider of that name, as they would without a route.
    """

    to: Mapping[str, float] = attrs.field(factory=dict)
    fallback: tuple[str, ...] = ()

    def chosen(self, point: float) -> str:
        """
        Return the provider whose share *point* lies in, which is from 0 up to 1.
        """
        for name, share in self.to.items():
            point -= share
            if point < 0:
                return name
        return ([*self.to] or [""])[-1]  # what rounding has left over

    @property
    def providers(self) -> tuple[str, ...]:
        """
        All that it leads to.
        """
        return (*self.to, *self.fallback)

    def to_json(self) -> dict[str, Any]:
        """
        Return it as plain data, which ``route_of`` reads.
        """
        return {"to": dict(self.to), "fallback": list(self.fallback)}


def route_of(name: str, given: Any, place: str) -> Route:
    """
    Return the route that *given* describes. Raises SettingsError that begins with *place*.
    """
    if not isinstance(given, Mapping):
        _refuse(place, 'it must be a table, such as to = {"a" = 0.9, "b" = 0.1}')
    unknown = [key for key in given if key not in ("to", "fallback")]
    if unknown:
        advice = did_you_mean(unknown[0], ("to", "fallback")) or " It has 'to' and 'fallback'."
        _refuse(place, f"there is no {clean_text(unknown[0], 80)!r} in a route.{advice}")
    if "to" not in given:
        _refuse(place, "'to' is missing: the provider, or several with their shares")
    to = _shares(given["to"], place)
    fallback = _fallback(given.get("fallback", ()), place)
    if [*to] == [name] and not fallback:
        _refuse(place, "it leads to itself alone, which it does without a route too")
    for each in fallback:
        if each in to:
            _refuse(place, f"{each!r} is a fallback of itself; name another provider")
    return Route(to=to, fallback=fallback)


def _shares(given: Any, place: str) -> dict[str, float]:
    given = {given: 1.0} if isinstance(given, str) else given
    if not isinstance(given, Mapping) or not 0 < len(given) <= MOST_TARGETS:
        _refuse(
            place, f"'to' is a provider, or a table of at most {MOST_TARGETS} with their shares"
        )
    for name, share in given.items():
        _check_name(name, place)
        number = isinstance(share, (int, float)) and not isinstance(share, bool)
        if not number or not 0 <= share <= MOST_SHARE:
            _refuse(place, f"the share of {name!r} must be a number from 0 to {MOST_SHARE:,}")
    whole = math.fsum(given.values())
    if whole <= 0:
        _refuse(place, "a share must be above 0")
    return {str(name): share / whole for name, share in given.items() if share > 0}


def _fallback(given: Any, place: str) -> tuple[str, ...]:
    given = (given,) if isinstance(given, str) else given
    if not isinstance(given, (list, tuple)) or len(given) > MOST_FALLBACKS:
        _refuse(place, f"'fallback' is a list of at most {MOST_FALLBACKS} providers")
    for name in given:
        _check_name(name, place)
    if len({*given}) < len(given):
        _refuse(place, "a fallback is named twice")
    return tuple(given)


def _check_name(name: object, place: str) -> None:
    printable = isinstance(name, str) and name.isprintable() and 0 < len(name) <= LONGEST_NAME
    if not printable:
        _refuse(place, "a provider is named by a printable text")


def _refuse(place: str, why: str) -> Any:
    msg = f"{place}: {why}"
    raise SettingsError(msg if msg.endswith((".", "?")) else f"{msg}.")


def missing_from(route: Route, installed: Iterable[str]) -> str | None:
    """
    Return what to say of a provider that *route* leads to and that isn't *installed*, if any.
    """
    known = tuple(installed)
    for name in route.providers:
        if name not in known:
            advice = did_you_mean(name, known) or f" Installed: {', '.join(known) or 'none'}."
            return f"{name!r} is not installed here.{advice}"
    return None
