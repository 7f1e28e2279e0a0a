"""TeX: which engine is found, how one is installed or named, PDFs with the same bytes, and errors in one line."""

import hashlib
import shutil
from pathlib import Path

import pytest

from netlens.workflow import tex

PAPER = r"""\documentclass{article}
\usepackage{booktabs,graphicx,amsmath,hyperref,caption,natbib}
\begin{document}
\section{One}\label{one}
Hello \study, section \ref{one}, \cite{haufe}. \today
\bibliographystyle{plainnat}\bibliography{refs}
\end{document}
"""
REFS = "@article{haufe, author={Haufe, S.}, title={On the interpretation}, year=2014, journal={NeuroImage}}\n"

# The engine of the machine, found before a test empties PATH.
ENGINE = tex.find_engine()
needs_pdflatex = pytest.mark.skipif(ENGINE is None or ENGINE.name != "pdflatex", reason="`make tex` brings pdflatex")


class Machine:
    """A PATH of its own, a distribution, and whether this is root."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.lists = folder / "lists"
        self.lists.mkdir()
        self.calls = folder / "calls"
        self.monkeypatch = monkeypatch
        monkeypatch.setenv("PATH", str(self.bin))
        monkeypatch.setattr(tex, "_APT_LISTS", self.lists)
        for name in ("CONDA_PREFIX", "NETLENS_NO_TEX_INSTALL"):
            monkeypatch.delenv(name, raising=False)
        self.is_a("debian")
        self.root(True)

    def is_a(self, *families: str) -> None:
        fields = {"ID": families[0], "ID_LIKE": " ".join(families[1:])}
        self.monkeypatch.setattr(tex.platform, "freedesktop_os_release", lambda: fields)

    def root(self, yes: bool) -> None:
        self.monkeypatch.setattr(tex, "_is_root", lambda: yes)

    def has_lists(self) -> None:
        (self.lists / "archive_main_binary-amd64_Packages.lz4").touch()

    def program(self, name: str, script: str = "") -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def apt(self, on_install: str) -> None:
        """An apt-get that notes how it is called."""
        self.program("apt-get", f'echo "$*" >>{self.calls}\ncase "$*" in *install*) {on_install};; esac')

    def asked(self) -> list[str]:
        """What apt-get was told to do."""
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        return [line.partition("120 ")[2] for line in lines]

    def bringing_tex(self) -> str:
        return f"for p in pdflatex bibtex; do echo '#!/bin/sh' >{self.bin}/$p; /bin/chmod +x {self.bin}/$p; done"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    return Machine(tmp_path, monkeypatch)


# -- finding and installing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("programs", "expected"),
    [
        ((), None),
        (("pdflatex",), None),
        (("bibtex",), None),
        (("tectonic",), "tectonic"),
        (("pdflatex", "tectonic"), "tectonic"),
        (("pdflatex", "bibtex"), "pdflatex"),
        (("pdflatex", "bibtex", "tectonic"), "pdflatex"),
    ],
)
def test_finds_what_is_on_the_path(machine, programs, expected):
    for name in programs:
        machine.program(name)
    engine = tex.find_engine()
    assert (engine and engine.name) == expected


def test_nothing_is_installed_where_there_is_an_engine(machine, tmp_path):
    machine.apt("exit 9")
    machine.program("tectonic")
    said: list[str] = []
    assert tex.ensure_engine(tmp_path / "log", said.append)
    assert (said, machine.asked()) == ([], [])


def test_root_on_debian_gets_it_announced_in_one_line(machine, tmp_path):
    machine.apt(machine.bringing_tex())
    machine.has_lists()
    said: list[str] = []
    engine = tex.ensure_engine(tmp_path / "logs" / "tex.log", said.append)
    assert engine is not None
    assert engine.name == "pdflatex"
    assert machine.asked() == [f"install -y --no-install-recommends {' '.join(tex.APT_PACKAGES)}"]
    assert len(said) == 2
    assert "apt-get is installing texlive-latex-base texlive-latex-recommended" in said[0]
    assert said[1].startswith("TeX: installed")


def test_lists_are_fetched_first_where_there_are_none(machine, tmp_path):
    machine.apt(machine.bringing_tex())
    assert tex.ensure_engine(tmp_path / "log", lambda line: None)
    assert [call.split()[0] for call in machine.asked()] == ["update", "install"]


def test_old_lists_are_renewed_when_apt_fails_on_them(machine, tmp_path):
    machine.apt(
        f"[ -f {machine.lists}/new ] || {{ echo new >{machine.lists}/new; exit 100; }}; {machine.bringing_tex()}"
    )
    machine.has_lists()
    assert tex.ensure_engine(tmp_path / "log", lambda line: None)
    assert [call.split()[0] for call in machine.asked()] == ["install", "update", "install"]


def test_a_failing_apt_stops_nothing(machine, tmp_path):
    machine.apt("echo 'E: Unable to fetch some archives'; exit 100")
    machine.has_lists()
    said: list[str] = []
    assert tex.ensure_engine(tmp_path / "log", said.append) is None
    assert "Unable to fetch some archives" in said[-1]
    assert "everything except the PDF" in said[-1]
    assert "Unable to fetch" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("reason", ["not root", "forbidden", "another distribution", "no apt"])
def test_nothing_is_installed_where_that_is_not_possible(machine, tmp_path, monkeypatch, reason):
    if reason != "no apt":
        machine.apt(machine.bringing_tex())
    if reason == "not root":
        machine.root(False)
    elif reason == "forbidden":
        monkeypatch.setenv("NETLENS_NO_TEX_INSTALL", "1")
    elif reason == "another distribution":
        machine.is_a("fedora")
    said: list[str] = []
    assert tex.ensure_engine(tmp_path / "log", said.append) is None
    assert (said, machine.asked()) == ([], [])


@pytest.mark.parametrize(
    ("families", "begins"),
    [
        (("debian",), "sudo apt-get update && sudo apt-get install -y --no-install-recommends texlive-latex-base"),
        (("linuxmint", "ubuntu", "debian"), "sudo apt-get update && sudo apt-get install"),
        (("fedora",), "sudo dnf install -y texlive"),
        (("rocky", "rhel", "centos", "fedora"), "sudo dnf install -y texlive"),
        (("opensuse-leap", "suse", "opensuse"), "sudo zypper install -y texlive"),
        (("arch",), "sudo pacman -S --needed texlive"),
        (("nixos",), "conda install -c conda-forge tectonic"),
    ],
)
def test_the_hint_is_one_command_of_this_system(machine, families, begins):
    machine.root(False)
    machine.is_a(*families)
    assert tex.install_hint().startswith(begins)
    assert "\n" not in tex.install_hint()


def test_the_hint_knows_root_lists_conda_and_the_mac(machine, monkeypatch):
    machine.has_lists()
    assert tex.install_hint().startswith("apt-get install")
    monkeypatch.setenv("CONDA_PREFIX", "/opt/conda")
    assert tex.install_hint() == "conda install -c conda-forge tectonic"
    monkeypatch.delenv("CONDA_PREFIX")
    monkeypatch.setattr(tex.sys, "platform", "darwin")
    assert tex.install_hint() == "brew install tectonic"


def test_without_an_engine_the_error_says_how_to_get_one(machine, tmp_path):
    (tmp_path / "main.tex").write_text(PAPER)
    with pytest.raises(tex.TexError, match=r"no TeX engine found; install one: apt-get"):
        tex.compile(tmp_path / "main.tex", tmp_path / "out.pdf", log=tmp_path / "log")


# -- pdflatex ----------------------------------------------------------------------------------------------------------


def build(folder: Path, text: str = PAPER, refs: str | None = REFS, **more) -> Path:
    """Make a PDF from sources in a folder; give its path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.tex").write_text(text)
    if refs is not None:
        (folder / "refs.bib").write_text(refs)
    more.setdefault("definitions", {"study": "demo"})
    tex.compile(folder / "main.tex", folder / "out" / "demo.pdf", log=folder / "demo.log", **more)
    return folder / "out" / "demo.pdf"


