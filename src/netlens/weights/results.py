"""What the notebooks of this section hand on to each other, as arrays in npz files.

- `LinearMaps`: the linear maps between the layers that are shown;
- `Selection`: the unit, the connections and the positions that the figures show;
- `EditedCircuit`: the unit with some of its connections removed;
- `WeightFactors`: factors of one unit, of a row of units, and of two groups of units.

Feature visualizations are named by their keys here; an empty key stands for a direction of zeros, which has none.
Nothing in this module starts TensorFlow.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netlens.files.array_reader import ArrayReader
from netlens.files.arrays import save_arrays
from netlens.weights.selection.layers import ShownLayers

#: Numbers of factors that the weights into one unit are split into.
FACTOR_COUNTS: Final = (2, 3, 4, 5)
#: Factors of each unit of a row.
ROW_FACTORS: Final = 3
#: Factors that the units of a group have in common.
GROUP_FACTORS: Final = 2

Array = NDArray[Any]
Keys = tuple[str, ...]


def relative_difference(weights: Array, other: Array) -> float:
    """Return the largest absolute difference between two arrays over the largest magnitude of the first.

    It is 0 where both are zero everywhere, as the weights of a layer that a network does not use.
    """
    exact = weights.astype(np.float64)
    difference, largest = float(np.abs(exact - other).max()), float(np.abs(exact).max())
    return difference / largest if largest else difference


@dataclass(frozen=True)
class LinearMap:
    """Expanded weights from one layer to another.

    Attributes
    ----------
    weights
        (W, W, source units, target units).
    stride
        Positions of the source layer per position of the target layer.
    difference
        Largest absolute difference between the weights by composition and those by differentiation, over the largest
        weight.
    """

    weights: Array
    stride: int
    difference: float


@dataclass(frozen=True)
class LinearMaps:
    """Linear maps between the layers of a network whose weights are shown.

    Attributes
    ----------
    network, network_sha256
        The network's name, and the hash that keys of its feature visualizations depend on.
    channel_order
        ``rgb`` or ``bgr``: that of the network's inputs.
    input_layer
        Name of the input, or of the layer that scales its channels.
    layers
        The other layers.
    first
        From `input_layer` to `layers.first`.
    connection
        From `layers.source` to `layers.target`.
    second
        From `layers.first` to `layers.second`; None where there is only one convolution.
    uses
        From `layers.used` to `layers.next`; None where no layer behind the target has positions.
    first_kernel
        (height, width, 3, units), the kernel of `layers.first`.
    first_embedded
        The same, zero-padded to the shape of `first.weights`.
    groups
        By name of a group of related units whose layers the study names: (source, target, map from one to the other).
    """

    network: str
    network_sha256: str
    channel_order: str
    input_layer: str
    layers: ShownLayers
    first: LinearMap
    connection: LinearMap
    second: LinearMap | None
    uses: LinearMap | None
    first_kernel: Array
    first_embedded: Array
    groups: Mapping[str, tuple[str, str, LinearMap]] = field(default_factory=dict)

    def of_group(self, name: str) -> tuple[str, str, Array]:
        """Return the source, the target and the weights between them of a group of related units."""
        if name in self.groups:
            source, target, found = self.groups[name]
            return source, target, found.weights
        return self.layers.source, self.layers.target, self.connection.weights

    @property
    def maps(self) -> dict[str, LinearMap]:
        """All maps there are, by ``first``, ``connection``, ``second``, ``uses`` and the names of groups."""
        maps = {"first": self.first, "connection": self.connection, "second": self.second, "uses": self.uses}
        groups = {name: found for name, (_, _, found) in self.groups.items()}
        return {name: found for name, found in maps.items() if found is not None} | groups

    @property
    def largest_difference(self) -> float:
        """Largest `LinearMap.difference` of all maps."""
        return max(found.difference for found in self.maps.values())

    @property
    def first_difference(self) -> float:
        """Largest absolute difference between the first kernel and its expanded weights, over its largest weight."""
        return relative_difference(self.first_embedded, self.first.weights)

    def save(self, path: str | Path) -> None:
        """Save as npz.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        layers = self.layers
        arrays: dict[str, Array] = {
            "network": np.array(self.network),
            "network_sha256": np.array(self.network_sha256),
            "channel_order": np.array(self.channel_order),
            "input": np.array(self.input_layer),
            "first": np.array(layers.first),
            "second": np.array(layers.second),
            "source": np.array(layers.source),
            "target": np.array(layers.target),
            "next": np.array(layers.next),
            "used": np.array(layers.used),
        }
        for name, found in self.maps.items():
            arrays[f"{name}.weights"] = found.weights
            arrays[f"{name}.stride"] = np.array(found.stride)
            arrays[f"{name}.difference"] = np.array(found.difference)
        arrays |= {"first.kernel": self.first_kernel, "first.embedded": self.first_embedded}
        arrays["groups"] = np.array(list(self.groups), np.str_)
        for name, (source, target, _) in self.groups.items():
            arrays[f"{name}.layers"] = np.array([source, target])
        save_arrays(path, arrays)

    @classmethod
    def load(cls, path: str | Path) -> "LinearMaps":
        """Load what `save` wrote.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, lacks an array, holds one too many, or holds arrays that do not fit each other.
        """
        reader = ArrayReader(path)
        layers = ShownLayers(*(reader.text(name) for name in ("first", "second", "source", "target", "next", "used")))

        def linear_map(name: str, *units: str) -> LinearMap:
            window = f"window of {name}"
            return LinearMap(
                reader.array(f"{name}.weights", "f", window, window, *units),
                reader.whole(f"{name}.stride"),
                reader.real(f"{name}.difference"),
            )

        def group(name: str) -> tuple[str, str, LinearMap]:
            source, target = reader.names(f"{name}.layers", 2)
            return source, target, linear_map(name, f"source units of {name}", f"target units of {name}")

        first = linear_map("first", "input channels", "units of first")
        found = cls(
            network=reader.text("network"),
            network_sha256=reader.text("network_sha256"),
            channel_order=reader.text("channel_order"),
            input_layer=reader.text("input"),
            layers=layers,
            first=first,
            connection=linear_map("connection", "units of source", "units of target"),
            second=linear_map("second", "units of first", "units of second") if layers.second else None,
            uses=linear_map("uses", "units of target", "units of next") if layers.next else None,
            first_kernel=reader.array("first.kernel", "f", "height", "width", "input channels", "units of first"),
            first_embedded=reader.array("first.embedded", "f", *first.weights.shape),
            groups={name: group(name) for name in reader.names("groups", "number of groups")},
        )
        reader.finish()
        return found


