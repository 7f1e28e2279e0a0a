"""The paper's parts and checks, on a small study made here; and the real text, with made-up values for every item."""

import json
import re
import shutil
import subprocess
import sys
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from matplotlib import pyplot as plt

from netlens.files.hashing import sha256_of
from netlens.publish import macro
from netlens.statistics.intervals import Interval
from netlens.workflow import tex
from netlens.workflow.catalogue import SECTIONS, load_catalogue
from netlens.workflow.paper.compilation import _OVERFULL, compile_paper
from netlens.workflow.paper.parts import write_macro_list, write_parts
from netlens.workflow.paper.references import check
from netlens.workflow.paper.run_words import _commit
from netlens.workflow.paper.text import ANALYSES, PaperError, study_items, study_texts
from netlens.workflow.paper.wording import duration
from netlens.workflow.study import load_study

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
MAIN = Path("paper/main.tex")
ALL = Path("export_defs/demo/all.tex")
PARTS = Path("results/demo/paper/parts.tex")

needs_tex = pytest.mark.skipif(tex.find_engine() is None, reason=f"no TeX engine; to get one: {tex.install_hint()}")

WORDS = {
    "title": "Demo study: 100 % crops & scraps",
    "images_are": "crops of  photographs.\nThis is not ImageNet.",
}
ITEMS = {
    "data": {"classCount": {"kind": "macro", "shows": "number of classes"}},
    "signal_distractor": {
        "scatter": {"kind": "figure", "shows": "points", "caption": "Points of \\classCount{} classes, $x_1$."},
        "angles": {"kind": "figure", "shows": "angles & more"},
        "smallAngle": {"kind": "macro", "shows": "an angle"},
        "largeRatio": {"kind": "macro", "shows": "a ratio"},
        "turning": {"kind": "page", "shows": "a page"},
    },
}
MACHINE = {"processor": "Some(R) CPU_9", "cores": 2, "memory_gb": 25.3, "system": "Linux x86_64", "python": "3.11.7"}


def record(**changes):
    """What the runner writes beside each output."""
    return {
        "notebook": {"path": "notebooks/data/any.ipynb", "sha256": "0" * 64},
        "inputs": {},
        "code": {},
        "outputs": {},
        "seed": 7,
        "git": {"commit": "0123456789abcdef", "clean": True},
        "pins": {"path": "requirements/cpu.txt", "sha256": "f" * 64},
        "devices": ["CPU"],
        "versions": {"tensorflow-cpu": "2.21.0", "numpy": "2.4.6", "pillow": "12"},
        "machine": MACHINE,
        "duration_s": 10.0,
        "peak_memory_mb": 500,
        **changes,
    }


def write(path, text):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_record(path, **changes):
    old = json.loads(Path(path).read_text()) if Path(path).is_file() else {}
    write(path, json.dumps({"rule": Path(path).stem, **old, **record(**changes)}))


def make_items(values=None, picture=None):
    """Leave behind what the study's rules would."""
    for number, item in enumerate(load_catalogue().values()):
        stem = item.stem("demo")
        if item.kind == "macro":
            macro.save(stem, (values or {}).get(item.name, 1.5 + number), rounding=macro.ratio())
        else:
            for file in item.files("demo")[:-1]:
                write(file, "made")
        if item.kind == "figure" and picture:
            shutil.copy(picture, f"{stem}.pdf")
        write_record(item.files("demo")[-1])


def complete_records():
    """Make the records of all items those of files that nobody has touched since."""
    notebook = "notebooks/data/any.ipynb"
    write(notebook, '{"cells": []}')
    for item in load_catalogue().values():
        *files, path = item.files("demo")
        stored = json.loads(path.read_text())
        made = {
            "rule": item.name,
            "notebook": {"path": notebook, "sha256": sha256_of(notebook)},
            "code": {},
            "outputs": {str(file): sha256_of(file) for file in files},
        }
        write(path, json.dumps({**stored, "inputs": {}, **made}))


@pytest.fixture
def picture(tmp_path):
    fig = plt.figure(figsize=(4, 2))
    fig.savefig(tmp_path / "picture.pdf")
    plt.close(fig)
    return tmp_path / "picture.pdf"


