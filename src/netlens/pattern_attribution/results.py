"""What the notebooks of this section pass on to each other, as dataclasses that npz files hold.

- `LayerArrays`: kernels, or the patterns of one estimator, one array per layer;
- `ActivityCounts`: how many images and samples the patterns come from;
- `PatternChecks`: gain, activity and signal quality of every unit.

The sums over images have a module of their own, `netlens.pattern_attribution.patterns.statistics`, and so have
explanations, `netlens.pattern_attribution.attributions`, and spectra, `netlens.pattern_attribution.spectra.results`.
Nothing here starts TensorFlow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.files.array_reader import ArrayReader
from netlens.files.arrays import save_arrays
from netlens.models.keras.kernel_layers import KernelLayer
from netlens.pattern_attribution.patterns.diagnostics import SIGNAL_ESTIMATORS

Array = NDArray[Any]
Names = tuple[str, ...]


@dataclass(frozen=True)
class LayerArrays:
    """One array per layer with a kernel: the kernels themselves, or the patterns of one estimator.

    Attributes
    ----------
    by_layer
        (h, w, cin, cout) of a convolution or (cin, cout) of a Dense layer, by layer name in network order.
    """

    by_layer: Mapping[str, Array]

    def save(self, path: str | Path) -> None:
        """Save as npz, in single precision.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        save_arrays(path, {name: array.astype(np.float32) for name, array in self.by_layer.items()})

    @classmethod
    def load(cls, path: str | Path, layers: Sequence[KernelLayer] = ()) -> "LayerArrays":
        """Load what `save` wrote.

        Parameters
        ----------
        path
            File to read.
        layers
            The network's layers: the file must hold an array for each of them, shaped as its kernel, and no other.
            Without them, any layers are accepted.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, or holds other arrays than those of `layers`.
        """
        reader = ArrayReader(path)
        shapes = {layer.name: layer.kernel_shape for layer in layers} or {n: reader.shape(n) for n in reader.left}
        arrays = {}
        for name, shape in shapes.items():
            if len(shape) not in (2, 4):
                raise reader.error(f"array {name!r} has {len(shape)} dimensions; a kernel has 2 or 4")
            arrays[name] = reader.array(name, "f", *shape)
        reader.finish()
        return cls(arrays)


