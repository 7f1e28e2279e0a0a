"""Commands are given in any folder of a checkout, and run in its root."""

import errno
from pathlib import Path

import pytest

from netlens.cli import commands, main
from netlens.cli.place import Place


@pytest.fixture
def checkout(tmp_path):
    """A checkout with a photograph in a folder of it."""
    root = tmp_path / "checkout"
    for file in ("Snakefile", "config/schema.yaml", "paper/cat.jpg", "paper/mine.yaml"):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    return root


def test_the_root_is_the_nearest_checkout_above(checkout):
    inner = checkout / "build" / "copy"
    for folder in (inner / "config", inner / "paper" / "sections"):
        folder.mkdir(parents=True)
    assert Place.of(checkout).root == Place.of(checkout / "paper").root == checkout
    assert Place.of(inner / "paper").root == checkout
    (inner / "Snakefile").touch()
    (inner / "config" / "schema.yaml").touch()
    assert Place.of(inner / "paper" / "sections").root == inner


def test_outside_a_checkout_a_command_runs_where_it_is_given(tmp_path):
    assert Place.of(tmp_path) == Place(tmp_path, tmp_path)


def test_paths_mean_what_they_meant_where_they_were_given(checkout):
    place = Place.of(checkout / "paper")
    assert place.path("cat.jpg") == "paper/cat.jpg"
    assert place.path("../figures/a.pdf") == "figures/a.pdf"
    assert place.path("/tmp/a") == "/tmp/a"
    assert place.study("mine.yaml") == "paper/mine.yaml" and place.study("demo") == "demo"
    assert place.source("kept.zip") == "paper/kept.zip"
    assert place.source("https://example.org/kept.zip") == "https://example.org/kept.zip"
    assert place.file_or_word("imagenet") == "imagenet" and place.file_or_word("") == ""
    assert place.file_or_word("cat.jpg") == "paper/cat.jpg"
    assert place.setting("image=cat.jpg") == "image=paper/cat.jpg"
    assert [place.argument(word) for word in ("./new", "../b", "cat.jpg", "dog.jpg", "mine", "--steps", "0.5")] == [
        *("paper/new", "b", "paper/cat.jpg", "dog.jpg", "mine", "--steps", "0.5"),
    ]  # fmt: skip
    assert place.argument("--to=./new") == "--to=paper/new" and place.argument("--steps=16") == "--steps=16"
    assert place.setting("steps=16") == "steps=16" and place.setting("nonsense") == "nonsense"


def test_a_file_that_the_system_refuses_is_told_in_one_line(checkout, monkeypatch, capsys):
    def refuse(parsed):
        raise OSError(errno.ENOSPC, "No space left on device", "site.zip")

    monkeypatch.setattr(commands, "list_items", refuse)
    monkeypatch.chdir(checkout)
    assert main(["list"]) == 2
    assert capsys.readouterr().err == "netlens: error: site.zip: No space left on device\n"


def test_in_the_root_nothing_is_rewritten(checkout):
    place = Place.of(checkout)
    assert place.path("./paper/../a") == "./paper/../a"
    assert place.setting("image=./paper/cat.jpg") == "image=./paper/cat.jpg"


@pytest.mark.parametrize(
    ("given", "command", "meant"),
    [
        (["list", "--study", "mine.yaml"], "list_items", {"study": "paper/mine.yaml"}),
        (["verify", "--html", "a.html", "--junit", "/a.xml"], "verify", {"html": "paper/a.html", "junit": "/a.xml"}),
        (
            ["spread", "../../other", "--study", "mine.yaml"],
            "spread",
            {"folders": ["../other"], "study": "paper/mine.yaml"},
        ),
        (["run", "--cache", "kept.zip"], "run", {"cache": "paper/kept.zip", "study": "demo"}),
        (["cache", "export", "kept.zip"], "export_cache", {"target": "paper/kept.zip", "study": "demo"}),
        (["cache", "import", "../kept"], "import_cache", {"source": "kept"}),
        (["bench", "cost", "--study", "demo", "./made"], "bench", {"arguments": ["--study", "demo", "paper/made"]}),
        (
            ["new", "mine", "--network", "a.h5", "--images", "a", "--class-names", "imagenet"],
            "new",
            {"network": "paper/a.h5", "images": "paper/a", "class_names": "imagenet"},
        ),
        (
            ["notebook", "../notebooks/a.ipynb", "--set", "image=cat.jpg", "--stem", "a"],
            "notebook",
            {"notebook": "notebooks/a.ipynb", "set": ["image=paper/cat.jpg"], "stem": "paper/a"},
        ),
    ],
)
def test_commands_run_in_the_root_with_paths_as_seen_from_there(checkout, monkeypatch, given, command, meant):
    seen = []
    monkeypatch.setattr(commands, command, lambda parsed: seen.append((Path.cwd(), vars(parsed))) or 0)
    monkeypatch.chdir(checkout / "paper")
    assert main(given) == 0
    ((folder, parsed),) = seen
    assert folder == checkout
    assert {name: parsed[name] for name in meant} == meant
    assert Path.cwd() == checkout / "paper"
