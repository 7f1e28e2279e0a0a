"""Similarities of several networks, each with itself and with the others, by all measures."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.measures import SVCCA, LinearCKA, Measure, Whitened, prepared, similarity_matrix
from netlens.model_comparison.second_moments import CrossProducts
from netlens.model_comparison.whitening import Whitening

Float = NDArray[np.float64]

#: Measures in the order of figures, and what those call them.
MEASURES: Final[dict[str, str]] = {"whitened": "whitened", "cka": "linear CKA", "svcca": "SVCCA"}

_PARTS: Final = ("layers", "channels", "ranks", "ridges", "svcca_counts")


@dataclass(frozen=True)
class LayerTable:
    """What is known of the layers of one network.

    Attributes
    ----------
    layers
        Names, in network order.
    channels
        (l,) int64.
    ranks
        (l,) int64, directions in which the layer varies: numerical rank of the covariance that is whitened.
    ridges
        (l,) float64, what was added to the eigenvalues of that covariance; 0 where it is well conditioned.
    svcca_counts
        (l,) int64, directions that SVCCA keeps.
    """

    layers: tuple[str, ...]
    channels: NDArray[np.int64]
    ranks: NDArray[np.int64]
    ridges: Float
    svcca_counts: NDArray[np.int64]


@dataclass(frozen=True)
class Similarities:
    """Similarities of the layers of networks.

    Attributes
    ----------
    count
        Images that activations were taken at.
    centred, ridge, svcca_variance
        As `netlens.model_comparison.measures.Whitened` and `SVCCA` were given them.
    networks
        What is known of each network's layers, by network.
    pairs
        Pairs of networks, in the order in which they were compared.
    matrices
        By (first, second, measure): (layers of the first, layers of the second) float64.
    """

    count: int
    centred: bool
    ridge: float
    svcca_variance: float
    networks: Mapping[str, LayerTable]
    pairs: tuple[tuple[str, str], ...]
    matrices: Mapping[tuple[str, str, str], Float]

    def matrix(self, first: str, second: str, measure: str = "whitened") -> Float:
        """Give the similarity of a pair of networks, whichever of them was compared first.

        Returns
        -------
        ndarray
            (layers of the first, layers of the second).

        Raises
        ------
        ComparisonError
            The networks were not compared, or not by this measure.
        """
        if (first, second, measure) in self.matrices:
            return self.matrices[first, second, measure]
        if (second, first, measure) in self.matrices:
            return self.matrices[second, first, measure].T
        known = ", ".join("--".join(pair) for pair in self.pairs)
        raise ComparisonError(
            f"{first} and {second} were not compared by {measure!r}; there are {known}, by {list(MEASURES)}"
        )


def similarities(
    pairs: Iterable[tuple[str, str]],
    sums_of: Callable[[str, str], CrossProducts],
    *,
    centred: bool = False,
    ridge: float = 1e-6,
    svcca_variance: float = 0.99,
) -> Similarities:
    """Compare networks with themselves and with each other.

    Every layer is prepared once a measure, however many networks it is compared with, and the sums of one pair are held
    at a time.

    Parameters
    ----------
    pairs
        Pairs of networks; of each network also the pair with itself.
    sums_of
        Gives the sums of products of a pair.
    centred, ridge, svcca_variance
        Parameters of the measures.

    Returns
    -------
    Similarities

    Raises
    ------
    ComparisonError
        A network is not compared with itself; the sums of a pair are of other images or layers than those of its
        networks; or a covariance is none.
    """
    asked = tuple(dict.fromkeys(pairs))
    own = [first for first, second in asked if first == second]
    if missing := [name for pair in asked for name in pair if name not in own]:
        raise ComparisonError(f"{missing[0]} is compared with others but not with itself; add that pair")
    measures: dict[str, Measure[Any]] = {
        "whitened": Whitened(centred, ridge),
        "cka": LinearCKA(),
        "svcca": SVCCA(svcca_variance),
    }
    ready: dict[tuple[str, str], dict[str, Any]] = {}
    networks: dict[str, LayerTable] = {}
    matrices: dict[tuple[str, str, str], Float] = {}
    counts: dict[int, tuple[str, str]] = {}
    for first, second in sorted(asked, key=lambda pair: pair[0] != pair[1]):
        sums = sums_of(first, second)
        counts.setdefault(sums.count, (first, second))
        if first == second:
            ready |= {(first, name): prepared(measure, sums) for name, measure in measures.items()}
            networks[first] = _table(ready[first, "whitened"], ready[first, "svcca"])
        for network, layers in ((first, sums.first_layers), (second, sums.second_layers)):
            if layers != networks[network].layers:
                raise ComparisonError(
                    f"sums of {first} with {second} are of other layers of {network} than those of {network} with "
                    "itself; make them again"
                )
        for name, measure in measures.items():
            matrices[first, second, name] = similarity_matrix(measure, sums, ready[first, name], ready[second, name])
    if len(counts) > 1:
        told = ", ".join(f"{first} with {second} over {count} images" for count, (first, second) in counts.items())
        raise ComparisonError(f"sums are over different images: {told}; make all of them again")
    if not counts:
        raise ComparisonError("there are no networks to compare")
    in_order = {(*pair, name): matrices[(*pair, name)] for pair in asked for name in measures}
    return Similarities(next(iter(counts)), centred, ridge, svcca_variance, networks, asked, in_order)


def pack(found: Similarities) -> dict[str, NDArray[Any]]:
    """Write similarities as arrays for an npz file.

    Returns
    -------
    dict
        ``networks`` and ``pairs`` (k, 2), names; ``count`` int64; ``centred`` bool; ``ridge`` and ``svcca_variance``
        float64; for each network ``<network>.layers``, names, and ``<network>.channels``, ``.ranks``, ``.ridges``,
        ``.svcca_counts`` (l,); for each pair and measure ``<first>--<second>.<measure>``, (la, lb) float64.
    """
    return {
        "networks": np.array(list(found.networks), np.str_),
        "pairs": np.array(found.pairs, np.str_),
        "count": np.array(found.count, np.int64),
        "centred": np.array(found.centred),
        "ridge": np.array(found.ridge),
        "svcca_variance": np.array(found.svcca_variance),
        **{
            f"{name}.{part}": np.asarray(getattr(table, part))
            for name, table in found.networks.items()
            for part in _PARTS
        },
        **{f"{first}--{second}.{name}": values for (first, second, name), values in found.matrices.items()},
    }


def unpack(arrays: Mapping[str, NDArray[Any]]) -> Similarities:
    """Read what `pack` wrote.

    Raises
    ------
    ComparisonError
        An array is missing, or a matrix does not have the size of its layers.
    """
    try:
        networks = {}
        for name in (str(name) for name in arrays["networks"]):
            layers, *rest = (arrays[f"{name}.{part}"] for part in _PARTS)
            networks[name] = LayerTable(tuple(str(layer) for layer in layers), *rest)
        pairs = tuple((str(first), str(second)) for first, second in arrays["pairs"])
        matrices = {
            (first, second, measure): arrays[f"{first}--{second}.{measure}"]
            for first, second in pairs
            for measure in MEASURES
        }
        plain = int(arrays["count"]), bool(arrays["centred"]), float(arrays["ridge"]), float(arrays["svcca_variance"])
    except KeyError as error:
        raise ComparisonError(f"no similarities: there is no array {error}; make the file again") from error
    for (first, second, measure), values in matrices.items():
        expected = len(networks[first].layers), len(networks[second].layers)
        if values.shape != expected:
            raise ComparisonError(
                f"{measure} of {first} with {second} is {values.shape}, not {expected}; make the file again"
            )
    return Similarities(*plain, networks, pairs, matrices)


def _table(whitened: Mapping[str, Whitening], leading: Mapping[str, Whitening]) -> LayerTable:
    return LayerTable(
        tuple(whitened),
        np.array([layer.channels for layer in whitened.values()], np.int64),
        np.array([layer.rank for layer in whitened.values()], np.int64),
        np.array([layer.ridge for layer in whitened.values()]),
        np.array([layer.rank for layer in leading.values()], np.int64),
    )
