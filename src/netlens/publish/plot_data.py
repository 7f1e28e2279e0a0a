"""The numbers behind a figure as a table, for those who cannot see the figure or want the values."""

import csv
import html
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from netlens.files.arrays import load_arrays

_ROWS: Final = 60
#: Arrays up to this many values are listed in full.
_LISTED: Final = 40
_DIGITS: Final = 5


def data_table(path: str | Path) -> str:
    """HTML table of plot data.

    Parameters
    ----------
    path
        A ``.csv``, of which the first rows are shown, or a ``.npz``, of which each array is described by its shape, its
        range and, where there are few, its values.

    Raises
    ------
    ArrayFileError, OSError, ValueError
        The file cannot be read.
    """
    path = Path(path)
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            header = next(reader)
            first = [[_number(cell) for cell in row] for row in itertools.islice(reader, _ROWS)]
            count = len(first) + sum(1 for _ in reader)
        words = f"The first {_ROWS} of {count:,} rows" if count > _ROWS else f"All {count} rows"
        return _table(words, header, first)
    arrays = load_arrays(path)
    rows = [[name, _shape(values), *_range(values), _values(values)] for name, values in arrays.items()]
    return _table("Arrays", ["array", "shape", "smallest", "largest", "values"], rows)


def _table(words: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in header)
    body = "\n".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="Numbers of the figure"><table class="data">'
        f"<caption>{words}</caption><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>"
    )


def _number(cell: str) -> str:
    """A cell with fewer digits, if it is a number that has more."""
    try:
        short = f"{float(cell):.{_DIGITS}g}"
    except ValueError:
        return cell
    return short if len(short) < len(cell) else cell


def _shape(values: np.ndarray[Any, Any]) -> str:
    return " × ".join(map(str, values.shape)) or "one value"


def _range(values: np.ndarray[Any, Any]) -> tuple[str, str]:
    if values.dtype.kind not in "iuf" or not values.size:
        return "", ""
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    return (f"{finite.min():.{_DIGITS}g}", f"{finite.max():.{_DIGITS}g}") if finite.size else ("", "")


def _values(values: np.ndarray[Any, Any]) -> str:
    if values.size > _LISTED:
        return ""
    if values.dtype.kind == "f":
        return ", ".join(f"{value:.{_DIGITS}g}" for value in values.ravel())
    return ", ".join(str(value) for value in values.ravel())
