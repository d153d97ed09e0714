"""
That the README says what the server does.
"""

from __future__ import annotations

import re
from pathlib import Path

from seedcore_web import limits
from seedcore_web.api import DESCRIBED
from seedcore_web.api.asked import GENERATE
from seedcore_web.api.openapi import path_of
from seedcore_web.guard import ANY
from seedcore_web.problems import REFUSED, STATUS

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_every_endpoint_is_in_the_table():
    """
    With the scope that it needs.
    """
    rows = re.findall(r"^\| `(\w+) (/[^`]*)` \| ([^|]+) \|", README, re.MULTILINE)
    told = {(method, path): scope.strip("`") for method, path, scope in rows}
    scopes = {"": "none", ANY: "any"}

    for each in DESCRIBED:
        path = path_of(each).removeprefix("/api/v1")
        needed = "by operation" if path == "/call" else scopes.get(each.scope, each.scope)
        assert told.pop((each.method, path)) == needed
    assert {path for _, path in told} == {"/go/{provider}", "/problems/{type}"}


def test_every_error_is_in_the_table():
    """
    Beside its status, and nowhere else.
    """
    rows = re.findall(r"^\| ([\d, ]+) \| (.*) \|$", README, re.MULTILINE)
    told = {
        name: int(status)
        for status, errors in rows
        if status.isdigit()
        for name in re.findall(r"`(\w+)`", errors)
    }

    assert told == {kind.__name__: status for kind, status in STATUS.items()}
    assert "KeyNeeded" in REFUSED


def test_every_name_of_a_roll_is_told():
    """
    Those that are left out are hard to find.
    """
    row = next(line for line in README.splitlines() if line.startswith("| `POST /generate`"))

    assert set(GENERATE["properties"]) <= set(re.findall(r"`(\w+)`", row))


def test_the_limits_are_those_of_the_server():
    """
    As they are told.
    """
    for text in (
        f"body | {limits.BODY // 1024**2} MiB, {limits.DEEPEST} levels, ",
        f"{limits.MOST_VALUES:,} values, within {limits.BODY_SECONDS:.0f} s",
        f"a connection without a request | {limits.IDLE_SECONDS} s",
        f"{limits.PER_MINUTE} a minute",
        f"rows of one answer | {limits.PAGE}",
        f"for the last {limits.REMEMBERED:,} such calls. {limits.JOBS} of them run",
    ):
        assert text in README
