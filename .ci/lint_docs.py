"""Check that the built documentation loads nothing from another host, and that its pictures are there."""

import re
import sys
from pathlib import Path
from urllib.parse import unquote

LOADS = re.compile(r"""<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\bsrc=["']?((?:https?:)?//[^"' >]+)""")
LINKS = re.compile(
    r"""<link\b(?=[^>]*\brel=["']?(?:stylesheet|icon|preload|preconnect|modulepreload))"""
    r"""[^>]*\bhref=["']?((?:https?:)?//[^"' >]+)"""
)
STYLES = re.compile(r"""(?:@import\s+|url\()\s*["']?((?:https?:)?//[^"')]+)""")
PICTURES = re.compile(r"""<img\b[^>]*\bsrc=["']?(?!data:|(?:https?:)?//)([^"' >]+)""")


def findings(folder: Path) -> list[str]:
    """One line for each resource that a page or style sheet loads from another host, and for each missing picture."""
    found = []
    for path in sorted(folder.rglob("*")):
        patterns = {".html": (LOADS, LINKS, STYLES), ".css": (STYLES,)}.get(path.suffix, ())
        text = path.read_text(encoding="utf-8") if patterns else ""
        found += [f"{path}: loads {address}" for pattern in patterns for address in pattern.findall(text)]
        pictures = PICTURES.findall(text) if path.suffix == ".html" else []
        missing = [address for address in pictures if not (path.parent / unquote(address)).is_file()]
        found += [f"{path}: there is no {address}" for address in missing]
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
