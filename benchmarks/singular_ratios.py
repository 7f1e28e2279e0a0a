"""Singular ratios of all of VGG-16, with netlens and by whole decompositions with numpy, in the same run.

The work: ratio s1/s2 of the 16 layers' 1x1 views of W and of P = A * W, of the 15 items between them, and of the full
views of A up to 25088 x 4096. The kernels have VGG-16's shapes and random weights, which makes the two largest values
nearly equal: the hard case for an iteration. Each way runs in a process of its own, which reports its peak memory;
making the kernels is not timed.

    python benchmarks/singular_ratios.py            # everything: some minutes, nearly all of them numpy's
    python benchmarks/singular_ratios.py --quick    # without the two widest layers: seconds
    python benchmarks/singular_ratios.py --layers fc2,predictions
    python benchmarks/singular_ratios.py --values-only   # numpy without singular vectors where values are enough
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from netlens.pattern_attribution.spectra.decomposition import singular_ratio
from netlens.pattern_attribution.spectra.leading import top_singular_values
from netlens.pattern_attribution.spectra.matrices import full_view, layer_matrix, tap_view
from netlens.pattern_attribution.spectra.modulus import leading_ratios

SHAPES = {
    "block1_conv1": (3, 3, 3, 64),
    "block1_conv2": (3, 3, 64, 64),
    "block2_conv1": (3, 3, 64, 128),
    "block2_conv2": (3, 3, 128, 128),
    "block3_conv1": (3, 3, 128, 256),
    "block3_conv2": (3, 3, 256, 256),
    "block3_conv3": (3, 3, 256, 256),
    "block4_conv1": (3, 3, 256, 512),
    "block4_conv2": (3, 3, 512, 512),
    "block4_conv3": (3, 3, 512, 512),
    "block5_conv1": (3, 3, 512, 512),
    "block5_conv2": (3, 3, 512, 512),
    "block5_conv3": (3, 3, 512, 512),
    "fc1": (25088, 4096),
    "fc2": (4096, 4096),
    "predictions": (4096, 1000),
}
FLATTEN = {"fc1": (7, 7, 512)}
WIDEST = ("fc1", "fc2")
LARGEST_MB = 25088 * 4096 * 8 / 1e6


class Clock:
    """Adds up the time of what is measured, and no more."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.cpu_seconds = 0.0

    def __call__(self, work: Callable[[], Any]) -> Any:
        """Do the work, and add up how long it took."""
        start, cpu_start = time.perf_counter(), time.process_time()
        result = work()
        self.seconds += time.perf_counter() - start
        self.cpu_seconds += time.process_time() - cpu_start
        return result


def kernel(name: str, kind: str) -> np.ndarray:
    """Draw W or A of a layer, float32, the same in every process."""
    shape = SHAPES[name]
    generator = np.random.default_rng([list(SHAPES).index(name), kind == "A"])
    values = generator.standard_normal(shape, dtype=np.float32)
    values *= np.float32(np.sqrt(2 / np.prod(shape[:-1])))
    return values


def tap(name: str, kind: str) -> np.ndarray:
    weight = kernel(name, "W")
    if kind == "W":
        return tap_view(weight, FLATTEN.get(name))
    # Only the taps of the two kernels are held at once.
    weight = tap_view(weight, FLATTEN.get(name)).copy()
    return layer_matrix("pattern_attribution", weight, tap_view(kernel(name, "A"), FLATTEN.get(name)))


def by_netlens(names: list[str], clock: Clock) -> dict[str, float]:
    ratios: dict[str, float] = {}
    for kind in ("W", "P"):
        making = Clock()

        def matrices(kind: str = kind, making: Clock = making) -> Iterator[np.ndarray]:
            for name in names:
                yield making(lambda name=name: tap(name, kind))

        found = clock(lambda matrices=matrices: leading_ratios(matrices()))
        clock.seconds -= making.seconds
        clock.cpu_seconds -= making.cpu_seconds
        ratios |= {f"{kind} {name}": ratio for name, ratio in zip(names, found.layers, strict=True)}
        ratios |= {f"{kind} {a}-{b}": r for a, b, r in zip(names, names[1:], found.items, strict=False)}
    for name in names:
        full = full_view(kernel(name, "A"))
        ratios[f"A {name} full"] = singular_ratio(clock(lambda full=full: top_singular_values(full)))
    return ratios


