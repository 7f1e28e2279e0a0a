"""Analogies and caricatures as the notebooks hand them on to each other, as arrays in npz files.

- `UnitAnalogies`: a unit of the first network in the layers of all networks;
- `AnalogyVisualizations`: the feature visualizations of its directions in one network;
- `CaricatureImage`: the image that caricatures are made of;
- `Caricatures`: that image as the layers of one network see it.

The other results of this section are saved and loaded by what computes them: `netlens.model_comparison.sample.Samples`,
`netlens.model_comparison.second_moments.SecondMoments`, `netlens.model_comparison.similarity.Similarities` and
`netlens.model_comparison.network_graph.NetworkGraph`. Nothing in this module starts TensorFlow.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netlens.files.array_reader import ArrayReader
from netlens.files.arrays import save_arrays
from netlens.model_comparison.analogies import Analogy, Unit

#: Powers of the cosine in the objective of a caricature: the dot product alone, and times the cosine.
COSINE_POWERS: Final = (0, 1)

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class UnitAnalogies:
    """A unit of the first network, and its analogies in the layers of all networks.

    Attributes
    ----------
    unit
        The unit.
    heldout_count, positions_count
        Number of held-out activations that R2 is computed over, and how many of them are of each image.
    analogies
        By network (the first network first), then by layer in network order.
    """

    unit: Unit
    heldout_count: int
    analogies: Mapping[str, Mapping[str, Analogy]]
    positions_count: int = 1

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of the networks; the unit is one of the first."""
        return tuple(self.analogies)

    @property
    def other_networks(self) -> list[str]:
        """The networks other than the first; the first where there is no other."""
        return [name for name in self.analogies if name != self.networks[0]] or [self.networks[0]]

    def elsewhere(self, network: str) -> dict[str, Analogy]:
        """Return the analogies in a network's layers, without the layer that the unit belongs to."""
        own = (self.networks[0], self.unit.layer)
        return {layer: analogy for layer, analogy in self.analogies[network].items() if (network, layer) != own}

    def best_layer(self, network: str) -> str:
        """Return the layer of a network along whose direction the unit is predicted best, other than its own layer.

        Raises
        ------
        ValueError
            The network has no other layer.
        """
        found = self.elsewhere(network)
        if not found:
            raise ValueError(f"network {network!r}: only the unit's own layer is compared; compare at least two layers")
        return max(found, key=lambda layer: found[layer].r2)

    def save(self, path: str | Path) -> None:
        """Save as npz.

        For the I-th network, ``analogy_I_layers``, ``analogy_I_r2``, ``analogy_I_ceiling`` and ``analogy_I_channels``
        are (layers,), and ``analogy_I_ends`` the ends of both intervals, (layers, 4); ``analogy_I_directions`` holds
        the directions of all layers, concatenated.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        arrays: dict[str, NDArray[Any]] = {
            "networks": np.array(self.networks, np.str_),
            "unit_layer": np.array(self.unit.layer),
            "unit": np.array(self.unit.channel),
            "heldout_count": np.array(self.heldout_count),
            "positions_count": np.array(self.positions_count),
        }
        for place, by_layer in enumerate(self.analogies.values()):
            each = list(by_layer.values())
            arrays |= {
                f"analogy_{place}_layers": np.array(list(by_layer), np.str_),
                f"analogy_{place}_r2": np.array([analogy.r2 for analogy in each], np.float64),
                f"analogy_{place}_ceiling": np.array([analogy.ceiling for analogy in each], np.float64),
                f"analogy_{place}_ends": np.array(
                    [(*analogy.r2_ends, *analogy.ceiling_ends) for analogy in each], np.float64
                ).reshape(-1, 4),
                f"analogy_{place}_channels": np.array([analogy.direction.size for analogy in each], np.int64),
                f"analogy_{place}_directions": np.concatenate([np.empty(0), *(analogy.direction for analogy in each)]),
            }
        save_arrays(path, arrays)

    @classmethod
    def load(cls, path: str | Path) -> "UnitAnalogies":
        """Load what `save` wrote.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, lacks an array, holds one too many, or holds arrays that do not fit each other.
        """
        reader = ArrayReader(path)
        networks = reader.names("networks", "networks")
        if not networks:
            raise reader.error("it holds no network")
        analogies: dict[str, dict[str, Analogy]] = {}
        for place, name in enumerate(networks):
            size = f"layers of {name}"
            layers = reader.names(f"analogy_{place}_layers", size)
            r2 = reader.array(f"analogy_{place}_r2", "f", size).tolist()
            ceiling = reader.array(f"analogy_{place}_ceiling", "f", size).tolist()
            ends = reader.array(f"analogy_{place}_ends", "f", size, 4).tolist()
            channels = reader.array(f"analogy_{place}_channels", "i", size)
            directions = reader.array(f"analogy_{place}_directions", "f", int(channels.sum()))
            parts = np.split(directions, np.cumsum(channels)[:-1]) if layers else []
            found = zip(layers, parts, r2, ceiling, ends, strict=True)
            analogies[name] = {
                layer: Analogy(direction, along, whole, (each[0], each[1]), (each[2], each[3]))
                for layer, direction, along, whole, each in found
            }
        unit = Unit(reader.text("unit_layer"), reader.whole("unit"))
        heldout_count, positions_count = reader.whole("heldout_count"), reader.whole("positions_count")
        reader.finish()
        own = analogies[networks[0]].get(unit.layer)
        if own is None or not 0 <= unit.channel < own.direction.size:
            raise reader.error(f"network {networks[0]!r} has no unit {unit.name} in it")
        return cls(unit, heldout_count, analogies, positions_count)


@dataclass(frozen=True)
class AnalogyVisualizations:
    """Feature visualizations of a unit's directions in the layers of one network.

    Attributes
    ----------
    network
        The network's name.
    by_layer
        By layer: (size, size, 3) uint8; layers whose direction is zero are missing.
    unit
        (size, size, 3) uint8, of the unit itself; None in the networks that it does not belong to.
    """

    network: str
    by_layer: Mapping[str, Pixels]
    unit: Pixels | None = None

    def save(self, path: str | Path) -> None:
        """Save as a compressed npz file.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        arrays: dict[str, NDArray[Any]] = {
            "network": np.array(self.network),
            "layers": np.array(list(self.by_layer), np.str_),
            **{f"layer_{place}": picture for place, picture in enumerate(self.by_layer.values())},
        }
        save_arrays(path, arrays if self.unit is None else {**arrays, "unit": self.unit}, compress=True)

    @classmethod
    def load(cls, path: str | Path) -> "AnalogyVisualizations":
        """Load what `save` wrote.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, lacks an array, holds one too many, or holds something that is not a square image.
        """
        reader = ArrayReader(path)
        network, layers = reader.text("network"), reader.names("layers", "layers")
        by_layer = {layer: reader.array(f"layer_{place}", "u", "size", "size", 3) for place, layer in enumerate(layers)}
        unit = reader.array("unit", "u", "size", "size", 3) if "unit" in reader.left else None
        reader.finish()
        return cls(network, by_layer, unit)


