"""Second moments of two networks' activations: all that the similarity measures need to know about the images.

With a_i and b_i the activation vectors of two layers at image i, the sums over i of a_i b_i' (and of a_i and b_i)
determine every covariance, centered or not. They are computed once for all pairs of layers, so no measure returns to
the images, and the sums over parts of the images (shards) add up to those over all of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.files.array_reader import ArrayReader
from netlens.files.arrays import save_arrays
from netlens.model_comparison.errors import ComparisonError

Float = NDArray[np.float64]
#: Activations by layer, (n, channels) each, with one row per image.
Activations = Mapping[str, NDArray[Any]]

# Size in bytes of the activations held in float64 at a time. That is enough rows for adding a block's products to cost
# little compared with computing them: 1,400 rows for two networks of 6,000 channels.
_BLOCK_BYTES = 128e6
_LEAST_ROWS = 64


@dataclass(frozen=True)
class SecondMoments:
    """Second moments of two networks' activations, stored as sums over images in float64.

    Attributes
    ----------
    count
        Number of images.
    first_layers, second_layers
        Names of the layers of each network.
    first_sums, second_sums
        Sum of each layer's activations, (channels,), in the order of the names.
    products
        By (layer of the first, layer of the second): the sum of a_i b_i', (channels of a, channels of b).
    symmetric
        Whether both networks are the same one. The products of (b, a) are then those of (a, b) transposed, and arrays
        may share memory. Nothing here writes to them.

    Examples
    --------
    >>> activations = {"conv": np.array([[1.0, 0.0], [3.0, 2.0]])}
    >>> second_moments(activations, activations).covariance("conv", "conv")
    array([[5., 3.],
           [3., 2.]])
    """

    count: int
    first_layers: tuple[str, ...]
    second_layers: tuple[str, ...]
    first_sums: tuple[Float, ...]
    second_sums: tuple[Float, ...]
    products: Mapping[tuple[str, str], Float]
    symmetric: bool = False

    def covariance(self, first: str, second: str, *, centred: bool = False) -> Float:
        """Compute C(a, b), the mean of a_i b_i' over the images.

        Parameters
        ----------
        first, second
            A layer of the first network and one of the second.
        centred
            Whether to subtract the product of the means, which gives the covariance proper (over n, not n - 1).

        Returns
        -------
        ndarray
            (channels of a, channels of b), a new array. If centered, its absolute error is about 1e-16 of the product
            of the means, however small the covariance.

        Raises
        ------
        ComparisonError
            There is no such layer.
        """
        a = _place(first, self.first_layers, "first")
        b = _place(second, self.second_layers, "second")
        covariance: Float = self.products[first, second] / self.count
        if centred:
            covariance -= np.outer(self.first_sums[a] / self.count, self.second_sums[b] / self.count)
        return covariance

    def __add__(self, other: "SecondMoments") -> "SecondMoments":
        """Combine with the moments over other images.

        Raises
        ------
        ComparisonError
            The two are of different layers, or of layers of different sizes.
        """
        if not isinstance(other, SecondMoments):
            return NotImplemented
        if (self.first_layers, self.second_layers) != (other.first_layers, other.second_layers):
            raise ComparisonError(
                "second moments of different layers cannot be combined; compute those of all shards again"
            )
        for a, b in self.products:
            if self.products[a, b].shape != other.products[a, b].shape:
                raise ComparisonError(
                    f"the second moments of ({a!r}, {b!r}) have shape {self.products[a, b].shape} in one shard and "
                    f"{other.products[a, b].shape} in another; compute those of all shards again"
                )
        symmetric = self.symmetric and other.symmetric
        products = {
            pair: self.products[pair] + other.products[pair]
            for pair in _pairs(self.first_layers, self.second_layers, half=symmetric)
        }
        return SecondMoments(
            self.count + other.count,
            self.first_layers,
            self.second_layers,
            tuple(one + more for one, more in zip(self.first_sums, other.first_sums, strict=True)),
            tuple(one + more for one, more in zip(self.second_sums, other.second_sums, strict=True)),
            _with_transposes(products, self.first_layers) if symmetric else products,
            symmetric,
        )

    def save(self, path: str | Path) -> None:
        """Save as npz.

        The arrays are ``count`` int64, ``symmetric`` bool, ``first_layers`` and ``second_layers`` (names),
        ``first_sum_I`` and ``second_sum_J`` (channels,), and ``product_I_J`` (channels of I, channels of J), where I
        and J count the layers from 0. A symmetric object stores ``product_I_J`` for I <= J only.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        first, second = self.first_layers, self.second_layers
        arrays: dict[str, NDArray[Any]] = {
            "count": np.array(self.count, np.int64),
            "symmetric": np.array(self.symmetric),
            "first_layers": np.array(first, np.str_),
            "second_layers": np.array(second, np.str_),
        }
        arrays |= {f"first_sum_{place}": values for place, values in enumerate(self.first_sums)}
        arrays |= {f"second_sum_{place}": values for place, values in enumerate(self.second_sums)}
        for a, b in _pairs(first, second, half=self.symmetric):
            arrays[f"product_{first.index(a)}_{second.index(b)}"] = self.products[a, b]
        save_arrays(path, arrays)

    @classmethod
    def load(cls, path: str | Path) -> "SecondMoments":
        """Load what `save` wrote.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, lacks an array, holds one too many, or holds arrays that do not fit each other.
        """
        reader = ArrayReader(path)
        first = reader.names("first_layers", "layers of the first network")
        second = reader.names("second_layers", "layers of the second network")
        symmetric = bool(reader.array("symmetric", "b"))
        first_sums = tuple(reader.array(f"first_sum_{place}", "f", f"first {place}") for place in range(len(first)))
        second_sums = tuple(reader.array(f"second_sum_{place}", "f", f"second {place}") for place in range(len(second)))
        products: dict[tuple[str, str], Float] = {}
        for a, b in _pairs(first, second, half=symmetric):
            i, j = first.index(a), second.index(b)
            products[a, b] = reader.array(f"product_{i}_{j}", "f", f"first {i}", f"second {j}")
        count = reader.whole("count")
        reader.finish()
        if count < 1:
            raise reader.error(f"it counts {count} images")
        if symmetric and first != second:
            raise reader.error("it is of a network with itself, but names two different lists of layers")
        if symmetric:
            products = _with_transposes(products, first)
        return cls(count, first, second, first_sums, second_sums, products, symmetric)


