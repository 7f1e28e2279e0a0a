"""How similar two layers would be if they had nothing to do with each other: similarities after permuting the images.

Similarities rise with the number of channels over that of images: independent activations of c channels at n images
have a root mean square canonical correlation of sqrt(c / n), and layers of more channels than images are as similar as
layers of their ranks can be, whatever they compute. So a value is judged by the same measure after the images of one
network have been permuted, which leaves each layer as it is and takes away what the two share (Groger et al. 2025).

Positions of one image stay together, since they are not independent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netlens.files.array_reader import ArrayReader
from netlens.files.arrays import save_arrays
from netlens.model_comparison.debiased_cka import debiased_cka, debiased_p_values
from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.measures import Whitened, nuclear_norm, prepared
from netlens.model_comparison.second_moments import second_moments
from netlens.model_comparison.threads import mapped
from netlens.model_comparison.whitening import Whitening

Float = NDArray[np.float64]
Activations = Mapping[str, NDArray[Any]]

#: A value is by chance if at least this share of the permuted ones, itself included, is no smaller.
LEVEL: Final = 0.05

# Differences below this fraction of the largest possible value are rounding, as the null is in single precision.
_ROUNDING: Final = 1e-3


@dataclass(frozen=True)
class SimilarityNull:
    """The whitened similarity of two networks' layers and its null distribution, and a measure that needs no null.

    Attributes
    ----------
    first, second
        Names of the networks.
    first_layers, second_layers
        Names of their layers.
    values
        (la, lb) whitened similarity.
    largest
        (la, lb), what the similarity can be at most for the ranks and channels of the two layers.
    permuted
        (p, la, lb), the similarities after each of p permutations.
    debiased_cka, debiased_p_values
        (la, lb) each, beside it: linear CKA without its bias, from one position in each image, and the share of
        permutations of the images, the identity included, in which it is no smaller.
    """

    first: str
    second: str
    first_layers: tuple[str, ...]
    second_layers: tuple[str, ...]
    values: Float
    largest: Float
    permuted: Float
    debiased_cka: Float
    debiased_p_values: Float

    @property
    def p_values(self) -> Float:
        """Share of permuted values, the value itself included, that are no smaller than the value, (la, lb)."""
        # With a layer that spans all images, permuted values differ from the value by rounding only.
        smaller = self.permuted < self.values - _ROUNDING * self.largest
        share: Float = (1 + np.sum(~smaller, axis=0)) / (1 + len(self.permuted))
        return share

    @property
    def by_chance(self) -> NDArray[np.bool_]:
        """Which values are no larger than those of unrelated activations, at the level of 5 %, (la, lb)."""
        chance: NDArray[np.bool_] = self.p_values > LEVEL
        return chance

    @property
    def calibrated(self) -> Float:
        """The share of what lies above chance, (value - mean null) / (largest - mean null); 0 below, (la, lb)."""
        mean = self.permuted.mean(axis=0)
        room = self.largest - mean
        known = room > _ROUNDING * self.largest
        share = np.divide(self.values - mean, room, out=np.zeros_like(room), where=known)
        calibrated: Float = np.maximum(share, 0)
        return calibrated

    def transposed(self) -> "SimilarityNull":
        """Return the same with the networks exchanged."""
        return SimilarityNull(
            self.second, self.first, self.second_layers, self.first_layers, self.values.T, self.largest.T,
            self.permuted.transpose(0, 2, 1), self.debiased_cka.T, self.debiased_p_values.T,
        )  # fmt: skip

    def save(self, path: str | Path) -> None:
        """Save as npz.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        save_arrays(
            path,
            {
                "first": np.array(self.first),
                "second": np.array(self.second),
                "first_layers": np.array(self.first_layers, np.str_),
                "second_layers": np.array(self.second_layers, np.str_),
                "values": self.values,
                "largest": self.largest,
                "permuted": self.permuted,
                "debiased_cka": self.debiased_cka,
                "debiased_p_values": self.debiased_p_values,
            },
        )

    @classmethod
    def load(cls, path: str | Path) -> "SimilarityNull":
        """Load what `save` wrote.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, lacks an array, holds one too many, or holds arrays that do not fit each other.
        """
        reader = ArrayReader(path)
        found = cls(
            reader.text("first"),
            reader.text("second"),
            reader.names("first_layers", "first layers"),
            reader.names("second_layers", "second layers"),
            reader.array("values", "f", "first layers", "second layers"),
            reader.array("largest", "f", "first layers", "second layers"),
            reader.array("permuted", "f", "permutations", "first layers", "second layers"),
            reader.array("debiased_cka", "f", "first layers", "second layers"),
            reader.array("debiased_p_values", "f", "first layers", "second layers"),
        )
        reader.finish()
        return found


