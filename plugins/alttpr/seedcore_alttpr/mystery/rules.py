"""
Rules: what changes in a roll when something else came out of it.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from random import Random
from typing import Any

import attrs

from seedcore.errors import did_you_mean
from seedcore_alttpr.mystery import doors
from seedcore_alttpr.mystery.catalogue import IN_RULES, OPTIONS
from seedcore_alttpr.mystery.problems import Problems, Unfit, inside, shown
from seedcore_alttpr.mystery.tables import known
from seedcore_alttpr.mystery.weights import Weights, read_weights

MOST_RULES = 50
"""Of one list; each sub is checked with all of them, and people have four."""


@attrs.frozen(kw_only=True, eq=False)
class Rule:
    """
    New weights for options, where each of some others came to one value.
    """

    conditions: Mapping[str, tuple[Any, ...]]
    actions: Mapping[str, Weights]

    def fits(self, values: Mapping[str, Any]) -> bool:
        """
        Return whether all conditions are met.
        """
        for name, wanted in self.conditions.items():
            value = values[name] if values[name] is not None else _without_weights(name)
            if any(each != value for each in wanted):
                return False
        return True

    def apply(self, values: dict[str, Any], rng: Random, rolled: dict[str, Any]) -> None:
        """
        Roll the actions; *rolled* gets each by its place.
        """
        for name, weights in self.actions.items():
            rolled[weights.place] = values[name] = weights.roll(rng)

    def is_for_doors(self, acted: Container[str]) -> bool:
        """
        Whether only games of the Door Randomizer meet the conditions, given that no options but
        those *acted* on may have been changed by a rule.
        """
        return any(
            doors.is_needed(name, each)
            for name, wanted in self.conditions.items()
            for each in wanted
            if name not in acted
        )


def _without_weights(name: str) -> object:
    return "off" if name == "keyshuffle" else False


def read_rules(value: object, place: str, problems: Problems) -> tuple[Rule, ...]:
    """
    Return the rules written as *value*; what is wrong goes to *problems*.
    """
    if value is None or value == {}:
        return ()
    if not isinstance(value, (list, tuple)):
        problems.add(place, "must be a list of rules, each with conditions and actions")
        return ()
    if len(value) > MOST_RULES:
        problems.add(place, f"has {len(value)} rules; {MOST_RULES} are allowed: join some of them")
        return ()
    return tuple(
        _read_rule(each, f"{place}[{number}]", problems) for number, each in enumerate(value)
    )


def _read_rule(value: object, place: str, problems: Problems) -> Rule:
    if not isinstance(value, Mapping):
        problems.add(place, "must be a map with conditions and actions")
        return Rule(conditions={}, actions={})
    known(value, ("conditions", "actions"), place, problems)
    conditions: dict[str, tuple[Any, ...]] = {}
    listed, place_of_list = value.get("conditions") or (), inside(place, "conditions")
    if not isinstance(listed, (list, tuple)):
        problems.add(place_of_list, "must be a list, each with a Key and a Value")
        listed = ()
    for number, each in enumerate(listed):
        found = _read_condition(each, f"{place_of_list}[{number}]", problems)
        if found is not None:
            name, wanted = found
            conditions[name] = (*conditions.get(name, ()), wanted)
    actions = _read_actions(value.get("actions"), inside(place, "actions"), problems)
    return Rule(conditions=conditions, actions=actions)


def _read_condition(value: object, place: str, problems: Problems) -> tuple[str, Any] | None:
    if not isinstance(value, Mapping):
        problems.add(place, "must be a map with Key and Value")
        return None
    known(value, ("Key", "Value", "MatchType"), place, problems)
    missing = [name for name in ("Key", "Value") if name not in value]
    if missing:
        problems.add(place, f"lacks {' and '.join(missing)}")
        return None
    match = value.get("MatchType", "exact")
    if match != "exact":
        problems.add(inside(place, "MatchType"), f"{shown(match)} is unknown. Known: exact")
    name = _option(value["Key"], inside(place, "Key"), problems)
    if name is None:
        return None
    try:
        return name, OPTIONS[name].kind.read(value["Value"])
    except Unfit as unfit:
        problems.add(inside(place, "Value"), f"{shown(value['Value'])} {unfit}")
    return None


def _read_actions(value: object, place: str, problems: Problems) -> dict[str, Weights]:
    if not isinstance(value, Mapping) or not value:
        problems.add(place, "must be a map of options to weights")
        return {}
    actions: dict[str, Weights] = {}
    for key, item in value.items():
        name = _option(key, inside(place, key), problems)
        if name is not None:
            weights = read_weights(item, OPTIONS[name].kind, inside(place, key), problems)
            if weights is not None:
                actions[name] = weights
    return actions


def _option(value: object, place: str, problems: Problems) -> str | None:
    """
    Return the option that a rule calls *value*.
    """
    name = IN_RULES.get(value) if isinstance(value, str) else None
    if name is None:
        problems.add(
            place, f"{shown(value)} is no option.{did_you_mean(shown(value), IN_RULES)}".rstrip()
        )
    return name
