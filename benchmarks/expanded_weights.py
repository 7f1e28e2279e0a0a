"""Compares expanded weights of the full-size InceptionV1 with the usual loop over target channels.

The loop imports the graph with the gradients of ReLU and max pooling replaced, picks one channel of the target's
central unit, and evaluates its gradient, channel after channel. It is the reference here. It gets no more of the graph
than it needs, and a source not much larger than the receptive field, which is to its advantage.

Each method runs in a process of its own, from the loaded network to the array: once to warm up, then several times. For
the composition, the fastest time is the most meaningful: while other processes use the machine, the threads of its
short matrix products wait for each other. "Processor" is the least time of all cores together; memory is the peak of a
process beyond the loaded network. Also printed are the time of the loop's evaluations alone, and that of one matrix
product with as many multiply-adds as the composition needs. The figure of merit is mixed3a to mixed3b: at least 20
times faster than the loop (fastest against fastest), largest difference 1e-5 of the largest weight.

    python benchmarks/expanded_weights.py                              # about a minute
    python benchmarks/expanded_weights.py --pairs mixed3b:mixed4a      # other layers
"""

import argparse
import ctypes
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

PAIRS = "mixed3a:mixed3b,maxpool1:mixed3a,input:conv2d2"
MERIT = "mixed3a:mixed3b"
FASTER, DIFFERENCE = 20.0, 1e-5
WIDTHS = (10, 9, 9, 11, 11, 9, 12)


def by_composition(network: Any, source: str, target: str) -> tuple[np.ndarray, dict[str, float]]:
    from netlens.weights.expanded.composition import expanded_weights
    from netlens.weights.expanded.taps import Counter

    counter = Counter()
    weights = expanded_weights(network, source, target, counter=counter).weights
    return weights, {"multiply_adds": counter.multiply_adds}


def by_gradient(network: Any, source: str, target: str) -> tuple[np.ndarray, dict[str, float]]:
    from netlens.weights.expanded.jacobian import expanded_weights_by_gradient

    return expanded_weights_by_gradient(network, source, target).weights, {}


