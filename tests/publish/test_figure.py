"""Figures: what they leave behind, the same bytes every time, and nothing cut off."""

import json

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from netlens.plots import style
from netlens.publish import figure


def drawn(title="a title"):
    style.paper()
    fig, ax = plt.subplots()
    ax.plot([0, 1, 2], [0, 1, 4])
    ax.set(xlabel="x", ylabel="y", title=title)
    return fig


TABLE = pd.DataFrame({"x": [0, 1, 2], "y": [0.1, 1 / 3, 4.0]})


@pytest.mark.slow
def test_a_figure_is_made_with_its_numbers_and_the_same_bytes_again(tmp_path):
    for run in ("first", "second"):
        figure.save(drawn(), tmp_path / run / "item", TABLE)
    names = {"item.pdf", "item.png", "item.csv", "item.json"}
    assert {path.name for path in (tmp_path / "first").iterdir()} == names
    for name in names:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


@pytest.mark.slow
def test_numbers_come_back_exactly(tmp_path):
    figure.save(drawn(), tmp_path / "item", TABLE)
    assert np.array_equal(pd.read_csv(tmp_path / "item.csv")["y"], TABLE["y"])


def test_arrays_are_stored_as_npz(tmp_path):
    figure.save(drawn(), tmp_path / "item", {"map": np.eye(3)})
    with np.load(tmp_path / "item.npz") as stored:
        assert np.array_equal(stored["map"], np.eye(3))


def test_the_pdf_holds_no_date_and_no_program(tmp_path):
    figure.save(drawn(), tmp_path / "item", TABLE)
    pdf = (tmp_path / "item.pdf").read_bytes()
    assert b"CreationDate" not in pdf
    assert b"Matplotlib" not in pdf
    assert json.loads((tmp_path / "item.json").read_text())["size_in"][0] == style.WIDTH_IN


LONG = "a title that is too long for a figure of four inches, so that its two ends would be cut off in print"


@pytest.mark.slow
def test_text_over_the_edge_is_made_smaller_and_then_shortened(tmp_path):
    for words, shortened in ((LONG, False), (3 * LONG, True)):
        fig = drawn(words)
        assert figure.overflow(fig) == [words]
        title = fig.axes[0].title
        figure.save(fig, tmp_path / "item", TABLE)
        assert title.get_fontsize() < 8
        assert ("…" in title.get_text()) == shortened
        assert title.get_text()[:10] == words[:10] and title.get_text()[-8:] == words[-8:]


def test_text_that_fits_is_left_alone(tmp_path):
    fig = drawn("a title")
    size = fig.axes[0].title.get_fontsize()
    figure.save(fig, tmp_path / "item", TABLE)
    assert (fig.axes[0].title.get_text(), fig.axes[0].title.get_fontsize()) == ("a title", size)


@pytest.mark.slow
def test_text_that_cannot_be_made_to_fit_is_refused_by_its_words(tmp_path):
    fig = drawn(f"${'long'.join(30 * ['x'])}$")
    with pytest.raises(figure.ClippedTextError, match="longxlong"):
        figure.save(fig, tmp_path / "item", TABLE)
    assert list(tmp_path.iterdir()) == []
    plt.close(fig)


@pytest.mark.slow
def test_tick_labels_beyond_the_axis_are_no_clipped_text(tmp_path):
    fig = drawn()
    fig.axes[0].set_ylim(0.5, 3.9)
    figure.save(fig, tmp_path / "item", TABLE)


def test_a_figure_without_numbers_is_refused(tmp_path):
    fig = drawn()
    with pytest.raises(ValueError, match="data is empty"):
        figure.save(fig, tmp_path / "item", TABLE.iloc[:0])
    plt.close(fig)


def test_a_figure_laid_out_by_hand_stays_so_in_every_format(tmp_path):
    style.paper()
    fig = plt.figure(figsize=(2, 1), layout="none")
    grid = fig.add_gridspec(1, 1, left=0.25, right=0.5, bottom=0.25, top=0.75)
    ax = fig.add_subplot(grid[0, 0], facecolor="red")
    ax.set(xticks=[], yticks=[])
    figure.save(fig, tmp_path / "item", {"map": np.eye(3)})
    red = np.all(plt.imread(tmp_path / "item.png")[..., :3] == (1, 0, 0), axis=-1)
    rows, columns = (np.flatnonzero(red.any(axis=axis)) for axis in (1, 0))
    assert columns[[0, -1]] == pytest.approx([100, 200], abs=3)  # 200 dots an inch
    assert rows[[0, -1]] == pytest.approx([50, 150], abs=3)


CLASS = "a class whose name has seventy-one letters, which is more than any label"


def labelled(names):
    style.pictures()
    fig, (left, right) = plt.subplots(1, 2, figsize=(4, 2))
    left.barh(range(len(names)), [1] * len(names))
    left.set_yticks(range(len(names)), names)
    right.plot([0, 1], [0, 1], label=names[0])
    right.set_xticks([0, 1], names[:2], rotation=90)
    fig.legend(loc="outside lower center")
    return fig


def test_labels_of_ticks_and_legends_that_are_too_long_are_shortened(tmp_path):
    fig = labelled([CLASS, f"{CLASS} $ $$ {CLASS}", f"the last {CLASS}"])
    figure.save(fig, tmp_path / "item", TABLE)
    shown = [label.get_text() for label in fig.axes[0].get_yticklabels()]
    assert all("…" in words and words.endswith("label") for words in shown)
    assert len(set(shown)) == 3


def test_characters_that_no_font_has_are_spelled(tmp_path, recwarn):
    fig = labelled(["北京 €½×±°µα 😀", "京北", "\x07"])
    fig.suptitle("猫")
    figure.save(fig, tmp_path / "item", TABLE)
    shown = {text.get_text() for text in fig.findobj(mpl.text.Text)}
    assert {"[U+5317][U+4EAC] €½×±°µα 😀", "[U+4EAC][U+5317]", "[U+0007]", "[U+732B]"} <= shown
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]


@pytest.mark.parametrize("words", [r"$\frac$", "$_$ and $^$", r"5$ to \nothing$", "$$ {x} $%$"])
def test_words_that_are_no_formula_are_shown_as_they_are(tmp_path, words):
    fig = drawn(words)
    fig.axes[0].set_xticks([0, 1], [words, "$x^2$"])
    figure.save(fig, tmp_path / "item", TABLE)
    assert fig.axes[0].title.get_text().replace("\\$", "$") == words
    assert fig.axes[0].get_xticklabels()[1].get_text() == "$x^2$"
