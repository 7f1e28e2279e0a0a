"""What executed notebooks show of their outputs: figures, numbers with their unrounded values, links, tables.

A cell that ends with one of these objects shows it in the richest form that the object offers.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Figures are stored at 200 dots per inch and shown at half that, which on a screen is about their size in print.
_SHOWN_DPI = 100


@dataclass(frozen=True)
class SavedFigure:
    """A saved figure; a notebook shows its image.

    Attributes
    ----------
    stem
        Path of the files without suffix.
    size_in
        (width, height) in inches.
    """

    stem: str
    size_in: tuple[float, float]

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        width, height = (round(_SHOWN_DPI * side) for side in self.size_in)
        return Path(f"{self.stem}.png").read_bytes(), {"width": width, "height": height}


@dataclass(frozen=True)
class SavedMacro:
    """A saved number; a notebook shows its text and the unrounded value.

    Attributes
    ----------
    name
        The macro's name, without the backslash.
    text
        The text in the paper, as TeX.
    value
        The value at full precision.
    rounding
        The rule that turned the value into the text.
    unit
        Unit of the number, or what it counts.
    uncertainty
        One standard deviation in the value's unit; None if there is none.
    interval
        Ends of its interval; None if there is none.
    """

    name: str
    text: str
    value: float | int | str
    rounding: str
    unit: str = ""
    uncertainty: float | None = None
    interval: tuple[float, float] | None = None

    def __repr__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        spread = "" if self.uncertainty is None else f" (standard deviation {self.uncertainty:.3g})"
        ends = "" if self.interval is None else f" ({self.interval[0]:.6g} to {self.interval[1]:.6g})"
        return f"\\{self.name} = {self.text}, from {self.value!r}{unit}{spread}{ends}; {self.rounding}"


@dataclass(frozen=True)
class SavedPage:
    """A saved page; a notebook shows a link to it.

    Attributes
    ----------
    path
        The HTML file.
    title
        The page's title.
    """

    path: Path
    title: str

    def __repr__(self) -> str:
        return f"{self.title}: {self.path.as_posix()}"

    def _repr_html_(self) -> str:
        address = html.escape(self.path.as_posix())
        return f'<p>{html.escape(self.title)}: <a href="{address}">{address}</a></p>'


@dataclass(frozen=True)
class Table:
    """A small table.

    Attributes
    ----------
    rows
        One mapping from column to value per row; all rows have the columns of the first.
    limit
        Number of rows shown; a last line counts the others.
    """

    rows: Sequence[Mapping[str, Any]]
    limit: int = 20

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        columns = list(self.rows[0]) if self.rows else []
        return columns, [[_text(row[column]) for column in columns] for row in self.rows[: self.limit]]

    def _rest(self) -> str:
        left_out = len(self.rows) - self.limit
        return f"and {left_out} more" if left_out > 0 else ""

    def __repr__(self) -> str:
        columns, body = self._cells()
        widths = [max(map(len, column)) for column in zip(columns, *body, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [columns, *body]
        ]
        return "\n".join([*(line.rstrip() for line in lines), *([self._rest()] if self._rest() else [])])

    def _repr_html_(self) -> str:
        columns, body = self._cells()
        head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
        lines = ["<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in body]
        rest = f"<p>{self._rest()}</p>" if self._rest() else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>{rest}"


def _text(value: Any) -> str:
    """Return a value as text: numbers with four significant digits, shapes with a multiplication sign."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, tuple):
        return " × ".join(map(str, value))
    return str(value)