def by_loop(network: Any, source: str, target: str) -> tuple[np.ndarray, dict[str, float]]:
    """Compute one channel after the other; the window is what is not zero, after a zero row and column if strided."""
    from netlens.models.backend import tf, tf1
    from netlens.weights.expanded.linear_graph import linear_graph

    tf1.logging.set_verbosity(tf1.logging.ERROR)
    # Only the size of the source is taken from netlens.
    extent = list(linear_graph(network, source, target).extents().values())[-1]
    stride = extent.stride[0]
    size = -(-2 * (max(extent.size) + stride) // (2 * stride)) * 2 * stride
    layer = network.layer(source)

    def passed_on(operation: Any, gradient: Any) -> Any:
        return gradient

    def averaged(operation: Any, gradient: Any) -> Any:
        return tf.raw_ops.AvgPoolGrad(
            orig_input_shape=tf.shape(operation.inputs[0]),
            grad=gradient,
            ksize=operation.get_attr("ksize"),
            strides=operation.get_attr("strides"),
            padding=operation.get_attr("padding"),
        )

    names = {op: f"Benchmark{op}{time.perf_counter_ns()}" for op in ("Relu", "MaxPool")}
    tf1.RegisterGradient(names["Relu"])(passed_on)
    tf1.RegisterGradient(names["MaxPool"])(averaged)
    with tf.Graph().as_default() as graph, graph.gradient_override_map(names):
        x = tf1.placeholder(tf.float32, (1, size, size, layer.channels))
        node = network.layer(target).node
        part = tf1.graph_util.extract_sub_graph(network.graph_def, [node])
        (y,) = tf1.import_graph_def(part, {f"{layer.node}:0": x}, [f"{node}:0"])
        channel = tf1.placeholder(tf.int32, ())
        middle = y.shape[1] // 2
        gradient = tf.gradients(y[0, middle, middle, channel], x)[0]
        zeros = np.zeros((1, size, size, layer.channels), np.float32)
        with tf1.Session(graph=graph) as session:
            session.run(gradient, {x: zeros, channel: 0})
            started = time.perf_counter()
            found = [session.run(gradient, {x: zeros, channel: unit})[0] for unit in range(int(y.shape[-1]))]
            evaluations = time.perf_counter() - started
    weights = np.stack(found, -1)
    used = np.abs(weights).max((2, 3)) > 0
    rows, columns = np.flatnonzero(used.any(1)), np.flatnonzero(used.any(0))
    more = int(stride > 1)
    window = weights[rows[0] - more : rows[-1] + 1, columns[0] - more : columns[-1] + 1]
    return np.ascontiguousarray(window), {"evaluations": evaluations}


WAYS: dict[str, Callable[..., tuple[np.ndarray, dict[str, float]]]] = {
    "composition": by_composition,
    "gradients": by_gradient,
    "loop": by_loop,
}


def measure(way: str, source: str, target: str, rounds: int, save: str) -> dict[str, Any]:
    from netlens.models.architectures.inception_v1 import inception_v1

    network = inception_v1()
    # Memory freed while the network was built is returned first, so that it does not count as already there.
    ctypes.CDLL(None).malloc_trim(0)
    before_mb = memory_mb("VmRSS")
    # Reset the kernel's count of the peak.
    Path("/proc/self/clear_refs").write_text("5")
    seconds: list[float] = []
    processor: list[float] = []
    weights, told = np.zeros(0), {}
    for _ in range(rounds):
        started, processor_started = time.perf_counter(), time.process_time()
        weights, told = WAYS[way](network, source, target)
        seconds.append(time.perf_counter() - started)
        processor.append(time.process_time() - processor_started)
    peak_mb = memory_mb("VmHWM") - before_mb
    np.save(save, weights)
    return {"seconds": seconds, "processor": min(processor), "peak_mb": peak_mb, **told}


def memory_mb(name: str) -> float:
    """Return a figure of this process's memory from Linux, in megabytes."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def product_seconds(multiply_adds: float) -> float:
    """Return the best time of one square matrix product with that many multiply-adds, in seconds."""
    side = max(round(multiply_adds ** (1 / 3)), 1)
    a, b = np.random.default_rng(0).standard_normal((2, side, side), np.float32)
    out, seconds = np.empty_like(a), []
    for _ in range(50):
        started = time.perf_counter()
        np.matmul(a, b, out=out)
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def apart(*arguments: Any) -> dict[str, Any]:
    """Return a measurement that runs in a process of its own."""
    command = [sys.executable, __file__, "--measure", json.dumps(arguments)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return dict(json.loads(output.splitlines()[-1]))


def report(pair: str, rounds: int, folder: str) -> tuple[float, float]:
    """Print one pair of layers; return the speed-up over the loop, and the largest relative difference."""
    source, target = pair.split(":")
    results, arrays = {}, {}
    for way in WAYS:
        path = str(Path(folder) / f"{way}.npy")
        results[way] = apart(way, source, target, 2 + (rounds if way != "composition" else 5 * rounds), path)
        arrays[way] = np.load(path)
    loop = arrays["loop"]
    largest = float(np.abs(loop).max())
    told = " x ".join(map(str, loop.shape))
    print(f"\n{source} to {target}: {told} ({loop.nbytes / 1e6:.1f} MB)")
    titles = ("first ms", "min ms", "median", "processor", "loop / it", "peak MB", "difference")
    print(f"  {'':<14}" + "".join(f"{title:>{width}}" for title, width in zip(titles, WIDTHS, strict=True)))
    medians = {way: statistics.median(result["seconds"][1:]) for way, result in results.items()}
    fastest = {way: min(result["seconds"][1:]) for way, result in results.items()}
    difference = {}
    for way, result in results.items():
        difference[way] = float(np.abs(arrays[way] - loop).max()) / largest
        times = (result["seconds"][0], fastest[way], medians[way], result["processor"])
        cells = [f"{1e3 * seconds:.1f}" for seconds in times]
        cells += [f"{fastest['loop'] / fastest[way]:.1f}", f"{result['peak_mb']:.0f}", f"{difference[way]:.1e}"]
        print(f"  {way:<14}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS, strict=True)))
    alone = results["loop"]["evaluations"]
    print(f"  the loop's evaluations alone: {alone:.2f} s, {alone / fastest['composition']:.0f} times the composition")
    multiply_adds = results["composition"]["multiply_adds"]
    if multiply_adds:
        product = product_seconds(multiply_adds)
        print(
            f"  {multiply_adds / 1e6:.1f} million multiply-adds; one product of as many: {1e3 * product:.2f} ms; the "
            f"composition takes {fastest['composition'] / product:.1f} times that"
        )
    return fastest["loop"] / fastest["composition"], max(difference["composition"], difference["gradients"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", default=PAIRS, help="source:target, separated by commas")
    parser.add_argument("--rounds", type=int, default=4, help="how often everything is timed, after a first time")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(*json.loads(options.measure))))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        found = {pair: report(pair, options.rounds, folder) for pair in options.pairs.split(",")}
    met = all(difference <= DIFFERENCE for _, difference in found.values())
    if MERIT in found:
        faster, difference = found[MERIT]
        print(f"\n{MERIT}: {faster:.0f} times faster than the loop (wanted: {FASTER:g})", end=", ")
        print(f"largest difference {difference:.1e} of the largest weight (wanted: {DIFFERENCE:g})")
        met &= faster >= FASTER
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
