"""
Whether each plan of a weightset can be carried out, whatever is rolled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from seedcore_alttpr.mystery import doors
from seedcore_alttpr.mystery.catalogue import NEVER_DOORS, NOT_FOR_DOORS, ONLY_DOORS, REQUIRED
from seedcore_alttpr.mystery.problems import Problems
from seedcore_alttpr.mystery.weights import Weights
from seedcore_alttpr.mystery.weightset import Plan


@attrs.frozen(kw_only=True)
class _Ways:
    """
    Whether a plan may come to the site, and whether to the Door Randomizer, with the *reason*.
    """

    site: bool
    doors: bool
    reason: str


def _ways(plan: Plan) -> _Ways:
    if plan.misc.force_doors:
        return _Ways(site=False, doors=True, reason="options.force_doors")
    needs = {
        name: [doors.is_needed(name, value) for value in plan.options[name].values]
        for name in doors.TRIGGERS
        if name in plan.options
    }
    may = [name for name, each in needs.items() if any(each)]
    must = any(all(each) for each in needs.values())
    return _Ways(site=not must, doors=bool(may), reason=may[0] if may else "")


def check_plans(plans: Iterable[Plan], problems: Problems) -> None:
    """
    Add a problem for what a plan lacks, and for values that whoever makes the game hasn't.
    """
    for plan in plans:
        ways = _ways(plan)
        missing = [
            name
            for name in REQUIRED
            if name not in plan.options and (ways.site or name not in NOT_FOR_DOORS)
        ]
        if missing:
            there = "; give them there or above" if plan.place else ""
            problems.add(plan.place, f"there are no weights for {', '.join(missing)}{there}")
        lacking = doors.LACKS[plan.misc.branch]
        for name, weights, everywhere in _settable(plan):
            only, never = ONLY_DOORS.get(name, ()), NEVER_DOORS.get(name, ())
            lacks = lacking.get(name, ())
            for value in weights.values:
                if ways.site and everywhere and value in only:
                    problems.add(weights.place, _only_doors(value))
                if ways.doors and value in never:
                    text = (
                        f"{value} is nothing for the Door Randomizer, which {ways.reason} asks for"
                    )
                    problems.add(weights.place, text)
                if ways.doors and value in lacks:
                    text = (
                        f"{value} is nothing for the branch {plan.misc.branch} of the Door "
                        f"Randomizer, which {ways.reason} asks for; leave it out, or choose "
                        "another options.branch"
                    )
                    problems.add(weights.place, text)


def _only_doors(value: str) -> str:
    return (
        f"{value} is known to the Door Randomizer only, and it may come to a game of the site; "
        "options.force_doors: true prevents that"
    )


def _settable(plan: Plan) -> Iterator[tuple[str, Weights, bool]]:
    """
    Yield all weights that an option may get its value from; the last is ``False`` for weights
    that only games of the Door Randomizer get.
    """
    for name, weights in plan.options.items():
        yield name, weights, True
    acted = {name for rule in plan.rules for name in rule.actions}
    for rule in plan.rules:
        everywhere = not rule.is_for_doors(acted)
        for name, weights in rule.actions.items():
            yield name, weights, everywhere
