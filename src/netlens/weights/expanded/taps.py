"""Linear maps between the layers of a convolutional network, as taps on a grid, with their products and sums.

A map takes positions of an inner layer to units of an outer one, the same for every unit::

    outer[p] = sum over t of  inner[p * stride + offset + t * spacing] @ kernel[t]

A layer's whole map is a list of blocks, each from a range of the inner channels (rows) to a range of the outer ones
(columns), so the branches of a concatenation stay apart, each with no more taps than it needs. A block is one of:

- `Pick`: each column takes one row (identity, pooling, scaling, a place in a concatenation); never written out;
- `Dense`: an array from all rows to all columns;
- `Products`: sums of products of the two, computed when they are needed, and directly where they are needed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: With fewer rows, one matrix product for all taps is faster than one for each.
_MANY_ROWS = 16

Pair = tuple[int, int]
Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Grid:
    """Where the taps of a map lie, (rows, columns) of the image each.

    Attributes
    ----------
    offset
        Position of the first tap, for the outer unit at 0.
    stride
        Inner positions from one outer unit to the next.
    spacing
        Inner positions from one tap to the next: the dilation.
    """

    offset: Pair = (0, 0)
    stride: Pair = (1, 1)
    spacing: Pair = (1, 1)

    def after(self, inner: "Grid") -> "Grid":
        """Return offset and stride of this map applied after `inner`; the taps of a product have no spacing."""
        (oy, ox), (sy, sx), (iy, ix) = self.offset, inner.stride, inner.offset
        return Grid((oy * sy + iy, ox * sx + ix), (self.stride[0] * sy, self.stride[1] * sx))


@dataclass
class Counter:
    """Counts the multiply-adds that matrix products took."""

    multiply_adds: int = 0


@dataclass(frozen=True, eq=False)
class Pick:
    """A map in which each column takes one row.

    Attributes
    ----------
    grid
        Where its taps lie.
    rows
        (n,) the inner channel of each column.
    taps
        (h, w, n) the factor of each column at each tap.
    first_column
        Outer channel of the first column.
    """

    grid: Grid
    rows: NDArray[np.intp]
    taps: Array
    first_column: int = 0

    @property
    def column_range(self) -> range:
        """Outer channels."""
        return range(self.first_column, self.first_column + len(self.rows))

    @property
    def row_range(self) -> range:
        """Inner channels, from the first to the last that is used."""
        return range(int(self.rows.min()), int(self.rows.max()) + 1)

    @property
    def counts(self) -> Pair:
        """Taps down and across."""
        return (self.taps.shape[0], self.taps.shape[1])

    @property
    def is_contiguous(self) -> bool:
        """Whether neighboring columns take neighboring rows."""
        return bool(np.all(np.diff(self.rows) == 1))

    def keeps(self, channels: range) -> bool:
        """Whether it passes on exactly these channels, unchanged."""
        return (
            self.counts == (1, 1)
            and self.grid == Grid()
            and self.column_range == channels == self.row_range
            and self.is_contiguous
            and bool(np.all(self.taps == 1))
        )


@dataclass(frozen=True, eq=False)
class Dense:
    """A map as an array.

    Attributes
    ----------
    grid
        Where its taps lie.
    kernel
        (h, w, rows, columns).
    first_row, first_column
        Inner and outer channel of the first row and column.
    """

    grid: Grid
    kernel: Array
    first_row: int = 0
    first_column: int = 0

    @property
    def column_range(self) -> range:
        """Outer channels."""
        return range(self.first_column, self.first_column + self.kernel.shape[3])

    @property
    def row_range(self) -> range:
        """Inner channels."""
        return range(self.first_row, self.first_row + self.kernel.shape[2])

    @property
    def counts(self) -> Pair:
        """Taps down and across."""
        return (self.kernel.shape[0], self.kernel.shape[1])


@dataclass(frozen=True, eq=False)
class Term:
    """One summand: the product of two maps whose inner and outer channels agree, or one map by itself.

    Two `Pick` never stand together, and a `Pick` in a product takes neighboring rows.
    """

    outer: Pick | Dense
    inner: Pick | Dense | None = None

    @property
    def grid(self) -> Grid:
        """Offset and stride of the product."""
        return self.outer.grid if self.inner is None else self.outer.grid.after(self.inner.grid)

    @property
    def size(self) -> Pair:
        """Positions that it covers, down and across."""
        if self.inner is None:
            return _covered(self.outer.counts, self.outer.grid.spacing)
        inner = _covered(self.inner.counts, self.inner.grid.spacing)
        outer = _covered(self.outer.counts, self.outer_step)
        return (inner[0] + outer[0] - 1, inner[1] + outer[1] - 1)

    @property
    def outer_step(self) -> Pair:
        """Innermost positions from one tap of the outer map to the next."""
        spacing = self.outer.grid.spacing
        stride = (1, 1) if self.inner is None else self.inner.grid.stride
        return (spacing[0] * stride[0], spacing[1] * stride[1])

    @property
    def row_range(self) -> range:
        """Innermost channels."""
        return (self.outer if self.inner is None else self.inner).row_range

    def add_to(self, out: Array, *, fresh: bool, counter: Counter) -> None:
        """Add to `out`, (h, w, rows, columns) of just what this covers; `fresh` where it is 0 as yet."""
        outer, inner = self.outer, self.inner
        if inner is None:
            place = out[_every(outer.counts, outer.grid.spacing)]
            if isinstance(outer, Dense):
                place += outer.kernel
            else:
                place[:, :, outer.rows - outer.row_range.start, np.arange(len(outer.rows))] += outer.taps
        elif isinstance(outer, Dense) and isinstance(inner, Dense):
            self._add_product(outer, inner, out, fresh=fresh)
            counter.multiply_adds += outer.kernel.size * inner.kernel.size // inner.kernel.shape[3]
        elif isinstance(outer, Dense) and isinstance(inner, Pick):
            once = fresh and outer.counts == (1, 1)
            scaled = _one_array(inner.taps)
            shared = None if scaled is None else outer.kernel * scaled[:, None]
            for tap in np.ndindex(*inner.counts):
                place = out[_every(outer.counts, self.outer_step, _times(tap, inner.grid.spacing))]
                _put(place, outer.kernel * inner.taps[tap][:, None] if shared is None else shared, fresh=once)
        elif isinstance(outer, Pick) and isinstance(inner, Dense):
            once = fresh and inner.counts == (1, 1)
            scaled = _one_array(outer.taps)
            shared = None if scaled is None else inner.kernel * scaled
            for tap in np.ndindex(*outer.counts):
                place = out[_every(inner.counts, inner.grid.spacing, _times(tap, self.outer_step))]
                _put(place, inner.kernel * outer.taps[tap] if shared is None else shared, fresh=once)

    def _add_product(self, outer: Dense, inner: Dense, out: Array, *, fresh: bool) -> None:
        """Add the product of two arrays; where one has a single tap, no two products meet and none is copied."""
        between = inner.kernel.shape[3]
        if inner.counts == (1, 1):
            place = out[_every(outer.counts, self.outer_step)]
            if fresh:
                np.matmul(inner.kernel[0, 0], outer.kernel, out=place)
            else:
                place += np.matmul(inner.kernel[0, 0], outer.kernel)
            return
        if outer.counts == (1, 1) and fresh and inner.kernel.shape[2] >= _MANY_ROWS:
            np.matmul(inner.kernel, outer.kernel[0, 0], out=out[_every(inner.counts, inner.grid.spacing)])
            return
        # All inner taps in one matrix product for each outer tap.
        rows = np.ascontiguousarray(inner.kernel).reshape(-1, between)
        product = np.empty((len(rows), outer.kernel.shape[3]), out.dtype)
        once = fresh and outer.counts == (1, 1)
        for tap in np.ndindex(*outer.counts):
            np.matmul(rows, outer.kernel[tap], out=product)
            place = out[_every(inner.counts, inner.grid.spacing, _times(tap, self.outer_step))]
            _put(place, product.reshape(place.shape), fresh=once)


@dataclass(eq=False)
class Products:
    """A sum of products that is computed when it is needed.

    Attributes
    ----------
    terms
        What is added; at least one, all of one stride.
    column_range
        Outer channels.
    """

    terms: tuple[Term, ...]
    column_range: range
    _computed: Dense | None = field(default=None, repr=False)

    @property
    def grid(self) -> Grid:
        """Offset and stride."""
        offsets = [term.grid.offset for term in self.terms]
        return Grid((min(y for y, _ in offsets), min(x for _, x in offsets)), self.terms[0].grid.stride)

    @property
    def counts(self) -> Pair:
        """Positions that it covers, down and across."""
        placed = [(term.grid.offset, term.size) for term in self.terms]
        (y, x) = self.grid.offset
        return (max(o[0] + s[0] for o, s in placed) - y, max(o[1] + s[1] for o, s in placed) - x)

    @property
    def row_range(self) -> range:
        """Inner channels."""
        ranges = [term.row_range for term in self.terms]
        return range(min(r.start for r in ranges), max(r.stop for r in ranges))

    def add_to(self, out: Array, *, counter: Counter) -> None:
        """Add to `out`, (h, w, rows, columns) of just what this covers, which is 0 as yet."""
        if self._computed is not None:
            out += self._computed.kernel
            return
        (y, x), rows, columns = self.grid.offset, self.row_range, self.column_range
        for term in self.terms:
            top, left = term.grid.offset[0] - y, term.grid.offset[1] - x
            first_row, first_column = term.row_range.start - rows.start, term.outer.column_range.start - columns.start
            place = out[
                top : top + term.size[0],
                left : left + term.size[1],
                first_row : first_row + len(term.row_range),
                first_column : first_column + len(term.outer.column_range),
            ]
            term.add_to(place, fresh=len(self.terms) == 1, counter=counter)

    def computed(self, counter: Counter) -> Dense:
        """Compute it, once."""
        if self._computed is None:
            shape = (*self.counts, len(self.row_range), len(self.column_range))
            out = np.zeros(shape, _dtype(self.terms[0].outer))
            self.add_to(out, counter=counter)
            self._computed = Dense(self.grid, out, self.row_range.start, self.column_range.start)
            self.terms = (Term(self._computed),)
        return self._computed


Block = Pick | Dense | Products


def identity(channels: int, dtype: Any = np.float32, *, first_column: int = 0, first_row: int = 0) -> Pick:
    """Return the identity, from neighboring channels to neighboring channels."""
    return Pick(Grid(), np.arange(first_row, first_row + channels), np.ones((1, 1, channels), dtype), first_column)


def compose(outer: Block, inner: Block, counter: Counter) -> list[Block]:
    """Apply `outer` behind `inner`.

    Parameters
    ----------
    outer, inner
        The maps. Rows of `outer` that no column of `inner` reaches, and columns that no row takes, are dropped.
    counter
        Counts the multiply-adds of what has to be computed for it.

    Returns
    -------
    list
        The product as blocks: none where the channels do not meet.
    """
    if isinstance(outer, Pick):
        return [_picked(part, inner, counter) for part in _parts(outer, inner.column_range)]
    if isinstance(outer, Products):
        if isinstance(inner, Pick):
            if inner.keeps(outer.row_range):
                return [outer]
            if inner.counts == (1, 1) and inner.is_contiguous and inner.column_range == outer.row_range:
                return [_behind_pick(outer, inner, counter)]
        outer = outer.computed(counter)
    if isinstance(inner, Products):
        inner = inner.computed(counter)
    low = max(outer.row_range.start, inner.column_range.start)
    high = min(outer.row_range.stop, inner.column_range.stop)
    if low >= high:
        return []
    rows = outer.kernel[:, :, low - outer.first_row : high - outer.first_row]
    outer = replace(outer, kernel=rows, first_row=low)
    columns = slice(low - inner.first_column, high - inner.first_column)
    if isinstance(inner, Pick):
        inner = replace(inner, rows=inner.rows[columns], taps=inner.taps[..., columns], first_column=low)
        if not inner.is_contiguous:
            inner = _written_out(inner)
        elif inner.counts == (1, 1):
            return [_dense_behind_pick(outer, inner)]
    else:
        inner = replace(inner, kernel=inner.kernel[..., columns], first_column=low)
    return [Products((Term(outer, inner),), outer.column_range)]


def merged(blocks: Iterable[Block]) -> list[Block]:
    """Add blocks that share rows and columns; the others stay apart.

    Parameters
    ----------
    blocks
        Maps between the same two layers, all of one stride.

    Returns
    -------
    list
        The same sum, as blocks of which no two meet in both rows and columns.
    """
    result: list[Block] = []
    pending = list(blocks)[::-1]
    while pending:
        block = pending.pop()
        other = next((other for other in result if _meet(block, other)), None)
        if other is None:
            result.append(block)
            continue
        result.remove(other)
        pending.append(_sum(other, block))
    return result


def _sum(a: Block, b: Block) -> Block:
    if (
        isinstance(a, Pick)
        and isinstance(b, Pick)
        and a.first_column == b.first_column
        and np.array_equal(a.rows, b.rows)
    ):
        placed = [(p.grid.offset, _covered(p.counts, p.grid.spacing), p) for p in (a, b)]
        y, x = (min(offset[axis] for offset, _, _ in placed) for axis in (0, 1))
        height, width = (max(o[axis] + s[axis] for o, s, _ in placed) - (y, x)[axis] for axis in (0, 1))
        taps = np.zeros((height, width, len(a.rows)), a.taps.dtype)
        for offset, _, pick in placed:
            taps[_every(pick.counts, pick.grid.spacing, (offset[0] - y, offset[1] - x))] += pick.taps
        return Pick(Grid((y, x), a.grid.stride), a.rows, taps, a.first_column)
    terms = [term for block in (a, b) for term in (block.terms if isinstance(block, Products) else (Term(block),))]
    columns = [block.column_range for block in (a, b)]
    return Products(tuple(terms), range(min(c.start for c in columns), max(c.stop for c in columns)))


def _meet(a: Block, b: Block) -> bool:
    return all(
        p.start < q.stop and q.start < p.stop for p, q in ((a.row_range, b.row_range), (a.column_range, b.column_range))
    )


def _parts(pick: Pick, channels: range) -> Iterator[Pick]:
    """Yield what `pick` takes from `channels`, in runs of neighboring columns."""
    inside = (pick.rows >= channels.start) & (pick.rows < channels.stop)
    if inside.all():
        yield pick
        return
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(np.int8)))
    for start, stop in edges.reshape(-1, 2).tolist():
        run = slice(start, stop)
        yield replace(pick, rows=pick.rows[run], taps=pick.taps[..., run], first_column=pick.first_column + start)


def _picked(pick: Pick, inner: Block, counter: Counter) -> Block:
    """Apply a `Pick`, all of whose rows are there."""
    if pick.keeps(inner.column_range):
        return inner
    if isinstance(inner, Products):
        if pick.counts == (1, 1):
            terms = [
                _aligned(piece, term.inner)
                for term in inner.terms
                for part in _parts(pick, term.outer.column_range)
                for piece in [_picked(part, term.outer, counter)]
                if not isinstance(piece, Products)
            ]
            return Products(tuple(terms), pick.column_range)
        inner = inner.computed(counter)
    if isinstance(inner, Pick):
        return _picked_pick(pick, inner)
    if pick.counts == (1, 1):
        kernel = inner.kernel[..., _selection(pick.rows - inner.first_column)]
        if not np.all(pick.taps == 1):
            kernel = kernel * pick.taps[0, 0]
        grid = replace(pick.grid.after(inner.grid), spacing=inner.grid.spacing)
        return Dense(grid, kernel, inner.first_row, pick.first_column)
    return Products((_aligned(pick, inner),), pick.column_range)


def _aligned(outer: Pick | Dense, inner: Pick | Dense | None) -> Term:
    """Return a summand; an outer `Pick` takes all columns of the inner array, in their order."""
    if not (isinstance(outer, Pick) and isinstance(inner, Dense)):
        return Term(outer, inner)
    columns = _selection(outer.rows - inner.first_column)
    return Term(
        replace(outer, rows=np.arange(len(outer.rows))),
        replace(inner, kernel=inner.kernel[..., columns], first_column=0),
    )


def _picked_pick(outer: Pick, inner: Pick) -> Pick:
    columns = outer.rows - inner.first_column
    rows = inner.rows[columns]
    grid = outer.grid.after(inner.grid)
    if inner.counts == (1, 1):
        step = _times(outer.grid.spacing, inner.grid.stride)
        return Pick(replace(grid, spacing=step), rows, outer.taps * inner.taps[..., columns], outer.first_column)
    step = _times(outer.grid.spacing, inner.grid.stride)
    size_outer, size_inner = _covered(outer.counts, step), _covered(inner.counts, inner.grid.spacing)
    taps = np.zeros((size_outer[0] + size_inner[0] - 1, size_outer[1] + size_inner[1] - 1, len(rows)), outer.taps.dtype)
    for tap in np.ndindex(*outer.counts):
        taps[_every(inner.counts, inner.grid.spacing, _times(tap, step))] += outer.taps[tap] * inner.taps[..., columns]
    return Pick(grid, rows, taps, outer.first_column)


def _behind_pick(outer: Products, pick: Pick, counter: Counter) -> Products:
    """Apply a sum of products behind a `Pick` of one tap that reaches all its rows."""
    terms = []
    for term in outer.terms:
        if term.inner is None:
            terms += [Term(piece) for piece in compose(term.outer, pick, counter) if not isinstance(piece, Products)]
        else:
            terms += [
                Term(term.outer, piece)
                for piece in compose(term.inner, pick, counter)
                if not isinstance(piece, Products)
            ]
    return Products(tuple(terms), outer.column_range)


def _dense_behind_pick(outer: Dense, pick: Pick) -> Dense:
    """Apply an array behind a `Pick` of one tap, neighboring rows, and just the array's rows for columns."""
    kernel = outer.kernel if np.all(pick.taps == 1) else outer.kernel * pick.taps[0, 0][:, None]
    grid = replace(outer.grid.after(pick.grid), spacing=_times(outer.grid.spacing, pick.grid.stride))
    return Dense(grid, kernel, int(pick.rows[0]), outer.first_column)


