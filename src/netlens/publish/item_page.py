"""The page of one figure or number in the supplement: picture, claims, numbers, provenance, and its notebook."""

import html
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from netlens.files.atomic import writing
from netlens.publish import page
from netlens.publish.notebook_html import notebook_html
from netlens.publish.plot_data import data_table
from netlens.publish.small_pictures import SmallPicture, small_pictures
from netlens.publish.supplement import (
    ShownItem,
    Supplement,
    asset,
    claim_list,
    item_link,
    number_html,
    short,
)
from netlens.publish.tex_html import tex_html

_WIDTH_PX: Final = 1000
#: Data files up to this size lie beside the page, so that the folder is complete; larger ones stay where they are.
LARGEST_COPY_BYTES: Final = 300_000
#: From an item's page to the root of the repository: ``site/<study>/items/``.
_ROOT: Final = "../../.."
_FORMATS: Final = {"pdf": "PDF, as in the paper", "png": "picture", "csv": "table of numbers", "npz": "NumPy arrays"}


def save_item_pages(supplement: Supplement, folder: str | Path) -> list[Path]:
    """Write a page for every figure and number that has been made, with its record and its data beside it.

    Parameters
    ----------
    supplement
        What is shown.
    folder
        Where the pages are written, usually ``site/<study>/items``.

    Returns
    -------
    list of Path
        The pages.
    """
    shown = [item for item in supplement.items if item.kind != "page" and item.files]
    macros = supplement.macros()
    folder = Path(folder)
    # A study of which nothing has been made has an empty folder, for Snakemake expects it.
    folder.mkdir(parents=True, exist_ok=True)
    names = ["", *(item.name for item in shown), ""]
    figures = [item for item in shown if item.kind == "figure"]
    pictures = small_pictures([item.files["png"] for item in figures], _WIDTH_PX)
    drawn = {
        item.name: _figure(item, picture, macros, supplement.works)
        for item, picture in zip(figures, pictures, strict=True)
    }
    return [
        _save(supplement, item, folder, drawn.get(item.name) or _number(item), _along(names[number], names[number + 2]))
        for number, item in enumerate(shown)
    ]


def _save(supplement: Supplement, item: ShownItem, folder: Path, result: str, along: str) -> Path:
    parts = [
        along,
        result,
        _claims(supplement, item),
        _data(item, folder),
        _provenance(item),
        _notebook(item),
    ]
    saved = page.save(
        "\n".join(filter(None, parts)),
        folder / item.name,
        title=item.name,
        shows=item.shows[:1].upper() + item.shows[1:],
        study=supplement.study,
        images_are=supplement.images_are,
        source=_path_of(item) or supplement.source,
        style=asset("supplement.css"),
        home="../index.html",
    )
    # In place of the page's own description: the record of what the page is about.
    with writing(folder / f"{item.name}.json") as temporary:
        shutil.copyfile(item.files["json"], temporary)
    return saved.path


def _along(before: str, after: str) -> str:
    links = [
        f"<span>Before: {item_link(before, './')}</span>" if before else "<span></span>",
        f"<span>Next: {item_link(after, './')}</span>" if after else "",
    ]
    return f'<nav class="along" aria-label="Other items">{"".join(links)}</nav>'


def _figure(item: ShownItem, picture: SmallPicture, macros: Mapping[str, str], works: Mapping[str, str]) -> str:
    return (
        f'<figure><img class="print" src="{picture.uri}" width="{picture.width_px}" height="{picture.height_px}" '
        f'alt="{html.escape(item.shows)}; its numbers are in the table below">\n'
        f'<figcaption class="caption">{tex_html(item.caption, macros, works)}</figcaption></figure>'
    )


def _number(item: ShownItem) -> str:
    record = item.record
    facts = {
        "At full precision": repr(record.get("value")),
        "Rounding": str(record.get("rounding", "")),
        "Standard deviation": f"{record['uncertainty']:.6g}" if record.get("uncertainty") is not None else "",
        "Interval": _interval(record.get("interval")),
        "In the text": f"\\{item.name}",
    }
    return f'<p class="value">{number_html(item)}</p>\n{_facts({k: html.escape(v) for k, v in facts.items()})}'


def _interval(interval: Any) -> str:
    if not isinstance(interval, Mapping):
        return ""
    return (
        f"{interval['low']:.6g} to {interval['high']:.6g}, at a level of {100 * interval['level']:g} %, "
        f"from a sample of {interval['count']}"
    )


