import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlens.pattern_attribution.spectra import leading
from netlens.pattern_attribution.spectra.chain import chain_spectrum
from netlens.pattern_attribution.spectra.decomposition import inter_layer_item, svd
from netlens.pattern_attribution.spectra.leading import Blocks, gram, ritz_error, top_eigenvalues, top_singular_values
from netlens.pattern_attribution.spectra.matrices import SpectraError
from netlens.pattern_attribution.spectra.modulus import leading_ratios

# Longer than what goes to LAPACK, so that the iteration is what is tested.
LONG = leading._LAPACK + 8


def with_values(s, rows=LONG + 40, columns=LONG, seed=0):
    """Give a matrix of the given singular values, read-only."""
    generator = np.random.default_rng(seed)
    left = np.linalg.qr(generator.standard_normal((rows, len(s))))[0]
    right = np.linalg.qr(generator.standard_normal((columns, len(s))))[0]
    matrix = (left * s) @ right.T
    matrix.flags.writeable = False
    return matrix


def relative(found, expected):
    return np.max(np.abs(found / expected - 1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("s", "tolerance"),
    [
        pytest.param(np.ones(LONG), 1e-9, id="all equal"),
        pytest.param(np.r_[1, 1, np.linspace(0.9, 0, LONG - 2)], 1e-9, id="two equal"),
        pytest.param(np.r_[np.ones(40), np.linspace(0.99, 0, LONG - 40)], 1e-9, id="more equal than the block is wide"),
        pytest.param(np.r_[1 - 1e-8 * np.arange(30), np.linspace(0.9, 0, LONG - 30)], 5e-8, id="cluster, 1e-8 apart"),
        pytest.param(1 - 1e-6 * np.arange(LONG), 1e-9, id="all in a cluster"),
        pytest.param(np.sqrt(np.linspace(1, 0, LONG)), 1e-9, id="dense at the top"),
        pytest.param(np.r_[5.0, 3.0], 1e-9, id="rank two"),
        *(pytest.param(np.r_[10.0**k, np.linspace(1, 0.5, LONG - 1)], 1e-9, id=f"ratio 1e{k}") for k in (2, 4, 6, 8)),
    ],
)
def test_the_two_values_are_right(s, tolerance):
    matrix = with_values(s)
    found = top_singular_values(matrix)
    assert found[0] / found[1] == pytest.approx(s[0] / s[1], rel=tolerance)
    assert relative(found, s[:2]) < tolerance
    assert relative(top_singular_values(matrix.T), s[:2]) < tolerance


@pytest.mark.slow
def test_random_weights_have_their_first_two_values_close_and_right():
    # The edge of a random spectrum is dense: the two values of the full view of VGG-16's fc1 differ by 1 %.
    matrix = np.random.default_rng(1).standard_normal((1500, LONG), dtype=np.float32)
    matrix.flags.writeable = False
    expected = np.linalg.svd(matrix.astype(np.float64), compute_uv=False)[:2]
    assert expected[0] / expected[1] < 1.02
    assert relative(top_singular_values(matrix), expected) < 1e-11


@pytest.mark.slow
def test_values_do_not_depend_on_the_seed():
    matrix = with_values(np.linspace(1, 0, LONG) ** 0.25)
    np.testing.assert_allclose(top_singular_values(matrix, seed=1), top_singular_values(matrix, seed=2), rtol=1e-11)
    np.testing.assert_array_equal(top_singular_values(matrix, seed=1), top_singular_values(matrix, seed=1))


@pytest.mark.slow
@given(st.integers(1, 150), st.integers(1, 150), st.integers(0, 2**32 - 1), st.sampled_from([np.float32, np.float64]))
@settings(max_examples=30, deadline=None)
def test_agrees_with_numpy(rows, columns, seed, dtype):
    matrix = np.random.default_rng(seed).standard_normal((rows, columns)).astype(dtype)
    expected = np.zeros(2)
    values = np.linalg.svd(matrix.astype(np.float64), compute_uv=False)[:2]
    expected[: len(values)] = values
    np.testing.assert_allclose(top_singular_values(matrix), expected, rtol=1e-10, atol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("power", [-1000, -500, 500, 1000])
def test_scale_does_no_harm(power):
    matrix = with_values(np.linspace(2, 1, LONG))
    plain = top_singular_values(matrix)
    np.testing.assert_allclose(top_singular_values(np.ldexp(matrix, power)), np.ldexp(plain, power), rtol=1e-11)


@pytest.mark.slow
def test_a_second_value_of_zero():
    np.testing.assert_array_equal(top_singular_values(np.zeros((LONG, LONG))), [0, 0])
    one_column = np.zeros((LONG, LONG))
    one_column[:, 3] = 2
    first, second = top_singular_values(one_column)
    assert first == pytest.approx(2 * np.sqrt(LONG), rel=1e-14)
    assert second <= first * LONG * np.finfo(float).eps
    np.testing.assert_allclose(top_singular_values(np.ones((1, 9))), [3, 0], rtol=1e-15)
    np.testing.assert_allclose(top_singular_values(np.ones((9_000_000, 1), dtype=np.float32)), [3000, 0], rtol=1e-15)


@pytest.mark.slow
def test_what_rounding_leaves_of_a_single_entry_has_a_second_value_in_every_size():
    for size in (97, 512, 513, 520):
        matrix = np.zeros((size, size))
        matrix[size // 2, size // 2] = 3
        parts, others = svd(matrix, thin=True), svd(matrix.T, thin=True)
        values = top_singular_values(inter_layer_item(parts, others))
        assert values[0] == pytest.approx(3, rel=1e-14) and 0 <= values[1] <= 1e-7


@pytest.mark.parametrize("tiny", [1e-310, 5e-323])
@pytest.mark.parametrize("shape", [(3, 4), (120, 130)])
def test_subnormal_matrices_have_values(shape, tiny):
    matrix = np.random.default_rng(0).integers(-8, 9, shape) * tiny
    # Entries are exact multiples of the smallest subnormal number, and so are values, rounded. Measured: 5e-16.
    unit = matrix / 5e-324
    expected = np.linalg.svd(unit, compute_uv=False)[:2]
    np.testing.assert_allclose(top_singular_values(matrix) / 5e-324, expected, rtol=1e-15, atol=0.5)
    assert leading_ratios([matrix]).layers[0] == pytest.approx(expected[0] / expected[1], rel=1e-9)
    chain = chain_spectrum([matrix, np.eye(shape[1])])
    np.testing.assert_allclose(chain.log10_values[:2], np.log10(expected) + np.log10(2.0) * -1074, rtol=0, atol=1e-11)


def test_rank_one_leaves_rounding_only():
    first, second = top_singular_values(with_values(np.array([4.0])))
    assert first == pytest.approx(4, rel=1e-13)
    assert second < 4 * LONG * np.finfo(float).eps


def test_blocks_give_the_gram_matrix_of_rows_with_a_direction_taken_out(monkeypatch):
    monkeypatch.setattr(leading, "_ENTRIES_AT_A_TIME", 50)
    rows = np.random.default_rng(2).standard_normal((31, 7)).astype(np.float32)
    direction = np.full(7, 7**-0.5)
    assert len(list(Blocks(rows))) == 5
    rest = 0.5 * rows.astype(float) @ (np.eye(7) - np.outer(direction, direction))
    lower = gram(Blocks(rows, -1, without=direction))
    np.testing.assert_allclose(lower, np.tril(rest.T @ rest), atol=1e-13)


@pytest.mark.slow
def test_large_matrices_are_not_copied_to_float64_whole():
    import tracemalloc

    matrix = np.random.default_rng(3).standard_normal((60_000, LONG), dtype=np.float32)
    tracemalloc.start()
    top_singular_values(matrix)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.8 * matrix.nbytes  # 2 * nbytes would be a copy in float64


@pytest.fixture
def precisions(monkeypatch):
    """Note the precision of each Gram matrix that is made."""
    made = []

    def noting(blocks):
        made.append(np.dtype(blocks.dtype).name)
        return gram(blocks)

    monkeypatch.setattr(leading, "gram", noting)
    return made


@pytest.mark.slow
@pytest.mark.parametrize(
    ("s", "expected"),
    [
        pytest.param(np.sqrt(np.linspace(1, 0, LONG)), ["float32"], id="apart"),
        pytest.param(np.r_[3.0, np.linspace(1, 0, LONG - 1)], ["float32"], id="first far from the second"),
        pytest.param(1 - 1e-7 * np.arange(LONG), ["float32", "float64"], id="closer than float32 tells"),
        pytest.param(
            np.r_[1e5, np.linspace(1, 0, LONG - 1)], ["float32", "float64", "float64"], id="below float32's rounding"
        ),
    ],
)
def test_float64_is_used_where_the_search_in_float32_is_not_enough(s, expected, precisions):
    assert relative(top_singular_values(with_values(s)), s[:2]) < 1e-9
    assert precisions == expected


@pytest.mark.slow
def test_dead_units_and_low_rank(precisions):
    dead = np.random.default_rng(4).standard_normal((LONG + 100, LONG))
    dead[:, 20:300] = 0
    dead[50:200] = 0
    assert relative(top_singular_values(dead), np.linalg.svd(dead, compute_uv=False)[:2]) < 1e-11
    s = np.r_[2.0, 1.5, 1.0]
    assert relative(top_singular_values(with_values(s)), s[:2]) < 1e-12
    assert precisions == ["float32", "float32"]


@given(st.integers(0, 2**32 - 1), st.floats(1e-8, 1e-3), st.floats(1e-4, 1))
@settings(max_examples=30, deadline=None)
def test_the_estimate_of_the_ritz_values_error_covers_it(seed, tilt, gap):
    # Vectors tilted out of the space of the first four: all eigenvalues outside of it are at most 1.
    generator = np.random.default_rng(seed)
    values = np.r_[1 + gap + np.sort(generator.random(4))[::-1], 1 - generator.random(16)]
    q = np.linalg.qr(generator.standard_normal((20, 20)))[0]
    matrix = (q * values) @ q.T
    space = np.linalg.qr(q[:, :6] + tilt * generator.standard_normal((20, 6)))[0]
    ritz, turned = np.linalg.eigh(space.T @ matrix @ space)
    ritz, vectors = ritz[::-1], space @ turned[:, ::-1]
    residuals = np.linalg.norm(matrix @ vectors - vectors * ritz, axis=0)
    estimate = ritz_error(ritz, residuals)
    assert np.abs(values[:2] - ritz[:2]).max() <= 2 * estimate + 1e-14
    assert estimate <= residuals[:2].max()


@pytest.mark.slow
def test_where_the_iteration_does_not_converge_lapack_does(monkeypatch):
    matrix = with_values(np.sqrt(np.linspace(1, 0, LONG)))
    lower = gram(Blocks(matrix))
    expected = top_eigenvalues(lower, 2)[0]
    monkeypatch.setattr(leading, "_MOST_STEPS", 2)
    values, vectors = top_eigenvalues(lower, 2)
    np.testing.assert_allclose(values, expected, rtol=1e-11)
    np.testing.assert_allclose(matrix.T @ (matrix @ vectors), vectors * values, atol=1e-11)


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (np.zeros(3), "is not a matrix of real numbers"),
        (np.zeros((0, 3)), "is not a matrix of real numbers"),
        (np.zeros((2, 2), dtype=complex), "is not a matrix of real numbers"),
        (np.array([[1.0, np.nan]]), r"shape \(1, 2\) has NaN or infinite"),
        (np.array([[1.0, -np.inf]]), "has NaN or infinite"),
    ],
)
def test_bad_input_is_named(matrix, words):
    with pytest.raises(SpectraError, match=words):
        top_singular_values(matrix)
