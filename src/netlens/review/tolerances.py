"""How far an item may be from its published version: by measured spread, or else by a rule that says so."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from netlens.files.atomic import writing
from netlens.workflow.errors import UserError

#: A tolerance is this many times the largest deviation among the reruns.
FACTOR: Final = 3.0
#: No tolerance of numbers is below this deviation, a hundred thousand times the rounding of double precision.
FLOOR: Final = 1e-11
#: Deviations that are accepted where nothing was measured.
UNMEASURED_ARRAY: Final = 1e-3
UNMEASURED_PICTURE: Final = 0.02
UNMEASURED_DRAWING: Final = 1e-3


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
            ``value`` of a macro, the name of an array, ``picture`` or ``drawing``.
        entry
            What is published of the item.
        """
        measured = self.items.get(name)
        if measured is None:
            return _unmeasured(part, entry)
        # Other seeds say how sure a result is, not how exactly a rerun repeats it.
        by_setting = {key: value for key, value in measured.get(part, {}).items() if not key.startswith("seed")}
        if not by_setting:
            return _unmeasured(part, entry)
        settings = ", ".join(sorted(by_setting))
        largest = max(by_setting.values())
        if not largest:
            return Tolerance(_floor(part, entry), f"no deviation in reruns ({settings})", measured=True)
        value = max(FACTOR * largest, _floor(part, entry))
        return Tolerance(value, f"{FACTOR:g} times the largest deviation in reruns ({settings})", measured=True)

    def of_seeds(self, name: str, part: str) -> float | None:
        """Largest deviation with another seed; None if none was tried."""
        values = [value for key, value in self.items.get(name, {}).get(part, {}).items() if key.startswith("seed")]
        return max(values) if values else None


def _floor(part: str, entry: Mapping[str, Any]) -> float:
    if entry["kind"] == "macro":
        value = entry["value"]
        return 0.0 if isinstance(value, str) else FLOOR * abs(value)
    # A picture has 256 shades, a limit is drawn to about a thousandth of its axis.
    return {"picture": 1 / 255, "drawing": 1e-6}.get(part, FLOOR)


def _unmeasured(part: str, entry: Mapping[str, Any]) -> Tolerance:
    if entry["kind"] == "macro":
        value = entry["value"]
        if isinstance(value, str):
            return Tolerance(0.0, "words are the same or not")
        unit = printed_unit(value, entry["rounding"])
        if not unit:
            return Tolerance(0.0, "a count")
        return Tolerance(unit / 2, "spread not measured: half a unit of the last printed digit")
    if part == "picture":
        return Tolerance(UNMEASURED_PICTURE, "spread not measured: five of 255 shades, in any tile")
    if part == "drawing":
        return Tolerance(UNMEASURED_DRAWING, "spread not measured: a thousandth of an axis")
    return Tolerance(UNMEASURED_ARRAY, "spread not measured: a thousandth of the value")


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


def spread_file(study: str, folder: Path = Path("reference")) -> Path:
    """Where the measured spread of a study's items is kept."""
    return folder / study / "spread.json"


def load_spread(study: str, folder: Path = Path("reference")) -> Spread:
    """Measured spread of a study's items; empty if none was measured.

    Raises
    ------
    UserError
        The file is damaged.
    """
    path = spread_file(study, folder)
    if not path.is_file():
        return Spread({})
    try:
        items = json.loads(path.read_text(encoding="utf-8"))["items"]
        return Spread(
            {
                name: {
                    part: {key: math.inf if value == "another" else float(value) for key, value in settings.items()}
                    for part, settings in parts.items()
                }
                for name, parts in items.items()
            }
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: damaged ({error}); restore it, or measure again: netlens spread") from None


def save_spread(study: str, spread: Spread, folder: Path = Path("reference")) -> None:
    """Write the measured spread of a study's items."""
    items = {
        name: {
            part: {key: value if math.isfinite(value) else "another" for key, value in sorted(settings.items())}
            for part, settings in parts.items()
        }
        for name, parts in sorted(spread.items.items())
    }
    with writing(spread_file(study, folder)) as temporary:
        temporary.write_text(json.dumps({"items": items}, indent=1) + "\n", encoding="utf-8")
