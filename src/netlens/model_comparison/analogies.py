"""Analogies: the direction of one network's unit in another network, and how much of the unit can be read there.

Let C(a, b) be the mean of a b' over the same images and positions. A unit of layer a of the first network, with one-hot
vector v, has in layer b of the second network the direction ``d' = (inv C(a, a) v)' C(a, b)``, after lucid's early
model-comparison experiments. The first factor decorrelates: ``a' inv C(a, a) v`` is what remains of the unit once the
linear contribution of the other units of its layer is removed, so it correlates with this unit and with no other. The
second factor correlates that remainder with the activations of b. Equivalently, ``inv C(a, a) C(a, b)`` are the
coefficients of the least-squares regression of b on a (Hastie, Tibshirani & Friedman 2009, "The Elements of Statistical
Learning", equation 3.39), and d is the unit's row: the change of b when this unit rises by one and the others of its
layer stay the same.

So d is a direction to visualize, like the pattern of a filter (Haufe et al. 2014, "On the interpretation of weight
vectors of linear models in multivariate neuroimaging", NeuroImage 87); it is not the filter that reads the unit from b
best. How much of the unit is in b is measured by two linear probes (Alain & Bengio 2016, "Understanding intermediate
layers using linear classifier probes"): one along d alone, and one on the whole layer, the ceiling.

Least squares on a whole layer fits noise where there are not many more images than channels; on held-out images it then
predicts worse than the mean, and its R2 is far below 0. The probe on the whole layer is therefore a ridge regression,
whose penalty pulls it either towards the mean of the unit or towards the probe along d: for an infinite penalty it is
one of these two, for a penalty of 0 least squares. Target and penalty are chosen by two-fold cross-validation on the
held-out images: each half is predicted by what predicts the other half best. So except by chance the ceiling is neither
below the R2 along d nor below 0.

Probes and directions are computed from second moments over training images; activations at held-out images serve for
that choice and for evaluation only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.second_moments import SecondMoments
from netlens.model_comparison.whitening import Whitening, whitening
from netlens.statistics.intervals import Bootstrap

Float = NDArray[np.float64]

# A variance below this fraction of the mean square is rounding: float32 activations have a relative precision of 1e-7.
_CONSTANT: Final = 1e-12
_DRAWN_DECIMALS: Final = 3
#: Penalties that the probe on a whole layer chooses from, as fractions of the layer's mean eigenvalue.
PENALTIES: Final = (0.0, *(float(10.0 ** (exponent / 2)) for exponent in range(-12, 7)), np.inf)


class Unit(NamedTuple):
    """One channel of a layer of the first network."""

    layer: str
    channel: int

    @property
    def name(self) -> str:
        """Name of the unit in texts: ``mixed4a:12``."""
        return f"{self.layer}:{self.channel}"


class PairMoments(NamedTuple):
    """Second moments, over training images, that relate the first network to another one.

    Attributes
    ----------
    own
        Of the first network with itself.
    cross
        Of the first network with the other.
    other
        Of the other network with itself. If the other network is the first one, all three are the same.
    """

    own: SecondMoments
    cross: SecondMoments
    other: SecondMoments


@dataclass(frozen=True)
class LinearProbe:
    """A linear prediction of a unit from the activations of a layer.

    Attributes
    ----------
    weights
        (channels,).
    intercept
        Prediction where all activations are 0.
    """

    weights: Float
    intercept: float

    def __call__(self, activations: ArrayLike) -> Float:
        """Predict the unit, (n,), from activations (n, channels)."""
        predicted: Float = np.asarray(activations, np.float64) @ self.weights + self.intercept
        return predicted


@dataclass(frozen=True)
class Analogy:
    """The direction of a unit in one layer, and how much of the unit can be read there.

    Attributes
    ----------
    direction
        (channels,) float64; 0 in a layer in which nothing covaries with the unit.
    r2
        Held-out R2 of the linear probe along the direction. At most 1; negative where the held-out mean would predict
        better.
    ceiling
        Held-out R2 of the linear probe on the whole layer, a ridge regression (`whole_layer_r2`).
    r2_ends, ceiling_ends
        Ends of their 95 % bootstrap intervals over held-out images; NaN where none were computed.
    """

    direction: Float
    r2: float
    ceiling: float
    r2_ends: tuple[float, float] = (np.nan, np.nan)
    ceiling_ends: tuple[float, float] = (np.nan, np.nan)


def chosen_unit(
    others: Sequence[PairMoments],
    *,
    layer: str = "",
    channel: int = -1,
    centred: bool = False,
    ridge: float = 0.0,
    varying: Mapping[str, NDArray[np.bool_]] | None = None,
) -> Unit:
    """Return the unit that is named, or choose the one that the other networks predict best.

    The choice is a maximin: for each unit and each other network, take the best R2 over that network's layers with
    which the probe along the unit's direction predicts the unit (a negative slope counts as 0); take the smallest
    of these over the networks; choose the first unit for which it is largest. R2 is computed over training images,
    so the held-out images that evaluate the analogies play no part in the choice beyond `varying`. Candidate layers
    are the one that is named, or else the middle third of the first network's compared layers (`middle_layers`),
    which leaves out both the first convolutions, which see colors and edges, and the logits. Where none of their
    units varies, as in dead layers, all compared layers are candidates.

    Parameters
    ----------
    others
        Moments of the first network with each other one. If there is no other, with itself; then a unit's own layer
        does not count.
    layer, channel
        The unit, if it is named; empty and -1: chosen.
    centred, ridge
        As for `directions`.
    varying
        By layer, (units,): which units vary on the held-out images, too; the others are not chosen, since nothing can
        be said of them there.

    Returns
    -------
    Unit

    Raises
    ------
    ComparisonError
        There is no such layer or unit, a unit is named without its layer, or no unit of the layers varies.
    """
    if not others:
        raise ComparisonError(
            "there are no second moments of the first network with another one; pass those of at least one network"
        )
    own = others[0].own
    if channel >= 0:
        if not layer:
            raise ComparisonError(f"unit {channel} is named but not its layer; set model_comparison.unit_layer too")
        return _checked(Unit(layer, channel), own)
    if layer:
        _channels(layer, own)
    best, found = -np.inf, None
    middle = [layer] if layer else middle_layers(own.first_layers)
    rest = [] if layer else [name for name in own.first_layers if name not in middle]
    for place, candidate in enumerate([*middle, *rest]):
        if place >= len(middle) and found is not None:
            break
        map_of = _whitened(own, candidate, centred=centred, ridge=ridge).inverse()
        spread = _variances(own, candidate)
        scores = np.min([_best_r2(candidate, map_of, spread, moments, centred=centred) for moments in others], axis=0)
        scores[spread == 0] = -np.inf
        if varying is not None:
            scores[~varying[candidate]] = -np.inf
        if scores.max() > best:
            best, found = float(scores.max()), Unit(candidate, int(scores.argmax()))
    if found is None:
        raise ComparisonError("every unit of the layers to choose from is constant on all images; name others")
    return found


def middle_layers(layers: Sequence[str]) -> list[str]:
    """Return the middle third of the layers: from one third to two thirds of the way to the last.

    Parameters
    ----------
    layers
        Names in network order.

    Returns
    -------
    list of str
        All of them where there are fewer than three.
    """
    last = len(layers) - 1
    if last < 2:
        return list(layers)
    return [layer for place, layer in enumerate(layers) if last <= 3 * place <= 2 * last]


def directions(unit: Unit, moments: PairMoments, *, centred: bool = False, ridge: float = 0.0) -> dict[str, Float]:
    """Compute the direction of a unit in each layer of a network.

    Parameters
    ----------
    unit
        A unit of the first network.
    moments
        Of the first network with the one of interest.
    centred
        Whether to subtract means.
    ridge
        Of the inverse of C(a, a), which is taken on the numerical range
        (`netlens.model_comparison.whitening.whitening`).

    Returns
    -------
    dict
        By layer of the network of interest: (channels,) float64. In the unit's own layer the direction is one-hot if
        C(a, a) has full rank and needs no ridge; otherwise units that always rise together share it.

    Raises
    ------
    ComparisonError
        There is no such unit, or it is dead: 0 on all training images (or constant, if means are subtracted).
    """
    _checked(unit, moments.own, constant=centred)
    root = _whitened(moments.own, unit.layer, centred=centred, ridge=ridge).root
    decorrelated = root @ root[unit.channel]
    return {
        layer: decorrelated @ moments.cross.covariance(unit.layer, layer, centred=centred)
        for layer in moments.cross.second_layers
    }


def direction_probe(unit: Unit, layer: str, direction: ArrayLike, moments: PairMoments) -> LinearProbe:
    """Fit the linear probe of a unit along a direction of a layer: least squares with slope and intercept.

    Parameters
    ----------
    unit
        A unit of the first network.
    layer
        A layer of the network of interest.
    direction
        (channels,) of that layer.
    moments
        Of the first network with the one of interest.

    Returns
    -------
    LinearProbe
        The weights are the slope times the direction; 0 for a direction along which nothing varies.

    Raises
    ------
    ComparisonError
        The direction does not have the layer's channels.
    """
    along = np.asarray(direction, np.float64)
    channels = _channels(layer, moments.other)
    if along.shape != (channels,):
        raise ComparisonError(f"layer {layer!r} has {channels} channels, but its direction has shape {along.shape}")
    variance = float(along @ moments.other.covariance(layer, layer, centred=True) @ along)
    square = float(along @ moments.other.covariance(layer, layer) @ along)
    together = float(moments.cross.covariance(unit.layer, layer, centred=True)[unit.channel] @ along)
    slope = together / variance if variance > _CONSTANT * square else 0.0
    return _through_means(unit, layer, slope * along, moments.cross)


def layer_probe(
    unit: Unit, layer: str, moments: PairMoments, penalty: float, *, towards: LinearProbe | None = None
) -> LinearProbe:
    """Fit a linear probe of a unit on a whole layer: ridge regression with an unpenalized intercept.

    The weights minimize the mean squared error over training images plus the penalty times their squared distance from
    the weights of another probe, or from 0.

    Parameters
    ----------
    unit, layer, moments
        As for `direction_probe`.
    penalty
        As a fraction of the mean eigenvalue of the layer's centered covariance, 0 or more; 0: least squares on the
        numerical range; infinite: the other probe itself.
    towards
        The other probe, such as that of `direction_probe`; None: weights of 0, which predict the unit's mean.

    Returns
    -------
    LinearProbe
    """
    start = np.zeros(_channels(layer, moments.other)) if towards is None else towards.weights
    ridge = _ridge(unit, layer, moments)
    return _through_means(unit, layer, start + ridge.directions @ ridge.steps(start, [penalty])[:, 0], moments.cross)


def whole_layer_r2(
    along: LinearProbe, unit: Unit, layer: str, moments: PairMoments, *, held: ArrayLike, values: ArrayLike
) -> float:
    """Compute the held-out R2 of the probe on a whole layer, chosen by two-fold cross-validation.

    Parameters
    ----------
    along
        The probe along the unit's direction.
    unit, layer, moments
        As for `direction_probe`.
    held
        (n, channels), the layer's activations at held-out images.
    values
        (n,), the unit's.

    Returns
    -------
    float
        R2 over all held-out images. Each is predicted with that of `PENALTIES`, towards `along` or towards the mean,
        whose squared error is smallest on the half of the held-out images that it does not belong to. The halves are
        drawn at random, with a fixed seed. For a single image, it is that of `along`.

    Raises
    ------
    ComparisonError
        As for `r2_score`.
    """
    known = np.asarray(values, np.float64)
    return r2_score(known, _whole_layer_prediction(along, unit, layer, moments, held=held, known=known))


def _whole_layer_prediction(
    along: LinearProbe, unit: Unit, layer: str, moments: PairMoments, *, held: ArrayLike, known: Float
) -> Float:
    inputs = np.asarray(held, np.float64)
    ridge = _ridge(unit, layer, moments)
    centred = inputs - ridge.means
    mean = _through_means(unit, layer, np.zeros(inputs.shape[1]), moments.cross)
    candidates = np.concatenate(
        [
            probe(inputs)[:, None] + centred @ ridge.directions @ ridge.steps(probe.weights, PENALTIES)
            for probe in (along, mean)
        ],
        axis=1,
    )
    chosen = along(inputs)
    halves = np.arange(known.size) % 2 == 0
    np.random.default_rng(0).shuffle(halves)
    for half in (halves, ~halves):
        if (~half).any():
            errors = np.sum((candidates[~half] - known[~half, None]) ** 2, axis=0)
            chosen[half] = candidates[half, int(np.argmin(errors))]
    return chosen


def r2_score(values: ArrayLike, predicted: ArrayLike) -> float:
    """Compute the coefficient of determination: 1 - sum of squared errors / sum of squares about the values' mean.

    Parameters
    ----------
    values, predicted
        (n,) each.

    Returns
    -------
    float
        At most 1; 0 for predicting the mean of these values, negative for anything worse.

    Raises
    ------
    ComparisonError
        All values are equal, so there is nothing to predict; or the two have different lengths.
    """
    given, guess = np.asarray(values, np.float64), np.asarray(predicted, np.float64)
    if given.ndim != 1 or given.shape != guess.shape or not given.size:
        raise ComparisonError(f"R2 compares two lists of numbers, not arrays of shape {given.shape} and {guess.shape}")
    spread = float(np.sum((given - given.mean()) ** 2))
    if spread <= _CONSTANT * float(np.sum(given**2)):
        raise ComparisonError(f"R2 is not defined: all {given.size} values are {given[0]:.6g}")
    return 1 - float(np.sum((given - guess) ** 2)) / spread


def r2_ends(values: ArrayLike, predicted: ArrayLike, *, positions_count: int = 1, seed: int = 0) -> tuple[float, float]:
    """Return the ends of the 95 % bootstrap interval of `r2_score` over images.

    Parameters
    ----------
    values, predicted
        (n,) each.
    positions_count
        Entries of each image, which follow each other and are resampled together.
    seed
        Of the resampling.
    """
    given = np.asarray(values, np.float64).reshape(-1, positions_count)
    errors = ((given - np.asarray(predicted, np.float64).reshape(given.shape)) ** 2).sum(axis=1)
    sums, squares = given.sum(axis=1), (given**2).sum(axis=1)

    def resampled(images: Float, axis: int) -> Float:
        chosen = images.astype(np.int64)
        spread = squares[chosen].sum(axis) - sums[chosen].sum(axis) ** 2 / (chosen.shape[axis] * positions_count)
        found: Float = 1 - errors[chosen].sum(axis) / np.maximum(spread, np.finfo(float).tiny)
        return found

    interval = Bootstrap(seed=seed)(np.arange(len(given)), resampled)
    return interval.low, interval.high


def analogies(
    unit: Unit,
    moments: PairMoments,
    values: ArrayLike,
    heldout: Mapping[str, NDArray[Any]],
    *,
    positions_count: int = 1,
    centred: bool = False,
    ridge: float = 0.0,
) -> dict[str, Analogy]:
    """Compute a unit's direction in every layer of a network, and evaluate both probes on held-out images.

    Parameters
    ----------
    unit
        A unit of the first network.
    moments
        Second moments over training images of the first network with the one of interest.
    values
        (n,), the unit's activations at held-out images.
    heldout
        By layer of the network of interest: activations at the same images and positions, (n, channels).
    positions_count
        Positions in each held-out image, which follow each other.
    centred, ridge
        As for `directions`.

    Returns
    -------
    dict
        By layer, in the order of the moments.

    Raises
    ------
    ComparisonError
        As for `directions`; the unit does not vary on the training or on the held-out images; or a layer has no
        activations at held-out images, or at different ones.
    """
    _checked(unit, moments.own, constant=True)
    known = np.asarray(values, np.float64)
    found = {}
    for layer, direction in directions(unit, moments, centred=centred, ridge=ridge).items():
        if layer not in heldout:
            raise ComparisonError(
                f"layer {layer!r} has no activations at held-out images; compute those of both parts again"
            )
        if np.shape(heldout[layer]) != (known.size, direction.size):
            raise ComparisonError(
                f"layer {layer!r}: held-out activations have shape {np.shape(heldout[layer])}, not "
                f"{(known.size, direction.size)}; use the images at which the unit was recorded"
            )
        along = direction_probe(unit, layer, direction, moments)
        try:
            predictions = (
                along(heldout[layer]),
                _whole_layer_prediction(along, unit, layer, moments, held=heldout[layer], known=known),
            )
            r2, ceiling = (r2_score(known, predicted) for predicted in predictions)
        except ComparisonError as error:
            raise ComparisonError(f"unit {unit.name} on the held-out images: {error}; choose another") from error
        ends = (r2_ends(known, predicted, positions_count=positions_count) for predicted in predictions)
        found[layer] = Analogy(direction, r2, ceiling, *ends)
    return found


def drawn(direction: ArrayLike) -> Float:
    """Scale a direction to largest magnitude 1 and round it to thousandths, for its feature visualization.

    The key of a feature visualization depends on every digit of its direction, and the optimization amplifies small
    differences. Rounded, a direction that is one-hot up to the ridge has the same key as the unit itself, and different
    rounding errors on different machines do not lead to different images.

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