def _written_out(pick: Pick) -> Dense:
    rows = pick.row_range
    kernel = np.zeros((*pick.counts, len(rows), len(pick.rows)), pick.taps.dtype)
    kernel[:, :, pick.rows - rows.start, np.arange(len(pick.rows))] = pick.taps
    return Dense(pick.grid, kernel, rows.start, pick.first_column)


def _selection(channels: NDArray[np.intp]) -> Any:
    """Return neighboring channels as a slice, which needs no copy."""
    if np.all(np.diff(channels) == 1):
        return slice(int(channels[0]), int(channels[-1]) + 1)
    return channels


def _one_array(taps: Array) -> Array | None:
    """Return the factors that all taps share, or None where they differ."""
    return taps[0, 0] if bool(np.all(taps == taps[:1, :1])) else None


def _put(place: Array, values: Array, *, fresh: bool) -> None:
    if fresh:
        place[...] = values
    else:
        place += values


def _covered(counts: Pair, spacing: Pair) -> Pair:
    return ((counts[0] - 1) * spacing[0] + 1, (counts[1] - 1) * spacing[1] + 1)


def _times(a: Pair | tuple[int, ...], b: Pair) -> Pair:
    return (a[0] * b[0], a[1] * b[1])


def _every(counts: Pair, step: Pair, start: Pair = (0, 0)) -> tuple[slice, slice]:
    return (
        slice(start[0], start[0] + (counts[0] - 1) * step[0] + 1, step[0]),
        slice(start[1], start[1] + (counts[1] - 1) * step[1] + 1, step[1]),
    )


def _dtype(block: Pick | Dense) -> Any:
    return (block.taps if isinstance(block, Pick) else block.kernel).dtype
