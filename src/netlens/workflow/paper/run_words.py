"""How everything in the paper was made, in words, from the provenance records."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from netlens.publish.tex_words import escape
from netlens.workflow.catalogue import Item
from netlens.workflow.paper.references import PLACED
from netlens.workflow.paper.text import PaperError, Source, figures_of
from netlens.workflow.paper.wording import count_word, distinct, duration, integer, series, series_of_values
from netlens.workflow.records import Record, jobs_behind, makers, read_record

#: How the text names the libraries of a provenance record; others are not mentioned in the paper.
_LIBRARIES: Final = {
    "tensorflow-cpu": "TensorFlow",
    "tensorflow": "TensorFlow",
    "tf-keras": "Keras",
    "innvestigate": "iNNvestigate",
    "lucid": "Lucid",
    "numpy": "NumPy",
    "scipy": "SciPy",
    "scikit-image": "scikit-image",
    "scikit-learn": "scikit-learn",
    "matplotlib": "Matplotlib",
    "seaborn": "seaborn",
    "papermill": "papermill",
    "snakemake": "Snakemake",
}


def item_record(item: Item, name: str) -> Record:
    """Provenance record of an item.

    Raises
    ------
    PaperError
        There is something else in its place.
    """
    path = item.files(name)[-1]
    record = read_record(path)
    if record is None:
        raise PaperError(f"{path} is not a provenance record; make it again: netlens run {item.name}")
    return record


def records_used(items: Iterable[Item], name: str) -> list[Record]:
    """Provenance records of all items and, by following their inputs, of everything they were made from."""
    records = [item_record(item, name) for item in items]
    return sorted(jobs_behind(records, makers(name)), key=lambda record: record.path)


def run_words(items: list[Item], records: list[Record], texts: list[Source]) -> dict[str, str]:
    """Return definitions of the paper's words on the run: durations, memory, counts, machines, versions and commit.

    Parameters
    ----------
    items
        Items of the study.
    records
        Records of these items and of what they were made from.
    texts
        Pieces of the text; figures that none of them places count as supplement.

    Returns
    -------
    dict
        LaTeX by the name of the control word, without its backslash.
    """
    fields = [record.fields for record in records]
    kinds = [item.kind for item in items]
    machines = [record.machine for record in records]
    placed = {found[1].strip() for source in texts for found in PLACED.finditer(source.text)}
    figures = [item.name for item in figures_of(items)]
    return {
        "runDuration": duration(sum(record.duration_s for record in records)),
        "runLongestDuration": duration(max((record.duration_s for record in records), default=0.0)),
        "runPeakMemory": f"{max((field.get('peak_memory_mb', 0) for field in fields), default=0) / 1000:.1f}\\,GB",
        "runJobsCount": integer(len(records)),
        "runItemsCount": integer(len(items)),
        "runFiguresCount": integer(kinds.count("figure")),
        "runMacrosCount": integer(kinds.count("macro")),
        "runPagesCount": integer(kinds.count("page")),
        "runSupplementCount": integer(len([figure for figure in figures if figure not in placed])),
        "runSeeds": series_of_values(field.get("seed") for field in fields),
        "runDevices": series_of_values(
            device.removeprefix("/physical_device:") for field in fields for device in field.get("devices") or ["CPU"]
        ),
        "runMachines": series([_machine(machine) for machine in distinct(machines)], "; "),
        "runPython": series_of_values(machine.get("python") for machine in machines),
        "runVersions": _versions(fields),
        "runCommit": _commit([field.get("git") or {} for field in fields]),
        "runTakenSentence": _taken(fields),
        "runPinsSentence": _pins([field.get("pins") or {} for field in fields]),
    }


def _machine(machine: Mapping[str, Any]) -> str:
    processor = re.sub(r"\((?:R|TM|r|tm)\)", "", str(machine.get("processor") or "an unnamed processor"))
    cores = machine.get("cores") or "?"
    words = escape(" ".join(processor.split()))
    memory = machine.get("memory_gb")
    return (
        f"{words}, {count_word(cores) if isinstance(cores, int) else cores} core{'' if cores == 1 else 's'}, "
        f"{memory}\\,GB of memory, {escape(str(machine.get('system') or 'unknown system'))}"
    )


def _versions(fields: list[Mapping[str, Any]]) -> str:
    found: dict[str, list[str]] = {}
    for field in fields:
        for library, version in (field.get("versions") or {}).items():
            if library in _LIBRARIES and version not in found.setdefault(_LIBRARIES[library], []):
                found[_LIBRARIES[library]].append(version)
    order = dict.fromkeys(_LIBRARIES.values())
    return series([f"{name} {escape(' and '.join(sorted(found[name])))}" for name in order if name in found])


def _commit(states: list[Mapping[str, Any]]) -> str:
    commits = sorted({state["commit"][:10] for state in states if state.get("commit")})
    if not commits:
        return "not under version control"
    dirty = [state for state in states if state.get("commit") and not state.get("clean")]
    shown = series([f"\\texttt{{{commit}}}" for commit in commits])
    words = (
        f"at commit {shown}" if len(commits) == 1 else f"at the commits {shown}, some items at one and some at others"
    )
    if not dirty:
        return words
    return f"{words}, with changes in the working tree that were not committed"


def _taken(fields: list[Mapping[str, Any]]) -> str:
    """Sentence on the results that were not computed in this run; empty if all were."""
    sources = [str(field["taken_from"]) for field in fields if "taken_from" in field]
    if not sources:
        return ""
    where = series([f"\\texttt{{{escape(source)}}}" for source in sorted(set(sources))])
    were, runs, them = ("was", "run", "it") if len(sources) == 1 else ("were", "runs", "them")
    return (
        f"Of the results of {integer(len(fields))} jobs, {count_word(len(sources))} {were} not computed here but taken "
        f"from {where}; what follows about machines and times is of the {runs} that computed {them}."
    )


def _pins(pins: list[Mapping[str, Any]]) -> str:
    shown = sorted({(pin["path"], pin["sha256"]) for pin in pins if pin.get("sha256")})
    if not shown:
        return "The record names no file of pinned versions."
    files = series([f"\\texttt{{{escape(path)}}} (SHA-256 \\texttt{{{digest[:12]}}})" for path, digest in shown])
    return f"Every package was installed from {files}, which names each file by its hash."
