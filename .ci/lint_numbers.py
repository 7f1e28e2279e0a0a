"""Find numbers that are typed into the paper's text although a macro should print them.

Results belong into macros (``export_defs/``), so that the text cannot say something else than the study found. What is
no result may be typed: numbers in mathematics and in the arguments of TeX's commands, years in parentheses, names such
as VGG-16 or ``conv1``, and the numbers of `ALLOWED`.
"""

import re
import sys
from pathlib import Path

import yaml

#: Numbers that are no results of a study: the words around them, by section, study or item whose caption has them.
ALLOWED: dict[str, tuple[str, ...]] = {
    # Values of a cosine, a similarity or a statistic by its definition.
    "explanation_checks": ("It is 1 where all draws arrive as one direction",),
    "cosine_convergence": ("The axis opens up near 1",),
    "similarity_self": ("which is 1 unless units are dead",),
    "similarity_pairs": ("at the level of 5",),
    "similarity_measures": ("estimate is 0 in the mean",),
    # Levels and scales of a drawing, which its notebook sets.
    "similarity_nulls": ("up to the 95",),
    "image_set": ("for at most 16 of",),
    "scatter": ("all of length 2",),
    "angles": ("the middle 90",),
    "taxonomy": ("which covers 99.5",),
}

#: What is left out before numbers are searched: comments, mathematics, and arguments that readers do not see as text.
HIDDEN = (
    re.compile(r"(?<!\\)%.*"),
    re.compile(r"\$[^$]*\$"),
    re.compile(r"\\\[.*?\\\]", re.DOTALL),
    re.compile(r"\\begin\{(equation|align|gather)\*?\}.*?\\end\{\1\*?\}", re.DOTALL),
    re.compile(r"\\begin\{[a-z]+\*?\}(?:\[[^\]]*\])?(?:\{[^}]*\})?"),
    # Names of items, sections, files and colors; sizes; conditions, whose branches stay.
    re.compile(
        r"\\(?:ref|label|cite[a-z]*|input|netlensfigure|includegraphics|studynotes|url|texttt)\s*(?:\[[^\]]*\])?\{[^}]*\}"
    ),
    re.compile(r"\\(?:ifitem|ifclaim)\{[^}]*\}"),
    re.compile(r"\\(?:ifgreater)\{[^}]*\}\{[^}]*\}"),
    re.compile(r"\\(?:multicolumn|vspace|hspace|setlength|rule|resizebox|fontsize)\*?(?:\{[^}]*\})+"),
    re.compile(r"-?[\d.]+\s*\\(?:textwidth|linewidth|columnwidth|baselineskip)"),
)
#: A number that is not part of a name: CIFAR-10, ResNet50 and conv1 are names, and so is the year of a citation.
NUMBER = re.compile(r"(?<![\w\\#.-])\d[\d,.]*(?<![,.])(?:\\,)?(?:\\%)?(?![\w-])")


def findings(text: str, where: str, allowed: tuple[str, ...] = ()) -> list[str]:
    """One line for each number in a text, with its line and the words around it.

    Parameters
    ----------
    text
        LaTeX.
    where
        Its file, or the item whose caption it is.
    allowed
        Words whose numbers may stay.
    """
    for words in allowed:
        text = re.sub(r"\s+".join(map(re.escape, words.split())), _blank, text)
    for pattern in HIDDEN:
        text = pattern.sub(_blank, text)
    found = []
    for match in NUMBER.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        around = " ".join(text[max(0, match.start() - 30) : match.end() + 30].split())
        found.append(
            f"{where}:{line}: {match[0]} is typed; print it by a macro, or allow it in .ci/lint_numbers.py: {around}"
        )
    return found


def _blank(found: re.Match[str]) -> str:
    """Spaces in place of a text, which leaves the lines where they are."""
    return re.sub(r"[^\n]", " ", found[0])


def main() -> int:
    """Check the paper's sections, the studies' own words and all captions, and return the exit status."""
    found, known = [], set()
    for path in [*sorted(Path("paper/sections").glob("*.tex")), *sorted(Path("paper/studies").glob("*.tex"))]:
        known.add(path.stem)
        found += findings(path.read_text(encoding="utf-8"), str(path), ALLOWED.get(path.stem, ()))
    for path in sorted(Path("notebooks").glob("*/items.yaml")):
        for name, entry in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).items():
            known.add(name)
            found += findings(entry.get("caption", ""), f"{path}: caption of {name}", ALLOWED.get(name, ()))
    found += [
        f".ci/lint_numbers.py allows numbers in {name}, which does not exist" for name in sorted(set(ALLOWED) - known)
    ]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
