"""
What commands print: lines, tables and JSON that a terminal and a pipe can take.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence, Set as AbstractSet
from typing import Any

import click

Row = dict[str, Any]
Columns = Mapping[str, str | Callable[[Row], object]]
"""The titles of a table, and for each the name in a row or what makes a cell of the row."""


def printable(text: object) -> str:
    """
    Return *text* without what would steer a terminal: controls, escapes, bidirectional marks.
    """
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(mark if mark.isprintable() else " " for mark in shown)


def one_line(text: object) -> str:
    """
    Return *text* as one printable line.
    """
    return printable(" ".join(str(text).split()))


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


def text_of(value: object) -> str:
    """
    Return *value* for a person: text as it is, everything else as compact JSON.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return one_line(value)
    return printable(json.dumps(plain(value), ensure_ascii=False))


def plain(value: Any) -> Any:
    """
    Return *value* as JSON can hold it, without the secret fields of records.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, AbstractSet)):
        return [plain(item) for item in value]
    if hasattr(type(value), "__attrs_attrs__"):
        fields = type(value).__attrs_attrs__
        shown = (field.name for field in fields if not field.metadata.get("secret"))
        return {name: plain(getattr(value, name)) for name in shown}
    return _named(value)


def _named(value: object) -> str:
    from datetime import date
    from decimal import Decimal
    from pathlib import PurePath
    from uuid import UUID

    # The repr of an unknown object may hold anything, a secret too.
    known = (date, Decimal, PurePath, UUID)
    return str(value) if isinstance(value, known) else f"<{type(value).__name__}>"
