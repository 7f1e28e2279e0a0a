r"""The paper of a study: its macros and figures, how they were made, and the PDF.

The text is written by hand and contains no numbers. What it needs from a study comes from these places:

- ``export_defs/<study>/all.tex`` inputs every macro of the study; its bytes depend only on the macros.
- ``results/<study>/paper/parts.tex`` contains what varies between runs or depends on the items: captions, the list of
  sections and figures, machine, versions, durations, and the order of the values that the text compares.
- ``results/<study>/paper/sections/`` contains the sections without what the study does not have; see
  `netlens.workflow.absent_text`.
- ``results/<study>/paper/letters/`` contains pictures of letters that TeX's fonts lack.
- ``results/<study>/paper/doubted.tex`` marks, in a draft, what is not as its record says.
- ``\study``, which is defined for the compilation, names the folders.

References in the text are checked before TeX runs, so that a missing macro or figure is reported by name in one line.
"""

import difflib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from netlens.files.atomic import writing
from netlens.publish.tex_words import LETTERS, escape, letters_of
from netlens.workflow import tex
from netlens.workflow.absent_text import caption_without_absent, named_items, without_absent
from netlens.workflow.applicability import absent_items
from netlens.workflow.catalogue import SECTIONS, Item, load_catalogue
from netlens.workflow.errors import UserError
from netlens.workflow.study import load_study

#: The analyses in the order of the paper, with their names in the text.
ANALYSES: Final[dict[str, str]] = {
    "signal_distractor": "signal and distractor",
    "pattern_attribution": "patterns against weights",
    "model_comparison": "comparing models",
    "weights": "visualising weights",
    "spatial_attribution": "spatial attribution",
    "explanation_checks": "checks of explanations",
}

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
_NUMBER_WORDS: Final = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

# The study's macros are in camelCase, unlike LaTeX's own commands, so a missing one is found without running TeX.
_MACRO: Final = re.compile(r"\\([a-z]+[A-Z][A-Za-z]*)")
_DEFINITION: Final = re.compile(r"\\(?:(?:re)?newcommand\*?|providecommand\*?|def|let|newif)\s*\{?\\([A-Za-z]+)")
_PLACED: Final = re.compile(r"\\netlens(?:figure|graphic)\s*(?:\[[^\]]*\])?\s*\{([^{}#]*)\}")
_REFERENCED: Final = re.compile(r"\\(?:auto|page)?ref\s*\{fig:([^{}#]*)\}")
_LABELLED: Final = re.compile(r"\\label\s*\{fig:([^{}#]*)\}")
_COMPARED: Final = re.compile(r"\\if(?:greater|same)\s*\{([^{}#]*)\}\s*\{([^{}#]*)\}")
_INTERVAL: Final = re.compile(r"\\interval\s*\{([^{}#]*)\}")
_CLAIMED: Final = re.compile(r"\\ifclaim\s*\{([^{}#]*)\}")
_CLAIM: Final = re.compile(r"\\csname netlens@claim@([^\\]+)\\endcsname")
_CITED: Final = re.compile(r"\\cite[a-z]*\*?(?:\[[^\]]*\])*\{([^{}#]*)\}")
_ENTRY: Final = re.compile(r"^\s*@\w+\s*\{\s*([^,\s]+)\s*,", re.MULTILINE)
_COMMENT: Final = re.compile(r"(?<!\\)%.*")
_OVERFULL: Final = re.compile(r"^Overfull \\[hv]box \((\d+\.\d+)pt too (?:wide|high)\)", re.MULTILINE)
_OVERFULL_PT: Final = 2.0
_NO_CLAIMS: Final = "\\newcommand{\\netlensclaims}{}%"


class PaperError(UserError):
    """The text and the study are inconsistent; the message has one line for each mistake."""


@dataclass(frozen=True)
class Absence:
    """An item that a study cannot have, and why."""

    item: Item
    reason: str


@dataclass(frozen=True)
class Source:
    """A piece of LaTeX and where it comes from.

    Attributes
    ----------
    path
        The file, followed by the item if it is a caption.
    text
        The LaTeX, without comments.
    numbered
        Whether line numbers in `text` are those of the file.
    """

    path: str
    text: str
    numbered: bool = True

    def find(self, pattern: re.Pattern[str]) -> Iterator[tuple[str, re.Match[str]]]:
        """Yield each match with its location, as ``file:line``."""
        for found in pattern.finditer(self.text):
            line = self.text.count("\n", 0, found.start()) + 1
            yield (f"{self.path}:{line}" if self.numbered else self.path), found


