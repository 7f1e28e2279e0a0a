"""Symmetric matrices as ``Q T Q'`` with T block tridiagonal, and systems of equations with T.

The reduction is the first of the two stages of a tridiagonal reduction (Bischof, Lang and Sun 2000): the Householder
reflectors of a panel of columns are applied to the rest from both sides as one product of matrices (Schreiber and Van
Loan 1989). The second stage, and a reduction to a tridiagonal matrix at once, run at the speed of the memory instead of
the processor; a block Cholesky factorisation does without.

The products are many and small. So the threads are here, each with products of its own (`workers`), not in BLAS, whose
threads would have to meet at the end of each. They are numpy's products: scipy's BLAS would update in place, but it
holds Python's global lock meanwhile, and one thread would wait for the other.
"""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

import numpy as np
from scipy.linalg import lapack
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from netlens.spectra.matrices import Array

# Columns of a panel: the size of T's blocks. Twice as many make the reduction hardly faster, and solving half as fast.
_PANEL = 32
# Panels whose reflectors are applied to vectors together.
_TOGETHER = 4
# Rows and columns of what is updated, and used, while it is in the cache.
_ROWS = 256
_COLUMNS = 2048


@contextmanager
def workers() -> Iterator[Executor]:
    """Give as many threads as BLAS has, and let BLAS have one in each of them meanwhile."""
    libraries = ThreadpoolController().select(user_api="blas")
    count = max((library.num_threads for library in libraries.lib_controllers), default=1)
    with libraries.limit(limits=1), ThreadPoolExecutor(count) as pool:
        yield pool


@dataclass(frozen=True)
class BlockFactor:
    """Inverse of a block tridiagonal matrix, as the steps of its two triangular solves.

    Attributes
    ----------
    forward, backward
        (blocks, b, 2 b) each: what gives a block from the one before it, in the order of the solve, and its right side.
    """

    forward: Array
    backward: Array


