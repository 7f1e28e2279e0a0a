"""What TeX reads besides the text: the list of macros, and captions, figures and facts of a study."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from netlens.files.atomic import writing
from netlens.publish.tex_words import escape
from netlens.workflow.catalogue import SECTIONS, Item
from netlens.workflow.paper.references import COMPARED, nearest
from netlens.workflow.paper.run_words import item_record, records_used, run_words
from netlens.workflow.paper.text import (
    ANALYSES,
    Absence,
    PaperError,
    Source,
    figures_of,
    present_analyses,
    section_texts,
    study_captions,
    study_items,
    study_texts,
)
from netlens.workflow.paper.wording import count_word, series
from netlens.workflow.study import load_study

_NO_CLAIMS: Final = "\\newcommand{\\netlensclaims}{}%"


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
    macros = [item for item in study_items(config)[0] if item.kind == "macro"]
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
    items, absent = study_items(config)
    # The supplement's first page is made after the paper, which it shows.
    recorded = [item for item in items if item.name != "index"]
    _require_made([item.files(name)[-1] for item in recorded])
    sections = study_texts(name, main, items, absent)
    captions = study_captions(items, absent)
    texts = [*sections, *captions]
    used = records_used(recorded, name)
    written = {source.path: source.text for source in sections}
    for target, source in section_texts(name, main).items():
        with writing(target) as temporary:
            temporary.write_text(written.get(source, ""), encoding="utf-8")
    lines = [
        "% Made from the catalogue and the provenance records; differs from run to run.",
        *_define(_study_words(config, items)),
        *_define(_analysis_words(items, name, main)),
        *_define(run_words(items, used, texts)),
        *(
            _named("caption", item.name, caption.text)
            for item, caption in zip(figures_of(items), captions, strict=True)
        ),
        *(_named("alt", item.name, _pdf_text(item.shows)) for item in figures_of(items)),
        *(_named("file", item.name, f"{item.stem(name).as_posix()}.pdf") for item in figures_of(items)),
        *(_named("link", item.name, f"{_site(config)}/items/{item.name}.html") for item in figures_of(items)),
        *_ranks(texts, items, name),
        _supplement(items),
        _absences(absent),
        claims,
    ]
    with writing(output) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _require_made(files: Iterable[Path]) -> None:
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise PaperError(f"not made yet: {missing[0]}{more}; make it: netlens run")


def _define(words: Mapping[str, str]) -> Iterator[str]:
    for name, text in words.items():
        yield f"\\newcommand{{\\{name}}}{{{text}}}%"


def _site(config: Mapping[str, Any]) -> str:
    """Address of the supplement: where it is published, or its folder as seen from the PDF's."""
    return str(config.get("site") or f"../site/{config['study']}").rstrip("/")


def _named(kind: str, name: str, text: str) -> str:
    """Definition that is looked up by an item's name, which may contain underscores."""
    return f"\\expandafter\\def\\csname netlens@{kind}@{name}\\endcsname{{{' '.join(text.split())}}}%"


def _pdf_text(words: str) -> str:
    """Digits of words as a PDF has them between angle brackets."""
    return f"FEFF{words.encode('utf-16-be').hex().upper()}"


def _study_words(config: Mapping[str, Any], items: Iterable[Item]) -> dict[str, str]:
    networks = [f"\\code{{{escape(name)}}}" for name in config["networks"]]
    main = f"\\code{{{escape(config['models']['network'])}}}"
    words = [
        "The images of this study are \\studyImages.",
        f"Its {'network is' if len(networks) == 1 else 'networks are'} {series(networks)}.",
    ]
    if "heldoutAccuracy" in {item.name for item in items}:
        words.append(f"Of the held-out images, {main} classifies \\heldoutAccuracy{{}} correctly.")
    return {
        "studyName": escape(config["study"]),
        "studyTitle": escape(config["title"]),
        "studyImages": escape(" ".join(config["images_are"].split())).rstrip("."),
        "studyAuthors": escape(series([str(author) for author in config["authors"]])),
        "studyKeywords": escape(", ".join(str(word) for word in config["keywords"])),
        "studyWords": " ".join(words),
    }


def _analysis_words(items: list[Item], name: str, main: Path) -> dict[str, str]:
    present = present_analyses(items, main)
    absent = [analysis for analysis in ANALYSES if analysis not in present]
    reading = "".join(f"\\input{{results/{name}/paper/sections/{analysis}}}" for analysis in present)
    own = f"results/{name}/paper/studies/{name}.tex"
    return {
        "presentAnalysesCount": count_word(len(present)),
        "allAnalysesCount": count_word(len(ANALYSES)),
        "inputAnalyses": reading,
        "inputStudy": f"\\input{{{own.removesuffix('.tex')}}}" if own in section_texts(name, main) else "\\studyWords",
        "analysesSentence": _analyses_sentence(present, absent),
    }


def _analyses_sentence(present: list[str], absent: list[str]) -> str:
    here, there = (series([f"\\emph{{{ANALYSES[name]}}}" for name in names]) for names in (present, absent))
    if not absent:
        return f"This edition holds all {count_word(len(ANALYSES))} analyses: {here}."
    verb = "is" if len(absent) == 1 else "are"
    return (
        f"This edition holds {count_word(len(present))} of the {count_word(len(ANALYSES))} analyses, {here}; "
        f"{there} {verb} not part of it."
    )


def _ranks(texts: list[Source], items: list[Item], name: str) -> Iterator[str]:
    r"""Yield the ranks of each operand of ``\ifgreater``, since TeX cannot compare arbitrary numbers itself.

    There are two for each, of the ends of its interval; they are the same for a number that was not sampled.
    """
    numbers: dict[str, tuple[float, float]] = {}
    macros = {item.name: item for item in items if item.kind == "macro"}
    for source in texts:
        for where, found in source.find(COMPARED):
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
            f"{where}: only numbers and macros can be compared, and {operand!r} is neither{nearest(operand, macros)}"
        )
    record = item_record(macros[operand], name)
    value, interval = record.fields.get("value"), record.fields.get("interval")
    if not isinstance(value, int | float):
        raise PaperError(f"{where}: \\{operand} is {value!r}, which is not a number, so it cannot be compared")
    return (float(interval["low"]), float(interval["high"])) if interval else (float(value), float(value))


def _supplement(items: list[Item]) -> str:
    """List of the figures by section, from which TeX omits those that the text has already placed."""
    lines = ["\\newcommand{\\netlenssupplement}{%"]
    for section in SECTIONS:
        lines += [
            f"  \\netlenssupplementfigure{{{item.name}}}%" for item in figures_of(items) if item.section == section
        ]
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
        words = [*shown, *([f"{count_word(numbers)} number{'' if numbers == 1 else 's'}"] if numbers else [])]
        sections = list(dict.fromkeys(item.section.replace("_", " ") for item in items))
        text = escape(reason[:1].upper() + reason[1:])
        lines.append(
            f"    \\item {text}: {series(words)} (section{'s' if len(sections) > 1 else ''} {series(sections)}).%"
        )
    return "\n".join([*lines, "  \\end{itemize}%", "}%"])
