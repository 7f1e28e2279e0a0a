"""``netlens cache``: what is given must be what it is said to be, and what is forgotten is gone."""

from pathlib import Path

import pytest

from netlens.cli import main
from netlens.files.hashing import sha256_of
from netlens.workflow import kept_results


@pytest.fixture
def taken(tmp_path, monkeypatch):
    """A folder with a zip, and the sources that results were taken from."""
    monkeypatch.chdir(tmp_path)
    Path("kept.zip").write_bytes(b"zip")
    Path("kept").mkdir()
    sources = []
    monkeypatch.setattr(kept_results, "take", lambda source, label: sources.append(label) or 3)
    return sources


def test_a_zip_may_have_to_be_a_certain_one(taken, capsys):
    digest = sha256_of("kept.zip")
    assert main(["cache", "import", "kept.zip", "--sha256", digest.upper()]) == 0
    assert main(["cache", "import", "kept"]) == 0
    assert taken == ["kept.zip", "kept"]
    capsys.readouterr()
    assert main(["cache", "import", "kept.zip", "--sha256", "0" * 64]) == 2
    assert capsys.readouterr().err == f"netlens: error: kept.zip: has sha256 {digest} instead of {'0' * 64}\n"
    assert main(["cache", "import", "kept", "--sha256", digest]) == 2
    assert "kept: a folder has no sha256" in capsys.readouterr().err
    assert main(["cache", "import", "kept.zip", "--sha256", "abc"]) == 2
    assert "--sha256 abc: not a sha256" in capsys.readouterr().err
    assert taken == ["kept.zip", "kept"]


def test_forgetting_nothing_is_no_mistake_but_what_stays_is(taken, capsys):
    assert main(["cache", "clear"]) == 0
    kept_results.STORE.parent.mkdir()
    kept_results.STORE.touch()
    capsys.readouterr()
    assert main(["cache", "clear"]) == 2
    assert capsys.readouterr().err == "netlens: error: results/.kept: Not a directory\n"
