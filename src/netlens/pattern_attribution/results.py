"""What the notebooks of this section pass on to each other, as dataclasses that npz files hold.

- `LayerArrays`: kernels, or the patterns of one estimator, one array per layer;
- `ActivityCounts`: how many images and samples the patterns come from;
- `PatternChecks`: gain, activity and signal quality of every unit;
- `SingularRatios`: the ratio of the two largest singular values everywhere, and the spectra of whole chains;
- `Spectra`: all singular values of layers and inter-layer items;
- `Decompositions`: the matrices of these decompositions, reduced to the size of a picture;
- `Attributions`: images and their three explanations.

The sums over images have a module of their own, `netlens.pattern_attribution.patterns.statistics`. Nothing here starts
TensorFlow.
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
from netlens.pattern_attribution.spectra.chain import ChainSpectrum
from netlens.pattern_attribution.spectra.matrices import KINDS, SpectraError

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
    """

    images: int
    layers: tuple[LayerChecks, ...]

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
        """Return rho of a signal estimator by layer, shape (layers,): the mean over units that have one."""
        return np.array([np.nanmean(layer.quality[estimator]) for layer in self.layers])

    def save(self, path: str | Path) -> None:
        """Save as npz.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        arrays = _names_and_labels(self.layers)
        arrays["images"] = np.array(self.images)
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
        for name, label in _read_names_and_labels(reader):
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
        checks = cls(reader.whole("images"), tuple(layers))
        reader.finish()
        return checks


@dataclass(frozen=True)
class MatrixRatios:
    """Singular ratios of one kind of matrix in a network of L layers.

    Attributes
    ----------
    layer
        (L,) s1 / s2 of each layer's 1x1 view; infinite where s2 is 0.
    inter_layer
        (L - 1,) the same of the inter-layer items.
    chain
        Singular values of the product of all layers but the first; None for the patterns, whose chain is not studied.
    """

    layer: Array
    inter_layer: Array
    chain: ChainSpectrum | None


@dataclass(frozen=True)
class SingularRatios:
    """Singular ratios of the weights W, the patterns A and P = A * W of a network of L layers.

    Attributes
    ----------
    names, labels
        The layers' names, and their short names for axes.
    weights, patterns, pattern_attribution
        The ratios of W, A and P.
    full_patterns
        (L,) the ratio of the full view of A.
    """

    names: Names
    labels: Names
    weights: MatrixRatios
    patterns: MatrixRatios
    pattern_attribution: MatrixRatios
    full_patterns: Array

    def of(self, kind: str) -> MatrixRatios:
        """Return the ratios of a kind of matrix, one of `KINDS`."""
        found: MatrixRatios = _of(self, kind)
        return found

    def chain(self, kind: str) -> ChainSpectrum:
        """Return the spectrum of a chain.

        Raises
        ------
        SpectraError
            For the patterns, whose chain is not studied.
        """
        found = self.of(kind).chain
        if found is None:
            raise SpectraError(f"the chain of the {kind} is not computed; choose weights or pattern_attribution")
        return found

    def save(self, path: str | Path) -> None:
        """Save as npz.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        arrays: dict[str, Array] = {"names": np.array(self.names), "labels": np.array(self.labels)}
        for kind in KINDS:
            ratios = self.of(kind)
            arrays[f"{kind}.layer"] = ratios.layer
            arrays[f"{kind}.inter_layer"] = ratios.inter_layer
            if ratios.chain is not None:
                arrays[f"{kind}.chain_log10"] = ratios.chain.log10_values
                arrays[f"{kind}.chain_log10_error"] = ratios.chain.log10_errors
                arrays[f"{kind}.chain_resolved"] = np.array(ratios.chain.resolved)
                arrays[f"{kind}.chain"] = np.array(ratios.chain.log10_ratio)
                arrays[f"{kind}.chain_error"] = np.array(ratios.chain.log10_ratio_error)
        arrays["patterns.full"] = self.full_patterns
        save_arrays(path, arrays)

    @classmethod
    def load(cls, path: str | Path) -> "SingularRatios":
        """Load what `save` wrote.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, lacks an array, holds one too many, or holds arrays that do not fit each other.
        """
        reader = ArrayReader(path)
        names, labels = reader.names("names", "layers"), reader.names("labels", "layers")

        def chain(kind: str) -> ChainSpectrum:
            values = f"values of the chain of {kind}"
            found = ChainSpectrum(
                reader.array(f"{kind}.chain_log10", "f", values),
                reader.array(f"{kind}.chain_log10_error", "f", values),
            )
            stored = (
                reader.whole(f"{kind}.chain_resolved"),
                reader.real(f"{kind}.chain"),
                reader.real(f"{kind}.chain_error"),
            )
            if stored != (found.resolved, found.log10_ratio, found.log10_ratio_error):
                raise reader.error(f"array '{kind}.chain' is not the ratio of '{kind}.chain_log10'")
            return found

        def ratios(kind: str) -> MatrixRatios:
            return MatrixRatios(
                reader.array(f"{kind}.layer", "f", "layers"),
                reader.array(f"{kind}.inter_layer", "f", len(names) - 1),
                None if kind == "patterns" else chain(kind),
            )

        found = cls(
            names=names,
            labels=labels,
            weights=ratios("weights"),
            patterns=ratios("patterns"),
            pattern_attribution=ratios("pattern_attribution"),
            full_patterns=reader.array("patterns.full", "f", "layers"),
        )
        reader.finish()
        return found


