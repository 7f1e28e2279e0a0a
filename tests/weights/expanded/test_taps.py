import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlens.weights.expanded.taps import Counter, Dense, Grid, Pick, Products, Term, compose, identity, merged


def written_out(blocks, rows, columns):
    """Write blocks as one kernel on all positions from the first to the last: offset, kernel."""
    arrays = []
    for block in blocks:
        product = block if isinstance(block, Products) else Products((Term(block),), block.column_range)
        out = np.zeros((*product.counts, rows, columns))
        r, c = product.row_range, product.column_range
        product.add_to(out[:, :, r.start : r.stop, c.start : c.stop], counter=Counter())
        arrays.append((product.grid.offset, out))
    top = [min(offset[axis] for offset, _ in arrays) for axis in (0, 1)]
    size = [max(offset[axis] + out.shape[axis] for offset, out in arrays) - top[axis] for axis in (0, 1)]
    total = np.zeros((*size, rows, columns))
    for (y, x), out in arrays:
        total[y - top[0] : y - top[0] + out.shape[0], x - top[1] : x - top[1] + out.shape[1]] += out
    return tuple(top), total


def product_of(outer, inner):
    """Multiply two written-out maps tap by tap: the definition."""
    (offset_o, kernel_o), stride, (offset_i, kernel_i) = outer, inner[1], (inner[0], inner[2])
    size = [(kernel_o.shape[axis] - 1) * stride[axis] + kernel_i.shape[axis] for axis in (0, 1)]
    total = np.zeros((*size, kernel_i.shape[2], kernel_o.shape[3]))
    for y, x in np.ndindex(*kernel_o.shape[:2]):
        for v, u in np.ndindex(*kernel_i.shape[:2]):
            total[y * stride[0] + v, x * stride[1] + u] += kernel_i[v, u] @ kernel_o[y, x]
    return tuple(offset_o[axis] * stride[axis] + offset_i[axis] for axis in (0, 1)), total


small = st.integers(1, 3)
pairs = st.tuples(small, small)
grids = st.builds(Grid, st.tuples(st.integers(-3, 3), st.integers(-3, 3)), pairs, pairs)


@st.composite
def maps(draw, rows, columns, grid=None):
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    grid = draw(grids) if grid is None else grid
    counts = draw(pairs)
    if draw(st.booleans()):
        picked = rng.permutation(rows)[:columns] if columns <= rows else rng.integers(0, rows, columns)
        if draw(st.booleans()) and columns <= rows:
            picked = np.arange(columns)
        return Pick(grid, picked, rng.standard_normal((*counts, columns)))
    return Dense(grid, rng.standard_normal((*counts, rows, columns)))


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.data())
def test_products_of_three_are_the_definition_in_either_order(data):
    first, second, third = (data.draw(maps(a, b)) for a, b in zip((4, 3, 5), (3, 5, 2), strict=True))
    steps = [written_out([block], *shape) for block, shape in ((first, (4, 3)), (second, (3, 5)), (third, (5, 2)))]
    two = product_of(steps[1], (steps[0][0], first.grid.stride, steps[0][1]))
    stride = tuple(a * b for a, b in zip(first.grid.stride, second.grid.stride, strict=True))
    offset, expected = product_of(steps[2], (two[0], stride, two[1]))
    counter = Counter()
    forward = [made for inner in merged(compose(second, first, counter)) for made in compose(third, inner, counter)]
    backward = [made for outer in merged(compose(third, second, counter)) for made in compose(outer, first, counter)]
    for blocks in (forward, backward):
        if not expected.any():
            continue
        found_offset, found = written_out(merged(blocks), 4, 2)
        # Rows that nothing picks may be left out, and with them nothing else.
        assert found_offset == offset
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13 * max(1, np.abs(expected).max()))
        assert {block.grid.stride for block in blocks} == {
            tuple(a * b for a, b in zip(stride, third.grid.stride, strict=True))
        }


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(st.data())
def test_sums_are_the_sum_and_leave_no_two_blocks_that_meet(data):
    stride = data.draw(pairs)
    blocks, total = [], None
    for _ in range(data.draw(st.integers(1, 4))):
        grid = Grid(data.draw(grids).offset, stride, data.draw(pairs))
        block = data.draw(maps(3, 2, grid))
        first_column = data.draw(st.integers(0, 2))
        block = type(block)(**{**vars(block), "first_column": first_column})
        blocks.append(block)
    wide = np.zeros((40, 40, 3, 4))
    for block in blocks:
        (y, x), kernel = written_out([block], 3, 4)
        wide[20 + y : 20 + y + kernel.shape[0], 20 + x : 20 + x + kernel.shape[1]] += kernel
    result = merged(blocks)
    (y, x), kernel = written_out(result, 3, 4)
    total = np.zeros_like(wide)
    total[20 + y : 20 + y + kernel.shape[0], 20 + x : 20 + x + kernel.shape[1]] = kernel
    np.testing.assert_allclose(total, wide, rtol=0, atol=1e-13)
    for number, a in enumerate(result):
        for b in result[:number]:
            rows = set(a.row_range) & set(b.row_range)
            columns = set(a.column_range) & set(b.column_range)
            assert not (rows and columns)


def test_the_identity_in_front_of_an_array_or_behind_it_copies_nothing():
    kernel = np.ones((3, 3, 4, 5))
    for composed in (
        compose(Dense(Grid(), kernel), identity(4, np.float64), Counter()),
        compose(identity(5, np.float64), Dense(Grid(), kernel), Counter()),
    ):
        (block,) = composed
        assert np.shares_memory(block.kernel, kernel)


def test_poolings_are_never_written_out_between_channels():
    pool = Pick(Grid(), np.arange(4), np.full((3, 3, 4), 1 / 9))
    (twice,) = compose(pool, pool, Counter())
    assert isinstance(twice, Pick)
    np.testing.assert_allclose(twice.taps[..., 0], np.outer([1, 2, 3, 2, 1], [1, 2, 3, 2, 1]) / 81)


def test_a_product_is_computed_once_and_counted_once():
    counter = Counter()
    (product,) = compose(Dense(Grid(), np.ones((3, 3, 4, 5))), Dense(Grid(), np.ones((2, 2, 6, 4))), counter)
    assert counter.multiply_adds == 0
    assert product.computed(counter) is product.computed(counter)
    assert counter.multiply_adds == 9 * 4 * 6 * 4 * 5


@pytest.mark.parametrize(("outer", "inner"), [((1, 1), (1, 1)), ((3, 3), (1, 1)), ((1, 1), (3, 3)), ((3, 2), (2, 3))])
def test_a_product_computed_into_a_part_of_an_array_leaves_the_rest(outer, inner):
    rng = np.random.default_rng(0)
    left = Dense(Grid(), rng.standard_normal((*outer, 20, 3)))
    right = Dense(Grid(), rng.standard_normal((*inner, 17, 20)))
    (product,) = compose(left, right, Counter())
    whole = np.zeros((9, 9, 19, 8))
    (height, width) = product.counts
    product.add_to(whole[2 : 2 + height, 1 : 1 + width, 1:18, 4:7], counter=Counter())
    _, expected = product_of(((0, 0), left.kernel), ((0, 0), (1, 1), right.kernel))
    np.testing.assert_allclose(whole[2 : 2 + height, 1 : 1 + width, 1:18, 4:7], expected, atol=1e-13)
    whole[2 : 2 + height, 1 : 1 + width, 1:18, 4:7] = 0
    assert not whole.any()
