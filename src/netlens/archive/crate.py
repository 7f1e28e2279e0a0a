"""A study and its results as a Workflow Run RO-Crate, written and read back by the library of RO-Crate's authors.

The profile is Workflow Run Crate 0.5 (Leo et al. 2024, Recording provenance of workflow runs with RO-Crate): the
Snakefile is the workflow, and one action says what the run read and made, when, and on what machine. Each made file
that has a record names it.
"""

import json
import zipfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

from netlens.files.hashing import sha256_of
from netlens.workflow.errors import UserError

_PROFILES: Final = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
#: Where ``sha256`` and ``environment`` are defined.
_TERMS: Final = "https://w3id.org/ro/terms/workflow-run/context"
_WORKFLOW: Final = "Snakefile"
_METADATA: Final = "ro-crate-metadata.json"
_FORMATS: Final = {
    ".csv": "text/csv", ".html": "text/html", ".ipynb": "application/x-ipynb+json", ".json": "application/json",
    ".npz": "application/x-npz", ".pdf": "application/pdf", ".png": "image/png", ".py": "text/x-python",
    ".tex": "text/x-tex", ".yaml": "application/yaml",
}  # fmt: skip


class CrateError(UserError):
    """A crate is not what its metadata says."""


def save_crate(
    folder: Path, target: Path, *, about: Mapping[str, Any], sources: Iterable[Path], made: Iterable[Path]
) -> None:
    """Write a folder with its metadata as a zip.

    Parameters
    ----------
    folder
        Holds all files; the metadata is added to it.
    target
        The zip.
    about
        ``study``, ``title``, ``authors``, ``images_are``, ``citation`` (the fields of ``CITATION.cff``), and
        ``versions``.
    sources, made
        Files that the run read, and those that it made, relative to the folder.

    Raises
    ------
    CrateError
        There is no record of any job.
    """
    sources, made = list(sources), list(made)
    records = [record for path in made if (record := _record(folder / path)) is not None]
    if not records:
        raise CrateError("there is no record of any job: make the study first")
    begun = min(record["started_at"] for record in records)
    ended = max(record["started_at"] + record["duration_s"] for record in records)
    crate = ROCrate(version="1.1")
    crate.name = f"{about['title']}: a study of netlens, with its results"
    crate.description = (
        f"Figures, numbers, pages and paper of the study {about['study']}, with the workflow that made them. "
        f"The images are {about['images_are'].rstrip('.')}."
    )
    crate.metadata.extra_contexts.append(_TERMS)
    crate.license = _license(crate, str(about["citation"].get("license", "")))
    crate.datePublished = datetime.fromtimestamp(ended, UTC)
    crate.keywords = ", ".join(about["citation"].get("keywords", ()))
    groups = {author["name"] for author in about["citation"].get("authors", ()) if "name" in author}
    authors = [
        crate.add(ContextEntity(crate, f"#author-{n}", {"@type": kind, "name": name}))
        for n, name in enumerate(about["authors"], 1)
        for kind in ("Organization" if name in groups else "Person",)
    ]
    crate.root_dataset["author"] = authors
    crate.root_dataset["conformsTo"] = [
        crate.add(ContextEntity(crate, address, {"@type": "CreativeWork", "name": name}))
        for address, name in _PROFILES.items()
    ]
    workflow = crate.add_workflow(
        folder / _WORKFLOW,
        _WORKFLOW,
        main=True,
        lang="snakemake",
        lang_version=str(about["versions"].get("snakemake", "")),
        properties={
            "name": "netlens: every figure, number and page of a study, and its paper",
            "sha256": sha256_of(folder / _WORKFLOW),
        },
    )
    files = {path: _add(crate, folder, path) for path in [*sources, *made] if path.as_posix() != _WORKFLOW}
    for path, entity in files.items():
        description = path.with_suffix(".json")
        if path in made and description in files and description != path:
            entity["subjectOf"] = files[description]
    machine = crate.add(
        ContextEntity(crate, "#machine", {"@type": "PropertyValue", "name": "machine", "value": _machine(records)})
    )
    action = crate.add_action(
        workflow,
        "#run",
        object=[files[path] for path in sources if path in files],
        result=[files[path] for path in made],
        properties={
            "name": f"Run of the study {about['study']}",
            "startTime": datetime.fromtimestamp(begun, UTC).isoformat(timespec="seconds"),
            "endTime": datetime.fromtimestamp(ended, UTC).isoformat(timespec="seconds"),
            "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"},
        },
    )
    crate.root_dataset["mentions"] = action
    action["agent"] = authors
    action["environment"] = machine
    target.parent.mkdir(parents=True, exist_ok=True)
    crate.write_zip(target)


def check_crate(path: Path) -> int:
    """Read a crate with the library, and check each file against what the metadata says of it.

    Parameters
    ----------
    path
        The zip.

    Returns
    -------
    int
        Number of files.

    Raises
    ------
    CrateError
        It cannot be read, has no workflow or run, or a file is missing or another.
    """
    try:
        crate = ROCrate(path)
        with zipfile.ZipFile(path) as packed:
            kept = set(packed.namelist()) - {_METADATA}
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise CrateError(f"{path}: not a crate: {error}") from None
    if crate.mainEntity is None or crate.mainEntity.id != _WORKFLOW or not crate.get_by_type("CreateAction"):
        raise CrateError(f"{path}: does not say which workflow was run")
    described = {entity.id: entity for entity in crate.data_entities}
    if differing := sorted(kept ^ set(described)):
        more = f" and {len(differing) - 1} more" if len(differing) > 1 else ""
        raise CrateError(f"{path}: {differing[0]}{more}: either not described or not there")
    for name, entity in described.items():
        wanted = entity.get("sha256")
        if wanted and sha256_of(Path(crate.source) / name) != wanted:
            raise CrateError(f"{path}: {name}: not the file that the metadata describes")
    return len(described)


def _license(crate: ROCrate, name: str) -> Any:
    """License by its name in the list of SPDX; the file where it is not known."""
    if not name:
        return "see the file LICENSE"
    address = f"https://spdx.org/licenses/{name}"
    return crate.add(ContextEntity(crate, address, {"@type": "CreativeWork", "name": name}))


def _add(crate: ROCrate, folder: Path, path: Path) -> Any:
    properties = {"sha256": sha256_of(folder / path), "contentSize": str((folder / path).stat().st_size)}
    if path.suffix in _FORMATS:
        properties["encodingFormat"] = _FORMATS[path.suffix]
    return crate.add_file(folder / path, path.as_posix(), properties=properties)


def _record(path: Path) -> dict[str, Any] | None:
    if path.suffix != ".json":
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    return found if isinstance(found, dict) and {"started_at", "duration_s", "machine"} <= found.keys() else None


def _machine(records: list[dict[str, Any]]) -> str:
    words = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']}, "
        f"Python {machine['python']}"
        for machine in (record["machine"] for record in records)
    ]
    return "; ".join(dict.fromkeys(words))
