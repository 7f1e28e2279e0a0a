"""Scores of many scenes as means with intervals, the best of them, and the numbers of the text; no TensorFlow."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.spatial_attribution.choices import GRADIENT_LABELS, METHOD_LABELS, AttributionError
from netlens.spatial_attribution.results import AttributionScores
from netlens.statistics.intervals import Bootstrap, Interval

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """One way to attribute, and how well it finds the right parts.

    Attributes
    ----------
    method
        A gradient of max-pooling, or a method that attributes to the input.
    label
        What figures call it.
    layer
        Label of the layer that it attributes to; empty for a method that attributes to the input only.
    shares, points
        (n,), the mean over the classes of each scene; NaN where no class of the scene could be scored.
    share, point
        Their means over the scenes, with intervals.
    unjudged_count
        Number of classes, over all scenes, for which no attribution was positive.
    """

    method: str
    label: str
    layer: str
    shares: Array
    points: Array
    share: Interval
    point: Interval
    unjudged_count: int

    @property
    def name(self) -> str:
        """What the text calls it, such as ``smooth + blur at mixed4b``."""
        return f"{self.label} at {self.layer}" if self.layer else self.label


def per_scene(values: ArrayLike) -> Array:
    """Average (n, k) over the classes of each scene, ignoring NaN; NaN where nothing is left."""
    table = np.asarray(values, np.float64)
    known = np.isfinite(table)
    with np.errstate(invalid="ignore", divide="ignore"):
        means: Array = np.where(known, table, 0).sum(axis=1) / known.sum(axis=1)
    return means


def summary(scores: AttributionScores, bootstrap: Bootstrap) -> list[Row]:
    """Summarize the scores of one network.

    Parameters
    ----------
    scores
        Scores of the network.
    bootstrap
        How the intervals are computed.

    Returns
    -------
    list of Row
        Layers in network order, each with every gradient; then the methods that attribute to the input. What could
        not be scored on any scene is left out.
    """
    there = np.isfinite(scores.areas)

    def row(method: str, label: str, layer: str, shares: Array, points: Array) -> Row | None:
        means = per_scene(shares)
        if not np.isfinite(means).any():
            return None
        unjudged = int((there & ~np.isfinite(shares)).sum())
        right = per_scene(points)
        return Row(method, label, layer, means, right, bootstrap(means), bootstrap(right), unjudged)

    rows = []
    for place, layer in enumerate(scores.layer_labels):
        for index, gradient in enumerate(scores.gradients):
            found = scores.layer_shares[index, place], scores.layer_points[index, place]
            rows.append(row(gradient, GRADIENT_LABELS[gradient], layer, *found))
    for index, method in enumerate(scores.methods):
        rows.append(row(method, METHOD_LABELS[method], "", scores.method_shares[index], scores.method_points[index]))
    return [each for each in rows if each is not None]


def best(rows: Iterable[Row]) -> Row:
    """Return the row with the largest mean share; of equal ones, the first.

    Raises
    ------
    AttributionError
        There is no row.
    """
    known = list(rows)
    if not known:
        raise AttributionError("no method could be scored on these scenes")
    return max(known, key=lambda each: each.share.value)


def row_of(rows: Iterable[Row], method: str, layer: str = "") -> Row:
    """Return the row of a method, or of a gradient at a layer.

    Raises
    ------
    AttributionError
        There is no such row.
    """
    for each in rows:
        if (each.method, each.layer) == (method, layer):
            return each
    raise AttributionError(f"there is no score of {method} {f'at {layer}' if layer else 'at the input'}".rstrip())


@dataclass(frozen=True)
class Quantity:
    """One number, or one name, that the text takes from the scores.

    Attributes
    ----------
    value
        A fraction in 0..1, a difference of two fractions in -1..1, a count, or a name.
    unit
        ``fraction``, ``scenes``, or empty for a name.
    deviation
        Standard deviation of a mean over scenes; None for everything else.
    interval
        Bootstrap interval of a mean over scenes; None for everything else.
    """

    value: float | int | str
    unit: str = ""
    deviation: float | None = None
    interval: Interval | None = None


def quantity_of(
    scores: AttributionScores, quantity: str, bootstrap: Bootstrap, *, compared_layer: str = ""
) -> Quantity:
    """Return one number of a network's scores, or a name.

    Parameters
    ----------
    scores
        Scores of the network.
    quantity
        One of ``network``, ``scenes``, ``chance`` (mean area of a part) and ``compared_layer``; or ``ROW_WHAT``, with
        ROW one of ``best`` (the best row), ``input`` (the best row at the input), a gradient of max-pooling (its row at
        the compared layer) or a method, and WHAT one of ``name``, ``share``, ``low``, ``high`` (ends of the share's
        interval) and ``point``; or ``gain_share``, ``gain_low``, ``gain_high``: the share of ``smooth_blur`` minus that
        of ``true`` at the compared layer, scene by scene.
    bootstrap
        How the intervals are computed.
    compared_layer
        Name of the layer at which gradients are compared; empty for the middle one, not counting the input.

    Returns
    -------
    Quantity
        The name ``none`` for anything about a method that was not scored.

    Raises
    ------
    AttributionError
        There is no such quantity or layer.
    """
    layers, labels = scores.layers, scores.layer_labels
    name = compared_layer or layers[1:][(len(layers) - 1) // 2]
    if name not in layers:
        raise AttributionError(f"layer {name!r} has no scores; choose one of {', '.join(layers)}")
    compared = labels[layers.index(name)]
    plain = {
        "network": Quantity(scores.network),
        "scenes": Quantity(len(scores.areas), "scenes"),
        "compared_layer": Quantity(compared),
    }
    if quantity in plain:
        return plain[quantity]
    if quantity == "chance":
        areas = per_scene(scores.areas)
        return _mean(areas, bootstrap(areas))
    rows = summary(scores, bootstrap)
    which, _, what = quantity.rpartition("_")
    if what not in {"name", "share", "low", "high", "point"}:
        raise AttributionError(f"attribution scores have no quantity {quantity!r}")
    if which == "gain":
        difference = row_of(rows, "smooth_blur", compared).shares - row_of(rows, "true", compared).shares
        return _mean_or_end(what, difference, bootstrap(difference))
    if which == "best":
        row = best(rows)
    elif which == "input":
        row = best(row for row in rows if row.layer in {"", labels[0]})
    elif which in GRADIENT_LABELS:
        row = row_of(rows, which, compared)
    elif which in METHOD_LABELS:
        found = [row for row in rows if row.method == which]
        if not found:
            return Quantity("none")
        row = found[0]
    else:
        raise AttributionError(f"attribution scores have no quantity {quantity!r}")
    if what == "name":
        return Quantity(row.name)
    return _mean(row.points, row.point) if what == "point" else _mean_or_end(what, row.shares, row.share)


def _mean(values: Array, interval: Interval) -> Quantity:
    known = values[np.isfinite(values)]
    deviation = float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else None
    return Quantity(float(known.mean()), "fraction", deviation, interval)


def _mean_or_end(what: str, values: Array, interval: Interval) -> Quantity:
    if what == "share":
        return _mean(values, interval)
    return Quantity(float(getattr(interval, what)), "fraction")
