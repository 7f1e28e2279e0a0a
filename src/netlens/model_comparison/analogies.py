"""Analogies: what a unit of one network is in another, and how much of the unit is there.

With C(a, b) the mean of a b' over the same images and places, a unit with one-hot v in layer a of the first network
has the direction ``d' = (inv C(a, a) v)' C(a, b)`` in layer b of the second, after lucid's early model-comparison
experiments. The first factor decorrelates: ``a' inv C(a, a) v`` is what is left of the unit once the other units of its
layer have had their linear share of it, so it correlates with this unit and no other. The second correlates what is
left with the activations of b. In other words, ``inv C(a, a) C(a, b)`` are the coefficients of the least-squares
regression of b on a (Hastie, Tibshirani & Friedman 2009, "The Elements of Statistical Learning", equation 3.39), and d
is the row of the unit: what b becomes where this unit rises by one and the others of its layer stay.

So d is a direction to draw, as the pattern of a filter is (Haufe et al. 2014, "On the interpretation of weight vectors
of linear models in multivariate neuroimaging", NeuroImage 87), not the filter that reads the unit from b best. How much
of the unit is there is judged twice: along d alone, and by the best linear reading from all of b, the ceiling.

Everything comes from sums of products over training images; activations at held-out images only judge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.second_moments import CrossProducts
from netlens.model_comparison.whitening import Whitening, whitening

Float = NDArray[np.float64]

# A variance below this share of the mean square is rounding: activations are float32, with steps of 1e-7 of themselves.
_CONSTANT: Final = 1e-12
_DRAWN_DECIMALS: Final = 3


class Unit(NamedTuple):
    """One channel of a layer of the first network."""

    layer: str
    channel: int

    @property
    def name(self) -> str:
        """What text calls it: ``mixed4a:12``."""
        return f"{self.layer}:{self.channel}"


class Sums(NamedTuple):
    """Training sums that relate the first network to another one.

    Attributes
    ----------
    own
        Of the first network with itself.
    cross
        Of the first network with the other.
    other
        Of the other network with itself. For the first network as the other one, all three are the same.
    """

    own: CrossProducts
    cross: CrossProducts
    other: CrossProducts


@dataclass(frozen=True)
class Reading:
    """A linear prediction of a unit from the activations of a layer.

    Attributes
    ----------
    weights
        (channels,).
    intercept
        What is predicted where all activations are 0.
    """

    weights: Float
    intercept: float

    def __call__(self, activations: ArrayLike) -> Float:
        """Predict the unit, (n,), from activations (n, channels)."""
        predicted: Float = np.asarray(activations, np.float64) @ self.weights + self.intercept
        return predicted


@dataclass(frozen=True)
class Analogy:
    """What a unit is in one layer.

    Attributes
    ----------
    direction
        (channels,) float64; 0 everywhere in a layer in which nothing goes with the unit.
    r2
        Held-out R2 of the prediction of the unit from the activations along the direction. At most 1; negative where
        the held-out mean would have been the better guess.
    ceiling
        The same of the ridge regression of the unit on the whole layer. It is what is in the layer for a linear reading
        that was fitted on the training images: on held-out images the single direction may do a little better.
    """

    direction: Float
    r2: float
    ceiling: float


def chosen_unit(
    others: Sequence[Sums], *, layer: str = "", channel: int = -1, centred: bool = False, ridge: float = 0.0
) -> Unit:
    """Give the unit that the study names, or choose the one that the other networks predict best.

    Of the units of the candidate layers the one is chosen whose worst network is best: for each unit and each other
    network, the best R2 over that network's layers with which the activations along the unit's direction predict it (a
    negative slope counts as 0); of these the smallest over the networks; and of all units the first with the largest.
    R2 is that of the training sums: the held-out images that judge the analogies have no part in the choice. Candidates
    are the layer that is named, or else those in the middle third of the first network's compared layers, so neither
    the first convolutions, which see colours and edges, nor the logits (`middle_layers`).

    Parameters
    ----------
    others
        Sums of the first network with each other one. Where there is no other, with itself; then a unit's own layer
        does not count.
    layer, channel
        As the study says; empty and -1: chosen.
    centred, ridge
        As for `directions`.

    Returns
    -------
    Unit

    Raises
    ------
    ComparisonError
        There is no such layer or unit, a unit is named without its layer, or no unit of the layers varies.
    """
    if not others:
        raise ComparisonError("there are no sums of the first network with another one; give at least one network")
    own = others[0].own
    if channel >= 0:
        if not layer:
            raise ComparisonError(f"unit {channel} is named but not its layer; set model_comparison.unit_layer too")
        return _checked(Unit(layer, channel), own)
    if layer:
        _channels(layer, own)
    best, found = -np.inf, None
    for candidate in [layer] if layer else middle_layers(own.first_layers):
        map_of = _whitened(own, candidate, centred=centred, ridge=ridge).inverse()
        spread = _variances(own, candidate)
        scores = np.min([_best_r2(candidate, map_of, spread, sums, centred=centred) for sums in others], axis=0)
        scores[spread == 0] = -np.inf
        if scores.max() > best:
            best, found = float(scores.max()), Unit(candidate, int(scores.argmax()))
    if found is None:
        raise ComparisonError("every unit of the layers to choose from is constant on all training images; name others")
    return found


def middle_layers(layers: Sequence[str]) -> list[str]:
    """Give the layers whose place is in the middle third, from a third to two thirds of the way to the last.

    Parameters
    ----------
    layers
        In network order.

    Returns
    -------
    list of str
        All of them where there are fewer than three.
    """
    last = len(layers) - 1
    if last < 2:
        return list(layers)
    return [layer for place, layer in enumerate(layers) if last <= 3 * place <= 2 * last]


def directions(unit: Unit, sums: Sums, *, centred: bool = False, ridge: float = 0.0) -> dict[str, Float]:
    """Find the direction of a unit in each layer of a network.

    Parameters
    ----------
    unit
        A unit of the first network.
    sums
        Of the first network with the one that is looked at.
    centred
        Whether means are subtracted.
    ridge
        Of the inverse of C(a, a), which is that of the numerical range
        (`netlens.model_comparison.whitening.whitening`).

    Returns
    -------
    dict
        By layer of the network that is looked at: (channels,) float64. In the unit's own layer it is one-hot where
        C(a, a) has full rank and needs no ridge; where not, units that always rise together share it.

    Raises
    ------
    ComparisonError
        There is no such unit, or it is dead: 0 on all training images (or constant, where means are subtracted).
    """
    _checked(unit, sums.own, constant=centred)
    root = _whitened(sums.own, unit.layer, centred=centred, ridge=ridge).root
    decorrelated = root @ root[unit.channel]
    return {
        layer: decorrelated @ sums.cross.covariance(unit.layer, layer, centred=centred)
        for layer in sums.cross.second_layers
    }


def read_along(unit: Unit, layer: str, direction: ArrayLike, sums: Sums) -> Reading:
    """Predict a unit from the activations of a layer along a direction: least squares with slope and intercept.

    Parameters
    ----------
    unit
        A unit of the first network.
    layer
        A layer of the network that is looked at.
    direction
        (channels,) of that layer.
    sums
        Of the first network with the one that is looked at.

    Returns
    -------
    Reading
        Its weights are the direction times the slope; of a direction along which nothing varies, 0.

    Raises
    ------
    ComparisonError
        The direction does not have the layer's channels.
    """
    along = np.asarray(direction, np.float64)
    channels = _channels(layer, sums.other)
    if along.shape != (channels,):
        raise ComparisonError(f"layer {layer!r} has {channels} channels, but its direction has shape {along.shape}")
    variance = float(along @ sums.other.covariance(layer, layer, centred=True) @ along)
    square = float(along @ sums.other.covariance(layer, layer) @ along)
    together = float(sums.cross.covariance(unit.layer, layer, centred=True)[unit.channel] @ along)
    slope = together / variance if variance > _CONSTANT * square else 0.0
    return _through_means(unit, layer, slope * along, sums.cross)


def read_all(unit: Unit, layer: str, sums: Sums, *, ridge: float = 0.0) -> Reading:
    """Predict a unit from all activations of a layer: ridge regression with an intercept that is not penalised.

    Parameters
    ----------
    unit, layer, sums
        As for `read_along`.
    ridge
        Of the inverse of the layer's centred covariance, as for `directions`.

    Returns
    -------
    Reading
    """
    root = _whitened(sums.other, layer, centred=True, ridge=ridge).root
    together = sums.cross.covariance(unit.layer, layer, centred=True)[unit.channel]
    return _through_means(unit, layer, root @ (root.T @ together), sums.cross)


def r2_score(values: ArrayLike, predicted: ArrayLike) -> float:
    """Give the coefficient of determination: 1 - sum of squared errors / sum of squares about the values' own mean.

    Parameters
    ----------
    values, predicted
        (n,) each.

    Returns
    -------
    float
        At most 1; 0 for predicting the mean of these values, negative for what is worse than that.

    Raises
    ------
    ComparisonError
        All values are the same, so there is nothing to predict; or the two have different lengths.
    """
    given, guess = np.asarray(values, np.float64), np.asarray(predicted, np.float64)
    if given.ndim != 1 or given.shape != guess.shape or not given.size:
        raise ComparisonError(f"R2 compares two lists of numbers, not arrays of shape {given.shape} and {guess.shape}")
    spread = float(np.sum((given - given.mean()) ** 2))
    if spread <= _CONSTANT * float(np.sum(given**2)):
        raise ComparisonError(f"R2 is not defined: all {given.size} values are {given[0]:.6g}")
    return 1 - float(np.sum((given - guess) ** 2)) / spread


def analogies(
    unit: Unit,
    sums: Sums,
    values: ArrayLike,
    heldout: Mapping[str, NDArray[Any]],
    *,
    centred: bool = False,
    ridge: float = 0.0,
) -> dict[str, Analogy]:
    """Find a unit in every layer of a network, and judge on held-out images how much of it is there.

    Parameters
    ----------
    unit
        A unit of the first network.
    sums
        Training sums of the first network with the one that is looked at.
    values
        (n,) the unit's activations at held-out images.
    heldout
        By layer of the network that is looked at: activations at the same images and places, (n, channels).
    centred, ridge
        As for `directions`; the ridge is that of the regression, too.

    Returns
    -------
    dict
        By layer, in the order of the sums: direction, its held-out R2 and the ceiling belong to this layer.

    Raises
    ------
    ComparisonError
        As `directions`; the unit does not vary on the training or on the held-out images; or a layer was not sampled
        there, or at other images.
    """
    _checked(unit, sums.own, constant=True)
    known = np.asarray(values, np.float64)
    found = {}
    for layer, direction in directions(unit, sums, centred=centred, ridge=ridge).items():
        if layer not in heldout:
            raise ComparisonError(f"layer {layer!r} has no activations at held-out images; sample both parts again")
        if np.shape(heldout[layer]) != (known.size, direction.size):
            raise ComparisonError(
                f"layer {layer!r}: held-out activations have shape {np.shape(heldout[layer])}, not "
                f"{(known.size, direction.size)}; take those of the unit's images"
            )
        readings = read_along(unit, layer, direction, sums), read_all(unit, layer, sums, ridge=ridge)
        try:
            r2, ceiling = (r2_score(known, reading(heldout[layer])) for reading in readings)
        except ComparisonError as error:
            raise ComparisonError(f"unit {unit.name} on the held-out images: {error}; choose another") from error
        found[layer] = Analogy(direction, r2, ceiling)
    return found


def drawn(direction: ArrayLike) -> Float:
    """Give what a picture shows of a direction: entries over the largest magnitude, in thousandths.

    A picture is kept by the digits of its direction, and small differences grow in its making. Rounded, a direction
    that is one-hot up to the ridge has the unit's own picture, and a machine's rounding errors make no other ones.

    Parameters
    ----------
    direction
        (channels,).

    Returns
    -------
    ndarray
        (channels,) float64, the largest magnitude 1; zeros for a direction of zeros.
    """
    given = np.asarray(direction, np.float64)
    largest = np.abs(given).max(initial=0.0)
    return np.round(given / largest, _DRAWN_DECIMALS) + 0.0 if largest > 0 else np.zeros_like(given)


def pack(found: Mapping[str, Mapping[str, Analogy]]) -> dict[str, NDArray[Any]]:
    """Write analogies as arrays for an npz file that may hold other arrays too.

    Parameters
    ----------
    found
        By network, then by layer.

    Returns
    -------
    dict
        ``analogy_networks``, and for the I-th of them ``analogy_I_layers``, ``analogy_I_r2``, ``analogy_I_ceiling``,
        (layers,) each, ``analogy_I_channels`` of the layers and ``analogy_I_directions``, one behind the other.
    """
    packed: dict[str, NDArray[Any]] = {"analogy_networks": np.array(list(found), np.str_)}
    for place, by_layer in enumerate(found.values()):
        each = list(by_layer.values())
        packed |= {
            f"analogy_{place}_layers": np.array(list(by_layer), np.str_),
            f"analogy_{place}_r2": np.array([analogy.r2 for analogy in each], np.float64),
            f"analogy_{place}_ceiling": np.array([analogy.ceiling for analogy in each], np.float64),
            f"analogy_{place}_channels": np.array([analogy.direction.size for analogy in each], np.int64),
            f"analogy_{place}_directions": np.concatenate([np.empty(0), *(analogy.direction for analogy in each)]),
        }
    return packed


def unpack(arrays: Mapping[str, NDArray[Any]]) -> dict[str, dict[str, Analogy]]:
    """Read what `pack` wrote: analogies by network, then by layer; other arrays are left alone.

    Raises
    ------
    ComparisonError
        Arrays are missing, or do not belong together.
    """
    found: dict[str, dict[str, Analogy]] = {}
    try:
        for place, network in enumerate(arrays["analogy_networks"].tolist()):
            layers, r2, ceiling, channels, joined = (
                arrays[f"analogy_{place}_{name}"] for name in ("layers", "r2", "ceiling", "channels", "directions")
            )
            if not len(layers) == len(r2) == len(ceiling) == len(channels) or channels.sum() != joined.size:
                raise ComparisonError(f"network {network!r}: its analogies do not belong together; make the file again")
            parts = np.split(joined, np.cumsum(channels)[:-1]) if len(layers) else []
            found[network] = {
                str(layer): Analogy(part, float(one), float(other))
                for layer, part, one, other in zip(layers, parts, r2, ceiling, strict=True)
            }
    except KeyError as error:
        raise ComparisonError(f"no analogies: there is no array {error}; make the file again") from error
    return found


def _best_r2(layer: str, map_of: Float, spread: Float, sums: Sums, *, centred: bool) -> Float:
    """Give for each unit of a layer the best training R2 along its directions in the other network's layers.

    `map_of` is inv C(a, a), `spread` the units' variances.
    """
    best = np.zeros(len(map_of))
    for second in sums.cross.second_layers:
        if sums.cross.symmetric and second == layer:
            continue
        rows = map_of @ sums.cross.covariance(layer, second, centred=centred)
        together = np.maximum(np.sum(rows * sums.cross.covariance(layer, second, centred=True), axis=1), 0)
        variances = np.sum((rows @ sums.other.covariance(second, second, centred=True)) * rows, axis=1)
        squares = np.sum((rows @ sums.other.covariance(second, second)) * rows, axis=1)
        known = (variances > _CONSTANT * squares) & (spread > 0)
        best[known] = np.maximum(best[known], together[known] ** 2 / variances[known] / spread[known])
    return best


def _whitened(own: CrossProducts, layer: str, *, centred: bool, ridge: float) -> Whitening:
    # Rounding errors of a mean of as many squares, each of at most the largest sum's.
    rounding = float(np.finfo(np.float64).eps * np.diagonal(own.products[layer, layer]).max())
    try:
        return whitening(own.covariance(layer, layer, centred=centred), ridge=ridge, rounding=rounding)
    except ComparisonError as error:
        raise ComparisonError(f"layer {layer!r}: {error}") from error


def _through_means(unit: Unit, layer: str, weights: Float, cross: CrossProducts) -> Reading:
    unit_mean = cross.first_sums[cross.first_layers.index(unit.layer)][unit.channel] / cross.count
    means = cross.second_sums[cross.second_layers.index(layer)] / cross.count
    return Reading(weights, float(unit_mean - weights @ means))


def _channels(layer: str, own: CrossProducts) -> int:
    if layer not in own.first_layers:
        raise ComparisonError(f"layer {layer!r} is not among those compared: {', '.join(own.first_layers)}")
    return own.first_sums[own.first_layers.index(layer)].size


def _variances(own: CrossProducts, layer: str) -> Float:
    """Give the variance of each unit of a layer of the first network; exactly 0 where it is rounding only."""
    squares = np.diagonal(own.products[layer, layer]) / own.count
    means = own.first_sums[own.first_layers.index(layer)] / own.count
    variances = squares - means**2
    return np.where(variances > _CONSTANT * squares, variances, 0.0)


def _checked(unit: Unit, own: CrossProducts, *, constant: bool = False) -> Unit:
    """See that there is such a unit and that it is ever active; with `constant`, that it varies."""
    channels = _channels(unit.layer, own)
    if not 0 <= unit.channel < channels:
        raise ComparisonError(f"layer {unit.layer!r} has units 0 to {channels - 1}, so there is no unit {unit.channel}")
    if not own.products[unit.layer, unit.layer][unit.channel, unit.channel]:
        raise ComparisonError(f"unit {unit.name} is dead: it is 0 on all {own.count} training images; choose another")
    if constant and not _variances(own, unit.layer)[unit.channel]:
        raise ComparisonError(
            f"unit {unit.name} is the same on all {own.count} training images, so there is nothing to predict; "
            "choose another"
        )
    return unit
