"""TeX: find or install an engine, and compile PDFs whose bytes depend only on their sources.

``make paper`` first calls ``python -m netlens.workflow.tex``, which installs TeX if none is found and the user is root
on Debian or Ubuntu. Without TeX, everything except the PDF can be made, and `install_hint` says how to install it.
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from netlens.files.atomic import move, writing
from netlens.workflow.errors import UserError

#: Debian packages that contain what the paper needs: hyperref, booktabs, caption, natbib, Type 1 Computer Modern.
APT_PACKAGES = ("texlive-latex-base", "texlive-latex-recommended")

_DEBIAN = {"debian", "ubuntu"}
_APT_LISTS = Path("/var/lib/apt/lists")
_INSTALL = {
    "fedora": "dnf install -y texlive-scheme-basic texlive-collection-latexrecommended",
    "rhel": "dnf install -y texlive-scheme-basic texlive-collection-latexrecommended",
    "suse": "zypper install -y texlive-scheme-basic texlive-collection-latexrecommended",
    "arch": "pacman -S --needed texlive-latexrecommended",
}
_MOST_PASSES = 6
_PASS_SECONDS = 300.0
# Files in which one pass of TeX stores information for the next.
_CARRIED = (".aux", ".bbl", ".lof", ".lot", ".out", ".toc")
_REPORTED_KEYS = 8

_ERROR = re.compile(r"^(?:error: )?(?P<file>[^\s:][^:]*):(?P<line>\d+): (?P<words>.+)$")
_OTHER_ERROR = re.compile(r"^(?:! ?|error: )(?P<words>.+)$")
_UNDEFINED = re.compile(
    r"(?P<kind>Citation|Reference) [`'](?P<key>[^']*)'(?: on page \S+)? undefined(?: on input line (?P<line>\d+))?"
)
_TWICE = re.compile(r"Label [`'](?P<key>[^']*)' multiply defined")


class TexError(UserError):
    """The PDF could not be compiled; the message has the first error with file and line, and the log."""


@dataclass(frozen=True)
class Engine:
    """A program that compiles TeX sources into a PDF.

    Attributes
    ----------
    name
        ``"pdflatex"`` or ``"tectonic"``.
    program
        Its path.
    bibtex
        The path of BibTeX; None for tectonic, which includes it.
    """

    name: str
    program: Path
    bibtex: Path | None = None


def find_engine() -> Engine | None:
    """TeX engine on PATH: pdflatex with bibtex, or else tectonic; None if there is neither."""
    pdflatex, bibtex, tectonic = (shutil.which(name) for name in ("pdflatex", "bibtex", "tectonic"))
    if pdflatex and bibtex:
        return Engine("pdflatex", Path(pdflatex), Path(bibtex))
    if tectonic:
        return Engine("tectonic", Path(tectonic))
    return None


def install_hint() -> str:
    """Command that installs TeX on this machine."""
    families = _families()
    sudo = "" if _is_root() else "sudo "
    if not os.environ.get("CONDA_PREFIX"):
        if sys.platform == "darwin":
            return "brew install tectonic"
        if families & _DEBIAN:
            update = "" if _apt_has_lists() else f"{sudo}apt-get update && "
            return f"{update}{sudo}apt-get install -y --no-install-recommends {' '.join(APT_PACKAGES)}"
        for family, command in _INSTALL.items():
            if family in families:
                return f"{sudo}{command}"
    return "conda install -c conda-forge tectonic"


def ensure_engine(log: str | Path, say: Callable[[str], None] = print) -> Engine | None:
    """TeX engine, which is installed with apt if there is none and that is possible without asking.

    Apt is used only by root on Debian and Ubuntu, announced in one line, and disabled by
    ``NETLENS_NO_TEX_INSTALL=1``.

    Parameters
    ----------
    log
        Where apt's output goes.
    say
        Function that prints one line.

    Returns
    -------
    Engine or None
        None if there is still none; then everything except the PDF can be made.
    """
    engine = find_engine()
    if engine or not _can_install():
        return engine
    started = time.monotonic()
    say(f"TeX: none found; apt-get is installing {' '.join(APT_PACKAGES)} (50 MB, half a minute; log: {log})")
    problem = _apt_install(Path(log))
    engine = find_engine()
    if engine:
        say(f"TeX: installed ({time.monotonic() - started:.0f} s)")
    else:
        say(f"TeX: apt-get failed ({problem or 'it did not install pdflatex'}); everything except the PDF will be made")
    return engine


def compile(
    main_tex: str | Path,
    out_pdf: str | Path,
    *,
    log: str | Path,
    definitions: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    directory: str | Path | None = None,
    bibliography: str | Path | None = None,
) -> None:
    """Compile TeX sources into a PDF, which is written atomically and whose bytes depend only on the sources.

    The PDF contains no date, file name or identifier of the run. BibTeX runs if the sources have a bibliography; passes
    are repeated until nothing changes. Nothing is written beside the sources.

    Parameters
    ----------
    main_tex
        The main file.
    out_pdf
        The PDF.
    log
        Where the log of TeX and BibTeX goes, even after success.
    definitions
        Macros that are defined before the main file is read, by name without backslash.
    env
        Environment variables to set or replace, such as ``SOURCE_DATE_EPOCH`` (default: 0).
    directory
        The folder to which file names in the sources are relative; by default, that of the main file.
    bibliography
        Where to write what BibTeX makes of the bibliography, if there is one.

    Raises
    ------
    TexError
        There is no TeX engine, or the sources have an error, an undefined reference or citation, or a repeated label.
    FileNotFoundError
        `main_tex` does not exist.
    """
    main_tex, out_pdf, log = Path(main_tex), Path(out_pdf), Path(log)
    if not main_tex.is_file():
        raise FileNotFoundError(f"{main_tex}: no such file")
    for name in definitions or {}:
        if not re.fullmatch("[A-Za-z]+", name):
            raise ValueError(f"{name!r} cannot be the name of a TeX macro: use only letters")
    engine = find_engine()
    if engine is None:
        raise TexError(f"{out_pdf}: no TeX engine found; install one: {install_hint()}")

    with tempfile.TemporaryDirectory(prefix="netlens-tex-") as folder:
        run = _Run(
            engine=engine,
            main_tex=main_tex.resolve(),
            directory=Path(directory or main_tex.parent).resolve(),
            build=Path(folder).resolve(),
            job=out_pdf.stem,
            prelude="".join(rf"\def\{name}{{{value}}}" for name, value in (definitions or {}).items()),
            env=dict(env or {}),
        )
        problem = run.pdflatex() if engine.name == "pdflatex" else run.tectonic()
        with writing(log) as temporary:
            temporary.write_text(run.log(), encoding="utf-8")
        if problem:
            raise TexError(f"{problem} (log: {log})")
        made = run.build / f"{run.job}.bbl"
        if bibliography is not None and made.is_file():
            move(made, Path(bibliography))
        move(run.build / f"{run.job}.pdf", out_pdf)


@dataclass
class _Run:
    """One compilation in its own folder; the methods return an error message of one line, or None."""

    engine: Engine
    main_tex: Path
    directory: Path
    build: Path
    job: str
    prelude: str
    env: dict[str, str]
    chatter: str = ""

    def pdflatex(self) -> str | None:
        first = (
            # No identifier of the run, dates or names of included files: the bytes depend only on the sources.
            r"\pdftrailerid{}\pdfinfoomitdate=1 \pdfsuppressptexinfo=-1 "
            + self.prelude
            + rf"\input{{{os.path.relpath(self.main_tex, self.directory)}}}"
        )
        command = [
            str(self.engine.program), "-interaction=nonstopmode", "-halt-on-error", "-file-line-error",
            "-no-shell-escape", f"-jobname={self.job}", f"-output-directory={self.build}", first,
        ]  # fmt: skip
        before = cited = ""
        for _ in range(_MOST_PASSES):
            problem = self._call(command, self.directory)
            if problem:
                return problem
            aux = self._read(".aux")
            citing = "\n".join(line for line in aux.splitlines() if line.startswith((r"\citation", r"\bib")))
            if r"\bibdata" in aux and citing != cited:
                problem = self._bibtex()
                if problem:
                    return problem
                # BibTeX's output depends on the citations, not on \bibcite, which the next pass adds.
                cited = citing
            after = self._carried()
            if after == before:
                return self._undefined()
            before = after
        return f"{self._name(self.main_tex)}: references still change after {_MOST_PASSES} passes"

    def tectonic(self) -> str | None:
        wrapper = self.build / f"{self.job}.tex"
        relative = os.path.relpath(self.main_tex, self.directory)
        wrapper.write_text(rf"{self.prelude}\input{{{relative}}}" + "\n", encoding="utf-8")
        searched = dict.fromkeys((self.directory, self.main_tex.parent))
        command = [
            str(self.engine.program), "--keep-logs", "--keep-intermediates", "--print", f"--outdir={self.build}",
            *(f"-Zsearch-path={path}" for path in searched), str(wrapper),
        ]  # fmt: skip
        return self._call(command, self.directory) or self._undefined()

    def log(self) -> str:
        """Logs of TeX and BibTeX, or what was printed if TeX wrote no log."""
        return (self._read(".log") or self.chatter) + self._read(".blg")

    def _call(self, command: list[str], folder: Path) -> str | None:
        try:
            done = subprocess.run(
                command, cwd=folder, env=self._environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, encoding="utf-8", errors="replace", timeout=_PASS_SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"{self._name(self.main_tex)}: {self.engine.name} was still running after {_PASS_SECONDS:.0f} s"
        self.chatter = done.stdout
        if done.returncode:
            return (
                self._first_error()
                or f"{self._name(self.main_tex)}: {self.engine.name} failed with exit status {done.returncode}"
            )
        if not (self.build / f"{self.job}.pdf").is_file():
            return f"{self._name(self.main_tex)}: the PDF has no pages"
        return None

    def _bibtex(self) -> str | None:
        assert self.engine.bibtex is not None
        done = subprocess.run(
            [str(self.engine.bibtex), self.job], cwd=self.build, env=self._environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace", check=False,
        )  # fmt: skip
        if done.returncode == 0:
            return None
        self.chatter = done.stdout
        lines = self._read(".blg").splitlines()
        # BibTeX writes what is wrong and then, on the same line or the next, "---line 4 of file refs.bib".
        for before, line in zip(["", *lines], lines, strict=False):
            what, dashes, where = line.partition("---")
            if dashes and where.startswith("line "):
                number, _, file = where.removeprefix("line ").partition(" of file ")
                return f"{file}:{number}: BibTeX: {what or before}"
        return f"{self._name(self.main_tex)}: BibTeX failed: {next(iter(done.stdout.splitlines()), 'no output')}"

    def _environment(self) -> dict[str, str]:
        inherited = dict(os.environ)
        here = "".join(f"{path}{os.pathsep}" for path in dict.fromkeys((self.directory, self.main_tex.parent)))
        searched = {name: here + inherited.get(name, "") for name in ("TEXINPUTS", "BIBINPUTS", "BSTINPUTS")}
        fixed = {
            "SOURCE_DATE_EPOCH": "0",
            "FORCE_SOURCE_DATE": "1",
            # Otherwise TeX breaks lines after 79 characters, even within names.
            "max_print_line": "10000",
            "error_line": "254",
            "half_error_line": "238",
            # An error is better than a font that is generated as a bitmap in the home folder.
            "MKTEXPK": "0",
            "MKTEXTFM": "0",
        }
        return inherited | searched | fixed | self.env

    def _first_error(self) -> str | None:
        """The first error in the output, with its location; None if there is none."""
        lines = [line.rstrip() for line in (self._read(".log") + self.chatter).splitlines()]
        located = [found if (found := _ERROR.match(line)) else None for line in lines]
        for number, line in enumerate(lines):
            found = located[number] or _OTHER_ERROR.match(line)
            if not found:
                continue
            # Some errors are followed by their location.
            place = next((match for match in located[number:] if match), None)
            where = f"{self._name(self.directory / place['file'])}:{place['line']}" if place else ""
            return f"{where or self._name(self.main_tex)}: {self._explained(found['words'], lines[number + 1 :])}"
        return None

    @staticmethod
    def _explained(words: str, following: list[str]) -> str:
        """TeX's error message, completed from the lines that follow it and with how to install what is missing."""
        words = words.removeprefix("LaTeX Error: ").rstrip(".")
        context = next((line for line in following if re.match(r"l\.\d+ ", line)), "").split()
        if "ndefined control sequence" in words and context:
            return f"{words} {context[-1]}"
        if "Emergency stop" in words and following and following[0].startswith("<*>"):
            return r"the text ends without \end{document}"
        if re.search(r"\.(?:sty|cls|def|fd)' not found|\bFont \S+ at \d+ not found", words):
            return f"{words}; the required packages are installed with: {install_hint()}"
        return words

    def _undefined(self) -> str | None:
        log = self._read(".log")
        found = [
            f"{match['kind'].lower()} {match['key']}" + (f" (line {match['line']})" if match["line"] else "")
            for match in _UNDEFINED.finditer(log)
        ]
        found = [f"undefined {words}" for words in dict.fromkeys(found)]
        found += [f"label {key} defined twice" for key in dict.fromkeys(_TWICE.findall(log))]
        if not found:
            return None
        more = f" and {len(found) - _REPORTED_KEYS} more" if len(found) > _REPORTED_KEYS else ""
        return f"{self._name(self.main_tex)}: {', '.join(found[:_REPORTED_KEYS])}{more}"

    def _carried(self) -> str:
        digest = hashlib.sha256()
        for suffix in _CARRIED:
            digest.update(f"{suffix}\0{self._read(suffix)}\0".encode())
        return digest.hexdigest()

    def _read(self, suffix: str) -> str:
        try:
            return (self.build / f"{self.job}{suffix}").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    @staticmethod
    def _name(path: Path) -> str:
        """Path relative to the working directory if it is inside."""
        path = Path(os.path.normpath(path))
        return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _families() -> set[str]:
    """Names of the distribution and those it is based on, from /etc/os-release."""
    try:
        fields = platform.freedesktop_os_release()
    except OSError:
        return set()
    return {fields.get("ID", ""), *fields.get("ID_LIKE", "").split()} - {""}