def _best_r2(layer: str, map_of: Float, spread: Float, moments: PairMoments, *, centred: bool) -> Float:
    """Return for each unit of a layer the best training R2 along its directions in the other network's layers.

    `map_of` is inv C(a, a), `spread` the units' variances.
    """
    best = np.zeros(len(map_of))
    for second in moments.cross.second_layers:
        if moments.cross.symmetric and second == layer:
            continue
        rows = map_of @ moments.cross.covariance(layer, second, centred=centred)
        together = np.maximum(np.sum(rows * moments.cross.covariance(layer, second, centred=True), axis=1), 0)
        variances = np.sum((rows @ moments.other.covariance(second, second, centred=True)) * rows, axis=1)
        squares = np.sum((rows @ moments.other.covariance(second, second)) * rows, axis=1)
        known = (variances > _CONSTANT * squares) & (spread > 0)
        best[known] = np.maximum(best[known], together[known] ** 2 / variances[known] / spread[known])
    return best


def _whitened(own: SecondMoments, layer: str, *, centred: bool, ridge: float) -> Whitening:
    # Bound of the rounding error of a mean of that many squares.
    rounding = float(np.finfo(np.float64).eps * np.diagonal(own.products[layer, layer]).max())
    try:
        return whitening(own.covariance(layer, layer, centred=centred), ridge=ridge, rounding=rounding)
    except ComparisonError as error:
        raise ComparisonError(f"layer {layer!r}: {error}") from error


