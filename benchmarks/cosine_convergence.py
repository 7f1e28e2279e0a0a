"""Cosine similarity convergence of the gradient on VGG-16's size, beside five backward passes, in the same run.

The work: one image, five draws that enter at the logits, cosines at all layers with kernels and at the image. The
measure is five backward passes, one for each draw, that keep the relevance of the image only. Building the backward
graph is not timed; each way is run once beforehand.

    python benchmarks/cosine_convergence.py                 # half a minute, 4 GB
    python benchmarks/cosine_convergence.py --rounds 10
"""

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np

from netlens.explanation_checks.backward import explainer
from netlens.explanation_checks.network_checks import convergence_of
from netlens.models.backend import keras

WANTED, DRAWS = 1.5, 5


def network() -> keras.Model:
    """Return a network of VGG-16's layers with random weights."""
    layers = keras.layers
    image = values = keras.Input((224, 224, 3))
    for block, (count, channels) in enumerate(((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)), start=1):
        for number in range(1, count + 1):
            name = f"block{block}_conv{number}"
            values = layers.Conv2D(channels, 3, padding="same", activation="relu", name=name)(values)
        values = layers.MaxPooling2D(name=f"block{block}_pool")(values)
    values = layers.Flatten(name="flatten")(values)
    for name in ("fc1", "fc2"):
        values = layers.Dense(4096, activation="relu", name=name)(values)
    return keras.Model(image, layers.Dense(1000, name="predictions")(values))


def fastest(work: Callable[[], object], rounds: int) -> float:
    """Return the seconds of the fastest of several runs, after one that is not timed."""
    work()
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def main() -> int:
    """Measure both, print the ratio, and return 1 if it is larger than wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each, of which the fastest counts")
    rounds = parser.parse_args().rounds
    rng = np.random.default_rng(0)
    images = rng.normal(size=(1, 224, 224, 3)).astype(np.float32)
    relevance = rng.normal(size=(1, 1000)).astype(np.float32)
    with explainer(network(), "gradient") as found:
        backward = found.backward
        layers = ["input", *(name for name in backward.layers if "pool" not in name and name != "flatten")]
        passes = fastest(lambda: [backward.enter(images, layers[-1], relevance) for _ in range(DRAWS)], rounds)
        convergence = fastest(
            lambda: convergence_of(found, images, layers, [len(layers) - 1], count=DRAWS, seed=0), rounds
        )
    ratio = convergence / passes
    print(f"five passes {passes:.2f} s, convergence {convergence:.2f} s: {ratio:.2f} times (wanted: {WANTED})")
    return int(ratio > WANTED)


if __name__ == "__main__":
    sys.exit(main())
