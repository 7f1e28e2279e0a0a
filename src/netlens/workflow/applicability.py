"""Which items a study cannot have, and why, decided before anything runs.

An item says in ``items.yaml`` what it needs, by the names in `NEEDS`; what all items of a section need is in
`SECTION_NEEDS`. A need that a study does not meet has a reason, which is a sentence for the user.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from netlens.workflow.catalogue import Item
from netlens.workflow.network_specs import compared_networks

_NUMBERS: Final = ("no network", "one", "two", "three")


def _compared(wanted: int) -> Callable[[Mapping[str, Any]], str | None]:
    """Check that a study compares at least `wanted` networks."""

    def reason(config: Mapping[str, Any]) -> str | None:
        found = len(compared_networks(config))
        if found >= wanted:
            return None
        return f"needs at least {_NUMBERS[wanted]} networks; the study compares {_NUMBERS[found]}"

    return reason


#: What an item can need: each function returns None if a study has it, or else the reason why the item is absent.
NEEDS: Final[Mapping[str, Callable[[Mapping[str, Any]], str | None]]] = {
    "two_networks": _compared(2),
    "three_networks": _compared(3),
}

#: What every item of a section needs.
SECTION_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {}


def absent_items(config: Mapping[str, Any], catalogue: Mapping[str, Item]) -> dict[str, str]:
    """Items that the study cannot have, with the reason, in the order of the catalogue.

    Parameters
    ----------
    config
        A validated study.
    catalogue
        All items by name.
    """
    reasons = {need: check(config) for need, check in NEEDS.items()}
    return dict(_absent(reasons, catalogue))


def _absent(reasons: Mapping[str, str | None], catalogue: Mapping[str, Item]) -> Iterator[tuple[str, str]]:
    for name, item in catalogue.items():
        for need in (*SECTION_NEEDS.get(item.section, ()), *item.needs):
            if reason := reasons[need]:
                yield name, reason
                break
