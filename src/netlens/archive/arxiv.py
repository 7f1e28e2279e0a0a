"""The sources of a paper as one tarball that compiles by itself, as arXiv asks for it."""

import gzip
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from netlens.files.atomic import writing
from netlens.workflow import tex
from netlens.workflow.errors import UserError

#: The main file's first lines: arXiv reads in the first five that this is for pdfTeX.
_HEAD: Final = "% The paper as it was made by netlens; complete in itself.\n\\pdfoutput=1\n\\def\\study{{{study}}}\n"


def source_files(study: str) -> list[Path]:
    """Files that TeX reads for the paper of a study, besides its main file."""
    results = Path("results") / study / "paper"
    found = [
        Path("paper/style.tex"),
        Path("paper/refs.bib"),
        *(Path("export_defs") / study).glob("*.tex"),
        *results.rglob("*.tex"),
        *results.rglob("*.pdf"),
        *(Path("figures") / study).rglob("*.pdf"),
    ]
    # Red boxes are for drafts.
    return sorted(path for path in found if path != results / "doubted.tex")


def write_sources(study: str, folder: Path) -> list[Path]:
    """Write the sources of a study's paper into a folder, and compile them there.

    Parameters
    ----------
    study
        Name of the study.
    folder
        An empty folder.

    Returns
    -------
    list of Path
        The files, relative to the folder: ``main.tex``, ``main.bbl`` and what they read.

    Raises
    ------
    UserError
        A source is missing.
    TexError
        The sources do not compile by themselves.
    """
    files = source_files(study)
    if missing := [path for path in files if not path.is_file()] or ([] if len(files) > 2 else [Path("export_defs")]):
        raise UserError(f"{missing[0]} has not been made; run: netlens paper --study {study}")
    for path in files:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / path)
    main = folder / "main.tex"
    main.write_text(_HEAD.format(study=study) + Path("paper/main.tex").read_text(encoding="utf-8"), encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="netlens-arxiv-") as scratch:
        log = Path("results") / study / "logs" / "arxiv.tex.log"
        tex.compile(main, Path(scratch) / "main.pdf", log=log, bibliography=folder / "main.bbl")
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def save_tarball(files: list[Path], folder: Path, target: Path) -> None:
    """Write files of a folder as a compressed tarball, without dates and owners; the same files give the same bytes.

    Parameters
    ----------
    files
        Paths relative to the folder.
    folder
        Where they are.
    target
        The tarball, ``.tar.gz``.
    """
    with (
        writing(target) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tarball,
    ):
        for path in files:
            entry = tarfile.TarInfo(path.as_posix())
            entry.size = (folder / path).stat().st_size
            with (folder / path).open("rb") as content:
                tarball.addfile(entry, content)
