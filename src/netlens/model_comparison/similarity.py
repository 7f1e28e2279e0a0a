"""Similarity of the layers of several networks, each with itself and with the others, by all measures."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netlens.files.array_reader import ArrayReader
from netlens.files.arrays import save_arrays
from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.measures import SVCCA, LinearCKA, Measure, Whitened, prepared, similarity_matrix
from netlens.model_comparison.second_moments import SecondMoments
from netlens.model_comparison.whitening import Whitening

Float = NDArray[np.float64]

#: Measures in the order of the figures, and their names there.
MEASURES: Final[dict[str, str]] = {"whitened": "whitened", "cka": "linear CKA", "svcca": "SVCCA"}

_PARTS: Final = ("layers", "channels", "ranks", "ridges", "svcca_counts")


@dataclass(frozen=True)
class LayerTable:
    """Properties of the layers of one network.

    Attributes
    ----------
    layers
        Names, in network order.
    channels
        (l,) int64.
    ranks
        (l,) int64, numerical rank of the covariance that is whitened: number of directions in which the layer varies.
    ridges
        (l,) float64, what is added to the eigenvalues of that covariance; 0 where it is well conditioned.
    svcca_counts
        (l,) int64, number of directions that SVCCA keeps.
    """

    layers: tuple[str, ...]
    channels: NDArray[np.int64]
    ranks: NDArray[np.int64]
    ridges: Float
    svcca_counts: NDArray[np.int64]


@dataclass(frozen=True)
class Similarities:
    """Similarity of the layers of networks.

    Attributes
    ----------
    count
        Number of images that activations were taken at.
    centred, ridge, svcca_variance
        Parameters of `netlens.model_comparison.measures.Whitened` and `SVCCA`.
    networks
        Properties of each network's layers, by network.
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
        """Return the similarity of a pair of networks, in whichever order they were compared.

        Parameters
        ----------
        first, second
            Names of the networks of the rows and of the columns.
        measure
            A key of `MEASURES`.

        Returns
        -------
        ndarray
            (layers of the first, layers of the second).

        Raises
        ------
        ComparisonError
            The two networks were not compared, or not by this measure.
        """
        if (first, second, measure) in self.matrices:
            return self.matrices[first, second, measure]
        if (second, first, measure) in self.matrices:
            return self.matrices[second, first, measure].T
        known = ", ".join("--".join(pair) for pair in self.pairs)
        raise ComparisonError(
            f"{first} and {second} were not compared by {measure!r}; there are {known}, by {list(MEASURES)}"
        )

    def save(self, path: str | Path) -> None:
        """Save as npz.

        The arrays are ``networks`` and ``pairs`` (k, 2), names; ``count`` int64; ``centred`` bool; ``ridge`` and
        ``svcca_variance`` float64; for each network ``<network>.layers``, names, and ``<network>.channels``,
        ``.ranks``, ``.ridges``, ``.svcca_counts`` (l,); for each pair and measure ``<first>--<second>.<measure>``,
        (layers of the first, layers of the second) float64.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        save_arrays(
            path,
            {
                "networks": np.array(list(self.networks), np.str_),
                "pairs": np.array(self.pairs, np.str_),
                "count": np.array(self.count, np.int64),
                "centred": np.array(self.centred),
                "ridge": np.array(self.ridge),
                "svcca_variance": np.array(self.svcca_variance),
                **{
                    f"{name}.{part}": np.asarray(getattr(table, part))
                    for name, table in self.networks.items()
                    for part in _PARTS
                },
                **{f"{first}--{second}.{name}": values for (first, second, name), values in self.matrices.items()},
            },
        )

    @classmethod
    def load(cls, path: str | Path) -> "Similarities":
        """Load what `save` wrote.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, lacks an array, holds one too many, or holds arrays that do not fit each other.
        """
        reader = ArrayReader(path)
        networks = {}
        for name in reader.names("networks", "networks"):
            size = f"layers of {name}"
            networks[name] = LayerTable(
                reader.names(f"{name}.layers", size),
                reader.array(f"{name}.channels", "i", size),
                reader.array(f"{name}.ranks", "i", size),
                reader.array(f"{name}.ridges", "f", size),
                reader.array(f"{name}.svcca_counts", "i", size),
            )
        pairs = tuple((str(first), str(second)) for first, second in reader.array("pairs", "U", "pairs", 2))
        for first, second in pairs:
            if unknown := {first, second} - set(networks):
                raise reader.error(f"a pair names the network {unknown.pop()!r}, of which there are no layers")
        found = cls(
            count=reader.whole("count"),
            centred=bool(reader.array("centred", "b")),
            ridge=reader.real("ridge"),
            svcca_variance=reader.real("svcca_variance"),
            networks=networks,
            pairs=pairs,
            matrices={
                (first, second, measure): reader.array(
                    f"{first}--{second}.{measure}", "f", f"layers of {first}", f"layers of {second}"
                )
                for first, second in pairs
                for measure in MEASURES
            },
        )
        reader.finish()
        return found


def similarities(
    pairs: Iterable[tuple[str, str]],
    moments_of: Callable[[str, str], SecondMoments],
    *,
    centred: bool = False,
    ridge: float = 1e-6,
    svcca_variance: float = 0.99,
) -> Similarities:
    """Compare networks with themselves and with each other.

    Every layer is prepared once per measure, however many networks it is compared with, and the second moments of only
    one pair are held in memory at a time.

    Parameters
    ----------
    pairs
        Pairs of networks, which must include each network with itself.
    moments_of
        Returns the second moments of a pair.
    centred, ridge, svcca_variance
        Parameters of the measures.

    Returns
    -------
    Similarities

    Raises
    ------
    ComparisonError
        A network is not compared with itself; the second moments of a pair are of other images or layers than those of
        its networks; or an array is not a covariance.
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
        moments = moments_of(first, second)
        counts.setdefault(moments.count, (first, second))
        if first == second:
            ready |= {(first, name): prepared(measure, moments) for name, measure in measures.items()}
            networks[first] = _table(ready[first, "whitened"], ready[first, "svcca"])
        for network, layers in ((first, moments.first_layers), (second, moments.second_layers)):
            if layers != networks[network].layers:
                raise ComparisonError(
                    f"the second moments of {first} with {second} are of other layers of {network} than those of "
                    f"{network} with itself; compute them again"
                )
        for name, measure in measures.items():
            matrices[first, second, name] = similarity_matrix(measure, moments, ready[first, name], ready[second, name])
    if len(counts) > 1:
        told = ", ".join(f"{first} with {second} over {count} images" for count, (first, second) in counts.items())
        raise ComparisonError(f"second moments are over different images: {told}; compute all of them again")
    if not counts:
        raise ComparisonError("there are no networks to compare")
    in_order = {(*pair, name): matrices[(*pair, name)] for pair in asked for name in measures}
    return Similarities(next(iter(counts)), centred, ridge, svcca_variance, networks, asked, in_order)


def _table(whitened: Mapping[str, Whitening], leading: Mapping[str, Whitening]) -> LayerTable:
    return LayerTable(
        tuple(whitened),
        np.array([layer.channels for layer in whitened.values()], np.int64),
        np.array([layer.rank for layer in whitened.values()], np.int64),
        np.array([layer.ridge for layer in whitened.values()]),
        np.array([layer.rank for layer in leading.values()], np.int64),
    )
