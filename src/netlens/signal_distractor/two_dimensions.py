"""Signal and distractor in two dimensions: why the weight of a linear model is not the signal.

Each data point is the sum of a signal, which carries the target ``y`` along the first axis, and a distractor, Gaussian
noise along the direction ``(cos t, sin t)``. A model that recovers ``y`` has to cancel the distractor, so its weight is
orthogonal to the distractor and turns with it; the pattern ``cov(x, y)`` stays aligned with the signal.

The angle ``t`` between distractor and signal is in radians, all other angles are in degrees.

References
----------
Kindermans et al. 2017, "Learning how to explain neural networks", arXiv 1705.05598, section 2.
Haufe et al. 2014, "On the interpretation of weight vectors of linear models in multivariate neuroimaging".
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

# Below this |sin t|, float64 cannot tell the distractor's line from the signal's: sin(pi) itself comes out as 1.2e-16.
PARALLEL_BELOW = 1e-12


class SignalDistractorError(ValueError):
    """The two-dimensional example cannot be computed from these values."""


class UndefinedWeightError(SignalDistractorError):
    """No weight recovers the target: signal and distractor lie on one line."""


@dataclass(frozen=True)
class Sample:
    """One data set.

    Attributes
    ----------
    t
        Angle of the distractor to the signal, radians.
    signal
        Shape (n, 2): the target in column 0, zeros in column 1.
    distractor
        Shape (n, 2): the noise times ``(cos t, sin t)``.
    """

    t: float
    signal: FloatArray
    distractor: FloatArray

    @property
    def x(self) -> FloatArray:
        """The observed data, signal + distractor, shape (n, 2)."""
        return self.signal + self.distractor

    @property
    def y(self) -> FloatArray:
        """The target, which is the signal's coordinate, shape (n,)."""
        return self.signal[:, 0]


@dataclass(frozen=True)
class AngleCurves:
    """Signed angles to the signal, in degrees, one value for each angle ``t`` of the distractor.

    The weight's angle is NaN where the weight is undefined, that is where the distractor lies on the signal's line.

    Attributes
    ----------
    t
        Angles of the distractor, radians, shape (k,).
    weight_analytic, weight_fitted
        Angle of ``(1, -cot t)`` and of the least-squares weight, shape (k,).
    pattern_analytic, pattern_fitted
        Angle of the pattern in the limit of many samples (0) and of the pattern fitted on this data set, shape (k,).
    """

    t: FloatArray
    weight_analytic: FloatArray
    weight_fitted: FloatArray
    pattern_analytic: FloatArray
    pattern_fitted: FloatArray


@dataclass(frozen=True)
class Directions:
    """Unit vectors of what a data set is made of and of what a linear model finds in it.

    Attributes
    ----------
    signal, distractor
        Shape (2,).
    weight
        Of the least-squares fit, shape (2,); None where it is undefined.
    pattern
        Of the covariance of data and target, shape (2,).
    """

    signal: FloatArray
    distractor: FloatArray
    weight: FloatArray | None
    pattern: FloatArray

    def by_name(self) -> dict[str, FloatArray | None]:
        """The four directions under their names, in the order signal, distractor, weight, pattern."""
        return {"signal": self.signal, "distractor": self.distractor, "weight": self.weight, "pattern": self.pattern}


def draw_noise(samples_count: int, seed: int) -> FloatArray:
    """Draw the distractor's coordinates with numpy's legacy generator, whose stream of numbers never changes.

    Parameters
    ----------
    samples_count
        Number of samples n, at least 3: two weights and an offset are fitted.
    seed
        Seed of ``numpy.random.RandomState``.

    Returns
    -------
    FloatArray
        Standard normal values, shape (n,).

    Raises
    ------
    SignalDistractorError
        There are fewer than 3 samples.
    """
    if samples_count < 3:
        raise SignalDistractorError(f"samples_count is {samples_count}: the fit needs at least 3 samples")
    noise: FloatArray = np.random.RandomState(seed).randn(samples_count)
    return noise


