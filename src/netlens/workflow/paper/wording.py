"""Numbers, durations and lists as words of LaTeX."""

from collections.abc import Iterable
from typing import Any, Final

from netlens.publish.tex_words import escape

_NUMBER_WORDS: Final = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def series(words: list[str], separator: str = ", ") -> str:
    """Words joined as in a sentence: one, two and three."""
    if len(words) < 2:
        return "".join(words) or "none"
    return f"{separator.join(words[:-1])} and {words[-1]}"


def count_word(number: int) -> str:
    """Return a count as a word up to ten, and in digits beyond."""
    return _NUMBER_WORDS[number] if number < len(_NUMBER_WORDS) else integer(number)


def integer(number: int) -> str:
    """Return an integer with commas between thousands that TeX does not space."""
    return f"{number:,}".replace(",", "{,}")


def series_of_values(values: Iterable[Any]) -> str:
    """Return distinct values joined as in a sentence; None is left out."""
    return series([escape(str(value)) for value in distinct(value for value in values if value is not None)])


def distinct(values: Iterable[Any]) -> list[Any]:
    """Return values, which need not be hashable, without repetitions, in the order of their first occurrence."""
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def duration(seconds: float) -> str:
    """Duration in its two largest nonzero units."""
    whole = round(seconds)
    parts = [(whole // 3600, "hour"), (whole // 60 % 60, "minute"), (whole % 60, "second")]
    while len(parts) > 1 and not parts[0][0]:
        parts.pop(0)
    return (
        " ".join(f"{number}~{unit}{'' if number == 1 else 's'}" for number, unit in parts[:2] if number) or "0~seconds"
    )