def by_numpy(names: list[str], clock: Clock, *, values_only: bool) -> dict[str, float]:
    ratios: dict[str, float] = {}

    def ratio_of(matrix: np.ndarray) -> float:
        double = matrix.astype(np.float64)
        s = np.linalg.svd(double, compute_uv=False) if values_only else np.linalg.svd(double, full_matrices=False)[1]
        return float(s[0] / s[1])

    for kind in ("W", "P"):
        before: tuple[str, Any] = ("", None)
        for name in names:
            matrix = tap(name, kind)
            after = clock(lambda matrix=matrix: np.linalg.svd(matrix, full_matrices=False))
            ratios[f"{kind} {name}"] = float(after.S[0] / after.S[1])
            if before[0]:
                item = clock(lambda a=before[1], b=after: (np.sqrt(a.S)[:, None] * (a.Vh @ b.U)) * np.sqrt(b.S))
                ratios[f"{kind} {before[0]}-{name}"] = clock(lambda item=item: ratio_of(item))
            before = name, after
    for name in names:
        full = full_view(kernel(name, "A"))
        ratios[f"A {name} full"] = clock(lambda full=full: ratio_of(full))
    return ratios


def child(way: str, names: list[str]) -> None:
    clock = Clock()
    ratios = (
        by_netlens(names, clock) if way == "netlens" else by_numpy(names, clock, values_only=way.endswith("values"))
    )
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    times = {"seconds": clock.seconds, "cpu_seconds": clock.cpu_seconds}
    print(json.dumps({**times, "peak_mb": peak_mb, "ratios": ratios}))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--layers", default=",".join(SHAPES), help="only these, separated by commas, as a chain")
    parser.add_argument("--quick", action="store_true", help=f"without {' and '.join(WIDEST)}")
    parser.add_argument("--values-only", action="store_true", help="numpy without vectors where values are enough")
    parser.add_argument("--way", choices=["netlens", "numpy", "numpy-values"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    names = [name for name in arguments.layers.split(",") if not (arguments.quick and name in WIDEST)]
    if unknown := [name for name in names if name not in SHAPES]:
        parser.error(f"no layer {', '.join(unknown)}; VGG-16 has {', '.join(SHAPES)}")
    # Without the widest layers, predictions no longer fits behind the last convolution.
    if any(tap_shape(a)[1] != tap_shape(b)[0] for a, b in pairwise(names)):
        names = [name for name in names if name != "predictions"] if arguments.quick else names
    if any(tap_shape(a)[1] != tap_shape(b)[0] for a, b in pairwise(names)):
        parser.error("these layers do not follow each other")
    if arguments.way:
        child(arguments.way, names)
        return 0

    results = {}
    for way in ("netlens", "numpy-values" if arguments.values_only else "numpy"):
        command = [sys.executable, __file__, "--way", way, "--layers", ",".join(names)]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        result = results[way] = json.loads(output)
        print(
            f"{way:14} {result['seconds']:8.2f} s   CPU {result['cpu_seconds']:8.2f} s   "
            f"peak memory {result['peak_mb']:6.0f} MB",
            flush=True,
        )
    ours, theirs = results.values()
    worst = max(ours["ratios"], key=lambda what: abs(ours["ratios"][what] / theirs["ratios"][what] - 1))
    difference = abs(ours["ratios"][worst] / theirs["ratios"][worst] - 1)
    speed = theirs["seconds"] / ours["seconds"]
    cpu = theirs["cpu_seconds"] / ours["cpu_seconds"]
    print(f"{len(ours['ratios'])} ratios; faster by {speed:.1f} (wanted: 8), by {cpu:.1f} in CPU time")
    print(f"worst relative difference {difference:.1e} in {worst} (wanted: 1e-6)")
    print(f"peak memory / largest matrix in float64: {ours['peak_mb'] / LARGEST_MB:.2f} (wanted: 2)")
    return 0 if difference <= 1e-6 else 1


def tap_shape(name: str) -> tuple[int, int]:
    return (FLATTEN[name][-1] if name in FLATTEN else SHAPES[name][-2], SHAPES[name][-1])


if __name__ == "__main__":
    sys.exit(main())