class BlockTridiagonal:
    """A symmetric matrix as ``Q T Q'``, with T block tridiagonal and Q orthogonal.

    Vectors of T's space are held in blocks, (blocks, b, k) for k vectors; their last rows are zero where the blocks do
    not divide the size.

    Parameters
    ----------
    lower
        (n, n), of which the lower triangle counts; left as it is.

    Attributes
    ----------
    on, below
        T's blocks (blocks, b, b), and those below them (blocks - 1, b, b).
    """

    def __init__(self, lower: Array) -> None:
        self._size, width = len(lower), _PANEL
        self._reflectors: list[_Reflector] = []
        blocks = -(-self._size // width)
        # Rows that fill the last block up have the mean eigenvalue, and nothing to do with others.
        mean = float(np.trace(lower)) / self._size
        self.on = np.tile(np.eye(width) * mean, (blocks, 1, 1))
        self.below = np.zeros((blocks - 1, width, width))
        with workers() as pool:
            self._reduce(lower, pool)
            groups = range(0, len(self._reflectors), _TOGETHER)
            self._reflectors = list(pool.map(_product, [self._reflectors[i : i + _TOGETHER] for i in groups]))

    def _reduce(self, lower: Array, pool: Executor) -> None:
        n, width = self._size, _PANEL
        # In Fortran order, any range of a block row's columns is contiguous and can be updated in place.
        ranges = [slice(start, min(start + _ROWS, n)) for start in range(0, n, _ROWS)]
        rows = [np.array(lower[part, : part.stop], order="F") for part in ranges]
        for part, row in zip(ranges, rows, strict=True):
            square = np.tril(row[:, part])
            row[:, part] = square + np.tril(square, -1).T
        # Both sides' update by the last panel, which is still to be subtracted: v w' + w v'.
        left, right = np.zeros((n, 2 * width)), np.zeros((n, 2 * width))
        for index, start in enumerate(range(0, n, width)):
            stop = min(start + width, n)
            first = start // _ROWS
            panel = np.concatenate([row[:, start:stop] for row in rows[first:]])[start - first * _ROWS :]
            panel -= left[start:] @ right[start:stop].T
            self.on[index, : stop - start, : stop - start] = panel[: stop - start]
            if stop == n:
                return
            under = panel[width:]
            if len(under) <= width:
                # The last block: there is nothing below it to be eliminated, and the update of its columns goes on.
                self.below[index, : len(under)] = under
                continue
            packed, factor, _ = lapack.dgeqrt(width, under)
            self.below[index] = np.triu(packed[:width])
            v = np.zeros((n, width))
            v[stop:] = packed
            v[stop : stop + width] = np.tril(packed[:width], -1) + np.eye(width)
            self._reflectors.append(_Reflector(stop, v[stop:], factor))
            images = np.zeros((n, width))
            first = stop // _ROWS
            update = _Update(first * _ROWS, left, right, v, images, Lock())
            # The longest rows first, so that the threads come to their ends together.
            list(pool.map(update, reversed(ranges[first:]), reversed(rows[first:])))
            w = images[stop:] @ factor
            w -= v[stop:] @ (factor.T @ (v[stop:].T @ w) / 2)
            left[stop:, :width], left[stop:, width:] = v[stop:], w
            right[stop:, :width], right[stop:, width:] = w, v[stop:]
            # Rows that are done are still in block rows that are not.
            left[start:stop] = right[start:stop] = 0

    def blocks(self, x: Array) -> Array:
        """Copy the columns of `x` (n, k) into blocks."""
        out = np.zeros((len(self.on), self.on.shape[1], x.shape[1]))
        self.flat(out)[:] = x
        return out

    def flat(self, x: Array) -> Array:
        """Give vectors in blocks as columns (n, k); a view where the blocks are contiguous."""
        return x.reshape(-1, x.shape[2])[: self._size]

    def rotated(self, x: Array) -> Array:
        """Multiply Q' with the columns of `x` (n, k); vectors in blocks."""
        out = self.blocks(x)
        flat = self.flat(out)
        for reflector in self._reflectors:
            part = flat[reflector.start :]
            part -= reflector.v @ (reflector.factor.T @ (reflector.v.T @ part))
        return out

    def times(self, x: Array) -> Array:
        """Multiply T with vectors."""
        out: Array = self.on @ x
        out[1:] += self.below @ x[:-1]
        out[:-1] += self.below.transpose(0, 2, 1) @ x[1:]
        return out

    def factor(self, shift: float) -> BlockFactor:
        """Factorise ``T + shift``.

        Raises
        ------
        ArithmeticError
            It is not positive definite.
        """
        width = _PANEL
        forward = np.zeros((len(self.on), width, 2 * width))
        backward = np.zeros((len(self.on), width, 2 * width))
        coupling = np.zeros((width, width))
        unit = np.eye(width) * shift
        for index, on in enumerate(self.on):
            root, failed = lapack.dpotrf(on + unit - coupling @ coupling.T, lower=1, overwrite_a=1)
            if failed:
                raise ArithmeticError("a shifted matrix is not positive definite")
            inverse, _ = lapack.dtrtri(root, lower=1, overwrite_c=1)
            forward[index, :, :width], forward[index, :, width:] = -(inverse @ coupling), inverse
            backward[index, :, :width] = inverse.T
            if index < len(self.below):
                coupling = self.below[index] @ inverse.T
                backward[index, :, width:] = -(inverse.T @ coupling.T)
        return BlockFactor(forward, backward)


@dataclass(frozen=True)
class _Reflector:
    """An orthogonal matrix ``I - V C V'`` that leaves the rows before `start` alone."""

    start: int
    v: Array
    factor: Array


def _product(reflectors: list[_Reflector]) -> _Reflector:
    """Multiply reflectors of panels that follow each other (Schreiber and Van Loan 1989)."""
    start = reflectors[0].start
    width = sum(part.v.shape[1] for part in reflectors)
    v, factor = np.zeros((len(reflectors[0].v), width)), np.zeros((width, width))
    known = 0
    for part in reflectors:
        new = slice(known, known + part.v.shape[1])
        rows = slice(part.start - start, None)
        v[rows, new] = part.v
        factor[:known, new] = -factor[:known, :known] @ ((v[rows, :known].T @ part.v) @ part.factor)
        factor[new, new] = part.factor
        known = new.stop
    return _Reflector(start, v, factor)


@dataclass(frozen=True)
class _Update:
    """What of a panel is applied to each block row of the lower triangle.

    The pending update `left @ right.T` is subtracted, and the row's share of the products with v added to the images.
    """

    begin: int
    left: Array
    right: Array
    v: Array
    images: Array
    lock: Lock

    def __call__(self, part: slice, row: Array) -> None:
        height, width = row.shape[0], self.v.shape[1]
        own = np.zeros((height, width))
        # In Fortran order, as the row is: products with a narrow matrix are half as fast again then.
        change, image = np.empty((height, _COLUMNS), order="F"), np.empty((height, width), order="F")
        mirrored = np.empty((_COLUMNS, width), order="F")
        for begin in range(self.begin, part.stop, _COLUMNS):
            columns = slice(begin, min(begin + _COLUMNS, part.stop))
            tile = row[:, columns]
            tile -= np.matmul(self.left[part], self.right[columns].T, out=change[:, : tile.shape[1]])
            own += np.matmul(tile, self.v[columns], out=image)
            before = slice(begin, min(columns.stop, part.start))
            if before.start < before.stop:
                product = np.matmul(row[:, before].T, self.v[part], out=mirrored[: before.stop - before.start])
                with self.lock:
                    self.images[before] += product
        with self.lock:
            self.images[part] += own


class Solver:
    """Room for solving with one right side, of a fixed shape, and several factors.

    Parameters
    ----------
    right
        The right side, vectors of T's space; (blocks, b, k).
    """

    def __init__(self, right: Array) -> None:
        self._right = right
        blocks, width, count = right.shape
        # Before each block's solution the part that its step reads besides: one product with both.
        self._room = np.zeros((blocks + 1, 2 * width, count))
        self._halves = self._room.reshape(blocks + 1, 2, width, count)

    def solve(self, factor: BlockFactor, scale: float = 1.0) -> Array:
        """Solve for the right side times `scale`; the result is overwritten by the next one."""
        room, halves = self._room, self._halves
        np.multiply(self._right, scale, out=halves[:-1, 1])
        for index, step in enumerate(factor.forward):
            np.matmul(step, room[index], out=halves[index + 1, 0])
        for index in range(len(factor.backward) - 1, -1, -1):
            np.matmul(factor.backward[index], room[index + 1], out=halves[index, 1])
        return halves[:-1, 1]
