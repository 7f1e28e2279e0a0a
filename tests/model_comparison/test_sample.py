"""The same images and places for everybody, drawn fairly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlens.files.arrays import ArrayFileError, load_arrays, save_arrays
from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.sample import PARTS, Samples, draw_sample, map_indices


@given(st.integers(1, 60), st.integers(0, 70), st.integers(0, 2**32), st.sampled_from(["train", "heldout"]))
def test_a_sample_holds_each_image_once_in_order_with_a_place_inside(count, chosen, seed, part):
    sample = draw_sample(count, chosen, seed, part)
    assert len(sample) == (min(chosen, count) if chosen else count)
    assert (np.diff(sample.images) > 0).all()
    assert ((sample.images >= 0) & (sample.images < count)).all()
    assert ((sample.positions >= 0) & (sample.positions < 1)).all()
    assert sample.positions.shape == (len(sample), 1, 2)


def test_several_places_in_each_image_are_drawn_independently():
    sample = draw_sample(1000, 0, 5, positions_count=3)
    assert sample.positions.shape == (1000, 3, 2)
    assert sample.positions_count == 3
    assert len(np.unique(sample.positions)) == 6000
    # Standard error of a correlation of 1,000 pairs: 0.032.
    correlations = np.corrcoef(sample.positions.reshape(1000, 6).T) - np.eye(6)
    assert np.abs(correlations).max() < 5 * 0.032


def test_the_same_seed_gives_the_same_sample_and_other_seeds_and_parts_others():
    first, again = draw_sample(100, 40, 7), draw_sample(100, 40, 7)
    np.testing.assert_array_equal(first.images, again.images)
    np.testing.assert_array_equal(first.positions, again.positions)
    for other in (draw_sample(100, 40, 8), draw_sample(100, 40, 7, "heldout")):
        assert not np.array_equal(first.images, other.images)
        assert not np.isin(first.positions, other.positions).any()


def test_a_larger_sample_holds_a_smaller_one_at_the_same_places():
    small, large = draw_sample(200, 50, 3), draw_sample(200, 120, 3)
    assert set(small.images) < set(large.images)
    where = np.searchsorted(large.images, small.images)
    np.testing.assert_array_equal(large.positions[where], small.positions)


def test_images_and_places_are_all_equally_likely():
    drawn = [draw_sample(10, 5, seed) for seed in range(2000)]
    taken = np.bincount(np.concatenate([sample.images for sample in drawn]), minlength=10)
    # Binomial(2000, 1/2): standard deviation 22.4.
    assert np.abs(taken - 1000).max() < 5 * 22.4
    positions = np.concatenate([sample.positions[:, 0] for sample in drawn])
    cells = np.bincount(np.ravel_multi_index(map_indices(positions, 3, 4).T, (3, 4)), minlength=12)
    # Binomial(10000, 1/12): standard deviation 27.6.
    assert np.abs(cells - 10_000 / 12).max() < 5 * 27.6


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 5000), st.integers(1, 7))
def test_a_place_is_inside_every_map_and_the_same_part_of_each(position, size, factor):
    fine = map_indices(np.array([[position, position]]), size * factor, size)[0]
    assert 0 <= fine[1] < size
    assert 0 <= fine[0] < size * factor
    # Rounding may put a position that lies on an edge on its other side.
    if abs(position * size * factor - round(position * size * factor)) > 1e-9:
        assert fine[0] // factor == fine[1]


def test_the_last_place_before_one_is_the_last_row():
    last = np.nextafter(1, 0)
    for size in range(1, 2000):
        assert map_indices(np.array([[last, 0.0]]), size, size).tolist() == [[size - 1, 0]]


SAMPLES = Samples(draw_sample(9, 4, 1), draw_sample(6, 0, 1, "heldout"))


def test_a_file_keeps_both_parts(tmp_path):
    SAMPLES.save(tmp_path / "s.npz")
    assert list(load_arrays(tmp_path / "s.npz")) == ["train", "train_positions", "heldout", "heldout_positions"]
    back = Samples.load(tmp_path / "s.npz")
    for part in PARTS:
        np.testing.assert_array_equal(getattr(back, part).images, getattr(SAMPLES, part).images, strict=True)
        np.testing.assert_array_equal(getattr(back, part).positions, getattr(SAMPLES, part).positions, strict=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heldout": None}, "array 'heldout' is missing"),
        (
            {"train_positions": np.zeros((3, 1, 2))},
            r"array 'train_positions' has shape \(3, 1, 2\), where 3 should be 4",
        ),
        ({"train": np.zeros(4)}, "array 'train' is of type float64"),
        ({"other": np.zeros(4)}, "array 'other' does not belong in it"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path, change, message):
    SAMPLES.save(tmp_path / "s.npz")
    arrays = load_arrays(tmp_path / "s.npz") | change
    save_arrays(tmp_path / "s.npz", {name: values for name, values in arrays.items() if values is not None})
    with pytest.raises(ArrayFileError, match=rf"s\.npz: {message}"):
        Samples.load(tmp_path / "s.npz")


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ComparisonError, match="0 train images"):
        draw_sample(0, 0, 1)
    with pytest.raises(ComparisonError, match="-1 heldout images"):
        draw_sample(5, -1, 1, "heldout")
    with pytest.raises(ComparisonError, match="no part 'test'"):
        draw_sample(5, 0, 1, "test")
    with pytest.raises(ComparisonError, match="0 positions are requested in each image"):
        draw_sample(5, 0, 1, positions_count=0)
    with pytest.raises(ComparisonError, match="not in"):
        map_indices(np.array([[0.5, 1.0]]), 4, 4)
