"""An item beside its published version, part by part."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from netlens.review.array_parts import Distance, distance
from netlens.review.drawing_distance import drawing_distance
from netlens.review.item_parts import Parts
from netlens.review.pictures import BLURRED, blurred_distances, picture_distance
from netlens.review.published import Published
from netlens.review.tolerances import Spread, Tolerance


@dataclass(frozen=True)
class Comparison:
    """One part of an item beside its published version.

    Attributes
    ----------
    part
        ``value`` or ``interval`` of a macro, the name of an array, ``picture`` or ``drawing``.
    distance
        How far the two are apart; zero if they are alike.
    tolerance
        How far they may be.
    words
        What differs, for readers.
    """

    part: str
    distance: float
    tolerance: Tolerance
    words: str

    @property
    def agrees(self) -> bool:
        """Whether the distance is within the tolerance."""
        return self.distance <= self.tolerance.value

    @property
    def excess(self) -> float:
        """Distance as a multiple of the tolerance."""
        if not self.distance:
            return 0.0
        return self.distance / self.tolerance.value if self.tolerance.value else float("inf")


def part_distances(parts: Parts, published: Published) -> Iterator[tuple[str, Distance]]:
    """Yield each part of an item with its distance from the published version.

    A macro's distance is the difference of the values in its unit, and of its interval's ends the larger one; that of
    arrays, pictures and drawings is a share:
    see `netlens.review.array_parts.deviation`, `netlens.review.pictures.picture_distance` and
    `netlens.review.drawing_distance.drawing_distance`. What was published without an interval or without a description
    of the drawing has no such part.
    """
    entry = published.entry
    if entry["kind"] == "macro":
        yield "value", _macro_distance(parts.record["value"], entry["value"])
        if (published_interval := entry.get("interval")) is not None:
            yield "interval", _interval_distance(parts.record.get("interval"), published_interval)
        return
    for name in [*published.arrays, *(name for name in parts.arrays if name not in published.arrays)]:
        if name not in parts.arrays:
            yield name, Distance(float("inf"), f"{name!r} is missing")
        elif name not in published.arrays:
            yield name, Distance(float("inf"), f"{name!r} was added")
        else:
            yield name, distance(parts.arrays[name], published.arrays[name])
    if parts.drawing is not None and entry.get("drawing") is not None:
        yield "drawing", drawing_distance(parts.drawing, entry["drawing"])
    if parts.picture is not None and published.picture is not None:
        if parts.picture.shape != published.picture.shape:
            sizes = [" × ".join(map(str, picture.shape[1::-1])) for picture in (parts.picture, published.picture)]
            yield "picture", Distance(float("inf"), f"of {sizes[0]} instead of {sizes[1]} pixels (reduced)")
        else:
            yield "picture", Distance(picture_distance(parts.picture, published.picture))
            for (row, column), apart in blurred_distances(parts.picture, published.picture).items():
                yield f"picture[{row},{column}] {BLURRED}", Distance(apart)


def _macro_distance(new: float | int | str, published: float | int | str) -> Distance:
    words = f"{new!r} instead of {published!r}"
    if isinstance(new, str) or isinstance(published, str):
        return Distance(0.0 if new == published else float("inf"), words)
    return Distance(abs(float(new) - float(published)) if np.isfinite(new) else float("inf"), words)


def _interval_distance(new: Mapping[str, Any] | None, published: Mapping[str, Any]) -> Distance:
    if new is None:
        return Distance(float("inf"), "its interval is missing")
    for name, words in (("level", "level"), ("count", "number of samples")):
        if new[name] != published[name]:
            return Distance(float("inf"), f"its interval's {words} is {new[name]} instead of {published[name]}")
    apart = max(abs(new[end] - published[end]) for end in ("low", "high"))
    return Distance(apart, f"its interval is {_ends(new)} instead of {_ends(published)}" if apart else "")


def _ends(interval: Mapping[str, Any]) -> str:
    return f"{interval['low']!r} to {interval['high']!r}"


def compare(name: str, parts: Parts, published: Published, spread: Spread) -> list[Comparison]:
    """Each part of an item beside its published version, at the tolerance of that part.

    Parameters
    ----------
    name
        Name of the item.
    parts, published
        Its two versions.
    spread
        Measured spread of the study's items.

    Returns
    -------
    list of Comparison
        The parts that exceed their tolerance most first.
    """
    found = []
    for part, apart in part_distances(parts, published):
        tolerance = spread.tolerance(name, part, published.entry)
        found.append(Comparison(part, apart.value, tolerance, _words(part, apart, parts, published)))
    return sorted(found, key=lambda comparison: -comparison.excess)


def _words(part: str, apart: Distance, parts: Parts, published: Published) -> str:
    if not apart.value:
        return "the same"
    if published.entry["kind"] == "macro":
        return apart.words
    if apart.words and not np.isfinite(apart.value):
        return apart.words if part in ("drawing", "picture") else f"{part}: {apart.words}"
    if not np.isfinite(apart.value):
        return f"{part}: finite in other places"
    if part == "drawing":
        return f"an axis or color scale is shifted by {apart.value:.2g}"
    differs = "differs by" if part == "picture" or part.endswith(BLURRED) else "by"
    return f"{part} {differs} {apart.value:.2g}"
