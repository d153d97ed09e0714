"""
Row 7: what a command takes before it does anything.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile

from measure import Effort, Slice, interleaved
from table import Line

# What the console script does.
COMMAND = "import sys; from seedcore.cli import main; sys.exit(main({}))"
BY_HAND = "import aiohttp, click, loguru, purgatory, stamina, tortoise"


async def startup(effort: Effort) -> list[Line]:
    """
    Row 7: processor time of ``--help`` and ``list`` over ``python -c pass``.
    """
    programs = {
        "bare": "pass",
        "--help": COMMAND.format(["--help"]),
        "list": COMMAND.format(["list"]),
        "by hand": BY_HAND,
    }
    with tempfile.TemporaryDirectory() as folder:  # no seedcore.toml here
        sides = {side: _cpu_of(program, folder) for side, program in programs.items()}
        rounds = await interleaved(sides, effort.rounds)
    return [
        Line(
            row=7,
            what=f"processor time of seedcore {command} (bare: pass)",
            bare=rounds.median("bare"),
            ours=rounds.median(command),
            by_hand=rounds.median("by hand"),
            unit="ms",
            reached=rounds.middle(functools.partial(_more, command)),
            measure="ms",
            against="more",
            limit=limit,
            most=True,
        )
        for command, limit in (("--help", 60), ("list", 120))
    ]


def _more(side: str, figure: dict[str, float]) -> float:
    return figure[side] - figure["bare"]


def _cpu_of(program: str, folder: str) -> Slice:
    ours = {"PYTHONDONTWRITEBYTECODE", *(name for name in os.environ if "SEEDCORE" in name)}
    environment = {name: text for name, text in os.environ.items() if name not in ours}

    async def measure() -> float:
        process = subprocess.Popen(  # noqa: ASYNC220, S603 - nothing else runs
            [sys.executable, "-c", program],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(process.pid, 0)  # noqa: ASYNC222 - nothing else runs
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, program
        return (used.ru_utime + used.ru_stime) * 1e3

    return measure
