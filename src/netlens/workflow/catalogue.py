"""The list of items: every figure, macro and page, with what it shows."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from netlens.workflow.errors import UserError
from netlens.workflow.study_yaml import read_plain_yaml

Kind = Literal["figure", "macro", "page"]

#: The sections in the order of the paper.
SECTIONS = (
    "data",
    "models",
    "signal_distractor",
    "pattern_attribution",
    "model_comparison",
    "weights",
    "spatial_attribution",
    "explanation_checks",
    "site",
)

_SUFFIXES: dict[str, tuple[str, ...]] = {
    "figure": (".pdf", ".png"),
    "macro": (".tex", ".json"),
    "page": (".html", ".json"),
}
_KEYS = {
    "figure": {"kind", "shows", "needs", "caption", "data", "up_to_sign"},
    "macro": {"kind", "shows", "needs", "exact"},
    "page": {"kind", "shows", "needs"},
}


class CatalogueError(UserError):
    """An item that does not exist, or an invalid entry in `items.yaml`."""


@dataclass(frozen=True)
class Item:
    """One figure, macro or page.

    Attributes
    ----------
    name
        Also the name of its rule.
    section
        One of `SECTIONS`.
    kind
        ``figure``, ``macro`` or ``page``.
    shows
        One sentence for readers.
    caption
        LaTeX, for figures.
    data
        How a figure's numbers are stored: ``csv`` or ``npz``.
    needs
        What a study must have for this item, by the names in `netlens.workflow.applicability.NEEDS`.
    exact
        Of a macro whose value has no interval: why it needs none. Empty for names, and for what is estimated from
        samples, whose record holds an interval.
    up_to_sign
        Of a figure's arrays that mean the same with rows or columns of the other sign, as those of singular vectors:
        the last part of their names.
    """

    name: str
    section: str
    kind: Kind
    shows: str
    caption: str = ""
    data: str = "csv"
    needs: tuple[str, ...] = ()
    exact: str = ""
    up_to_sign: tuple[str, ...] = ()

    def stem(self, study: str) -> Path:
        """Path of the item's files in `study`, without suffix."""
        if self.kind == "figure":
            return Path("figures") / study / self.section / self.name
        return Path("export_defs" if self.kind == "macro" else "site") / study / self.name

    def files(self, study: str) -> list[Path]:
        """All output files of the item in `study`."""
        suffixes = _SUFFIXES[self.kind]
        if self.kind == "figure":
            suffixes = (*suffixes, f".{self.data}", ".json")
        return [Path(f"{self.stem(study)}{suffix}") for suffix in suffixes]


def load_catalogue(folder: Path = Path("notebooks")) -> dict[str, Item]:
    """Items of all sections, read from ``<folder>/<section>/items.yaml``.

    Returns
    -------
    dict
        Items by name, in the order of the paper.

    Raises
    ------
    CatalogueError
        An unknown key, a missing `shows`, or a name that is used twice.
    """
    items: dict[str, Item] = {}
    for section in SECTIONS:
        path = folder / section / "items.yaml"
        if not path.is_file():
            continue
        for name, entry in (read_plain_yaml(path.read_text(encoding="utf-8")) or {}).items():
            kind = entry.get("kind")
            if kind not in _KEYS:
                raise CatalogueError(f"{path}: {name}: kind is {kind!r}; write figure, macro or page")
            if unknown := set(entry) - _KEYS[kind]:
                raise CatalogueError(f"{path}: {name}: unknown key {', '.join(sorted(unknown))}")
            if not entry.get("shows"):
                raise CatalogueError(f"{path}: {name}: does not say what it shows; add `shows:`")
            if name in items:
                raise CatalogueError(f"{path}: {name}: this name is already used in section {items[name].section}")
            lists = {key: tuple(entry.get(key, ())) for key in ("needs", "up_to_sign")}
            items[name] = Item(name, section, **{**entry, **lists})
    return items


def select(items: dict[str, Item], names: Iterable[str]) -> list[Item]:
    """Items with the given names, in the order of the names.

    Raises
    ------
    CatalogueError
        A name does not exist; the message suggests similar names.
    """
    chosen = []
    for name in names:
        if name not in items:
            near = difflib.get_close_matches(name, items, n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else "`netlens list` prints all items"
            raise CatalogueError(f"there is no item {name!r}; {hint}")
        chosen.append(items[name])
    return chosen
