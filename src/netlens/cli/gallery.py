"""``netlens gallery``: figures, numbers and claims of a study in the README."""

from pathlib import Path
from typing import Final

import yaml

from netlens.review.claims_table import markdown_claims
from netlens.workflow import gallery
from netlens.workflow.errors import UserError
from netlens.workflow.study import load_study

_CHOSEN: Final = Path("docs/gallery.yaml")


def update_gallery(study: str) -> int:
    """Put what ``docs/gallery.yaml`` chooses into the README, and its pictures into ``docs/gallery``.

    Raises
    ------
    UserError
        There is no such file here, the study is not valid, or something that is chosen has not been made.
    """
    if not _CHOSEN.is_file():
        raise UserError(f"there is no {_CHOSEN} here; run `netlens gallery` in the checkout or a folder of it")
    chosen = yaml.safe_load(_CHOSEN.read_text(encoding="utf-8"))
    claims = markdown_claims(study)
    gallery.update(load_study(study)["study"], Path("README.md"), Path("docs/gallery"), **chosen, claims=claims)
    return 0
