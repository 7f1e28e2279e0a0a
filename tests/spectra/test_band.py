import numpy as np
import pytest

from netlens.spectra import band
from netlens.spectra.band import BlockTridiagonal, Solver

SIZES = [1, 5, 8, 9, 16, 17, 31, 33, 70]


@pytest.fixture(autouse=True)
def _narrow(monkeypatch):
    """Many panels, and several rows of blocks, in matrices that a test can afford."""
    monkeypatch.setattr(band, "_PANEL", 8)
    monkeypatch.setattr(band, "_ROWS", 16)
    monkeypatch.setattr(band, "_COLUMNS", 24)


def positive(size, seed=0):
    factor = np.random.default_rng(seed).standard_normal((size, size + 3))
    return factor @ factor.T


def lower(symmetric):
    """Only the lower triangle counts; what is above it must not be looked at."""
    read_only = np.asfortranarray(np.tril(symmetric) + np.triu(np.full_like(symmetric, np.nan), 1))
    read_only.flags.writeable = False
    return read_only


def check_reduction(symmetric):
    reduced = BlockTridiagonal(lower(symmetric))
    turned = reduced.rotated(np.eye(len(symmetric)))
    q = reduced.flat(turned).T
    back = q @ reduced.flat(reduced.times(turned))
    scale = np.linalg.norm(symmetric, 2)
    assert np.abs(q.T @ q - np.eye(len(symmetric))).max() < 1e-14
    assert np.abs(back - symmetric).max() <= 2e-15 * scale


@pytest.mark.parametrize("size", SIZES)
def test_the_reduction_is_a_similarity(size):
    check_reduction(positive(size))


def test_panels_of_the_usual_width(monkeypatch):
    monkeypatch.undo()
    check_reduction(positive(300))
    check_reduction(positive(2 * band._ROWS + band._PANEL))


@pytest.mark.parametrize(
    "symmetric",
    [
        pytest.param(np.zeros((30, 30)), id="zero"),
        pytest.param(np.diag(np.arange(30.0)), id="diagonal: nothing to eliminate"),
        pytest.param(np.ones((30, 30)), id="rank one"),
        pytest.param(-positive(30), id="negative"),
        pytest.param(positive(30) * np.outer(*[np.logspace(0, -8, 30)] * 2), id="graded"),
        pytest.param(1e-120 * positive(30), id="small"),
    ],
)
def test_matrices_with_something_peculiar(symmetric):
    check_reduction(symmetric)


@pytest.mark.parametrize("size", SIZES)
def test_shifted_systems(size):
    symmetric = positive(size)
    x = np.random.default_rng(1).standard_normal((size, 3))
    reduced = BlockTridiagonal(lower(symmetric))
    z = reduced.rotated(x)
    solver = Solver(z)
    for shift in (0.5, 20.0):
        expected = 2 * x.T @ np.linalg.solve(symmetric + shift * np.eye(size), x)
        found = reduced.flat(z).T @ reduced.flat(solver.solve(reduced.factor(shift), 2.0))
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)


def test_the_error_of_a_solution_is_that_of_a_stable_method():
    # The smallest eigenvalue is 1e-12 of the largest: what a stable method gets wrong are 1e-12 / eps digits, no more.
    values = np.logspace(0, -12, 60)
    q = np.linalg.qr(np.random.default_rng(2).standard_normal((60, 60)))[0]
    symmetric = (q * values) @ q.T
    reduced = BlockTridiagonal(lower((symmetric + symmetric.T) / 2))
    z = reduced.rotated(q)
    solved = reduced.flat(Solver(z).solve(reduced.factor(0.0)))
    found = np.diag(reduced.flat(z).T @ solved) * values
    assert np.abs(found - 1).max() < 1e-3
    assert np.abs(found[:30] - 1).max() < 1e-9


def test_what_fills_the_last_block_up_stays_apart():
    symmetric = positive(11)
    reduced = BlockTridiagonal(lower(symmetric))
    assert reduced.on.shape == (2, 8, 8)
    dense = np.zeros((16, 16))
    dense[:8, :8], dense[8:, 8:], dense[8:, :8] = *reduced.on, reduced.below[0]
    values = np.linalg.eigvalsh(dense)
    expected = np.r_[np.linalg.eigvalsh(symmetric), [np.trace(symmetric) / 11] * 5]
    np.testing.assert_allclose(values, np.sort(expected), rtol=1e-12)


def test_an_indefinite_matrix_is_refused():
    reduced = BlockTridiagonal(lower(positive(30) - 5 * np.eye(30)))
    reduced.factor(6.0)
    with pytest.raises(ArithmeticError, match="not positive definite"):
        reduced.factor(0.0)
