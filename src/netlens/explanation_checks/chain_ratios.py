"""How close to rank one the product of the matrices between a layer and the logits is, for each kind of matrix."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.models.keras.kernel_layers import KernelLayer
from netlens.models.keras.layer_graph import LayerGraph
from netlens.pattern_attribution.spectra.leading_chain import leading_ratio
from netlens.pattern_attribution.spectra.matrices import layer_matrices
from netlens.pattern_attribution.spectra.segments import segment_matrices

Float = NDArray[np.float64]

#: Kinds of matrices by name, with their labels: the kernels, their positive parts, patterns, and what
#: PatternAttribution multiplies.
KINDS: Final[Mapping[str, str]] = {
    "weights": "W",
    "positive_weights": "max(0, W)",
    "patterns": "A",
    "pattern_attribution": "A ⊙ W",
}


def chain_matrices(
    kind: str,
    kernels: Mapping[str, ArrayLike],
    patterns: Mapping[str, ArrayLike],
    layers: Sequence[KernelLayer],
    graph: LayerGraph,
) -> dict[str, Float]:
    """Return the matrices of a network's segments, of one kind.

    Parameters
    ----------
    kind
        A key of `KINDS`.
    kernels, patterns
        Arrays by layer; patterns are not needed for the two kinds of weights.
    layers, graph
        The network's layers with kernels, and which layer reads which.

    Returns
    -------
    dict
        As `netlens.pattern_attribution.spectra.segments.segment_matrices`.

    Raises
    ------
    netlens.models.keras.segments.NotApplicableError
        The network is no chain of segments.
    netlens.pattern_attribution.spectra.matrices.SpectraError
        The arrays do not fit the network.
    """
    if kind == "positive_weights":
        kernels = {name: np.maximum(np.asarray(kernel), 0) for name, kernel in kernels.items()}
    named = "weights" if kind == "positive_weights" else kind
    return segment_matrices(graph, layer_matrices(named, kernels, patterns, layers))


def ratios_to_end(matrices: Sequence[ArrayLike]) -> Float:
    """Compute the singular ratio of the product of all matrices behind each tensor of a chain.

    Parameters
    ----------
    matrices
        L matrices, each with as many columns as the next has rows.

    Returns
    -------
    ndarray
        (L,): log10 of s1 / s2 of the product of all matrices behind the output of each. NaN for the last, behind which
        there is nothing, and infinite where the product has only one value above 0.
    """
    given = [np.asarray(matrix, np.float64) for matrix in matrices]
    return np.array([*(leading_ratio(given[place + 1 :]) for place in range(len(given) - 1)), np.nan])
