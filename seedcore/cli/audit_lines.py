"""
The lines of ``seedcore audit import``: read one by one, gathered for a transaction, counted.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING

import click

from seedcore.cli.database import rows_of
from seedcore.cli.output import one_line

if TYPE_CHECKING:
    from seedcore.model import AuditRecord
    from seedcore.store.earlier import Reading

LONGEST_LINE = 8 * 2**20
"""Bytes of a line; what a site says of a seed has no more, either."""
AT_A_TIME = 500
"""Rows in one transaction; others write in between."""
MOST_BYTES = 4 * 2**20
"""Bytes of lines after which a transaction has enough rows."""
SHOWN = 20
"""Bad lines that are named one by one."""
LONG = 2**20
"""Bytes of a file whose import shows its progress."""

Lines = Iterator[bytes | None]
"""Lines of a file, ``None`` for one that is too long."""


class Tally:
    """
    What became of the lines so far: ``new`` rows, ``known`` ones, ``bad`` lines.
    """

    def __init__(self, *, dry_run: bool) -> None:
        self.dry_run = dry_run
        self.new = self.known = self.bad = 0
        self._problems: list[tuple[int, str]] = []

    def count(self, line: int, outcome: str) -> None:
        """
        Count a line; an outcome that is no word of ``store.imports`` is what is wrong with it.
        """
        if outcome == "new":
            self.new += 1
        elif outcome == "known":
            self.known += 1
        else:
            self.bad += 1
            if len(self._problems) < SHOWN:
                self._problems.append((line, outcome))

    @property
    def problems(self) -> list[tuple[int, str]]:
        """
        What is wrong with which line, for the first bad ones.
        """
        return sorted(self._problems)

    @property
    def sentence(self) -> str:
        """
        The counts, and what to do about them.
        """
        if not self.new + self.known + self.bad:
            return "There is no row to import."
        would = "would be " if self.dry_run else ""
        known = f"{self.known:,} {'was' if self.known == 1 else 'were'} there already"
        bad = f"{self.bad:,} bad {'line' if self.bad == 1 else 'lines'}"
        text = f"{rows_of(self.new)} {would}written, {known}, {bad}."
        if self.bad and not self.dry_run:
            text += " Correct what is bad and import the file again: no row is written twice."
        return text


@contextlib.contextmanager
def opened(file: str) -> Iterator[Lines]:
    """
    Yield the lines of *file*, ``-`` for stdin, and show how many are done where that takes long.
    """
    if file == "-":
        if sys.stdin is None:
            msg = "There is no standard input to read."
            raise click.UsageError(msg)
        yield _lines(sys.stdin.buffer, file, lambda _: None)
        return
    try:
        stream = open(file, "rb")  # noqa: PTH123, SIM115 - a name of any bytes; closed below
    except OSError as error:
        raise _unreadable(file, error) from None
    with stream:
        size = os.fstat(stream.fileno()).st_size
        hidden = size < LONG or not sys.stderr.isatty()
        with click.progressbar(
            length=size, label="Importing", file=sys.stderr, hidden=hidden
        ) as progress:
            yield _lines(stream, file, progress.update)


def _lines(stream: IO[bytes], file: str, read: Callable[[int], None]) -> Lines:
    try:
        while line := stream.readline(LONGEST_LINE + 1):
            read(len(line))
            if len(line) <= LONGEST_LINE:
                yield line
                continue
            while not line.endswith(b"\n") and (line := stream.readline(LONGEST_LINE)):
                read(len(line))
            yield None
    except OSError as error:
        raise _unreadable(file, error) from None


def _unreadable(file: str, error: OSError) -> click.UsageError:
    return click.UsageError(f"{one_line(file)} can't be read: {error.strerror}")


def batches(
    lines: Lines, reading: Reading, tally: Tally
) -> Iterator[list[tuple[int, AuditRecord]]]:
    """
    Yield rows with the numbers of their lines, as many as one transaction may have.
    """
    batch: list[tuple[int, AuditRecord]] = []
    size = 0
    for number, line in enumerate(lines, 1):
        if line is None:
            tally.count(number, f"it is longer than {LONGEST_LINE // 2**20} MiB")
            continue
        if not line.strip():
            continue
        try:
            batch.append((number, reading.record(line)))
        except ValueError as error:
            tally.count(number, str(error))
            continue
        size += len(line)
        if len(batch) == AT_A_TIME or size >= MOST_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