class _Ridge(NamedTuple):
    """Ridge regressions of a unit on a layer, along the eigenvectors of the layer's centered covariance.

    Attributes
    ----------
    means
        (channels,) of the layer over training images.
    eigenvalues
        (r,) of the numerical range.
    directions
        (channels, r), the eigenvectors.
    covariances
        (r,) of the unit with the layer along the eigenvectors.
    """

    means: Float
    eigenvalues: Float
    directions: Float
    covariances: Float

    def steps(self, start: Float, penalties: Sequence[float]) -> Float:
        """Return what each penalty adds to the weights `start`, along the eigenvectors: (r, penalties)."""
        left = self.covariances - self.eigenvalues * (self.directions.T @ start)
        mean = self.eigenvalues.sum() / len(self.directions)
        if not mean:
            return np.zeros((0, len(penalties)))
        added: Float = left[:, None] / (self.eigenvalues[:, None] + mean * np.asarray(penalties))
        return added


def _ridge(unit: Unit, layer: str, moments: PairMoments) -> _Ridge:
    space = _whitened(moments.other, layer, centred=True, ridge=0.0)
    together = moments.cross.covariance(unit.layer, layer, centred=True)[unit.channel]
    means = moments.cross.second_sums[moments.cross.second_layers.index(layer)] / moments.cross.count
    return _Ridge(means, space.eigenvalues, space.directions, space.directions.T @ together)


def _through_means(unit: Unit, layer: str, weights: Float, cross: SecondMoments) -> LinearProbe:
    unit_mean = cross.first_sums[cross.first_layers.index(unit.layer)][unit.channel] / cross.count
    means = cross.second_sums[cross.second_layers.index(layer)] / cross.count
    return LinearProbe(weights, float(unit_mean - weights @ means))


def _channels(layer: str, own: SecondMoments) -> int:
    if layer not in own.first_layers:
        raise ComparisonError(f"layer {layer!r} is not among those compared: {', '.join(own.first_layers)}")
    return own.first_sums[own.first_layers.index(layer)].size


def _variances(own: SecondMoments, layer: str) -> Float:
    """Return the variance of each unit of a layer of the first network; exactly 0 where it is only rounding."""
    squares = np.diagonal(own.products[layer, layer]) / own.count
    means = own.first_sums[own.first_layers.index(layer)] / own.count
    variances = squares - means**2
    return np.where(variances > _CONSTANT * squares, variances, 0.0)


def _checked(unit: Unit, own: SecondMoments, *, constant: bool = False) -> Unit:
    """Check that the unit exists and is active at least once; with `constant`, that it varies."""
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
