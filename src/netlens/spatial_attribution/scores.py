"""Scores of every layer, gradient and method: how well they find the parts of composed scenes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.models.frozen.frozen_network import FrozenNetwork
from netlens.pattern_attribution.analyzers.pattern_analyzers import Patterns
from netlens.spatial_attribution.attribution import Progress, SpatialAttribution
from netlens.spatial_attribution.choices import AttributionError, Gradient, Method
from netlens.spatial_attribution.ground_truth import MEASURES, part_shares
from netlens.spatial_attribution.relevance import input_attributions

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scenes:
    """Scenes for which it is known which part shows which class.

    Attributes
    ----------
    inputs
        (n, height, width, 3), preprocessed.
    masks
        (n, height, width): 1 + j on the part of the j-th class.
    classes
        (n, k), indices of logits; -1 where a scene has fewer than k classes, or shows something that the network has
        no class for. At least one must be known.
    """

    inputs: NDArray[np.float32]
    masks: NDArray[np.integer[Any]]
    classes: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        sizes = {len(self.inputs), len(self.masks), len(self.classes)}
        if len(sizes) != 1 or self.inputs.shape[1:3] != self.masks.shape[1:]:
            raise AttributionError(
                f"scenes {self.inputs.shape}, masks {self.masks.shape} and classes {self.classes.shape} do not fit "
                "each other"
            )
        if not (self.classes >= 0).any():
            raise AttributionError(
                "no scene shows a class that the network has; use an image set with such classes, or give them the "
                "network's ids"
            )

    def owners(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the scene, and the place among its classes, of all m classes of all scenes, (m,) each."""
        scene, place = np.nonzero(self.classes >= 0)
        return scene, place

    def parts(self, height: int, width: int) -> Array:
        """Return the share of each position that each class's part covers, (m, height, width)."""
        scene, place = self.owners()
        return part_shares(self.masks[scene] == (1 + place)[:, None, None], height, width)

    def areas(self) -> Array:
        """Return the area of each class's part, (n, k), in 0..1; NaN where there is no class."""
        scene, place = self.owners()
        return self.spread((self.masks[scene] == (1 + place)[:, None, None]).mean(axis=(1, 2)))

    def spread(self, values: ArrayLike) -> Array:
        """Arrange values per class of each scene, (..., m), as (..., n, k); NaN where there is no class."""
        given = np.asarray(values, np.float64)
        table = np.full((*given.shape[:-1], *self.classes.shape), np.nan)
        table[(..., *self.owners())] = given
        return table

    def painted_out(self) -> "Scenes":
        """Return the control: m scenes of one class each, whose part is painted out, so that it cannot matter any more.

        The paint is the mean color of the rest of the scene; of all of it where there is no rest.
        """
        scene, place = self.owners()
        images, masks = self.inputs[scene], self.masks[scene]
        for image, part in zip(images, masks == (1 + place)[:, None, None], strict=True):
            image[part] = image[part if part.all() else ~part].mean(axis=0)
        classes = np.full((len(scene), self.classes.shape[1]), -1, np.int64)
        classes[np.arange(len(scene)), place] = self.classes[scene, place]
        return Scenes(images, masks, classes)

    def gathered(self, values: ArrayLike) -> Array:
        """Arrange values of the classes of `painted_out`, (..., m, k), by scene, (..., n, k)."""
        _, place = self.owners()
        return self.spread(np.asarray(values)[..., np.arange(len(place)), place])

    def __add__(self, other: "Scenes") -> "Scenes":
        """Return the scenes of both."""
        pairs = ((getattr(self, name), getattr(other, name)) for name in ("inputs", "masks", "classes"))
        return Scenes(*(np.concatenate(pair) for pair in pairs))

    def __getitem__(self, chosen: slice) -> "Scenes":
        """Return some of the scenes."""
        return Scenes(self.inputs[chosen], self.masks[chosen], self.classes[chosen])


def layer_scores(
    network: FrozenNetwork,
    scenes: Scenes,
    layers: Sequence[str],
    gradient: Gradient,
    *,
    memory_mb: float = 1024,
    progress: Progress | None = None,
) -> Array:
    """Score class attribution at layers, with one gradient of max-pooling.

    Parameters
    ----------
    network
        A frozen network.
    scenes
        n scenes of at most k classes.
    layers
        Names of layers with positions; ``input`` is the image itself, summed over the color channels.
    gradient
        Gradient of max-pooling.
    memory_mb
        Approximate memory for the tensors of one run, in megabytes.
    progress
        Called with the number of classes of scenes done, and their number in all.

    Returns
    -------
    ndarray
        (measures, layers, n, k), the measures in the order of `netlens.spatial_attribution.ground_truth.MEASURES`. NaN
        where there is no class, and where a measure is not defined.
    """
    scene, place = scenes.owners()
    found = []
    with SpatialAttribution(network, gradient=gradient, memory_mb=memory_mb) as attribution:
        # One class per image at a time, so that a scene of two classes costs two passes, not k.
        wanted = scenes.classes[scene, place][:, None]
        for maps in attribution.to_classes_at(scenes.inputs[scene], layers, wanted, progress=progress):
            found.append(_scored(scenes, maps[:, 0]))
    return np.stack(found, axis=1)


def method_scores(
    model: Any,
    scenes: Scenes,
    *,
    patterns: Patterns | None = None,
    batch_size: int = 64,
    progress: Callable[[], object] | None = None,
) -> tuple[list[Method], Array]:
    """Score attribution at the input by iNNvestigate's methods, including those that need patterns if there are any.

    Parameters
    ----------
    model
        A Keras model whose output is the logits.
    scenes
        n scenes of at most k classes.
    patterns, batch_size, progress
        As in `netlens.spatial_attribution.relevance.input_attributions`.

    Returns
    -------
    methods : list of str
        The methods that are defined for the model.
    scores : ndarray
        (measures, methods, n, k), as in `layer_scores`.
    """
    scene, place = scenes.owners()
    explained = input_attributions(
        model,
        scenes.inputs[scene],
        scenes.classes[scene, place],
        patterns=patterns,
        batch_size=batch_size,
        progress=progress,
    )
    by_method = {method: _scored(scenes, maps) for method, maps in explained}
    none = np.zeros((len(MEASURES), 0, *scenes.classes.shape))
    return list(by_method), np.stack(list(by_method.values()), axis=1) if by_method else none


def _scored(scenes: Scenes, maps: NDArray[Any]) -> Array:
    """Return all measures of the maps of all classes, (m, height, width), as (measures, n, k)."""
    right = scenes.parts(*maps.shape[1:])
    return scenes.spread([measure(maps, right) for measure in MEASURES.values()])
