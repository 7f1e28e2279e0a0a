"""Whether items are as their records say: made, stale, edited or missing, told without Snakemake."""

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from netlens.files.hashing import sha256_of
from netlens.files.kept_hashes import KeptHashes
from netlens.workflow.catalogue import Item, load_catalogue, select
from netlens.workflow.imports import code_of
from netlens.workflow.records import DamagedRecordError, Record, makers, read_record

#: Where hashes are kept between calls.
_HASHES: Final = Path("results/.hashes.json")

Configured = Callable[[], Mapping[str, Mapping[str, Any]] | None]
StateName = Literal["made", "stale", "edited", "missing"]


@dataclass(frozen=True)
class ItemState:
    """What an item's record says of the item.

    Attributes
    ----------
    name
        Name of the item.
    state
        ``made``: its files are those that its rule wrote, from what is there today. ``edited``: a file is not the one
        that was written. ``stale``: its notebook, a module, an input or something above an input has changed since.
        ``missing``: a file does not exist.
    detail
        Why, in a few words; empty for ``made``.
    """

    name: str
    state: StateName
    detail: str = ""


def item_states(
    study: str,
    names: Iterable[str] | None = None,
    *,
    configured: Configured | None = None,
    keep_hashes: bool = False,
) -> dict[str, ItemState]:
    """States of the items of a study, by name.

    Parameters
    ----------
    study
        Name of the study.
    names
        Items; all of the catalogue if None.
    configured
        Function that returns what the configuration gives to each job today, as
        `netlens.workflow.planned_jobs.configured_parameters` finds it; called only if everything else is as it was.
        Without it, parameters are not compared.
    keep_hashes
        Whether hashes may be those of an earlier call, for files that were not written since.

    Returns
    -------
    dict
        In the order of `names`, or of the catalogue.

    Raises
    ------
    CatalogueError
        A name does not exist.

    Notes
    -----
    Files are compared by their sha256, not by their time. What is above an item is followed through the records of the
    study's intermediate results; a checkpoint that the study publishes is taken as it is.
    """
    catalogue = load_catalogue()
    items = list(catalogue.values()) if names is None else select(catalogue, names)
    hashes = KeptHashes(_HASHES) if keep_hashes else None
    records = _Records(study, configured or (lambda: None), hashes)
    states = {item.name: _state(item, study, records) for item in items}
    if hashes is not None:
        hashes.save()
    return states


def _state(item: Item, study: str, records: "_Records") -> ItemState:
    files = item.files(study)
    if missing := [path for path in files if not path.is_file()]:
        return ItemState(item.name, "missing", f"{missing[0]} does not exist")
    try:
        record = read_record(files[-1])
    except DamagedRecordError as error:
        return ItemState(item.name, "edited", str(error))
    if record is None:
        return ItemState(item.name, "edited", f"{files[-1]} is not a record of netlens")
    if edited := _of_another(record, item, study) or records.edited(record):
        return ItemState(item.name, "edited", edited)
    if stale := records.stale(record):
        return ItemState(item.name, "stale", stale)
    return ItemState(item.name, "made")


def _of_another(record: Record, item: Item, study: str) -> str:
    """What else a record is of, in words, or nothing."""
    for key, own, whose in (("study", study, "of study "), ("rule", item.name, "of ")):
        if (other := record.fields.get(key, own)) != own:
            return f"{record.path} is the record {whose}{other}"
    return ""


class _Records:
    """The records of a study's intermediate results; each file is read and hashed once."""

    def __init__(self, study: str, configured: Configured, kept_hashes: KeptHashes | None) -> None:
        self._configured = functools.cache(configured)
        self._kept_hashes = kept_hashes
        self._hashes: dict[str, str | None] = {}
        self._code: dict[str, list[str]] = {}
        self._stale: dict[str, str] = {}
        self._made_by = makers(study)

    def edited(self, record: Record) -> str:
        """The first output that is not the one that was written, in words, or nothing."""
        for path, written in record.outputs.items():
            today = self._hash(path)
            if today != written:
                return f"{path} {'does not exist' if today is None else 'is not the file that was written'}"
        return ""

    def stale(self, record: Record) -> str:
        """What has changed since a record was written, in words, or nothing."""
        key = record.key
        if key not in self._stale:
            # A circle cannot occur in records that Snakemake's rules wrote; in others it ends here.
            self._stale[key] = ""
            self._stale[key] = self._changed(record)
        return self._stale[key]

    def _changed(self, record: Record) -> str:
        notebook = record.notebook
        if not Path(notebook).is_file():
            return f"{notebook} does not exist any more"
        if notebook not in self._code:
            self._code[notebook] = code_of(notebook)
        imported = self._code[notebook]
        if new := [path for path in imported if path not in record.code]:
            return f"{notebook} did not depend on {new[0]}"
        # A module that the notebook no longer imports may change.
        code = {path: record.code[path] for path in imported}
        for path, then in {notebook: record.notebook_sha256, **code, **record.inputs}.items():
            today = self._hash(path)
            if today != then:
                return f"{path} {'does not exist any more' if today is None else 'has changed'}"
        if changed := self._parameter(record):
            return changed
        for path in record.inputs:
            above = self._made_by.get(path)
            if above is not None and (reason := self.stale(above)):
                return f"{path} is stale: {reason.rpartition(' is stale: ')[2]}"
        return ""

    def _parameter(self, record: Record) -> str:
        """The first parameter that the configuration gives another value today, in words, or nothing."""
        job = (self._configured() or {}).get(record.key)
        if job is None:
            return ""
        then = record.fields.get("parameters", {})
        # A notebook gets the seed only if it has a parameter of that name.
        now = {**job["parameters"], **({"seed": job["seed"]} if "seed" in then else {})}
        for name, value in now.items():
            if name not in then:
                return f"parameter {name} is new: {_shown(value)}"
            if then[name] != value:
                return f"parameter {name} was {_shown(then[name])} and is {_shown(value)} now"
        return ""

    def _hash(self, path: str) -> str | None:
        if path not in self._hashes:
            of = sha256_of if self._kept_hashes is None else self._kept_hashes.sha256
            self._hashes[path] = of(path) if Path(path).exists() else None
        return self._hashes[path]


def _shown(value: Any, width: int = 60) -> str:
    words = json.dumps(value, ensure_ascii=False)
    return words if len(words) <= width else f"{words[: width - 1]}…"
