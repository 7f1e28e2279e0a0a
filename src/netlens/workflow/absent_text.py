r"""The paper's text without what a study does not have.

``\ifitem{a, b}{yes}{no}`` chooses between two texts: the first if the study has all of these items (or sections), else
the second. Outside of it, a sentence that uses an absent number, points at an absent figure, or refers to a label of a
text that is gone is left out, so that no study can break the paper. Line numbers stay as they are.
"""

import re
from collections.abc import Iterator, Mapping, Set
from typing import Final

_CHOICE: Final = re.compile(r"\\ifitem\s*(?=\{)")
_PLACED: Final = re.compile(r"\\netlensfigure\s*(?:\[[^\]]*\])?\s*\{([^{}#]*)\}\s*\{[^{}]*\}")
_MACRO: Final = re.compile(r"\\([A-Za-z]+)")
_FIGURE: Final = re.compile(r"\\(?:auto|page)?ref\s*\{fig:([^{}#]*)\}|\\netlensgraphic\s*\{([^{}#]*)\}")
_COMPARED: Final = re.compile(r"\\if(?:greater|same)\s*\{([^{}#]*)\}\s*\{([^{}#]*)\}")
_CLAIMED: Final = re.compile(r"\\ifclaim\s*\{([^{}#]*)\}")
_REFERRED: Final = re.compile(r"\\(?:auto|page|eq)?ref\s*\{((?!fig:)[^{}#]*)\}")
_LABEL: Final = re.compile(r"\\label\s*\{([^{}#]*)\}")
_BOUNDARY: Final = re.compile(r"\\(begin|end)\s*\{(\w+\*?)\}")
_HEADING: Final = re.compile(r"\s*\\((?:sub)*section)\b")
_PARAGRAPHS: Final = re.compile(r"(\n[ \t]*\n\s*)")
_SENTENCE_END: Final = re.compile(r"(?:(?<=[.!?])|(?<=[.!?]\}))\s+(?=[A-Z\\$`])")
_TITLE: Final = re.compile(r"\s*\\(?:sub)*section\*?\s*\{(?:[^{}]|\{[^{}]*\})*\}(?:\s*\\label\s*\{[^{}]*\})?\s*")
#: Stands for a line end of text that is gone, until the text is written: there it becomes a comment.
_GONE: Final = "\v"


def named_items(text: str) -> Iterator[tuple[int, str]]:
    r"""Yield the names in each ``\ifitem``, with the place of the command in the text."""
    for found in _CHOICE.finditer(text):
        (names,), _ = _groups(text, found.end(), 1)
        for name in names.split(","):
            yield found.start(), name.strip()


def without_absent(texts: Mapping[str, str], absent: Set[str], left_out: Set[str] = frozenset()) -> dict[str, str]:
    """Texts of a paper without the sentences that need what a study does not have.

    Parameters
    ----------
    texts
        LaTeX without comments, by file: all files that refer to each other.
    absent
        Names of the items and sections that the study does not have, and ``claim:`` with the names of claims that it
        does not make.
    left_out
        Files that are not part of the paper.

    Returns
    -------
    dict
        Texts of the other files, with their lines where they were. Headings under which nothing is left are gone too.
    """
    everywhere = {label for text in texts.values() for label in _LABEL.findall(text)}
    made = {
        path: _without_floats(_chosen(text, absent), absent) for path, text in texts.items() if path not in left_out
    }
    while True:
        # Only labels that are gone count: one that never was is a mistake, which is reported.
        gone = everywhere - {label for text in made.values() for label in _LABEL.findall(text)}
        shorter = {path: _without_sentences(text, absent, gone) for path, text in made.items()}
        if shorter == made:
            return {path: _written(text) for path, text in made.items()}
        made = shorter


def _written(text: str) -> str:
    """Text with a comment for each line end that is gone; a space behind it comes first, since TeX skips it there."""
    return re.sub(rf"({_GONE}+)[ \t]+", r" \1", text).replace(_GONE, "%\n")


def caption_without_absent(caption: str, absent: Set[str]) -> str:
    """Caption without the sentences that need an absent item."""
    return _kept_sentences(_chosen(caption, absent), absent, frozenset()).replace(_GONE, " ").strip()


def _chosen(text: str, absent: Set[str]) -> str:
    r"""Text in which each ``\ifitem`` is replaced by the branch that applies; those inside a branch too."""
    while found := _CHOICE.search(text):
        groups, end = _groups(text, found.end(), 3)
        names = {name.strip() for name in groups[0].split(",")}
        kept = groups[2] if names & absent else groups[1]
        lines = _lines(text[found.start() : end]) - _lines(kept)
        text = f"{text[: found.start()]}{kept}{_GONE * lines}{text[end:]}"
    return text


