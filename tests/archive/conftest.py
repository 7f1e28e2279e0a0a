"""A study that was made by a test: one figure with its record, one macro, an intermediate result, and a paper."""

import json
from pathlib import Path

import pytest

ABOUT = {
    "study": "small",
    "title": "A small study",
    "authors": ["Jane Doe", "The authors"],
    "images_are": "views of nothing.",
    "citation": {"license": "MIT", "keywords": ["saliency"], "authors": [{"name": "The authors"}]},
    "versions": {"snakemake": "9.27"},
}
MACHINE = {"processor": "P", "cores": 2, "memory_gb": 8.0, "system": "Linux x86_64", "python": "3.11.7"}
MAIN = r"""\documentclass{article}
\providecommand{\study}{demo}
\input{paper/style}
\input{export_defs/\study/all}
\begin{document}
\classCount{} classes \cite{olah}. \includegraphics{figures/\study/data/crops.pdf}
\bibliographystyle{plain}
\bibliography{paper/refs}
\end{document}
"""


@pytest.fixture
def about():
    """What a crate says of its study."""
    return ABOUT


def write(path, text="x"):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """The checkout, in the working directory."""
    root = tmp_path / "checkout"
    root.mkdir()
    monkeypatch.chdir(root)
    record = {"started_at": 1.7e9, "duration_s": 60.0, "machine": MACHINE}
    write("Snakefile", "rule all:\n")
    write("src/netlens/a.py")
    write("src/netlens/__init__.py")
    write("src/netlens/__pycache__/a.pyc")
    write("src/netlens/.hidden")
    write("config/schema.yaml", "{}")
    write("config/small.yaml", "study: small\n")
    write("config/other.yaml", "study: other\n")
    write("models/small/net.h5")
    write("models/other/net.h5")
    write("paper/main.tex", MAIN)
    write("paper/style.tex", "\\usepackage{graphicx}\n")
    write("paper/refs.bib", "@misc{olah, author = {C. Olah}, title = {Blocks}, year = {2018}}\n")
    write("paper/small.pdf")
    write("export_defs/small/all.tex", "\\input{export_defs/small/classCount}%\n")
    write("export_defs/small/classCount.tex", "\\newcommand{\\classCount}{10}%\n")
    write("figures/small/data/crops.png")
    write("figures/small/data/crops.json", json.dumps(record))
    write("site/small/index.html", "<p>")
    write("results/small/images/images.npz")
    write("results/small/images/images.json", json.dumps({**record, "started_at": 1.7e9 - 100}))
    write("results/small/executed/data/crops.ipynb", json.dumps({"at": f"{root}/src/netlens/a.py:3"}))
    write("results/small/paper/parts.tex", "% parts\n")
    write("results/small/paper/doubted.tex", "% boxes\n")
    write("results/small/logs/run.log", str(root))
    write("results/small/staging/x.json")
    draw("figures/small/data/crops.pdf")
    return root


def draw(path):
    from matplotlib.figure import Figure

    fig = Figure(figsize=(1, 1))
    fig.savefig(path)
