"""Check every page of a supplement with axe-core, at three widths and in print, and time its first page.

    netlens bench accessibility [PAGE...] --axe path/to/axe.min.js [--study demo] [--width 320 375 1280]

axe-core (npm package axe-core, MPL-2.0) is not part of netlens; the environment variable NETLENS_AXE may name its file
instead of --axe. A page fails when axe finds something serious or critical, or when it scrolls sideways. The bytes of
the supplement and the time until its first page answers are printed too.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from netlens.workflow.health import BROWSERS
from netlens.workflow.study import load_study

SERIOUS = ("serious", "critical")
#: Rules of WCAG 2.2 A and AA and axe's own best practices.
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
#: Width of what is printed on A4 between margins of 1 cm, in CSS pixels.
PRINTED_PX = 718
#: Runs rules or tags of rules; both may be named.
RUN = """rules => axe.run(document, { runOnly: rules, resultTypes: ['violations'],
  rules: rules.length > 1 ? { 'label-content-name-mismatch': { enabled: true } } : {} }).then(result =>
  result.violations.map(v => ({ id: v.id, impact: v.impact, help: v.help,
    nodes: v.nodes.map(n => n.target.join(' ')) })))"""

#: Width after two frames, in which observers of sizes draw anew.
SETTLED = """() => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() =>
  resolve(document.documentElement.scrollWidth), 50))))"""
#: Milliseconds that the search of the first page takes, with the drawing of what it leaves.
ANSWER = """() => { const begun = performance.now(); const box = document.querySelector('#search');
  if (box) { box.value = 'pattern'; box.dispatchEvent(new Event('input', { bubbles: true })); }
  document.body.getBoundingClientRect(); return performance.now() - begun; }"""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="relative to site/STUDY (default: all)")
    parser.add_argument("--axe", default=os.environ.get("NETLENS_AXE", ""))
    parser.add_argument("--study", default="demo")
    parser.add_argument("--width", nargs="+", type=int, default=[320, 375, 1280])
    parsed = parser.parse_args(arguments)
    if not Path(parsed.axe).is_file():
        parser.error("name axe-core's axe.min.js with --axe or NETLENS_AXE (npm pack axe-core)")
    site = Path("site") / load_study(parsed.study)["study"]
    pages = [site / page for page in parsed.pages] or sorted(site.rglob("*.html"))
    if missing := [str(page) for page in pages if not page.is_file()] or ([] if pages else [str(site)]):
        parser.error(f"not made: {', '.join(missing)}")
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        parser.error(f"there is no browser ({', '.join(BROWSERS)})")
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    print(f"{site}: {len(pages)} pages, {size / 1e6:.1f} MB")
    failed = check(browser, Path(parsed.axe).read_text(encoding="utf-8"), pages, parsed.width)
    print(f"{failed} of {len(pages)} pages have something serious" if failed else "nothing serious")
    return int(failed > 0)


def check(executable: str, axe: str, pages: list[Path], widths: list[int]) -> int:
    """Print what is found, and return how many pages have something serious."""
    from playwright.sync_api import sync_playwright

    failed, counts = 0, dict.fromkeys(("minor", "moderate", *SERIOUS), 0)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        if first := next((path for path in pages if path.name == "index.html"), None):
            print(f"{first.name}: usable after {statistics.median(ready_s(browser, first) for _ in range(5)):.2f} s")
        # One page for all: a new one for each takes longer than what is looked for.
        page = browser.new_context().new_page()
        page.add_init_script(axe)
        for number, path in enumerate(pages, start=1):
            found = problems(page, path, widths)
            for problem in found:
                counts[problem["impact"]] += 1
                where = "; ".join(problem["nodes"][:3])
                print(f"{path}: {problem['impact']}: {problem['id']}: {problem['help']}: {where}", flush=True)
            failed += any(problem["impact"] in SERIOUS for problem in found)
            if number % 25 == 0:
                print(f"{number} of {len(pages)} pages", flush=True)
        browser.close()
    print(json.dumps(counts))
    return failed


def problems(page: Any, path: Path, widths: list[int]) -> list[dict[str, Any]]:
    """What axe finds on a page in light, in dark and in print, and whether it scrolls sideways at some width."""
    page.set_viewport_size({"width": max(widths), "height": 800})
    page.emulate_media(media="screen", color_scheme="light")
    page.goto(path.resolve().as_uri())
    found = {problem["id"]: problem for problem in page.evaluate(RUN, RULES)}
    for width in widths:
        if (wide := _width_px(page, width)) > width:
            found[f"{width}"] = _sideways(f"{wide} px wide at {width} px")
    page.set_viewport_size({"width": max(widths), "height": 800})
    # Nothing but colors depends on the scheme.
    page.emulate_media(color_scheme="dark")
    found |= {f"{problem['id']} in dark": problem for problem in page.evaluate(RUN, ["color-contrast"])}
    page.emulate_media(media="print", color_scheme="light")
    if (wide := _width_px(page, PRINTED_PX)) > PRINTED_PX:
        found["print"] = _sideways(f"{wide} px wide in print, where a page has {PRINTED_PX}")
    return list(found.values())


def _width_px(page: Any, width: int) -> int:
    """How wide a page is in a window of some width, after whatever follows the window has been drawn."""
    page.set_viewport_size({"width": width, "height": 800})
    return int(page.evaluate(SETTLED))


def _sideways(words: str) -> dict[str, Any]:
    return {"id": "sideways", "impact": "serious", "help": words, "nodes": []}


def ready_s(browser: Any, path: Path) -> float:
    """Seconds from the start of the navigation until a page has been read, and has answered its search."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(path.resolve().as_uri())
    loaded_ms = page.evaluate("performance.timing.loadEventEnd - performance.timing.navigationStart")
    answered_ms = page.evaluate(ANSWER)
    context.close()
    return (loaded_ms + answered_ms) / 1e3


if __name__ == "__main__":
    sys.exit(main())