@dataclass(frozen=True)
class LayerSpectrum:
    """Singular values of one layer and of the item between it and the next.

    Attributes
    ----------
    name, label
        The layer's name, and its short name for axes.
    values
        (r,) singular values of its 1x1 view, largest first.
    column_norms
        (cout,) norms of the columns of that view, largest first.
    item_values
        Singular values of the inter-layer item that joins the layer to the next, largest first; None for the last.
    """

    name: str
    label: str
    values: Array
    column_norms: Array
    item_values: Array | None


@dataclass(frozen=True)
class Spectra:
    """All singular values of the weights W, the patterns A and P = A * W of a network.

    Attributes
    ----------
    weights, patterns, pattern_attribution
        Of each layer, in network order.
    """

    weights: tuple[LayerSpectrum, ...]
    patterns: tuple[LayerSpectrum, ...]
    pattern_attribution: tuple[LayerSpectrum, ...]

    @property
    def names(self) -> Names:
        """Names of the layers."""
        return tuple(layer.name for layer in self.weights)

    def of(self, kind: str) -> tuple[LayerSpectrum, ...]:
        """Return the spectra of a kind of matrix, one of `KINDS`."""
        found: tuple[LayerSpectrum, ...] = _of(self, kind)
        return found

    def save(self, path: str | Path) -> None:
        """Save as npz.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        arrays = _names_and_labels(self.weights)
        for kind in KINDS:
            before: LayerSpectrum | None = None
            for layer in self.of(kind):
                arrays[f"{kind}.{layer.name}.s"] = layer.values
                arrays[f"{kind}.{layer.name}.norms"] = layer.column_norms
                if before is not None and before.item_values is not None:
                    arrays[f"{kind}.{before.name}.T"] = before.item_values
                before = layer
        save_arrays(path, arrays)

    @classmethod
    def load(cls, path: str | Path) -> "Spectra":
        """Load what `save` wrote.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, lacks an array, holds one too many, or holds arrays that do not fit each other.
        """
        reader = ArrayReader(path)
        layers = _read_names_and_labels(reader)

        def spectra(kind: str) -> tuple[LayerSpectrum, ...]:
            return tuple(
                LayerSpectrum(
                    name,
                    label,
                    reader.array(f"{kind}.{name}.s", "f", f"values of {name}"),
                    reader.array(f"{kind}.{name}.norms", "f", f"units of {name}"),
                    reader.array(f"{kind}.{name}.T", "f", f"values behind {name}") if index + 1 < len(layers) else None,
                )
                for index, (name, label) in enumerate(layers)
            )

        found = cls(*map(spectra, KINDS))
        reader.finish()
        return found


@dataclass(frozen=True)
class LayerDecomposition:
    """A layer's decomposition, each matrix reduced to at most so many rows and columns as a picture may have.

    Attributes
    ----------
    name, label
        The layer's name, and its short name for axes.
    U, Vh
        float32, the bases of its inputs and outputs, columns and rows; 0 where they belong to no singular value.
    s
        (r,) all singular values, largest first.
    rotation
        float32, R = Vh U' with U' of the next layer; None for the last layer.
    item
        float32, T, the same weighted by the roots of both layers' singular values; None for the last layer.
    """

    name: str
    label: str
    U: Array
    s: Array
    Vh: Array
    rotation: Array | None
    item: Array | None


@dataclass(frozen=True)
class Decompositions:
    """Decompositions of the weights W, the patterns A and P = A * W of a network, as pictures.

    Attributes
    ----------
    weights, patterns, pattern_attribution
        Of each layer, in network order.
    """

    weights: tuple[LayerDecomposition, ...]
    patterns: tuple[LayerDecomposition, ...]
    pattern_attribution: tuple[LayerDecomposition, ...]

    def of(self, kind: str) -> tuple[LayerDecomposition, ...]:
        """Return the decompositions of a kind of matrix, one of `KINDS`."""
        found: tuple[LayerDecomposition, ...] = _of(self, kind)
        return found

    def save(self, path: str | Path) -> None:
        """Save as npz.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        arrays = _names_and_labels(self.weights)
        for kind in KINDS:
            before: LayerDecomposition | None = None
            for layer in self.of(kind):
                arrays[f"{kind}.{layer.name}.U"] = layer.U
                arrays[f"{kind}.{layer.name}.s"] = layer.s
                arrays[f"{kind}.{layer.name}.Vh"] = layer.Vh
                if before is not None and before.rotation is not None and before.item is not None:
                    arrays[f"{kind}.{before.name}.R"] = before.rotation
                    arrays[f"{kind}.{before.name}.T"] = before.item
                before = layer
        save_arrays(path, arrays)

    @classmethod
    def load(cls, path: str | Path) -> "Decompositions":
        """Load what `save` wrote.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, lacks an array, holds one too many, or holds arrays that do not fit each other.
        """
        reader = ArrayReader(path)
        layers = _read_names_and_labels(reader)

        def decomposition(kind: str, index: int) -> LayerDecomposition:
            name, label = layers[index]
            inputs, outputs = f"inputs of {name}", f"outputs of {name}"
            U = reader.array(f"{kind}.{name}.U", "f", inputs, inputs)
            Vh = reader.array(f"{kind}.{name}.Vh", "f", outputs, outputs)
            between: list[Array | None] = [None, None]
            if index + 1 < len(layers):
                following = f"inputs of {layers[index + 1][0]}"
                between = [reader.array(f"{kind}.{name}.{part}", "f", outputs, following) for part in "RT"]
            s = reader.array(f"{kind}.{name}.s", "f", f"values of {name}")
            return LayerDecomposition(name, label, U, s, Vh, *between)

        found = cls(*(tuple(decomposition(kind, index) for index in range(len(layers))) for kind in KINDS))
        reader.finish()
        return found