@dataclass(frozen=True)
class Connections:
    """The strongest connections at one side of a unit, strongest first.

    Attributes
    ----------
    units
        (n,) int64, the units at the other end.
    weights
        (n, W, W), the map of each connection.
    keys
        Keys of the n units' feature visualizations.
    """

    units: Array
    weights: Array
    keys: Keys


def _connections(reader: ArrayReader, name: str, window: str) -> Connections:
    return Connections(
        reader.array(name, "i", f"number of {name}"),
        reader.array(f"{name}.weights", "f", f"number of {name}", window, window),
        reader.names(f"{name}.keys", f"number of {name}"),
    )


@dataclass(frozen=True)
class Selection:
    """What the figures show of the expanded weights.

    Attributes
    ----------
    source, target
        Layers that the connection leads from and to.
    source_unit, unit
        Its source unit and its target unit.
    source_unit_key, unit_key
        Keys of these units' feature visualizations.
    connection
        (W, W), the weights from `source_unit` to `unit`.
    largest_weight
        Largest magnitude among all weights into `unit`.
    inputs
        The strongest connections into `unit`.
    removed
        Connections into `unit` that a copy of the network lacks.
    others
        (m,) int64, source units of connections of middle strength that another copy lacks, at most as many.
    used_layer, used_unit, used_key
        Unit whose uses are shown: `unit` itself, or `source_unit` where no layer behind the target has positions, or
        none reads it.
    using_layer
        Layer that uses it.
    uses
        Its strongest uses.
    position_strengths
        (w, w), norm of the unit's weights at each position over the largest.
    position_keys
        Keys of the feature visualizations of the positions' directions, row by row.
    """

    source: str
    target: str
    source_unit: int
    unit: int
    source_unit_key: str
    unit_key: str
    connection: Array
    largest_weight: float
    inputs: Connections
    removed: Connections
    others: Array
    used_layer: str
    used_unit: int
    used_key: str
    using_layer: str
    uses: Connections
    position_strengths: Array
    position_keys: tuple[Keys, ...]

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
                "source": np.array(self.source),
                "target": np.array(self.target),
                "unit": np.array(self.unit),
                "source_unit": np.array(self.source_unit),
                "connection.weights": self.connection,
                "connection.largest": np.array(self.largest_weight, self.connection.dtype),
                "inputs": self.inputs.units,
                "inputs.weights": self.inputs.weights,
                "removed": self.removed.units,
                "removed.weights": self.removed.weights,
                "others": self.others,
                "used_layer": np.array(self.used_layer),
                "used_unit": np.array(self.used_unit),
                "using_layer": np.array(self.using_layer),
                "uses": self.uses.units,
                "uses.weights": self.uses.weights,
                "positions.strengths": self.position_strengths,
                "source_unit.key": np.array(self.source_unit_key),
                "unit.key": np.array(self.unit_key),
                "inputs.keys": np.array(self.inputs.keys, np.str_),
                "removed.keys": np.array(self.removed.keys, np.str_),
                "used.key": np.array(self.used_key),
                "uses.keys": np.array(self.uses.keys, np.str_),
                "positions.keys": np.array(self.position_keys, np.str_),
            },
        )

    @classmethod
    def load(cls, path: str | Path) -> "Selection":
        """Load what `save` wrote.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, lacks an array, holds one too many, or holds arrays that do not fit each other.
        """
        reader = ArrayReader(path)

        strengths = reader.array("positions.strengths", "f", "positions", "positions")
        position_keys = reader.array("positions.keys", "U", "positions", "positions")
        found = cls(
            source=reader.text("source"),
            target=reader.text("target"),
            source_unit=reader.whole("source_unit"),
            unit=reader.whole("unit"),
            source_unit_key=reader.text("source_unit.key"),
            unit_key=reader.text("unit.key"),
            connection=reader.array("connection.weights", "f", "window", "window"),
            largest_weight=reader.real("connection.largest"),
            inputs=_connections(reader, "inputs", "window"),
            removed=_connections(reader, "removed", "window"),
            others=reader.array("others", "i", "other units"),
            used_layer=reader.text("used_layer"),
            used_unit=reader.whole("used_unit"),
            used_key=reader.text("used.key"),
            using_layer=reader.text("using_layer"),
            uses=_connections(reader, "uses", "window of uses"),
            position_strengths=strengths,
            position_keys=tuple(tuple(row) for row in position_keys.tolist()),
        )
        reader.finish()
        return found


