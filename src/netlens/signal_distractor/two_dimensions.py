"""Signal and distractor in two dimensions: why the weight of a linear model is not the signal.

The example of section 2 of Kindermans et al. 2017, "Learning how to explain neural networks" (arXiv 1705.05598). A
sample is the sum of a signal, which carries the target ``y`` along the first axis, and of a distractor, Gaussian noise
along the direction ``(cos t, sin t)``. The model that recovers ``y`` has to cancel the distractor, so its weight is
orthogonal to the distractor and turns with it; the pattern ``cov(x, y)`` stays at the signal.

Angles between the distractor and the signal (``t``) are radians, all other angles are degrees.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

# Below this |sin t|, float64 cannot tell the distractor's line from the signal's: sin(pi) itself comes out as 1.2e-16.
PARALLEL_BELOW = 1e-12


class SignalDistractorError(ValueError):
    """The two-dimensional example cannot be computed from what was given."""


class UndefinedWeightError(SignalDistractorError):
    """No weight recovers the target: signal and distractor lie on one line."""


@dataclass(frozen=True)
class Sample:
    """One drawn data set.

    Parameters
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

    The weight is NaN where it is undefined, that is where the distractor lies on the signal's line.

    Parameters
    ----------
    t
        Angles of the distractor, radians, shape (k,).
    weight_analytic, weight_fitted
        Angle of ``(1, -cot t)`` and of the least-squares weight, shape (k,).
    pattern_analytic, pattern_fitted
        Angle of the pattern in the limit of many samples (0) and of the sample's pattern, shape (k,).
    """

    t: FloatArray
    weight_analytic: FloatArray
    weight_fitted: FloatArray
    pattern_analytic: FloatArray
    pattern_fitted: FloatArray


def draw_noise(samples_count: int, seed: int) -> FloatArray:
    """Draw the distractor's coordinates with numpy's legacy generator, whose stream is frozen for all time.

    Parameters
    ----------
    samples_count
        Number of samples n, at least 3 (two directions and an offset are fitted).
    seed
        Seed of ``numpy.random.RandomState``.

    Returns
    -------
    FloatArray
        Standard normal values, shape (n,).

    Raises
    ------
    SignalDistractorError
        When there are fewer than 3 samples.
    """
    if samples_count < 3:
        raise SignalDistractorError(f"samples_count is {samples_count}: the fit needs at least 3 samples")
    noise: FloatArray = np.random.RandomState(seed).randn(samples_count)
    return noise


def make_sample(noise: ArrayLike, t: float) -> Sample:
    """Put drawn noise at an angle to the signal.

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
        When the noise is not a vector, or the noise or ``t`` is not finite.
    """
    coordinates = np.asarray(noise, dtype=np.float64)
    if coordinates.ndim != 1:
        raise SignalDistractorError(f"noise has shape {coordinates.shape}: it must be a vector, one value a sample")
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
    """Weight ``(1, -cot t)`` that recovers the target exactly, and so is orthogonal to the distractor.

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
        When ``t`` is a multiple of pi (Kindermans et al. 2017, section 2: the distractor must leave the signal's line).
    """
    if not weight_is_defined(t):
        raise UndefinedWeightError(
            f"the weight is undefined at t = {t / np.pi:.6g} pi: the distractor lies on the signal's line"
        )
    return np.array([1.0, -np.cos(t) / np.sin(t)])


def fitted_weight(x: ArrayLike, y: ArrayLike) -> FloatArray:
    """Least-squares weight of ``y`` on ``x``, with an offset that is dropped.

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
        When the data lie on one line, so that the weight is not determined.
    SignalDistractorError
        When the shapes do not fit.
    """
    data, target = _centred(x, y)
    weight, _, rank, _ = np.linalg.lstsq(data, target, rcond=PARALLEL_BELOW)
    if rank < data.shape[1]:
        raise UndefinedWeightError("the fitted weight is undefined: the data lie on one line")
    return np.asarray(weight, dtype=np.float64)


def covariance(x: ArrayLike, y: ArrayLike) -> FloatArray:
    """Covariance of the data with the target, ``E[x y] - E[x] E[y]``, shape (2,).

    It is the direction of the pattern: for any weight fitted by least squares ``w' cov(x, y)`` is positive. It needs no
    weight, so it is there for every ``t``.

    Parameters
    ----------
    x
        Data, shape (n, 2).
    y
        Target, shape (n,).

    Raises
    ------
    SignalDistractorError
        When the shapes do not fit.
    """
    data, target = _centred(x, y)
    return np.asarray(data.T @ target / len(target), dtype=np.float64)


def fitted_pattern(x: ArrayLike, y: ArrayLike, weight: ArrayLike) -> FloatArray:
    """Pattern ``cov(x, y) / (w' cov(x, y))`` of a linear model (Haufe et al. 2014; Kindermans et al. 2017).

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
        When ``w' cov(x, y)`` is 0, so that no pattern has ``w' a = 1``, or the shapes do not fit.
    """
    direction = covariance(x, y)
    scale = float(np.asarray(weight, dtype=np.float64) @ direction)
    if scale == 0.0 or not np.isfinite(scale):
        raise SignalDistractorError(f"the pattern is undefined: w' cov(x, y) is {scale}")
    return direction / scale


def unit(vector: ArrayLike) -> FloatArray:
    """Give a vector's direction, its length made 1.

    Raises
    ------
    SignalDistractorError
        When the vector has no direction: zero or not finite.
    """
    values = np.asarray(vector, dtype=np.float64)
    length = float(np.linalg.norm(values))
    if length == 0.0 or not np.isfinite(length):
        raise SignalDistractorError(f"{values.tolist()} has no direction")
    return values / length


def angle_to_signal(vector: ArrayLike) -> float:
    """Signed angle of a vector to the signal ``(1, 0)``, degrees in (-180, 180], positive counter-clockwise.

    Raises
    ------
    SignalDistractorError
        When the vector has no direction or not two components.
    """
    values = unit(vector)
    if values.shape != (2,):
        raise SignalDistractorError(f"an angle to the signal needs 2 components, not shape {values.shape}")
    return float(np.degrees(np.arctan2(values[1], values[0])))


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
        Analytic and fitted angles, the weight NaN where it is undefined.
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
    """Angle of the fitted pattern to the signal for repeated draws of the noise.

    Parameters
    ----------
    t
        Angles of the distractor, radians.
    samples_count
        Number of samples n of each draw.
    seeds
        One seed a draw; see `draw_noise`.

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


def _centred(x: ArrayLike, y: ArrayLike) -> tuple[FloatArray, FloatArray]:
    data, target = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if data.ndim != 2 or target.shape != (len(data),):
        raise SignalDistractorError(
            f"x has shape {data.shape} and y {target.shape}: (n, 2) and (n,) are needed, with the same n"
        )
    return data - data.mean(axis=0), target - target.mean()
