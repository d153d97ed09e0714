"""
A weightset that was read, ready to be rolled any number of times.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random

import attrs

from seedcore_alttpr.mystery.customizer import Customizer
from seedcore_alttpr.mystery.rules import Rule
from seedcore_alttpr.mystery.weights import Weights


@attrs.frozen(kw_only=True)
class Misc:
    """
    The section ``options``.
    """

    filler: str = "Nothing"
    force_doors: bool = False
    branch: str = "stable"


@attrs.frozen(kw_only=True, eq=False)
class Plan:
    """
    All weights of a weightset, once it is known which of its subweights count.

    ``place`` is that of the last of these, empty if there are none.
    """

    place: str
    options: Mapping[str, Weights]
    inventory: Mapping[str, Weights]
    customizer: Customizer | None
    rules: tuple[Rule, ...]
    instructions: Weights | None
    misc: Misc


@attrs.frozen(kw_only=True, eq=False)
class Stage:
    """
    Subweights to be rolled (``subs``: weights of further stages), or the plan they led to.
    """

    name: str
    subs: Weights | None
    plan: Plan

    def roll(self, rng: Random) -> tuple[Plan, tuple[str, ...]]:
        """
        Return a plan and the names of the subweights on the way to it.
        """
        stage, names = self, []
        while stage.subs is not None:
            stage = stage.subs.roll(rng)
            names.append(stage.name)
        return stage.plan, tuple(names)

    def plans(self) -> Iterator[Plan]:
        """
        Yield every plan that can be rolled.
        """
        if self.subs is None:
            yield self.plan
            return
        for stage in self.subs.values:
            yield from stage.plans()


@attrs.frozen(kw_only=True, eq=False)
class Weightset:
    """
    What ``parse`` returns.

    ``presets`` are weights of names, or of ``None`` for no preset. ``notes`` are sentences about
    what in the document has no effect. Nothing in it changes when it is rolled.
    """

    stage: Stage
    presets: Weights | None = None
    instructions: Weights | None = None
    branch: str | None = None
    description: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def preset_names(self) -> tuple[str, ...]:
        """
        The presets it may come to, so that they can be looked up before anything is rolled.
        """
        values = self.presets.values if self.presets is not None else ()
        return tuple(dict.fromkeys(name for name in values if name is not None))
