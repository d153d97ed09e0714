"""
What was measured beside what was promised, as a Markdown table or as plain data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import attrs

Unit = Literal["%", "s", "", "x"]
SHOWN: dict[Unit, Callable[[float], str]] = {
    "%": lambda figure: f"{figure:.2%}".replace("%", " %"),
    "s": lambda figure: f"{figure:.2f} s",
    "x": lambda figure: f"{figure:.2f}",
    "": lambda figure: f"{figure:.0f}",
}
COLUMNS = ("row", "what", "measured", "must reach", "held")


@attrs.frozen(kw_only=True)
class Line:
    """
    One figure: held at *most*, or else at least, *limit*; without one nothing was promised.

    *over* says over how many independent cases a share or a mean was taken: fewer tell less.
    """

    what: str
    reached: float
    unit: Unit
    limit: float | None = None
    most: bool = False
    over: int | None = None

    @property
    def held(self) -> bool:
        """
        Whether the promise was kept.
        """
        if self.limit is None:
            return True
        return self.reached <= self.limit if self.most else self.reached >= self.limit

    def cells(self, row: str, scenario: str) -> tuple[str, ...]:
        """
        Return the texts of the columns.
        """
        shown = SHOWN[self.unit]
        must, held = "-", "-"
        if self.limit is not None:
            must = f"{'<=' if self.most else '>='} {shown(self.limit)}"
            held = "yes" if self.held else "**no**"
        return row, f"{scenario}: {self.what}", shown(self.reached), must, held

    def to_json(self, row: str) -> dict[str, Any]:
        """
        Return plain data.
        """
        return {"row": row, **attrs.asdict(self), "held": self.held}


def markdown(cells: Iterable[tuple[str, ...]]) -> str:
    """
    Return the table, its columns aligned for who reads it as text.
    """
    rows = [COLUMNS, *cells]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    texts = [_row(row, widths) for row in rows]
    ruler = "|".join(["", *("-" * (width + 2) for width in widths), ""])
    return "\n".join([texts[0], ruler, *texts[1:]])


def _row(cells: Iterable[str], widths: Iterable[int]) -> str:
    padded = (f" {cell:<{width}} " for cell, width in zip(cells, widths, strict=True))
    return "|".join(["", *padded, ""])