def make_sample(noise: ArrayLike, t: float) -> Sample:
    """Build the data set whose distractor lies at an angle to the signal.

    Parameters
    ----------
    noise
        The distractor's coordinates, shape (n,); see `draw_noise`.
    t
        Angle of the distractor to the signal, radians.

    Returns
    -------
    Sample
        Signal ``linspace(-1, 1, n)`` along the first axis, distractor ``noise * (cos t, sin t)``.

    Raises
    ------
    SignalDistractorError
        The noise is not a vector, or the noise or ``t`` is not finite.
    """
    coordinates = np.asarray(noise, dtype=np.float64)
    if coordinates.ndim != 1:
        raise SignalDistractorError(
            f"noise has shape {coordinates.shape}: it must be a vector with one value per sample"
        )
    if not (np.isfinite(t) and np.isfinite(coordinates).all()):
        raise SignalDistractorError(f"t ({t}) and the noise must be finite")
    signal = np.zeros((len(coordinates), 2))
    signal[:, 0] = np.linspace(-1.0, 1.0, len(coordinates))
    return Sample(t=float(t), signal=signal, distractor=np.outer(coordinates, distractor_direction(t)))


def distractor_direction(t: float) -> FloatArray:
    """Unit vector ``(cos t, sin t)`` of the distractor, shape (2,)."""
    return np.array([np.cos(t), np.sin(t)])


def weight_is_defined(t: float) -> bool:
    """Whether any weight recovers the target: false where the distractor lies on the signal's line (t = 0, pi)."""
    return bool(abs(np.sin(t)) > PARALLEL_BELOW)


def analytic_weight(t: float) -> FloatArray:
    """Weight ``(1, -cot t)``, which recovers the target exactly and is therefore orthogonal to the distractor.

    Parameters
    ----------
    t
        Angle of the distractor to the signal, radians.

    Returns
    -------
    FloatArray
        Shape (2,).

    Raises
    ------
    UndefinedWeightError
        ``t`` is a multiple of pi: the distractor lies on the signal's line.
    """
    if not weight_is_defined(t):
        raise UndefinedWeightError(
            f"the weight is undefined at t = {t / np.pi:.6g} pi: the distractor lies on the signal's line"
        )
    return np.array([1.0, -np.cos(t) / np.sin(t)])


def fitted_weight(x: ArrayLike, y: ArrayLike) -> FloatArray:
    """Weight of the least-squares regression of ``y`` on ``x``; the intercept is fitted and dropped.

    Parameters
    ----------
    x
        Data, shape (n, 2).
    y
        Target, shape (n,).

    Returns
    -------
    FloatArray
        Shape (2,).

    Raises
    ------
    UndefinedWeightError
        The data lie on one line, so the weight is not determined.
    SignalDistractorError
        The shapes do not match.
    """
    data, target = _centered(x, y)
    weight, _, rank, _ = np.linalg.lstsq(data, target, rcond=PARALLEL_BELOW)
    if rank < data.shape[1]:
        raise UndefinedWeightError("the fitted weight is undefined: the data lie on one line")
    return np.asarray(weight, dtype=np.float64)


def covariance(x: ArrayLike, y: ArrayLike) -> FloatArray:
    """Covariance of the data with the target, ``E[x y] - E[x] E[y]``, shape (2,).

    This is the direction of the pattern, because ``w' cov(x, y)`` is positive for any weight fitted by least squares.
    It does not depend on a weight, so it exists for every ``t``.

    Parameters
    ----------
    x
        Data, shape (n, 2).
    y
        Target, shape (n,).

    Raises
    ------
    SignalDistractorError
        The shapes do not match.
    """
    data, target = _centered(x, y)
    return np.asarray(data.T @ target / len(target), dtype=np.float64)


def fitted_pattern(x: ArrayLike, y: ArrayLike, weight: ArrayLike) -> FloatArray:
    """Pattern ``a = cov(x, y) / (w' cov(x, y))`` of a linear model (Kindermans et al. 2017; Haufe et al. 2014).

    Parameters
    ----------
    x
        Data, shape (n, 2).
    y
        Target, shape (n,).
    weight
        The model's weight w, shape (2,).

    Returns
    -------
    FloatArray
        Shape (2,), with ``w' a = 1``.

    Raises
    ------
    SignalDistractorError
        ``w' cov(x, y)`` is 0, so no pattern satisfies ``w' a = 1``; or the shapes do not match.
    """
    direction = covariance(x, y)
    scale = float(np.asarray(weight, dtype=np.float64) @ direction)
    if scale == 0.0 or not np.isfinite(scale):
        raise SignalDistractorError(f"the pattern is undefined: w' cov(x, y) is {scale}")
    return direction / scale


