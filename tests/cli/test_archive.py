"""``netlens archive`` publishes only what is as its record says, and nothing of the user's or the machine's."""

from types import SimpleNamespace

import pytest

from netlens.cli import archive, main, study_items
from netlens.workflow.image_specs import SpecError


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A study all of whose items are made, and a function that says otherwise."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "paper").mkdir()
    (tmp_path / "paper/small.pdf").touch()
    (tmp_path / "CITATION.cff").write_text("license: MIT\n")
    states = {"a": SimpleNamespace(state="made", detail="")}

    def item_states(study, names, *, configured):
        assert (names, configured()) == (["a"], {"a": "small"})
        return states

    monkeypatch.setattr(study_items, "load_study", lambda study: {"study": study})
    monkeypatch.setattr(study_items, "check_files", lambda config: None)
    monkeypatch.setattr(study_items, "load_catalogue", lambda: {"a": None})
    monkeypatch.setattr(study_items, "absent_items", lambda config, items: {})
    monkeypatch.setattr(archive, "configured_parameters", lambda config, study: {"a": study})
    monkeypatch.setattr(archive, "item_states", item_states)
    monkeypatch.setattr(archive.contents, "source_files", lambda study: [])
    monkeypatch.setattr(archive.contents, "made_files", lambda study, everything: [tmp_path / "paper/small.pdf"])
    monkeypatch.setattr(archive.contents, "copy_into", lambda files, folder: None)
    monkeypatch.setattr(archive.arxiv, "write_sources", lambda study, folder: [])
    monkeypatch.setattr(archive, "private_names", lambda *_: [])
    return states


def told(capsys):
    assert main(["archive", "--study", "small"]) == 2
    return capsys.readouterr().err


def test_what_is_stale_is_not_published(made, capsys, tmp_path):
    made["a"] = SimpleNamespace(state="stale", detail="its notebook has changed")
    error = told(capsys)
    assert "a is stale: its notebook has changed" in error and "make them first: netlens paper --study small" in error
    assert not (tmp_path / "build").exists()


def test_a_study_without_its_paper_is_not_published(made, capsys, tmp_path):
    (tmp_path / "paper/small.pdf").unlink()
    assert "paper/small.pdf does not exist; run: netlens paper --study small" in told(capsys)


def test_a_network_that_cannot_be_used_is_told_in_one_line(made, capsys, monkeypatch):
    def refuse(*_):
        raise SpecError("networks.mine: a layer is unknown")

    monkeypatch.setattr(study_items, "absent_items", refuse)
    assert told(capsys) == "netlens: error: networks.mine: a layer is unknown\n"


def test_private_names_are_told_by_file_and_nothing_is_written(made, capsys, monkeypatch, tmp_path):
    found = [SimpleNamespace(path="a.json", what="your home folder")] * 7
    monkeypatch.setattr(archive, "private_names", lambda *_: found)
    error = told(capsys)
    assert "a.json has your home folder in it" in error and "and 2 more" in error and "nothing was written" in error
    assert not (tmp_path / "build").exists()


def test_both_archives_are_written_and_read_back(made, capsys, monkeypatch):
    monkeypatch.setattr(archive.crate, "save_crate", lambda folder, target, **_: target.write_bytes(b"zip"))
    monkeypatch.setattr(archive.crate, "check_crate", lambda path: 3)
    assert main(["archive", "--study", "small"]) == 0
    out = capsys.readouterr().out
    assert "build/small-arxiv.tar.gz: 0 files" in out and "build/small-crate.zip: 3 files" in out
