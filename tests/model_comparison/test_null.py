"""The null of similarities: unrelated layers are within it, related ones are not, and full ranks say nothing."""

import numpy as np
import pytest
from scipy.stats import kstest

from netlens.files.arrays import ArrayFileError, load_arrays, save_arrays
from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.measures import Whitened, prepared, similarity_matrix
from netlens.model_comparison.null import SimilarityNull, similarity_null
from netlens.model_comparison.second_moments import second_moments


def noise(seed, channels, count=120):
    rng = np.random.default_rng(seed)
    return {f"layer{place}": rng.standard_normal((count, size)) for place, size in enumerate(channels)}


@pytest.mark.slow
def test_values_are_those_of_the_measure():
    first, second = noise(1, [4, 7]), noise(2, [5, 3, 6])
    for centred in (False, True):
        found = similarity_null(("a", first), ("b", second), centred=centred)
        sides = [prepared(Whitened(centred), second_moments(side, side)) for side in (first, second)]
        expected = similarity_matrix(Whitened(centred), second_moments(first, second), *sides)
        np.testing.assert_allclose(found.values, expected, atol=1e-5)
    np.testing.assert_allclose(found.largest, [[4 / 5, 3 / 4, 4 / 6], [5 / 7, 3 / 7, 6 / 7]])
    assert found.permuted.shape == (20, 2, 3)


@pytest.mark.slow
def test_unrelated_layers_exceed_chance_as_often_as_the_level_says():
    exceeded = []
    for seed in range(12):
        found = similarity_null(("a", noise(seed, [3] * 5, 60)), ("b", noise(100 + seed, [4] * 5, 60)), seed=seed)
        exceeded.append(np.mean(~found.by_chance))
    # 300 pairs, of which 25 share a layer each; three standard errors of a share of 1/21 of some 120 independent ones.
    assert abs(np.mean(exceeded) - 1 / 21) < 3 * np.sqrt(1 / 21 / 120)


@pytest.mark.slow
def test_p_values_of_independent_activations_are_uniform():
    # Of 25 pairs of layers in each of 8 draws, those of one diagonal share no layer.
    found = [
        similarity_null(
            ("a", noise(seed, [3] * 5, 30)), ("b", noise(100 + seed, [4] * 5, 30)), permutations_count=39, seed=seed
        ).p_values.diagonal()
        for seed in range(8)
    ]
    # The p-values are multiples of 1/40: spread over their steps, they are uniform.
    spread = np.ravel(found) - np.random.default_rng(0).random(40) / 40
    assert kstest(spread, "uniform").pvalue > 0.01


def test_a_rotated_copy_is_beyond_chance_and_noise_beside_it_is_not():
    first, rng = noise(3, [6, 6], 200), np.random.default_rng(4)
    mix = rng.standard_normal((6, 6))
    second = {
        "copy": first["layer0"] @ mix,
        "part": np.column_stack([first["layer1"][:, :3], rng.standard_normal((200, 3))]),
    }
    found = similarity_null(("a", first), ("b", second))
    assert found.by_chance.tolist() == [[False, True], [True, False]]
    assert found.p_values[0, 0] == 1 / 21
    np.testing.assert_allclose(found.calibrated[0, 0], 1, atol=1e-5)
    # Half of its directions are shared; chance is taken off.
    assert 0.3 < found.calibrated[1, 1] < 0.6
    assert found.calibrated[0, 1] < 0.1


@pytest.mark.parametrize("positions", [1, 4])
def test_layers_of_as_many_channels_as_images_say_nothing(positions):
    first, second = noise(5, [60], 40), noise(6, [50], 40)
    # Layers without positions, the same at all of them.
    first, second = (
        {name: np.repeat(rows, positions, axis=0) for name, rows in side.items()} for side in (first, second)
    )
    found = similarity_null(("a", first), ("b", second), positions_count=positions)
    np.testing.assert_allclose(found.values, 40 / 60, atol=1e-4)
    np.testing.assert_allclose(found.largest, 40 / 60)
    assert found.by_chance.all()
    assert found.calibrated.tolist() == [[0]]


@pytest.mark.slow
def test_positions_of_an_image_stay_together():
    # Positions repeat their image. Permuted one by one, the rows would look independent and chance too small.
    rng = np.random.default_rng(7)
    first, second = ({"x": np.repeat(rng.standard_normal((30, 5)), 8, axis=0)} for _ in range(2))
    together = similarity_null(("a", first), ("b", second), positions_count=8)
    apart = similarity_null(("a", first), ("b", second), positions_count=1)
    assert together.permuted.mean() > 2 * apart.permuted.mean()
    assert together.by_chance.all()
    assert not apart.by_chance.any()


def test_a_file_keeps_everything(tmp_path):
    found = similarity_null(("a", noise(1, [4, 7])), ("b", noise(2, [5, 3, 6])))
    found.save(tmp_path / "n.npz")
    back = SimilarityNull.load(tmp_path / "n.npz")
    assert (back.first, back.second, back.first_layers) == ("a", "b", ("layer0", "layer1"))
    for name in ("values", "largest", "permuted", "debiased_cka", "debiased_p_values"):
        np.testing.assert_array_equal(getattr(back, name), getattr(found, name), strict=True)
    turned = back.transposed()
    assert (turned.first, turned.second_layers) == ("b", ("layer0", "layer1"))
    np.testing.assert_array_equal(turned.p_values, found.p_values.T)
    arrays = load_arrays(tmp_path / "n.npz")
    save_arrays(tmp_path / "n.npz", {**arrays, "largest": arrays["largest"][:1]})
    with pytest.raises(ArrayFileError, match=r"n\.npz: array 'largest' has shape"):
        SimilarityNull.load(tmp_path / "n.npz")


def test_what_does_not_fit_is_refused():
    with pytest.raises(ComparisonError, match="10 permutations cannot tell a similarity from chance; use 19 or more"):
        similarity_null(("a", noise(1, [4])), ("b", noise(2, [4])), permutations_count=10)
    with pytest.raises(ComparisonError, match="at different images"):
        similarity_null(("a", noise(1, [4], 30)), ("b", noise(2, [4], 40)))
    with pytest.raises(ComparisonError, match="not of 7 positions in each image"):
        similarity_null(("a", noise(1, [4], 30)), ("b", noise(2, [4], 30)), positions_count=7)
