"""Patterns from sums: the linear estimator and the two sides of the two-component estimator.

The pattern a of a unit w says in which direction of its input the unit's output y = w'x shows: x = a y + distractor.

- ``linear``: a = cov(x, y) / (w' cov(x, y)) over all samples (Haufe et al. 2014; Kindermans et al. 2017, eq. 6).
- ``relu`` (also ``relu.positive``), ``relu.negative``: cov = E[x y | m] - E[x | m] E[y], a = cov / (w' cov), with the
  conditional means over the samples in which the unit is active (inactive), and E[y] over ALL samples. This is the
  two-component estimator of Kindermans et al. 2017, eq. 7 to 9: splitting cov(x, y) by the sign of the output leaves
  the unconditional E[y] in both parts. The authors' code and iNNvestigate 1 do the same.

So w'a = 1 for every live unit. A unit that has no sample on the estimator's side, or whose w' cov vanishes, is
dead: its pattern is 0.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.models.errors import listed
from netlens.pattern_attribution.patterns.statistics import (
    Float,
    LayerSums,
    PatternSums,
    PatternSumsError,
    estimator_names,
)

#: Units worked on at once, which bounds the memory beside the sums themselves.
_BLOCK = 256


def estimate(sums: PatternSums, kernels: Mapping[str, NDArray[Any]], estimator: str) -> dict[str, Float]:
    """Estimate the pattern of every unit of every layer.

    Parameters
    ----------
    sums
        Over all shards.
    kernels
        Kernel of each layer of `sums`, from the network that the sums were computed with.
    estimator
        ``linear``, ``relu`` (or ``relu.positive``) or ``relu.negative``.

    Returns
    -------
    dict
        Patterns by layer, shaped as the kernels, float64.

    Raises
    ------
    netlens.pattern_attribution.patterns.statistics.PatternSumsError
        Shards or sums are missing, or the kernels are not those of the network that was summed.
    """
    names = estimator_names(estimator)
    if len(names) != 1:
        raise PatternSumsError(f"{estimator!r} is a pair, {' and '.join(names)}; estimate them separately")
    if sums.missing_shards:
        shards = listed(sums.missing_shards)
        raise PatternSumsError(f"the pattern sums lack {shards} of {sums.shard_count} shards; merge all of them")
    return {
        name: _layer_pattern(name, layer, _kernel(name, layer, kernels), names[0], sums.precision)
        for name, layer in sums.layers.items()
    }


def _kernel(name: str, layer: LayerSums, kernels: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    if name not in kernels:
        raise PatternSumsError(f"layer {name!r} has sums but no kernel; provide the kernels of the same network")
    kernel = np.asarray(kernels[name])
    if kernel.shape != layer.kernel_shape:
        raise PatternSumsError(
            f"layer {name!r} was summed with a kernel of shape {layer.kernel_shape}, not {kernel.shape}"
        )
    matrix = kernel.reshape(-1, kernel.shape[-1])
    # The sum of the outputs is the kernel applied to the sum of the inputs: another kernel shows here.
    for units in _blocks(matrix.shape[1]):
        expected = _outputs(layer.sum_of_inputs(units), matrix[:, units])
        scale = _outputs(np.abs(layer.sum_of_inputs(units)), np.abs(matrix[:, units]))
        if np.any(np.abs(expected - layer.y[units]) > 1e-9 * scale):
            raise PatternSumsError(f"layer {name!r}: the sums were computed with another kernel; compute them again")
    return matrix


def _outputs(x: Float, matrix: NDArray[Any]) -> Float:
    """Outputs of some units for inputs (K, 1) or (K, units)."""
    weights = matrix.astype(np.float64)
    return np.asarray(x[:, 0] @ weights if x.shape[1] == 1 else np.sum(x * weights, axis=0))


def _blocks(units: int) -> list[slice]:
    return [slice(start, min(start + _BLOCK, units)) for start in range(0, units, _BLOCK)]


def _layer_pattern(name: str, layer: LayerSums, matrix: NDArray[Any], estimator: str, precision: str) -> Float:
    pattern = np.zeros(matrix.shape)
    mean_y = layer.y / max(layer.samples, 1)
    counts = {"linear": np.full_like(layer.active, layer.samples), "relu": layer.active}
    count = counts.get(estimator, layer.samples - layer.active)
    for units in _blocks(matrix.shape[1]):
        n = np.maximum(count[units], 1)
        x, xy = _sums_on_side(name, layer, estimator, units)
        correlation, product = xy / n, (x / n) * mean_y[units]
        weights = matrix[:, units].astype(np.float64)
        covariance = correlation - product
        gain = np.sum(weights * covariance, axis=0)
        # A gain within the rounding of its terms is 0: a unit whose output does not vary has no pattern.
        scale = np.sum(np.abs(weights) * (np.abs(correlation) + np.abs(product)), axis=0)
        live = (count[units] > 0) & (np.abs(gain) > 4 * np.finfo(precision).eps * scale)
        np.divide(covariance, gain, out=pattern[:, units], where=live)
    return pattern.reshape(layer.kernel_shape)


def _sums_on_side(name: str, layer: LayerSums, estimator: str, units: slice) -> tuple[Float, Float]:
    """Return the sums of X and of X*Y over the samples on the estimator's side, each (K, units)."""
    if estimator == "linear":
        x = layer.sum_of_inputs(units)
        if layer.xy is not None:
            return x, layer.xy[:, units]
        return x, layer.matrix("xy_active", name)[:, units] + layer.matrix("xy_inactive", name)[:, units]
    x_active = layer.matrix("x_active", name)[:, units]
    if estimator == "relu":
        return x_active, layer.matrix("xy_active", name)[:, units]
    return layer.sum_of_inputs(units) - x_active, layer.matrix("xy_inactive", name)[:, units]
