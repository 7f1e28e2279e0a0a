"""Executed notebooks as parts of pages."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from netlens.publish.notebook_html import notebook_html
from netlens.publish.page import check_body


def png(width):
    buffer = io.BytesIO()
    Image.fromarray(np.full((20, width, 3), 7, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def shown(*outputs, above=()):
    text = notebook_html({"cells": [{"cell_type": "code", "source": "x", "outputs": list(outputs)}]}, above)
    check_body(text, "test")
    return text


def markdown(text):
    made = notebook_html({"cells": [{"cell_type": "markdown", "source": text}]})
    check_body(made, "test")
    return made


def test_headings_go_below_the_pages_own():
    assert "<h3>A</h3>" in markdown("# A") and "<h6>A</h6>" in markdown("##### A")


def test_formulas_are_mathml():
    assert "<msub>" in markdown("of $a_1*b*c$") and 'display="block"' in markdown("$$\na = b\n$$")


def test_html_and_addresses_are_text():
    assert "&lt;img" in markdown('<img src="http://a.org/x.png">')
    assert "b (http://a.org/x)" in markdown("[b](http://a.org/x)") and "<a" not in markdown("[b](other.ipynb)")
    assert "<img" not in markdown("![words](http://a.org/x.png)")


@pytest.mark.parametrize(
    "unsafe", ['<img src="http://a.org/x.png">', "<script>1</script>", '<p onclick="x">a</p>', "<iframe></iframe>"]
)
def test_output_that_loads_or_runs_something_is_shown_as_text(unsafe):
    assert "plain" in shown({"output_type": "display_data", "data": {"text/html": unsafe, "text/plain": "plain"}})


def test_tables_are_kept():
    data = {"text/html": '<table><tr><td><a href="x.html">1</a></td></tr></table>', "text/plain": "plain"}
    assert "<td>1</td>" in shown({"output_type": "execute_result", "data": data})


def test_pictures_are_made_smaller_and_not_shown_twice():
    wide = png(3000)
    output = {"output_type": "display_data", "data": {"image/png": base64.b64encode(wide).decode() + "\n"}}
    assert 'width="900" height="6"' in shown(output)
    assert "the figure above" in shown(output, above=[wide])


def test_text_has_no_codes_of_terminals_and_an_end():
    stream = {"output_type": "stream", "text": "\x1b[31mred\x1b[0m"}
    assert ">red</pre>" in shown(stream)
    assert "10 more characters" in shown({"output_type": "stream", "text": "a" * 20_010})