@pytest.fixture
def study(tmp_path, monkeypatch, with_known_networks):
    """A folder with a study of six items and a paper of a few lines."""
    folder = tmp_path / "study"
    (folder / "config").mkdir(parents=True)
    with_known_networks(folder)
    shutil.copy(ROOT / "config" / "schema.yaml", folder / "config")
    monkeypatch.chdir(folder)
    config = yaml.safe_load((ROOT / "config" / "demo.yaml").read_text(encoding="utf-8"))
    write("config/demo.yaml", yaml.safe_dump({**config, **WORDS}))
    for section, items in ITEMS.items():
        write(f"notebooks/{section}/items.yaml", yaml.safe_dump(items, sort_keys=False))
    write("paper/style.tex", (ROOT / "paper" / "style.tex").read_text())
    write("paper/refs.bib", "@misc{someone2020,\n  title = {T},\n author = {A. Someone},\n  year = {2020},\n}\n")
    write("paper/sections/signal_distractor.tex", "\\section{S}\nThe ratio is \\largeRatio.\n")
    write(
        MAIN,
        "\\documentclass{article}\n\\input{paper/style}\n\\input{export_defs/\\study/all}\n"
        "\\input{results/\\study/paper/parts}\n\\begin{document}\n\\studyTitle: \\studyImages.\n"
        "\\classCount, \\smallAngle. \\analysesSentence\n\\inputAnalyses\n"
        "\\netlensfigure{scatter}{2in} \\citep{someone2020}\n"
        "\\netlenssupplement\n\\bibliographystyle{plainnat}\\bibliography{paper/refs}\n\\end{document}\n",
    )
    make_items()
    return folder


def parts():
    write_macro_list("demo", ALL)
    write_parts("demo", PARTS)
    return PARTS.read_text()


def word(text, name):
    """The text of a macro that parts.tex defines."""
    return re.search(rf"\\newcommand\{{\\{name}\}}\{{(.*)\}}%$", text, re.MULTILINE)[1]


# ---- the list of macros


def test_macros_are_read_in_the_order_of_the_catalogue(study):
    write_macro_list("demo", ALL)
    read = re.findall(r"\\input\{(.*)\}", ALL.read_text())
    assert read == [f"export_defs/demo/{name}.tex" for name in ("classCount", "smallAngle", "largeRatio")]
    before = ALL.read_bytes()
    write_macro_list("demo", ALL)
    assert ALL.read_bytes() == before


def test_a_macro_that_is_not_made_is_named(study):
    Path("export_defs/demo/smallAngle.tex").unlink()
    with pytest.raises(PaperError, match=r"^not made yet: export_defs/demo/smallAngle\.tex; make it: netlens run$"):
        write_macro_list("demo", ALL)
    assert not ALL.exists()


# ---- parts


def test_the_study_says_what_it_is_and_special_characters_are_escaped(study):
    text = parts()
    assert word(text, "studyTitle") == r"Demo study: 100 \% crops \& scraps"
    assert word(text, "studyImages") == "crops of photographs. This is not ImageNet"


def test_captions_come_from_the_catalogue_or_from_what_the_item_shows(study):
    text = parts()
    assert "netlens@caption@scatter\\endcsname{Points of \\classCount{} classes, $x_1$.}%" in text
    assert "netlens@caption@angles\\endcsname{angles \\& more.}%" in text
    # The alternative text is what the item shows, as a PDF has text.
    assert f"netlens@alt@angles\\endcsname{{FEFF{'angles & more'.encode('utf-16-be').hex().upper()}}}%" in text
    assert "netlens@file@angles\\endcsname{figures/demo/signal_distractor/angles.pdf}%" in text


def test_figures_link_to_the_supplement_where_it_is_published_or_to_its_files(study):
    assert "netlens@link@scatter\\endcsname{../site/demo/items/scatter.html}%" in parts()
    config = yaml.safe_load(Path("config/demo.yaml").read_text(encoding="utf-8"))
    write("config/demo.yaml", yaml.safe_dump({**config, "site": "https://example.org/a_b/"}))
    assert "netlens@link@scatter\\endcsname{https://example.org/a_b/items/scatter.html}%" in parts()


def test_counts_are_those_of_the_catalogue(study):
    text = parts()
    names = ("runItemsCount", "runFiguresCount", "runMacrosCount", "runPagesCount", "runSupplementCount")
    assert [word(text, name) for name in names] == ["6", "2", "3", "1", "1"]


