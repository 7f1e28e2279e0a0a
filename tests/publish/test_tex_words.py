"""Words of a study as LaTeX: what is set is what was written."""

import re
import shutil
import subprocess
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlens.letters import glyphs
from netlens.publish.tex_words import LETTERS, escape, letters_of, pictured
from netlens.workflow import tex

ROOT = Path(__file__).parents[2]


def test_greek_letters_and_signs_are_set_as_mathematics():
    assert escape("LRP α1β0, 2 × 3") == r"LRP \ensuremath{\alpha}1\ensuremath{\beta}0, 2 \ensuremath{\times} 3"


def test_accents_are_composed():
    assert escape("café 50 %") == r"caf\'{e} 50 \%"
    assert escape("e\u0301") == r"\'{e}"
    assert escape("Dvořák, naïve, ç") == r"Dvo\v {r}\'{a}k, na\"{\i}ve, \c {c}"


def test_ligatures_do_not_join_what_was_written():
    assert escape("a--b---c") == "a-{}-b-{}-{}-c"


def test_other_letters_are_pictures_with_their_numbers_as_fallback():
    assert escape("北京 x") == r"\netlensletters{5317-4EAC}{[U+5317][U+4EAC]} x"
    assert pictured("a北é€北") == "北€"


@given(st.text(max_size=60))
def test_any_text_can_be_read_by_tex_and_loses_no_letter(words):
    found = escape(words)
    assert found.isascii() and "\n" not in found
    assert found.count("{") - found.count(r"\{") == found.count("}") - found.count(r"\}")
    assert [letters_of(run) for run in LETTERS.findall(found)] == re.findall(
        f"[{re.escape(pictured(words))}]{{1,24}}" if pictured(words) else "(?!)", unicodedata.normalize("NFC", words)
    )


ASCII = "{x} <b> $ $$ ~ ^ \" < > | \\ & % # _ -- ` ' [y]"
SIGNS = "½ ± × ° µ α é ř"
LETTERED = "€ Жук 😀"
UNKNOWN = "北京"


@pytest.mark.slow
@pytest.mark.skipif(tex.find_engine() is None or not shutil.which("pdftotext"), reason="needs TeX and pdftotext")
def test_a_page_of_any_characters_is_read_back(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "paper", tmp_path / "paper", ignore=shutil.ignore_patterns("*.pdf"))
    words = [ASCII, SIGNS, LETTERED, UNKNOWN]
    escaped = [escape(line) for line in words]
    for run in LETTERS.findall(" ".join(escaped)):
        if not glyphs.lacking(letters_of(run)):
            glyphs.draw_words(letters_of(run), tmp_path / f"results/s/paper/letters/{run}.pdf")
    lines = "\n\n".join(rf"{line}\par\textbf{{{line}}}" for line in escaped)
    (tmp_path / "page.tex").write_text(
        rf"\documentclass{{article}}\def\study{{s}}\input{{paper/style}}\hypersetup{{pdftitle={{{' '.join(escaped)}}}}}"
        rf"\begin{{document}}\raggedright {lines}\end{{document}}"
    )
    tex.compile("page.tex", "page.pdf", log="page.log")
    read = subprocess.run(["pdftotext", "-raw", "page.pdf", "-"], capture_output=True, text=True, check=True).stdout
    # TeX draws the underscore as a line, and the degree as the ring of mathematics.
    shown = [*ASCII.replace("'", "’").replace("_", "").split(), *SIGNS.replace("°", "◦").split(), *LETTERED.split()]
    for part in (*shown, "[U+5317][U+4EAC]"):
        assert unicodedata.normalize("NFKC", read).count(unicodedata.normalize("NFKC", part)) >= 2, (part, read)
    info = subprocess.run(["pdfinfo", "page.pdf"], capture_output=True, text=True, check=True).stdout
    assert "[U+5317][U+4EAC]" in info
