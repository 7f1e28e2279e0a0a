"""Results that are taken from where they were published instead of being computed again.

A store is a folder with ``entries/<key>.json``, the record of a job, and ``objects/<sha256>``, the files that it wrote.
The key is a hash of all that a result depends on: the notebook, the code it imports, its inputs, its parameters, and
the pinned packages. Snakemake's own cache between workflows does not serve: it takes only rules whose outputs share a
stem, and says neither that a result was taken nor why it could not be.
"""

import hashlib
import json
import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from netlens.files.atomic import writing
from netlens.files.hashing import sha256_of
from netlens.workflow.errors import UserError
from netlens.workflow.records import read_record

#: Where the runner looks.
STORE: Final = Path("results/.kept")
_KEY = re.compile(r"entries/[0-9a-f]{64}\.json")
_OBJECT = re.compile(r"objects/[0-9a-f]{64}")
#: What a result depends on, by the words that a miss is told in.
_PARTS: Final = ("notebook", "code", "inputs", "parameters", "packages")


class KeptResultsError(UserError):
    """A store cannot be read, or a file of it is not what its name says."""


@dataclass(frozen=True)
class Origin:
    """What the result of a job depends on.

    Attributes
    ----------
    outputs
        Paths that the job writes.
    notebook
        Its sha256.
    code, inputs
        sha256 by path; of inputs that are records themselves as `comparable_inputs` has them.
    parameters
        The notebook's parameters but for the paths of its outputs.
    packages
        sha256 of the file of pinned packages, and the version of Python.
    """

    outputs: tuple[str, ...]
    notebook: str
    code: Mapping[str, str]
    inputs: Mapping[str, str]
    parameters: Mapping[str, Any]
    packages: tuple[str | None, str]

    @property
    def key(self) -> str:
        """A hash of all of it."""
        parts = {"outputs": self.outputs, **{name: getattr(self, name) for name in _PARTS}}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def origin_of(record: Mapping[str, Any]) -> Origin:
    """Read from a provenance record what a result depends on."""
    python = ".".join(str(record["machine"]["python"]).split(".")[:2])
    return Origin(
        outputs=tuple(sorted(record["outputs"])),
        notebook=record["notebook"]["sha256"],
        code=record["code"],
        inputs=record["inputs"],
        parameters=record["parameters"],
        packages=(record["pins"]["sha256"], python),
    )


def comparable_inputs(inputs: Mapping[str, str]) -> dict[str, str]:
    """Inputs as they are compared: of records, what does not differ from run to run.

    Parameters
    ----------
    inputs
        sha256 by path.
    """
    found = dict(inputs)
    for path, sha256 in inputs.items():
        if path.endswith(".json") and Path(path).is_file() and sha256_of(path) == sha256:
            record = read_record(Path(path))
            found[path] = record.digest if record is not None else sha256
    return found


def _origin_of_entry(entry: Mapping[str, Any]) -> Origin:
    return replace(origin_of(entry["record"]), inputs=entry.get("inputs", entry["record"]["inputs"]))


@dataclass(frozen=True)
class Kept:
    """A kept result: its record, and the objects that are its outputs and its executed notebook."""

    record: dict[str, Any]
    source: str
    outputs: Mapping[str, Path]
    log: Path | None


def find(origin: Origin, store: Path = STORE) -> Kept | None:
    """Find the result of a job; None if the store has none.

    Raises
    ------
    KeptResultsError
        A file of the store is damaged; the message names it.
    """
    path = store / "entries" / f"{origin.key}.json"
    if not path.is_file():
        return None
    entry = _entry(path)
    outputs = {name: _object(store, sha256) for name, sha256 in entry["record"]["outputs"].items()}
    log = _object(store, entry["log"]) if entry.get("log") else None
    return Kept(entry["record"], str(entry.get("source", "")), outputs, log)


def why_not(origin: Origin, store: Path = STORE) -> str:
    """Return why the result of a job is not kept: what differs from a kept result of the same outputs."""
    closest: list[str] | None = None
    for path in sorted((store / "entries").glob("*.json")):
        other = _origin_of_entry(_entry(path))
        if other.outputs == origin.outputs:
            differing = list(_differences(origin, other))
            if closest is None or len(differing) < len(closest):
                closest = differing
    if closest is None:
        return f"there is none of {origin.outputs[0]}"
    more = f" and {len(closest) - 3} more" if len(closest) > 3 else ""
    return f"{', '.join(closest[:3])}{more} differ{'s' if len(closest) == 1 else ''}"


def likely_outputs(store: Path = STORE) -> frozenset[str]:
    """Outputs of the kept results that notebooks, modules and packages of today have computed.

    What else a result depends on, its inputs and parameters, is known only when its job runs; then it is taken or not.

    Raises
    ------
    KeptResultsError
        An entry of the store is damaged.
    """
    found: set[str] = set()
    hashes: dict[str, str | None] = {}

    def today(path: str) -> str | None:
        if path not in hashes:
            hashes[path] = sha256_of(path) if Path(path).is_file() else None
        return hashes[path]

    for path in sorted((store / "entries").glob("*.json")):
        record = _entry(path)["record"]
        files = {record["notebook"]["path"]: record["notebook"]["sha256"], **record["code"]}
        if record["pins"]["sha256"] is not None:
            files[record["pins"]["path"]] = record["pins"]["sha256"]
        if all(today(name) == sha256 for name, sha256 in files.items()):
            found.update(record["outputs"])
    return frozenset(found)


def _differences(one: Origin, other: Origin) -> Iterator[str]:
    if one.notebook != other.notebook:
        yield "the notebook"
    for name in ("code", "inputs", "parameters"):
        first, second = getattr(one, name), getattr(other, name)
        for key in sorted(first.keys() | second.keys()):
            if first.get(key) != second.get(key):
                yield f"parameter {key}" if name == "parameters" else key
    if one.packages != other.packages:
        yield "the pinned packages or Python's version"