def test_a_section_is_in_the_paper_only_with_its_text_and_its_items(study):
    assert word(parts(), "inputAnalyses") == r"\input{results/demo/paper/sections/signal_distractor}"
    assert "one of the six analyses" in word(parts(), "analysesSentence")
    write("paper/sections/weights.tex", "\\section{W}\n")
    assert "weights" not in word(parts(), "inputAnalyses"), "no items"
    write("notebooks/weights/items.yaml", yaml.safe_dump({"kernels": {"kind": "figure", "shows": "kernels"}}))
    make_items()
    assert word(parts(), "inputAnalyses").endswith(r"\input{results/demo/paper/sections/weights}")
    assert word(parts(), "analysesSentence").startswith("This edition holds two of the six analyses")
    for name in ANALYSES:
        write(f"paper/sections/{name}.tex", "")
        write(f"notebooks/{name}/items.yaml", yaml.safe_dump({f"{name}_": {"kind": "figure", "shows": name}}))
    make_items()
    assert word(parts(), "analysesSentence").startswith("This edition holds all six analyses: ")


def test_every_job_that_an_item_came_from_counts_once(study):
    # scatter was made from patterns, those from sums (one job, two files); an old file was used by nobody.
    write_record(
        "results/demo/sums.json", outputs={"results/demo/a.npz": "", "results/demo/b.npz": ""}, duration_s=3600
    )
    write_record(
        "results/demo/patterns/net.json",
        inputs={"results/demo/a.npz": "", "results/demo/b.npz": "", "photographs": ""},
        outputs={"results/demo/patterns/net.npz": ""},
        peak_memory_mb=2345,
    )
    write_record("results/demo/old.json", outputs={"results/demo/old.npz": ""}, duration_s=99999)
    write("results/demo/networks/network.json", '{"layers": []}')
    for name in ("scatter", "angles"):
        write_record(f"figures/demo/signal_distractor/{name}.json", inputs={"results/demo/patterns/net.npz": ""})
    text = parts()
    assert word(text, "runJobsCount") == "8"
    assert word(text, "runDuration") == "1~hour 1~minute"
    assert word(text, "runLongestDuration") == "1~hour"
    assert word(text, "runPeakMemory") == r"2.3\,GB"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0~seconds"),
        (0.4, "0~seconds"),
        (1, "1~second"),
        (59.7, "1~minute"),
        (61, "1~minute 1~second"),
        (7200, "2~hours"),
        (7325, "2~hours 2~minutes"),
    ],
)
def test_durations_in_words(seconds, words):
    assert duration(seconds) == words


def test_machine_versions_and_pins_are_told(study):
    text = parts()
    assert word(text, "runMachines") == r"Some CPU\_9, two cores, 25.3\,GB of memory, Linux x86\_64"
    assert word(text, "runVersions") == "TensorFlow 2.21.0 and NumPy 2.4.6"
    assert r"from \texttt{requirements/cpu.txt} (SHA-256 \texttt{ffffffffffff})" in word(text, "runPinsSentence")
    assert word(text, "runSeeds") == "7"


def test_results_that_were_taken_are_told_with_where_they_are_from(study):
    assert word(parts(), "runTakenSentence") == ""
    write_record("site/demo/turning.json", taken_from="results_of_May.zip")
    sentence = word(parts(), "runTakenSentence")
    assert "one was not computed here but taken from \\texttt{results\\_of\\_May.zip}; " in sentence
    assert "machines and times is of the run that computed it." in sentence


def test_differences_between_jobs_are_not_hidden(study):
    write_record(
        "site/demo/turning.json",
        versions={"numpy": "2.3.0"},
        machine={**MACHINE, "cores": 64},
        git={"commit": "fedcba9876543210", "clean": False},
        devices=["/physical_device:GPU:0"],
    )
    text = parts()
    assert "NumPy 2.3.0 and 2.4.6" in word(text, "runVersions")
    assert word(text, "runMachines").count("CPU") == 2
    assert "GPU:0" in word(text, "runDevices")
    commit = word(text, "runCommit")
    assert r"\texttt{0123456789}" in commit and r"\texttt{fedcba9876}" in commit and "not committed" in commit


@pytest.mark.parametrize(
    ("git", "words"),
    [
        ({"commit": "0123456789abcdef", "clean": True}, r"at commit \texttt{0123456789}"),
        ({"commit": None, "clean": None}, "not under version control"),
    ],
)
def test_the_state_of_the_code(git, words):
    assert _commit([git, git]) == words


