"""``netlens diff``: which published numbers and figures changed since another revision, and by how much."""

import json
import shutil
from collections import Counter
from pathlib import Path

from netlens.review.published import Reference
from netlens.review.revisions import KINDS, changes_since, commit_of
from netlens.workflow.paper.compilation import compile_paper
from netlens.workflow.study import load_study


def print_changes(study: str, revision: str, *, as_json: bool = False, pdf: bool = False) -> int:
    """Print how ``reference/<study>/`` differs from what it was at a revision, the largest changes first.

    With `pdf`, the paper is compiled into a file of its own, with red boxes around what was changed or added.

    Raises
    ------
    UserError
        There is no such revision, or nothing is published of the study, now or then.
    """
    name = load_study(study)["study"]
    reference = Reference(name)
    reference.require()
    commit = commit_of(revision)
    found = changes_since(commit, name)
    if pdf:
        marked = {item.name: item.words for item in found if item.change in ("changed", "added")}
        compile_paper(study, Path("paper/main.tex"), Path(f"paper/{name}-since-{commit[:7]}.pdf"), marked, draft=True)
    if as_json:
        rows = [
            {
                "name": item.name,
                "kind": item.kind,
                "change": item.change,
                "words": item.words,
                "records": [{"what": each.what, "then": each.then, "now": each.now} for each in item.changes],
            }
            for item in found
        ]
        print(json.dumps({"study": name, "commit": commit, "changes": rows}, indent=1, ensure_ascii=False))
        return 0
    width = max(80, shutil.get_terminal_size((100, 24)).columns)
    names = max((len(item.name) for item in found), default=0)
    for item in found:
        line = f"{item.change:<11}  {item.kind:<6}  {item.name:<{names}}  {item.words}"
        print(line if len(line) <= width else f"{line[: width - 1]}…")
    counts = Counter(item.change for item in found)
    words = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind]) or "nothing changed"
    if pdf:
        print(f"paper/{name}-since-{commit[:7]}.pdf")
    print(f"{reference.folder} since {commit[:12]}: {words}; {len(reference.names())} items are published now")
    return 0
