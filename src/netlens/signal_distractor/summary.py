"""The numbers that the paper states about the two-dimensional example."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import NormalDist

import numpy as np

from netlens.signal_distractor import two_dimensions as sd
from netlens.statistics.intervals import Bootstrap, Interval


@dataclass(frozen=True)
class Number:
    """A number of the example.

    Attributes
    ----------
    value
        Degrees, or a number of samples.
    uncertainty
        One standard deviation, where there is one.
    interval
        Of what depends on the draws of the noise; None for the rest.
    """

    value: float
    uncertainty: float | None = None
    interval: Interval | None = None


def quantity(name: str, samples_count: int, noise_seed: int, t: float, draws_count: int) -> Number:
    """One number of the example; angles to the signal are unsigned and in degrees.

    Parameters
    ----------
    name
        ``pattern_angle``, ``weight_angle`` or ``distractor_angle``: of the fitted pattern, the fitted weight or the
        distractor; ``pattern_spread``: standard deviation of the fitted pattern's signed angle over repeated draws of
        the noise; ``samples``: number of samples.
    samples_count
        Number of samples in each draw.
    noise_seed
        Seed of the draw that weight and pattern are fitted on. The repeated draws take the seeds after it.
    t
        Angle of the distractor to the signal, radians.
    draws_count
        Number of repeated draws.

    Returns
    -------
    Number
        The uncertainty of ``pattern_angle`` is its ``pattern_spread``, and its interval is that of a normal
        distribution; the interval of ``pattern_spread`` is a bootstrap over draws. The fitted weight cancels any draw
        exactly, so it has neither.

    Raises
    ------
    SignalDistractorError
        There is no number of that name.
    UndefinedWeightError
        The weight is undefined at `t`.
    """
    sample = sd.make_sample(sd.draw_noise(samples_count, noise_seed), t)

    def pattern_spread() -> Number:
        seeds = range(noise_seed + 1, noise_seed + 1 + draws_count)
        draws = sd.pattern_angle_draws([t], samples_count, seeds)
        interval = Bootstrap(seed=noise_seed)(draws, partial(np.std, ddof=1))
        return Number(interval.value, None, interval)

    def pattern_angle() -> Number:
        angle = sd.angle_to_signal(sd.fitted_pattern(sample.x, sample.y, sd.fitted_weight(sample.x, sample.y)))
        spread = pattern_spread().value
        return Number(abs(angle), spread, unsigned_interval(angle, spread, samples_count))

    compute: dict[str, Callable[[], Number]] = {
        "pattern_angle": pattern_angle,
        "pattern_spread": pattern_spread,
        "weight_angle": lambda: Number(abs(sd.angle_to_signal(sd.fitted_weight(sample.x, sample.y)))),
        "distractor_angle": lambda: Number(abs(sd.angle_to_signal(sd.distractor_direction(t)))),
        "samples": lambda: Number(samples_count),
    }
    if name not in compute:
        raise sd.SignalDistractorError(f"quantity is {name!r}: it must be one of {', '.join(compute)}")
    return compute[name]()


def unsigned_interval(value: float, deviation: float, count: int, *, level: float = 0.95) -> Interval:
    """Return the interval of the size of a normally distributed value.

    Parameters
    ----------
    value
        With its sign.
    deviation
        Its standard deviation.
    count
        Size of the sample that the value comes from.
    level
        Level of the interval, in 0..1.
    """
    reach = NormalDist().inv_cdf((1 + level) / 2) * deviation
    low = max(0.0, abs(value) - reach)
    return Interval(abs(value), low, abs(value) + reach, level, count)
