"""Scores of many scenes as means with intervals, the best of them, and the numbers of the text; no TensorFlow."""

from collections.abc import Iterable, Mapping
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
    values, control
        By measure, (n,) and (c,): the mean over the classes of each scene, and the same with each class's part painted
        out, of the first c scenes; NaN where no class of the scene could be scored.
    scores
        By measure, the mean over the scenes, with its interval; without a measure that is not defined on any scene.
    unjudged_count
        Number of classes, over all scenes, for which no attribution was positive.
    """

    method: str
    label: str
    layer: str
    values: Mapping[str, Array]
    control: Mapping[str, Array]
    scores: Mapping[str, Interval]
    unjudged_count: int

    @property
    def name(self) -> str:
        """What the text calls it, such as ``smooth + blur at mixed4b``."""
        return f"{self.label} at {self.layer}" if self.layer else self.label

    @property
    def share(self) -> Interval:
        """Share of positive attribution on the right part, by which rows are ranked."""
        return self.scores["share"]

    def control_mean(self, measure: str) -> float:
        """Return the mean of a measure over the scenes of the control; NaN where there is none."""
        known = self.control[measure][np.isfinite(self.control[measure])]
        return float(known.mean()) if known.size else float("nan")


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
    share = scores.measures.index("share")

    def row(method: str, label: str, layer: str, found: Array, control: Array) -> Row | None:
        values, controls = (
            {measure: per_scene(each) for measure, each in zip(scores.measures, tables, strict=True)}
            for tables in (found, control)
        )
        if not np.isfinite(values["share"]).any():
            return None
        unjudged = int((there & ~np.isfinite(found[share])).sum())
        intervals = {measure: bootstrap(each) for measure, each in values.items() if np.isfinite(each).any()}
        return Row(method, label, layer, values, controls, intervals, unjudged)

    rows = []
    for place, layer in enumerate(scores.layer_labels):
        for index, gradient in enumerate(scores.gradients):
            found = scores.layer_scores[:, index, place], scores.layer_control[:, index, place]
            rows.append(row(gradient, GRADIENT_LABELS[gradient], layer, *found))
    for index, method in enumerate(scores.methods):
        found = scores.method_scores[:, index], scores.method_control[:, index]
        rows.append(row(method, METHOD_LABELS[method], "", *found))
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
        the compared layer) or a method, and WHAT one of ``name``, a measure, ``low``, ``high`` (ends of the share's
        interval), ``control`` (the share with the class's part painted out) and ``excess`` (by how much that is above
        the part's area, scene by scene); or ``gain_share``, ``gain_low``, ``gain_high``: the share of ``smooth_blur``
        minus that of ``true`` at the compared layer, scene by scene.
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
    which, _, what = quantity.rpartition("_")
    if what not in {"name", "low", "high", "control", "excess", *scores.measures}:
        raise AttributionError(f"attribution scores have no quantity {quantity!r}")
    rows = summary(scores, bootstrap)
    if which == "gain":
        blurred, true = (row_of(rows, gradient, compared).values["share"] for gradient in ("smooth_blur", "true"))
        return _mean_or_end(what, blurred - true, bootstrap(blurred - true))
    row = _asked(rows, which, compared, labels[0])
    return Quantity("none") if row is None else _of_row(row, what, scores, bootstrap)


def _asked(rows: list[Row], which: str, compared: str, image: str) -> Row | None:
    """Return the row that a quantity is about; None for a method that was not scored."""
    if which == "best":
        return best(rows)
    if which == "input":
        return best(row for row in rows if row.layer in {"", image})
    if which in GRADIENT_LABELS:
        return row_of(rows, which, compared)
    if which in METHOD_LABELS:
        return next((row for row in rows if row.method == which), None)
    raise AttributionError(f"attribution scores have nothing about {which!r}")


def _of_row(row: Row, what: str, scores: AttributionScores, bootstrap: Bootstrap) -> Quantity:
    if what == "name":
        return Quantity(row.name)
    if what in {"low", "high"}:
        return _mean_or_end(what, row.values["share"], row.share)
    if what in row.scores:
        return _mean(row.values[what], row.scores[what])
    control = row.control["share"]
    if what in scores.measures or not np.isfinite(control).any():
        return Quantity("not applicable")
    values = control - per_scene(scores.areas[: len(control)]) if what == "excess" else control
    return _mean(values, bootstrap(values))


def _mean(values: Array, interval: Interval) -> Quantity:
    known = values[np.isfinite(values)]
    deviation = float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else None
    return Quantity(float(known.mean()), "fraction", deviation, interval)


def _mean_or_end(what: str, values: Array, interval: Interval) -> Quantity:
    if what == "share":
        return _mean(values, interval)
    return Quantity(float(getattr(interval, what)), "fraction")
