"""The verdict on each item: whether it is what was published, and if not, what about it is not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from netlens.review.comparison import Comparison, compare
from netlens.review.item_parts import item_parts, read_record
from netlens.review.published import Reference
from netlens.review.tolerances import Spread
from netlens.workflow.catalogue import Item
from netlens.workflow.errors import UserError

#: Verdicts, the worst first.
VERDICTS: Final = ("differs", "stale", "missing", "not comparable", "within tolerance", "identical")
#: Those that count as agreement.
AGREE: Final = frozenset({"within tolerance", "identical"})


class State(Protocol):
    """State of an item by its own record: ``made``, ``stale``, ``edited`` or ``missing``, and what about it."""

    @property
    def state(self) -> str:
        """One of the four states."""

    @property
    def detail(self) -> str:
        """What makes it so."""


@dataclass(frozen=True)
class Verdict:
    """What verification says of one item.

    Attributes
    ----------
    item
        The item.
    verdict
        One of `VERDICTS`.
    words
        Why, in one line.
    comparisons
        Its parts beside the published ones, the worst first; empty if they were not compared.
    """

    item: Item
    verdict: str
    words: str
    comparisons: tuple[Comparison, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether the item is what was published."""
        return self.verdict in AGREE


def judge(item: Item, state: State, reference: Reference, spread: Spread) -> Verdict:
    """Verdict on one item.

    Parameters
    ----------
    item
        The item.
    state
        What its own record says of it.
    reference
        What the study published.
    spread
        Measured spread of the study's items.
    """
    try:
        return _before_comparing(item, state, reference) or _compared(item, reference, spread)
    except UserError as error:
        return Verdict(item, "not comparable", str(error))


def _before_comparing(item: Item, state: State, reference: Reference) -> Verdict | None:
    """Verdict on an item whose parts need not or cannot be compared; None for the others."""
    study = reference.study
    missing = [str(path) for path in item.files(study) if not path.is_file()]
    if missing or state.state == "missing":
        return Verdict(item, "missing", f"{missing[0] if missing else state.detail}; make it: netlens run {item.name}")
    record = read_record(item, study)
    words = {"edited": ("differs", f"edited by hand: {state.detail}"), "stale": ("stale", state.detail)}
    if state.state in words:
        return Verdict(item, *words[state.state])
    entry = reference.entry(item.name)
    if entry is None:
        return Verdict(item, "not comparable", f"nothing is published of it; to publish it: netlens accept {item.name}")
    if entry["kind"] != item.kind:
        return Verdict(item, "not comparable", f"a {item.kind} now, a {entry['kind']} when it was published")
    # A macro's text may be the same although its value or interval is another.
    same_value = record.get("value") == entry.get("value")
    same_interval = entry.get("interval") in (None, record.get("interval"))
    if same_value and same_interval and record["outputs"] == entry["sha256"]:
        return Verdict(item, "identical", "the same bytes")
    return None


def _compared(item: Item, reference: Reference, spread: Spread) -> Verdict:
    published = reference.load(item.name)
    if published is None:
        raise UserError(f"{item.name}: its reference was removed meanwhile")
    comparisons = tuple(compare(item.name, item_parts(item, reference.study), published, spread))
    over = [comparison for comparison in comparisons if not comparison.agrees]
    if over:
        return Verdict(item, "differs", _over_words(over), comparisons)
    changed = [comparison for comparison in comparisons if comparison.distance]
    words = _within_words(changed) if changed else "the same values in other bytes"
    return Verdict(item, "within tolerance", words, comparisons)


def _over_words(over: list[Comparison]) -> str:
    # What is told in words says more than a number, and everything more than a picture.
    first = min(over, key=lambda comparison: (comparison.part == "picture", -comparison.excess))
    more = f"; {len(over) - 1} more parts" if len(over) > 1 else ""
    limit = first.tolerance
    return f"{first.words} (tolerance {limit.value:.2g}: {limit.reason}){more}"


def _within_words(changed: list[Comparison]) -> str:
    first = changed[0]
    return f"{first.words} (tolerance {first.tolerance.value:.2g}: {first.tolerance.reason})"


def verify(items: Iterable[Item], states: Mapping[str, State], reference: Reference, spread: Spread) -> list[Verdict]:
    """Verdicts on items, the worst first.

    Parameters
    ----------
    items
        The items, in the order of the paper.
    states
        State of each item by its name.
    reference
        What the study published.
    spread
        Measured spread of the study's items.

    Returns
    -------
    list of Verdict
        Sorted by verdict; those that differ by how much; otherwise in the order of the paper.
    """
    found = [judge(item, states[item.name], reference, spread) for item in items]
    return sorted(found, key=lambda verdict: (VERDICTS.index(verdict.verdict), -_excess(verdict)))


def _excess(verdict: Verdict) -> float:
    return max((comparison.excess for comparison in verdict.comparisons), default=float("inf"))
