"""The check that the documentation loads nothing from other hosts."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "lint_docs.py"


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "page",
    [
        '<script src="https://cdn.example.org/a.js"></script>',
        "<script defer src=//cdn.example.org/a.js></script>",
        '<link rel="stylesheet" href="https://cdn.example.org/a.css">',
        '<link href="https://cdn.example.org" rel="preconnect" crossorigin>',
        '<img alt="badge" src="http://cdn.example.org/a.svg">',
        "<style>@import url(https://cdn.example.org/a.css)</style>",
    ],
)
def test_what_comes_from_another_host_is_found(tmp_path, page):
    (tmp_path / "index.html").write_text(page)
    done = lint(tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith(f"{tmp_path}/index.html: loads ")
    assert "cdn.example.org" in done.stdout


def test_style_sheets_are_read_too(tmp_path):
    (tmp_path / "index.html").write_text("")
    (tmp_path / "a.css").write_text('@font-face { src: url("https://cdn.example.org/a.woff2") }')
    assert lint(tmp_path).stdout == f"{tmp_path}/a.css: loads https://cdn.example.org/a.woff2\n"


def test_links_and_own_files_are_fine(tmp_path):
    (tmp_path / "index.html").write_text(
        '<a href="https://example.org">x</a><script src="a.js"></script><link rel="stylesheet" href="../a.css">'
        '<link rel="canonical" href="https://example.org/"><img src="data:image/png;base64,AA//BB==">'
    )
    done = lint(tmp_path)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_picture_that_was_left_out_is_found(tmp_path):
    (tmp_path / "there is.png").touch()
    (tmp_path / "index.html").write_text('<img src="there%20is.png"><img alt="x" src="gallery/timeline.svg">')
    assert lint(tmp_path).stdout == f"{tmp_path}/index.html: there is no gallery/timeline.svg\n"


def test_a_folder_without_pages_is_not_passed(tmp_path):
    done = lint(tmp_path)
    assert done.returncode == 1
    assert "make docs" in done.stdout
