"""How far reruns of a study under other settings are from what it published: ``reference/<study>/spread.json``.

The file has, for each rerun, its settings in words, and for each part of each item the deviation in each rerun.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from netlens.files.atomic import writing
from netlens.review.comparison import part_distances
from netlens.review.item_parts import item_parts, read_record
from netlens.review.published import FOLDER, Reference
from netlens.review.tolerances import SEED, Spread
from netlens.workflow.catalogue import Item
from netlens.workflow.errors import UserError

#: How a deviation is stored that is no matter of degree: another word, another shape.
_ANOTHER: Final = "another"
#: Words for a rerun in which nothing differs.
_SAME: Final = "the same settings"


@dataclass(frozen=True)
class Rerun:
    """A complete run of a study beside what is published of it, or the items of it that one machine published.

    Attributes
    ----------
    setting
        Its settings in words, as far as they differ from the published ones; begins with ``seed`` if its seed does.
    items
        Deviation by item and part.
    left_out
        Why an item was not compared, by its name.
    """

    setting: str
    items: Mapping[str, Mapping[str, float]]
    left_out: Mapping[str, str] = field(default_factory=dict)


def measure(items: Iterable[Item], reference: Reference, root: Path) -> list[Rerun]:
    """Deviations of a run from what is published, apart for items that were published on different machines.

    Parameters
    ----------
    items
        Items of the study.
    reference
        What the study published.
    root
        Folder of the checkout in which the study was run.

    Raises
    ------
    UserError
        Nothing of the study has been made there, or its items were made under more than one setting.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    left_out: dict[str, str] = {}
    chosen: dict[str, str] = {}
    for item in items:
        try:
            entry = reference.entry(item.name)
            if entry is None:
                raise UserError("nothing is published of it")
            if not all((root / path).is_file() for path in item.files(reference.study)):
                raise UserError("not made there")
            record = read_record(item, reference.study, root)
            if reason := _another_item(record, entry):
                raise UserError(reason)
            published = reference.load(item.name)
            assert published is not None
            parts = item_parts(item, reference.study, root)
            settings, machines = _settings(record, entry), _machines(record, entry)
            chosen.setdefault(", ".join(settings) or _SAME, item.name)
            # What only one of the two has was computed in another way, which says nothing of its spread.
            alone = parts.arrays.keys() ^ published.arrays.keys()
            distances = part_distances(parts, published)
            setting = ", ".join([*settings, *machines]) or _SAME
            found.setdefault(setting, {})[item.name] = {
                part: apart.value for part, apart in distances if part not in alone
            }
        except UserError as error:
            left_out[item.name] = str(error)
    if not found:
        raise UserError(f"{root}: no item of study {reference.study} can be compared: {next(iter(left_out.values()))}")
    if len(chosen) > 1:
        told = "; ".join(f"{name}: {setting}" for setting, name in list(chosen.items())[:2])
        raise UserError(f"{root}: run under more than one setting ({told}); run all of it under one")
    first, *others = sorted(found, key=lambda setting: -len(found[setting]))
    return [Rerun(first, found[first], left_out), *(Rerun(setting, found[setting]) for setting in others)]


def _another_item(record: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    """Why an item differs from the published one by more than the settings of its run; empty if it does not."""
    if record["notebook"]["sha256"] != entry["notebook"]["sha256"]:
        return "its notebook is another than the published one's"
    now, then = ({**stored["parameters"], "seed": None} for stored in (record, entry))
    return "" if now == then else "its parameters are others than the published one's"


def _settings(record: Mapping[str, Any], entry: Mapping[str, Any]) -> list[str]:
    """What was chosen for a run, in words, as far as it differs from the published one."""
    words = [f"{SEED} {record['seed']}"] if record["seed"] != entry["seed"] else []
    if record["threads"] != entry["threads"]:
        words.append(f"{record['threads']} threads")
    now, then = (stored.get("numerical_settings", {}) for stored in (record, entry))
    return words + [f"{name}={now.get(name, '')}" for name in sorted({*now, *then}) if now.get(name) != then.get(name)]


def _machines(record: Mapping[str, Any], entry: Mapping[str, Any]) -> list[str]:
    """The devices that a run used, and its processor, as far as they differ from those of the published one."""
    words = [device for device in record["devices"] if device not in entry["devices"]]
    processor = record["machine"]["processor"]
    return words if processor == entry["machine"]["processor"] else [*words, processor]


def merged(spread: Spread, reruns: Iterable[Rerun], published: Iterable[str]) -> Spread:
    """Spread with that of further reruns; a setting that was measured before is replaced.

    Parts that an item of a further rerun does not have are forgotten.

    Parameters
    ----------
    spread
        What was measured so far.
    reruns
        Further runs.
    published
        Names of the items that are published; what is known of others is dropped.
    """
    items: dict[str, dict[str, dict[str, float]]] = {
        name: {part: dict(by_setting) for part, by_setting in spread.items.get(name, {}).items()} for name in published
    }
    further = list(reruns)
    for rerun in further:
        for name, parts in rerun.items.items():
            items[name] = {part: by_setting for part, by_setting in items[name].items() if part in parts}
            for by_setting in items[name].values():
                by_setting.pop(rerun.setting, None)
    for rerun in further:
        for name, parts in rerun.items.items():
            for part, value in parts.items():
                by_setting = items[name].setdefault(part, {})
                by_setting[rerun.setting] = max(value, by_setting.get(rerun.setting, 0.0))
    kept = {name: {part: found for part, found in parts.items() if found} for name, parts in items.items()}
    return Spread({name: parts for name, parts in kept.items() if parts})


def spread_file(study: str, folder: Path = FOLDER) -> Path:
    """Where the measured spread of a study's items is kept."""
    return folder / study / "spread.json"


def load_spread(study: str, folder: Path = FOLDER) -> Spread:
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
        stored = json.loads(path.read_text(encoding="utf-8"))
        settings = [str(setting) for setting in stored["settings"]]
        return Spread(
            {
                name: {
                    part: {
                        setting: math.inf if value == _ANOTHER else float(value)
                        for setting, value in zip(settings, values, strict=True)
                        if value is not None
                    }
                    for part, values in parts.items()
                }
                for name, parts in stored["items"].items()
            }
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: damaged spread ({error}); restore it: git checkout {path}") from None


def save_spread(study: str, spread: Spread, folder: Path = FOLDER) -> None:
    """Write the measured spread of a study's items: a line for each item, with three digits of each deviation."""
    settings = sorted({key for parts in spread.items.values() for by_setting in parts.values() for key in by_setting})

    def row(by_setting: Mapping[str, float]) -> list[Any]:
        values = [by_setting.get(setting) for setting in settings]
        return [
            value if value is None else float(f"{value:.3g}") if math.isfinite(value) else _ANOTHER for value in values
        ]

    lines = ",\n".join(
        f"  {json.dumps(name)}: {json.dumps({part: row(found) for part, found in parts.items()}, ensure_ascii=False)}"
        for name, parts in sorted(spread.items.items())
    )
    with writing(spread_file(study, folder)) as temporary:
        temporary.write_text(
            f'{{"settings": {json.dumps(settings, indent=1)},\n "items": {{\n{lines}\n}}}}\n', encoding="utf-8"
        )
