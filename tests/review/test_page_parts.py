"""What is compared of a page."""

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
