"""What a study published: ``reference/<study>/``, which `netlens accept` writes and `netlens verify` compares with.

``items/<item>.json`` has what identifies and describes an item: the sha256 of its files, a macro's value at full
precision, what a figure draws, and the shape and digest of every array. ``data/<item>.npz`` has the arrays, of which
large ones are kept in part (`netlens.review.array_parts`). ``pictures/<item>.png`` has a figure's picture at a third of
its size.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from netlens.files.arrays import ArrayFileError, load_arrays, save_arrays
from netlens.files.atomic import writing
from netlens.review import pictures
from netlens.review.array_parts import Array, Kept, kept
from netlens.review.item_parts import Parts, is_interval
from netlens.review.pictures import Pixels
from netlens.workflow.errors import UserError

#: Where references are; beside ``config`` and ``paper``.
FOLDER: Final = Path("reference")
#: What all files of one study's reference may have together, in bytes.
LARGEST_BYTES: Final = 12_000_000
#: The record's fields that are published as they are.
_FIELDS: Final = (
    *("value", "text", "rounding", "unit", "uncertainty", "size_in", "title", "parameters", "seed", "inputs"),
    *("notebook", "code", "git", "versions", "machine", "devices", "threads", "numerical_settings"),
    *("interval", "duration_s", "peak_memory_mb"),
)


@dataclass(frozen=True)
class Published:
    """The published version of an item.

    Attributes
    ----------
    entry
        Contents of ``items/<item>.json``.
    arrays
        What is kept of each array, by name.
    picture
        Reduced picture of a figure.
    """

    entry: Mapping[str, Any]
    arrays: Mapping[str, Kept]
    picture: Pixels | None = None


class Reference:
    """Published items of one study.

    Parameters
    ----------
    study
        Name of the study.
    folder
        Folder of all references.
    """

    def __init__(self, study: str, folder: Path = FOLDER) -> None:
        self.study = study
        self.folder = folder / study

    @property
    def exists(self) -> bool:
        """Whether anything of the study is published."""
        return (self.folder / "items").is_dir()

    def names(self) -> list[str]:
        """Names of the published items, sorted."""
        return sorted(path.stem for path in (self.folder / "items").glob("*.json"))

    def require(self) -> None:
        """Check that there is a reference.

        Raises
        ------
        UserError
            Nothing of the study is published.
        """
        if not self.exists:
            raise UserError(
                f"{self.folder}: nothing is published of study {self.study}, so there is nothing to compare with; "
                f"to publish what has been made: netlens accept --all --reason '...' --study {self.study}"
            )

    def entry(self, name: str) -> dict[str, Any] | None:
        """What is published of an item, without its arrays and its picture; None if nothing is.

        Raises
        ------
        UserError
            The file is damaged.
        """
        path = self.folder / "items" / f"{name}.json"
        if not path.is_file():
            return None
        try:
            entry = json.loads(path.read_text(encoding="utf-8"))
            if not {"kind", "sha256", "arrays", "accepted"} <= entry.keys():
                raise ValueError("keys are missing")
            if "interval" in entry and not is_interval(entry["interval"]):
                raise ValueError("it holds no valid interval")
        except (OSError, ValueError, AttributeError) as error:
            raise UserError(f"{path}: damaged reference ({error}); restore it: git checkout {path}") from None
        return dict(entry)

    def load(self, name: str) -> Published | None:
        """Published version of an item, or None.

        Raises
        ------
        UserError
            A file is missing or damaged.
        """
        entry = self.entry(name)
        if entry is None:
            return None
        if entry["kind"] == "macro":
            return Published(entry, {"value": kept(np.array(entry["value"]))})
        data = self.folder / "data" / f"{name}.npz"
        picture = self.folder / "pictures" / f"{name}.png"
        try:
            stored = load_arrays(data)
            arrays = {key: _kept(number, facts, stored) for number, (key, facts) in enumerate(entry["arrays"].items())}
        except (OSError, ArrayFileError, KeyError, TypeError) as error:
            raise UserError(f"{data}: damaged reference ({error}); restore it: git checkout {data}") from None
        return Published(entry, arrays, pictures.read(picture) if entry["kind"] == "figure" else None)

    def describes(self, name: str, parts: Parts) -> bool:
        """Whether an item is published with the parts, notebook and parameters that it has today.

        An item that has not changed may have been published before all of these parts were described, or by another
        version of its notebook, with which no rerun can be compared.

        Parameters
        ----------
        name
            Of the item.
        parts
            The item as it has been made.
        """
        published = self.load(name)
        if published is None:
            return False
        entry, record = published.entry, parts.record
        same_parts = published.arrays.keys() == parts.arrays.keys() and ("interval" in entry) == ("interval" in record)
        same_maker = all(entry.get(key) == record.get(key) for key in ("notebook", "parameters"))
        return same_parts and same_maker and entry.get("drawing") == json.loads(json.dumps(parts.drawing))

    def save(self, name: str, kind: str, parts: Parts, reason: str) -> None:
        """Publish an item as it has been made.

        Parameters
        ----------
        name, kind
            Of the item.
        parts
            The item.
        reason
            Why it is published anew.
        """
        stored: dict[str, Array] = {}
        facts: dict[str, Any] = {}
        if kind != "macro":
            for number, (key, array) in enumerate(parts.arrays.items()):
                small = kept(array)
                stored |= {f"{number}/{part}": values for part, values in small.arrays.items()}
                facts[key] = {"shape": list(small.shape), "kind": small.kind, "sha256": small.sha256}
        entry = {
            "kind": kind,
            **{key: parts.record[key] for key in _FIELDS if key in parts.record},
            "sha256": dict(parts.record["outputs"]),
            "arrays": facts,
            "accepted": {"reason": reason},
        }
        if parts.drawing is not None:
            entry["drawing"] = parts.drawing
        if stored:
            save_arrays(self.folder / "data" / f"{name}.npz", stored, compress=True)
        if parts.picture is not None:
            pictures.write(parts.picture, self.folder / "pictures" / f"{name}.png")
        with writing(self.folder / "items" / f"{name}.json") as temporary:
            temporary.write_text(json.dumps(entry, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def remove(self, name: str) -> None:
        """Take an item out of the reference."""
        for path in self._files(name):
            path.unlink(missing_ok=True)

    def size_bytes(self) -> int:
        """Size of all files of the reference."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    def clear(self) -> None:
        """Remove the whole reference, but for the measured spread and the claims."""
        for folder in ("items", "data", "pictures"):
            shutil.rmtree(self.folder / folder, ignore_errors=True)

    def _files(self, name: str) -> list[Path]:
        suffixes = {"items": "json", "data": "npz", "pictures": "png"}
        return [self.folder / folder / f"{name}.{suffix}" for folder, suffix in suffixes.items()]


def _kept(number: int, facts: Mapping[str, Any], stored: Mapping[str, Array]) -> Kept:
    prefix = f"{number}/"
    arrays = {key.removeprefix(prefix): values for key, values in stored.items() if key.startswith(prefix)}
    if not arrays:
        raise KeyError(f"array {number} is missing")
    return Kept(tuple(facts["shape"]), facts["kind"], facts["sha256"], arrays)
