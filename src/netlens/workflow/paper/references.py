"""References of the text to macros, figures, claims and citations, checked before TeX runs.

A missing macro or figure is reported by name, file and line, with the name that was probably meant.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from netlens.workflow.absent_text import named_items
from netlens.workflow.catalogue import SECTIONS, Item, load_catalogue
from netlens.workflow.paper.text import (
    Source,
    figures_of,
    read_sources,
    sources,
    study_captions,
    study_items,
    study_texts,
)
from netlens.workflow.study import load_study

# The study's macros are in camelCase, unlike LaTeX's own commands, so a missing one is found without running TeX.
MACRO: Final = re.compile(r"\\([a-z]+[A-Z][A-Za-z]*)")


_DEFINITION: Final = re.compile(r"\\(?:(?:re)?newcommand\*?|providecommand\*?|def|let|newif)\s*\{?\\([A-Za-z]+)")


PLACED: Final = re.compile(r"\\netlens(?:figure|graphic)\s*(?:\[[^\]]*\])?\s*\{([^{}#]*)\}")


_REFERENCED: Final = re.compile(r"\\(?:auto|page)?ref\s*\{fig:([^{}#]*)\}")


_LABELLED: Final = re.compile(r"\\label\s*\{fig:([^{}#]*)\}")


COMPARED: Final = re.compile(r"\\if(?:greater|same)\s*\{([^{}#]*)\}\s*\{([^{}#]*)\}")


_INTERVAL: Final = re.compile(r"\\interval\s*\{([^{}#]*)\}")


_CLAIMED: Final = re.compile(r"\\ifclaim\s*\{([^{}#]*)\}")


_CLAIM: Final = re.compile(r"\\csname netlens@claim@([^\\]+)\\endcsname")


_CITED: Final = re.compile(r"\\cite[a-z]*\*?(?:\[[^\]]*\])*\{([^{}#]*)\}")


_ENTRY: Final = re.compile(r"^\s*@\w+\s*\{\s*([^,\s]+)\s*,", re.MULTILINE)


def doubted_in_text(study: str, main: Path, doubted: Mapping[str, str]) -> dict[str, str]:
    """Doubted items that the paper shows: its figures, and the macros that text, captions and comparisons name."""
    if not doubted:
        return {}
    config = load_study(study)
    items, absent = study_items(config)
    texts = [*study_texts(config["study"], main, items, absent), *study_captions(items, absent)]
    named = {found[1] for source in texts for found in MACRO.finditer(source.text)}
    named |= {name.strip() for source in texts for found in COMPARED.finditer(source.text) for name in found.groups()}
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
    items, absent = study_items(config)
    catalogue = {item.name: item for item in items}
    texts = [*study_texts(name, main, items, absent), *study_captions(items, absent)]
    parts = Path("results") / name / "paper" / "parts.tex"
    written = read_sources([parts])
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
            f"{where}: \\ifclaim names {found[1]!r}, which is no claim of paper/claims.yaml{nearest(found[1], claims)}"
            for where, found in source.find(_CLAIMED)
            if found[1].strip() not in claims
        ]
        for where, found in source.find(_CITED):
            unknown = [key for key in map(str.strip, found[1].split(",")) if key not in bibliography]
            problems += [f"{where}: citation {key!r} is not in the bibliography{nearest(key, bibliography)}"
                         for key in unknown]  # fmt: skip
    return list(dict.fromkeys(problems))


def _check_choices(name: str, main: Path) -> Iterator[str]:
    r"""Yield names in an ``\ifitem`` that are neither items nor sections."""
    known = load_catalogue()
    names = {*known, *SECTIONS}
    for source in read_sources(Path(file) for file in sources(name, main) if file.endswith(".tex")):
        for start, item in named_items(source.text):
            if item not in names:
                line = source.text.count("\n", 0, start) + 1
                yield (
                    f"{source.path}:{line}: \\ifitem names {item!r}, which is neither an item nor a section"
                    + nearest(item, names)
                )


def _check_macros(source: Source, catalogue: Mapping[str, Item], name: str, defined: set[str]) -> Iterator[str]:
    macros = {item.name for item in catalogue.values() if item.kind == "macro"}
    for where, found in source.find(MACRO):
        macro = found[1]
        if macro in defined:
            continue
        if macro in macros:
            if not (file := catalogue[macro].files(name)[0]).is_file():
                yield f"{where}: \\{macro}: {file} has not been made; make it: netlens run {macro} --study {name}"
        else:
            yield (
                f"{where}: \\{macro} is not a macro of study {name}{nearest(macro, macros)}; correct the name, or add "
                f"an item {macro} of kind macro to notebooks/<section>/items.yaml, with its rule"
            )
    for where, found in source.find(_INTERVAL):
        if found[1].strip() not in macros:
            yield f"{where}: \\interval names {found[1]!r}, which is no macro{nearest(found[1], macros)}"


def _check_figures(source: Source, catalogue: Mapping[str, Item], name: str) -> Iterator[str]:
    figures = {item.name for item in figures_of(catalogue.values())}
    # Every figure of the study is in the paper, at least in its appendix; other labels are where they are used.
    labels = figures | {found[1] for _, found in source.find(_LABELLED)}
    for where, found in source.find(_REFERENCED):
        if found[1] not in labels:
            yield f"{where}: reference to figure {found[1]!r}, which the study does not have{nearest(found[1], labels)}"
    for where, found in source.find(PLACED):
        figure = found[1].strip()
        if figure not in figures:
            yield (
                f"{where}: {figure!r} is not a figure of the study{nearest(figure, figures)}; correct the name, or add "
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


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that is nearest, as words for the end of a message; empty if none is near."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.75)
    return f" (did you mean {near[0]}?)" if near else ""