def test_what_is_no_record_is_told(study):
    write("site/demo/turning.json", "{}")
    with pytest.raises(PaperError, match=r"turning\.json is not a provenance record; .* netlens run turning$"):
        parts()


# ---- comparisons


def rank(text, name, end="low"):
    return int(re.search(rf"netlens@{end}rank@{re.escape(name)}\\endcsname\{{(\d+)\}}", text)[1])


def test_compared_values_are_ranked_at_full_precision(study):
    for name, value in {"smallAngle": 1.0000000001, "largeRatio": 3.2e57}.items():
        macro.save(f"export_defs/demo/{name}", value, rounding=macro.ratio())
        write_record(f"export_defs/demo/{name}.json")
    write("paper/sections/words.tex", "\\ifgreater{smallAngle}{1}{a}{b} \\ifgreater{largeRatio}{smallAngle}{a}{b}")
    text = parts()
    assert rank(text, "1") < rank(text, "smallAngle") < rank(text, "largeRatio")


def test_a_sampled_value_is_ranked_by_the_ends_of_its_interval(study):
    interval = Interval(2.0, 0.5, 3.0, 0.95, 10)
    macro.save("export_defs/demo/smallAngle", 2.0, rounding=macro.ratio(), interval=interval)
    write_record("export_defs/demo/smallAngle.json")
    write("paper/sections/words.tex", "\\ifgreater{smallAngle}{1}{a}{b} \\ifgreater{4}{smallAngle}{a}{b}")
    text = parts()
    assert rank(text, "smallAngle") < rank(text, "1") < rank(text, "smallAngle", "high") < rank(text, "4")
    assert rank(text, "1") == rank(text, "1", "high")


def test_equal_values_have_equal_ranks(study):
    write("paper/sections/words.tex", "\\ifgreater{2}{2.0}{a}{b}")
    assert rank(parts(), "2") == rank(parts(), "2.0")


def test_a_comparison_with_something_else_is_refused(study):
    write("paper/sections/words.tex", "one\n\\ifgreater{smalAngle}{1}{a}{b}")
    with pytest.raises(PaperError, match=r"^paper/sections/words\.tex:2: .*'smalAngle'.*did you mean smallAngle"):
        parts()


def test_words_cannot_be_compared(study):
    macro.save("export_defs/demo/smallAngle", "words", rounding=macro.text())
    write_record("export_defs/demo/smallAngle.json")
    write("paper/sections/words.tex", "\\ifgreater{smallAngle}{1}{a}{b}")
    with pytest.raises(PaperError, match="which is not a number"):
        parts()


# ---- checks before TeX


def test_an_interval_of_a_number_that_does_not_exist_is_named(study):
    parts()
    write("paper/sections/words.tex", "\\largeRatio\\interval{largeRatio} and \\interval{largRatio}.\n")
    assert check("demo", MAIN) == [
        "paper/sections/words.tex:1: \\interval names 'largRatio', which is no macro (did you mean largeRatio?)"
    ]


def test_a_text_that_fits_the_study_has_no_problems(study):
    parts()
    assert check("demo", MAIN) == []


def test_a_forgotten_macro_is_one_line(study):
    parts()
    write("paper/sections/words.tex", "first\n% \\commentedOut\n\\section{Words} is \\largRatio{} and \\hbox{}.\n")
    problems = check("demo", MAIN)
    assert len(problems) == 1
    assert problems[0].startswith("paper/sections/words.tex:3: \\largRatio is not a macro of study demo")
    assert "did you mean largeRatio?" in problems[0] and "notebooks/<section>/items.yaml" in problems[0]


def test_a_macro_that_the_text_defines_itself_is_none_of_ours(study):
    parts()
    write("paper/sections/words.tex", "\\newcommand{\\myWords}{x}\\def\\moreWords{y}\\myWords\\moreWords")
    assert check("demo", MAIN) == []


def test_macros_and_figures_that_are_not_made_are_named_with_the_command(study):
    parts()
    Path("export_defs/demo/largeRatio.tex").unlink()
    Path("figures/demo/signal_distractor/scatter.pdf").unlink()
    problems = "\n".join(check("demo", MAIN))
    assert (
        "\\largeRatio: export_defs/demo/largeRatio.tex has not been made; make it: netlens run largeRatio" in problems
    )
    assert "figure scatter: figures/demo/signal_distractor/scatter.pdf has not been made" in problems


