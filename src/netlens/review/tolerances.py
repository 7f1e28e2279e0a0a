"""How far an item may be from its published version: by measured spread, or else by a rule that says so."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from netlens.review.pictures import BLURRED

#: How the words for a setting with another seed begin.
SEED: Final = "seed"
#: A tolerance is this many times the largest deviation among the reruns, as long as that is rounding.
FACTOR: Final = 10.0
#: Larger deviations are the largest of many elements, which vary little from rerun to rerun.
FACTOR_OF_LARGE: Final = 2.0
LARGE: Final = 1e-3
#: No tolerance of numbers that deviated is below this share of them, eight times the rounding of single precision; of
#: those that did not, a million times the rounding of double precision.
FLOOR: Final = 1e-6
FLOOR_OF_EXACT: Final = 1e-10
#: Deviations that are accepted where nothing was measured; of what is not listed, the last.
UNMEASURED_PICTURE: Final = 0.02
UNMEASURED_BLURRED: Final = 0.05
UNMEASURED_DRAWING: Final = 1e-3
UNMEASURED_ARRAY: Final = 1e-3
_UNMEASURED: Final = {
    "picture": (UNMEASURED_PICTURE, "five of 255 shades, in any tile"),
    BLURRED: (UNMEASURED_BLURRED, "thirteen of 255 shades, blurred"),
    "drawing": (UNMEASURED_DRAWING, "a thousandth of an axis"),
}


@dataclass(frozen=True)
class Tolerance:
    """Largest distance that counts as agreement, and why."""

    value: float
    reason: str
    measured: bool = False


@dataclass(frozen=True)
class Spread:
    """Deviations of reruns under other settings from the published version.

    Attributes
    ----------
    items
        Deviation by item, part and setting; infinite where a word or a shape was another.
    """

    items: Mapping[str, Mapping[str, Mapping[str, float]]]

    def tolerance(self, name: str, part: str, entry: Mapping[str, Any]) -> Tolerance:
        """Tolerance of one part of an item.

        Parameters
        ----------
        name
            Name of the item.
        part
            ``value`` or ``interval`` of a macro, the name of an array, ``picture`` or ``drawing``.
        entry
            What is published of the item.
        """
        # Other seeds say how sure a result is, not how exactly a rerun repeats it.
        reruns = {key: value for key, value in self.of(name, part).items() if not key.startswith(SEED)}
        if not reruns:
            return _unmeasured(part, entry)
        setting, largest = max(reruns.items(), key=lambda pair: pair[1])
        over = f"{len(reruns)} reruns" if len(reruns) > 1 else "1 rerun"
        if not largest:
            return Tolerance(_floor(part, entry, FLOOR_OF_EXACT), f"no spread over {over}", measured=True)
        if math.isinf(largest):
            return Tolerance(largest, f"spread over {over}: another word or shape with {setting}", measured=True)
        unit = _unit(entry)
        share = largest / unit
        value = max(min(FACTOR * share, LARGE), FACTOR_OF_LARGE * share) * unit
        reason = f"spread over {over}: {largest:.2g} with {setting}"
        return Tolerance(max(value, _floor(part, entry, FLOOR)), reason, measured=True)

    def of(self, name: str, part: str) -> Mapping[str, float]:
        """Deviation of one part of an item by setting; empty if none was measured."""
        return self.items.get(name, {}).get(part, {})

    def of_seeds(self, name: str, part: str) -> float | None:
        """Largest deviation with another seed; None if none was tried."""
        values = [value for key, value in self.of(name, part).items() if key.startswith(SEED)]
        return max(values) if values else None


def _unit(entry: Mapping[str, Any]) -> float:
    """What a macro's deviation is a share of; other deviations are shares."""
    value = entry["value"] if entry["kind"] == "macro" else 1.0
    return 1.0 if isinstance(value, str) else abs(value) or 1.0


def _floor(part: str, entry: Mapping[str, Any], share: float) -> float:
    if entry["kind"] == "macro":
        return 0.0 if isinstance(entry["value"], str) else share * _unit(entry)
    # A picture has 256 shades, a limit is drawn to about a thousandth of its axis.
    return 1 / 255 if part == "picture" or part.endswith(BLURRED) else 1e-6 if part == "drawing" else share


def _unmeasured(part: str, entry: Mapping[str, Any]) -> Tolerance:
    if entry["kind"] == "macro":
        value = entry["value"]
        if isinstance(value, str):
            return Tolerance(0.0, "words are the same or not")
        unit = printed_unit(value, entry["rounding"])
        if not unit:
            return Tolerance(0.0, "a count")
        return Tolerance(unit / 2, "spread not measured: half a unit of the last printed digit")
    kind = BLURRED if part.endswith(BLURRED) else part
    value, words = _UNMEASURED.get(kind, (UNMEASURED_ARRAY, "a thousandth of the value"))
    return Tolerance(value, f"spread not measured: {words}")


def printed_unit(value: float, rounding: str) -> float:
    """Size of one unit in the last digit that a macro prints; 0 for whole numbers and text.

    Parameters
    ----------
    value
        The value at full precision.
    rounding
        The rule in words, as `netlens.publish.macro` states it.
    """
    decimals = int(found[0]) if (found := re.search(r"\d+(?= decimals)", rounding)) else None
    if decimals is None:
        return 0.0
    if rounding.startswith("percentage"):
        return float(10.0 ** (-decimals - 2))
    scientific = rounding.startswith("scientific") or ("scientific" in rounding and abs(value) >= 1e6)
    exponent = math.floor(math.log10(abs(value))) if scientific and value else 0
    return float(10.0 ** (exponent - decimals))
