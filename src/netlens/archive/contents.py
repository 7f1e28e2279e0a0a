"""Files of a study that are published together: what it is made from, and what was made."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from netlens.workflow.executed import without_folders
from netlens.workflow.study import study_file

#: What every study is made from; folders with all that is in them.
_SOURCES: Final = (
    "Snakefile", "rules", "notebooks", "src/netlens", "config/schema.yaml", "data/manifest.yaml", "paper", "profiles",
    "requirements", "pyproject.toml", "environment.yml", "Dockerfile", "Makefile", "README.md", "CHANGELOG.md",
    "CITATION.cff", "LICENSE", ".gitignore", ".dockerignore",
)  # fmt: skip
#: Folders of ``results/<study>`` that only a run needs.
_OF_A_RUN: Final = {"staging", "logs"}


def source_files(study: str) -> list[Path]:
    """Files that a study is made from, in the order of their paths.

    Parameters
    ----------
    study
        Name of the study.
    """
    own = [study_file(study), Path("models") / study, Path("reference") / study]
    found = [path for place in (*map(Path, _SOURCES), *own) for path in _files(place)]
    return sorted(path for path in found if not (path.parts[0] == "paper" and path.suffix == ".pdf"))


def made_files(study: str, *, everything: bool = False) -> list[Path]:
    """Files that were made: figures, numbers, pages, the paper, all records, and the executed notebooks.

    Parameters
    ----------
    study
        Name of the study.
    everything
        The intermediate results too.
    """
    results = Path("results") / study
    places = [
        Path("figures") / study,
        Path("export_defs") / study,
        Path("site") / study,
        Path("paper") / f"{study}.pdf",
    ]
    found = [path for place in places for path in _files(place)]
    for path in _files(results):
        inside = path.relative_to(results).parts
        published = everything or path.suffix == ".json" or inside[0] in ("executed", "paper")
        if published and inside[0] not in _OF_A_RUN:
            found.append(path)
    return sorted(found)


def copy_into(files: list[Path], folder: Path) -> None:
    """Copy files to the same paths under a folder; executed notebooks without the folders of this machine."""
    for path in files:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".ipynb" and path.parts[0] == "results":
            target.write_text(without_folders(path.read_text(encoding="utf-8")), encoding="utf-8")
        else:
            shutil.copyfile(path, target)


def _files(place: Path) -> Iterator[Path]:
    """Files of a place, without what programs leave behind beside them."""
    if place.is_file():
        yield place
    elif place.is_dir():
        for path in place.rglob("*"):
            inside = path.relative_to(place).parts
            if path.is_file() and not any(part.startswith((".", "__")) and part != "__init__.py" for part in inside):
                yield path
