"""
From the document of a weightset, as YAML has it, to a Weightset; all of it is checked here.
"""

from __future__ import annotations

from seedcore_alttpr.mystery.level import read_level
from seedcore_alttpr.mystery.plans import check_plans
from seedcore_alttpr.mystery.problems import Problems
from seedcore_alttpr.mystery.stages import Reader
from seedcore_alttpr.mystery.tables import table_at
from seedcore_alttpr.mystery.weights import Weights
from seedcore_alttpr.mystery.weightset import Weightset

NEEDED = "it must be a map with weights for each option"


def parse(document: object) -> Weightset:
    """
    Return the weightset that *document* describes; the document isn't changed.

    Raises ProviderInvalidRequestError that names up to ten places where something is wrong, such
    as ``subweights.hard.weights.goals: all weights are 0``. What this function lets through can
    be rolled, and comes to options that ``alttpr`` takes.
    """
    problems = Problems()
    table = table_at(document, "", NEEDED, problems)
    if not table:
        problems.add("", NEEDED)
    level = read_level(table or {}, "", problems)
    stage = Reader(problems).stage("", "", level)
    presets: Weights | None = level.get("preset")
    may_be_rolled = presets is None or None in presets.values
    if may_be_rolled and not problems.found:  # else much of it would be said twice
        check_plans(stage.plans(), problems)
    problems.check()
    return Weightset(
        stage=stage,
        presets=presets,
        instructions=level.get("custom_instructions"),
        branch=level.get("branch"),
        description=level.get("description"),
        notes=problems.notes,
    )
