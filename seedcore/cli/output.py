"""
What commands print: lines, tables and JSON that a terminal and a pipe can take.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from seedcore.surface.plain import one_line, plain, printable, text_of

Row = dict[str, Any]
Columns = Mapping[str, str | Callable[[Row], object]]
"""The titles of a table, and for each the name in a row or what makes a cell of the row."""


def write_line(text: str) -> None:
    """
    Write a line to stdout.
    """
    click.echo(text)


def write_json(value: Any) -> None:
    """
    Write *value* as JSON on one line, in ASCII: no terminal and no encoding can stumble over it.
    """
    write_line(json.dumps(plain(value), allow_nan=False))


def write_facts(facts: Mapping[str, object]) -> None:
    """
    Write a line for each name and value; what is ``None`` or empty is left out.
    """
    for name, value in facts.items():
        if value not in (None, ""):
            write_line(f"{name + ':':14}{text_of(value)}")


def write_rows(
    rows: Sequence[Any], columns: Columns, nothing: str, *, as_json: bool, fit: bool = True
) -> None:
    """
    Write *rows* as a JSON array or as a table; *nothing* if there are none.
    """
    if as_json:
        write_json(rows)
    elif rows:
        write_table(rows, columns, fit=fit)
    else:
        write_line(nothing)


def write_table(
    rows: Sequence[Any], columns: Columns, *, fit: bool = True, wrap: bool = False
) -> None:
    """
    Write a table; where it is wider than the terminal, *wrap* its cells, or else *fit* cuts it.
    """
    lines = [list(columns)]
    for row in map(plain, rows):
        facts = (row[take] if isinstance(take, str) else take(row) for take in columns.values())
        lines.append([text_of(fact) for fact in facts])
    room = _terminal_width() if fit else None
    if room is not None and wrap:
        _write_wrapped(lines, room)
        return
    if room is not None:
        lines = [[_cut(cell, room // 2) for cell in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        text = "  ".join(cells).rstrip()
        write_line(text if room is None else _cut(text, room))


def _write_wrapped(lines: Sequence[Sequence[str]], room: int) -> None:
    import textwrap

    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    while sum(widths) + 2 * len(widths) > room and max(widths) > NARROWEST:
        widths[widths.index(max(widths))] -= 1
    for line in lines:
        cells = [
            textwrap.wrap(cell, width, break_on_hyphens=False) if width else []
            for cell, width in zip(line, widths, strict=True)
        ]
        for number in range(max(map(len, cells))):
            parts = (
                (cell[number] if number < len(cell) else "").ljust(width)
                for cell, width in zip(cells, widths, strict=True)
            )
            write_line("  ".join(parts).rstrip())


NARROWEST = 12
"""Characters of a column that isn't made narrower."""


def _terminal_width() -> int | None:
    if not sys.stdout.isatty():
        return None
    import shutil

    return shutil.get_terminal_size().columns


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


__all__ = [
    "Columns",
    "Row",
    "one_line",
    "plain",
    "printable",
    "text_of",
    "write_facts",
    "write_json",
    "write_line",
    "write_rows",
    "write_table",
]
