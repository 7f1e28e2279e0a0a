"""The sources of a paper compile by themselves."""

import shutil
import tarfile
from pathlib import Path

import pytest

from netlens.archive.arxiv import save_tarball, write_sources
from netlens.workflow import tex
from netlens.workflow.errors import UserError

needs_tex = pytest.mark.skipif(tex.find_engine() is None, reason="no TeX engine")


@needs_tex
def test_the_tarball_compiles_in_an_empty_folder_without_bibtex(project, tmp_path, monkeypatch):
    folder, target = tmp_path / "sources", tmp_path / "small.tar.gz"
    folder.mkdir()
    files = write_sources("small", folder)
    assert {path.as_posix() for path in files} >= {"main.tex", "main.bbl", "paper/style.tex"}
    assert not [path for path in files if path.name in ("doubted.tex", "crops.png")]
    save_tarball(files, folder, target)
    empty = tmp_path / "empty"
    empty.mkdir()
    shutil.rmtree(project)
    monkeypatch.chdir(empty)
    with tarfile.open(target) as tarball:
        assert {(entry.uname, entry.gname, entry.uid, entry.mtime) for entry in tarball} == {("", "", 0, 0)}
        # Python 3.11 knows filters from 3.11.4 on.
        tarball.extractall(empty, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    assert Path("main.tex").read_text().splitlines()[1:3] == ["\\pdfoutput=1", "\\def\\study{small}"]
    assert "Olah" in Path("main.bbl").read_text()
    tex.compile("main.tex", "main.pdf", log="main.log")
    assert Path("main.pdf").read_bytes().startswith(b"%PDF")


def test_the_same_files_give_the_same_bytes(tmp_path):
    (tmp_path / "a.tex").write_text("a")
    for name in ("one.tar.gz", "two.tar.gz"):
        save_tarball([Path("a.tex")], tmp_path, tmp_path / name)
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()


def test_a_paper_that_was_not_made_is_told_in_a_line(project, tmp_path):
    shutil.rmtree("export_defs")
    shutil.rmtree("figures")
    shutil.rmtree("results")
    with pytest.raises(UserError, match="has not been made; run: netlens paper --study small"):
        write_sources("small", tmp_path)


@needs_tex
def test_a_source_that_needs_something_else_is_refused(project, tmp_path):
    with Path("paper/style.tex").open("a") as style:
        style.write("\\input{elsewhere}\n")
    (tmp_path / "sources").mkdir()
    with pytest.raises(tex.TexError, match="elsewhere"):
        write_sources("small", tmp_path / "sources")
