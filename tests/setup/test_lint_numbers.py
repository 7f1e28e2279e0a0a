"""The check that no result is typed into the paper's text."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "lint_numbers.py"


@pytest.fixture(scope="module")
def lint():
    spec = importlib.util.spec_from_file_location("lint_numbers", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("The ratio is 3.14 here.", "3.14"),
        (r"It finds 93.4\,\% of them.", r"93.4\,\%"),
        (r"We took 1,024 images.", "1,024"),
        (r"\ifgreater{a}{0}{That is 12 more.}{No more.}", "12"),
        (r"\ifclaim{a}{Its 7 units}{None}", "7"),
        (r"\emph{All 16 of them}", "16"),
    ],
)
def test_a_typed_result_is_found_with_its_line(lint, text, number):
    (found,) = lint.findings(f"% 5 in a comment\n{text}\n", "a.tex")
    assert found.startswith(f"a.tex:2: {number} is typed; ")


@pytest.mark.parametrize(
    "text",
    [
        r"VGG-16, ResNet50, CIFAR-10, \code{conv1} and \code{fire3}",
        r"$\sigma_1/\sigma_2 > 10$ and \[ x = 2 \]",
        r"\begin{equation} a = 3 \end{equation}",
        r"\citep{sixt2020explanations} in Figure~\ref{fig:a2}",
        r"\begin{tabular}{l@{ }c} \multicolumn{2}{c}{weights}\\ \vspace{2mm}",
        r"\includegraphics[width=0.5\linewidth]{a}",
        "one, two and three networks % 4 of them",
        r"\weightsUnit{} of \ifgreater{a}{0}{some}{none}",
    ],
)
def test_what_is_no_result_may_be_typed(lint, text):
    assert lint.findings(text, "a.tex") == []


def test_words_that_are_allowed_may_be_broken_anywhere(lint):
    assert lint.findings("covers 99.5\nof all", "a.tex", ("covers 99.5 of",)) == []


def test_the_paper_has_no_typed_result(lint, capsys):
    assert lint.main() == 0, capsys.readouterr().out


def test_a_section_that_is_gone_needs_no_exception(lint, monkeypatch, capsys):
    monkeypatch.setitem(lint.ALLOWED, "nowhere", ("3",))
    assert lint.main() == 1
    assert "nowhere, which does not exist" in capsys.readouterr().out
