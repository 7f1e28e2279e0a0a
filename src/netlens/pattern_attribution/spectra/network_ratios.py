"""Singular ratios of a network: of layers, of segments and of what lies between them, and of the whole chain."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from netlens.pattern_attribution.spectra.chain import chain_spectrum
from netlens.pattern_attribution.spectra.decomposition import rounding_noise, singular_ratio
from netlens.pattern_attribution.spectra.leading import top_singular_values
from netlens.pattern_attribution.spectra.matrices import Array, full_blocks
from netlens.pattern_attribution.spectra.modulus import leading_ratios
from netlens.pattern_attribution.spectra.results import MatrixRatios


def network_ratios(
    layers: Mapping[str, Array], segments: Mapping[str, Array], *, seed: int, with_chain: bool
) -> MatrixRatios:
    """Compute the singular ratios of one kind of matrix.

    Parameters
    ----------
    layers
        (cin, cout) by layer, from `netlens.pattern_attribution.spectra.matrices.layer_matrices`.
    segments
        The same by segment, from `netlens.pattern_attribution.spectra.segments.segment_matrices`; none where
        inter-layer items do not apply.
    seed
        For the random rounding errors that the accuracy of the chain is estimated from.
    with_chain
        Whether to compute the spectrum of the product of all segments but the first, where there are segments.

    Returns
    -------
    MatrixRatios

    Raises
    ------
    netlens.pattern_attribution.spectra.matrices.SpectraError
        A matrix is empty or not finite, or two neighbors do not fit together.
    """
    leading = leading_ratios(segments.values())
    known = dict(zip(segments, leading.layers, strict=True))
    # A segment that is one layer has that layer's array as its matrix, whose ratio is then known.
    own = [
        known[name] if segments.get(name) is matrix else leading_ratios([matrix]).layers[0]
        for name, matrix in layers.items()
    ]
    chain = chain_spectrum(list(segments.values())[1:], seed=seed) if with_chain and segments else None
    return MatrixRatios(np.array(own), np.array(leading.layers), np.array(leading.items), chain)


def full_ratio(kernel: ArrayLike, groups: int = 1) -> float:
    """Compute the singular ratio of the full view of a kernel or pattern; infinite where the second value is 0.

    Parameters
    ----------
    kernel, groups
        As for `netlens.pattern_attribution.spectra.matrices.full_blocks`.
    """
    blocks = full_blocks(kernel, groups)
    if groups == 1:
        return singular_ratio(top_singular_values(blocks[0]), noise=rounding_noise(blocks[0].shape))
    values = np.linalg.svd(np.asarray(blocks, dtype=np.float64), compute_uv=False).ravel()
    rows, columns = blocks.shape[1:]
    return singular_ratio(np.sort(values)[::-1], noise=rounding_noise((rows * groups, columns * groups)))
