"""What the checks of one network found, as an npz file holds it."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.explanation_checks.chain_ratios import KINDS
from netlens.explanation_checks.choices import METHODS, CheckError
from netlens.explanation_checks.convergence import PERCENTILES, random_baseline
from netlens.files.array_reader import ArrayReader
from netlens.files.arrays import save_arrays

Float = NDArray[np.float64]
Names = tuple[str, ...]

#: Cascades of randomization, in the order of the arrays.
CASCADES = ("top_down", "bottom_up", "smoothed")

# Array: its axes. Numbers are axes of that length.
_AXES: dict[str, tuple[str | int, ...]] = {
    "channels": ("layers",),
    "percentiles": ("methods", "entries", "layers", len(PERCENTILES)),
    "medians": ("methods", "entries", "layers", "images"),
    "left_out": ("methods", "entries", "layers"),
    "logit_ssim": ("maps", "images"),
    "shares": ("shares",),
    "deletion": ("maps", "images", "shares"),
    "insertion": ("maps", "images", "shares"),
    "random_gaps": ("images", "orders"),
    "cascade_ssim": (len(CASCADES), "cascaded", "steps", "images"),
    "cascade_ranks": (len(CASCADES), "cascaded", "steps", "images"),
    "cascade_entropies": (len(CASCADES), "cascaded", "steps", "images"),
    "two_maps": ("methods", 2, "height", "width"),
    "ratios": (len(KINDS), "layers"),
    "chains": ("chains", "chain steps"),
}
_INTEGERS: dict[str, tuple[str | int, ...]] = {
    "entries": ("entries",),
    "cascade_counts": ("steps",),
    "classes": ("images",),
    "other_classes": ("images",),
}
_NAMES: dict[str, str] = {
    "layers": "layers",
    "labels": "layers",
    "methods": "methods",
    "refused": "refused",
    "reasons": "refused",
    "mapped": "maps",
    "cascaded": "cascaded",
    "chain_names": "chains",
}


@dataclass(frozen=True, eq=False)
class NetworkChecks:
    """The checks of one network on n images.

    Attributes
    ----------
    network
        Name of the network.
    layers, labels, channels
        The l tensors that every path passes, from the ``input`` to the logits, their short names, and the channels of
        each.
    methods
        The m methods that are defined for the network, of `netlens.explanation_checks.choices.METHODS`.
    refused, reasons
        Methods that are not, and why.
    entries
        (e,), places among the layers at which relevance enters; the first is the logits.
    percentiles, medians, left_out
        (m, e, l, ...), of `netlens.explanation_checks.convergence.Convergence`.
    mapped
        The methods, and the control, whose maps are compared.
    classes, other_classes
        (n,), the explained logit of each image, and the other one drawn at random.
    logit_ssim
        (maps, n): structural similarity between the maps of the two.
    shares, deletion, insertion
        (s,) and (maps, n, s): logit of the class as patches are replaced, as of
        `netlens.explanation_checks.pixel_flipping`.
    random_gaps
        (n, orders): area between insertion and deletion of random orders.
    cascaded, cascade_counts
        Methods whose cascades were computed, and the numbers of randomized layers.
    cascade_ssim, cascade_ranks, cascade_entropies
        (3, cascaded, steps, n), for each of `CASCADES`; NaN where there is none.
    two_image, two_names, two_maps
        (height, width, 3) uint8, an image that shows two classes; their names; (m, 2, height, width), the maps of the
        two logits.
    ratios
        (kinds, l): log10 of s1 / s2 of the product of the matrices behind each layer; NaN where there is no chain.
    chain_names, chains
        Names and convergence of simulated and learned chains, (chains, steps + 1).
    """

    network: str
    layers: Names
    labels: Names
    channels: Float
    methods: Names
    refused: Names
    reasons: Names
    entries: NDArray[np.int64]
    percentiles: Float
    medians: Float
    left_out: Float
    mapped: Names
    classes: NDArray[np.int64]
    other_classes: NDArray[np.int64]
    logit_ssim: Float
    shares: Float
    deletion: Float
    insertion: Float
    random_gaps: Float
    cascaded: Names
    cascade_counts: NDArray[np.int64]
    cascade_ssim: Float
    cascade_ranks: Float
    cascade_entropies: Float
    two_image: NDArray[np.uint8]
    two_names: Names
    two_maps: Float
    ratios: Float
    chain_names: Names
    chains: Float

    @property
    def baseline(self) -> Float:
        """Median absolute cosine of random vectors of each layer's channels, (l,)."""
        return np.array([random_baseline(int(count)) for count in self.channels])

    @property
    def convergence(self) -> Float:
        """Cosine similarity convergence: the median over pairs, positions and images, (m, e, l)."""
        found: Float = self.percentiles[..., PERCENTILES.index(50)]
        return found

    def method_place(self, method: str) -> int:
        """Return the place of a method among `methods`.

        Raises
        ------
        CheckError
            The method is not defined for the network, or was not checked; the message says why.
        """
        if method in self.methods:
            return self.methods.index(method)
        if method in self.refused:
            reason = self.reasons[self.refused.index(method)]
            raise CheckError(f"{self.network} has no {METHODS[method].label}: {reason}")
        raise CheckError(f"{method} was not checked; add it to explanation_checks.methods")

    def save(self, path: str | Path) -> None:
        """Save as npz.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        text = {*_NAMES, "network", "two_names"}
        save_arrays(
            path,
            {
                each.name: np.array(getattr(self, each.name), np.str_ if each.name in text else None)
                for each in fields(self)
            },
            compress=True,
        )

    @classmethod
    def load(cls, path: str | Path) -> "NetworkChecks":
        """Load what `save` wrote.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, lacks an array, holds one too many, or holds arrays that do not fit each other.
        """
        reader = ArrayReader(path)
        found: dict[str, Any] = {"network": reader.text("network")}
        found |= {name: reader.names(name, axis) for name, axis in _NAMES.items()}
        found |= {name: reader.array(name, "f", *axes) for name, axes in _AXES.items()}
        found |= {name: reader.array(name, "i", *axes) for name, axes in _INTEGERS.items()}
        found["two_names"] = reader.names("two_names", 2)
        found["two_image"] = reader.array("two_image", "u", "height", "width", 3)
        reader.finish()
        return cls(**found)
