r"""Words from a study as LaTeX that pdfTeX can set with the fonts of a small installation.

Letters with accents, signs and Greek letters are composed of what Computer Modern has. Anything else becomes
``\netlensletters{numbers}{fallback}``: a picture of the letters in the font of the figures, or else their numbers.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from netlens.letters.spelled import spelled

#: Letters that the paper shows as pictures: their numbers in hexadecimal, separated by hyphens.
LETTERS: Final = re.compile(r"\\netlensletters\{([0-9A-F-]+)\}")
# A picture cannot be broken into lines.
_LONGEST_PICTURE: Final = 24

# Characters that the paper's text fonts have under another code or not at all.
_SPECIAL: Final = {
    "\\": r"\textbackslash{}",
    **{character: "\\" + character for character in "&%#_{}"},
    # LaTeX would take the dollar sign from a font that is not installed; in italics, the character is another.
    "$": r"{\upshape\char36}",
    **{character: rf"\ensuremath{{{character}}}" for character in "<>|"},
    # The font of code has them as they are; others turn them into accents and quotation marks.
    **{sign: rf"{{\ttfamily\char{code}}}" for sign, code in (("~", 126), ("^", 94), ('"', 34), ("`", 18))},
    **{"\t": " ", "\n": " ", "\r": " ", "\u00a0": "~", "\u00ad": r"\-"},
    **{"–": "--", "—": "---", "‘": "`", "’": "'", "“": "``", "”": "''", "…": r"\dots{}", "•": r"\ensuremath{\bullet}"},
    **{"ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "Œ": r"\OE{}", "ø": r"\o{}", "Ø": r"\O{}"},
    **{"ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}", "å": r"\aa{}", "Å": r"\AA{}", "¡": "!`", "¿": "?`"},
    **{"§": r"\ensuremath{\mathsection}", "¶": r"\ensuremath{\mathparagraph}", "°": r"\ensuremath{{}^{\circ}}"},
    **{sign: rf"\ensuremath{{{{}}^{digit}}}" for digit, sign in zip("123", "¹²³", strict=True)},
    "¬": r"\ensuremath{\neg}",
}
# Characters that text fonts lack, by the command of mathematics that sets them.
_MATHEMATICS: Final = {
    **{"α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta", "η": "eta", "θ": "theta"},
    **{"κ": "kappa", "λ": "lambda", "μ": "mu", "µ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma"},
    **{"τ": "tau", "φ": "varphi", "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta"},
    **{"Λ": "Lambda", "Π": "Pi", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega"},
    **{"×": "times", "·": "cdot", "±": "pm", "≤": "le", "≥": "ge", "→": "to", "∞": "infty", "≈": "approx"},
    **{"÷": "div", "≠": "neq", "√": "surd", "∑": "sum", "∂": "partial", "←": "gets", "−": "mathord{-}"},
}
# Commands of accents, by the combining character into which Unicode decomposes a letter.
_ACCENTS: Final = {
    **{"\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u ", "\u0307": "."},
    **{"\u0308": '"', "\u030a": "r ", "\u030b": "H ", "\u030c": "v ", "\u0323": "d ", "\u0327": "c ", "\u0331": "b "},
}

_BY_ACCENT: Final = {command.strip(): accent for accent, command in _ACCENTS.items()}
_BY_COMMAND: Final = {command: character for character, command in _MATHEMATICS.items()}
# What `escape` writes, to be read again. Shorter commands, such as those of dashes, are also what authors write.
_WRITTEN: Final = {tex: sign for sign, tex in _SPECIAL.items() if len(tex) > 3}
_SIGN: Final = re.compile("|".join(re.escape(tex) for tex in sorted(_WRITTEN, key=len, reverse=True)))
_PRIVATE: Final = 0xE000
_LETTERS: Final = re.compile(r"\\netlensletters\{([0-9A-F-]+)\}\{[^{}]*\}")
_SYMBOL: Final = re.compile(r"\\ensuremath\{\\([A-Za-z]+(?:\{-\})?)\}")
_ACCENTED: Final = re.compile(r"""\\(?:([`'^~=."])|([urHvdcb]) )\{\\?([A-Za-z])\}""")

_BELOW: Final = frozenset("\u0323\u0327\u0331")


def escape(words: str) -> str:
    """Plain text as LaTeX that shows the same characters, without ligatures that stand for others."""
    parts: list[str] = []
    letters = ""
    for character in unicodedata.normalize("NFC", words):
        found = _command(character)
        if found is None:
            letters += character
            continue
        # Two hyphens would become a dash.
        parts += [*_pictures(letters), "{}-" if found == "-" and parts[-1:] in (["-"], ["{}-"]) else found]
        letters = ""
    return "".join([*parts, *_pictures(letters)])


def unescaped(tex: str) -> str:
    """LaTeX in which what `escape` wrote for letters and signs is characters again.

    Signs that mean something to LaTeX are characters of Unicode's private use area, so that the rest can still be read
    as LaTeX; `signs` makes them what they stand for.
    """
    tex = _SIGN.sub(lambda found: chr(_PRIVATE + ord(_WRITTEN[found[0]])), tex)
    tex = _LETTERS.sub(lambda found: letters_of(found[1]), tex)
    tex = _SYMBOL.sub(lambda found: _BY_COMMAND.get(found[1], found[0]), tex)
    return _ACCENTED.sub(lambda found: unicodedata.normalize("NFC", found[3] + _BY_ACCENT[found[1] or found[2]]), tex)


def signs(words: str, shown: Callable[[str], str] = str) -> str:
    """Text in which the signs that `unescaped` set apart are what they stand for, as `shown` writes them."""
    return words.translate({_PRIVATE + ord(sign): shown(sign) for sign in _WRITTEN.values()})


def pictured(words: str) -> str:
    """Characters of a text, each once, that the paper can only show as pictures."""
    normal = unicodedata.normalize("NFC", words)
    return "".join(character for character in dict.fromkeys(normal) if _command(character) is None)


def letters_of(numbers: str) -> str:
    r"""Letters that the first argument of ``\netlensletters`` stands for."""
    return "".join(chr(int(number, 16)) for number in numbers.split("-"))


def _command(character: str) -> str | None:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character in _MATHEMATICS:
        return rf"\ensuremath{{\{_MATHEMATICS[character]}}}"
    if character.isascii() and character.isprintable():
        return character
    letter, accent = unicodedata.normalize("NFD", character)[:1], unicodedata.normalize("NFD", character)[1:]
    if letter.isascii() and letter.isalpha() and accent in _ACCENTS:
        dotless = "\\" if letter in "ij" and accent not in _BELOW else ""
        return f"\\{_ACCENTS[accent]}{{{dotless}{letter}}}"
    return None


def _pictures(letters: str) -> list[str]:
    return [
        rf"\netlensletters{{{'-'.join(f'{ord(letter):04X}' for letter in run)}}}{{{''.join(map(spelled, run))}}}"
        for run in (letters[start : start + _LONGEST_PICTURE] for start in range(0, len(letters), _LONGEST_PICTURE))
    ]