def second_moments(first: Activations, second: Activations) -> SecondMoments:
    """Compute the second moments of all pairs of layers.

    Parameters
    ----------
    first, second
        Activations of each network at the same images and positions, row by row. Pass the same object twice for a
        network with itself; only half of the products are then computed.

    Returns
    -------
    SecondMoments

    Raises
    ------
    ComparisonError
        Layers have different numbers of images, an array is not a matrix of real numbers, or a value is not finite;
        the message names the layer.
    """
    return summed_second_moments([(first, second)])


def summed_second_moments(shards: Iterable[tuple[Activations, Activations]]) -> SecondMoments:
    """Compute the second moments of all pairs of layers over the images of several shards.

    Memory use is that of the result, one block of activations in float64, and the current shard.

    Parameters
    ----------
    shards
        Activations of both networks, shard by shard, as for `second_moments`; a shard may hold no images.

    Returns
    -------
    SecondMoments
        Equal, up to rounding, to the second moments of all images at once.

    Raises
    ------
    ComparisonError
        As for `second_moments`; or the shards differ in their layers, or none of them holds an image.
    """
    sums: _Sums | None = None
    for first, second in shards:
        if sums is None:
            sums = _Sums(first, second)
        sums.add(first, second)
    if sums is None or sums.count == 0:
        raise ComparisonError("there are no activations; pass those of at least one image")
    return sums.result()


