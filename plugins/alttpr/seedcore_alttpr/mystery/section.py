"""
Reading the section ``customizer``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from seedcore_alttpr.mystery.amounts import NOTHING, Amount, read_amount
from seedcore_alttpr.mystery.customizer import COUNTED, Countdown, Customizer, Hunt
from seedcore_alttpr.mystery.kinds import Choice, Plain, Switch, Whole
from seedcore_alttpr.mystery.pool import COUNT, EQUIPMENT, ITEM, SIZE, amount_of, items_of
from seedcore_alttpr.mystery.problems import Problems, Unfit, inside, shown
from seedcore_alttpr.mystery.tables import known, table_at
from seedcore_alttpr.mystery.weights import Kind, Weights, read_weights

GROUPS = ("eq", "custom", "pool", "triforce-hunt", "timed-ohko")
CLOCKS = ("GreenClock", "BlueClock", "RedClock")
SECONDS = Whole(-359_999, 359_999)

MOST_EQUIPMENT = 1_000
"""Items that somebody may begin with, were the most rolled of each."""

MOST_CUSTOM = 500
"""Names in custom."""

OURS = ("item", "item.count")
"""Names in custom that are made here."""

_CUSTOM = re.compile(r"[A-Za-z][A-Za-z0-9.-]{0,99}")

HUNT: Mapping[str, Whole] = {
    "goal": Whole(1, SIZE),
    "pool": Whole(0, SIZE),
    "min_difference": Whole(0, SIZE),
}

CHOICES: Mapping[str, Choice] = {
    "rom.dungeonCount": Choice(("off", "on", "pickup")),
    "rom.timerMode": Choice(
        (
            "off",
            "stopwatch",
            "countdown-ohko",
            "countdown-continue",
            "countdown-stop",
            "countdown-end",
        )
    ),
}
SWITCHES = frozenset({
    "customPrizePacks",
    "item.require.Lamp",
    "prize.crossWorld",
    "prize.shuffleCrystals",
    "prize.shufflePendants",
    "region.bossNormalLocation",
    "region.wildBigKeys",
    "region.wildCompasses",
    "region.wildKeys",
    "region.wildMaps",
    "rom.genericKeys",
    "rom.mapOnPickup",
    "rom.rupeeBow",
    "spoil.BootsLocation",
})  # fmt: skip


def read_customizer(section: object, place: str, problems: Problems) -> Customizer | None:
    """
    Return the section, ``None`` if it is empty; what is wrong goes to *problems*.
    """
    table = table_at(section, place, f"must be a map with {', '.join(GROUPS)}", problems)
    if not table:
        return None
    known(table, GROUPS, place, problems)
    custom = _read_group(table, "custom", place, problems, _custom)
    if len(custom) > MOST_CUSTOM:
        problems.add(inside(place, "custom"), f"has more than {MOST_CUSTOM} names")
    eq = _read_group(table, "eq", place, problems, _equipment)
    most = sum(len(items_of(name, max(weights.values))) for name, weights in eq.items())
    if most > MOST_EQUIPMENT:
        problems.add(inside(place, "eq"), f"comes to {most} items; {MOST_EQUIPMENT} are allowed")
    found = Customizer(
        eq=eq,
        custom=custom,
        pool=_read_group(table, "pool", place, problems, _item),
        hunt=_read_hunt(table.get("triforce-hunt"), inside(place, "triforce-hunt"), problems),
        countdown=_read_countdown(table.get("timed-ohko"), inside(place, "timed-ohko"), problems),
    )
    if found.most > SIZE:
        text = (
            f"may come to {found.most} items that must be placed, and {SIZE} have room; lower the "
            "counts in pool and custom, or the pieces of triforce-hunt"
        )
        problems.add(place, text)
    return found


def _custom(name: str) -> Kind:
    if not _CUSTOM.fullmatch(name):
        rule = "is no name: letters, digits, dots and hyphens are allowed, at most 100"
        raise Unfit(rule)
    if name in OURS:
        rule = "is made of all counts; give yours in pool, such as Lamp: 2"
        raise Unfit(rule)
    if name in SWITCHES or name.startswith("can"):
        return Switch()
    if name.startswith(COUNTED):
        return _item(name.removeprefix(COUNTED))
    return CHOICES.get(name, Plain())


def _equipment(name: str) -> Kind:
    return amount_of(EQUIPMENT.read(name))


def _item(name: str) -> Kind:
    ITEM.read(name)
    return COUNT


def _read_group(
    section: Mapping[Any, Any],
    group: str,
    place: str,
    problems: Problems,
    kind_of: Callable[[str], Kind],
) -> dict[str, Weights]:
    """
    Return the weights of a group; *kind_of* says what a name may come to, or raises ``Unfit``.
    """
    place = inside(place, group)
    table = table_at(section.get(group), place, "must be a map of names to weights", problems)
    found: dict[str, Weights] = {}
    for key, value in (table or {}).items():
        try:
            kind = kind_of(str(key))
        except Unfit as unfit:
            problems.add(place, f"{shown(key)} {unfit}")
            continue
        weights = None
        if value is not None:
            weights = read_weights(value, kind, inside(place, key), problems)
        if weights is not None:
            found[str(key)] = weights
    return found


def _read_hunt(value: object, place: str, problems: Problems) -> Hunt | None:
    table = table_at(value, place, f"must be a map with {', '.join(HUNT)}", problems)
    if table is None:
        return None
    known(table, tuple(HUNT), place, problems)
    found = {
        name: read_amount(table.get(name), kind, inside(place, name), problems)
        for name, kind in HUNT.items()
    }
    return Hunt(**{name: amount for name, amount in found.items() if amount is not None})


def _read_countdown(value: object, place: str, problems: Problems) -> Countdown | None:
    table = table_at(value, place, "must be a map with timerStart and clock", problems)
    if table is None:
        return None
    known(table, ("timerStart", "clock", "forced_settings"), place, problems)
    if "forced_settings" in table:
        problems.note(inside(place, "forced_settings"), "has no effect; use rules or subweights")
    start = read_amount(table.get("timerStart"), SECONDS, inside(place, "timerStart"), problems)
    clocks = _read_clocks(table.get("clock"), inside(place, "clock"), problems)
    return Countdown(start=start or NOTHING, clocks=clocks)


def _read_clocks(value: object, place: str, problems: Problems) -> dict[str, tuple[Amount, Amount]]:
    table = table_at(value, place, f"must be a map with {', '.join(CLOCKS)}", problems) or {}
    known(table, CLOCKS, place, problems)
    clocks: dict[str, tuple[Amount, Amount]] = {}
    for name in CLOCKS:
        where = inside(place, name)
        clock = table_at(table.get(name), where, "must be a map with value and pool", problems)
        if clock is not None:
            known(clock, ("value", "pool"), where, problems)
            worth = read_amount(clock.get("value"), SECONDS, inside(where, "value"), problems)
            number = read_amount(clock.get("pool"), COUNT, inside(where, "pool"), problems)
            clocks[name] = (worth or NOTHING, number or NOTHING)
    return clocks
