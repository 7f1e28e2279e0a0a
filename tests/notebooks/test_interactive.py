"""The notebooks that people open run by parameters too, as a process of their own."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netlens.files.hashing import sha256_of

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NOTEBOOK = "notebooks/spatial_attribution/interactive.ipynb"


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    """A network that was never trained, frozen."""
    from netlens.models.architectures.inception import small_inception
    from netlens.models.frozen.frozen_network import freeze, save_frozen
    from netlens.models.network import Network
    from netlens.models.preprocessing import preprocessing_from

    model = small_inception(input_shape=(16, 24, 3), classes=3, seed=1)
    network = Network("untrained", model, preprocessing_from("tf"), ("moon", "<apple>", "coffee"), (16, 24, 3), "")
    path = tmp_path_factory.mktemp("network") / "frozen.pb"
    save_frozen(freeze(network), path)
    return path


def run(tmp_path, **values):
    settings = [part for name, value in values.items() for part in ("--set", f"{name}={value}")]
    log = str(tmp_path / "executed.ipynb")
    command = [sys.executable, "-m", "netlens", "notebook", NOTEBOOK, *settings, "--stem", str(tmp_path / "page")]
    return subprocess.run([*command, "--log", log], cwd=ROOT, capture_output=True, text=True, check=False)


def test_ones_own_image_by_parameters_becomes_a_page(frozen, tmp_path):
    picture = tmp_path / "my picture.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)).save(picture)
    done = run(tmp_path, frozen=frozen, scenes="''", image=f"'{picture}'", classes="[coffee, moon]", gradient="smooth")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert '"classes":[{"name":"coffee"' in text
    assert "my picture.png" in text
    assert '"gradients":[{"name":"smooth","label":"smooth"}]' in text
    # The page says what it is of, and its record where it comes from.
    digest = sha256_of(picture)
    assert "<b>Of no study</b>" in text and f"the image file my picture.png, SHA-256 {digest}" in text
    record = json.loads((tmp_path / "page.json").read_text(encoding="utf-8"))
    assert record["inputs"] == {str(frozen): sha256_of(frozen), str(picture): digest}
    assert record["outputs"] == {str(tmp_path / "page.html"): sha256_of(tmp_path / "page.html")}
    assert record["parameters"]["gradient"] == "smooth" and record["study"] is None and record["machine"]["cores"]
    assert "widget" in (tmp_path / "executed.ipynb").read_text(encoding="utf-8")


def test_an_image_that_cannot_be_read_is_told_in_one_line(frozen, tmp_path):
    picture = tmp_path / "notes.png"
    picture.write_text("no image")
    done = run(tmp_path, frozen=frozen, scenes="''", image=picture)
    assert done.returncode == 1
    assert f"{picture}: cannot be read as an image" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "page.html").exists()