def test_a_figure_that_is_no_item_is_named(study):
    parts()
    write("paper/sections/words.tex", "\n\\begin{figure}\\netlensgraphic{scater}{}\\end{figure}")
    assert check("demo", MAIN) == [
        "paper/sections/words.tex:2: 'scater' is not a figure of the study (did you mean scatter?); correct the name, "
        "or add an item scater of kind figure to notebooks/<section>/items.yaml, with its rule"
    ]


def test_a_reference_to_a_figure_that_is_not_there_is_named(study):
    parts()
    write("paper/sections/words.tex", "\\ref{fig:angles}, \\ref{fig:mine}\\label{fig:mine},\n\\ref{fig:angle}")
    assert check("demo", MAIN) == [
        "paper/sections/words.tex:2: reference to figure 'angle', which the study does not have (did you mean angles?)"
    ]


def test_a_citation_that_is_not_in_the_bibliography_is_named(study):
    parts()
    write("paper/sections/words.tex", "\\citep[p.~1]{someone2020, somone2020}")
    assert check("demo", MAIN) == [
        "paper/sections/words.tex:1: citation 'somone2020' is not in the bibliography (did you mean someone2020?)"
    ]


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("of snake_case", "'_' outside math mode"),
        ("costs $5", "unpaired $"),
        ("a \\textbf{b", "braces do not match"),
        ("the \\largeRation", "\\largeRation is not a macro"),
    ],
)
def test_a_caption_that_tex_would_stop_at_is_named_where_it_is_written(study, caption, words):
    parts()
    items = {**ITEMS["signal_distractor"], "scatter": {"kind": "figure", "shows": "points", "caption": caption}}
    write("notebooks/signal_distractor/items.yaml", yaml.safe_dump(items))
    problems = check("demo", MAIN)
    assert len(problems) == 1
    assert problems[0].startswith("notebooks/signal_distractor/items.yaml: scatter: caption: ")
    assert words in problems[0]


def test_the_text_of_a_section_that_is_left_out_is_not_checked(study):
    parts()
    write("paper/sections/spatial_attribution.tex", "\\notYetMade \\netlensfigure{notYet}{}")
    assert check("demo", MAIN) == []


def test_all_mistakes_are_told_at_once_and_no_pdf_is_left(study):
    parts()
    write("paper/sections/words.tex", "\\oneMacro\n\\otherMacro")
    with pytest.raises(PaperError) as error:
        compile_paper("demo", MAIN, Path("paper/demo.pdf"))
    assert len(str(error.value).splitlines()) == 2
    assert not Path("paper/demo.pdf").exists()


# ---- the PDF


def printed(name="demo"):
    """What TeX wrote into its log: every file that it read, and what it complained of."""
    return Path(f"results/{name}/logs/paper.tex.log").read_text(encoding="utf-8", errors="replace")


@needs_tex
def test_the_paper_compiles_and_the_supplement_has_what_the_text_does_not(study, picture):
    make_items(picture=picture)
    parts()
    compile_paper("demo", MAIN, Path("paper/demo.pdf"))
    assert Path("paper/demo.pdf").read_bytes().startswith(b"%PDF")
    assert "angles.pdf" in printed() and "scatter.pdf" in printed()
    first = Path("paper/demo.pdf").read_bytes()
    compile_paper("demo", MAIN, Path("paper/demo.pdf"))
    assert Path("paper/demo.pdf").read_bytes() == first


@needs_tex
def test_comparisons_choose_their_words(study, picture):
    make_items({"smallAngle": 2.0, "classCount": 2.001, "largeRatio": 3.2e57}, picture=picture)
    write(
        "paper/sections/signal_distractor.tex",
        "\\typeout{RESULT \\ifgreater{largeRatio}{smallAngle}{more}{less} "
        "\\ifgreater{smallAngle}{largeRatio}{more}{less} \\ifgreater{smallAngle}{2}{more}{less}}"
        "\\typeout{PRINTED \\ifsame{smallAngle}{classCount}{same}{other} "
        "\\ifsame{smallAngle}{largeRatio}{same}{other}}",
    )
    parts()
    compile_paper("demo", MAIN, Path("paper/demo.pdf"))
    assert "RESULT more less less" in printed()
    assert "PRINTED same other" in printed(), "2.00 and 2.00, whatever the third decimal is"