def sources(name: str, main: str | Path = "paper/main.tex") -> list[str]:
    """Source files of the paper's text: the main file, the files beside it, and its sections.

    Parameters
    ----------
    name
        Name of the study; ``studies/<name>.tex`` is the text that only this study has.
    main
        The main file.

    Returns
    -------
    list of str
        Paths of ``.tex`` and ``.bib`` files: the main file, then the others in sorted order.
    """
    main = Path(main)
    folders = (main.parent, main.parent / "sections")
    files = {file for folder in folders for kind in ("*.tex", "*.bib") for file in folder.glob(kind)} - {main}
    own = main.parent / "studies" / f"{name}.tex"
    return [file.as_posix() for file in (main, *sorted(files), *([own] if own.is_file() else []))]


def claim_files(study: str = "") -> list[str]:
    """Files that say what the paper claims, how that is judged, and what `study` published; those that there are."""
    names = ("claims.py", "claims_table.py", "conditions.py")
    files = [Path("paper/claims.yaml"), *(Path("src/netlens/review") / name for name in names)]
    files += [Path("reference") / study / "claims.json"] if study else []
    return [path.as_posix() for path in files if path.is_file()]


def caption_files(folder: str | Path = "notebooks") -> list[str]:
    """Files that contain the items' captions, in the order of the paper."""
    files = (Path(folder) / section / "items.yaml" for section in SECTIONS)
    return [file.as_posix() for file in files if file.is_file()]


def present_analyses(items: Iterable[Item], main: str | Path = "paper/main.tex") -> list[str]:
    """Names of the analyses in the paper: those with at least one item and a text ``sections/<analysis>.tex``."""
    with_items = {item.section for item in items}
    texts = Path(main).parent / "sections"
    return [name for name in ANALYSES if name in with_items and (texts / f"{name}.tex").is_file()]


def section_texts(name: str, main: str | Path = "paper/main.tex") -> dict[str, str]:
    """Sections of the text, and the files from which TeX reads them for a study.

    Parameters
    ----------
    name
        Name of the study.
    main
        The main file.

    Returns
    -------
    dict
        From paths in ``results/<name>/paper/`` to those of the text that is written by hand.
    """
    beside = Path(main).parent
    files = (Path(file) for file in sources(name, main) if file.endswith(".tex"))
    return {
        f"results/{name}/paper/{file.relative_to(beside).as_posix()}": file.as_posix()
        for file in files
        if file.parent != beside
    }


def write_macro_list(study: str, output: Path) -> None:
    r"""Write the file that inputs every macro of a study, one ``\input`` per macro, in the order of the catalogue.

    Parameters
    ----------
    study
        Name or file of the study.
    output
        Usually ``export_defs/<study>/all.tex``.

    Raises
    ------
    PaperError
        A macro has not been made.
    """
    config = load_study(study)
    name = config["study"]
    macros = [item for item in _items(config)[0] if item.kind == "macro"]
    _require_made([item.files(name)[0] for item in macros])
    lines = [f"% Every macro of study {name}.", *(f"\\input{{{item.files(name)[0].as_posix()}}}%" for item in macros)]
    with writing(output) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_parts(study: str, output: Path, main: Path = Path("paper/main.tex"), claims: str = _NO_CLAIMS) -> None:
    """Write what the paper needs besides the macros: captions, sections, figures, and how everything was made.

    Machine, versions and durations come from the provenance records of all items and of every intermediate result
    that an item was made from; a job that made several files counts once.

    Parameters
    ----------
    study
        Name or file of the study.
    output
        Usually ``results/<study>/paper/parts.tex``.
    main
        The paper's main file; the values that its text compares are ranked.
    claims
        Definitions of the claims' outcomes and of their table (`netlens.review.claims_table.tex_definitions`).

    Raises
    ------
    PaperError
        An item has not been made, or a comparison contains something other than a number or a numeric macro.
    """
    config = load_study(study)
    name = config["study"]
    items, absent = _items(config)
    # The supplement's first page is made after the paper, which it shows.
    recorded = [item for item in items if item.name != "index"]
    _require_made([item.files(name)[-1] for item in recorded])
    sections = _texts(name, main, items, absent)
    captions = _captions(items, absent)
    texts = [*sections, *captions]
    used = _records_used(recorded, name)
    written = {source.path: source.text for source in sections}
    for target, source in section_texts(name, main).items():
        with writing(target) as temporary:
            temporary.write_text(written.get(source, ""), encoding="utf-8")
    lines = [
        "% Made from the catalogue and the provenance records; differs from run to run.",
        *_define(_study_words(config, items)),
        *_define(_analysis_words(items, name, main)),
        *_define(_run_words(items, used, texts)),
        *(_named("caption", item.name, caption.text) for item, caption in zip(_figures(items), captions, strict=True)),
        *(_named("file", item.name, f"{item.stem(name).as_posix()}.pdf") for item in _figures(items)),
        *(_named("link", item.name, f"{_site(config)}/items/{item.name}.html") for item in _figures(items)),
        *_ranks(texts, items, name),
        _supplement(items),
        _absences(absent),
        claims,
    ]
    with writing(output) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


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
    used = _used(study, main, doubted or {})
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


