"""Sums of products of two networks' activations: all that the measures of similarity need to know of the images.

With a_i and b_i the vectors of a layer each of two networks at image i, the sums over i of a_i b_i' (and of a_i and
b_i) give every covariance. They are summed once for all pairs of layers, so that no measure goes back to the images,
and sums of parts of the images (shards) add up to those of all of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.model_comparison.errors import ComparisonError

Float = NDArray[np.float64]
#: Activations by layer, (n, channels) each, one row an image.
Activations = Mapping[str, NDArray[Any]]

# Activations that are held in float64 at once, in bytes. Enough rows that adding a block's products costs little
# beside computing them: 1,400 of two networks of 6,000 channels.
_BLOCK_BYTES = 128e6
_LEAST_ROWS = 64


@dataclass(frozen=True)
class CrossProducts:
    """Sums over images of the products of two networks' activations, float64.

    Attributes
    ----------
    count
        How many images were summed.
    first_layers, second_layers
        Names of the layers of each network.
    first_sums, second_sums
        Sum of each layer's activations, (channels,), in the order of the names.
    products
        By (layer of the first, layer of the second): the sum of a_i b_i', (channels of a, channels of b).
    symmetric
        Whether both are the same activations: then the products of (b, a) are those of (a, b) transposed, and arrays
        may share memory. Nothing here writes into them.
    """

    count: int
    first_layers: tuple[str, ...]
    second_layers: tuple[str, ...]
    first_sums: tuple[Float, ...]
    second_sums: tuple[Float, ...]
    products: Mapping[tuple[str, str], Float]
    symmetric: bool = False

    def covariance(self, first: str, second: str, *, centred: bool = False) -> Float:
        """Give C(a, b), the mean of a_i b_i'.

        Parameters
        ----------
        first, second
            Layer of the first network, and of the second.
        centred
            Whether the product of the means is subtracted, which makes it the covariance proper (over n, not n - 1).

        Returns
        -------
        ndarray
            (channels of a, channels of b), a new array. Centred, its error is the rounding of the means' product:
            about 1e-16 of that, however small the covariance.

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

    def __add__(self, other: "CrossProducts") -> "CrossProducts":
        """Merge with the sums over other images.

        Raises
        ------
        ComparisonError
            They are of other layers, or of layers of other sizes.
        """
        if not isinstance(other, CrossProducts):
            return NotImplemented
        if (self.first_layers, self.second_layers) != (other.first_layers, other.second_layers):
            raise ComparisonError("sums of different layers cannot be merged; make those of all shards again")
        for a, b in self.products:
            if self.products[a, b].shape != other.products[a, b].shape:
                raise ComparisonError(
                    f"sums of ({a!r}, {b!r}) are {self.products[a, b].shape} in one shard and "
                    f"{other.products[a, b].shape} in another; make those of all shards again"
                )
        symmetric = self.symmetric and other.symmetric
        products = {
            pair: self.products[pair] + other.products[pair]
            for pair in _pairs(self.first_layers, self.second_layers, half=symmetric)
        }
        return CrossProducts(
            self.count + other.count,
            self.first_layers,
            self.second_layers,
            tuple(one + more for one, more in zip(self.first_sums, other.first_sums, strict=True)),
            tuple(one + more for one, more in zip(self.second_sums, other.second_sums, strict=True)),
            _with_transposes(products, self.first_layers) if symmetric else products,
            symmetric,
        )


def cross_products(first: Activations, second: Activations) -> CrossProducts:
    """Sum the products of all pairs of layers over the images.

    Parameters
    ----------
    first, second
        Activations of each network at the same images and places, row by row. The same object twice: the network with
        itself, for which only half of the products are computed.

    Returns
    -------
    CrossProducts

    Raises
    ------
    ComparisonError
        Layers differ in how many images they have, an array is no matrix of real numbers, or a value is not finite;
        the message names the layer.
    """
    return summed_products([(first, second)])


def summed_products(shards: Iterable[tuple[Activations, Activations]]) -> CrossProducts:
    """Sum the products of all pairs of layers over the images of several shards.

    Memory is that of the result and of one block of activations in float64, beside the shard that is given at the time.

    Parameters
    ----------
    shards
        Activations of both networks, shard by shard, as `cross_products` takes them; a shard may hold no images.

    Returns
    -------
    CrossProducts
        The same as that of all shards' images at once, up to rounding.

    Raises
    ------
    ComparisonError
        As `cross_products`; or shards differ in their layers, or there are no images in all of them.
    """
    sums: _Sums | None = None
    for first, second in shards:
        if sums is None:
            sums = _Sums(first, second)
        sums.add(first, second)
    if sums is None or sums.count == 0:
        raise ComparisonError("there are no activations; give those of at least one image")
    return sums.result()


