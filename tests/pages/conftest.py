"""A real browser, and pages made by the notebooks that make them for the site."""

import json
import shutil
from pathlib import Path

import pytest

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
def site(tmp_path_factory):
    """A folder with the page and the index, made as the site makes them."""
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        run_notebook(
            "notebooks/signal_distractor/signal_distractor.ipynb", patch, stem=str(folder / "signal_distractor")
        )
        run_notebook(
            "notebooks/site/index.ipynb",
            patch,
            pages=[str(folder / "signal_distractor.html")],
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
