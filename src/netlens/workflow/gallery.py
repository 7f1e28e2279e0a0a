"""Update of the README's figures and numbers from the outputs of a study."""

import json
import shutil
from pathlib import Path

from netlens.workflow.catalogue import Item, load_catalogue, select
from netlens.workflow.errors import UserError

BEGIN = "<!-- gallery: made by `make gallery` -->"
END = "<!-- end of gallery -->"


def update(
    study: str, readme: Path, pictures: Path, figures: list[str], macros: list[str], *, claims: str = ""
) -> None:
    """Copy the figures' PNGs into `pictures` and rewrite the README between its two gallery markers.

    Parameters
    ----------
    study
        Name of the study.
    readme
        The file to rewrite.
    pictures
        Folder for the copies; other PNGs in it are removed.
    figures, macros
        Names of the items to show.
    claims
        Table of the paper's claims, in Markdown.

    Raises
    ------
    UserError
        An item has not been made yet, or the markers are missing.
    """
    items = load_catalogue()
    shown, numbers = select(items, figures), select(items, macros)
    missing = [item.name for item in (*shown, *numbers) if not all(path.is_file() for path in item.files(study))]
    if missing:
        raise UserError(f"not made yet: {', '.join(missing)}; run `make paper` first")
    text = readme.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise UserError(f"{readme}: the lines {BEGIN!r} and {END!r} are missing")
    pictures.mkdir(parents=True, exist_ok=True)
    for old in pictures.glob("*.png"):
        old.unlink()
    for item in shown:
        shutil.copyfile(f"{item.stem(study)}.png", pictures / f"{item.name}.png")
    block = _gallery(shown, pictures.relative_to(readme.parent)) + _numbers(numbers, study)
    if claims:
        block += f"{claims}\n\n"
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    readme.write_text(f"{before}{BEGIN}\n{block}{END}{after}", encoding="utf-8")


def _gallery(items: list[Item], folder: Path) -> str:
    cells = [
        f"| ![{item.shows}]({folder.as_posix()}/{item.name}.png) | **{item.name}**: {item.shows} |" for item in items
    ]
    return "\n".join(["", "| | |", "|---|---|", *cells, ""])


def _numbers(items: list[Item], study: str) -> str:
    rows = ["", "| number | value | macro |", "|---|---|---|"]
    for item in items:
        record = json.loads(Path(f"{item.stem(study)}.json").read_text(encoding="utf-8"))
        rows.append(f"| {item.shows} | {_plain(record['text'])} | `\\{item.name}` |")
    return "\n".join([*rows, "", ""])


def _plain(latex: str) -> str:
    """A macro's text without LaTeX markup."""
    plain = latex.replace(r"\ensuremath{", "").replace(r"\cdot 10^{", " x 10^").replace(r"\,\%", " %")
    return plain.replace("{,}", ",").replace("}", "").replace("{", "").replace("\\", "")
