"""All maps that figures and the page show of some images: classes at layers, positions to positions, every gradient."""

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
    """Maps of n images; g gradients, k classes an image.

    Attributes
    ----------
    to_classes
        One array a layer, float32, (g, n, k, height, width); 0 for classes that an image has not (-1).
    between
        One array a pair of layers, int8, (g, n, target height, target width, source height, source width).
    scales
        One array a pair, float32, (g, n, target height, target width): what `netlens.spatial_attribution.packing`
        scales each map back with.
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
    """Compute class attribution at layers and position-to-position attribution of pairs, by each gradient.

    Parameters
    ----------
    network
        A frozen network.
    inputs
        (n, height, width, 3), preprocessed.
    classes
        (n, k), indices of logits; -1 where an image has fewer.
    layers, pairs
        Names of layers with positions; pairs with the earlier first.
    gradients
        Of max-pooling.
    memory_mb
        What the tensors of one run may take, roughly.
    progress
        Called after each pair of every gradient and image.

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