def _used(study: str, main: Path, doubted: Mapping[str, str]) -> dict[str, str]:
    """Doubted items that the paper shows: its figures, and the macros that text, captions and comparisons name."""
    if not doubted:
        return {}
    config = load_study(study)
    items, absent = _items(config)
    texts = [*_texts(config["study"], main, items, absent), *_captions(items, absent)]
    named = {found[1] for source in texts for found in _MACRO.finditer(source.text)}
    named |= {name.strip() for source in texts for found in _COMPARED.finditer(source.text) for name in found.groups()}
    shown = [item.name for item in items if item.kind == "figure" or (item.kind == "macro" and item.name in named)]
    return {name: doubted[name] for name in shown if name in doubted}


def check(study: str, main: Path) -> list[str]:
    """References in the text to what no study has, or to what has not been made.

    Parameters
    ----------
    study
        Name or file of the study.
    main
        The paper's main file.

    Returns
    -------
    list of str
        One line per mistake, in the order of the text; empty if there are none.
    """
    config = load_study(study)
    name = config["study"]
    items, absent = _items(config)
    catalogue = {item.name: item for item in items}
    texts = [*_texts(name, main, items, absent), *_captions(items, absent)]
    parts = Path("results") / name / "paper" / "parts.tex"
    written = _read([parts])
    defined = {found[1] for source in [*texts, *written] for found in _DEFINITION.finditer(source.text)}
    claims = {key for source in written for key in _CLAIM.findall(source.text)}
    bibliography = {
        key
        for file in sources(name, main)
        if file.endswith(".bib")
        for key in _ENTRY.findall(Path(file).read_text("utf-8"))
    }
    problems = list(_check_choices(name, main))
    for source in texts:
        problems += _check_macros(source, catalogue, name, defined)
        problems += _check_figures(source, catalogue, name)
        problems += [] if source.numbered else _check_caption(source)
        problems += [
            f"{where}: \\ifclaim names {found[1]!r}, which is no claim of paper/claims.yaml{_near(found[1], claims)}"
            for where, found in source.find(_CLAIMED)
            if found[1].strip() not in claims
        ]
        for where, found in source.find(_CITED):
            unknown = [key for key in map(str.strip, found[1].split(",")) if key not in bibliography]
            problems += [f"{where}: citation {key!r} is not in the bibliography{_near(key, bibliography)}"
                         for key in unknown]  # fmt: skip
    return list(dict.fromkeys(problems))


def _check_choices(name: str, main: Path) -> Iterator[str]:
    r"""Yield names in an ``\ifitem`` that are neither items nor sections."""
    known = load_catalogue()
    names = {*known, *SECTIONS}
    for source in _read(Path(file) for file in sources(name, main) if file.endswith(".tex")):
        for start, item in named_items(source.text):
            if item not in names:
                line = source.text.count("\n", 0, start) + 1
                yield f"{source.path}:{line}: \\ifitem names {item!r}, which is neither an item nor a section" + _near(
                    item, names
                )


