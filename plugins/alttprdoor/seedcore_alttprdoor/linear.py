"""
Writes a BPS patch: ``python linear.py base game patch``, a program of its own.

bps.diff looks for the best patch and takes minutes for a ROM. This one is some 100 KiB larger and
takes a tenth of a second: what is equal is read from the base, runs of one byte are copied, all
else is written out.
"""

from __future__ import annotations

import importlib
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

SAME = re.compile(rb"(\0{4,})|(?:(?!\0{4})[\s\S])+")
"""In what differs between base and game: at least four equal bytes, or else."""
RUNS = re.compile(rb"([\s\S])\1{7,}|(?:(?!([\s\S])\2{7})[\s\S])+")
"""Beyond the end of the base: at least eight times the same byte, or else."""


def operations(base: bytes, game: bytes) -> Iterator[Any]:
    """
    Yield what makes *game* of *base*.
    """
    bps: Any = importlib.import_module("bps.operations")
    common = min(len(base), len(game))
    numbers = (int.from_bytes(each[:common], "big") for each in (base, game))
    first, second = numbers
    differing = (first ^ second).to_bytes(common, "big")
    yield bps.Header(len(base), len(game))
    for found in SAME.finditer(differing):
        start, end = found.span()
        yield bps.SourceRead(end - start) if found[1] else bps.TargetRead(game[start:end])
    for found in RUNS.finditer(game, common):
        start, end = found.span()
        if found[1] is None:
            yield bps.TargetRead(game[start:end])
        else:
            yield bps.TargetRead(game[start : start + 1])
            yield bps.TargetCopy(end - start - 1, start)
    yield bps.SourceCRC32(crc32(base))
    yield bps.TargetCRC32(crc32(game))


def write(base: Path, game: Path, patch: Path) -> None:
    """
    Write the file *patch*.
    """
    written = io.BytesIO()
    importlib.import_module("bps.io").write_bps(
        operations(base.read_bytes(), game.read_bytes()), written
    )
    patch.write_bytes(written.getvalue())


if __name__ == "__main__":
    write(*map(Path, sys.argv[1:4]))
