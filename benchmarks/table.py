"""
The lines of the result, as a Markdown table or as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import attrs

UNITS: dict[str, Callable[[float], str]] = {
    "us": lambda figure: f"{figure:.1f} us",
    "ms": lambda figure: f"{figure:.0f} ms",
    "B": lambda figure: f"{figure:,.0f} B",
    "MB": lambda figure: f"{figure:.1f} MB",
    "%": lambda figure: f"{figure:.2f} %",
    "/s": lambda figure: f"{figure:,.0f}/s",
    "x": lambda figure: f"{figure:.2f} x",
    "": lambda figure: f"{figure:.1f}",
}
Unit = Literal["us", "ms", "B", "MB", "%", "/s", "x", ""]

COLUMNS = ("what", "bare", "ours", "by hand", "ratio", "must reach", "held?")


@attrs.frozen(kw_only=True)
class Line:
    """
    One promise and what became of it.

    *bare*, *ours* and *by_hand* are in *unit*. *reached* is what the promise is about, in
    *measure* and *against* something; it is held at *most*, or else at least, *limit*.
    """

    row: int
    what: str
    bare: float | None
    ours: float
    by_hand: float | None
    unit: Unit
    reached: float
    measure: Unit = "x"
    against: str = ""
    limit: float
    most: bool = False

    @property
    def held(self) -> bool:
        """
        Whether the promise was kept in this run.
        """
        return self.reached <= self.limit if self.most else self.reached >= self.limit

    def cells(self) -> tuple[str, ...]:
        """
        Return the texts of the columns.
        """
        shown, measured = UNITS[self.unit], UNITS[self.measure]
        figures = ("-" if figure is None else shown(figure) for figure in self._figures())
        ratio = f"{measured(self.reached)} {self.against}".strip()
        must = f"{'<=' if self.most else '>='} {measured(self.limit)}"
        return f"{self.row} {self.what}", *figures, ratio, must, "yes" if self.held else "**no**"

    def _figures(self) -> tuple[float | None, ...]:
        return self.bare, self.ours, self.by_hand

    def to_json(self) -> dict[str, Any]:
        """
        Return plain data.
        """
        return {**attrs.asdict(self), "held": self.held}


def markdown(lines: Iterable[Line]) -> str:
    """
    Return the table, its columns aligned for who reads it as text.
    """
    rows = [COLUMNS, *(line.cells() for line in lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    texts = [_row(row, widths) for row in rows]
    ruler = "|".join(["", *("-" * (width + 2) for width in widths), ""])
    return "\n".join([texts[0], ruler, *texts[1:]])


def _row(cells: Iterable[str], widths: Iterable[int]) -> str:
    padded = (f" {cell:<{width}} " for cell, width in zip(cells, widths, strict=True))
    return "|".join(["", *padded, ""])
