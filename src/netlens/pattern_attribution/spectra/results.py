"""Spectra of a network, as the section's notebooks pass them on to each other: dataclasses that npz files hold.

- `SingularRatios`: the ratio of the two largest singular values everywhere, and the spectra of whole chains;
- `Spectra`: all singular values of layers, segments and inter-layer items;
- `Decompositions`: the matrices of some of these decompositions, reduced to the size of a picture.

Layers are those with kernels. Segments are what lies between tensors that every path passes
(`netlens.pattern_attribution.spectra.segments`): in a network without branches, the layers. Nothing here starts
TensorFlow.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netlens.files.array_reader import ArrayReader
from netlens.files.arrays import save_arrays
from netlens.models.keras.segments import NotApplicableError
from netlens.pattern_attribution.results import names_and_labels, read_names_and_labels
from netlens.pattern_attribution.spectra.chain import ChainSpectrum
from netlens.pattern_attribution.spectra.matrices import KINDS, SpectraError

Array = NDArray[Any]
Names = tuple[str, ...]


@dataclass(frozen=True)
class MatrixRatios:
    """Singular ratios of one kind of matrix in a network of L layers and S segments.

    Attributes
    ----------
    layer
        (L,) s1 / s2 of each layer's 1x1 view; infinite where s2 is 0.
    segment
        (S,) the same of each segment's matrix; see `netlens.pattern_attribution.spectra.segments`.
    inter_layer
        (S - 1,) the same of the inter-layer items between neighboring segments.
    chain
        Singular values of the product of all segments but the first; None for the patterns, whose chain is not studied,
        and where there is no chain.
    """

    layer: Array
    segment: Array
    inter_layer: Array
    chain: ChainSpectrum | None


#: What ratios are summed up to: their product over layers, that over inter-layer items, and the ratio of the chain.
SUMMARIES: Final = ("layer", "inter_layer", "chain")


@dataclass(frozen=True)
class LeftOutRatios:
    """Ratios of what PatternAttribution multiplies, with patterns from all but one of g groups of images.

    Attributes
    ----------
    images
        (g,), number of images in each group; all above 0.
    log10
        (g, 3), decimal logarithms, one for each of `SUMMARIES`; NaN for the last two where there is no chain.
    """

    images: NDArray[np.int64]
    log10: Array


@dataclass(frozen=True)
class SingularRatios:
    """Singular ratios of the weights W, the patterns A and P = A * W of a network of L layers and S segments.

    Attributes
    ----------
    names, labels
        The layers' names, and their short names for axes.
    segment_names, segment_labels
        The same of the segments; none where inter-layer items do not apply.
    obstacle
        Why inter-layer items do not apply, in one line; empty where they do.
    weights, patterns, pattern_attribution
        The ratios of W, A and P.
    full_patterns
        (L,) the ratio of the full view of A.
    left_out
        The ratios of P summed up, without each group of images.
    """

    names: Names
    labels: Names
    segment_names: Names
    segment_labels: Names
    obstacle: str
    weights: MatrixRatios
    patterns: MatrixRatios
    pattern_attribution: MatrixRatios
    full_patterns: Array
    left_out: LeftOutRatios

    def log10_summary(self, kind: str, summary: str) -> float:
        """Return the decimal logarithm of what the ratios of a kind of matrix are summed up to.

        Parameters
        ----------
        kind
            ``weights`` or ``pattern_attribution``.
        summary
            One of `SUMMARIES`.

        Raises
        ------
        NotApplicableError
            The network is not a chain of segments, and the summary is not that of the layers.
        """
        if summary == "chain":
            return self.chain(kind).log10_ratio
        return float(np.log10(self.of(kind).layer if summary == "layer" else self.inter_layer(kind)).sum())

    def of(self, kind: str) -> MatrixRatios:
        """Return the ratios of a kind of matrix, one of `KINDS`."""
        found: MatrixRatios = _of(self, kind)
        return found

    def inter_layer(self, kind: str) -> Array:
        """Return the ratios of the inter-layer items, (S - 1,).

        Raises
        ------
        NotApplicableError
            The network is not a chain of segments.
        """
        _check_applicable(self.obstacle)
        return self.of(kind).inter_layer

    def chain(self, kind: str) -> ChainSpectrum:
        """Return the spectrum of a chain.

        Raises
        ------
        NotApplicableError
            The network is not a chain of segments.
        SpectraError
            For the patterns, whose chain is not studied.
        """
        found: ChainSpectrum = _chain_of(self, kind)
        return found

    def save(self, path: str | Path) -> None:
        """Save as npz.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        arrays: dict[str, Array] = {"names": np.array(self.names), "labels": np.array(self.labels)}
        arrays["segment_names"] = np.array(self.segment_names, dtype=str)
        arrays["segment_labels"] = np.array(self.segment_labels, dtype=str)
        arrays["obstacle"] = np.array(self.obstacle)
        for kind in KINDS:
            ratios = self.of(kind)
            arrays[f"{kind}.layer"] = ratios.layer
            arrays[f"{kind}.segment"] = ratios.segment
            arrays[f"{kind}.inter_layer"] = ratios.inter_layer
            if ratios.chain is not None:
                arrays[f"{kind}.chain_log10"] = ratios.chain.log10_values
                arrays[f"{kind}.chain_log10_error"] = ratios.chain.log10_errors
                arrays[f"{kind}.chain_resolved"] = np.array(ratios.chain.resolved)
                arrays[f"{kind}.chain"] = np.array(ratios.chain.log10_ratio)
                arrays[f"{kind}.chain_error"] = np.array(ratios.chain.log10_ratio_error)
        arrays["patterns.full"] = self.full_patterns
        arrays["left_out.images"] = self.left_out.images
        arrays["left_out.log10"] = self.left_out.log10
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
        segments = reader.names("segment_names", "segments"), reader.names("segment_labels", "segments")
        obstacle = reader.text("obstacle")

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
                reader.array(f"{kind}.segment", "f", "segments"),
                reader.array(f"{kind}.inter_layer", "f", max(len(segments[0]) - 1, 0)),
                None if kind == "patterns" or obstacle else chain(kind),
            )

        found = cls(
            names,
            labels,
            *segments,
            obstacle,
            weights=ratios("weights"),
            patterns=ratios("patterns"),
            pattern_attribution=ratios("pattern_attribution"),
            full_patterns=reader.array("patterns.full", "f", "layers"),
            left_out=LeftOutRatios(
                reader.array("left_out.images", "i", "groups"),
                reader.array("left_out.log10", "f", "groups", len(SUMMARIES)),
            ),
        )
        reader.finish()
        return found


