"""The PDF of a study's paper, or a draft of it that marks what is not as its record says."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from netlens.files.atomic import writing
from netlens.publish.tex_words import LETTERS, letters_of
from netlens.workflow import tex
from netlens.workflow.catalogue import load_catalogue
from netlens.workflow.paper.references import check, doubted_in_text
from netlens.workflow.paper.text import PaperError
from netlens.workflow.study import load_study

_OVERFULL: Final = re.compile(r"^Overfull \\[hv]box \((\d+\.\d+)pt too (?:wide|high)\)", re.MULTILINE)


_OVERFULL_PT: Final = 2.0


# Items of which a message says why they are doubted.
_REPORTED_ITEMS = 5


def compile_paper(
    study: str, main: Path, output: Path, doubted: Mapping[str, str] | None = None, *, draft: bool = False
) -> None:
    """Check the text against the study, then compile the PDF.

    Parameters
    ----------
    study
        Name or file of the study.
    main
        The paper's main file.
    output
        The PDF.
    doubted
        Items that are not as their records say, by name, and why: edited by hand, or older than what they depend on.
    draft
        Mark doubted numbers and figures of the text by red boxes, instead of refusing them.

    Raises
    ------
    PaperError
        The text uses a macro, figure or reference that does not exist, or an item that is doubted; the message says
        which, and what to do.
    TexError
        TeX fails nevertheless, or is not installed.
    """
    name = load_study(study)["study"]
    problems = check(study, main)
    used = doubted_in_text(study, main, doubted or {})
    if used and not draft:
        problems += [f"{item} {why}" for item, why in list(used.items())[:_REPORTED_ITEMS]]
        more = f"{len(used) - _REPORTED_ITEMS} more items are not as their records say; "
        problems.append(
            f"{more if len(used) > _REPORTED_ITEMS else ''}make them again: netlens run ITEM --force --study {name}; "
            f"list them: netlens why --study {name}; a draft with red boxes: netlens paper --draft --study {name}"
        )
    if problems:
        raise PaperError("\n".join(problems))
    kinds = {item.name: item.kind for item in load_catalogue().values()}
    marks = Path("results") / name / "paper" / "doubted.tex"
    with writing(marks) as temporary:
        lines = [f"\\netlensdoubt{kinds[item]}{{{item}}}%" for item in used]
        temporary.write_text("\n".join(["% What is not as its record says.", *lines, ""]), encoding="utf-8")
    if used:
        print(f"netlens: {output}: {len(used)} item(s) in red boxes: {', '.join(used)}", file=sys.stderr, flush=True)
    _write_letters(name)
    log = Path("results") / name / "logs" / "paper.tex.log"
    tex.compile(main, output, log=log, definitions={"study": name}, directory=Path.cwd())
    wide = [float(points) for points in _OVERFULL.findall(log.read_text(encoding="utf-8", errors="replace"))]
    wide = [points for points in wide if points > _OVERFULL_PT]
    if wide:
        print(
            f"netlens: {output}: {len(wide)} line(s) or page(s) overfull, by up to {max(wide):.0f} pt; see {log}",
            file=sys.stderr,
            flush=True,
        )


def _write_letters(name: str) -> None:
    """Draw the letters of macros and names that TeX's fonts lack, as far as the fonts of the figures have them."""
    files = [Path("results") / name / "paper" / "parts.tex", *sorted((Path("export_defs") / name).glob("*.tex"))]
    runs = {run for file in files if file.is_file() for run in LETTERS.findall(file.read_text(encoding="utf-8"))}
    folder = Path("results") / name / "paper" / "letters"
    for outdated in folder.glob("*.pdf"):
        outdated.unlink()
    if not runs:
        return
    # Matplotlib takes a second, and most studies have no such letters.
    from netlens.letters import glyphs

    for run in sorted(runs):
        if not glyphs.lacking(letters_of(run)):
            glyphs.draw_words(letters_of(run), folder / f"{run}.pdf")
