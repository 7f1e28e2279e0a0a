"""What is compared of a page."""

import base64
import json

import numpy as np
import pytest

from netlens.review.page_parts import page_parts

PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


def test_thumbnails_are_not_compared_for_their_figures_are(tmp_path):
    path = tmp_path / "a.html"
    path.write_text(
        f'<main id="content"><img class="thumbnail" src="{PICTURE}" width="560">5 <img src="{PICTURE}"></main>'
    )
    parts = page_parts(path)
    assert parts["pictures 1 × 1"].shape == (1, 1, 1, 3)
    assert parts["content"].tolist() == [5]


@pytest.mark.parametrize("kind", ["<f4", "i1"])
def test_encoded_maps_are_compared_as_numbers_and_not_as_words(tmp_path, kind):
    values = np.random.default_rng(0).normal(0, 20, (2, 400)).astype(kind)
    encoded = [base64.b64encode(row.tobytes()).decode() for row in values]
    path = tmp_path / "a.html"
    data = json.dumps({"layers": [{"map": text, "name": "conv1/relu"} for text in encoded]})
    path.write_text(f'<script type="application/json" id="page-data">{data}</script><main id="content"></main>')
    parts = page_parts(path)
    expected = values.reshape(-1) if kind == "<f4" else values.reshape(-1).astype(int) + 128
    np.testing.assert_array_equal(parts["maps of data.layers.map"], expected)
    assert encoded[0][:20] not in "".join(parts["words"]) and "conv1/relu" in "".join(parts["words"])