def _lost_shares(activations: Array) -> Array:
    total, *left = activations.sum(axis=1, dtype=np.float64)
    return 1 - np.array(left) / total if total > 0 else np.zeros(3)


@dataclass(frozen=True)
class EditedCircuit:
    """A unit in a network and in copies of it from which connections into the unit are removed.

    Attributes
    ----------
    source, target
        Layers that the connections lead from and to.
    unit, unit_key
        The unit of the target layer, and the key of its feature visualization.
    removed
        The n connections that are removed, strongest first.
    largest_weight
        Largest magnitude among all weights into the unit.
    others
        (m,) int64, source units of middle strength whose connections are removed for comparison; m is at most n.
    pictures
        (3, size, size, 3) uint8, feature visualizations of the unit without the first connection, without all n, and
        without the m others.
    activations
        (4, k), float32, of the unit in the k images that activate it most, at one position of each: in the whole
        network and in the three copies.
    """

    source: str
    target: str
    unit: int
    unit_key: str
    removed: Connections
    largest_weight: float
    others: Array
    pictures: Array
    activations: Array

    @property
    def lost_shares(self) -> Array:
        """(3,), shares of the activation, summed over the images, that the copies lose; 0 if there is none to lose."""
        return _lost_shares(self.activations)

    @property
    def lost_shares_without(self) -> Array:
        """(k, 3), the same without each of the images."""
        images = range(self.activations.shape[1])
        return np.array([_lost_shares(np.delete(self.activations, image, 1)) for image in images])

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
                "source": np.array(self.source),
                "target": np.array(self.target),
                "unit": np.array(self.unit),
                "unit.key": np.array(self.unit_key),
                "removed": self.removed.units,
                "removed.weights": self.removed.weights,
                "removed.keys": np.array(self.removed.keys, np.str_),
                "largest": np.array(self.largest_weight, np.float64),
                "others": self.others,
                "pictures": self.pictures,
                "activations": self.activations,
            },
        )

    @classmethod
    def load(cls, path: str | Path) -> "EditedCircuit":
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
            source=reader.text("source"),
            target=reader.text("target"),
            unit=reader.whole("unit"),
            unit_key=reader.text("unit.key"),
            removed=_connections(reader, "removed", "window"),
            largest_weight=reader.real("largest"),
            others=reader.array("others", "i", "other units"),
            pictures=reader.array("pictures", "u", 3, "size", "size", 3),
            activations=reader.array("activations", "f", 4, "images"),
        )
        reader.finish()
        return found


