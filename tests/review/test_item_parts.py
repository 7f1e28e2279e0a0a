"""What versions of a figure are compared by: magnitudes where signs are free, pictures as they are and blurred."""

import numpy as np
import pytest

from netlens.review.array_parts import distance, kept
from netlens.review.item_parts import compared_arrays, with_blurred
from netlens.review.pictures import BLURRED, CELLS, blurred, blurred_distances, picture_distance


def test_vectors_with_other_signs_are_the_same_and_other_vectors_are_not():
    random = np.random.default_rng(0)
    U, other = random.standard_normal((2, 30, 8))
    signs = random.choice([-1.0, 1.0], 8)
    then, flipped, swapped, another = (
        compared_arrays({"patterns.conv1.U": array, "patterns.conv1.s": array[0]}, ["U", "Vh"])
        for array in (U, U * signs, U[:, ::-1], other)
    )
    published = kept(then["|patterns.conv1.U|"])
    assert distance(flipped["|patterns.conv1.U|"], published).value == 0
    assert distance(swapped["|patterns.conv1.U|"], published).value > 0.5
    assert distance(another["|patterns.conv1.U|"], published).value > 0.5
    # What has a sign of its own keeps it.
    assert sorted(then) == ["patterns.conv1.s", "|patterns.conv1.U|"]
    assert np.array_equal(then["patterns.conv1.s"], U[0])


def test_digests_are_left_out_and_other_words_are_not():
    digest = "0123456789abcdef" * 4
    arrays = {
        "keys": np.array([digest, ""]),
        "key": np.array(digest),
        "layers": np.array([digest, "conv1"]),
        "none": np.array([], str),
    }
    assert sorted(compared_arrays(arrays)) == ["layers", "none"]


def test_pictures_are_compared_blurred_too_and_other_arrays_are_not():
    pictures = np.zeros((2, 3, 20, 24, 3), np.uint8)
    found = with_blurred({"pictures": pictures, "map": np.zeros((20, 24), np.uint8), "colors": np.zeros((9, 9, 3))})
    assert sorted(found) == ["colors", "map", "pictures", f"pictures[0] {BLURRED}", f"pictures[1] {BLURRED}"]
    assert found[f"pictures[1] {BLURRED}"].shape == (3, CELLS, CELLS, 3)


@pytest.mark.parametrize("shape", [(8, 8), (64, 48), (5, 19), (1, 1)])
def test_blurring_averages_over_cells(shape):
    height, width = shape
    picture = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    found = blurred(picture)
    rows, columns = (np.linspace(0, size, min(size, CELLS) + 1).astype(int) for size in shape)
    assert found.shape == (len(rows) - 1, len(columns) - 1, 3)
    corner = picture[: rows[1], : columns[1]].reshape(-1, 3)
    assert found[0, 0] == pytest.approx(corner.mean(axis=0), abs=0.5)
    assert blurred(np.stack([picture, picture]))[1] == pytest.approx(found)


def texture(seed, layout):
    """A picture whose texture is drawn anew, over colors that lie as the layout says."""
    noise = np.random.default_rng(seed).normal(0, 40, (64, 64, 3))
    return np.clip(np.kron(layout, np.ones((16, 16, 1))) + noise, 0, 255).astype(np.uint8)


def test_blurring_leaves_the_difference_between_units_and_little_of_the_texture():
    one, other = np.random.default_rng(2).uniform(60, 200, (2, 4, 4, 3))
    published = texture(0, one)
    honest, another = texture(1, one), texture(2, other)
    assert (
        max(blurred_distances(honest, published).values()) < 0.1 < min(blurred_distances(another, published).values())
    )
    # As they are, both are far away.
    assert picture_distance(honest, published) > 0.2
    small = {name: with_blurred({"p": picture})[f"p {BLURRED}"] for name, picture in (("h", honest), ("a", another))}
    then = kept(with_blurred({"p": published})[f"p {BLURRED}"])
    assert distance(small["h"], then).value < 0.06 < 0.15 < distance(small["a"], then).value


def test_a_tile_of_another_color_is_seen_in_its_part_of_the_picture():
    published = np.full((72, 96, 3), 100, np.uint8)
    changed = published.copy()
    changed[40:48, 88:96] = 151
    found = blurred_distances(changed, published)
    assert found.pop((1, 2)) == pytest.approx(51 / 255)
    assert len(found) == 8 and not any(found.values())


def test_a_small_picture_has_fewer_parts():
    picture = np.zeros((5, 12, 3), np.uint8)
    assert blurred_distances(picture, picture) == {(0, 0): 0, (0, 1): 0}
