"""Peak memory of the checks of explanations, for few and for many images: it must not grow with their number.

Convergence, cascades and pixel flipping of one method on small_vgg, each number of images in a process of its own. The
images themselves and the curves that are kept are 48 kB an image; what is measured beyond that is the checks' own.

    python benchmarks/checks_memory.py                   # a minute or two
    python benchmarks/checks_memory.py --images 16,512
"""

import argparse
import resource
import subprocess
import sys

import numpy as np

# What may come on top: noise of the allocator, which keeps what it once had.
LIMIT_MB = 40.0
SIZE_PX = 64


def measure(count: int) -> None:
    """Run the checks on `count` images and print the peak memory in megabytes, before them and after."""
    from netlens.models.architectures.vgg import small_vgg

    # isort: split
    import innvestigate

    from netlens.explanation_checks.network_checks import Amounts, Explained, Subject, check_network
    from netlens.models.keras.kernel_layers import kernel_layers
    from netlens.models.keras.layer_graph import layer_graph
    from netlens.models.network import Network
    from netlens.models.preprocessing import preprocessing_from

    shape = (SIZE_PX, SIZE_PX, 3)
    model = innvestigate.model_wo_softmax(small_vgg(input_shape=shape, classes=16, seed=0))
    names = tuple(f"class {index}" for index in range(16))
    network = Network("small_vgg", model, preprocessing_from("tf"), names, shape, "")
    layers = kernel_layers(model)
    kernels = {layer.name: model.get_layer(layer.name).get_weights()[0] for layer in layers}
    images = np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)
    explained = Explained(images, np.full(count, -1), images[0], (0, 1))
    subject = Subject(network, layer_graph(model), layers, kernels, {})
    amounts = Amounts(
        ("gradient",),
        entries_count=1,
        shares_count=4,
        random_orders_count=1,
        cascade_steps_count=2,
        smoothing=None,
        chains_count=1,
    )
    check_network(subject, explained, amounts)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> int:
    """Print the peak of each number of images, and return 1 if it grows by more than the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", default="16,96", help="numbers of images, separated by commas")
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure)
        return 0
    peaks = []
    for count in map(int, arguments.images.split(",")):
        command = [sys.executable, __file__, "--measure", str(count)]
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        peaks.append(float(found[-1]))
        print(f"{count:5d} images: {peaks[-1]:7.1f} MB at most", flush=True)
    grown = max(peaks) - peaks[0]
    print(f"grown by {grown:.1f} MB (limit {LIMIT_MB:.0f})")
    return int(grown > LIMIT_MB)


if __name__ == "__main__":
    sys.exit(main())