@needs_tex
def test_a_line_that_is_too_wide_is_told(study, picture, capsys):
    make_items(picture=picture)
    write("paper/sections/signal_distractor.tex", "\n\\noindent\\hbox to 1.5\\textwidth{\\hrulefill}\n")
    parts()
    compile_paper("demo", MAIN, Path("paper/demo.pdf"))
    assert re.search(r"^netlens: paper/demo\.pdf: 1 line\(s\) .* by up to 235 pt", capsys.readouterr().err)


# ---- the real text


def inflated(pdf):
    """Contents of a PDF with its compressed streams as they are inside."""
    found = re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL)
    streams = []
    for stream in found:
        with suppress(zlib.error):
            streams.append(zlib.decompressobj().decompress(stream))
    return b"\n".join([pdf, *streams])


def entry(name):
    """A text of the paper's own description, which hyperref writes as octal numbers of UTF-16."""
    content = inflated(Path("paper/demo.pdf").read_bytes())
    written = re.search(rb"/%s ?\(((?:\\.|[^\\)])*)\)" % name.encode(), content, re.DOTALL)[1]
    plain = re.sub(
        rb"\\([0-7]{3}|.)", lambda f: bytes([int(f[1], 8)]) if len(f[1]) == 3 else f[1], written, flags=re.DOTALL
    )
    return plain.decode("utf-16" if plain.startswith(b"\xfe\xff") else "latin-1")


def addresses():
    """Where the links of the paper lead to."""
    found = re.findall(rb"/URI ?\(([^)]*)\)", inflated(Path("paper/demo.pdf").read_bytes()))
    return [address.replace(b"\\", b"").decode() for address in found]


@pytest.fixture
def real(tmp_path, monkeypatch, with_known_networks):
    """The repository's text, configuration and catalogue, with made-up values and one picture for every figure."""
    folder = tmp_path / "real"
    shutil.copytree(ROOT / "paper", folder / "paper", ignore=shutil.ignore_patterns("*.pdf"))
    shutil.copytree(ROOT / "config", folder / "config")
    for section in SECTIONS:
        if (file := ROOT / "notebooks" / section / "items.yaml").is_file():
            (folder / "notebooks" / section).mkdir(parents=True)
            shutil.copy(file, folder / "notebooks" / section)
    monkeypatch.chdir(folder)
    return with_known_networks(folder)


def test_the_real_text_uses_only_what_the_study_has(real):
    make_items()
    parts()
    assert check("demo", MAIN) == []


def test_the_real_text_has_no_number_of_a_result(real):
    # A percentage, a decimal fraction or a power of ten would be a result that somebody typed.
    for source in study_texts("demo", MAIN, load_catalogue().values(), ()):
        if "sections" in source.path or "studies" in source.path:
            typed = re.findall(r"\d+\.\d+|\d+\s*\\,?\\%|10\^", source.text)
            assert not typed, f"{source.path}: {typed}"


@needs_tex
def test_the_real_paper_compiles_with_outline_fonts_and_nothing_too_wide(real, picture):
    make_items(picture=picture)
    parts()
    compile_paper("demo", MAIN, Path("paper/demo.pdf"))
    assert {"../site/demo/items/scatter.html", "../site/demo/items/taxonomy.html"} <= set(addresses())
    assert entry("Title") == "Looking inside image classifiers: Demo study: three ImageNet networks and a small one"
    assert entry("Author") == "The netlens authors"
    assert entry("Keywords") == "image classification, interpretability, reproducibility"
    assert entry("Subject").startswith("The images of this study are views and crops") and entry("Lang") == "en"
    figures = [item for item in study_items(load_study("demo"))[0] if item.kind == "figure"]
    assert sorted(alternative_texts(Path("paper/demo.pdf"))) == sorted(item.shows for item in figures)
    log = printed()
    assert not re.search(r"\.\d+pk\b", log), "a bitmap font"
    assert not [points for points in _OVERFULL.findall(log) if float(points) > 2]
    for item in figures:
        assert f"{item.stem('demo')}.pdf" in log, f"{item.name} is not in the paper"


