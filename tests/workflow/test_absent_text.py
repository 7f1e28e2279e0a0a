"""Text without what a study does not have."""

import pytest

from netlens.workflow.absent_text import caption_without_absent, named_items, without_absent


def kept(text, *absent):
    return without_absent({"a.tex": text}, set(absent))["a.tex"]


def test_a_text_that_lacks_nothing_stays_as_it_is():
    text = "\\section{A}\\label{sec:a}\n\nOne \\someNumber. Two.\n\n\\netlensfigure{one}{}\nText.\n"
    assert kept(text) == text
    assert kept(text, "other") == text


def test_a_sentence_that_uses_an_absent_number_is_left_out_and_the_lines_stay():
    text = (
        "One is \\firstNumber{} of\nmany. Two is $x. Y$ with \\secondNumber.\nThree is (\\code{\\thirdNumber}). Four.\n"
    )
    without = kept(text, "firstNumber", "thirdNumber")
    assert without.replace("%\n", "") == "Two is $x. Y$ with \\secondNumber.\nFour.\n"
    assert without.count("\n") == text.count("\n")


def test_words_stay_apart_where_lines_are_gone():
    text = "\\ifitem{here}{We see\n\\here}{Nothing\nis\nseen} (so it is).\n\\ifitem{here}{Yes.}{\nNo.} More.\n"
    assert kept(text).replace("%\n", "") == "We see\n\\here (so it is).\nYes. More.\n"
    # TeX skips space at the beginning of a line.
    assert "\n " not in kept(text)


def test_absent_figures_are_not_placed_or_pointed_at():
    text = "\\netlensfigure[h]{gone}{3in}\n\\netlensfigure{here}{}\nSee Figure~\\ref{fig:gone}. See \\ref{fig:here}.\n"
    assert kept(text, "gone").replace("%\n", "") == "\n\\netlensfigure{here}{}See \\ref{fig:here}.\n"


def test_a_comparison_with_an_absent_number_is_left_out_as_a_whole():
    text = "A. \\ifgreater{gone}{other}{Longer. Much.}{Shorter. Much.} B.\n\\ifsame{other}{gone}{x}{y}. C.\n"
    assert kept(text, "gone").replace("%\n", "") == "A. B.\nC.\n"


def test_environments_stay_balanced():
    text = "\\begin{abstract}\n\\goneNumber{} is it. It stays. Last is \\goneNumber.\n\\end{abstract}\n"
    assert kept(text, "goneNumber").replace("%\n", "") == "\\begin{abstract}It stays. \\end{abstract}\n"
    listed = "Few: \\begin{itemize}\\item \\goneNumber\\end{itemize}.\n\nMore.\n"
    assert kept(listed, "goneNumber").strip("%\n") == "More."


def test_headings_over_nothing_are_left_out_but_not_the_title_of_a_section():
    text = (
        "\\section{A}\n\n\\subsection{B}\\label{sub:b}\n\n\\goneNumber.\n\n\\subsection{C}\n\nSee \\ref{sub:b}. End.\n"
    )
    assert kept(text, "goneNumber").split() == ["\\section{A}", "\\subsection{C}", "End."]
    assert "\\section{A}" in kept("\\section{A}\n\n\\goneNumber.\n", "goneNumber")


def test_references_to_what_is_gone_are_left_out_in_other_files_too():
    texts = {
        "a.tex": "\\section{A}\\label{sec:a}\n\nAs in Section~\\ref{sec:b}. By \\eqref{eq:c}. By \\eqref{eq:typo}.\n",
        "b.tex": "\\section{B}\\label{sec:b}\n\nText.\n",
        "c.tex": "With\n\\begin{equation}\\label{eq:c} \\goneNumber \\end{equation}\n",
    }
    made = without_absent(texts, {"goneNumber"}, {"b.tex"})
    assert made.keys() == {"a.tex", "c.tex"}
    assert "sec:b" not in made["a.tex"] and "eq:c" not in made["a.tex"] and "eq:typo" in made["a.tex"]


def test_choices_are_resolved_inside_each_other_and_name_items_and_sections():
    text = "\\ifitem{one, weights}{A \\ifitem{two}{with}{without}\n{two}.}{B \\{.} C.\n"
    assert kept(text) == "A with\n{two}. C.\n"
    assert kept(text, "two") == "A without\n{two}. C.\n"
    assert kept(text, "weights").replace("%\n", "") == "B \\{. C.\n"
    assert [name for _, name in named_items(text)] == ["one", "weights", "two"]
    with pytest.raises(ValueError, match="needs three groups"):
        kept("\\ifitem{one}{A}")


def test_captions_lose_sentences():
    assert caption_without_absent("Of \\oneNumber. The rest is \\goneNumber.", {"goneNumber"}) == "Of \\oneNumber."
    assert caption_without_absent("All is \\goneNumber.", {"goneNumber"}) == ""
