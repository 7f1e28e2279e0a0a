"""Compares the colors of a 480 x 25 grid of signed weights, computed at once and value by value, in one run.

python benchmarks/signed_colors.py
"""

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np

from netlens.plots.signed_colors import signed_colors

GREY = (247, 247, 247)
POSITIVE = ((244, 165, 130), (202, 0, 32))
NEGATIVE = ((146, 197, 222), (5, 113, 176))


def color_of(value: float, limit: float) -> list[float]:
    """Return one value's color by the definition: gray at 0, the half color at 0.5, the end color at 1, clipped."""
    half, end = POSITIVE if value >= 0 else NEGATIVE
    t = min(abs(value) / limit, 1.0)
    low, high, part = (GREY, half, 2 * t) if t <= 0.5 else (half, end, 2 * t - 1)
    return [((1 - part) * a + part * b) / 255 for a, b in zip(low, high, strict=True)]


def one_by_one(values: np.ndarray) -> np.ndarray:
    limit = float(np.abs(values).max())
    colors = np.empty((*values.shape, 3))
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            colors[row, column] = color_of(float(values[row, column]), limit)
    return colors


def best_of(repeats: int, work: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    return min(times), result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rows", type=int, default=480)
    parser.add_argument("--columns", type=int, default=25)
    arguments = parser.parse_args()
    values = np.random.default_rng(0).standard_normal((arguments.rows, arguments.columns)).astype(np.float32)
    ours_s, ours = best_of(20, lambda: signed_colors(values))
    loop_s, loop = best_of(3, lambda: one_by_one(values))
    difference = float(np.abs(ours - loop).max())
    print(f"{arguments.rows} x {arguments.columns} values, best of 20 and of 3")
    print(f"all at once     {1e3 * ours_s:8.3f} ms")
    print(f"value by value  {1e3 * loop_s:8.3f} ms")
    print(f"faster by {loop_s / ours_s:.0f}; largest difference {difference:.1e} (wanted: 1e-12)")
    return 0 if difference <= 1e-12 else 1


if __name__ == "__main__":
    sys.exit(main())