def similarity_null(
    first: tuple[str, Activations],
    second: tuple[str, Activations],
    *,
    positions_count: int = 1,
    permutations_count: int = 20,
    debiased_permutations_count: int = 200,
    centred: bool = False,
    ridge: float = 1e-6,
    seed: int = 0,
) -> SimilarityNull:
    """Compute the whitened similarity of the layers of two networks, and what it is after permutations of the images.

    Parameters
    ----------
    first, second
        Name of each network and its activations by layer, (n, channels) each, at the same images and positions.
    positions_count
        Rows per image, which follow each other and stay together.
    permutations_count
        Number of permutations; at least 19 for a value to be larger than chance at the level of 5 %.
    debiased_permutations_count
        The same of debiased CKA, which takes much less for each of them than singular values do.
    centred, ridge
        Of the whitened similarity (`netlens.model_comparison.measures.Whitened`).
    seed
        Of the permutations.

    Returns
    -------
    SimilarityNull

    Raises
    ------
    ComparisonError
        The activations are not of the same images, or the number of permutations is below 19.
    """
    if permutations_count < round(1 / LEVEL) - 1:
        raise ComparisonError(
            f"{permutations_count} permutations cannot tell a similarity from chance; "
            f"use {round(1 / LEVEL) - 1} or more"
        )
    sides = [_whitened(activations, centred=centred, ridge=ridge) for _, activations in (first, second)]
    counts = {len(rows) for rows, _ in (*sides[0].values(), *sides[1].values())}
    if len(counts) > 1:
        raise ComparisonError("the two networks have activations at different images; compute those of both again")
    images_count, left = divmod(counts.pop(), positions_count)
    if left:
        raise ComparisonError(f"the activations are not of {positions_count} positions in each image")
    channels = [np.array([space.channels for _, space in side.values()]) for side in sides]
    ranks = [np.array([space.rank for _, space in side.values()]) for side in sides]
    widest = np.maximum.outer(*channels)
    single = [_one_position(activations, positions_count) for _, activations in (first, second)]
    debiased = debiased_cka(*single)
    debiased_p = debiased_p_values(*single, permutations_count=debiased_permutations_count, seed=seed)
    order = np.arange(images_count)
    rng = np.random.default_rng(seed)
    values = _similarities(sides, order, positions_count) / widest
    permuted = np.stack(
        [_similarities(sides, rng.permutation(images_count), positions_count) for _ in range(permutations_count)]
    )
    return SimilarityNull(
        first[0], second[0], tuple(first[1]), tuple(second[1]), values, np.minimum.outer(*ranks) / widest,
        permuted / widest, debiased, debiased_p,
    )  # fmt: skip


def _one_position(activations: Activations, positions_count: int) -> Activations:
    return {layer: values[::positions_count] for layer, values in activations.items()}


_Side = Mapping[str, tuple[NDArray[np.float32], Whitening]]


def _whitened(activations: Activations, *, centred: bool, ridge: float) -> _Side:
    """Return by layer the whitened activations over the root of their number, (n, rank), and the whitening."""
    spaces = prepared(Whitened(centred, ridge), second_moments(activations, activations))
    side = {}
    for layer, space in spaces.items():
        rows = activations[layer].astype(np.float64)
        if centred:
            rows -= rows.mean(axis=0)
        # Single precision: the null is known to a few percent only.
        side[layer] = ((rows @ space.root / np.sqrt(len(rows))).astype(np.float32), space)
    return side


def _similarities(sides: list[_Side], order: NDArray[np.int64], positions_count: int) -> Float:
    """Return the sums of singular values of all pairs of layers, the second network's images in another order."""
    rows = (order[:, None] * positions_count + np.arange(positions_count)).ravel()
    first, second = ([values for values, _ in side.values()] for side in sides)
    moved = [values[rows] for values in second]
    pairs = [(a, b) for a in range(len(first)) for b in range(len(second))]
    sums = mapped(lambda pair: nuclear_norm(first[pair[0]].T @ moved[pair[1]]), pairs)
    return np.array(sums).reshape(len(first), len(second))