def alternative_texts(pdf):
    """What the PDF says in place of its pictures."""
    found = []
    content = pdf.read_bytes()
    for stream in re.finditer(rb"stream\r?\n", content):
        try:
            drawn = zlib.decompressobj().decompress(content[stream.end() :])
        except zlib.error:
            continue
        found += re.findall(rb"/Figure <</Alt <FEFF([0-9A-F]*)>>> BDC", drawn)
    return [bytes.fromhex(digits.decode()).decode("utf-16-be") for digits in found]


@needs_tex
def test_the_real_text_holds_whatever_the_numbers_are(real, picture):
    """The other branch of every comparison compiles too: numbers fall where those of the test above rise."""
    macros = [item.name for item in load_catalogue().values() if item.kind == "macro"]
    make_items({name: 10.0**-number for number, name in enumerate(macros)}, picture=picture)
    parts()
    compile_paper("demo", MAIN, Path("paper/demo.pdf"))


@needs_tex
def test_the_real_text_holds_for_a_study_of_one_network_without_some_sections(real, picture):
    """Sentences about what is absent are left out, and the last section says what is absent and why."""
    config = yaml.safe_load(Path("config/demo.yaml").read_text(encoding="utf-8"))
    one = {key: config[key] for key in ("study", "title", "images_are", "images")} | {
        "networks": {"small_vgg": config["networks"]["small_vgg"]},
        "authors": ["Ada Example", "Ben Example"],
        "leave_out": ["weights", "pooling_gradients", "heldoutAccuracy", "deadUnitCount"],
    }
    write("config/demo.yaml", yaml.safe_dump(one))
    Path("paper/studies/demo.tex").unlink()
    make_items(picture=picture)
    for item in load_catalogue().values():
        if item.section == "weights" or "two_networks" in item.needs:
            for file in item.files("demo"):
                file.unlink()
    text = parts()
    assert check("demo", MAIN) == []
    assert "weights" not in word(text, "inputAnalyses") and "Ada Example and Ben Example" in text
    assert r"\item Needs at least two networks; the study compares one: \code{similarity\_pairs}" in text
    assert word(text, "studyWords").endswith(r"Its network is \code{small\_vgg}.")
    compile_paper("demo", MAIN, Path("paper/demo.pdf"))
    assert "LaTeX Warning: There were undefined references" not in printed()


# ---- the rules


@needs_tex
def test_the_rules_make_the_paper_once_and_again_only_for_a_changed_input(study, picture):
    make_items(picture=picture)
    complete_records()
    shutil.copytree(ROOT / "rules", "rules")
    write("src/netlens/workflow/paper/text.py", "")
    write(
        "Snakefile",
        "from netlens.workflow.rules import RuleNames\nfrom netlens.workflow.run_lock import prepare_snakemake\n"
        "from netlens.workflow.study import load_study\nprepare_snakemake(workflow)\n"
        "CONFIG = load_study('demo')\nSTUDY = CONFIG['study']\nnames = RuleNames(CONFIG)\ninclude: 'rules/paper.smk'\n"
        "rule all:\n    input: names.items(), PAPER\n    default_target: True\n",
    )

    def snakemake(*options):
        command = [sys.executable, "-m", "snakemake", "--cores", "1", "--nocolor", *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    snakemake()
    assert Path("paper/demo.pdf").is_file() and Path("results/demo/logs/paper.log").is_file()
    assert "Nothing to be done" in snakemake()
    write("paper/sections/signal_distractor.tex", "Another text.\n")
    planned = snakemake("--dry-run")
    assert re.search(r"^paper +1$", planned, re.MULTILINE) and not re.search(r"^macros_all", planned, re.MULTILINE)


@needs_tex
def test_an_edited_number_is_refused_and_in_a_red_box_in_a_draft(study, picture, capsys):
    make_items(picture=picture)
    complete_records()
    parts()
    write_macro_list("demo", Path("export_defs/demo/all.tex"))
    doubted = {"classCount": "is edited: export_defs/demo/classCount.tex is not the file that was written"}
    with pytest.raises(PaperError, match=r"^classCount is edited: .*\n.*netlens paper --draft"):
        compile_paper("demo", MAIN, Path("paper/demo.pdf"), doubted)
    assert not Path("paper/demo.pdf").exists()
    compile_paper("demo", MAIN, Path("paper/draft.pdf"), doubted, draft=True)
    assert "1 item(s) in red boxes: classCount" in capsys.readouterr().err
    assert "netlensdoubtmacro{classCount}" in Path("results/demo/paper/doubted.tex").read_text()
