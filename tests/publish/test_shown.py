import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from PIL import Image

from netlens.plots import style
from netlens.publish import figure, macro, page
from netlens.publish.shown import Table


def shown(value):
    """What Jupyter keeps of a cell that ends with `value`: data and metadata by MIME type."""
    return DisplayFormatter().format(value)


@pytest.mark.slow
def test_a_saved_figure_is_shown_as_its_picture_at_the_size_of_print(tmp_path):
    style.paper()
    fig, _ = plt.subplots(figsize=(3.0, 2.0))
    saved = figure.save(fig, tmp_path / "name", {"x": np.ones(2)})
    data, metadata = shown(saved)
    assert data["image/png"] == (tmp_path / "name.png").read_bytes()
    assert metadata["image/png"] == {"width": 300, "height": 200}
    assert Image.open(tmp_path / "name.png").size == (600, 400)


def test_a_saved_macro_is_shown_with_the_value_that_it_rounds(tmp_path):
    saved = macro.save(tmp_path / "ratio", 3.14159, rounding=macro.fixed(2), unit="decades", uncertainty=0.0123)
    assert shown(saved)[0]["text/plain"] == (
        "\\ratio = 3.14, from 3.14159 decades (standard deviation 0.0123); 2 decimals"
    )


def test_a_saved_page_is_shown_as_a_link(tmp_path):
    saved = page.save("<p>x</p>", tmp_path / "name", title="A <b>", shows="x", study="s", images_are="i", source="n")
    assert saved.path == tmp_path / "name.html"
    data = shown(saved)[0]
    assert f'<a href="{saved.path}">{saved.path}</a>' in data["text/html"]
    assert "A &lt;b&gt;" in data["text/html"]


def test_a_table_is_shown_with_numbers_of_four_digits_and_says_what_it_leaves_out():
    table = Table([{"layer": f"<{index}>", "shape": (3, 4), "ratio": 10 / 3} for index in range(5)], limit=2)
    data = shown(table)[0]
    assert data["text/plain"].splitlines() == [
        "layer  shape  ratio", "<0>    3 × 4  3.333", "<1>    3 × 4  3.333", "and 3 more",
    ]  # fmt: skip
    assert data["text/html"].count("<tr>") == 3
    assert "&lt;0&gt;" in data["text/html"]
    assert data["text/html"].endswith("<p>and 3 more</p>")


def test_an_empty_table_is_shown_as_such():
    assert shown(Table([]))[0]["text/html"] == "<table><thead><tr></tr></thead><tbody></tbody></table>"