def _check_macros(source: Source, catalogue: Mapping[str, Item], name: str, defined: set[str]) -> Iterator[str]:
    macros = {item.name for item in catalogue.values() if item.kind == "macro"}
    for where, found in source.find(_MACRO):
        macro = found[1]
        if macro in defined:
            continue
        if macro in macros:
            if not (file := catalogue[macro].files(name)[0]).is_file():
                yield f"{where}: \\{macro}: {file} has not been made; make it: netlens run {macro} --study {name}"
        else:
            yield (
                f"{where}: \\{macro} is not a macro of study {name}{_near(macro, macros)}; correct the name, or add an "
                f"item {macro} of kind macro to notebooks/<section>/items.yaml, with its rule"
            )
    for where, found in source.find(_INTERVAL):
        if found[1].strip() not in macros:
            yield f"{where}: \\interval names {found[1]!r}, which is no macro{_near(found[1], macros)}"


def _check_figures(source: Source, catalogue: Mapping[str, Item], name: str) -> Iterator[str]:
    figures = {item.name for item in _figures(catalogue.values())}
    # Every figure of the study is in the paper, at least in its appendix; other labels are where they are used.
    labels = figures | {found[1] for _, found in source.find(_LABELLED)}
    for where, found in source.find(_REFERENCED):
        if found[1] not in labels:
            yield f"{where}: reference to figure {found[1]!r}, which the study does not have{_near(found[1], labels)}"
    for where, found in source.find(_PLACED):
        figure = found[1].strip()
        if figure not in figures:
            yield (
                f"{where}: {figure!r} is not a figure of the study{_near(figure, figures)}; correct the name, or add "
                f"an item {figure} of kind figure to notebooks/<section>/items.yaml, with its rule"
            )
        elif not (file := catalogue[figure].files(name)[0]).is_file():
            yield f"{where}: figure {figure}: {file} has not been made; make it: netlens run {figure} --study {name}"


def _check_caption(source: Source) -> Iterator[str]:
    """Yield mistakes in a caption that TeX would report where the caption is used, not where it is written."""
    plain = re.sub(r"\\.", "", source.text)
    if plain.count("{") != plain.count("}"):
        yield f"{source.path}: braces do not match: {plain.count('{')} open, {plain.count('}')} close"
    if plain.count("$") % 2:
        yield f"{source.path}: unpaired $; write \\$ for the character"
    elif found := re.search("[_^&#]", re.sub(r"\$[^$]*\$", "", plain)):
        yield f"{source.path}: {found[0]!r} outside math mode; write \\{found[0]}, or enclose it in dollar signs"


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.75)
    return f" (did you mean {near[0]}?)" if near else ""


def _items(config: Mapping[str, Any]) -> tuple[list[Item], dict[str, Absence]]:
    """Items that a study has, and those that it cannot have."""
    catalogue = load_catalogue()
    reasons = absent_items(config, catalogue)
    items = [item for item in catalogue.values() if item.name not in reasons]
    return items, {name: Absence(catalogue[name], reason) for name, reason in reasons.items()}


def _texts(name: str, main: Path, items: Iterable[Item], absent: Iterable[str]) -> list[Source]:
    """The text, without the analyses that the paper omits and the sentences that need what the study does not have."""
    items = list(items)
    present = present_analyses(items, main)
    left_out = {(main.parent / "sections" / f"{other}.tex").as_posix() for other in ANALYSES if other not in present}
    missing = {*absent, *SECTIONS} - {item.section for item in items}
    missing |= {f"claim:{key}" for key in _claims_not_made(name, main, {item.name for item in items})}
    read = _read(Path(file) for file in sources(name, main) if file.endswith(".tex"))
    kept = without_absent({source.path: source.text for source in read}, missing, left_out)
    return [Source(path, text) for path, text in kept.items()]


def _claims_not_made(name: str, main: Path, items: set[str]) -> list[str]:
    """Claims of other studies, and those that need an item that the study does not have."""
    path = main.parent / "claims.yaml"
    entries = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.is_file() else {}
    return [
        key
        for key, entry in entries.items()
        if name not in (entry.get("studies") or [name]) or not set(entry.get("items", ())) <= items
    ]


def _read(files: Iterable[Path]) -> list[Source]:
    return [Source(file.as_posix(), _COMMENT.sub("", file.read_text(encoding="utf-8"))) for file in files]


