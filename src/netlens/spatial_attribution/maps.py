"""All maps of some images: class attribution at layers and position-to-position attribution, with every gradient."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.models.frozen.frozen_network import FrozenNetwork
from netlens.spatial_attribution.attribution import SpatialAttribution
from netlens.spatial_attribution.choices import Gradient
from netlens.spatial_attribution.packing import packed


@dataclass(frozen=True)
class Maps:
    """Maps of n images with k classes each, by g gradients.

    Attributes
    ----------
    to_classes
        One array per layer, float32, (g, n, k, height, width); 0 for a class of -1.
    between
        One array per pair of layers, int8, (g, n, target height, target width, source height, source width).
    scales
        One array per pair, float32, (g, n, target height, target width): the scale of each map
        (`netlens.spatial_attribution.packing`).
    """

    to_classes: list[NDArray[np.float32]]
    between: list[NDArray[np.int8]]
    scales: list[NDArray[np.float32]]


def spatial_maps(
    network: FrozenNetwork,
    inputs: ArrayLike,
    classes: ArrayLike,
    *,
    layers: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    gradients: Sequence[Gradient],
    memory_mb: float = 1024,
    progress: Callable[[], object] | None = None,
) -> Maps:
    """Compute class attribution at layers and position-to-position attribution of pairs, with each gradient.

    Parameters
    ----------
    network
        A frozen network.
    inputs
        (n, height, width, 3), preprocessed.
    classes
        (n, k), indices of logits; -1 where an image has fewer than k classes.
    layers, pairs
        Names of layers with positions; in a pair, the earlier layer comes first.
    gradients
        Gradients of max-pooling.
    memory_mb
        Approximate memory for the tensors of one run, in megabytes.
    progress
        Called after each map: one per gradient, pair and image.

    Returns
    -------
    Maps

    Raises
    ------
    netlens.models.errors.NetworkError, netlens.spatial_attribution.choices.AttributionError
        As `netlens.spatial_attribution.attribution.SpatialAttribution`.
    """
    images, wanted = np.asarray(inputs, np.float32), np.asarray(classes)
    step = progress or (lambda: None)
    to_classes: list[list[NDArray[np.float32]]] = [[] for _ in layers]
    between: list[list[NDArray[np.int8]]] = [[] for _ in pairs]
    scales: list[list[NDArray[np.float32]]] = [[] for _ in pairs]
    for gradient in gradients:
        with SpatialAttribution(network, gradient=gradient, memory_mb=memory_mb) as attribution:
            at_layers = attribution.to_classes_at(images, layers, np.maximum(wanted, 0))
            for maps, found in zip(at_layers, to_classes, strict=True):
                found.append(np.where((wanted >= 0)[..., None, None], maps, np.float32(0)))
            for pair, values, largest in zip(pairs, between, scales, strict=True):
                parts = []
                for image in images:
                    parts.append(packed(attribution.between(image, *pair)))
                    step()
                values.append(np.stack([part[0] for part in parts]))
                largest.append(np.stack([part[1] for part in parts]))
    return Maps(*([np.stack(parts) for parts in each] for each in (to_classes, between, scales)))  # type: ignore[arg-type]
