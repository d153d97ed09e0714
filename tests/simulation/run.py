"""
Plays every fault row with 20 seeds and holds it against its promise.

``python tests/simulation`` prints a Markdown table, or JSON, and exits 1 when a promise isn't
held. The same seeds give the same table on every machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence

from simulation.rows import ROWS, SEEDS
from simulation.table import Line, markdown

Table = dict[str, list[Line]]


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Play the chosen rows and return the exit status.
    """
    chosen = _chosen(arguments)
    table = _played(chosen.rows or list(ROWS), range(1, chosen.seeds + 1))
    missed = [name for name, lines in table.items() if not all(line.held for line in lines)]
    if chosen.json:
        lines = [line.to_json(name) for name, lines in table.items() for line in lines]
        say(json.dumps({"seeds": chosen.seeds, "held": not missed, "lines": lines}))
    else:
        say(markdown(cells for name in table for cells in _cells(name, table[name])))
        say(f"\nMissed: {', '.join(missed)}." if missed else "\nEvery row was held.")
    return 1 if missed else 0


def _played(names: Sequence[str], seeds: Sequence[int]) -> Table:
    table: Table = {}
    for number, name in enumerate(names, 1):
        row, begin = ROWS[name], time.perf_counter()
        table[name] = row.lines(seeds)
        held = "held" if all(line.held for line in table[name]) else "MISSED"
        became = held if any(line.limit is not None for line in table[name]) else "measured"
        seconds = time.perf_counter() - begin
        sys.stderr.write(f"{number}/{len(names)} {name}: {row.what}: {became} ({seconds:.0f} s)\n")
    return table


def _cells(name: str, lines: Sequence[Line]) -> list[tuple[str, ...]]:
    return [line.cells(name, ROWS[name].what) for line in lines]


def _chosen(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python tests/simulation", description=__doc__)
    parser.add_argument("--rows", nargs="+", choices=[*ROWS], metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--seeds", type=_positive, default=len(SEEDS), help="fewer tell less")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        msg = "at least one"
        raise argparse.ArgumentTypeError(msg)
    return number


def say(text: str) -> None:
    """
    Print *text*.
    """
    sys.stdout.write(f"{text}\n")
