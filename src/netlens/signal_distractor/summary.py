"""The numbers that the paper states about the two-dimensional example."""

from collections.abc import Callable

from netlens.signal_distractor import two_dimensions as sd

#: A value, and one standard deviation of it where there is one.
Number = tuple[float, float | None]


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
    value
        The number.
    uncertainty
        For ``pattern_angle`` its ``pattern_spread``, otherwise None.

    Raises
    ------
    SignalDistractorError
        There is no number of that name.
    UndefinedWeightError
        The weight is undefined at `t`.
    """
    sample = sd.make_sample(sd.draw_noise(samples_count, noise_seed), t)

    def pattern_spread() -> float:
        draws = sd.pattern_angle_draws([t], samples_count, range(noise_seed + 1, noise_seed + 1 + draws_count))
        return float(draws.std(ddof=1))

    def pattern_angle() -> float:
        return abs(sd.angle_to_signal(sd.fitted_pattern(sample.x, sample.y, sd.fitted_weight(sample.x, sample.y))))

    compute: dict[str, Callable[[], Number]] = {
        "pattern_angle": lambda: (pattern_angle(), pattern_spread()),
        "pattern_spread": lambda: (pattern_spread(), None),
        "weight_angle": lambda: (abs(sd.angle_to_signal(sd.fitted_weight(sample.x, sample.y))), None),
        "distractor_angle": lambda: (abs(sd.angle_to_signal(sd.distractor_direction(t))), None),
        "samples": lambda: (samples_count, None),
    }
    if name not in compute:
        raise sd.SignalDistractorError(f"quantity is {name!r}: it must be one of {', '.join(compute)}")
    return compute[name]()
