"""
Dry runs: a call that is checked like any other, and that nobody is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seedcore.audit import effective_settings
from seedcore.call import Call
from seedcore.model import Request, Seed, SeedRequest
from seedcore.options import copied

VERSION = "dry-run"
EMPTY: Mapping[str, Any] = {
    "str": VERSION,
    "int": 0,
    "float": 0.0,
    "bool": False,
    "list": [],
    "Sequence": [],
    "Iterable": [],
    "tuple": (),
    "dict": {},
    "Mapping": {},
}
"""What an operation without a placeholder returns, by the type it promises."""


def value_of(call: Call) -> Any:
    """
    Return what stands for the result of *call*; the same for the same request.
    """
    operation = call.operation
    if operation.placeholder is not None:
        return copied(operation.placeholder)
    outer = operation.returns.split("[")[0].split("|")[0].strip().rpartition(".")[2]
    if operation.rolls or outer == Seed.__name__:
        return seed_of(call.request)
    return copied(EMPTY.get(outer))


def seed_of(request: Request) -> Seed:
    """
    Return a seed with every field that a real one may have.
    """
    name = request.fingerprint()[:12]
    url = f"https://dry-run.invalid/{request.provider}/{name}"
    spoilers = isinstance(request, SeedRequest) and request.spoilers == "on"
    return Seed(
        url=url,
        id=name,
        code="Dry/Run",
        version=VERSION,
        spoiler_url=f"{url}/spoiler" if spoilers else None,
        settings=_without_nothing(effective_settings(request, Seed())),
    )


def _without_nothing(settings: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return *settings* without what nobody has said: options that are ``None``.
    """
    kept = {
        name: _without_nothing(value) if isinstance(value, Mapping) else value
        for name, value in settings.items()
    }
    return {name: value for name, value in kept.items() if value is not None}