@dataclass(frozen=True)
class LayerSpectrum:
    """Singular values of one layer, and the norms of its rows and columns.

    Attributes
    ----------
    name, label
        The layer's name, and its short name for axes.
    values
        (r,) singular values of its 1x1 view, largest first.
    row_norms, column_norms
        (cin,) and (cout,), norms of the rows and of the columns of that view, each largest first.
    """

    name: str
    label: str
    values: Array
    row_norms: Array
    column_norms: Array


@dataclass(frozen=True)
class SegmentSpectrum:
    """Singular values of one segment and of the item between it and the next.

    Attributes
    ----------
    name, label
        The segment's name, and its short name for axes.
    values
        (r,) singular values of its matrix, largest first.
    item_values
        Singular values of the inter-layer item that joins the segment to the next, largest first; None for the last.
    """

    name: str
    label: str
    values: Array
    item_values: Array | None


@dataclass(frozen=True)
class MatrixSpectra:
    """Spectra of one kind of matrix.

    Attributes
    ----------
    layers
        Of each layer, in network order.
    segments
        Of each segment, in network order; none where inter-layer items do not apply.
    """

    layers: tuple[LayerSpectrum, ...]
    segments: tuple[SegmentSpectrum, ...]


@dataclass(frozen=True)
class Spectra:
    """All singular values of the weights W, the patterns A and P = A * W of a network.

    Attributes
    ----------
    weights, patterns, pattern_attribution
        Of each layer and each segment.
    obstacle
        Why inter-layer items do not apply, in one line; empty where they do.
    """

    weights: MatrixSpectra
    patterns: MatrixSpectra
    pattern_attribution: MatrixSpectra
    obstacle: str = ""

    @property
    def names(self) -> Names:
        """Names of the layers."""
        return tuple(layer.name for layer in self.weights.layers)

    def layers(self, kind: str) -> tuple[LayerSpectrum, ...]:
        """Return the spectra of all layers for a kind of matrix, one of `KINDS`."""
        found: MatrixSpectra = _of(self, kind)
        return found.layers

    def segments(self, kind: str) -> tuple[SegmentSpectrum, ...]:
        """Return the spectra of all segments for a kind of matrix, one of `KINDS`.

        Raises
        ------
        NotApplicableError
            The network is not a chain of segments.
        """
        _check_applicable(self.obstacle)
        found: MatrixSpectra = _of(self, kind)
        return found.segments

    def save(self, path: str | Path) -> None:
        """Save as npz.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        arrays = names_and_labels(self.weights.layers)
        arrays |= names_and_labels(self.weights.segments, "segment_")
        arrays["obstacle"] = np.array(self.obstacle)
        for kind in KINDS:
            spectra: MatrixSpectra = _of(self, kind)
            for layer in spectra.layers:
                arrays[f"{kind}.{layer.name}.s"] = layer.values
                arrays[f"{kind}.{layer.name}.row_norms"] = layer.row_norms
                arrays[f"{kind}.{layer.name}.norms"] = layer.column_norms
            for segment in spectra.segments:
                arrays[f"{kind}:segment:{segment.name}.s"] = segment.values
                if segment.item_values is not None:
                    arrays[f"{kind}:segment:{segment.name}.T"] = segment.item_values
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
        layers, segments = read_names_and_labels(reader), read_names_and_labels(reader, "segment_")
        obstacle = reader.text("obstacle")

        def layer(kind: str, name: str, label: str) -> LayerSpectrum:
            prefix = f"{kind}.{name}"
            return LayerSpectrum(
                name,
                label,
                reader.array(f"{prefix}.s", "f", f"values of {name}"),
                reader.array(f"{prefix}.row_norms", "f", f"inputs of {name}"),
                reader.array(f"{prefix}.norms", "f", f"units of {name}"),
            )

        def segment(kind: str, index: int) -> SegmentSpectrum:
            name, label = segments[index]
            prefix, is_last = f"{kind}:segment:{name}", index + 1 == len(segments)
            values = reader.array(f"{prefix}.s", "f", f"values of segment {name}")
            item = None if is_last else reader.array(f"{prefix}.T", "f", f"values behind segment {name}")
            return SegmentSpectrum(name, label, values, item)

        def spectra(kind: str) -> MatrixSpectra:
            return MatrixSpectra(
                tuple(layer(kind, name, label) for name, label in layers),
                tuple(segment(kind, index) for index in range(len(segments))),
            )

        found = cls(spectra("weights"), spectra("patterns"), spectra("pattern_attribution"), obstacle)
        reader.finish()
        return found


@dataclass(frozen=True)
class LayerDecomposition:
    """A layer's decomposition, as far as a picture shows it (`netlens.pattern_attribution.spectra.pictures`).

    Attributes
    ----------
    name, label
        The layer's name, and its short name for axes.
    U, Vh
        float32, the first directions among its inputs and outputs, columns and rows, without those that belong to no
        singular value.
    s
        All singular values, largest first.
    """

    name: str
    label: str
    U: Array
    s: Array
    Vh: Array


@dataclass(frozen=True)
class PairDecomposition:
    """What lies between two neighboring segments, as root mean squares of tiles.

    Attributes
    ----------
    name, label
        The first segment's name, and the short names of both.
    rotation
        float32, R = Vh U' with U' of the next segment, without what belongs to no singular value; relative to the root
        mean square of a random rotation of as many channels.
    scaled_rotation
        float32, R diag(s') with the singular values of the next segment.
    item
        float32, T, which is R weighted by the roots of both segments' singular values.
    rows, columns
        First direction of the first and of the next segment in each row and column of tiles.
    """

    name: str
    label: str
    rotation: Array
    scaled_rotation: Array
    item: Array
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]


@dataclass(frozen=True)
class ChainDecomposition:
    """The decomposition of the product of all segments but the first, as pictures.

    Attributes
    ----------
    U, Vh
        float32, the first directions among the chain's inputs and outputs, columns and rows, of values that are not
        lost in rounding.
    log10_values
        Decimal logarithms of all singular values, largest first; minus infinity where a value is 0.
    """

    U: Array
    log10_values: Array
    Vh: Array


@dataclass(frozen=True)
class MatrixDecompositions:
    """Decompositions of one kind of matrix, of layers and pairs of segments spread evenly over the network.

    Attributes
    ----------
    layers, pairs
        In network order.
    chain
        None for the patterns, whose chain is not studied, and where there is no chain.
    """

    layers: tuple[LayerDecomposition, ...]
    pairs: tuple[PairDecomposition, ...]
    chain: ChainDecomposition | None


@dataclass(frozen=True)
class Decompositions:
    """Decompositions of the weights W, the patterns A and P = A * W of a network, as pictures.

    Attributes
    ----------
    weights, patterns, pattern_attribution
        Of some layers and of some pairs of neighboring segments.
    layers_count, segments_count
        How many layers and segments the network has, shown or not.
    obstacle
        Why inter-layer items do not apply, in one line; empty where they do.
    """

    weights: MatrixDecompositions
    patterns: MatrixDecompositions
    pattern_attribution: MatrixDecompositions
    layers_count: int
    segments_count: int
    obstacle: str = ""

    def layers(self, kind: str) -> tuple[LayerDecomposition, ...]:
        """Return the decompositions of layers for a kind of matrix, one of `KINDS`."""
        found: MatrixDecompositions = _of(self, kind)
        return found.layers

    def pairs(self, kind: str) -> tuple[PairDecomposition, ...]:
        """Return what lies between neighboring segments for a kind of matrix.

        Raises
        ------
        NotApplicableError
            The network is not a chain of segments.
        """
        _check_applicable(self.obstacle)
        found: MatrixDecompositions = _of(self, kind)
        return found.pairs

    def chain(self, kind: str) -> ChainDecomposition:
        """Return the decomposition of the chain.

        Raises
        ------
        NotApplicableError
            The network is not a chain of segments.
        SpectraError
            For the patterns, whose chain is not studied.
        """
        found: ChainDecomposition = _chain_of(self, kind)
        return found

    def save(self, path: str | Path) -> None:
        """Save as npz.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        arrays = names_and_labels(self.weights.layers) | names_and_labels(self.weights.pairs, "pair_")
        arrays["layers_count"], arrays["segments_count"] = np.array(self.layers_count), np.array(self.segments_count)
        arrays["obstacle"] = np.array(self.obstacle)
        for kind in KINDS:
            made: MatrixDecompositions = _of(self, kind)
            for layer in made.layers:
                arrays[f"{kind}.{layer.name}.U"] = layer.U
                arrays[f"{kind}.{layer.name}.s"] = layer.s
                arrays[f"{kind}.{layer.name}.Vh"] = layer.Vh
            for pair in made.pairs:
                arrays[f"{kind}:pair:{pair.name}.R"] = pair.rotation
                arrays[f"{kind}:pair:{pair.name}.RS"] = pair.scaled_rotation
                arrays[f"{kind}:pair:{pair.name}.T"] = pair.item
                arrays[f"{kind}:pair:{pair.name}.rows"] = pair.rows
                arrays[f"{kind}:pair:{pair.name}.columns"] = pair.columns
            if made.chain is not None:
                arrays[f"{kind}:chain:U"] = made.chain.U
                arrays[f"{kind}:chain:log10"] = made.chain.log10_values
                arrays[f"{kind}:chain:Vh"] = made.chain.Vh
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
        layers, pairs = read_names_and_labels(reader), read_names_and_labels(reader, "pair_")
        counts = reader.whole("layers_count"), reader.whole("segments_count")
        obstacle = reader.text("obstacle")

        def layer(kind: str, name: str, label: str) -> LayerDecomposition:
            prefix, shown = f"{kind}.{name}", f"{kind}: directions of {name}"
            U = reader.array(f"{prefix}.U", "f", f"inputs of {name}", shown)
            s = reader.array(f"{prefix}.s", "f", f"values of {name}")
            return LayerDecomposition(name, label, U, s, reader.array(f"{prefix}.Vh", "f", shown, f"outputs of {name}"))

        def pair(kind: str, name: str, label: str) -> PairDecomposition:
            before, after = (f"{kind}: tiles {side} of {name}" for side in ("before", "after"))
            parts = [reader.array(f"{kind}:pair:{name}.{part}", "f", before, after) for part in ("R", "RS", "T")]
            starts = zip(("rows", "columns"), (before, after), strict=True)
            tiles = [reader.array(f"{kind}:pair:{name}.{part}", "i", size) for part, size in starts]
            return PairDecomposition(name, label, *parts, *tiles)

        def chain(kind: str) -> ChainDecomposition | None:
            if obstacle or kind == "patterns":
                return None
            shown = f"directions of the chain of {kind}"
            return ChainDecomposition(
                reader.array(f"{kind}:chain:U", "f", "inputs of the chain", shown),
                reader.array(f"{kind}:chain:log10", "f", "values of the chain"),
                reader.array(f"{kind}:chain:Vh", "f", shown, "outputs of the chain"),
            )

        def decompositions(kind: str) -> MatrixDecompositions:
            return MatrixDecompositions(
                tuple(layer(kind, *names) for names in layers),
                tuple(pair(kind, *names) for names in pairs),
                chain(kind),
            )

        weights, patterns, products = map(decompositions, KINDS)
        found = cls(weights, patterns, products, *counts, obstacle)
        reader.finish()
        return found


def _of(results: Any, kind: str) -> Any:
    if kind not in KINDS:
        raise SpectraError(f"there is no matrix {kind!r}; choose one of {', '.join(KINDS)}")
    return getattr(results, kind)


def _chain_of(results: Any, kind: str) -> Any:
    _check_applicable(results.obstacle)
    found = _of(results, kind).chain
    if found is None:
        raise SpectraError(f"the chain of the {kind} is not computed; choose weights or pattern_attribution")
    return found


def _check_applicable(obstacle: str) -> None:
    if obstacle:
        raise NotApplicableError(obstacle)
