"""The numbers that the text takes from the checks, each with its interval; no TensorFlow."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from netlens.explanation_checks.chain_ratios import KINDS
from netlens.explanation_checks.choices import METHODS, NOISE, CheckError, label_of
from netlens.explanation_checks.map_similarity import cosine
from netlens.explanation_checks.pixel_flipping import gap
from netlens.explanation_checks.results import CASCADES, NetworkChecks
from netlens.statistics.intervals import Bootstrap, Interval

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Quantity:
    """A number or name, and how it is written.

    Attributes
    ----------
    value
        The number at full precision, or the name.
    unit
        ``cosine``, ``similarity``, ``correlation``, ``logits``, ``images``, or empty for a name.
    interval
        Bootstrap interval; None where nothing was sampled.
    """

    value: float | str
    unit: str = ""
    interval: Interval | None = None


@dataclass(frozen=True)
class RatioPoint:
    """One hidden layer of one network seen by one method.

    Attributes
    ----------
    network, method
        The network, and the method.
    layer
        The layer's label.
    log10_ratio
        log10 of s1 / s2 of the matrices that the method multiplies between the layer and the logits.
    convergence
        CSC at the layer of relevance that entered at the logits.
    """

    network: str
    method: str
    layer: str
    log10_ratio: float
    convergence: float


def ratio_points(checks: Sequence[NetworkChecks]) -> list[RatioPoint]:
    """Return the ratio of the chain beside the convergence, for every method that multiplies known matrices.

    The image, whose three channels leave little room for cosines, is left out, and so is input x gradient, which goes
    the same way as the gradient.
    """
    points = []
    for found in checks:
        for row, method in enumerate(found.methods):
            entry = METHODS[method]
            if not entry.matrices or entry.times_input:
                continue
            ratios = found.ratios[list(KINDS).index(entry.matrices)]
            for place in range(1, int(found.entries[0])):
                value, ratio = float(found.convergence[row, 0, place]), float(ratios[place])
                if np.isfinite(value) and np.isfinite(ratio):
                    points.append(RatioPoint(found.network, method, found.labels[place], ratio, value))
    return points


def ratio_correlation(points: Sequence[RatioPoint], bootstrap: Bootstrap) -> Interval:
    """Return the rank correlation between ratio and convergence; chains are resampled whole."""
    return bootstrap.rank_correlation(
        [point.log10_ratio for point in points],
        [point.convergence for point in points],
        [f"{point.network} {point.method}" for point in points],
    )


def flipping_gaps(found: NetworkChecks, bootstrap: Bootstrap) -> dict[str, Interval]:
    """Return the mean area between insertion and deletion by method, and that of random orders as ``random``."""
    gaps = gap(found.deletion, found.insertion, found.shares)
    by_method = {method: bootstrap(row) for method, row in zip(found.mapped, gaps, strict=True)}
    return by_method | {"random": bootstrap(found.random_gaps.mean(axis=1))}


def gains_over_random(found: NetworkChecks, bootstrap: Bootstrap) -> dict[str, Interval]:
    """Return by how much each method's area exceeds that of random orders, image by image."""
    gains = gap(found.deletion, found.insertion, found.shares) - found.random_gaps.mean(axis=1)
    return {method: bootstrap(row) for method, row in zip(found.mapped, gains, strict=True) if method != NOISE}


def _convergence(found: NetworkChecks, method: str, bootstrap: Bootstrap) -> Quantity:
    row = found.method_place(method)
    # The first hidden layer: at the image, three channels leave little room.
    place = 1 if len(found.layers) > 2 else 0
    interval = bootstrap(found.medians[row, 0, place], np.median)
    return Quantity(float(found.convergence[row, 0, place]), "cosine", interval)


def _logit_ssim(found: NetworkChecks, method: str, bootstrap: Bootstrap) -> Quantity:
    found.method_place(method)
    interval = bootstrap(found.logit_ssim[found.mapped.index(method)], np.median)
    return Quantity(interval.value, "similarity", interval)


def _pair_cosine(found: NetworkChecks, method: str, _bootstrap: Bootstrap) -> Quantity:
    value = cosine(*found.two_maps[found.method_place(method)])
    if np.isnan(value):
        raise CheckError(f"{found.network}: {label_of(method)} gives one of the two classes no map at all")
    return Quantity(value, "cosine")


def _cascade(found: NetworkChecks, method: str, bootstrap: Bootstrap) -> Quantity:
    found.method_place(method)
    if method not in found.cascaded:
        raise CheckError(f"{found.network}: no cascade was computed; see explanation_checks.cascade_networks")
    ranks = found.cascade_ranks[CASCADES.index("top_down"), found.cascaded.index(method), -1]
    interval = bootstrap(ranks)
    return Quantity(interval.value, "correlation", interval)


_OF_METHODS: Final[Mapping[str, Callable[[NetworkChecks, str, Bootstrap], Quantity]]] = {
    "convergence": _convergence,
    "logit_ssim": _logit_ssim,
    "pair_cosine": _pair_cosine,
    "randomized_rank": _cascade,
}


def quantity_of(checks: Sequence[NetworkChecks], quantity: str, method: str, bootstrap: Bootstrap) -> Quantity:
    """Return one quantity of the checks, of the first network unless it is about all.

    Parameters
    ----------
    checks
        Checks of the networks.
    quantity
        Of a method: ``convergence`` (CSC at the first hidden layer), ``logit_ssim``, ``pair_cosine``,
        ``randomized_rank`` (rank correlation after all layers were randomized). Of all: ``network``, ``images``,
        ``baseline``, ``correlation`` (between chain ratios and convergence), ``flipping_best``,
        ``flipping_best_gain``, ``not_better`` (methods whose gain over random order is not above 0), ``refused``.
    method
        The method; empty where the quantity is not of a method.
    bootstrap
        How intervals are computed.

    Raises
    ------
    CheckError
        There is no such quantity, or the method is not defined for the network.
    """
    found = checks[0]
    if quantity in _OF_METHODS:
        return _OF_METHODS[quantity](found, method, bootstrap)
    gains = gains_over_random(found, bootstrap)
    best = max(gains, key=lambda name: gains[name].value)
    missing = [label_of(name) for name, each in gains.items() if each.low <= 0]
    simple: dict[str, Callable[[], Quantity]] = {
        "network": lambda: Quantity(found.network),
        "images": lambda: Quantity(len(found.classes), "images"),
        "baseline": lambda: Quantity(float(found.baseline[min(1, len(found.layers) - 2)]), "cosine"),
        "flipping_best": lambda: Quantity(label_of(best)),
        "flipping_best_gain": lambda: Quantity(gains[best].value, "logits", gains[best]),
        "not_better": lambda: Quantity(", ".join(missing) or "none"),
        "refused": lambda: Quantity(", ".join(map(label_of, found.refused)) or "none"),
    }
    if quantity == "correlation":
        interval = ratio_correlation(ratio_points(checks), bootstrap)
        return Quantity(interval.value, "correlation", interval)
    if quantity not in simple:
        known = ", ".join([*_OF_METHODS, *simple, "correlation"])
        raise CheckError(f"there is no quantity {quantity!r}; there are {known}")
    return simple[quantity]()