def _captions(items: Iterable[Item], absent: Iterable[str]) -> list[Source]:
    """Captions of the figures, without the sentences that need what the study does not have."""
    missing = set(absent)
    return [
        Source(
            f"notebooks/{item.section}/items.yaml: {item.name}: caption",
            caption_without_absent(item.caption, missing) or f"{escape(item.shows)}.",
            numbered=False,
        )
        for item in _figures(items)
    ]


def _figures(items: Iterable[Item]) -> list[Item]:
    return [item for item in items if item.kind == "figure"]


def _require_made(files: Iterable[Path]) -> None:
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise PaperError(f"not made yet: {missing[0]}{more}; make it: netlens run")


# ---------------------------------------------------------------------------------------------------------------------
# Contents of parts.tex


def _define(words: Mapping[str, str]) -> Iterator[str]:
    for name, text in words.items():
        yield f"\\newcommand{{\\{name}}}{{{text}}}%"


def _site(config: Mapping[str, Any]) -> str:
    """Address of the supplement: where it is published, or its folder as seen from the PDF's."""
    return str(config.get("site") or f"../site/{config['study']}").rstrip("/")


def _named(kind: str, name: str, text: str) -> str:
    """Definition that is looked up by an item's name, which may contain underscores."""
    return f"\\expandafter\\def\\csname netlens@{kind}@{name}\\endcsname{{{' '.join(text.split())}}}%"


def _study_words(config: Mapping[str, Any], items: Iterable[Item]) -> dict[str, str]:
    networks = [f"\\code{{{escape(name)}}}" for name in config["networks"]]
    main = f"\\code{{{escape(config['models']['network'])}}}"
    words = [
        "The images of this study are \\studyImages.",
        f"Its {'network is' if len(networks) == 1 else 'networks are'} {_series(networks)}.",
    ]
    if "heldoutAccuracy" in {item.name for item in items}:
        words.append(f"Of the held-out images, {main} classifies \\heldoutAccuracy{{}} correctly.")
    return {
        "studyName": escape(config["study"]),
        "studyTitle": escape(config["title"]),
        "studyImages": escape(" ".join(config["images_are"].split())).rstrip("."),
        "studyAuthors": escape(_series([str(author) for author in config["authors"]])),
        "studyKeywords": escape(", ".join(str(word) for word in config["keywords"])),
        "studyWords": " ".join(words),
    }


def _analysis_words(items: list[Item], name: str, main: Path) -> dict[str, str]:
    present = present_analyses(items, main)
    absent = [analysis for analysis in ANALYSES if analysis not in present]
    reading = "".join(f"\\input{{results/{name}/paper/sections/{analysis}}}" for analysis in present)
    own = f"results/{name}/paper/studies/{name}.tex"
    return {
        "presentAnalysesCount": _count(len(present)),
        "allAnalysesCount": _count(len(ANALYSES)),
        "inputAnalyses": reading,
        "inputStudy": f"\\input{{{own.removesuffix('.tex')}}}" if own in section_texts(name, main) else "\\studyWords",
        "analysesSentence": _analyses_sentence(present, absent),
    }


def _analyses_sentence(present: list[str], absent: list[str]) -> str:
    here, there = (_series([f"\\emph{{{ANALYSES[name]}}}" for name in names]) for names in (present, absent))
    if not absent:
        return f"This edition holds all {_count(len(ANALYSES))} analyses: {here}."
    verb = "is" if len(absent) == 1 else "are"
    return (
        f"This edition holds {_count(len(present))} of the {_count(len(ANALYSES))} analyses, {here}; "
        f"{there} {verb} not part of it."
    )


@dataclass(frozen=True)
class _Record:
    path: str
    fields: Mapping[str, Any]


def _records_used(items: Iterable[Item], name: str) -> list[_Record]:
    """Provenance records of all items and, by following their inputs, of everything they were made from."""
    # Intermediate results are under results/, with their records beside them; each record lists its outputs.
    makers: dict[str, _Record] = {}
    for path in sorted((Path("results") / name).rglob("*.json")):
        if "staging" in path.parts:
            continue
        record = _read_record(path)
        if record is not None:
            makers.update(dict.fromkeys((*record.fields["outputs"], record.path), record))
    used: dict[str, _Record] = {}
    todo: list[_Record] = []
    for item in items:
        record = _read_record(item.files(name)[-1])
        if record is None:
            raise PaperError(
                f"{item.files(name)[-1]} is not a provenance record; make it again: netlens run {item.name}"
            )
        todo.append(record)
    while todo:
        record = todo.pop()
        if record.path not in used:
            used[record.path] = record
            todo += [makers[path] for path in record.fields["inputs"] if path in makers]
    return [used[path] for path in sorted(used)]