@dataclass(frozen=True)
class Attributions:
    """n images and three explanations of each, of the largest logit.

    Attributes
    ----------
    images
        uint8, (n, height, width, 3).
    index
        (n,) which held-out images these are.
    class_names
        Class of each.
    logits
        (n,) the explained logits.
    in_taxonomy
        (n,) bool, whether an image is one of those shown side by side.
    is_example
        (n,) bool, whether it is the study's example image; exactly one is.
    function, signal, attribution
        float32, (n, height, width, 3): gradient, PatternNet and PatternAttribution; see
        `netlens.pattern_attribution.analyzers.taxonomy.Taxonomy`.
    """

    images: NDArray[np.uint8]
    index: Array
    class_names: Names
    logits: Array
    in_taxonomy: Array
    is_example: Array
    function: NDArray[np.float32]
    signal: NDArray[np.float32]
    attribution: NDArray[np.float32]

    @property
    def example(self) -> int:
        """Row of the study's example image."""
        return int(np.flatnonzero(self.is_example)[0])

    @property
    def taxonomy(self) -> "Attributions":
        """Only the images that are shown side by side."""
        chosen = self.in_taxonomy
        return Attributions(
            images=self.images[chosen],
            index=self.index[chosen],
            class_names=tuple(name for name, kept in zip(self.class_names, chosen, strict=True) if kept),
            logits=self.logits[chosen],
            in_taxonomy=chosen[chosen],
            is_example=self.is_example[chosen],
            function=self.function[chosen],
            signal=self.signal[chosen],
            attribution=self.attribution[chosen],
        )

    def arrays(self) -> dict[str, Array]:
        """Return everything as named arrays, as they are in the file."""
        return {
            "images": self.images,
            "index": self.index,
            "class_names": np.array(self.class_names),
            "logits": self.logits,
            "in_taxonomy": self.in_taxonomy,
            "is_example": self.is_example,
            "function": self.function,
            "signal": self.signal,
            "attribution": self.attribution,
        }

    def save(self, path: str | Path) -> None:
        """Save as npz.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        save_arrays(path, self.arrays())

    @classmethod
    def load(cls, path: str | Path) -> "Attributions":
        """Load what `save` wrote.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, lacks an array, holds one too many, or holds arrays that do not fit each other.
        """
        reader = ArrayReader(path)
        shape = ("images", "height", "width", 3)
        found = cls(
            images=reader.array("images", "u", *shape),
            index=reader.array("index", "i", "images"),
            class_names=reader.names("class_names", "images"),
            logits=reader.array("logits", "f", "images"),
            in_taxonomy=reader.array("in_taxonomy", "b", "images"),
            is_example=reader.array("is_example", "b", "images"),
            function=reader.array("function", "f", *shape),
            signal=reader.array("signal", "f", *shape),
            attribution=reader.array("attribution", "f", *shape),
        )
        reader.finish()
        if found.is_example.sum() != 1:
            raise reader.error(f"array 'is_example' marks {found.is_example.sum()} images instead of one")
        return found


def _of(results: Any, kind: str) -> Any:
    if kind not in KINDS:
        raise SpectraError(f"there is no matrix {kind!r}; choose one of {', '.join(KINDS)}")
    return getattr(results, kind)


def _names_and_labels(layers: Sequence[Any]) -> dict[str, Array]:
    return {
        "names": np.array([layer.name for layer in layers]),
        "labels": np.array([layer.label for layer in layers]),
    }


def _read_names_and_labels(reader: ArrayReader) -> list[tuple[str, str]]:
    return list(zip(reader.names("names", "layers"), reader.names("labels", "layers"), strict=True))
