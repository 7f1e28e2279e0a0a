"""What an executed notebook shows of what it made: a picture, a number and what it rounds from, a page's link, a table.

A cell that ends with one of these objects shows it; Jupyter asks the object for the richest form that it has.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Pictures are stored at 200 dots per inch and shown at half that, which is about their size in print on a screen.
_SHOWN_DPI = 100


@dataclass(frozen=True)
class SavedFigure:
    """A figure that was saved; a notebook shows its picture.

    Attributes
    ----------
    stem
        Path of its files without suffix.
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
    """A number that was saved; a notebook shows its text and the value that the text rounds.

    Attributes
    ----------
    name
        The macro's name, without the backslash.
    text
        What the paper prints, as TeX.
    value
        At full precision.
    rounding
        The rule that makes the text from the value.
    unit
        What the number counts or measures.
    uncertainty
        One standard deviation, in the value's unit; None where there is none.
    """

    name: str
    text: str
    value: float | int | str
    rounding: str
    unit: str = ""
    uncertainty: float | None = None

    def __repr__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        spread = "" if self.uncertainty is None else f" (standard deviation {self.uncertainty:.3g})"
        return f"\\{self.name} = {self.text}, from {self.value!r}{unit}{spread}; {self.rounding}"


@dataclass(frozen=True)
class SavedPage:
    """A page that was saved; a notebook shows a link to it.

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
    """A small table, shown as such.

    Attributes
    ----------
    rows
        One mapping from column to value per row; all have the columns of the first.
    limit
        How many rows are shown; what is left out is counted in a last line.
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
    """Write numbers with four significant digits, shapes with a multiplication sign."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, tuple):
        return " × ".join(map(str, value))
    return str(value)