def _read_record(path: Path) -> _Record | None:
    """Provenance record; None if a JSON file is something else, such as the description of a network's layers."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    if not isinstance(fields, dict) or not {"duration_s", "machine", "inputs", "outputs"} <= fields.keys():
        return None
    return _Record(path.as_posix(), fields)


def _run_words(items: list[Item], records: list[_Record], texts: list[Source]) -> dict[str, str]:
    fields = [record.fields for record in records]
    kinds = [item.kind for item in items]
    machines = [field["machine"] for field in fields]
    placed = {found[1].strip() for source in texts for found in _PLACED.finditer(source.text)}
    figures = [item.name for item in _figures(items)]
    return {
        "runDuration": _duration(sum(field["duration_s"] for field in fields)),
        "runLongestDuration": _duration(max((field["duration_s"] for field in fields), default=0.0)),
        "runPeakMemory": f"{max((field['peak_memory_mb'] for field in fields), default=0) / 1000:.1f}\\,GB",
        "runJobsCount": _integer(len(records)),
        "runItemsCount": _integer(len(items)),
        "runFiguresCount": _integer(kinds.count("figure")),
        "runMacrosCount": _integer(kinds.count("macro")),
        "runPagesCount": _integer(kinds.count("page")),
        "runSupplementCount": _integer(len([figure for figure in figures if figure not in placed])),
        "runSeeds": _values(field.get("seed") for field in fields),
        "runDevices": _values(
            device.removeprefix("/physical_device:") for field in fields for device in field.get("devices") or ["CPU"]
        ),
        "runMachines": _series([_machine(machine) for machine in _distinct(machines)], "; "),
        "runPython": _values(machine.get("python") for machine in machines),
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
        f"{words}, {_count(cores) if isinstance(cores, int) else cores} core{'' if cores == 1 else 's'}, "
        f"{memory}\\,GB of memory, {escape(str(machine.get('system') or 'unknown system'))}"
    )


def _versions(fields: list[Mapping[str, Any]]) -> str:
    found: dict[str, list[str]] = {}
    for field in fields:
        for library, version in (field.get("versions") or {}).items():
            if library in _LIBRARIES and version not in found.setdefault(_LIBRARIES[library], []):
                found[_LIBRARIES[library]].append(version)
    order = dict.fromkeys(_LIBRARIES.values())
    return _series([f"{name} {escape(' and '.join(sorted(found[name])))}" for name in order if name in found])


def _commit(states: list[Mapping[str, Any]]) -> str:
    commits = sorted({state["commit"][:10] for state in states if state.get("commit")})
    if not commits:
        return "not under version control"
    dirty = [state for state in states if state.get("commit") and not state.get("clean")]
    shown = _series([f"\\texttt{{{commit}}}" for commit in commits])
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
    where = _series([f"\\texttt{{{escape(source)}}}" for source in sorted(set(sources))])
    were, runs, them = ("was", "run", "it") if len(sources) == 1 else ("were", "runs", "them")
    return (
        f"Of the results of {_integer(len(fields))} jobs, {_count(len(sources))} {were} not computed here but taken "
        f"from {where}; what follows about machines and times is of the {runs} that computed {them}."
    )


def _pins(pins: list[Mapping[str, Any]]) -> str:
    shown = sorted({(pin["path"], pin["sha256"]) for pin in pins if pin.get("sha256")})
    if not shown:
        return "The record names no file of pinned versions."
    files = _series([f"\\texttt{{{escape(path)}}} (SHA-256 \\texttt{{{digest[:12]}}})" for path, digest in shown])
    return f"Every package was installed from {files}, which names each file by its hash."


def _ranks(texts: list[Source], items: list[Item], name: str) -> Iterator[str]:
    r"""Yield the ranks of each operand of ``\ifgreater``, since TeX cannot compare arbitrary numbers itself.

    There are two for each, of the ends of its interval; they are the same for a number that was not sampled.
    """
    numbers: dict[str, tuple[float, float]] = {}
    macros = {item.name: item for item in items if item.kind == "macro"}
    for source in texts:
        for where, found in source.find(_COMPARED):
            for operand in (found[1].strip(), found[2].strip()):
                numbers[operand] = _number(operand, macros, name, where)
    order = {value: rank for rank, value in enumerate(sorted({end for ends in numbers.values() for end in ends}))}
    for operand in sorted(numbers):
        for which, end in zip(("lowrank", "highrank"), numbers[operand], strict=True):
            yield _named(which, operand, str(order[end]))


def _number(operand: str, macros: Mapping[str, Item], name: str, where: str) -> tuple[float, float]:
    """Return the ends of an operand's interval: twice the number itself if it has none."""
    try:
        return float(operand), float(operand)
    except ValueError:
        pass
    if operand not in macros:
        raise PaperError(
            f"{where}: only numbers and macros can be compared, and {operand!r} is neither{_near(operand, macros)}"
        )
    record = json.loads(macros[operand].files(name)[1].read_text(encoding="utf-8"))
    value, interval = record.get("value"), record.get("interval")
    if not isinstance(value, int | float):
        raise PaperError(f"{where}: \\{operand} is {value!r}, which is not a number, so it cannot be compared")
    return (float(interval["low"]), float(interval["high"])) if interval else (float(value), float(value))


