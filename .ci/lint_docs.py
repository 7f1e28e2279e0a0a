"""Check that no page of the built documentation loads a script, style, font or image from another host."""

import re
import sys
from pathlib import Path

LOADS = re.compile(r"""<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\bsrc=["']?((?:https?:)?//[^"' >]+)""")
LINKS = re.compile(
    r"""<link\b(?=[^>]*\brel=["']?(?:stylesheet|icon|preload|preconnect|modulepreload))"""
    r"""[^>]*\bhref=["']?((?:https?:)?//[^"' >]+)"""
)
STYLES = re.compile(r"""(?:@import\s+|url\()\s*["']?((?:https?:)?//[^"')]+)""")


def findings(folder: Path) -> list[str]:
    """One line for each resource that a page or style sheet of the folder loads from another host."""
    found = []
    for path in sorted(folder.rglob("*")):
        patterns = {".html": (LOADS, LINKS, STYLES), ".css": (STYLES,)}.get(path.suffix, ())
        text = path.read_text(encoding="utf-8") if patterns else ""
        found += [f"{path}: loads {address}" for pattern in patterns for address in pattern.findall(text)]
    return found


def main() -> int:
    """Check the folder given on the command line, and return the exit status."""
    folder = Path(sys.argv[1])
    if not (folder / "index.html").is_file():
        print(f"{folder} contains no pages: run `make docs`")
        return 1
    found = findings(folder)
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
