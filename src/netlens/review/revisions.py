"""What a study published at another revision: its reference as it was in git, beside the present one."""

import io
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from netlens.review.array_parts import Array, deviation
from netlens.review.published import FOLDER
from netlens.review.record_changes import Change, record_changes, share_words
from netlens.workflow.errors import UserError

#: What an item's change may be, in the order in which changes are told.
KINDS: Final = ("changed", "added", "removed", "other bytes")


@dataclass(frozen=True)
class ItemChange:
    """How the published version of an item changed.

    Attributes
    ----------
    name, kind
        Of the item: ``figure``, ``macro`` or ``page``.
    change
        One of `KINDS`; ``other bytes`` if files differ although value, numbers and drawing do not.
    words
        What changed and by how much.
    size
        Relative size of the change, by which changes are sorted; infinite where it is no matter of degree.
    changes
        Differences of the records.
    """

    name: str
    kind: str
    change: str
    words: str
    size: float
    changes: tuple[Change, ...] = ()


def commit_of(revision: str) -> str:
    """Hash of a commit.

    Raises
    ------
    UserError
        There is no such revision, or the folder is not a repository.
    """
    if revision.startswith("-"):
        raise UserError(f"{revision}: not a revision; write a commit, a tag or a branch")
    done = _git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if done.returncode:
        inside = _git("rev-parse", "--git-dir").returncode == 0
        why = "git knows no such revision; `git log --oneline` lists commits" if inside else "not a git repository"
        raise UserError(f"{revision}: {why}")
    return done.stdout.decode().strip()


def changes_since(commit: str, study: str, folder: Path = FOLDER) -> list[ItemChange]:
    """How the published items of a study differ from those at a commit, the largest changes first.

    Raises
    ------
    UserError
        Nothing was published at that commit, or a file of either reference is damaged.
    """
    items = (folder / study / "items").as_posix()
    listed = _git("ls-tree", "-r", "--name-only", commit, "--", f"{items}/").stdout.decode().splitlines()
    before = {Path(path).stem: path for path in listed if path.endswith(".json")}
    now = {path.stem: path for path in sorted(Path(items).glob("*.json"))}
    if not before:
        raise UserError(f"{items}: nothing was published of study {study} at {commit[:12]}")
    found = []
    for name in sorted({*before, *now}):
        old = _entry(_at(commit, before[name]), f"{commit[:12]}:{before[name]}") if name in before else None
        new = _entry(now[name].read_bytes(), str(now[name])) if name in now else None
        change = _change(name, old, new, commit, folder / study)
        if change is not None:
            found.append(change)
    return sorted(found, key=lambda change: (KINDS.index(change.change), -change.size, change.name))


def _change(
    name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, commit: str, folder: Path
) -> ItemChange | None:
    if old is None or new is None:
        entry = new if new is not None else old or {}
        value = f"{entry['value']}" if "value" in entry else ""
        return ItemChange(name, entry.get("kind", ""), "added" if old is None else "removed", value, float("inf"))
    records = tuple(record_changes(old, new))
    if old["kind"] != new["kind"]:
        words = f"a {old['kind']} became a {new['kind']}"
        return ItemChange(name, new["kind"], "changed", words, float("inf"), records)
    if new["kind"] == "macro":
        if old["value"] == new["value"] and old.get("text") == new.get("text"):
            return _other_bytes(name, old, new, records)
        first = next((change.words for change in records if change.what in ("value", "text")), "")
        return ItemChange(name, "macro", "changed", first, _relative(old, new), records)
    parts = _array_changes(name, old, new, commit, folder)
    if old.get("drawing") != new.get("drawing"):
        parts.append(("drawing", float("inf"), "what is drawn changed"))
    if not parts:
        return _other_bytes(name, old, new, records)
    size = max(size for _, size, _ in parts)
    return ItemChange(name, new["kind"], "changed", "; ".join(words for *_, words in parts), size, records)


def _other_bytes(
    name: str, old: Mapping[str, Any], new: Mapping[str, Any], records: tuple[Change, ...]
) -> ItemChange | None:
    if old["sha256"] == new["sha256"]:
        return None
    return ItemChange(name, new["kind"], "other bytes", "the same values in other files", 0.0, records)


def _relative(old: Mapping[str, Any], new: Mapping[str, Any]) -> float:
    then, now = old["value"], new["value"]
    if isinstance(then, str) or isinstance(now, str) or not then:
        return float("inf")
    return float(abs(now - then) / abs(then))


def _array_changes(
    name: str, old: Mapping[str, Any], new: Mapping[str, Any], commit: str, folder: Path
) -> list[tuple[str, float, str]]:
    """Name, size and words of each array that is not the same."""
    keys = [*old["arrays"], *(key for key in new["arrays"] if key not in old["arrays"])]
    changed = [key for key in keys if old["arrays"].get(key) != new["arrays"].get(key)]
    if not changed:
        return []
    path = folder / "data" / f"{name}.npz"
    then, now = _stored(_at(commit, path.as_posix())), _stored(path.read_bytes() if path.is_file() else b"")
    found = []
    for key in changed:
        if key not in old["arrays"] or key not in new["arrays"]:
            found.append((key, float("inf"), f"{key} {'was added' if key in new['arrays'] else 'is gone'}"))
            continue
        size = _distance(_parts(then, old, key), _parts(now, new, key))
        by = f" by up to {share_words(size)}" if np.isfinite(size) else ""
        found.append((key, size, f"{key} changed{by}"))
    return found


def _distance(then: Mapping[str, Array], now: Mapping[str, Array]) -> float:
    """Largest relative deviation between what is kept of two arrays; infinite if they cannot be compared."""
    part = "whole" if "whole" in then else "sample"
    if (
        part not in then
        or part not in now
        or then[part].shape != now[part].shape
        or then[part].dtype.kind not in "biuf"
    ):
        return float("inf")
    return deviation(now[part], then[part]) if now[part].dtype.kind in "biuf" else float("inf")


def _parts(stored: Mapping[str, Array], entry: Mapping[str, Any], key: str) -> dict[str, Array]:
    prefix = f"{list(entry['arrays']).index(key)}/"
    return {name.removeprefix(prefix): array for name, array in stored.items() if name.startswith(prefix)}


def _stored(data: bytes) -> dict[str, Array]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            return dict(file)
    except (OSError, ValueError, EOFError):
        return {}


def _entry(data: bytes, where: str) -> dict[str, Any]:
    try:
        entry = json.loads(data)
        if not {"kind", "sha256", "arrays"} <= entry.keys() or (entry["kind"] == "macro" and "value" not in entry):
            raise ValueError("keys are missing")
    except (ValueError, AttributeError) as error:
        raise UserError(f"{where}: damaged reference ({error})") from None
    return dict(entry)


def _at(commit: str, path: str) -> bytes:
    return _git("show", f"{commit}:./{path}").stdout


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", *arguments], capture_output=True, check=False)
    except OSError:
        raise UserError("git was not found; revisions are compared with its help") from None