def export(study: str, target: Path) -> tuple[int, int]:
    """Keep every intermediate result of a study, in a folder or, if the name ends so, a zip.

    Parameters
    ----------
    study
        Name of the study.
    target
        A folder, which may hold other results already, or a zip that does not exist yet.

    Returns
    -------
    tuple of int
        Number of results, and their size in bytes.

    Raises
    ------
    KeptResultsError
        The study has no results, the zip exists, or an output is not the file that its job wrote.
    DamagedRecordError
        A record of the study is damaged.
    """
    if target.suffix == ".zip" and target.exists():
        raise KeptResultsError(f"{target} exists; remove it or choose another name")
    store = target.with_suffix(".partial") if target.suffix == ".zip" else target
    count = 0
    for path in sorted((Path("results") / study).rglob("*.json")):
        record = None if "staging" in path.parts else read_record(path)
        if record is None:
            continue
        for name, sha256 in record.outputs.items():
            if not Path(name).is_file() or sha256_of(name) != sha256:
                raise KeptResultsError(
                    f"{name} is not the file that its job wrote; make it again first: netlens paper --study {study}"
                )
            _put(store, Path(name), sha256)
        executed = _executed(study, record.fields)
        log = sha256_of(executed) if executed.is_file() else None
        if log is not None:
            _put(store, executed, log)
        content = {"record": record.fields, "log": log, "inputs": comparable_inputs(record.inputs)}
        entry = store / "entries" / f"{_origin_of_entry(content).key}.json"
        entry.parent.mkdir(parents=True, exist_ok=True)
        with writing(entry) as temporary:
            temporary.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        count += 1
    if not count:
        raise KeptResultsError(f"study {study} has no results to keep; make them first: netlens paper --study {study}")
    size = sum(path.stat().st_size for path in (store / "objects").iterdir())
    if target.suffix == ".zip":
        with writing(target) as temporary:
            _zip(store, temporary)
        shutil.rmtree(store)
    return count, size


def take(source: Path, label: str, store: Path = STORE) -> int:
    """Copy kept results from a folder or zip into a store.

    Parameters
    ----------
    source
        A folder or zip that `export` wrote.
    label
        What the records of the results say about where they are from, such as the address of the zip.
    store
        Where to; the runner looks in `STORE`.

    Returns
    -------
    int
        Number of results.

    Raises
    ------
    KeptResultsError
        There is no such folder or zip, it holds something else, or a file of it is damaged.
    """
    if source.is_dir():
        return _take(source, label, store)
    if not zipfile.is_zipfile(source):
        raise KeptResultsError(f"{source} is neither a folder nor a zip of kept results")
    unpacked = store.with_name(f"{store.name}.unpacked")
    shutil.rmtree(unpacked, ignore_errors=True)
    try:
        with zipfile.ZipFile(source) as archive:
            for member in archive.infolist():
                # Nothing but the two kinds of files is unpacked, so no name leads elsewhere.
                if not (_KEY.fullmatch(member.filename) or _OBJECT.fullmatch(member.filename)):
                    raise KeptResultsError(f"{source} holds {member.filename!r}, which is no kept result")
                archive.extract(member, unpacked)
        return _take(unpacked, label, store)
    except zipfile.BadZipFile as error:
        raise KeptResultsError(f"{source} is damaged ({error}); get it again") from None
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)


def _take(folder: Path, label: str, store: Path) -> int:
    entries = sorted(path for path in folder.glob("entries/*.json") if _KEY.fullmatch(f"entries/{path.name}"))
    if not entries:
        raise KeptResultsError(f"{folder} holds no kept results")
    for path in entries:
        entry = _entry(path)
        if _origin_of_entry(entry).key != path.stem:
            raise KeptResultsError(f"{path} is damaged: its name is not the hash of what it describes")
        for sha256 in filter(None, [*entry["record"]["outputs"].values(), entry.get("log")]):
            _put(store, _object(folder, sha256), sha256)
        target = store / "entries" / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        with writing(target) as temporary:
            temporary.write_text(json.dumps({**entry, "source": label}, sort_keys=True), encoding="utf-8")
    return len(entries)


def _put(store: Path, path: Path, sha256: str) -> None:
    target = store / "objects" / sha256
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        with writing(target) as temporary:
            shutil.copyfile(path, temporary)


def _object(store: Path, sha256: str) -> Path:
    path = store / "objects" / sha256
    if not _OBJECT.fullmatch(f"objects/{sha256}") or not path.is_file():
        raise KeptResultsError(f"{path}: no such file; get the kept results again")
    if sha256_of(path) != sha256:
        raise KeptResultsError(f"{path} is damaged: its sha256 is not its name; get the kept results again")
    return path


def _entry(path: Path) -> dict[str, Any]:
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        # What is missing or of another type is found here.
        hashes = [_origin_of_entry(entry).key, *entry["record"]["outputs"].values()]
        if not all(isinstance(sha256, str) for sha256 in hashes):
            raise TypeError
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise KeptResultsError(f"{path} is damaged; get the kept results again") from None
    checked: dict[str, Any] = entry
    return checked


def _executed(study: str, record: Mapping[str, Any]) -> Path:
    return Path(str(record.get("executed", Path("results") / study / "executed" / "none")))


def _zip(store: Path, target: Path) -> None:
    """Write a store as a zip whose bytes depend on nothing but its files."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(store.glob("*/*")):
            member = zipfile.ZipInfo(path.relative_to(store).as_posix())
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, path.read_bytes())
