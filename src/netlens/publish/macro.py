"""Numbers of the paper as LaTeX macros: one file per macro, rounded by a stated rule."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from netlens.files.atomic import writing
from netlens.publish.description import write_description
from netlens.publish.shown import SavedMacro
from netlens.publish.tex_words import escape
from netlens.statistics.intervals import Interval


class MacroError(ValueError):
    """A value or a name cannot become a macro."""


@dataclass(frozen=True)
class Rounding:
    """A rule for turning a value into the text of a macro.

    Attributes
    ----------
    rule
        The rule in words, stored with the macro.
    render
        Function from the value to LaTeX text.
    """

    rule: str
    render: Callable[[float | str], str]


def fixed(decimals: int) -> Rounding:
    """Return the rule of `decimals` decimal places, such as 3.14."""
    return Rounding(f"{decimals} decimals", lambda value: _negative_zero(f"{value:.{decimals}f}"))


def integer() -> Rounding:
    """Return the rule of whole numbers with thousands separators, such as 1,024; other values are refused."""

    def render(value: float | str) -> str:
        if float(value) != int(value):
            raise MacroError(f"{value} is not a whole number; choose another rounding")
        return f"{int(value):,}".replace(",", "{,}")

    return Rounding("whole number", render)


def percent(decimals: int) -> Rounding:
    r"""Return the rule of percentages: the fraction 0.934 becomes ``93.4\,\%``."""
    return Rounding(
        f"percentage, {decimals} decimals",
        lambda value: _negative_zero(f"{100 * float(value):.{decimals}f}") + r"\,\%",
    )


def scientific(decimals: int) -> Rounding:
    r"""Return the rule of scientific notation, such as ``\ensuremath{1.23\cdot 10^{6}}``."""
    return Rounding(f"scientific, {decimals} decimals", lambda value: _scientific(float(value), decimals))


def ratio() -> Rounding:
    """Return the rule of ratios: two decimals below a million, scientific notation with two decimals from there on."""

    def render(value: float | str) -> str:
        text = f"{float(value):.2f}"
        return _negative_zero(text) if abs(float(text)) < 1e6 else _scientific(float(value), 2)

    return Rounding("2 decimals below 1e6, scientific with 2 decimals above", render)


def text() -> Rounding:
    """Return the rule of words, in which LaTeX's special characters are escaped."""
    return Rounding("text", lambda value: escape(str(value)))


def save(
    stem: str | Path,
    value: float | str,
    *,
    rounding: Rounding,
    unit: str = "",
    uncertainty: float | None = None,
    interval: Interval | None = None,
) -> SavedMacro:
    r"""Write ``<stem>.tex`` with ``\newcommand{\name}{text}%`` and ``<stem>.json`` with the full-precision value.

    The interval, if there is one, is printed by ``\interval{name}``, rounded as the value.

    Parameters
    ----------
    stem
        Output path without suffix; its last part is the macro's name.
    value
        A finite number, or text with the rounding `text`.
    rounding
        How the value becomes text: `fixed`, `integer`, `percent`, `scientific`, `ratio` or `text`.
    unit
        Unit of the number, or what it counts, for the record.
    uncertainty
        One standard deviation in the value's unit, if there is one.
    interval
        Interval of a value that was estimated from a sample; comparisons in the text (``\ifgreater``) respect it.

    Returns
    -------
    SavedMacro
        Shows the number and the unrounded value when a notebook cell ends with it.

    Raises
    ------
    MacroError
        The name is not a TeX name, the value is NaN or infinite, or the interval is none or belongs to a text.
    """
    name = Path(stem).name
    if not re.fullmatch(r"[A-Za-z]+", name):
        raise MacroError(f"macro name {name!r}: TeX allows letters only")
    stored: float | int | str
    if isinstance(value, str):
        if rounding.rule != "text":
            raise MacroError(f"\\{name}: {value!r} is text; give a number, or the rounding text()")
        stored = value
    else:
        if not all(math.isfinite(x) for x in (value, uncertainty or 0.0)):
            raise MacroError(
                f"\\{name}: {value} (uncertainty {uncertainty}) is not finite and can't be printed as a number"
            )
        stored = int(value) if float(value).is_integer() and abs(value) < 2**53 else float(value)
    if interval is not None:
        _check_interval(name, stored, interval)
    shown = rounding.render(stored)
    with writing(f"{stem}.tex") as temporary:
        lines = [f"\\newcommand{{\\{name}}}{{{shown}}}%", *_interval_lines(name, interval, rounding)]
        temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    description: dict[str, object] = {
        "kind": "macro",
        "name": name,
        "value": stored,
        "text": shown,
        "rounding": rounding.rule,
        "unit": unit,
    }
    if uncertainty is not None:
        description["uncertainty"] = float(uncertainty)
    if interval is not None:
        description["interval"] = {name: getattr(interval, name) for name in ("low", "high", "level", "count")}
    write_description(stem, description)
    ends = None if interval is None else (interval.low, interval.high)
    return SavedMacro(name, shown, stored, rounding.rule, unit, uncertainty, ends)


def _interval_lines(name: str, interval: Interval | None, rounding: Rounding) -> list[str]:
    if interval is None:
        return []
    # Ends of the interval of a count need not be whole.
    rule = fixed(1) if rounding.rule == integer().rule else rounding
    shown = f"{rule.render(interval.low)} to {rule.render(interval.high)}"
    return [f"\\expandafter\\def\\csname netlens@interval@{name}\\endcsname{{{shown}}}%"]


def _check_interval(name: str, value: float | str, interval: Interval) -> None:
    if isinstance(value, str):
        raise MacroError(f"\\{name}: {value!r} is text, which has no interval")
    if not (math.isfinite(interval.low) and math.isfinite(interval.high) and interval.low <= interval.high):
        raise MacroError(f"\\{name}: {interval.low} to {interval.high} is no interval; give its lower end first")


def _scientific(value: float, decimals: int) -> str:
    mantissa, exponent = f"{value:.{decimals}e}".split("e")
    return rf"\ensuremath{{{mantissa}\cdot 10^{{{int(exponent)}}}}}"


def _negative_zero(shown: str) -> str:
    return shown.removeprefix("-") if float(shown) == 0 else shown
