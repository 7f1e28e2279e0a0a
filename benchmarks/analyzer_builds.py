"""How long iNNvestigate's analyzers take to build, by method and network, before they explain a single image.

A method is built once for each network that is checked, and once more for each step of a cascade of random weights.
Every build has a graph of its own, as in the checks; processor seconds, of the fastest of several.

    python benchmarks/analyzer_builds.py                                     # both networks: two minutes
    python benchmarks/analyzer_builds.py --networks small_vgg --rounds 3
"""

import argparse
import time

import numpy as np

from netlens.explanation_checks.backward import RefusedError, explainer
from netlens.explanation_checks.choices import METHODS
from netlens.models.architectures.squeezenet import squeezenet
from netlens.models.architectures.vgg import small_vgg
from netlens.models.backend import keras

# isort: split
import innvestigate

SIZE_PX = {"small_vgg": 64, "squeezenet": 224}


def network_of(name: str) -> keras.Model:
    """Build a network with random weights, without softmax."""
    shape = (SIZE_PX[name], SIZE_PX[name], 3)
    if name == "squeezenet":
        return squeezenet(shape, 1000)
    return innvestigate.model_wo_softmax(small_vgg(input_shape=shape, classes=16, seed=0))


def seconds(model: object, method: str, patterns: dict[str, np.ndarray], image: np.ndarray) -> tuple[float, float]:
    """Return processor seconds to build a method, and to explain a first image with it."""
    start = time.process_time()
    with explainer(model, method, patterns) as found:
        built = time.process_time()
        found.maps(image, [0])
        return built - start, time.process_time() - built


def main() -> None:
    """Print a line for each method and network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", default="small_vgg,squeezenet", help="names, separated by commas")
    parser.add_argument("--methods", default=",".join(METHODS), help="names, separated by commas")
    parser.add_argument("--rounds", type=int, default=1, help="builds of each, of which the fastest counts")
    arguments = parser.parse_args()
    for network in arguments.networks.split(","):
        size = SIZE_PX[network]
        model = network_of(network)
        patterns = {layer.name: layer.get_weights()[0] for layer in model.layers if layer.weights}
        image = np.random.default_rng(0).standard_normal((1, size, size, 3)).astype(np.float32)
        gradient = None
        for method in arguments.methods.split(","):
            try:
                rounds = [seconds(model, method, patterns, image) for _ in range(arguments.rounds)]
            except RefusedError as error:
                print(f"{network:<12} {method:<20} refused: {error}")
                continue
            built, first = min(rounds)
            gradient = gradient or built
            print(
                f"{network:<12} {method:<20} build {built:6.2f} s, first image {first:6.2f} s, "
                f"{built / gradient:5.1f} times the gradient's",
                flush=True,
            )


if __name__ == "__main__":
    main()