def _supplement(items: list[Item]) -> str:
    """List of the figures by section, from which TeX omits those that the text has already placed."""
    lines = ["\\newcommand{\\netlenssupplement}{%"]
    for section in SECTIONS:
        lines += [f"  \\netlenssupplementfigure{{{item.name}}}%" for item in _figures(items) if item.section == section]
    return "\n".join([*lines, "}%"])


def _absences(absent: Mapping[str, Absence]) -> str:
    """Section that says what the study does not have and why; empty if it has everything."""
    if not absent:
        return "\\newcommand{\\netlensabsences}{}%"
    by_reason: dict[str, list[Item]] = {}
    for absence in absent.values():
        by_reason.setdefault(absence.reason, []).append(absence.item)
    lines = ["\\newcommand{\\netlensabsences}{%", "  \\section{What this study does not have}\\label{sec:absent}%"]
    lines += [
        "  The study's networks and images do not allow everything that the paper can show.%",
        "  \\begin{itemize}\\raggedright%",
    ]
    for reason, items in by_reason.items():
        shown = [f"\\code{{{escape(item.name)}}}" for item in items if item.kind != "macro"]
        numbers = len(items) - len(shown)
        words = [*shown, *([f"{_count(numbers)} number{'' if numbers == 1 else 's'}"] if numbers else [])]
        sections = list(dict.fromkeys(item.section.replace("_", " ") for item in items))
        text = escape(reason[:1].upper() + reason[1:])
        lines.append(
            f"    \\item {text}: {_series(words)} (section{'s' if len(sections) > 1 else ''} {_series(sections)}).%"
        )
    return "\n".join([*lines, "  \\end{itemize}%", "}%"])


# ---------------------------------------------------------------------------------------------------------------------
# Wording


def _series(words: list[str], separator: str = ", ") -> str:
    """Words joined as in a sentence: one, two and three."""
    if len(words) < 2:
        return "".join(words) or "none"
    return f"{separator.join(words[:-1])} and {words[-1]}"


def _count(number: int) -> str:
    return _NUMBER_WORDS[number] if number < len(_NUMBER_WORDS) else _integer(number)


def _integer(number: int) -> str:
    return f"{number:,}".replace(",", "{,}")


def _values(values: Iterable[Any]) -> str:
    return _series([escape(str(value)) for value in _distinct(value for value in values if value is not None)])


def _distinct(values: Iterable[Any]) -> list[Any]:
    distinct: list[Any] = []
    for value in values:
        if value not in distinct:
            distinct.append(value)
    return distinct


def _duration(seconds: float) -> str:
    """Duration in its two largest nonzero units."""
    whole = round(seconds)
    parts = [(whole // 3600, "hour"), (whole // 60 % 60, "minute"), (whole % 60, "second")]
    while len(parts) > 1 and not parts[0][0]:
        parts.pop(0)
    return (
        " ".join(f"{number}~{unit}{'' if number == 1 else 's'}" for number, unit in parts[:2] if number) or "0~seconds"
    )
