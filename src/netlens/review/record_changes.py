"""What differs between two records of an item: value, parameters, inputs, notebook, modules, packages, machine."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

#: Fields that are single values, in the order in which they are told.
_FIELDS: Final = ("value", "text", "rounding", "unit", "uncertainty", "interval", "size_in", "title", "seed", "threads")


@dataclass(frozen=True)
class Change:
    """One difference.

    Attributes
    ----------
    what
        ``value``, ``parameter NAME``, ``input PATH``, ``module PATH``, ``package NAME`` and so on.
    then, now
        Published and present value; None where there is none. Files that differ have their digests.
    """

    what: str
    then: Any
    now: Any

    @property
    def words(self) -> str:
        """The change in one line."""
        if self.then is None:
            return f"{self.what}: new{'' if _is_digest(self.now) else f', {_shown(self.now)}'}"
        if self.now is None:
            return f"{self.what}: no more{'' if _is_digest(self.then) else f', was {_shown(self.then)}'}"
        if _is_digest(self.then) and _is_digest(self.now):
            return f"{self.what}: changed"
        return f"{self.what}: {_shown(self.then)} → {_shown(self.now)}{_relative(self.then, self.now)}"


def record_changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """Differences between the published record of an item and another one, the result first and the machine last.

    Parameters
    ----------
    then
        ``items/<item>.json`` of the reference.
    now
        A record, as the runner writes it, or another entry of the reference.
    """
    return list(_changes(then, now))


def _changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    for key in _FIELDS:
        # Items that were published before intervals were, and have not changed since, say nothing of theirs.
        if key == "interval" and key not in then:
            continue
        if then.get(key) != now.get(key):
            yield Change(key, then.get(key), now.get(key))
    yield from _of_mapping("parameter", then.get("parameters"), now.get("parameters"))
    if then.get("notebook") != now.get("notebook"):
        old, new = then.get("notebook") or {}, now.get("notebook") or {}
        if old.get("path") != new.get("path"):
            yield Change("notebook", old.get("path"), new.get("path"))
        else:
            yield Change(f"notebook {new.get('path')}", old.get("sha256"), new.get("sha256"))
    yield from _of_mapping("input", then.get("inputs"), now.get("inputs"))
    yield from _of_mapping("module", then.get("code"), now.get("code"))
    yield from _of_mapping("package", then.get("versions"), now.get("versions"))
    yield from _of_mapping("machine's", then.get("machine"), now.get("machine"))
    if then.get("devices") != now.get("devices"):
        yield Change("devices", then.get("devices"), now.get("devices"))


def _of_mapping(word: str, then: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> Iterator[Change]:
    old, new = then or {}, now or {}
    for key in [*old, *(key for key in new if key not in old)]:
        if old.get(key) != new.get(key):
            yield Change(f"{word} {key}", old.get(key), new.get(key))


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


def _shown(value: Any, width: int = 60) -> str:
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return words if len(words) <= width else f"{words[: width - 1]}…"


def _relative(then: Any, now: Any) -> str:
    """How far two numbers are apart, as a share of the first; nothing for anything else."""
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in (then, now)) or not then:
        return ""
    return f" ({share_words((now - then) / abs(then), signed=True)})"


def share_words(share: float, *, signed: bool = False) -> str:
    """Percentage with three digits that count, however small it is: a change is never told as one of 0 %."""
    return f"{100 * share:{'+' if signed else ''}.3g} %"