@dataclass(frozen=True)
class ActivityCounts:
    """How many images and samples patterns are estimated from.

    Attributes
    ----------
    images
        Number of images.
    active
        (units,) by layer: in how many samples each unit is active.
    samples
        Number of samples by layer: images times output positions.
    """

    images: int
    active: Mapping[str, Array]
    samples: Mapping[str, int]

    def active_share(self, layer: str) -> Array:
        """Return the share of samples in which each unit of a layer is active, shape (units,)."""
        share: Array = self.active[layer] / np.asarray(self.samples[layer])
        return share

    def save(self, path: str | Path) -> None:
        """Save as npz.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        active = {f"{name}.active": counts for name, counts in self.active.items()}
        samples = {f"{name}.samples": np.array(count) for name, count in self.samples.items()}
        save_arrays(path, {"images": np.array(self.images), **active, **samples})

    @classmethod
    def load(cls, path: str | Path) -> "ActivityCounts":
        """Load what `save` wrote.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, lacks an array, holds one too many, or counts more active samples than samples.
        """
        reader = ArrayReader(path)
        images = reader.whole("images")
        names = [name.removesuffix(".active") for name in reader.left if name.endswith(".active")]
        active = {name: reader.array(f"{name}.active", "i", f"units of {name}") for name in names}
        samples = {name: reader.whole(f"{name}.samples") for name in names}
        reader.finish()
        for name in names:
            if (active[name] < 0).any() or (active[name] > samples[name]).any():
                raise reader.error(f"array '{name}.active' does not count up to {samples[name]} samples")
        return cls(images, active, samples)


@dataclass(frozen=True)
class LayerChecks:
    """Diagnostics of the patterns of one layer with U units.

    Attributes
    ----------
    name, label
        The layer's name, and its short name for axes.
    gain
        (U,) w'a of the estimator ``relu``.
    dead
        (U,) bool, whether a unit has no pattern.
    active_share
        (U,) share of samples in which a unit is active.
    quality
        (U,) rho by signal estimator; NaN for a unit that has none.
    """

    name: str
    label: str
    gain: Array
    dead: Array
    active_share: Array
    quality: Mapping[str, Array]


@dataclass(frozen=True)
class PatternChecks:
    """Diagnostics of the patterns of a network.

    Attributes
    ----------
    images
        Number of images that the patterns are estimated from.
    layers
        In network order.
    group_images
        (g,), number of these images in each group that they were divided into.
    dead_without
        (g,), number of units that are dead on the images outside of each group.
    """

    images: int
    layers: tuple[LayerChecks, ...]
    group_images: Array
    dead_without: Array

    @property
    def labels(self) -> list[str]:
        """Short names of the layers."""
        return [layer.label for layer in self.layers]

    @property
    def units(self) -> int:
        """Number of units of all layers."""
        return sum(layer.dead.size for layer in self.layers)

    @property
    def dead_units(self) -> int:
        """Number of dead units of all layers."""
        return int(sum(layer.dead.sum() for layer in self.layers))

    def mean_quality(self, estimator: str) -> Array:
        """Return rho of a signal estimator by layer, shape (layers,): the mean over units that have one.

        NaN where none has, as the two-component estimator in a layer whose units are active on all samples.
        """
        known = (layer.quality[estimator] for layer in self.layers)
        with_one = (values[np.isfinite(values)] for values in known)
        return np.array([values.mean() if values.size else np.nan for values in with_one])

    def save(self, path: str | Path) -> None:
        """Save as npz.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        arrays = names_and_labels(self.layers)
        arrays["images"] = np.array(self.images)
        arrays["group_images"], arrays["dead_without"] = self.group_images, self.dead_without
        for layer in self.layers:
            arrays[f"{layer.name}.gain"] = layer.gain
            arrays[f"{layer.name}.dead"] = layer.dead
            arrays[f"{layer.name}.active_share"] = layer.active_share
        for layer in self.layers:
            for estimator in SIGNAL_ESTIMATORS:
                arrays[f"{layer.name}.rho_{estimator}"] = layer.quality[estimator]
        save_arrays(path, arrays)

    @classmethod
    def load(cls, path: str | Path) -> "PatternChecks":
        """Load what `save` wrote.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, lacks an array, holds one too many, or holds arrays that do not fit each other.
        """
        reader = ArrayReader(path)
        layers = []
        for name, label in read_names_and_labels(reader):
            units = f"units of {name}"
            layers.append(
                LayerChecks(
                    name,
                    label,
                    reader.array(f"{name}.gain", "f", units),
                    reader.array(f"{name}.dead", "b", units),
                    reader.array(f"{name}.active_share", "f", units),
                    {estimator: reader.array(f"{name}.rho_{estimator}", "f", units) for estimator in SIGNAL_ESTIMATORS},
                )
            )
        groups = (reader.array(name, "i", "groups") for name in ("group_images", "dead_without"))
        checks = cls(reader.whole("images"), tuple(layers), *groups)
        reader.finish()
        return checks


def names_and_labels(parts: Sequence[Any], prefix: str = "") -> dict[str, Array]:
    """Return the names and labels of layers, or of other parts of a network, as arrays for a file."""
    return {
        f"{prefix}names": np.array([part.name for part in parts], dtype=str),
        f"{prefix}labels": np.array([part.label for part in parts], dtype=str),
    }


def read_names_and_labels(reader: ArrayReader, prefix: str = "") -> list[tuple[str, str]]:
    """Return the pairs of names and labels that `names_and_labels` made arrays of."""
    axis = f"{prefix}names"
    return list(zip(reader.names(f"{prefix}names", axis), reader.names(f"{prefix}labels", axis), strict=True))
