"""``netlens archive``: a study with its results as one crate, and the sources of its paper for arXiv."""

import functools
import json
import tempfile
from pathlib import Path

import yaml

from netlens.archive import arxiv, contents, crate
from netlens.archive.private_words import private_names
from netlens.cli.study_items import StudyItems, study_items
from netlens.review.item_state import Configured, item_states
from netlens.workflow import provenance
from netlens.workflow.errors import UserError
from netlens.workflow.planned_jobs import configured_parameters

_REPORTED = 5


def archive_study(study: str, folder: str, *, everything: bool = False, as_json: bool = False) -> int:
    """Write ``<study>-crate.zip`` and ``<study>-arxiv.tar.gz`` into a folder.

    Parameters
    ----------
    study
        Name or file of the study.
    folder
        Where they are written.
    everything
        Put the intermediate results into the crate too.
    as_json
        Print plain data.

    Raises
    ------
    UserError
        Something is not made or not as its record says, a file has the name of the user or the machine in it, or the
        paper's sources do not compile by themselves.
    """
    known = study_items(study, with_files=True)
    name = known.study
    _require_made(known, functools.partial(configured_parameters, known.config, study))
    sources = contents.source_files(name)
    made = contents.made_files(name, everything=everything)
    with tempfile.TemporaryDirectory(prefix="netlens-archive-") as scratch:
        place = Path(scratch) / "crate"
        contents.copy_into([*sources, *made], place)
        _require_nothing_private(made, place, sources)
        tarball = Path(folder) / f"{name}-arxiv.tar.gz"
        texts = Path(scratch) / "arxiv"
        texts.mkdir()
        written = arxiv.write_sources(name, texts)
        _require_nothing_private(written, texts)
        arxiv.save_tarball(written, texts, tarball)
        packed = Path(folder) / f"{name}-crate.zip"
        citation = yaml.safe_load(Path("CITATION.cff").read_text(encoding="utf-8"))
        about = {**known.config, "citation": citation, "versions": provenance.versions()}
        crate.save_crate(place, packed, about=about, sources=sources, made=made)
        counts = {tarball: len(written), packed: crate.check_crate(packed)}
    if as_json:
        rows = [{"path": str(path), "files": count, "bytes": path.stat().st_size} for path, count in counts.items()]
        print(json.dumps({"study": name, "written": rows}, indent=1, ensure_ascii=False))
        return 0
    print(f"{tarball}: {counts[tarball]} files, {_size(tarball)}; it compiles by itself")
    print(f"{packed}: {counts[packed]} files, {_size(packed)}; a Workflow Run RO-Crate, read back")
    return 0


def _require_made(known: StudyItems, configured: Configured) -> None:
    study = known.study
    names = [name for name in known.catalogue if name not in known.absent]
    states = item_states(study, names, configured=configured)
    unfit = {name: state for name, state in states.items() if state.state != "made"}
    if not Path(f"paper/{study}.pdf").is_file():
        raise UserError(f"paper/{study}.pdf does not exist; run: netlens paper --study {study}")
    if unfit:
        lines = [f"{name} is {state.state}: {state.detail}" for name, state in unfit.items()]
        raise _refusal(lines, f"make them first: netlens paper --study {study}")


def _require_nothing_private(files: list[Path], root: Path, common: list[Path] | None = None) -> None:
    found = private_names(files, root, common or [])
    if found:
        lines = [f"{private.path} has {private.what} in it" for private in found]
        mend = "nothing was written; use paths relative to the checkout in the study, and make these files again"
        raise _refusal(lines, mend)


def _refusal(lines: list[str], mend: str) -> UserError:
    """Error with the first of several lines, how many more there are, and what to do."""
    more = [f"and {len(lines) - _REPORTED} more"] if len(lines) > _REPORTED else []
    return UserError("\n".join([*lines[:_REPORTED], *more, mend]))


def _size(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.1f} MB"
