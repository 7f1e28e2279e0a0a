"""Similarity of all layer pairs of two networks: each layer whitened once, and everything anew for each pair.

The work: 12 x 12 layers of the sizes of an InceptionV1 and of another network, up to 1,008 channels, at 20,000 images.
The activations are made up (rectified, with directions that all layers share), so that all covariances are well
conditioned; making them is not timed. Ours goes from activations to the matrix: sums of products in float64, one
eigendecomposition a layer, one sum of singular values a pair. A study stores the sums, and what it computes anew starts
from those, so the time from there is told as well. The floor is one multiplication of all activations of the one
network with all of the other in float64, which the sums between the networks cannot do without, so from activations
nothing can be faster than the obvious way by more than that. The obvious way is benchmarks/_pairwise_similarity.py.

    python benchmarks/similarity.py                  # everything: some minutes, nearly all of them the obvious way's
    python benchmarks/similarity.py --images 5000
    python benchmarks/similarity.py --pairs 24       # the obvious way for every sixth pair only, its time scaled up
"""

import argparse
import sys
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from _pairwise_similarity import pairwise_similarity

from netlens.model_comparison.measures import Whitened, prepared, similarity_matrix
from netlens.model_comparison.second_moments import SecondMoments, second_moments
from netlens.model_comparison.whitening import Whitening

FIRST = (64, 64, 192, 256, 480, 512, 512, 512, 528, 832, 832, 1008)
SECOND = (64, 64, 192, 256, 320, 576, 576, 576, 608, 608, 1000, 1000)
SHARED = 300
WANTED, TOLERANCE = 10.0, 1e-8

Result = TypeVar("Result")


def activations(sizes: tuple[int, ...], shared: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Make up rectified activations, float32: directions that are shared by all layers, and others."""
    generator = np.random.default_rng(seed)
    layers = {}
    for place, size in enumerate(sizes):
        mixing = generator.standard_normal((shared.shape[1], size), np.float32) / np.float32(shared.shape[1] ** 0.5)
        own = generator.standard_normal((len(shared), size), np.float32)
        layers[f"layer{place}"] = np.maximum(shared @ mixing + own + np.float32(0.3), 0)
    return layers


def sums_of_layers(network: dict[str, np.ndarray]) -> SecondMoments:
    """Sum the products of each layer with itself, which is all that whitening needs."""
    sides = ({name: values} for name, values in network.items())
    each = {next(iter(side)): second_moments(side, side) for side in sides}
    sums = tuple(own.first_sums[0] for own in each.values())
    products = {(name, name): own.products[name, name] for name, own in each.items()}
    return SecondMoments(next(iter(each.values())).count, tuple(each), tuple(each), sums, sums, products, True)


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def ours(
    first: dict[str, np.ndarray], second: dict[str, np.ndarray]
) -> tuple[dict[str, float], list[dict[str, Whitening]], np.ndarray]:
    """Give the seconds of each step, the whitened layers, and the matrix."""
    measure = Whitened()
    seconds = {}
    seconds["sums between the networks"], cross = timed(lambda: second_moments(first, second))
    seconds["sums of each layer"], own = timed(lambda: [sums_of_layers(first), sums_of_layers(second)])
    seconds["whitening"], ready = timed(lambda: [prepared(measure, sums) for sums in own])
    seconds["singular values"], matrix = timed(lambda: similarity_matrix(measure, cross, *ready))
    return seconds, ready, matrix


def floor(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> float:
    """Give the seconds of one multiplication of everything with everything; the conversion to float64 is not timed."""
    a, b = (np.concatenate(list(side.values()), axis=1).astype(np.float64) for side in (first, second))
    return timed(lambda: a.T @ b)[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--images", type=int, default=20_000, help="images that activations are taken at")
    parser.add_argument("--pairs", type=int, default=0, help="how many pairs the obvious way does; default: all")
    arguments = parser.parse_args()
    shared = np.random.default_rng(0).standard_normal((arguments.images, SHARED), np.float32)
    first, second = activations(FIRST, shared, 1), activations(SECOND, shared, 2)

    # Once in small, so that nobody pays for the first call of anything.
    small = {"layer0": first["layer0"][:500]}
    ours(small, small)
    pairwise_similarity(small["layer0"], small["layer0"])

    seconds, ready, matrix = ours(first, second)
    ours_s = sum(seconds.values())
    stored_s = seconds["whitening"] + seconds["singular values"]
    condition = max(layer.eigenvalues[0] / layer.eigenvalues[-1] for side in ready for layer in side.values())
    floor_s = floor(first, second)
    print(f"{len(FIRST)} x {len(SECOND)} layers, {sum(FIRST)} and {sum(SECOND)} channels, {arguments.images} images")
    print(f"largest condition number of a covariance {condition:.0f}")
    print(f"ours, from activations        {ours_s:8.2f} s")
    for step, step_s in seconds.items():
        print(f"  {step:<27} {step_s:8.2f} s")
    print(f"ours, from stored sums        {stored_s:8.2f} s")
    print(f"one multiplication alone      {floor_s:8.2f} s", flush=True)

    places = list(np.ndindex(matrix.shape))
    asked = places[:: max(1, len(places) // arguments.pairs) if arguments.pairs else 1]
    theirs_s, difference = 0.0, 0.0
    for place in asked:
        a, b = first[f"layer{place[0]}"], second[f"layer{place[1]}"]
        pair_s, value = timed(lambda a=a, b=b: pairwise_similarity(a, b))
        theirs_s += pair_s
        difference = max(difference, abs(value - matrix[place]))
    # A part of the pairs is scaled up by the multiplications of their covariances.
    work = {place: float(FIRST[place[0]] + SECOND[place[1]]) ** 2 for place in places}
    theirs_s *= sum(work.values()) / sum(work[place] for place in asked)

    print(f"everything pair by pair       {theirs_s:8.2f} s  ({len(asked)} of {len(places)} pairs done)")
    print(f"faster by {theirs_s / ours_s:.1f} from activations, by {theirs_s / stored_s:.1f} from stored sums", end="")
    print(f" (wanted: {WANTED:g}); the multiplication alone would be faster by {theirs_s / floor_s:.1f}")
    print(f"largest difference {difference:.1e} (wanted: {TOLERANCE:g})")
    return 0 if difference <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
