"""How far ratios of patterns depend on the images that these were estimated from: the ratios without some of them.

Patterns come from sums over images, which are kept apart for some groups of images, and the ratios are about 1x1 views.
So of each group only the sums at the center taps are kept (`TapSums`), with what every unit's gain w'cov needs of the
whole kernel. The patterns without a group are then as quick to have as those of all images, and the jackknife
(`netlens.statistics.intervals.jackknife`) turns their ratios into an interval.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.files.array_reader import ArrayReader
from netlens.files.arrays import save_arrays
from netlens.models.keras.kernel_layers import KernelLayer
from netlens.models.keras.layer_graph import LayerGraph
from netlens.models.keras.segments import chain_obstacle
from netlens.pattern_attribution.patterns.statistics import PatternSums
from netlens.pattern_attribution.spectra.leading_chain import leading_ratio
from netlens.pattern_attribution.spectra.matrices import Array, SpectraError, tap_view
from netlens.pattern_attribution.spectra.network_ratios import network_ratios
from netlens.pattern_attribution.spectra.results import SUMMARIES, LeftOutRatios
from netlens.pattern_attribution.spectra.segments import segment_matrices

# Sums the size of a kernel, in the order of the fields of `LayerTaps`.
_PRODUCTS: Final = ("x_active", "xy_active", "xy_inactive")


@dataclass(frozen=True)
class LayerTaps:
    """Sums of one layer with U units, for g groups of images: `LayerSums` at the c channels that a center tap reads.

    Attributes
    ----------
    samples
        (g,), number of samples.
    active
        (g, U), in how many each unit is active.
    y
        (g, U), sum of Y.
    x, x_active, xy_active, xy_inactive
        (g, c, U) float32, sums at the center tap; `x` is (g, c, 1) where all units see the same.
    gain_x_active, gain_xy_active, gain_xy_inactive
        (g, U), w' times these sums of the whole kernel.
    """

    samples: NDArray[np.int64]
    active: NDArray[np.int64]
    y: Array
    x: NDArray[np.float32]
    x_active: NDArray[np.float32]
    xy_active: NDArray[np.float32]
    xy_inactive: NDArray[np.float32]
    gain_x_active: Array
    gain_xy_active: Array
    gain_xy_inactive: Array

    def patterns_without(self, group: int, estimator: str) -> Array:
        """Return the patterns at the center tap that the other groups give, (c, U); 0 for a dead unit."""
        others = np.arange(len(self.samples)) != group
        total = {part.name: getattr(self, part.name)[others].sum(axis=0, dtype=np.float64) for part in fields(self)}
        sides = {
            "linear": (
                np.full_like(total["active"], total["samples"]), total["x"], total["xy_active"] + total["xy_inactive"],
                total["y"], total["gain_xy_active"] + total["gain_xy_inactive"],
            ),
            "relu": (
                total["active"], total["x_active"], total["xy_active"], total["gain_x_active"], total["gain_xy_active"],
            ),
            "relu.negative": (
                total["samples"] - total["active"], total["x"] - total["x_active"], total["xy_inactive"],
                total["y"] - total["gain_x_active"], total["gain_xy_inactive"],
            ),
        }  # fmt: skip
        count, x, xy, gain_x, gain_xy = sides[estimator]
        mean_y = total["y"] / max(float(total["samples"]), 1)
        # Both over the count, which the quotient does not depend on.
        gain = gain_xy - gain_x * mean_y
        covariance = xy - x * mean_y
        found: Array = np.divide(covariance, gain, out=np.zeros_like(covariance), where=(count > 0) & (gain != 0))
        return found


@dataclass(frozen=True)
class TapSums:
    """Sums of all layers at their center taps, apart for g groups of images.

    Attributes
    ----------
    images
        (g,), number of images in each group.
    layers
        By layer name, in network order.
    """

    images: NDArray[np.int64]
    layers: Mapping[str, LayerTaps]

    def dead_without(self, dead: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.int64]:
        """Count the units that are dead on the images outside of each group, (g,).

        Parameters
        ----------
        dead
            (U,) by layer, whether a unit is dead on all images: then it is dead on some of them.
        """
        counts = np.zeros(len(self.images), np.int64)
        for name, taps in self.layers.items():
            never = taps.active.sum(axis=0) == taps.active  # outside of the group
            counts += np.count_nonzero(never | dead[name], axis=1)
        return counts

    def save(self, path: str | Path) -> None:
        """Save as npz.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        save_arrays(
            path,
            {
                "images": self.images,
                "layers": np.array(list(self.layers), np.str_),
                **{
                    f"{name}.{part.name}": getattr(taps, part.name)
                    for name, taps in self.layers.items()
                    for part in fields(LayerTaps)
                },
            },
        )

    @classmethod
    def load(cls, path: str | Path) -> "TapSums":
        """Load what `save` wrote.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, lacks an array, holds one too many, or holds arrays that do not fit each other.
        """
        reader = ArrayReader(path)
        images = reader.array("images", "i", "groups")
        layers = {}
        for name in reader.names("layers", "layers"):
            units, tap = f"units of {name}", ("groups", f"channels of {name}", f"units of {name}")
            layers[name] = LayerTaps(
                reader.array(f"{name}.samples", "i", "groups"),
                reader.array(f"{name}.active", "i", "groups", units),
                reader.array(f"{name}.y", "f", "groups", units),
                reader.array(f"{name}.x", "f", *tap[:2], f"inputs of {name}"),
                *(reader.array(f"{name}.{part}", "f", *tap) for part in _PRODUCTS),
                *(reader.array(f"{name}.gain_{part}", "f", "groups", units) for part in _PRODUCTS),
            )
        reader.finish()
        return cls(images, layers)