def _claims(supplement: Supplement, item: ShownItem) -> str:
    claims = supplement.claims_of(item.name)
    if not claims:
        return ""
    numbers = "".join(
        f"<p>{html.escape(claim.quantity[:1].upper() + claim.quantity[1:])}: {short(claim.value)}"
        f"{'' if claim.published is None else f' (published: {short(claim.published)})'}. "
        f"Made again by <code>{html.escape(claim.command)}</code>.</p>"
        for claim in claims
    )
    return f"<h2>Claims that rest on it</h2>\n{claim_list(claims)}\n{numbers}"


def _data(item: ShownItem, folder: Path) -> str:
    if item.kind != "figure":
        return ""
    entries, table = [], ""
    for kind, words in _FORMATS.items():
        if kind not in item.files:
            continue
        path = item.files[kind]
        size = path.stat().st_size
        link = f"{_ROOT}/{path.as_posix()}"
        if kind in ("csv", "npz"):
            table = data_table(path)
            if size <= LARGEST_COPY_BYTES:
                link = f"{item.name}.{kind}"
                with writing(folder / link) as temporary:
                    shutil.copyfile(path, temporary)
        entries.append(f'<li><a href="{html.escape(link)}">{item.name}.{kind}</a> ({words}, {_size(size)})</li>')
    return f'<h2>Numbers and files</h2>\n<ul class="files">{"".join(entries)}</ul>\n{table}'


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e6 else f"{max(1, round(size_bytes / 1e3))} kB"


def _provenance(item: ShownItem) -> str:
    record = item.record
    git, machine = record.get("git") or {}, record.get("machine") or {}
    commit = str(git.get("commit") or "not under version control")
    if git.get("commit") and not git.get("clean"):
        commit += ", with changes that were not committed"
    facts = {
        "Notebook": f"<code>{html.escape(_path_of(item))}</code>",
        "Commit": f'<span class="hash">{html.escape(commit)}</span>',
        "State": html.escape(item.state + (f": {item.detail}" if item.detail else "")),
        "Machine": html.escape(
            ", ".join(
                filter(
                    None,
                    (
                        str(machine.get("processor") or ""),
                        f"{machine['cores']} cores" if machine.get("cores") else "",
                        f"{machine['memory_gb']} GB" if machine.get("memory_gb") else "",
                        str(machine.get("system") or ""),
                    ),
                )
            )
        ),
        "Devices": html.escape(", ".join(map(str, record.get("devices") or ()))),
        "Took": html.escape(_cost(record)),
        "Seed": html.escape(str(record.get("seed", ""))),
        "Versions": html.escape(", ".join(f"{name} {version}" for name, version in _items(record, "versions"))),
    }
    inputs = sorted(_items(record, "inputs"))
    code = sorted(_items(record, "code"))
    return "\n".join(
        [
            "<h2>Where it comes from</h2>",
            _facts(facts),
            _hashes("Parameters", [(name, repr(value)) for name, value in _items(record, "parameters")]),
            _hashes("Inputs and their SHA-256", inputs),
            _hashes("Code and its SHA-256", code),
            f'<p>All of it as plain data: <a href="{item.name}.json">{item.name}.json</a>.</p>',
        ]
    )


def _cost(record: Mapping[str, Any]) -> str:
    if "duration_s" not in record:
        return ""
    memory = f", at most {record['peak_memory_mb']} MB of memory" if record.get("peak_memory_mb") else ""
    return f"{record['duration_s']:g} s{memory}, without what it is made from"


def _items(record: Mapping[str, Any], key: str) -> Iterable[tuple[str, Any]]:
    found = record.get(key)
    return found.items() if isinstance(found, Mapping) else ()


def _path_of(item: ShownItem) -> str:
    notebook = item.record.get("notebook")
    return str(notebook.get("path", "")) if isinstance(notebook, Mapping) else ""


def _facts(facts: Mapping[str, str]) -> str:
    rows = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts.items() if value)
    return f'<dl class="facts">{rows}</dl>'


def _hashes(words: str, pairs: Iterable[tuple[str, Any]]) -> str:
    rows = "".join(
        f'<li><code>{html.escape(str(name))}</code> <span class="hash">{html.escape(str(value))}</span></li>'
        for name, value in pairs
    )
    return f'<details><summary>{words}</summary><ul class="files">{rows}</ul></details>' if rows else ""


def _notebook(item: ShownItem) -> str:
    if item.notebook is None:
        return "<h2>The notebook</h2>\n<p>The executed notebook is not in this copy of the repository.</p>"
    above = [item.files["png"].read_bytes()] if item.kind == "figure" else []
    return f"<h2>The notebook, as it was executed</h2>\n{notebook_html(item.notebook, above)}"
