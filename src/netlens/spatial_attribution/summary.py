"""Scores of many scenes as means with intervals, and which of them is best; no TensorFlow."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.spatial_attribution.choices import GRADIENT_LABELS, METHOD_LABELS, AttributionError, Gradient, Method
from netlens.spatial_attribution.ground_truth import Interval, bootstrap_mean

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are made.

    Attributes
    ----------
    level
        Of the interval, in 0..1.
    resamples_count
        Bootstrap samples of the scenes.
    seed
        Of the resampling.
    """

    level: float = 0.95
    resamples_count: int = 2000
    seed: int = 0

    def __call__(self, per_scene: ArrayLike) -> Interval:
        """Estimate the mean over scenes, NaN left out, and its interval."""
        return bootstrap_mean(per_scene, level=self.level, resamples_count=self.resamples_count, seed=self.seed)


@dataclass(frozen=True)
class Row:
    """One way to attribute, and how well it does.

    Attributes
    ----------
    method
        A gradient of max-pooling, or a method that attributes to the input.
    label
        What figures call it.
    layer
        Label of the layer that it attributes to; empty for methods that attribute to the input only.
    shares, points
        (n,), the mean over the classes of each scene; NaN where no class of the scene could be judged.
    share, point
        Their means over the scenes, with intervals.
    unjudged_count
        Classes of scenes to which no attribution was positive.
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
        """What text calls it: ``smooth + blur at mixed4b``."""
        return f"{self.label} at {self.layer}" if self.layer else self.label


def per_scene(values: ArrayLike) -> Array:
    """Average (n, k) over the classes of each scene, NaN left out; NaN where nothing is left."""
    table = np.asarray(values, np.float64)
    known = np.isfinite(table)
    with np.errstate(invalid="ignore", divide="ignore"):
        means: Array = np.where(known, table, 0).sum(axis=1) / known.sum(axis=1)
    return means


def summary(scores: Mapping[str, NDArray[Any]], bootstrap: Bootstrap) -> list[Row]:
    """Sum up the scores of one network.

    Parameters
    ----------
    scores
        Arrays as the notebook ``spatial_attribution/scores`` saves them.
    bootstrap
        How intervals are made.

    Returns
    -------
    list of Row
        Layers in network order, each by every gradient; then the methods that attribute to the input. What could not
        be judged on any scene is left out.
    """
    there = np.isfinite(scores["areas"])

    def row(method: str, label: str, layer: str, shares: Array, points: Array) -> Row | None:
        means = per_scene(shares)
        if not np.isfinite(means).any():
            return None
        unjudged = int((there & ~np.isfinite(shares)).sum())
        right = per_scene(points)
        return Row(method, label, layer, means, right, bootstrap(means), bootstrap(right), unjudged)

    rows = []
    for place, layer in enumerate(scores["layer_labels"].tolist()):
        for index, gradient in enumerate(scores["gradients"].tolist()):
            label = GRADIENT_LABELS[cast("Gradient", gradient)]
            found = scores["layer_shares"][index, place], scores["layer_points"][index, place]
            rows.append(row(gradient, label, layer, *found))
    for index, method in enumerate(scores["methods"].tolist()):
        label = METHOD_LABELS[cast("Method", method)]
        rows.append(row(method, label, "", scores["method_shares"][index], scores["method_points"][index]))
    return [each for each in rows if each is not None]


def best(rows: Iterable[Row]) -> Row:
    """Give the row with the largest share; of equal ones the first.

    Raises
    ------
    AttributionError
        There is none.
    """
    known = list(rows)
    if not known:
        raise AttributionError("no method could be judged on these scenes")
    return max(known, key=lambda each: each.share.mean)


def row_of(rows: Iterable[Row], method: str, layer: str = "") -> Row:
    """Find one row.

    Raises
    ------
    AttributionError
        It is not there.
    """
    for each in rows:
        if (each.method, each.layer) == (method, layer):
            return each
    raise AttributionError(f"there is no score of {method} {f'at {layer}' if layer else 'at the input'}".rstrip())


@dataclass(frozen=True)
class Measured:
    """A mean over scenes, or an end of its interval.

    Attributes
    ----------
    value
        In 0..1; a difference of two shares in -1..1.
    deviation
        Standard deviation of the mean; None for an end of an interval.
    """

    value: float
    deviation: float | None = None


def quantity_of(
    scores: Mapping[str, NDArray[Any]], quantity: str, bootstrap: Bootstrap, *, compared_layer: str = ""
) -> Measured | int | str:
    """Give one number of a network's scores, or a name.

    Parameters
    ----------
    scores
        As in `summary`.
    quantity
        ``network``, ``scenes``, ``chance``, ``compared_layer``; ``<row>_name``, ``<row>_share``, ``<row>_low``,
        ``<row>_high`` (ends of the share's interval) or ``<row>_point`` of a row: ``best`` (of all), ``input`` (the
        best at the input), ``true``, ``smooth``, ``smooth_blur`` (at the compared layer), or a method; and
        ``gain_share``, ``gain_low``, ``gain_high``: the share of ``smooth_blur`` minus that of ``true``, scene by
        scene.
    bootstrap
        How intervals are made.
    compared_layer
        Name of the layer that gradients are compared at; empty: the middle one of those behind the input.

    Returns
    -------
    Measured, int or str
        A name where the row is not there is ``none``, and so is its number.

    Raises
    ------
    AttributionError
        There is no such quantity or layer.
    """
    layers, labels = scores["layers"].tolist(), scores["layer_labels"].tolist()
    name = compared_layer or layers[1:][(len(layers) - 1) // 2]
    if name not in layers:
        raise AttributionError(f"there are no scores of layer {name!r}; there are {', '.join(layers)}")
    compared = labels[layers.index(name)]
    plain = {"network": str(scores["network"]), "scenes": len(scores["areas"]), "compared_layer": compared}
    if quantity in plain:
        return cast("int | str", plain[quantity])
    if quantity == "chance":
        return _measured(per_scene(scores["areas"]))
    rows = summary(scores, bootstrap)
    which, _, what = quantity.rpartition("_")
    if what not in {"name", "share", "low", "high", "point"}:
        raise AttributionError(f"there is no quantity {quantity!r} of attribution scores")
    if which == "gain":
        difference = row_of(rows, "smooth_blur", compared).shares - row_of(rows, "true", compared).shares
        return _part(what, difference, bootstrap(difference))
    if which == "best":
        row = best(rows)
    elif which == "input":
        row = best(row for row in rows if row.layer in {"", labels[0]})
    elif which in GRADIENT_LABELS:
        row = row_of(rows, which, compared)
    elif which in METHOD_LABELS:
        found = [row for row in rows if row.method == which]
        if not found:
            return "none"
        row = found[0]
    else:
        raise AttributionError(f"there is no quantity {quantity!r} of attribution scores")
    if what == "name":
        return row.name
    return _measured(row.points) if what == "point" else _part(what, row.shares, row.share)


def _measured(values: Array) -> Measured:
    known = values[np.isfinite(values)]
    return Measured(float(known.mean()), float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else None)


def _part(what: str, values: Array, interval: Interval) -> Measured:
    return _measured(values) if what == "share" else Measured(float(getattr(interval, what)))
