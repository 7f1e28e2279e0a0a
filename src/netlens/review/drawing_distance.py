"""How far two drawings are apart: other limits by degree; another legend, curve, label or title in words."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from netlens.review.array_parts import Distance

_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")
_THINGS: Final = {"lines": "line", "points": "set of points", "patches": "shape", "images": "image"}


def drawing_distance(new: Sequence[Mapping[str, Any]], published: Sequence[Mapping[str, Any]]) -> Distance:
    """Distance between two drawings.

    Parameters
    ----------
    new, published
        As `netlens.publish.drawing.drawing` describes them.

    Returns
    -------
    Distance
        The largest shift of an axis' limit or of a color scale's end, as a share of the published range; infinite, with
        words, if something else is drawn: a curve, a legend, a label, a title, an annotation.
    """
    words: list[str] = []
    shift = 0.0
    if len(new) != len(published):
        words.append(f"{len(new)} axes instead of {len(published)}")
    for number, (now, then) in enumerate(zip(new, published, strict=False), start=1):
        place = f"axes {number}: " if len(published) > 1 else ""
        words += [f"{place}{found}" for found in _words(now, then)]
        for name in ("x", "y"):
            if name in now and name in then:
                shift = max(shift, _shift(now[name]["limits"], then[name]["limits"]))
        shift = max([shift, *_image_shifts(now.get("images", []), then.get("images", []))])
    if words:
        return Distance(float("inf"), "; ".join(words[:3]) + (f"; and {len(words) - 3} more" if len(words) > 3 else ""))
    return Distance(shift, "limits of an axis or a color scale" if shift else "")


def _words(now: Mapping[str, Any], then: Mapping[str, Any]) -> Iterator[str]:
    if not _same_text(now.get("title", ""), then.get("title", "")):
        yield f"title {now.get('title', '')!r} instead of {then.get('title', '')!r}"
    for name in ("x", "y"):
        here, there = now.get(name), then.get(name)
        if (here is None) != (there is None):
            yield f"{name} axis {'missing' if here is None else 'added'}"
        elif here is not None and there is not None:
            for key in ("label", "scale"):
                if not _same_text(here[key], there[key]):
                    yield f"{name} axis: {key} {here[key]!r} instead of {there[key]!r}"
    yield from _legend_words(now.get("legend", []), then.get("legend", []))
    for key, thing in _THINGS.items():
        here, there = (_counts(drawn.get(key, []), key) for drawn in (now, then))
        yield from (f"{thing} missing: {_named(entry)}" for entry in there - here)
        yield from (f"{thing} added: {_named(entry)}" for entry in here - there)
    here, there = now.get("texts", []), then.get("texts", [])
    if len(here) != len(there):
        yield f"{len(here)} annotations instead of {len(there)}"
    else:
        yield from (
            f"annotation {one!r} instead of {other!r}"
            for one, other in zip(here, there, strict=True)
            if not _same_text(one, other)
        )


def _legend_words(now: list[list[str]], then: list[list[str]]) -> Iterator[str]:
    colors = {entry[0]: entry[1] for entry in now}
    labels = {label for label, _ in then}
    for label, color in then:
        if label not in colors:
            yield f"legend: {label!r} is missing"
        elif colors[label] != color:
            yield f"legend: {label!r} has the color {colors[label]} instead of {color}"
    yield from (f"legend: {label!r} was added" for label in colors if label not in labels)


def _counts(entries: list[list[Any]], key: str) -> Counter[tuple[Any, ...]]:
    counts: Counter[tuple[Any, ...]] = Counter()
    for entry, count in entries:
        # An image's range is a matter of degree.
        counts[tuple(entry[:3] if key == "images" else entry)] += count
    return counts


def _image_shifts(now: list[list[Any]], then: list[list[Any]]) -> Iterator[float]:
    for (here, _), (there, _) in zip(now, then, strict=False):
        if len(here) == len(there) == 5 and None not in here and None not in there:
            yield _shift(here[3:], there[3:])


def _shift(now: Sequence[float], then: Sequence[float]) -> float:
    span = abs(then[1] - then[0]) or abs(then[0]) or 1.0
    return max(abs(now[0] - then[0]), abs(now[1] - then[1])) / span


def _same_text(now: str, then: str) -> bool:
    """Whether texts are the same but for numbers that differ by at most one in the last digit shown."""
    if now == then:
        return True
    if _NUMBER.sub("0", now) != _NUMBER.sub("0", then):
        return False
    for one, other in zip(_NUMBER.findall(now), _NUMBER.findall(then), strict=True):
        decimals = len(other.partition(".")[2])
        if (decimals == 0 and one != other) or abs(float(one) - float(other)) > 1.01 * 10.0**-decimals:
            return False
    return True


def _named(entry: tuple[Any, ...]) -> str:
    return ", ".join(str(part) for part in entry if part != "")