def unit(vector: ArrayLike) -> FloatArray:
    """Unit vector in the direction of a vector.

    Raises
    ------
    SignalDistractorError
        The vector has no direction, because it is zero or not finite.
    """
    values = np.asarray(vector, dtype=np.float64)
    length = float(np.linalg.norm(values))
    if length == 0.0 or not np.isfinite(length):
        raise SignalDistractorError(f"{values.tolist()} has no direction")
    return values / length


def angle_to_signal(vector: ArrayLike) -> float:
    """Signed angle of a vector to the signal ``(1, 0)``, degrees in (-180, 180], positive counterclockwise.

    Raises
    ------
    SignalDistractorError
        The vector has no direction or does not have two components.
    """
    values = unit(vector)
    if values.shape != (2,):
        raise SignalDistractorError(f"an angle to the signal needs 2 components, not shape {values.shape}")
    return float(np.degrees(np.arctan2(values[1], values[0])))


def directions(sample: Sample) -> Directions:
    """Directions of signal, distractor, fitted weight and fitted pattern of a data set.

    Parameters
    ----------
    sample
        A data set; see `make_sample`.

    Returns
    -------
    Directions
        The weight is None where the distractor lies on the signal's line. The pattern needs no weight and is always
        there.
    """
    weight = unit(fitted_weight(sample.x, sample.y)) if weight_is_defined(sample.t) else None
    pattern = unit(covariance(sample.x, sample.y))
    return Directions(np.array([1.0, 0.0]), distractor_direction(sample.t), weight, pattern)


def angle_curves(t: Iterable[float], noise: ArrayLike) -> AngleCurves:
    """Angles of weight and pattern to the signal as the distractor turns, for one draw of the noise.

    Parameters
    ----------
    t
        Angles of the distractor, radians.
    noise
        The distractor's coordinates, shape (n,), the same for every ``t``.

    Returns
    -------
    AngleCurves
        Analytic and fitted angles; the weight's are NaN where the weight is undefined.
    """
    angles = np.asarray(list(t), dtype=np.float64)
    weight_analytic = np.full(angles.shape, np.nan)
    weight_fitted = np.full(angles.shape, np.nan)
    pattern_fitted = np.empty(angles.shape)
    for index, angle in enumerate(angles):
        sample = make_sample(noise, angle)
        pattern_fitted[index] = angle_to_signal(covariance(sample.x, sample.y))
        if weight_is_defined(angle):
            weight_analytic[index] = angle_to_signal(analytic_weight(angle))
            weight_fitted[index] = angle_to_signal(fitted_weight(sample.x, sample.y))
    return AngleCurves(angles, weight_analytic, weight_fitted, np.zeros(angles.shape), pattern_fitted)


def pattern_angle_draws(t: Iterable[float], samples_count: int, seeds: Iterable[int]) -> FloatArray:
    """Angles of the fitted pattern to the signal over repeated draws of the noise.

    Parameters
    ----------
    t
        Angles of the distractor, radians.
    samples_count
        Number of samples n in each draw.
    seeds
        One seed per draw; see `draw_noise`.

    Returns
    -------
    FloatArray
        Degrees, shape (draws, angles).
    """
    angles = np.asarray(list(t), dtype=np.float64)
    draws = [
        [angle_to_signal(covariance(sample.x, sample.y)) for sample in (make_sample(noise, angle) for angle in angles)]
        for noise in (draw_noise(samples_count, seed) for seed in seeds)
    ]
    return np.asarray(draws, dtype=np.float64).reshape(len(draws), len(angles))


def _centered(x: ArrayLike, y: ArrayLike) -> tuple[FloatArray, FloatArray]:
    data, target = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if data.ndim != 2 or target.shape != (len(data),):
        raise SignalDistractorError(
            f"x has shape {data.shape} and y {target.shape}: they must be (n, 2) and (n,), with the same n"
        )
    return data - data.mean(axis=0), target - target.mean()
