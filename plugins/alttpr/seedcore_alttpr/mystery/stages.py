"""
Subweights: the stages that lead to the plans of a weightset.
"""

from __future__ import annotations

from seedcore_alttpr.mystery.catalogue import OPTIONS
from seedcore_alttpr.mystery.level import Level, read_level
from seedcore_alttpr.mystery.problems import Problems, inside
from seedcore_alttpr.mystery.tables import known, table_at
from seedcore_alttpr.mystery.weights import Weights, added_up, read_weight
from seedcore_alttpr.mystery.weightset import Misc, Plan, Stage

DEEPEST = 20
NEEDED = "must be a map of names, each with a chance and weights"
MOST_STAGES = 1_000
"""Subweights of a document, those inside of others included."""


class Reader:
    """
    Follows subweights into each other.
    """

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._above: list[int] = []
        self._stages = 0

    def stage(self, name: str, place: str, level: Level) -> Stage:
        """
        Return the stage with all the weights of *level*, and those below it.
        """
        subs, weights = level.get("subweights"), None
        if subs is not None:
            where = inside(f"{place}.weights" if place else "", "subweights")
            weights = self._subs(subs, where, level)
        return Stage(name=name, subs=weights, plan=_plan(place, level))

    def _subs(self, value: object, place: str, level: Level) -> Weights | None:
        table = table_at(value, place, NEEDED, self._problems)
        if table is None:
            return None
        if not table:
            self._problems.add(place, f"is empty: it {NEEDED}")
        elif id(table) in self._above:
            self._problems.add(place, "leads back to itself, so that it might never come to an end")
        elif len(self._above) >= DEEPEST:
            self._problems.add(place, f"is nested too deeply; {DEEPEST} levels are allowed")
        else:
            self._above.append(id(table))
            subs = [self._sub(name, sub, inside(place, name), level) for name, sub in table.items()]
            self._above.pop()
            return self._weights(subs, place)
        return None

    def _weights(self, subs: list[tuple[Stage, float] | None], place: str) -> Weights | None:
        """
        Return the stages that have a chance.
        """
        found = [each for each in subs if each is not None]
        if len(found) < len(subs):
            return None
        stages = [stage for stage, chance in found if chance]
        if not stages:
            self._problems.add(place, "all chances are 0")
            return None
        chances = [chance for _, chance in found if chance]
        return added_up(stages, chances, place)

    def _sub(
        self, name: object, value: object, place: str, above: Level
    ) -> tuple[Stage, float] | None:
        self._stages += 1
        if self._stages > MOST_STAGES:
            self._problems.add("subweights", f"there are more than {MOST_STAGES} of them")
            return None
        sub = table_at(value, place, "must be a map with a chance and weights", self._problems)
        if not sub:
            self._problems.add(place, "must have a chance")
            return None
        known(sub, ("chance", "weights"), place, self._problems)
        chance = None
        if "chance" in sub:
            chance = read_weight(sub["chance"], inside(place, "chance"), self._problems, "chance")
        else:
            self._problems.add(place, "must have a chance")
        where = inside(place, "weights")
        weights = table_at(sub.get("weights"), where, "must be a map of weights", self._problems)
        own = read_level(weights or {}, where, self._problems)
        # One level deep; and a sub without further ones is the last.
        stage = self.stage(str(name), place, {**above, "subweights": None, **own})
        return (stage, chance) if chance is not None else None


def _plan(place: str, level: Level) -> Plan:
    return Plan(
        place=place,
        options={name: level[name] for name in OPTIONS if level.get(name) is not None},
        inventory=level.get("startinventory") or {},
        customizer=level.get("customizer"),
        rules=level.get("rules") or (),
        instructions=level.get("custom_instructions"),
        misc=level.get("options") or Misc(),
    )