@pytest.mark.slow
@needs_pdflatex
def test_the_same_sources_give_the_same_bytes_anywhere(tmp_path, monkeypatch):
    first = build(tmp_path / "here")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    second = build(tmp_path / "there is a blank" / "deeper")
    assert hashlib.sha256(first.read_bytes()).digest() == hashlib.sha256(second.read_bytes()).digest()
    assert str(tmp_path).encode() not in first.read_bytes()
    # Nothing beside the sources.
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == ["demo.log", "main.tex", "out", "refs.bib"]
    assert [path.name for path in first.parent.iterdir()] == ["demo.pdf"]
    log = (tmp_path / "here" / "demo.log").read_text()
    assert "pdfTeX" in log
    assert "BibTeX" in log


@pytest.mark.slow
@needs_pdflatex
def test_definitions_and_environment_reach_the_text(tmp_path):
    plain = build(tmp_path / "a").read_bytes()
    assert build(tmp_path / "b", definitions={"study": "imagenet"}).read_bytes() != plain
    assert build(tmp_path / "c", env={"SOURCE_DATE_EPOCH": "1700000000"}).read_bytes() != plain
    with pytest.raises(ValueError, match="use only letters"):
        build(tmp_path / "d", definitions={"a1": "x"})


@pytest.mark.slow
@needs_pdflatex
def test_file_names_start_from_the_given_folder(tmp_path):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "numbers.tex").write_text("Forty-two.\n")
    text = PAPER.replace("Hello", r"\input{made/numbers}")
    assert build(tmp_path / "paper", text, directory=tmp_path).stat().st_size > 0
    with pytest.raises(tex.TexError, match="numbers"):
        build(tmp_path / "paper", text)