class _Sums:
    """Running sums over the images seen so far."""

    def __init__(self, first: Activations, second: Activations) -> None:
        self.symmetric = first is second
        self.layers = tuple(first), tuple(second)
        _check(first, second)
        self.shape = {name: first[name].shape[1] for name in first}, {name: second[name].shape[1] for name in second}
        self.count = 0
        self.sums = tuple({name: np.zeros(size) for name, size in side.items()} for side in self.shape)
        self.products = {
            (a, b): np.zeros((self.shape[0][a], self.shape[1][b])) for a, b in _pairs(*self.layers, half=self.symmetric)
        }

    def add(self, first: Activations, second: Activations) -> None:
        if (first is second) != self.symmetric:
            raise ComparisonError(
                "one shard is of a network with itself and another is not; give the same two networks in each"
            )
        count = _check(first, second)
        for side, known, which in zip((first, second), self.shape, ("first", "second"), strict=True):
            given = {name: values.shape[1] for name, values in side.items()}
            if given != known:
                raise ComparisonError(
                    f"{which} network: one shard has layers with channels {given}, another {known}; "
                    "compute all shards again"
                )
        # Only one block of rows, of all layers, is held in float64 at a time.
        channels = sum(self.shape[0].values()) + (0 if self.symmetric else sum(self.shape[1].values()))
        rows = max(_LEAST_ROWS, int(_BLOCK_BYTES / (8 * channels)))
        for start in range(0, count, rows):
            self._add_block(first, second, slice(start, min(start + rows, count)))
        self.count += count

    def _add_block(self, first: Activations, second: Activations, rows: slice) -> None:
        a = _converted(first, rows)
        b = a if self.symmetric else _converted(second, rows)
        for sums, part in zip(self.sums, (a, b), strict=True):
            for name, values in part.items():
                sums[name] += values.sum(axis=0)
        for one, other in self.products:
            self.products[one, other] += a[one].T @ b[other]

    def result(self) -> SecondMoments:
        first, second = self.layers
        products = _with_transposes(self.products, first) if self.symmetric else self.products
        first_sums, second_sums = (tuple(side.values()) for side in self.sums)
        return SecondMoments(self.count, first, second, first_sums, second_sums, products, self.symmetric)


def _pairs(first: Sequence[str], second: Sequence[str], *, half: bool) -> list[tuple[str, str]]:
    return [(a, b) for place, a in enumerate(first) for b in (second[place:] if half else second)]


def _with_transposes(half: Mapping[tuple[str, str], Float], layers: Sequence[str]) -> dict[tuple[str, str], Float]:
    return {(a, b): half[a, b] if (a, b) in half else half[b, a].T for a, b in _pairs(layers, layers, half=False)}


def _place(layer: str, layers: Sequence[str], which: str) -> int:
    if layer not in layers:
        raise ComparisonError(
            f"{which} network: no layer {layer!r} in the second moments; they have {', '.join(layers)}"
        )
    return layers.index(layer)


def _check(first: Activations, second: Activations) -> int:
    """Return the number of images after checking that all layers have it."""
    counts: dict[int, str] = {}
    for which, side in (("first", first), ("second", second)):
        if not side:
            raise ComparisonError(f"{which} network: no layers are given; pass the activations of at least one")
        for name, values in side.items():
            if values.ndim != 2 or values.dtype.kind not in "fiub":
                raise ComparisonError(
                    f"{which} network, layer {name!r}: activations are {values.dtype} {values.shape}; "
                    "pass real numbers (images, channels)"
                )
            counts.setdefault(len(values), f"layer {name!r} of the {which} network")
    if len(counts) > 1:
        told = ", ".join(f"{where} has {count}" for count, where in counts.items())
        raise ComparisonError(f"layers have different numbers of images: {told}; take all of them at the same images")
    return next(iter(counts))


def _converted(side: Activations, rows: slice) -> dict[str, Float]:
    block = {name: values[rows].astype(np.float64) for name, values in side.items()}
    for name, values in block.items():
        if not np.isfinite(values).all():
            row, channel = np.argwhere(~np.isfinite(values))[0]
            raise ComparisonError(
                f"layer {name!r}: activation {values[row, channel]} of unit {channel} at image {rows.start + row}; "
                "look for NaN in the images or the weights"
            )
    return block
