"""The studies that README and ADDING.md show can be loaded as they stand there."""

import re
from pathlib import Path

import pytest
import yaml

from netlens.workflow.study import load_study

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BASE = {
    "study": "mine",
    "title": "t",
    "images_are": "i",
    "images": {"cats": {"kind": "photos"}},
    "networks": {
        name: {"kind": "named", "architecture": "small_vgg", "images": "cats"} for name in ("mine", "theirs", "small")
    },
}


def examples(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    return [(text.count("\n", 0, found.start()) + 1, yaml.safe_load(found[1])) for found in FENCE.finditer(text)]


@pytest.mark.parametrize("name", ["README.md", "docs/ADDING.md"])
def test_every_example_is_valid(name, tmp_path):
    found = examples(name)
    assert found
    for line, example in found:
        path = tmp_path / f"line{line}.yaml"
        # A fragment adds to a study; its networks and images are added to those that it refers to.
        joined = {**BASE, **example, "study": f"line{line}"}
        for key in ("images", "networks"):
            joined[key] = {**BASE[key], **example.get(key, {})}
        path.write_text(yaml.safe_dump(joined))
        assert load_study(str(path))["study"] == f"line{line}"


def test_a_study_needs_no_section(tmp_path):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(BASE))
    config = load_study(str(tmp_path / "mine.yaml"))
    assert config["data"]["images"] == "cats" and config["seed"] == 1
    sections = ("models", "pattern_attribution", "weights", "spatial_attribution")
    assert {config[section]["network"] for section in sections} == {"mine"}
