"""Position-to-position attribution in shared, batched passes, and with one session call per position, in the same run.

The work: 14 x 14 to 14 x 14 positions, mixed4d -> mixed4e of InceptionV1 in full size, random weights. Loading the
network and building graphs is not timed; each way is run once beforehand. The floor is what the shared passes' own
multiplications take: as many backward passes as are needed so that no two reaches overlap, on the same machine.

    python benchmarks/spatial_attribution.py                 # a minute
    python benchmarks/spatial_attribution.py --rounds 10
"""

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from netlens.models.architectures.inception_v1 import inception_v1
from netlens.models.backend import tf1
from netlens.models.frozen.frozen_network import INPUT, FrozenNetwork, imported
from netlens.spatial_attribution.attribution import SpatialAttribution

SOURCE, TARGET = "mixed4d", "mixed4e"
WANTED, TOLERANCE = 5.0, 1e-5


class OneCallAPosition:
    """The obvious way: the gradient of one position's norm per session call."""

    def __init__(self, network: FrozenNetwork, activations: np.ndarray) -> None:
        self._activations = activations
        graph = tf1.Graph()
        with graph.as_default():
            self._start = tf1.placeholder(tf1.float32, (1, *activations.shape))
            layers = imported(network, {SOURCE: self._start, INPUT: tf1.placeholder(tf1.float32, (1, 224, 224, 3))})
            later = layers[TARGET]
            self._place = tf1.placeholder(tf1.int32, (2,))
            norm = tf1.norm(later[0, self._place[0], self._place[1]])
            self._map = tf1.reduce_sum(tf1.gradients(norm, self._start)[0][0] * self._start[0], axis=-1)
            self._size = [int(length) for length in later.shape[1:3]]
        self._session = tf1.Session(graph=graph)

    def __call__(self) -> np.ndarray:
        """Return the attribution of every target position, (14, 14, 14, 14)."""
        height, width = self._size
        feed = {self._start: self._activations[None]}
        rows = [
            [self._session.run(self._map, {**feed, self._place: (i, j)}) for j in range(width)] for i in range(height)
        ]
        return np.array(rows)


class SharedPassesOnly:
    """The floor: the backward multiplications of the shared passes, nothing copied to positions, nothing summed."""

    def __init__(self, network: FrozenNetwork, activations: np.ndarray, passes: int) -> None:
        graph = tf1.Graph()
        with graph.as_default():
            self._start = tf1.placeholder(tf1.float32, (None, *activations.shape))
            layers = imported(network, {SOURCE: self._start, INPUT: tf1.placeholder(tf1.float32, (1, 224, 224, 3))})
            (gradient,) = tf1.gradients(layers[TARGET], self._start)
            # Fetched as nothing, so that no result is copied.
            self._work = gradient.op
        self._feed = {self._start: np.repeat(activations[None], passes, axis=0)}
        self._session = tf1.Session(graph=graph)

    def __call__(self) -> None:
        """Run one backward pass through the network per shared pass."""
        self._session.run(self._work, self._feed)


def timed(work: Callable[[], Any], rounds: int) -> tuple[list[float], Any]:
    result = work()
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return seconds, result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=5, help="number of times that each way is timed")
    rounds = parser.parse_args().rounds
    network = inception_v1(seed=0)
    image = np.random.default_rng(0).standard_normal(network.input_shape, np.float32)
    with SpatialAttribution(network) as attribution:
        activations = attribution.activations(image[None], SOURCE)[0]
        calls: list[int] = []
        attribution.between(image, SOURCE, TARGET, progress=lambda _, count: calls.append(count))
        # Both ways start from the source's activations: what comes before them is the same work once.
        before, _ = timed(lambda: attribution.activations(image[None], SOURCE), rounds)
        ours, shared = timed(lambda: attribution.between(image, SOURCE, TARGET), rounds)
    floor, _ = timed(SharedPassesOnly(network, activations, calls[0]), rounds)
    theirs, alone = timed(OneCallAPosition(network, activations), max(2, rounds // 2))
    difference = float(np.abs(shared - alone).max() / np.abs(alone).max())

    def told(seconds: list[float]) -> str:
        return f"{1e3 * min(seconds):8.1f} ms  (median {1e3 * float(np.median(seconds)):.1f})"

    print(f"{SOURCE} -> {TARGET}, {alone.shape[0]} x {alone.shape[1]} positions, {calls[0]} shared passes")
    print(f"shared passes, from the image   {told(ours)}, of which the image's own forward pass {told(before)}")
    print(f"one session call per position   {told(theirs)}, from the activations")
    print(f"backward passes alone           {told(floor)}")
    faster = min(theirs) / min(ours)
    print(f"faster by {faster:.1f} (wanted: {WANTED:g}); {min(ours) / min(floor):.2f} times the backward passes alone")
    print(f"largest difference {difference:.1e} of the largest attribution (wanted: {TOLERANCE:g})")
    return 0 if difference <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