def _without_floats(text: str, absent: Set[str]) -> str:
    return _PLACED.sub(lambda found: _holes(found[0]) if found[1].strip() in absent else found[0], text)


def _without_sentences(text: str, absent: Set[str], gone: Set[str]) -> str:
    parts = _PARAGRAPHS.split(text)
    for index in range(0, len(parts), 2):
        parts[index] = _kept_sentences(parts[index], absent, gone)
    for index in range(0, len(parts), 2):
        heading = _HEADING.match(parts[index])
        # A heading alone in its paragraph, with nothing before the next heading of its level, or the end.
        if heading and not _is_followed(parts, index, heading[1]) and not _body(parts[index]):
            parts[index] = _holes(parts[index])
    return "".join(parts)


def _is_followed(parts: list[str], index: int, level: str) -> bool:
    for later in range(index + 2, len(parts), 2):
        heading = _HEADING.match(parts[later])
        if heading and len(heading[1]) <= len(level):
            return False
        if _body(parts[later]):
            return True
    # Text without headings below belongs to the section; a file of one section never loses its heading.
    return level == "section"


def _body(paragraph: str) -> str:
    """What a paragraph says besides headings."""
    return re.sub(_TITLE, "", paragraph).strip()


def _kept_sentences(paragraph: str, absent: Set[str], gone: Set[str]) -> str:
    kept = []
    for sentence, space in _sentences(paragraph):
        if _needs_absent(sentence, absent, gone):
            # An environment that begins or ends here stays, so that the rest is still balanced.
            kept.append(_unbalanced(sentence) + _holes(sentence + space))
        else:
            kept.append(sentence + space)
    return "".join(kept)


def _needs_absent(sentence: str, absent: Set[str], gone: Set[str]) -> bool:
    used = set(_MACRO.findall(sentence))
    used |= {name.strip() for pair in _FIGURE.findall(sentence) for name in pair}
    used |= {name.strip() for pair in _COMPARED.findall(sentence) for name in pair}
    used |= {f"claim:{name.strip()}" for name in _CLAIMED.findall(sentence)}
    return bool(used & absent) or bool(set(_REFERRED.findall(sentence)) & gone)


def _sentences(paragraph: str) -> Iterator[tuple[str, str]]:
    """Yield each sentence and the space after it; braces are not divided, and headings and figures stand alone."""
    start = 0
    alone = [found.span() for pattern in (_TITLE, _PLACED) for found in pattern.finditer(paragraph)]
    for first, last in [*sorted(alone), (len(paragraph), len(paragraph))]:
        for found in _SENTENCE_END.finditer(paragraph, start, first):
            sentence = paragraph[start : found.start()]
            if _depth(sentence) == 0:
                yield sentence, found[0]
                start = found.end()
        yield paragraph[start:first], ""
        yield paragraph[first:last], ""
        start = last


def _depth(text: str) -> int:
    plain = re.sub(r"\\[{}]", "", text)
    return plain.count("{") - plain.count("}")


def _unbalanced(sentence: str) -> str:
    """Beginnings and ends of environments that the sentence does not close or open itself."""
    pending: list[str] = []
    found_ends: list[str] = []
    for found in _BOUNDARY.finditer(sentence):
        if found[1] == "begin":
            pending.append(found[0])
        elif pending:
            pending.pop()
        else:
            found_ends.append(found[0])
    return "".join([*found_ends, *pending])


def _lines(text: str) -> int:
    return text.count("\n") + text.count(_GONE)


def _holes(text: str) -> str:
    """As many line ends as a text has, in a form that ends no paragraph."""
    return _GONE * _lines(text)


def _groups(text: str, start: int, count: int) -> tuple[list[str], int]:
    """Contents of the next `count` groups in braces, and the place after them.

    Raises
    ------
    ValueError
        There are fewer, or a brace is not closed.
    """
    groups = []
    for _ in range(count):
        while start < len(text) and text[start].isspace():
            start += 1
        depth, end = 0, start
        while end < len(text):
            if text[end] in "{}" and text[end - 1] != "\\":
                depth += 1 if text[end] == "{" else -1
            end += 1
            if depth == 0:
                break
        if depth or text[start : start + 1] != "{":
            raise ValueError(f"\\ifitem needs three groups in braces: {text[start - 40 : start]!r}")
        groups.append(text[start + 1 : end - 1])
        start = end
    return groups, start
