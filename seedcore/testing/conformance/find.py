"""
The contracts that there are: those that plugins ship, and those in a file.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import inspect
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seedcore.testing.conformance.case import ContractError, imported
from seedcore.testing.contract import ProviderContract

CONTRACTS = "seedcore.contracts"
"""The group of entry points whose names are providers, and whose values are contracts."""


def shipped(provider: str) -> list[type[ProviderContract]]:
    """
    Return the contracts that the installed plugin of *provider* ships, none if it ships none.

    Raises ContractError for what is no contract.
    """
    found: list[type[ProviderContract]] = []
    for entry in importlib.metadata.entry_points(group=CONTRACTS, name=provider):
        found += _contracts_in(imported(entry.load, entry.value), entry.value)
    return found


def _contracts_in(value: Any, place: str) -> list[type[ProviderContract]]:
    if inspect.isclass(value) and issubclass(value, ProviderContract):
        return [value]
    found = [*_defined_in(value)] if isinstance(value, types.ModuleType) else []
    if not found:
        msg = f"{place} is neither a ProviderContract nor a module with some."
        raise ContractError(msg)
    return found


def _defined_in(module: types.ModuleType) -> Iterator[type[ProviderContract]]:
    # A module may import a contract only to inherit it.
    found = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, ProviderContract)
    ]
    for value in found:
        inherited = any(value in other.__mro__[1:] for other in found)
        if value is not ProviderContract and not inherited:
            yield value


def in_file(path: Path) -> list[type[ProviderContract]]:
    """
    Return the contracts in a file of Python. Raises ContractError where there is none.
    """
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        msg = f"{path} is no file of Python (.py)."
        raise ContractError(msg)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.parent))  # it may import what lies beside it
    imported(functools.partial(spec.loader.exec_module, module), str(path))
    return _contracts_in(module, str(path))