@dataclass(frozen=True)
class UnitFactors:
    """k factors of the weights into one unit, the one with most energy first.

    Attributes
    ----------
    maps
        (k, h, w), not negative.
    directions
        (k, C), signed, over the units of the source layer.
    shares
        (k,), shares of the explained energy.
    error
        Norm of the reconstruction error over that of the weights.
    keys
        Keys of the k directions' feature visualizations.
    """

    maps: Array
    directions: Array
    shares: Array
    error: float
    keys: Keys


@dataclass(frozen=True)
class RowFactors:
    """Three factors of each unit of a row of n units.

    Attributes
    ----------
    units
        (n,) int64.
    keys
        Keys of the n units' feature visualizations.
    maps
        (n, 3, h, w), not negative.
    explained_variances
        (n,), what the three factors explain.
    """

    units: Array
    keys: Keys
    maps: Array
    explained_variances: Array


@dataclass(frozen=True)
class GroupFactors:
    """Two factors that the weights into a group of n units have in common.

    Attributes
    ----------
    source, target
        Layers that the weights lead from and to.
    found
        Whether the units were found rather than named by the study.
    units
        (n,) int64.
    unit_keys
        Keys of the n units' feature visualizations.
    maps
        (n, 2, h, w), signed.
    directions
        (2, C), not negative.
    shares
        (2,), shares of the explained energy.
    keys
        Keys of the two directions' feature visualizations.
    error
        Norm of the reconstruction error over that of the weights.
    explained_variances
        (m,), what 1, ..., m common factors explain.
    """

    source: str
    target: str
    found: bool
    units: Array
    unit_keys: Keys
    maps: Array
    directions: Array
    shares: Array
    keys: Keys
    error: float
    explained_variances: Array


