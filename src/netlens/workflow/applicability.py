"""Which items a study cannot have, and why, decided before anything runs."""

from collections.abc import Iterator, Mapping
from typing import Any

from netlens.workflow.catalogue import CatalogueError, Item
from netlens.workflow.image_specs import SpecError
from netlens.workflow.needs import NEEDS, SECTION_NEEDS, keras_model, kernels
from netlens.workflow.network_specs import section_network
from netlens.workflow.study_subject import Facts, FoundFacts, Subject


def has_patterns(config: Mapping[str, Any], network: str, facts: Facts | None = None) -> bool:
    """Whether patterns of a network can be estimated.

    Parameters
    ----------
    config
        A validated study.
    network
        Name of one of its networks.
    facts
        As for `absent_items`.
    """
    subject = Subject(config, network, facts or FoundFacts(config))
    return keras_model(subject) is None and kernels(subject) is None


def absent_items(
    config: Mapping[str, Any], catalogue: Mapping[str, Item], facts: Facts | None = None
) -> dict[str, str]:
    """Items that a study cannot have, with the reason, in the order of the catalogue.

    Parameters
    ----------
    config
        A validated study.
    catalogue
        All items by name.
    facts
        Facts about the study's networks and image sets. Default: found by inspecting them.

    Raises
    ------
    SpecError
        A network or image set cannot be used at all, or the study leaves out what does not exist.
    CatalogueError
        An item needs something that is not in `NEEDS`.
    """
    left_out = set(config.get("leave_out", []))
    sections = {item.section for item in catalogue.values()}
    if unknown := left_out - catalogue.keys() - sections:
        raise SpecError(f"leave_out: {min(unknown)!r} is neither a section nor an item; `netlens list` prints both")
    return dict(_absent(config, catalogue, facts or FoundFacts(config), left_out))


def _absent(
    config: Mapping[str, Any], catalogue: Mapping[str, Item], facts: Facts, left_out: set[str]
) -> Iterator[tuple[str, str]]:
    known: dict[tuple[str, str], str | None] = {}
    for name, item in catalogue.items():
        if {name, item.section} & left_out:
            yield name, "left out by the study"
            continue
        subject = Subject(config, section_network(config, item.section), facts)
        for need in (*SECTION_NEEDS.get(item.section, ()), *item.needs):
            if need not in NEEDS:
                raise CatalogueError(f"{name}: there is no need {need!r}; there are {', '.join(NEEDS)}")
            if (subject.network, need) not in known:
                known[subject.network, need] = NEEDS[need](subject)
            if reason := known[subject.network, need]:
                yield name, reason
                break
