"""What the notebooks of this section hand on to each other, as arrays in npz files.

- `AttributionMaps`: attribution of chosen images, which the figures and the page show;
- `AttributionScores`: how well attribution finds the parts of composed scenes, for one network.

Nothing in this module starts TensorFlow.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from netlens.files.arrays import ArrayFileError, load_arrays, save_arrays
from netlens.spatial_attribution.choices import (
    GRADIENT_LABELS,
    MEASURE_LABELS,
    METHOD_LABELS,
    AttributionError,
    Gradient,
    Method,
)
from netlens.spatial_attribution.packing import unpacked

Arrays = Mapping[str, NDArray[Any]]
Names = tuple[str, ...]

_MAPS_ARRAYS: Final = (
    "network", "class_names", "gradients", "images", "image_names", "image_classes", "masks", "logits", "layers",
    "layer_labels", "layer_sizes", "pairs",
)  # fmt: skip
_SCORES_ARRAYS: Final = (
    "network", "measures", "areas", "classes", "logits", "gradients", "layers", "layer_labels", "layer_scores",
    "layer_control", "methods", "method_scores", "method_control",
)  # fmt: skip
_KINDS: Final = {"f": "floating-point numbers", "i": "signed integers", "u": "unsigned integers", "U": "text"}


@dataclass(frozen=True, eq=False)
class AttributionMaps:
    """Class attribution at L layers and position-to-position attribution of P pairs of them, of n images.

    Attributes
    ----------
    network
        The network's name.
    class_names
        Names of all classes, in the order of the logits.
    gradients
        The g gradients of max-pooling that attribution was computed with.
    images
        (n, height, width, 3), uint8.
    image_names
        What each image is called.
    image_classes
        (n, k), the classes that each image is explained for, as indices into `class_names`; -1 where an image has
        fewer than k. The first two are the two classes that figures compare.
    masks
        (n, height, width): 1 + j on the part of an image's j-th class, 0 where the part is not known.
    logits
        (n, classes).
    layers, layer_labels
        Names of the layers in network order, and the short labels that figures use.
    layer_sizes
        (height, width) of each layer.
    pairs
        (source, target) of each pair, as indices into `layers`.
    to_classes
        One array per layer, float32, (g, n, k, height, width): activation times the
        gradient of each class's logit, summed over the channels; 0 for a class of -1.
    between
        One array per pair, int8, (g, n, target height, target width, source height, source width): position-to-position
        attribution as `netlens.spatial_attribution.packing` packs it.
    scales
        One array per pair, float32, (g, n, target height, target width): the largest magnitude of each map.

    Raises
    ------
    AttributionError
        The arrays do not fit each other.
    """

    network: str
    class_names: Names
    gradients: tuple[Gradient, ...]
    images: NDArray[np.uint8]
    image_names: Names
    image_classes: NDArray[np.int64]
    masks: NDArray[np.integer[Any]]
    logits: NDArray[np.floating[Any]]
    layers: Names
    layer_labels: Names
    layer_sizes: tuple[tuple[int, int], ...]
    pairs: tuple[tuple[int, int], ...]
    to_classes: tuple[NDArray[np.float32], ...]
    between: tuple[NDArray[np.int8], ...]
    scales: tuple[NDArray[np.float32], ...]

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        _known("gradient", self.gradients, GRADIENT_LABELS)
        count, layers, pairs = len(self.image_names), len(self.layers), len(self.pairs)
        _fits("images", self.images, "u", (count, *self.images.shape[1:3], 3))
        _fits("masks", self.masks, "iu", self.images.shape[:3])
        _fits("logits", self.logits, "f", (count, len(self.class_names)))
        chosen = self.image_classes.shape[-1] if self.image_classes.ndim == 2 else 0
        _fits("image_classes", self.image_classes, "i", (count, chosen))
        if ((self.image_classes < -1) | (self.image_classes >= len(self.class_names))).any():
            raise AttributionError(f"image_classes holds a class that is not among the {len(self.class_names)} names")
        _as_many("layer_labels", self.layer_labels, layers, "layers")
        _as_many("layer_sizes", self.layer_sizes, layers, "layers")
        _as_many("classes", self.to_classes, layers, "layers")
        _as_many("between", self.between, pairs, "pairs")
        _as_many("scales", self.scales, pairs, "pairs")
        if any(not 0 <= layer < layers for pair in self.pairs for layer in pair):
            raise AttributionError(f"pairs names a layer that is not among the {layers}")
        before = (len(self.gradients), count)
        for index, (size, values) in enumerate(zip(self.layer_sizes, self.to_classes, strict=True)):
            _fits(f"classes.{index}", values, "f", (*before, chosen, *size), finite=True)
        for index, (source, target) in enumerate(self.pairs):
            sizes = (*self.layer_sizes[target], *self.layer_sizes[source])
            _fits(f"between.{index}", self.between[index], "i", (*before, *sizes))
            _fits(f"scales.{index}", self.scales[index], "f", (*before, *sizes[:2]), finite=True)

    def compared_classes(self, image: int = 0) -> Names:
        """Return the names of the two classes that figures compare at an image."""
        return tuple(self.class_names[index] for index in self.image_classes[image, :2])

    def class_attribution(self, layer: int, *, gradient: str, image: int = 0) -> NDArray[np.float32]:
        """Return the attribution of an image's logits to the positions of a layer.

        Parameters
        ----------
        layer
            Index into `layers`.
        gradient
            Of max-pooling.
        image
            Index of the image.

        Returns
        -------
        ndarray
            (k, height, width), one map per class of `image_classes`.

        Raises
        ------
        AttributionError
            The gradient was not computed.
        """
        maps: NDArray[np.float32] = self.to_classes[layer][self._gradient_index(gradient), image]
        return maps

    def position_attribution(self, pair: int, *, gradient: str, image: int = 0) -> NDArray[np.float32]:
        """Return the position-to-position attribution of a pair of layers.

        Parameters
        ----------
        pair
            Index into `pairs`.
        gradient
            Of max-pooling.
        image
            Index of the image.

        Returns
        -------
        ndarray
            (target height, target width, source height, source width), within 1/254 of each map's largest magnitude of
            what was computed.

        Raises
        ------
        AttributionError
            The gradient was not computed.
        """
        which = self._gradient_index(gradient)
        return unpacked(self.between[pair][which, image], self.scales[pair][which, image])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by the names, and in the order, that they have in the file."""
        return {
            "network": np.array(self.network),
            "class_names": np.array(self.class_names, np.str_),
            "gradients": np.array(self.gradients, np.str_),
            "images": self.images,
            "image_names": np.array(self.image_names, np.str_),
            "image_classes": self.image_classes,
            "masks": self.masks,
            "logits": self.logits,
            "layers": np.array(self.layers, np.str_),
            "layer_labels": np.array(self.layer_labels, np.str_),
            "layer_sizes": np.array(self.layer_sizes, np.int64).reshape(-1, 2),
            "pairs": np.array(self.pairs, np.int64).reshape(-1, 2),
            **{f"classes.{index}": values for index, values in enumerate(self.to_classes)},
            **{f"between.{index}": values for index, values in enumerate(self.between)},
            **{f"scales.{index}": values for index, values in enumerate(self.scales)},
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Build the maps from the arrays of a file.

        Raises
        ------
        AttributionError
            An array is missing or not known, or the arrays do not fit each other.
        """
        _complete(arrays, _MAPS_ARRAYS)
        layers = _names(arrays, "layers")
        places = {
            "classes": range(len(layers)),
            "between": range(len(arrays["pairs"])),
            "scales": range(len(arrays["pairs"])),
        }
        numbered = [f"{name}.{index}" for name, indices in places.items() for index in indices]
        _complete(arrays, [*_MAPS_ARRAYS, *numbered], every=True)
        return cls(
            network=str(arrays["network"]),
            class_names=_names(arrays, "class_names"),
            gradients=cast("tuple[Gradient, ...]", _names(arrays, "gradients")),
            images=arrays["images"],
            image_names=_names(arrays, "image_names"),
            image_classes=arrays["image_classes"],
            masks=arrays["masks"],
            logits=arrays["logits"],
            layers=layers,
            layer_labels=_names(arrays, "layer_labels"),
            layer_sizes=_couples(arrays, "layer_sizes"),
            pairs=_couples(arrays, "pairs"),
            to_classes=tuple(arrays[f"classes.{index}"] for index in places["classes"]),
            between=tuple(arrays[f"between.{index}"] for index in places["between"]),
            scales=tuple(arrays[f"scales.{index}"] for index in places["scales"]),
        )

    def save(self, path: str | Path) -> None:
        """Save as npz, compressed.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        save_arrays(path, self.arrays(), compress=True)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Load what `save` wrote.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, or its arrays are incomplete or do not fit each other.
        """
        return _loaded(path, cls.from_arrays)

    def _gradient_index(self, gradient: str) -> int:
        if gradient not in self.gradients:
            raise AttributionError(
                f"the maps were not computed with gradient {gradient!r}, only with {', '.join(self.gradients)}"
            )
        return list(self.gradients).index(gradient)


@dataclass(frozen=True, eq=False)
class AttributionScores:
    """How well the attribution of one network finds the parts of n composed scenes of at most k classes.

    Attributes
    ----------
    network
        The network's name.
    measures
        Names of the measures, of `netlens.spatial_attribution.ground_truth.MEASURES`.
    areas
        (n, k), area of each class's part in 0..1; NaN where a scene has fewer classes.
    classes
        (n, k), indices of logits; -1 where a scene has fewer classes.
    logits
        (n, k), the logit of each class.
    gradients
        The g gradients of max-pooling.
    layers, layer_labels
        Names of the L layers, the first ``input``, and the short labels that figures use.
    layer_scores
        (measures, g, L, n, k): how well attribution finds the right part, by every measure. NaN where there is no class
        or the measure is not defined.
    layer_control
        (measures, g, L, c, k): the same for the first c scenes, each class with its own part painted out.
    methods
        The m methods that attribute to the input, by their names in iNNvestigate.
    method_scores, method_control
        (measures, m, n, k) and (measures, m, c, k), the same for the methods.

    Raises
    ------
    AttributionError
        The arrays do not fit each other.
    """

    network: str
    measures: Names
    areas: NDArray[np.float64]
    classes: NDArray[np.int64]
    logits: NDArray[np.floating[Any]]
    gradients: tuple[Gradient, ...]
    layers: Names
    layer_labels: Names
    layer_scores: NDArray[np.float64]
    layer_control: NDArray[np.float64]
    methods: tuple[Method, ...]
    method_scores: NDArray[np.float64]
    method_control: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        _known("gradient", self.gradients, GRADIENT_LABELS)
        _known("method", self.methods, METHOD_LABELS)
        if self.classes.ndim != 2:
            raise AttributionError(f"classes has shape {self.classes.shape}, not (scenes, classes)")
        table = self.classes.shape
        _fits("classes", self.classes, "i", table)
        _fits("areas", self.areas, "f", table)
        _fits("logits", self.logits, "f", table)
        _as_many("layer_labels", self.layer_labels, len(self.layers), "layers")
        _known("measure", self.measures, MEASURE_LABELS)
        controls = self.layer_control.shape[-2] if self.layer_control.ndim > 1 else 0
        if controls > len(self.classes):
            raise AttributionError(f"there are {controls} scenes of the control, but only {len(self.classes)} scenes")
        for what, scenes in (("scores", len(self.classes)), ("control", controls)):
            for name, kinds in (("layer", (len(self.gradients), len(self.layers))), ("method", (len(self.methods),))):
                shape = (len(self.measures), *kinds, scenes, table[1])
                _fits(f"{name}_{what}", getattr(self, f"{name}_{what}"), "f", shape)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by the names, and in the order, that they have in the file."""
        text = ("network", "measures", "gradients", "layers", "layer_labels", "methods")
        return {
            name: np.array(getattr(self, name), np.str_) if name in text else getattr(self, name)
            for name in _SCORES_ARRAYS
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Build the scores from the arrays of a file.

        Raises
        ------
        AttributionError
            An array is missing or not known, or the arrays do not fit each other.
        """
        _complete(arrays, _SCORES_ARRAYS, every=True)
        return cls(
            network=str(arrays["network"]),
            measures=_names(arrays, "measures"),
            areas=arrays["areas"],
            classes=arrays["classes"],
            logits=arrays["logits"],
            gradients=cast("tuple[Gradient, ...]", _names(arrays, "gradients")),
            layers=_names(arrays, "layers"),
            layer_labels=_names(arrays, "layer_labels"),
            layer_scores=arrays["layer_scores"],
            layer_control=arrays["layer_control"],
            methods=cast("tuple[Method, ...]", _names(arrays, "methods")),
            method_scores=arrays["method_scores"],
            method_control=arrays["method_control"],
        )

    def save(self, path: str | Path) -> None:
        """Save as npz.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        save_arrays(path, self.arrays())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Load what `save` wrote.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, or its arrays are incomplete or do not fit each other.
        """
        return _loaded(path, cls.from_arrays)


_Result = TypeVar("_Result")


def _loaded(path: str | Path, build: Callable[[Arrays], _Result]) -> _Result:
    try:
        return build(load_arrays(path))
    except AttributionError as error:
        raise ArrayFileError(f"{path}: {error}; delete the file and run the rule that makes it") from error


def _complete(arrays: Arrays, names: Iterable[str], *, every: bool = False) -> None:
    """Refuse arrays that lack one of `names` or, if these are `every` name there may be, hold another."""
    if missing := [name for name in names if name not in arrays]:
        raise AttributionError(f"array {missing[0]!r} is missing")
    if every and (unknown := [name for name in arrays if name not in names]):
        raise AttributionError(f"array {unknown[0]!r} is not known")


def _names(arrays: Arrays, name: str) -> Names:
    values = np.asarray(arrays[name])
    _fits(name, values, "U", (values.size,))
    return tuple(values.tolist())


def _couples(arrays: Arrays, name: str) -> tuple[tuple[int, int], ...]:
    values = np.asarray(arrays[name])
    _fits(name, values, "i", (len(values), 2))
    return tuple((int(first), int(second)) for first, second in values)


def _fits(name: str, values: NDArray[Any], kinds: str, shape: tuple[int, ...], *, finite: bool = False) -> None:
    if values.dtype.kind not in kinds:
        raise AttributionError(f"{name} holds {values.dtype}, not {' or '.join(_KINDS[kind] for kind in kinds)}")
    if values.shape != shape:
        raise AttributionError(f"{name} has shape {values.shape}; the other arrays make it {shape}")
    if finite and not np.isfinite(values).all():
        raise AttributionError(f"{name} holds NaN or infinity")


def _as_many(name: str, values: tuple[Any, ...], count: int, of: str) -> None:
    if len(values) != count:
        raise AttributionError(f"there are {count} {of}, but {len(values)} of {name}")


def _known(what: str, names: Iterable[str], labels: Mapping[Any, str]) -> None:
    for name in names:
        if name not in labels:
            raise AttributionError(f"there is no {what} {name!r}; there are {', '.join(labels)}")
