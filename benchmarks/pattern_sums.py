"""Pattern sums beside a plain forward pass, the obvious TensorFlow version and the patch matrix, in the same run.

Times are wall-clock seconds per image in the steady state, over whole blocks of batches including the work at their
end; building graphs and copying weights is reported separately. Where other processes use the machine, the ratio of
processor times ("x processor") says more. Each measurement runs in its own process, which reports its peak memory. The
figure of merit is "relu": at most 5 times the forward pass; peak memory flat in the number of images.

    python benchmarks/pattern_sums.py                           # both networks: some minutes
    python benchmarks/pattern_sums.py --networks small_vgg      # under a minute
    python benchmarks/pattern_sums.py --memory-images 64,1024   # for VGG-16 too: about ten minutes more
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

SIZE_PX = {"small_vgg": 64, "vgg16": 224}
CLASSES = {"small_vgg": 16, "vgg16": 1000}
BLOCK_IMAGES = 64
LIMIT = 5.0


class RandomImages:
    """Any number of images, few of them different, so that reading them takes neither time nor memory."""

    def __init__(self, network: str, count: int) -> None:
        shape = (128 if network == "small_vgg" else 32, SIZE_PX[network], SIZE_PX[network], 3)
        self._different = np.random.default_rng(0).standard_normal(shape, np.float32)
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: slice) -> np.ndarray:
        return self._different[np.arange(index.start, min(index.stop, self._count)) % len(self._different)]


def build(network: str) -> Any:
    """Build the network with random weights and biases."""
    from netlens.models.architectures.registry import build as build_architecture

    model = build_architecture(network, input_shape=(SIZE_PX[network],) * 2 + (3,), classes=CLASSES[network], seed=0)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel, rng.normal(0, 0.1, bias.shape)])
    return model


def clocks() -> tuple[float, float]:
    """Read the wall clock and the processor time of all threads."""
    return time.perf_counter(), time.process_time()


def an_image(started: tuple[float, float], ended: tuple[float, float], images: int) -> dict[str, Any]:
    wall, processor = ((end - start) / images for start, end in zip(started, ended, strict=True))
    return {"seconds_an_image": wall, "processor_seconds_an_image": processor}


def time_batches(run: Callable[[np.ndarray], Any], network: str, batch_size: int, batches: int) -> dict[str, Any]:
    """Time `run` on batches that are made beforehand, after two warm-up batches."""
    images = RandomImages(network, batch_size * (batches + 2))
    made = [images[slice(start, start + batch_size)] for start in range(0, len(images), batch_size)]
    for batch in made[:2]:
        run(batch)
    started = clocks()
    for batch in made[2:]:
        run(batch)
    return an_image(started, clocks(), batches * batch_size)


def time_forward(network: str, batch_size: int, batches: int) -> dict[str, Any]:
    from netlens.pattern_attribution.patterns.network_graph import network_graph

    with network_graph(build(network)) as graph:
        return time_batches(
            lambda batch: graph.session.run(graph.outputs, {graph.images: batch}), network, batch_size, batches
        )


def time_sums(network: str, batch_size: int, batches: int, estimators: str) -> dict[str, Any]:
    """Time netlens' sums over whole blocks, by when it reads: a batch is read just before the one before it is run."""
    from netlens.pattern_attribution.patterns.accumulation import pattern_sums

    read: list[tuple[float, float]] = []

    def preprocess(images: np.ndarray) -> np.ndarray:
        read.append(clocks())
        return images

    a_block = BLOCK_IMAGES // batch_size
    blocks = -(-batches // a_block)
    model = build(network)
    started = time.perf_counter()
    pattern_sums(
        model,
        RandomImages(network, ((blocks + 1) * a_block + 2) * batch_size),
        estimators=estimators.split(","),
        preprocess=preprocess,
        batch_size=batch_size,
        block_images=BLOCK_IMAGES,
        progress=False,
    )
    whole = time.perf_counter() - started
    # The first block warms up.
    result = an_image(read[1 + a_block], read[1 + (blocks + 1) * a_block], blocks * a_block * batch_size)
    return {**result, "seconds_apart": whole - result["seconds_an_image"] * len(read) * batch_size}


def time_obvious(network: str, batch_size: int, batches: int) -> dict[str, Any]:
    """Time the version one writes first: one gradient per sum, added up in float32, also for the Dense layers."""
    from netlens.models.backend import tf
    from netlens.pattern_attribution.patterns.network_graph import network_graph

    with network_graph(build(network)) as graph:
        with graph.graph.as_default():
            updates, variables = [], []
            for layer in graph.tensors:
                y = layer.z - layer.bias
                mask = tf.cast(layer.z > 0, tf.float32)
                positions = list(range(y.shape.rank - 1))
                sums = [tf.reduce_sum(mask, positions), tf.reduce_sum(y, positions)]
                sums += [tf.gradients(layer.z, layer.kernel, cotangent)[0] for cotangent in (mask, y * mask)]
                for value in sums:
                    total = tf.Variable(lambda value=value: tf.zeros(value.shape), trainable=False)
                    updates.append(total.assign_add(value, read_value=False))
                    variables.append(total)
        graph.session.run([variable.initializer for variable in variables])
        return time_batches(
            lambda batch: graph.session.run(updates, {graph.images: batch}), network, batch_size, batches
        )


def time_patch_matrix(network: str, batch_size: int, batches: int) -> dict[str, Any]:
    """Time the patch matrix in float64 on two images, and compare its patterns with those of netlens."""
    import _patch_matrix as obvious

    from netlens.pattern_attribution.patterns.accumulation import pattern_sums
    from netlens.pattern_attribution.patterns.estimators import estimate
    from netlens.pattern_attribution.patterns.network_graph import network_graph

    del batches
    model, images = build(network), RandomImages(network, 2)[slice(0, 2)]
    with network_graph(model) as graph:
        fetched = graph.session.run([(layer.x, layer.z) for layer in graph.tensors], {graph.images: images})
        kernels = {layer.layer.name: model.get_layer(layer.layer.name).get_weights()[0] for layer in graph.tensors}
        layers = {
            layer.layer.name: obvious.Layer(
                x, kernels[layer.layer.name], z > 0, layer.layer.strides or (1, 1), layer.layer.padding or "valid"
            )
            for layer, (x, z) in zip(graph.tensors, fetched, strict=True)
        }
    started = time.perf_counter()
    expected = {name: obvious.pattern(layer, "relu") for name, layer in layers.items()}
    seconds = (time.perf_counter() - started) / len(images)
    found = estimate(pattern_sums(model, images, batch_size=batch_size, progress=False), kernels, "relu")
    difference = {}
    for name, pattern in expected.items():
        flat, other = (values.reshape(-1, values.shape[-1]) for values in (pattern, found[name]))
        scale = np.abs(flat).max(axis=0)
        difference[name] = float(np.max(np.abs(flat - other).max(axis=0) / np.where(scale > 0, scale, 1)))
    convolutions = [value for name, value in difference.items() if layers[name].kernel.ndim == 4]
    return {"seconds_an_image": seconds, "difference": max(convolutions)}


def measure_memory(network: str, batch_size: int, images: int, estimators: str) -> dict[str, Any]:
    from netlens.pattern_attribution.patterns.accumulation import pattern_sums

    model = build(network)
    started = time.perf_counter()
    pattern_sums(
        model,
        RandomImages(network, images),
        estimators=estimators.split(","),
        batch_size=batch_size,
        block_images=BLOCK_IMAGES,
        progress=False,
    )
    return {"seconds": time.perf_counter() - started}


MEASUREMENTS: dict[str, Callable[..., dict[str, Any]]] = {
    "forward": time_forward,
    "sums": time_sums,
    "obvious": time_obvious,
    "patch_matrix": time_patch_matrix,
    "memory": measure_memory,
}


def apart(measurement: str, *arguments: Any) -> dict[str, Any]:
    """Run a measurement in a process of its own."""
    command = [sys.executable, __file__, "--measure", json.dumps([measurement, *arguments])]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return dict(json.loads(output.splitlines()[-1]))


def best(results: list[dict[str, Any]]) -> dict[str, Any]:
    return min(results, key=lambda result: result["seconds_an_image"])


def report(network: str, options: argparse.Namespace) -> bool:
    batch, batches = options.batch_size, options.batches or {"small_vgg": 64, "vgg16": 8}[network]
    ways: dict[str, tuple[Any, ...]] = {
        "forward pass": ("forward", network, batch, batches),
        "relu": ("sums", network, batch, batches, "relu"),
        "relu, obvious TensorFlow": ("obvious", network, batch, batches),
        "linear": ("sums", network, batch, batches, "linear"),
        "all estimators": ("sums", network, batch, batches, "linear,relu,relu.negative"),
    }
    results: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
    for _ in range(options.rounds):
        for way, arguments in ways.items():
            results[way].append(apart(*arguments))
    print(f"\n{network}, {SIZE_PX[network]} x {SIZE_PX[network]} pixels, batches of {batch}; best of {options.rounds}")
    print(f"  {'':<26}{'ms / image':>12}{'x forward':>11}{'range':>14}{'x processor':>13}{'peak MB':>9}")
    forward = best(results["forward pass"])["seconds_an_image"]
    processor = min(result["processor_seconds_an_image"] for result in results["forward pass"])
    for way, made in results.items():
        fastest = best(made)
        ratios = [result["seconds_an_image"] / forward for result in made]
        spread = f"{min(ratios):.2f}-{max(ratios):.2f}"
        work = min(result["processor_seconds_an_image"] for result in made) / processor
        print(
            f"  {way:<26}{1e3 * fastest['seconds_an_image']:>12.2f}{min(ratios):>11.2f}{spread:>14}{work:>13.2f}"
            f"{max(result['peak_mb'] for result in made):>9.0f}"
        )
    apart_s = best(results["relu"])["seconds_apart"]
    print(f"  graphs, weights and the last block take another {apart_s:.1f} s, once a shard")
    if network == "small_vgg":
        slow = apart("patch_matrix", network, batch, 1)
        seconds = slow["seconds_an_image"]
        print(
            f"  {'relu, patch matrix':<26}{1e3 * seconds:>12.0f}{seconds / forward:>11.0f}{'':>27}"
            f"{slow['peak_mb']:>9.0f}   largest difference {slow['difference']:.1e} (convolutions)"
        )
    print(f"  peak memory, relu: {memory(network, options)}")
    return best(results["relu"])["seconds_an_image"] <= LIMIT * forward


def memory(network: str, options: argparse.Namespace) -> str:
    counts = options.memory_images or {"small_vgg": [64, 1024], "vgg16": [64, 192]}[network]
    peaks = {count: apart("memory", network, options.batch_size, count, "relu")["peak_mb"] for count in counts}
    told = ", ".join(f"{peak:.0f} MB at {count:,} images" for count, peak in peaks.items())
    change = max(peaks.values()) / min(peaks.values()) - 1
    return f"{told} ({100 * change:.1f} % apart)"


def numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", default="small_vgg,vgg16", help="networks to time, of small_vgg and vgg16")
    parser.add_argument("--batch-size", type=int, default=8, help="images per batch")
    parser.add_argument("--batches", type=int, help="batches to time; default 64, for vgg16 8")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is timed; the best is reported")
    parser.add_argument("--memory-images", type=numbers, help="numbers of images, such as 64,1024")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measurement, *arguments = json.loads(options.measure)
        result = MEASUREMENTS[measurement](*arguments)
        result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(result))
        return 0
    met = [report(network, options) for network in options.networks.split(",")]
    print(f"\nrelu at most {LIMIT:g} times the forward pass: {'yes' if all(met) else 'NO'}")
    return 0 if all(met) else 1


if __name__ == "__main__":
    raise SystemExit(main())
