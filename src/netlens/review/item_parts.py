"""What versions of an item are compared by: a macro's value, a figure's numbers, picture and drawing, a page's data."""

import csv
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from netlens.files.arrays import ArrayFileError, load_arrays
from netlens.review.array_parts import Array
from netlens.review.page_parts import page_parts
from netlens.review.pictures import BLURRED, Pixels, blurred, reduced
from netlens.workflow.catalogue import Item
from netlens.workflow.errors import UserError

#: A sha256, or nothing in its place.
_DIGEST: Final = re.compile(r"(?:[0-9a-f]{64})?")


class RecordError(UserError):
    """A record is damaged, or is that of something else."""


@dataclass(frozen=True)
class Parts:
    """One version of an item.

    Attributes
    ----------
    record
        Its record, as the runner wrote it.
    arrays
        Numbers and words by name: ``value`` of a macro, `compared_arrays` of a figure's data, what `page_parts` finds.
    drawing
        What a figure draws (`netlens.publish.drawing`); None where the record does not say.
    picture
        A figure's reduced picture; None for other items.
    """

    record: Mapping[str, Any]
    arrays: Mapping[str, Array]
    drawing: list[dict[str, Any]] | None = None
    picture: Pixels | None = field(default=None, repr=False)


def read_record(item: Item, study: str, root: Path = Path()) -> dict[str, Any]:
    """Record of an item.

    Raises
    ------
    RecordError
        It cannot be read, or it is that of another study or another item.
    """
    path = root / item.files(study)[-1]
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecordError(f"{path}: damaged record ({error}); make it again: {_again(item, study)}") from None
    if not isinstance(record, dict) or not isinstance(record.get("outputs"), dict) or "study" not in record:
        raise RecordError(f"{path}: not a record of netlens; make it again: {_again(item, study)}")
    if record["study"] != study:
        raise RecordError(f"{path}: from study {record['study']}, not {study}; make it again: {_again(item, study)}")
    if record.get("rule") != item.name:
        raise RecordError(f"{path}: the record of {record.get('rule')}; make it again: {_again(item, study)}")
    if item.kind == "macro" and not isinstance(record.get("value"), int | float | str):
        raise RecordError(f"{path}: holds no value; make it again: {_again(item, study)}")
    if item.kind == "macro" and "interval" in record and not is_interval(record["interval"]):
        raise RecordError(f"{path}: holds no valid interval; make it again: {_again(item, study)}")
    return record


def is_interval(stored: Any) -> bool:
    """Whether an interval, as a record or the reference holds it, has its ends, level and number of samples."""
    names = ("low", "high", "level", "count")
    return isinstance(stored, dict) and all(isinstance(stored.get(name), int | float) for name in names)


def _again(item: Item, study: str) -> str:
    return f"netlens run {item.name} --force --study {study}"


def item_parts(item: Item, study: str, root: Path = Path()) -> Parts:
    """Read an item as it has been made.

    Parameters
    ----------
    item
        The item; all of its files exist.
    study
        Name of the study.
    root
        Folder of the repository, or of another run of it.

    Raises
    ------
    UserError
        A file is damaged, or the record is that of another study or item.
    """
    record = read_record(item, study, root)
    if item.kind == "macro":
        return Parts(record, {"value": np.array(record["value"])})
    if item.kind == "page":
        return Parts(record, with_blurred(page_parts(root / item.files(study)[0])))
    picture = reduced(root / f"{item.stem(study)}.png")
    arrays = with_blurred(compared_arrays(data_arrays(item, study, root), item.up_to_sign))
    return Parts(record, arrays, record.get("drawing"), picture)


def compared_arrays(arrays: Mapping[str, Array], up_to_sign: Collection[str] = ()) -> dict[str, Array]:
    """What versions of a figure's numbers are compared by.

    Parameters
    ----------
    arrays
        The numbers, by name.
    up_to_sign
        Last parts of the names of those that mean the same with other signs.

    Returns
    -------
    dict
        The arrays, but magnitudes (``|name|``) of those whose signs may be others. Digests are left out: they change
        with any rounding of what they are of, which is compared itself.
    """
    found = {}
    for name, array in arrays.items():
        if array.dtype.kind == "U" and array.size and all(map(_DIGEST.fullmatch, array.reshape(-1))):
            continue
        if name.rpartition(".")[2] in up_to_sign:
            found[f"|{name}|"] = np.abs(array)
        else:
            found[name] = array
    return found


def with_blurred(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Arrays, with what is left of pictures among them after blurring, which varies little where their texture does."""
    found: dict[str, Array] = {}
    for name, array in arrays.items():
        found[name] = array
        if array.dtype != np.uint8 or array.ndim < 3 or array.shape[-1] != 3 or not array.size:
            continue
        if array.ndim == 3:
            found[f"{name} {BLURRED}"] = blurred(array)
        else:
            # One picture may become another altogether, which says nothing of those beside it.
            found |= {f"{name}[{number}] {BLURRED}": blurred(each) for number, each in enumerate(array)}
    return found


def data_arrays(item: Item, study: str, root: Path = Path()) -> dict[str, Array]:
    """Numbers that a figure shows: the arrays of its npz, or the columns of its csv.

    Raises
    ------
    UserError
        The file is missing or damaged.
    """
    path = root / f"{item.stem(study)}.{item.data}"
    try:
        return dict(load_arrays(path)) if item.data == "npz" else _columns(path)
    except FileNotFoundError:
        raise UserError(f"{path}: not made yet: {_again(item, study).replace(' --force', '')}") from None
    except (ArrayFileError, OSError, UnicodeDecodeError, ValueError, csv.Error) as error:
        raise UserError(f"{path}: damaged plot data ({error}); make it again: {_again(item, study)}") from None


def _columns(path: Path) -> dict[str, Array]:
    """Columns of a table; numbers where all entries are numbers or empty, else text."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    if any(len(row) != len(header) for row in rows):
        raise ValueError("its rows differ in length")
    columns = zip(*rows, strict=True) if rows else ((),) * len(header)
    return {name: _column(entries) for name, entries in zip(header, columns, strict=True)}


def _column(entries: tuple[str, ...]) -> Array:
    if entries and set(entries) <= {"True", "False"}:
        return np.array([entry == "True" for entry in entries])
    try:
        return np.array([float(entry) if entry else np.nan for entry in entries])
    except ValueError:
        return np.array(entries)
