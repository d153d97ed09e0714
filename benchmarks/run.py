"""
Measures bare calls, ours, and what a person would write by hand, side by side.

``python benchmarks/run.py`` takes three minutes, with ``--quick`` one; numbers choose
rows. Prints a Markdown table, or JSON; with ``--strict`` it exits 1 when a promise isn't held.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from databases import no_postgres
from durable import durable_rows
from each_plugin import each_plugin
from in_process import refused_call, successful_call, waiting_call
from measure import QUICK, THOROUGH, Effort
from network import plain_calls, recorded_calls
from queued import queued_programs
from startup import startup
from table import Line, markdown
from together import shared_database
from web import first_paint, served_calls, slow_callers

ROWS: dict[int, Callable[[Effort], Coroutine[Any, Any, list[Line]]]] = {
    1: successful_call,
    2: plain_calls,
    3: recorded_calls,
    4: durable_rows,
    5: refused_call,
    6: waiting_call,
    7: startup,
    8: shared_database,
    9: each_plugin,
    10: queued_programs,
    11: slow_callers,
    12: served_calls,
    13: first_paint,
}
ON_POSTGRES = {4, 8}
"""Rows that have lines on PostgreSQL as well."""
OF_PLUGINS = {9, 10, 11, 12, 13}
"""Rows about plugins; the others are measured as if there were none."""

OPEN_FILES = 8192
"""Connections and their other ends, of all sides at 500 callers, with room to spare."""


WHY: dict[int, str] = {
    1: "a call passes some forty small functions and makes a request, a limit, a meta and a copy "
    "of the seed; one place for each rule costs more here than one long function would.",
    2: "the difference to bare aiohttp is row 1, run with cold caches between two socket events.",
    3: "the difference is row 1 and the rows themselves; where syncing the disk is cheap, the "
    "hand-made stack, which syncs for every row, loses less.",
    4: "where syncing the disk takes a fraction of a millisecond, the processor time of a row "
    "decides, not the number of syncs; the slower the disk, the larger the ratio. A PostgreSQL "
    "server takes two thirds of a large commit, for its own work on each row.",
    5: "a refusal is a whole call: its request, an error, and a copy with all its fields.",
    6: "a waiting call keeps its request, its record, its limit and four coroutine frames.",
    7: "click, attrs and importlib.metadata take most of it.",
    8: "a call writes a row alone, which is one transaction; a look is two small queries, and "
    "Tortoise most of the memory. These limits were not promised: they are what was measured, "
    "with room.",
    9: "a plain client sends a body that is ready. Ours reads the preset's file, makes options and "
    "body anew for each call, checks them before anything is sent, and compares the answer with "
    "them; a poll costs twice row 1.",
    10: "a machine with as many programs as processors gives the loop its turn late.",
    11: "each caller has a connection, a request and a call that waits.",
    12: "the server reads HTTP and JSON, looks who asks, and writes the whole seed as JSON.",
    13: "the page asks the database five questions, and the browser starts cold.",
}
"""What a missed row is missed for; profiles of the rows say so."""


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the chosen rows and return the exit status.
    """
    chosen = _chosen(arguments)
    _allow_open_files()
    if chosen.plugins:
        sys.path.append(chosen.plugins)  # the processes of other rows don't inherit this
    lines: list[Line] = []
    for row in chosen.rows:
        measure = ROWS[row]
        print((measure.__doc__ or "").strip(), file=sys.stderr)
        lines += asyncio.run(measure(QUICK if chosen.quick else THOROUGH))
    missing = _missing(chosen.rows, lines)
    for sentence in missing:
        print(f"Nothing was measured {sentence}.", file=sys.stderr)
    if chosen.json:
        print(json.dumps({"machine": _machine(), "lines": [line.to_json() for line in lines]}))
    else:
        print(f"{markdown(lines)}\n\n{_machine()}")
        for row in sorted({line.row for line in lines if not line.held}):
            print(f"\nRow {row} was missed: {WHY[row]}")
    return int(chosen.strict and bool(missing or not all(line.held for line in lines)))


def _missing(rows: Sequence[int], lines: Sequence[Line]) -> list[str]:
    """
    Say what of *rows* was not measured, and why.
    """
    missing = []
    if ON_POSTGRES.intersection(rows) and (why := no_postgres()):
        missing.append(f"on PostgreSQL: {why}")
    silent = sorted(OF_PLUGINS.intersection(rows) - {line.row for line in lines})
    missing += [f"in row {row}: no plugin of it is installed, or no Chromium" for row in silent]
    return missing


def _chosen(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=(__doc__ or "").split("\n")[1])
    parser.add_argument(
        "rows",
        nargs="*",
        type=int,
        metavar="ROW",
        help=f"{min(ROWS)} to {max(ROWS)}; all if not given",
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--plugins", metavar="FOLDER", help="where plugins are, for rows 9 to 13")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a promise is not held")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.rows) - ROWS.keys():
        parser.error(f"there is no row {min(unknown)}; rows are {min(ROWS)} to {max(ROWS)}")
    chosen.rows = sorted(set(chosen.rows)) or [*ROWS]
    return chosen


def _allow_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _machine() -> str:
    load = os.getloadavg()[0]
    return (
        f"Python {platform.python_version()}, {os.cpu_count()} processors, load {load:.1f}; "
        f"a write that reaches the disk takes {_fsync() * 1e6:.0f} us."
    )


def _fsync() -> float:
    times = []
    with tempfile.TemporaryFile() as file:
        for _ in range(21):
            file.write(bytes(4096))
            file.flush()
            started = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - started)
    return statistics.median(times)


if __name__ == "__main__":
    sys.exit(main())