def _apt_has_lists() -> bool:
    return any(_APT_LISTS.glob("*_Packages*"))


def _can_install() -> bool:
    return (
        os.environ.get("NETLENS_NO_TEX_INSTALL", "") in {"", "0"}
        and _is_root()
        and shutil.which("apt-get") is not None
        and bool(_families() & _DEBIAN)
    )


def _apt_install(log: Path) -> str:
    """Install the packages, and return the error that apt reports, or an empty string."""
    install = ["install", "-y", "--no-install-recommends", *APT_PACKAGES]
    # Old package lists name files that are gone from the mirrors, so after a failure the lists are updated.
    attempts = [["update"], install] if not _apt_has_lists() else [install, ["update"], install]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:
        for step in attempts:
            done = subprocess.run(
                ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", *step], stdin=subprocess.DEVNULL, stdout=file,
                stderr=subprocess.STDOUT, env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"), check=False,
            )  # fmt: skip
            if done.returncode == 0 and step is install:
                return ""
    errors = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.startswith("E: ")]
    return errors[0].removeprefix("E: ") if errors else ""


def _main() -> int:
    ensure_engine(Path(sys.prefix) / "netlens-tex.log", lambda line: print(line, flush=True))
    return 0


if __name__ == "__main__":
    sys.exit(_main())
