"""
That the server is a surface: it asks the runner and shows the answer, and that is all.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import seedcore_web

ROOT = Path(seedcore_web.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))
FORBIDDEN = (
    "asyncpg",
    "backoff",
    "httpx",
    "requests",
    "seedcore.audit",
    "seedcore.contract",
    "sqlite3",
    "stamina",
    "tenacity",
    "tortoise",
)
"""Retries, limits of calls, rows of the audit, other clients: those are the core's."""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_it_has_no_contract_of_its_own(path):
    """
    Neither retries, nor rows, nor a client.
    """
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported |= {f"{node.module}", *(f"{node.module}.{each.name}" for each in node.names)}

    wrong = {name for name in imported for each in FORBIDDEN if f"{name}.".startswith(f"{each}.")}
    assert wrong == set()
    assert not re.search(r"ClientSession|\.write_failure\(|store\.write\(", path.read_text())