@pytest.mark.slow
@needs_pdflatex
@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("Hello", r"Hello \nowhere", r"main.tex:5: Undefined control sequence \nowhere"),
        ("Hello", r"\begin{itemize}", "main.tex:7: \\begin{itemize} on input line 5 ended by \\end{document}"),
        ("booktabs", "nosuchpackage", "main.tex:3: File `nosuchpackage.sty' not found; the required packages"),
        ("Hello", r"\includegraphics{none.pdf}", "main.tex:5: Package pdftex.def Error: File `none.pdf' not found"),
        (
            r"\ref{one}",
            r"\ref{two} and \cite{who}",
            "undefined reference two (line 5), undefined citation who (line 5)",
        ),
        ("Hello", r"\label{one}", "label one defined twice"),
        ("{refs}", "{none}", "I couldn't open database file none.bib"),
        (r"\end{document}", "", r"main.tex: the text ends without \end{document}"),
        (PAPER, r"\documentclass{article}\begin{document}\end{document}", "main.tex: the PDF has no pages"),
        (r"\documentclass", r"\documentclass", "refs.bib:1: BibTeX: "),
    ],
)
def test_an_error_is_one_line_with_file_and_line(tmp_path, before, after, words):
    refs = "@article{haufe, author={Haufe,, year=2014\n" if before == after else REFS
    with pytest.raises(tex.TexError) as caught:
        build(tmp_path / "paper", PAPER.replace(before, after), refs)
    message = str(caught.value)
    assert words in message
    assert message.endswith(f"(log: {tmp_path / 'paper' / 'demo.log'})")
    assert "\n" not in message
    assert (tmp_path / "paper" / "demo.log").stat().st_size > 0
    assert not (tmp_path / "paper" / "out").exists()


@pytest.mark.slow
@needs_pdflatex
def test_a_font_that_would_become_a_bitmap_is_an_error(tmp_path):
    missing = PAPER.replace(r"\begin{document}", r"\font\odd=nosuchfont99 \begin{document}\odd")
    with pytest.raises(tex.TexError, match="nosuchfont99"):
        build(tmp_path / "paper", missing)


@pytest.mark.slow
@needs_pdflatex
def test_a_failure_leaves_the_old_pdf(tmp_path):
    pdf = build(tmp_path / "paper")
    before = pdf.read_bytes()
    with pytest.raises(tex.TexError):
        build(tmp_path / "paper", PAPER.replace("Hello", r"\nowhere"))
    assert pdf.read_bytes() == before


def test_a_missing_main_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"main\.tex: no such file"):
        tex.compile(tmp_path / "main.tex", tmp_path / "out.pdf", log=tmp_path / "log")


@pytest.mark.slow
@needs_pdflatex
def test_errors_name_files_as_seen_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(tex.TexError, match=r"^paper/main\.tex:5: "):
        build(Path("paper"), PAPER.replace("Hello", r"\nowhere"))


# -- tectonic ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def tectonic(machine, tmp_path):
    """A tectonic that copies its input to the PDF, and what it is to print and to log."""
    for name in ("cp", "cat", "mkdir"):
        (machine.bin / name).symlink_to(shutil.which(name, path="/usr/bin:/bin") or name)

    def prints(output: str = "", log: str = "This is Tectonic", status: int = 0) -> None:
        (tmp_path / "printed").write_text(output)
        (tmp_path / "logged").write_text(log)
        machine.program(
            "tectonic",
            f'echo "$@" >{tmp_path}/arguments; env >{tmp_path}/env 2>&1; cat {tmp_path}/printed\n'
            "for argument; do case $argument in --outdir=*) out=${argument#--outdir=};; esac; last=$argument; done\n"
            f'cp "$last" "$out/demo.pdf"; cp {tmp_path}/logged "$out/demo.log"; exit {status}',
        )

    return prints


def test_tectonic_gets_the_sources_and_where_to_look(tectonic, tmp_path):
    tectonic()
    pdf = build(tmp_path / "paper", directory=tmp_path)
    assert pdf.read_text() == "\\def\\study{demo}\\input{paper/main.tex}\n"
    arguments = (tmp_path / "arguments").read_text()
    assert f"-Zsearch-path={tmp_path} -Zsearch-path={tmp_path / 'paper'}" in arguments
    assert (tmp_path / "paper" / "demo.log").read_text() == "This is Tectonic"


@pytest.mark.parametrize(
    ("output", "log", "status", "words"),
    [
        ("error: main.tex:5: Undefined control sequence\n", "", 1, "main.tex:5: Undefined control sequence"),
        ("error: failed to fetch the bundle\n", "", 1, "main.tex: failed to fetch the bundle"),
        ("", "", 1, "main.tex: tectonic failed with exit status 1"),
        (
            "",
            "LaTeX Warning: Reference `two' on page 1 undefined on input line 5.",
            0,
            "undefined reference two (line 5)",
        ),
    ],
)
def test_tectonics_errors_are_told_the_same_way(tectonic, tmp_path, output, log, status, words):
    tectonic(output, log, status)
    with pytest.raises(tex.TexError) as caught:
        build(tmp_path / "paper")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "paper" / "out").exists()