@dataclass(frozen=True)
class CaricatureImage:
    """The image that caricatures are made of.

    Attributes
    ----------
    image
        (size, size, 3) uint8.
    index
        Its index in the image set.
    class_name
        The class it shows.
    choice
        Why this image, for readers.
    """

    image: Pixels
    index: int
    class_name: str
    choice: str

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
                "image": self.image,
                "index": np.array(self.index),
                "class_name": np.array(self.class_name),
                "choice": np.array(self.choice),
            },
        )

    @classmethod
    def load(cls, path: str | Path) -> "CaricatureImage":
        """Load what `save` wrote.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, lacks an array, holds one too many, or does not hold a square image.
        """
        reader = ArrayReader(path)
        found = cls(
            reader.array("image", "u", "size", "size", 3),
            reader.whole("index"),
            reader.text("class_name"),
            reader.text("choice"),
        )
        reader.finish()
        return found


@dataclass(frozen=True)
class Caricatures:
    """Caricatures of one image at layers of a network.

    Attributes
    ----------
    network
        The network's name.
    class_name
        What the image shows.
    image
        (size, size, 3) uint8.
    layers
        Names of n layers other than the input, in network order.
    compared
        Those of them that are compared with other networks, in network order.
    by_cosine_power
        For each of `COSINE_POWERS`, (n, size, size, 3) uint8.
    """

    network: str
    class_name: str
    image: Pixels
    layers: tuple[str, ...]
    compared: tuple[str, ...]
    by_cosine_power: Mapping[int, Pixels]

    def of_compared(self, cosine_power: int) -> Pixels:
        """Return the caricatures at the compared layers, (compared layers, size, size, 3) uint8."""
        return self.by_cosine_power[cosine_power][np.isin(self.layers, self.compared)]

    def save(self, path: str | Path) -> None:
        """Save as a compressed npz file.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        save_arrays(
            path,
            {
                "network": np.array(self.network),
                "class_name": np.array(self.class_name),
                "image": self.image,
                "layers": np.array(self.layers, np.str_),
                "compared": np.array(self.compared, np.str_),
                **{f"pictures_{power}": self.by_cosine_power[power] for power in COSINE_POWERS},
            },
            compress=True,
        )

    @classmethod
    def load(cls, path: str | Path) -> "Caricatures":
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
            network=reader.text("network"),
            class_name=reader.text("class_name"),
            image=reader.array("image", "u", "size", "size", 3),
            layers=reader.names("layers", "layers"),
            compared=reader.names("compared", "compared"),
            by_cosine_power={
                power: reader.array(f"pictures_{power}", "u", "layers", "size", "size", 3) for power in COSINE_POWERS
            },
        )
        reader.finish()
        if [layer for layer in found.layers if layer in found.compared] != list(found.compared):
            raise reader.error("the compared layers are not among its layers in their order")
        return found
