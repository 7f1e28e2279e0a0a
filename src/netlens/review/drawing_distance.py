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
    left = list(now)
    for label, color in then:
        found = next((entry for entry in left if entry[0] == label), None)
        found = found or next((entry for entry in left if _same_text(entry[0], label)), None)
        if found is None:
            yield f"legend: {label!r} is missing"
            continue
        left.remove(found)
        if found[1] != color:
            yield f"legend: {label!r} has the color {found[1]} instead of {color}"
    yield from (f"legend: {label!r} was added" for label, _ in left)


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
    """Whether texts are the same but for rounding.

    Numbers may differ by one in the last decimal that is shown, and powers of ten, which say how large something is at
    most, by one in the exponent.
    """
    if now == then:
        return True
    if _NUMBER.sub("0", now) != _NUMBER.sub("0", then):
        return False
    for one, other in zip(_NUMBER.finditer(now), _NUMBER.finditer(then), strict=True):
        decimals = len(other[0].partition(".")[2])
        may_vary = decimals or (_ends_with_power(now[: one.start()]) and _ends_with_power(then[: other.start()]))
        if one[0] != other[0] and (not may_vary or abs(float(one[0]) - float(other[0])) > 1.01 * 10.0**-decimals):
            return False
    return True


def _ends_with_power(text: str) -> bool:
    return text.endswith(("10^{", "10^"))


def _named(entry: tuple[Any, ...]) -> str:
    return ", ".join(str(part) for part in entry if part != "")
