"""How fast this machine is: the time of one small computation that is always the same."""

import time
from typing import Final

#: Products of matrices and steps of Python's own, so many that each half takes about 0.1 s on a core of 2020.
_SIZE: Final = 512
_PRODUCTS: Final = 8
_STEPS: Final = 1_500_000
_REPEATS: Final = 3


def calibrate() -> float:
    """Seconds that a fixed computation takes on one core of this machine, the fastest of three times.

    Half of it are products of matrices, half is a loop in Python, as in the jobs of a study.
    """
    return min(_timed() for _ in range(_REPEATS))


def _timed() -> float:
    import numpy as np
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    matrix = np.linspace(-1, 1, _SIZE * _SIZE).reshape(_SIZE, _SIZE) / _SIZE
    with threadpool_limits(limits=1):
        started = time.perf_counter()
        product = matrix
        for _ in range(_PRODUCTS):
            product = matrix @ product
        total = float(product[0, 0])
        for step in range(_STEPS):
            total += step & 3
        return time.perf_counter() - started
