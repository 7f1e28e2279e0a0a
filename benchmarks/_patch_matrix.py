"""The obvious way to patterns: build the matrix of all patches in float64 and write the formulas down.

It needs height x width times the memory of the images of a layer, so it serves as the oracle for
`netlens.pattern_attribution.patterns` and as what the benchmark compares with, at small sizes.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Layer:
    """One layer, as the obvious implementation needs it.

    Attributes
    ----------
    x
        Its input over all images, (n, H, W, C) or (n, K).
    kernel
        Its weights without the bias; the last axis counts the units.
    active
        Where its units are active, (n, H', W', U) or (n, U).
    strides, padding, dilation
        Of a convolution.
    groups
        Into how many groups channels and units are split.
    """

    x: NDArray[Any]
    kernel: NDArray[Any]
    active: NDArray[np.bool_]
    strides: tuple[int, int] = (1, 1)
    padding: str = "valid"
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    def split(self) -> list["Layer"]:
        """Return each group as a layer of its own."""
        parts = zip(
            np.split(self.x, self.groups, -1),
            np.split(self.kernel, self.groups, -1),
            np.split(self.active, self.groups, -1),
            strict=True,
        )
        return [replace(self, x=x, kernel=kernel, active=active, groups=1) for x, kernel, active in parts]


def patch_matrix(layer: Layer) -> Float:
    """X: one row per sample, flattened row, column, channel; zeros from padding count."""
    if layer.kernel.ndim == 2:
        return layer.x.reshape(-1, layer.kernel.shape[0]).astype(np.float64)
    x = layer.x.astype(np.float64)
    padded_sizes = []
    positions = []
    for axis in (0, 1):
        size, stride = x.shape[1 + axis], layer.strides[axis]
        reach = (layer.kernel.shape[axis] - 1) * layer.dilation[axis] + 1
        if layer.padding == "same":
            count = -(-size // stride)
            missing = max((count - 1) * stride + reach - size, 0)
            padded_sizes.append((missing // 2, missing - missing // 2))
        else:
            count = (size - reach) // stride + 1
            padded_sizes.append((0, 0))
        positions.append(count)
    padded = np.pad(x, [(0, 0), *padded_sizes, (0, 0)])
    rows = []
    for image in padded:
        for i in range(positions[0]):
            for j in range(positions[1]):
                patch = [
                    image[i * layer.strides[0] + r * layer.dilation[0], j * layer.strides[1] + c * layer.dilation[1]]
                    for r in range(layer.kernel.shape[0])
                    for c in range(layer.kernel.shape[1])
                ]
                rows.append(np.concatenate(patch))
    return np.asarray(rows)


def pattern(layer: Layer, estimator: str) -> Float:
    """Pattern of every unit, shaped as the kernel: cov = E[xy | m] - E[x | m] E[y], a = cov / (w' cov)."""
    if layer.groups > 1:
        return np.concatenate([pattern(part, estimator) for part in layer.split()], axis=-1)
    X = patch_matrix(layer)
    W = layer.kernel.reshape(-1, layer.kernel.shape[-1]).astype(np.float64)
    Y = X @ W
    active = layer.active.reshape(-1, W.shape[1])
    A = np.zeros_like(W)
    for unit in range(W.shape[1]):
        if estimator == "linear":
            chosen = np.ones(len(Y), bool)
        else:
            chosen = active[:, unit] if estimator == "relu" else ~active[:, unit]
        if not chosen.any():
            continue
        x, y = X[chosen], Y[chosen, unit]
        covariance = (x * y[:, None]).mean(axis=0) - x.mean(axis=0) * Y[:, unit].mean()
        gain = W[:, unit] @ covariance
        if gain != 0:
            A[:, unit] = covariance / gain
    return A.reshape(layer.kernel.shape)