class _Sums:
    """Sums in the making."""

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
            raise ComparisonError("one shard is of a network with itself and another is not; give the same two in each")
        count = _check(first, second)
        for side, known, which in zip((first, second), self.shape, ("first", "second"), strict=True):
            given = {name: values.shape[1] for name, values in side.items()}
            if given != known:
                raise ComparisonError(
                    f"{which} network: a shard has layers of channels {given}, another {known}; make all shards again"
                )
        # One block of rows at a time is there in float64, of all layers.
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

    def result(self) -> CrossProducts:
        first, second = self.layers
        products = _with_transposes(self.products, first) if self.symmetric else self.products
        first_sums, second_sums = (tuple(side.values()) for side in self.sums)
        return CrossProducts(self.count, first, second, first_sums, second_sums, products, self.symmetric)


def pack(products: CrossProducts) -> dict[str, NDArray[Any]]:
    """Write sums as arrays for an npz file.

    Returns
    -------
    dict
        ``count`` int64, ``symmetric`` bool, ``first_layers`` and ``second_layers`` (names), ``first_sum_I`` and
        ``second_sum_J`` (channels,) and ``product_I_J`` (channels of I, channels of J), with I and J the places of the
        layers among the names, from 0. Symmetric ones hold ``product_I_J`` for I <= J only.
    """
    first, second = products.first_layers, products.second_layers
    packed: dict[str, NDArray[Any]] = {
        "count": np.array(products.count, np.int64),
        "symmetric": np.array(products.symmetric),
        "first_layers": np.array(first, np.str_),
        "second_layers": np.array(second, np.str_),
    }
    packed |= {f"first_sum_{place}": values for place, values in enumerate(products.first_sums)}
    packed |= {f"second_sum_{place}": values for place, values in enumerate(products.second_sums)}
    for a, b in _pairs(first, second, half=products.symmetric):
        packed[f"product_{first.index(a)}_{second.index(b)}"] = products.products[a, b]
    return packed


def unpack(arrays: Mapping[str, ArrayLike]) -> CrossProducts:
    """Read what `pack` wrote.

    Raises
    ------
    ComparisonError
        An array is missing, or not of its layers' sizes.
    """
    try:
        first, second = (
            tuple(str(name) for name in np.asarray(arrays[key])) for key in ("first_layers", "second_layers")
        )
        symmetric = bool(arrays["symmetric"])
        first_sums = tuple(np.asarray(arrays[f"first_sum_{place}"], np.float64) for place in range(len(first)))
        second_sums = tuple(np.asarray(arrays[f"second_sum_{place}"], np.float64) for place in range(len(second)))
        products = {
            (a, b): np.asarray(arrays[f"product_{first.index(a)}_{second.index(b)}"], np.float64)
            for a, b in _pairs(first, second, half=symmetric)
        }
        count = int(np.asarray(arrays["count"]))
    except KeyError as error:
        raise ComparisonError(f"no sums of products: there is no array {error}; make the file again") from error
    for (a, b), values in products.items():
        expected = (first_sums[first.index(a)].size, second_sums[second.index(b)].size)
        if values.shape != expected:
            raise ComparisonError(f"products of ({a!r}, {b!r}) are {values.shape}, not {expected}; make the file again")
    if symmetric:
        products = _with_transposes(products, first)
    return CrossProducts(count, first, second, first_sums, second_sums, products, symmetric)


def _pairs(first: Sequence[str], second: Sequence[str], *, half: bool) -> list[tuple[str, str]]:
    return [(a, b) for place, a in enumerate(first) for b in (second[place:] if half else second)]


def _with_transposes(half: Mapping[tuple[str, str], Float], layers: Sequence[str]) -> dict[tuple[str, str], Float]:
    return {(a, b): half[a, b] if (a, b) in half else half[b, a].T for a, b in _pairs(layers, layers, half=False)}


def _place(layer: str, layers: Sequence[str], which: str) -> int:
    if layer not in layers:
        raise ComparisonError(f"{which} network: no layer {layer!r} was summed; there are {', '.join(layers)}")
    return layers.index(layer)


def _check(first: Activations, second: Activations) -> int:
    """Give the number of images, and see that all layers have it."""
    counts: dict[int, str] = {}
    for which, side in (("first", first), ("second", second)):
        if not side:
            raise ComparisonError(f"{which} network: no layers are given; give the activations of at least one")
        for name, values in side.items():
            if values.ndim != 2 or values.dtype.kind not in "fiub":
                raise ComparisonError(
                    f"{which} network, layer {name!r}: activations are {values.dtype} {values.shape}; "
                    "give real numbers (images, channels)"
                )
            counts.setdefault(len(values), f"layer {name!r} of the {which} network")
    if len(counts) > 1:
        told = ", ".join(f"{where} has {count}" for count, where in counts.items())
        raise ComparisonError(f"layers have different numbers of images: {told}; take all at the same images")
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