@dataclass(frozen=True)
class WeightFactors:
    """Non-negative factors of the weights between two layers.

    Attributes
    ----------
    source, target
        The layers.
    unit, unit_key
        Unit of the target layer, and the key of its feature visualization.
    unit_explained_variances
        (m,), what 1, ..., m factors explain of the weights into it.
    unit_factors
        Its factors, by how many there are: `FACTOR_COUNTS`.
    row
        Factors of a row of units.
    first_group, second_group
        Common factors of two groups.
    """

    source: str
    target: str
    unit: int
    unit_key: str
    unit_explained_variances: Array
    unit_factors: Mapping[int, UnitFactors]
    row: RowFactors
    first_group: GroupFactors
    second_group: GroupFactors

    def group(self, name: str) -> GroupFactors:
        """Return a group by its name, ``first_group`` or ``second_group``.

        Raises
        ------
        ValueError
            There is no such group.
        """
        groups = {"first_group": self.first_group, "second_group": self.second_group}
        if name not in groups:
            raise ValueError(f"there is no group {name!r}; choose one of {', '.join(groups)}")
        return groups[name]

    def unit_arrays(self, count: int | None = None) -> dict[str, Array]:
        """Return the arrays of the unit's factors as they are saved, or only those of `count` factors."""
        every: dict[str, Array] = {
            "unit.key": np.array(self.unit_key),
            "unit.explained_variances": self.unit_explained_variances,
        }
        for number, factors in self.unit_factors.items():
            every |= {
                f"unit.{number}.maps": factors.maps,
                f"unit.{number}.directions": factors.directions,
                f"unit.{number}.shares": factors.shares,
                f"unit.{number}.error": np.array(factors.error),
                f"unit.{number}.keys": np.array(factors.keys, np.str_),
            }
        return {name: array for name, array in every.items() if count is None or name.startswith(f"unit.{count}.")}

    def save(self, path: str | Path) -> None:
        """Save as npz.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        arrays: dict[str, Array] = {
            "source": np.array(self.source),
            "target": np.array(self.target),
            "unit": np.array(self.unit),
            **self.unit_arrays(),
            "row.units": self.row.units,
            "row.keys": np.array(self.row.keys, np.str_),
            "row.maps": self.row.maps,
            "row.explained_variances": self.row.explained_variances,
        }
        for name in ("first_group", "second_group"):
            group = self.group(name)
            arrays |= {
                f"{name}.source": np.array(group.source),
                f"{name}.target": np.array(group.target),
                f"{name}.found": np.array(group.found),
                f"{name}.units": group.units,
                f"{name}.unit_keys": np.array(group.unit_keys, np.str_),
                f"{name}.maps": group.maps,
                f"{name}.directions": group.directions,
                f"{name}.shares": group.shares,
                f"{name}.keys": np.array(group.keys, np.str_),
                f"{name}.error": np.array(group.error),
                f"{name}.explained_variances": group.explained_variances,
            }
        save_arrays(path, arrays)

    @classmethod
    def load(cls, path: str | Path) -> "WeightFactors":
        """Load what `save` wrote.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, lacks an array, holds one too many, or holds arrays that do not fit each other.
        """
        reader = ArrayReader(path)
        window = ("height", "width")

        def unit_factors(count: int) -> UnitFactors:
            name = f"unit.{count}"
            return UnitFactors(
                reader.array(f"{name}.maps", "f", count, *window),
                reader.array(f"{name}.directions", "f", count, "channels"),
                reader.array(f"{name}.shares", "f", count),
                reader.real(f"{name}.error"),
                reader.names(f"{name}.keys", count),
            )

        def group(name: str) -> GroupFactors:
            size = f"units of {name}"
            return GroupFactors(
                reader.text(f"{name}.source"),
                reader.text(f"{name}.target"),
                bool(reader.array(f"{name}.found", "b")),
                reader.array(f"{name}.units", "i", size),
                reader.names(f"{name}.unit_keys", size),
                reader.array(f"{name}.maps", "f", size, GROUP_FACTORS, f"height of {name}", f"width of {name}"),
                reader.array(f"{name}.directions", "f", GROUP_FACTORS, f"channels of {name}"),
                reader.array(f"{name}.shares", "f", GROUP_FACTORS),
                reader.names(f"{name}.keys", GROUP_FACTORS),
                reader.real(f"{name}.error"),
                reader.array(f"{name}.explained_variances", "f", "factors of groups"),
            )

        found = cls(
            source=reader.text("source"),
            target=reader.text("target"),
            unit=reader.whole("unit"),
            unit_key=reader.text("unit.key"),
            unit_explained_variances=reader.array("unit.explained_variances", "f", "factors of the unit"),
            unit_factors={count: unit_factors(count) for count in FACTOR_COUNTS},
            row=RowFactors(
                reader.array("row.units", "i", "units of the row"),
                reader.names("row.keys", "units of the row"),
                reader.array("row.maps", "f", "units of the row", ROW_FACTORS, *window),
                reader.array("row.explained_variances", "f", "units of the row"),
            ),
            first_group=group("first_group"),
            second_group=group("second_group"),
        )
        reader.finish()
        return found
