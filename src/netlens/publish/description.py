"""The description of an output by the notebook that made it; the runner adds its provenance."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netlens.files.atomic import writing


def write_description(stem: str | Path, description: Mapping[str, Any]) -> None:
    """Write ``<stem>.json``; the same description gives the same bytes."""
    with writing(f"{stem}.json") as temporary:
        text = json.dumps(dict(description), indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")
