"""A real browser, and pages made by the notebooks that make them for the site."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from netlens.data.arrays import save_arrays
from netlens.spatial_attribution.packing import packed

REPOSITORY = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium, or a skipped test where none is installed."""
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.skip(f"no browser on PATH ({', '.join(BROWSERS)}); install chromium to test the pages")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"],
        )
        yield browser
        browser.close()


def run_notebook(path, monkeypatch, **values):
    """Run a notebook's cells here, with some of its parameters set; give its names."""
    notebook = json.loads((REPOSITORY / path).read_text(encoding="utf-8"))
    monkeypatch.chdir(REPOSITORY)
    names = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
            if "parameters" in cell["metadata"].get("tags", []):
                assert set(values) <= set(names)
                names |= values
    return names


@pytest.fixture(scope="session")
def spatial():
    """Maps like those of the rule spatial_maps, of no network: two images of 48 x 64 pixels, three layers.

    The first image has two classes, the second three. Position (1, 2) of the layer `late` is silent.
    """
    rng = np.random.default_rng(11)
    sizes = [(12, 16), (6, 8), (3, 8)]
    pairs = [(0, 1), (1, 2), (0, 2)]
    arrays = {
        "network": np.array("synthetic <network>"),
        "class_names": np.array(["astronaut", "coffee", "gravel & sand", "moon"]),
        "gradients": np.array(["true", "smooth"]),
        "images": rng.integers(0, 256, (2, 48, 64, 3), np.uint8),
        "image_names": np.array(["scene 4", "scene 7"]),
        "image_classes": np.array([[3, 0, -1], [1, 2, 0]]),
        "logits": rng.normal(3, 2, (2, 4)).astype(np.float32),
        "layers": np.array(["early_relu", "late_relu", "last_relu"]),
        "layer_labels": np.array(["early", "late", "last"]),
        "layer_sizes": np.array(sizes),
        "pairs": np.array(pairs),
    }
    for index, size in enumerate(sizes):
        arrays[f"classes.{index}"] = rng.normal(0.1, 0.5, (2, 2, 3, *size)).astype(np.float32)
    for index, (source, target) in enumerate(pairs):
        maps = rng.normal(0.2, 1, (2, 2, *sizes[target], *sizes[source]))
        maps *= rng.random(maps.shape) < 0.4
        if target == 1:
            maps[:, :, 1, 2] = 0
        arrays[f"between.{index}"], arrays[f"scales.{index}"] = packed(maps)
    return arrays


@pytest.fixture(scope="session")
def site(tmp_path_factory, spatial):
    """A folder with the pages and the index, made as the site makes them."""
    folder = tmp_path_factory.mktemp("site")
    save_arrays(folder / "maps.npz", spatial)
    with pytest.MonkeyPatch.context() as patch:
        run_notebook(
            "notebooks/signal_distractor/signal_distractor.ipynb", patch, stem=str(folder / "signal_distractor")
        )
        run_notebook(
            "notebooks/spatial_attribution/spatial_attribution.ipynb",
            patch,
            maps=str(folder / "maps.npz"),
            stem=str(folder / "spatial_attribution"),
        )
        run_notebook(
            "notebooks/site/index.ipynb",
            patch,
            pages=[str(folder / f"{name}.html") for name in ("signal_distractor", "spatial_attribution")],
            stem=str(folder / "index"),
        )
    return folder


class Watched:
    """A page in a context of its own; what it complains of and what it asks for is kept."""

    def __init__(self, browser, address, **context):
        self.context = browser.new_context(offline=True, **context)
        self.complaints = []
        self.requests = []
        self.page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(address)


@pytest.fixture
def open_page(browser, site):
    """Give a function that opens a page; afterwards each must have stayed silent and have loaded nothing."""
    opened = []

    def open_it(name, **context):
        watched = Watched(browser, (site / name).as_uri(), **context)
        opened.append(watched)
        return watched.page

    yield open_it
    for watched in opened:
        watched.context.close()
        assert watched.complaints == []
        assert all(url.startswith(("data:", site.as_uri())) and url.endswith(".html") for url in watched.requests)
        assert len(watched.requests) >= 1


@pytest.fixture(scope="session")
def luminance():
    """Give a function from a colour, ``rgb(...)``, to its relative luminance (WCAG 2)."""

    def of(colour):
        channels = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    return of


@pytest.fixture(scope="session")
def contrast(luminance):
    """Give a function from two colours to their contrast ratio (WCAG 2)."""

    def between(one, other):
        high, low = sorted((luminance(one), luminance(other)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    return between
