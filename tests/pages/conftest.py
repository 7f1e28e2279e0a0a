"""A real browser, and pages made by the notebooks that make them for the site."""

import itertools
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from netlens.files.arrays import save_arrays
from netlens.model_comparison.network_graph import network_graph
from netlens.model_comparison.results import Caricatures
from netlens.model_comparison.similarity import MEASURES, LayerTable, Similarities
from netlens.publish.item_page import save_item_pages
from netlens.publish.supplement import ShownItem, save_first_page
from netlens.spatial_attribution.packing import packed

REPOSITORY = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


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
        "masks": np.zeros((2, 48, 64), np.uint8),
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


#: Layers of two made-up networks: name, kind, channels, height and width, what it takes from, whether it is compared.
NETWORKS = {
    "branchy & <odd>": [
        ("input", "input", 3, 32, [], False),
        ("stem", "conv", 8, 32, ["input"], True),
        ("mix_1x1", "conv", 4, 16, ["stem"], False),
        ("mix_3x3_narrow", "conv", 4, 16, ["stem"], False),
        ("mix_3x3", "conv", 6, 16, ["mix_3x3_narrow"], False),
        ("mix_pool", "pool", 8, 16, ["stem"], False),
        ("mix", "concat", 18, 16, ["mix_1x1", "mix_3x3", "mix_pool"], True),
        ("block", "conv", 18, 16, ["mix"], False),
        ("block_norm", "norm", 18, 16, ["block"], False),
        ("sum", "add", 18, 16, ["mix", "block_norm"], True),
        ("mean", "pool", 18, None, ["sum"], False),
        ("logits", "dense", 5, None, ["mean"], True),
    ],
    "plain": [
        ("input", "input", 3, 32, [], False),
        *(
            (f"conv{number}", "conv", 1 if number == 3 else 4 * number, 32 // number, [before], True)
            for before, number in zip(["input", "conv1", "conv2", "conv3"], range(1, 5), strict=True)
        ),
        ("fc", "dense", 5, None, ["conv4"], True),
    ],
}


@pytest.fixture(scope="session")
def comparison():
    """Graphs, caricatures and similarities like those of the section's rules, of networks that do not exist.

    A caricature has one colour, which tells network, layer and cosine power; caricatures are not in the layers' order.
    """
    rng = np.random.default_rng(5)
    found = SimpleNamespace(graphs={}, caricatures={}, colours={}, layers={})
    for number, (name, layers) in enumerate(NETWORKS.items()):
        network = SimpleNamespace(
            name=name,
            layers=[
                SimpleNamespace(name=layer, node=layer, kind=kind, channels=channels, height=size, width=size)
                for layer, kind, channels, size, *_ in layers
            ],
            graph_def=SimpleNamespace(node=[SimpleNamespace(name=layer[0], input=layer[4]) for layer in layers]),
            input_node="input",
            output_node=layers[-1][0],
        )
        found.layers[name] = tuple(layer[0] for layer in layers if layer[5])
        found.graphs[name] = network_graph(network, found.layers[name])
        named = [layer[0] for layer in layers[:0:-1]]
        pictures = []
        for power in (0, 1):
            colours = [(40 + 160 * number, 30 + 16 * index, 60 + 130 * power) for index in range(len(named))]
            found.colours |= {(name, layer, power): colour for layer, colour in zip(named, colours, strict=True)}
            pictures.append(np.tile(np.array(colours, np.uint8)[:, None, None], (1, 16, 16, 1)))
        found.caricatures[name] = Caricatures(
            network=name,
            class_name="coffee & <cup>",
            image=rng.integers(0, 256, (16, 16, 3), np.uint8),
            layers=tuple(named),
            compared=tuple(layer for layer in named if layer in found.layers[name]),
            by_cosine_power=dict(enumerate(pictures)),
        )
    counts = {name: len(layers) for name, layers in found.layers.items()}
    tables = {
        name: LayerTable(layers, *(np.ones(counts[name], kind) for kind in (np.int64, np.int64, np.float64, np.int64)))
        for name, layers in found.layers.items()
    }
    pairs = tuple(itertools.combinations_with_replacement(NETWORKS, 2))
    matrices = {
        (*pair, measure): rng.uniform(0.05, 0.9, [counts[name] for name in pair])
        for pair in pairs
        for measure in MEASURES
    }
    found.similarities = Similarities(1234, False, 1e-6, 0.99, tables, pairs, matrices)
    return found


def make_comparison_pages(folder, comparison, patch):
    """Make the section's pages by its notebooks."""
    files = {"graphs": [], "caricatures": []}
    for number, name in enumerate(NETWORKS):
        for kind, paths in files.items():
            paths.append(str(folder / f"{kind}{number}.npz"))
            getattr(comparison, kind)[name].save(paths[-1])
    comparison.similarities.save(folder / "similarity.npz")
    given = {
        "layer_graph": {"graph": files["graphs"][0], "caricatures": files["caricatures"][0]},
        "node_graph": files,
        "aligned_graphs": {"similarity": str(folder / "similarity.npz"), **files},
    }
    for name, values in given.items():
        run_notebook(f"notebooks/model_comparison/{name}.ipynb", patch, stem=str(folder / name), **values)


@pytest.fixture(scope="session")
def site(made_once, spatial, comparison, make_supplement):
    """A folder with the interactive pages, made as the site makes them, and the supplement of a few items."""
    return made_once("site", lambda folder: make_site(folder, spatial, comparison, make_supplement))


def make_site(folder, spatial, comparison, make_supplement):
    """Make the pages by their notebooks, and the supplement."""
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
        make_comparison_pages(folder, comparison, patch)
    shown = make_supplement(folder / "made", study="demo")
    pages = [
        ShownItem(
            name,
            "part",
            "page",
            "a page",
            "made",
            files=dict.fromkeys(("html", "json"), path),
            record=json.loads(path.read_text()),
        )
        for name in ("signal_distractor", "layer_graph", "node_graph", "aligned_graphs", "spatial_attribution")
        if (path := folder / f"{name}.json").is_file()
    ]
    shown = replace(shown, items=(*(item for item in shown.items if item.kind != "page"), *pages))
    save_item_pages(shown, folder / "items")
    save_first_page(shown, folder / "index")


class Watched:
    """A page of its own in a context; what it complains of and what it asks for is kept."""

    def __init__(self, context, address, viewport):
        self.complaints = []
        self.requests = []
        self.page = context.new_page()
        self.page.set_default_timeout(10_000)
        if viewport:
            self.page.set_viewport_size(viewport)
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(address)


@pytest.fixture(scope="session")
def context_with(browser):
    """Give a function that gives the browser's context with some options: one for all tests, as pages store nothing."""
    contexts = {}

    def with_options(**options):
        key = json.dumps(options, sort_keys=True)
        if key not in contexts:
            contexts[key] = browser.new_context(offline=True, **options)
            # Chromium ends a process that draws pages with its last page.
            contexts[key].new_page()
        return contexts[key]

    yield with_options
    for context in contexts.values():
        assert context.storage_state() == {"cookies": [], "origins": []}
        context.close()


@pytest.fixture
def open_page(context_with, site):
    """Give a function that opens a page; afterwards each must have stayed silent and have loaded nothing."""
    opened = []

    def open_it(name, viewport=None, **options):
        # A phone's context lays pages out for its screen, so that one has a context of its own.
        if "is_mobile" in options:
            options, viewport = {**options, "viewport": viewport}, None
        watched = Watched(context_with(**options), (site / name).as_uri(), viewport)
        opened.append(watched)
        return watched.page

    yield open_it
    for watched in opened:
        watched.page.close()
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


@pytest.fixture(scope="session")
def readable(luminance, contrast):
    """Give a function that sees a page's texts stand out from what is behind them; `texts` is JavaScript for them."""

    def check(page, scheme, texts, more_than):
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (luminance(ground) < 0.1) == (scheme == "dark")
        pairs = page.evaluate(
            """() => {
              const behind = element => {
                for (let e = element; e; e = e.parentElement) {
                  const colour = getComputedStyle(e).backgroundColor;
                  if (!/, 0\\)$/.test(colour)) return colour;
                }
              };
              return """
            + texts
            + """.map(e => [e.outerHTML.slice(0, 60), getComputedStyle(e).color, behind(e)]);
            }"""
        )
        assert len(pairs) > more_than
        for element, colour, behind in pairs:
            assert contrast(colour, behind) >= 4.5, (element, colour, behind)

    return check
