"""How fast this machine is: the time of one small computation that is always the same."""

import time
from dataclasses import dataclass
from typing import Final

#: Products of matrices and steps of Python's own, so many that each half takes about 0.1 s on a core of 2020.
_SIZE: Final = 512
_PRODUCTS: Final = 8
_STEPS: Final = 1_500_000
_REPEATS: Final = 3


@dataclass(frozen=True)
class Calibration:
    """Times of the fixed computation, in seconds.

    Attributes
    ----------
    processor_s
        Time that a processor worked on it. It is nearly the same on a busy machine.
    elapsed_s
        Time from its start to its end.
    """

    processor_s: float
    elapsed_s: float

    @property
    def slowdown(self) -> float:
        """How many times as long everything takes because the machine is busy with other things."""
        return max(1.0, self.elapsed_s / self.processor_s)


def calibrate() -> Calibration:
    """Time a fixed computation on one core of this machine: the one of three times that took least processor time.

    Half of it are products of matrices, half is a loop in Python, as in the jobs of a study.
    """
    return min((_timed() for _ in range(_REPEATS)), key=lambda found: found.processor_s)


def _timed() -> Calibration:
    import numpy as np
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    matrix = np.linspace(-1, 1, _SIZE * _SIZE).reshape(_SIZE, _SIZE) / _SIZE
    with threadpool_limits(limits=1):
        started, worked = time.perf_counter(), time.thread_time()
        product = matrix
        for _ in range(_PRODUCTS):
            product = matrix @ product
        total = float(product[0, 0])
        for step in range(_STEPS):
            total += step & 3
        return Calibration(time.thread_time() - worked, time.perf_counter() - started)