def tap_sums(sums: PatternSums, kernels: Mapping[str, ArrayLike], layers: Sequence[KernelLayer]) -> TapSums:
    """Take from the sums of one group of images what the ratios of its patterns need.

    Parameters
    ----------
    sums
        Of the group: one shard, for all estimators.
    kernels, layers
        The network's, by name and in network order.

    Returns
    -------
    TapSums
        Of one group.

    Raises
    ------
    netlens.pattern_attribution.patterns.statistics.PatternSumsError
        The sums are not for all estimators.
    """
    found = {}
    for layer in layers:
        held, kernel = sums.layers[layer.name], np.asarray(kernels[layer.name])
        weights = kernel.reshape(-1, kernel.shape[-1]).astype(np.float64)
        products = [held.matrix(part, layer.name) for part in _PRODUCTS]
        x, x_active, xy_active, xy_inactive = (
            tap_view(each.reshape(*kernel.shape[:-1], -1), layer.flatten_shape).astype(np.float32)[None]
            for each in (held.sum_of_inputs(slice(None)), *products)
        )
        gains: list[Array] = [np.sum(weights * each, axis=0)[None] for each in products]
        samples, active, y = np.array([held.samples]), held.active[None], held.y[None]
        found[layer.name] = LayerTaps(samples, active, y, x, x_active, xy_active, xy_inactive, *gains)
    return TapSums(np.array([sums.images]), found)


def joined_taps(parts: Iterable[TapSums]) -> TapSums:
    """Put the groups of several `TapSums` of the same network one after the other.

    Raises
    ------
    SpectraError
        They are of different layers, or there are none.
    """
    given = list(parts)
    if not given or any(list(part.layers) != list(given[0].layers) for part in given):
        raise SpectraError("sums at center taps of different layers, or of none; compute the pattern sums again")
    layers = {
        name: LayerTaps(
            *(np.concatenate([getattr(part.layers[name], each.name) for part in given]) for each in fields(LayerTaps))
        )
        for name in given[0].layers
    }
    return TapSums(np.concatenate([part.images for part in given]), layers)


def left_out_ratios(
    taps: TapSums,
    kernels: Mapping[str, ArrayLike],
    patterns: Mapping[str, ArrayLike],
    layers: Sequence[KernelLayer],
    graph: LayerGraph,
    *,
    estimator: str,
) -> LeftOutRatios:
    """Compute the ratios of P = A * W with the patterns that all but one group of images give, for each group.

    Parameters
    ----------
    taps
        Of all groups.
    kernels, patterns
        By layer; units that are dead in `patterns`, which all images gave, stay dead.
    layers, graph
        The network's layers with kernels, and which layer reads which.
    estimator
        That of the patterns: ``linear``, ``relu`` or ``relu.negative``.

    Returns
    -------
    LeftOutRatios
        Without groups that have no image.
    """
    known = np.flatnonzero(taps.images)
    has_chain = not chain_obstacle(graph)
    weights = {layer.name: tap_view(kernels[layer.name], layer.flatten_shape) for layer in layers}
    live = {layer.name: np.any(_columns(patterns[layer.name]), axis=0) for layer in layers}
    rows = []
    for group in known:
        matrices = {}
        for layer in layers:
            pattern = taps.layers[layer.name].patterns_without(int(group), estimator)
            tap = pattern * weights[layer.name] * live[layer.name]
            matrices[layer.name] = tap_view(tap[None, None], groups=layer.groups)
        segments = segment_matrices(graph, matrices) if has_chain else {}
        ratios = network_ratios(matrices, segments, seed=0, with_chain=False)
        row = [float(np.log10(ratios.layer).sum()), np.nan, np.nan]
        if has_chain:
            row[1:] = float(np.log10(ratios.inter_layer).sum()), leading_ratio(list(segments.values())[1:])
        rows.append(row)
    return LeftOutRatios(taps.images[known], np.array(rows, np.float64).reshape(-1, len(SUMMARIES)))


def _columns(array: ArrayLike) -> NDArray[np.floating]:
    given = np.asarray(array)
    return given.reshape(-1, given.shape[-1])
