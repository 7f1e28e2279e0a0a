"""All singular values of a network's matrices and of the inter-layer items, with the decompositions as pictures."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.pattern_attribution.results import LayerDecomposition, LayerSpectrum
from netlens.pattern_attribution.spectra.decomposition import (
    column_norms,
    inter_layer_item,
    inter_layer_values,
    rotation,
    svd,
    thumbnail,
    without_null_space,
)


def network_spectra(
    matrices: Mapping[str, ArrayLike], labels: Sequence[str], *, picture_px: int
) -> tuple[tuple[LayerSpectrum, ...], tuple[LayerDecomposition, ...]]:
    """Compute the spectra and decompositions of a chain of matrices.

    Only two neighboring decompositions are in memory at a time.

    Parameters
    ----------
    matrices
        (cin, cout) by layer, in network order, as `netlens.pattern_attribution.spectra.matrices.network_matrices`
        returns them.
    labels
        Short names of the layers.
    picture_px
        Matrices of the decompositions are reduced to at most this many rows and columns.

    Returns
    -------
    spectra : tuple of LayerSpectrum
    decompositions : tuple of LayerDecomposition
        Bases that belong to no singular value are 0.

    Raises
    ------
    netlens.pattern_attribution.spectra.matrices.SpectraError
        A matrix is empty or not finite, or two neighbors do not fit together.
    """

    def picture(matrix: ArrayLike) -> NDArray[np.float32]:
        return thumbnail(matrix, picture_px).astype(np.float32)

    spectra: list[LayerSpectrum] = []
    decompositions: list[LayerDecomposition] = []
    names = list(matrices)
    following = without_null_space(svd(matrices[names[0]])) if names else None
    for index, (name, label) in enumerate(zip(names, labels, strict=True)):
        parts, following = following, None
        assert parts is not None
        values = turned = item = None
        if index + 1 < len(names):
            following = without_null_space(svd(matrices[names[index + 1]]))
            values = inter_layer_values(parts, following)
            turned, item = picture(rotation(parts, following)), picture(inter_layer_item(parts, following))
        spectra.append(LayerSpectrum(name, label, parts.s, column_norms(matrices[name]), values))
        decompositions.append(
            LayerDecomposition(name, label, picture(parts.U), parts.s, picture(parts.Vh), turned, item)
        )
    return tuple(spectra), tuple(decompositions)
