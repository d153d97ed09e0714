"""
What a key needs for an operation of a provider.
"""

from __future__ import annotations

from seedcore import Runner
from seedcore.model import Operation
from seedcore.plugins import Provider
from seedcore.policy import Effect
from seedcore.storage.chosen import NEEDED
from seedcore.store.keys import SCOPES


def scope_of(runner: Runner, name: str, operation: str) -> str:
    """
    Return what a key needs to call *operation* by *name*, whoever a route leads to.

    Raises UnknownProviderError, UnknownOperationError, and what else is wrong with a plugin.
    """
    route = runner.routes.of(name)
    names = route.providers if route is not None and route.providers else (name,)
    needed = [of_operation(runner.registry.load(each), operation) for each in names]
    return max(needed, key=_ORDER.index)


_ORDER = ("read", "generate", "admin")
assert set(_ORDER) == set(SCOPES)


def of_operation(provider: Provider, name: str) -> str:
    """
    Return what a key needs for an operation of *provider*; one that isn't there is refused later.
    """
    # A storage has the logs that are sealed: nobody may fetch them past their reveal.
    if all(each in provider.operations for each in NEEDED):
        return "admin"
    found = provider.operations.get(name)
    return "read" if found is None else _of(found)


def _of(operation: Operation) -> str:
    if operation.effect is Effect.READ:
        return "read"
    # Seeds are made in plenty; what else an operation changes, it changes for all.
    return "generate" if operation.rolls or operation.effect is Effect.REPEATABLE else "admin"
