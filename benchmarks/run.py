"""
Measures bare calls, ours, and what a person would write by hand, side by side.

``python benchmarks/run.py`` takes three minutes, with ``--quick`` half of one; numbers choose
rows. Prints a Markdown table, or JSON; with ``--strict`` it exits 1 when a promise isn't held.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import resource
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from durable import durable_rows
from in_process import refused_call, successful_call, waiting_call
from measure import QUICK, THOROUGH, Effort
from network import plain_calls, recorded_calls
from startup import startup
from table import Line, markdown

ROWS: dict[int, Callable[[Effort], Coroutine[Any, Any, list[Line]]]] = {
    1: successful_call,
    2: plain_calls,
    3: recorded_calls,
    4: durable_rows,
    5: refused_call,
    6: waiting_call,
    7: startup,
}

OPEN_FILES = 8192
"""Connections and their other ends, of all sides at 500 callers, with room to spare."""


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the chosen rows and return the exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", type=int, choices=[*ROWS, []], metavar="ROW")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a promise is not held")
    chosen = parser.parse_args(arguments)
    _allow_open_files()
    lines: list[Line] = []
    for row in sorted(set(chosen.rows)) or ROWS:
        print(f"row {row}: {ROWS[row].__doc__.strip()[7:]}", file=sys.stderr)
        lines += asyncio.run(ROWS[row](QUICK if chosen.quick else THOROUGH))
    if chosen.json:
        print(json.dumps({"machine": _machine(), "lines": [line.to_json() for line in lines]}))
    else:
        print(f"{markdown(lines)}\n\n{_machine()}")
    return int(chosen.strict and not all(line.held for line in lines))


def _allow_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < OPEN_FILES:
        wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _machine() -> str:
    load = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    return f"Python {platform.python_version()}, {os.cpu_count()} processors, load {load}."


if __name__ == "__main__":
    sys.exit(main())
