"""Small networks from a list of operations: as a frozen graph, and as their linear maps in float64 by numpy."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from netlens.models.frozen.frozen_network import FrozenLayer, FrozenNetwork
from netlens.models.preprocessing import Preprocessing


@dataclass
class Op:
    """One operation: what it does, its inputs, and the numbers that it needs."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    options: dict = field(default_factory=dict)


def convolution(name, x, kernel, *, stride=1, padding="SAME", dilation=1, activation="Relu"):
    return Op(name, "conv", (x,), {
        "kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation, "activation": activation
    })  # fmt: skip


def pooling(name, x, size=3, *, stride=1, padding="SAME", kind="max"):
    return Op(name, f"{kind}pool", (x,), {"size": size, "stride": stride, "padding": padding})


def random_kernel(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def network_of(ops, shape=(16, 16, 3)):
    """Build the graph, with random biases."""
    from netlens.models.backend import tf, tf1

    rng = np.random.default_rng(99)
    with tf.Graph().as_default() as graph:
        made = {"input": tf1.placeholder(tf.float32, (None, *shape), name="input")}
        for op in ops:
            made[op.name] = _in_tensorflow(tf, op, [made[name] for name in op.inputs], rng)
    layers = []
    for name, tensor in made.items():
        sides = tensor.shape.as_list()[1:-1] or [None, None]
        layers.append(FrozenLayer(name, tensor.op.name, "other", int(tensor.shape[-1]), *sides))
    last = layers[-1]
    return FrozenNetwork(
        "tiny", graph.as_graph_def(), "input", last.node, tuple(layers), shape,
        tuple(map(str, range(last.channels))), Preprocessing(), "",
    )  # fmt: skip


def _in_tensorflow(tf, op, xs, rng):
    o, x = op.options, xs[0]
    if op.kind in ("conv", "depthwise"):
        padding = o["padding"]
        if not isinstance(padding, str):
            padding = [[0, 0], *padding, [0, 0]]
        make = tf.nn.conv2d if op.kind == "conv" else None
        if make:
            z = make(x, o["kernel"], strides=o["stride"], padding=padding, dilations=o["dilation"], name=f"{op.name}/z")
        else:
            strides = [1, o["stride"], o["stride"], 1]
            z = tf.nn.depthwise_conv2d(x, o["kernel"], strides=strides, padding=padding)
        z = tf.nn.bias_add(z, rng.standard_normal(z.shape[-1]).astype(np.float32))
        if o.get("activation") is None:
            return tf.identity(z, name=op.name)
        return getattr(tf.raw_ops, o["activation"])(features=z, name=op.name)
    if op.kind in ("maxpool", "avgpool"):
        make = tf.nn.max_pool2d if op.kind == "maxpool" else tf.nn.avg_pool2d
        return make(x, o["size"], o["stride"], o["padding"], name=op.name)
    if op.kind == "concat":
        return tf.concat(xs, -1, name=op.name)
    if op.kind == "add":
        return tf.add(*xs, name=op.name)
    if op.kind == "subtract":
        return tf.subtract(*xs, name=op.name)
    if op.kind == "relu":
        return tf.nn.relu(x, name=op.name)
    if op.kind == "scale":
        return tf.multiply(o["factor"], tf.add(x, rng.standard_normal(x.shape[-1]).astype(np.float32)), name=op.name)
    if op.kind == "norm":
        zeros = np.zeros_like(o["gamma"])
        y = tf.compat.v1.nn.fused_batch_norm(
            x, o["gamma"], zeros + 0.3, zeros + 0.1, o["variance"], epsilon=1e-3, is_training=False
        )[0]
        return tf.identity(y, name=op.name)
    if op.kind == "lrn":
        return tf.nn.lrn(x, 2, bias=o["bias"], alpha=0.1, beta=o["beta"], name=op.name)
    if op.kind == "pad":
        return tf.pad(x, [[0, 0], *o["amounts"], [0, 0]], name=op.name)
    if op.kind == "part":
        first, count = o["channels"]
        return tf.identity(tf.split(x, [first, count, int(x.shape[-1]) - first - count], -1)[1], name=op.name)
    if op.kind == "flatten":
        return tf.reshape(x, [-1, int(np.prod(x.shape[1:]))], name=op.name)
    if op.kind == "mean":
        return tf.reduce_mean(x, [1, 2], name=op.name)
    if op.kind == "dense":
        return tf.add(tf.matmul(x, o["kernel"]), 0.5, name=op.name)
    raise AssertionError(op.kind)


def in_numpy(op, xs):
    """Apply an operation, made linear, to maps (n, h, w, c) in float64."""
    o, x = op.options, xs[0]
    if op.kind in ("conv", "depthwise"):
        kernel = o["kernel"].astype(np.float64)
        dilation = o.get("dilation", 1)
        patches = _patches(x, kernel.shape[:2], o["stride"], o["padding"], dilation)
        if op.kind == "conv":
            groups = x.shape[-1] // kernel.shape[2]
            parts = np.split(kernel, groups, -1)
            inputs = [patches[..., i * kernel.shape[2] : (i + 1) * kernel.shape[2]] for i in range(groups)]
            return np.concatenate([_products(p, k) for p, k in zip(inputs, parts, strict=True)], -1)
        return np.einsum("nhwrsc,rscm->nhwcm", patches, kernel).reshape(*patches.shape[:3], -1)
    if op.kind in ("maxpool", "avgpool"):
        return _patches(x, (o["size"], o["size"]), o["stride"], o["padding"], 1).mean((3, 4))
    if op.kind == "concat":
        return np.concatenate(xs, -1)
    if op.kind == "add":
        return xs[0] + xs[1]
    if op.kind == "subtract":
        return xs[0] - xs[1]
    if op.kind == "relu":
        return x
    if op.kind == "scale":
        return x * np.asarray(o["factor"], np.float64)
    if op.kind == "norm":
        return x * (o["gamma"].astype(np.float64) / np.sqrt(o["variance"].astype(np.float64) + np.float32(1e-3)))
    if op.kind == "lrn":
        return x * o["bias"] ** -o["beta"]
    if op.kind == "pad":
        return np.pad(x, [(0, 0), *o["amounts"], (0, 0)])
    if op.kind == "part":
        first, count = o["channels"]
        return x[..., first : first + count]
    raise AssertionError(op.kind)


def _products(patches, kernel):
    # Tap by tap: all at once takes a copy of all patches.
    return sum(patches[:, :, :, row, column] @ kernel[row, column] for row, column in np.ndindex(*kernel.shape[:2]))


def _patches(x, counts, stride, padding, dilation):
    amounts = []
    for axis in (0, 1):
        reach, size = (counts[axis] - 1) * dilation + 1, x.shape[1 + axis]
        if padding == "SAME":
            missing = max((-(-size // stride) - 1) * stride + reach - size, 0)
            amounts.append((missing // 2, missing - missing // 2))
        elif padding == "VALID":
            amounts.append((0, 0))
        else:
            amounts.append(tuple(padding[axis]))
    x = np.pad(x, [(0, 0), *amounts, (0, 0)])
    reach = [(count - 1) * dilation + 1 for count in counts]
    windows = np.lib.stride_tricks.sliding_window_view(x, reach, axis=(1, 2))[:, ::stride, ::stride]
    return windows[..., ::dilation, ::dilation].transpose(0, 1, 2, 4, 5, 3)


def jacobian_of(ops, source, target, size):
    """Differentiate the target's central unit by all of the source (size x size): (size, size, ca, cb), float64."""
    channels = _channels(ops, source)
    values = {source: np.eye(size * size * channels).reshape(-1, size, size, channels)}
    for op in ops:
        if op.name == source or not any(name in values for name in op.inputs):
            continue
        given = next(values[name] for name in op.inputs if name in values)
        # What does not depend on the source is a constant: its derivative is 0.
        xs = [values.get(name, np.zeros((*given.shape[:3], _channels(ops, name)))) for name in op.inputs]
        values[op.name] = in_numpy(op, xs)
    y = values[target]
    centre = y[:, y.shape[1] // 2, y.shape[2] // 2]
    return centre.reshape(size, size, channels, -1)


def _channels(ops, name):
    if name == "input":
        return 3
    op = next(op for op in ops if op.name == name)
    if op.kind == "conv":
        return op.options["kernel"].shape[-1]
    if op.kind == "depthwise":
        return int(np.prod(op.options["kernel"].shape[2:]))
    if op.kind == "concat":
        return sum(_channels(ops, source) for source in op.inputs)
    if op.kind == "part":
        return op.options["channels"][1]
    return _channels(ops, op.inputs[0])


def bounding(jacobian):
    """Cut out the rows and columns from the first to the last that is not 0, and say whether a border is near."""
    used = np.abs(jacobian).max((2, 3)) > 0
    rows, columns = np.flatnonzero(used.any(1)), np.flatnonzero(used.any(0))
    size = used.shape[0]
    assert rows[0] > 0 and columns[0] > 0 and rows[-1] < size - 1 and columns[-1] < size - 1, "the oracle sees a border"
    return jacobian[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


@pytest.fixture(scope="session")
def tools():
    """Everything above, for tests that are imported apart from this file."""
    from types import SimpleNamespace

    return SimpleNamespace(
        Op=Op, convolution=convolution, pooling=pooling, random_kernel=random_kernel, network_of=network_of,
        jacobian_of=jacobian_of, bounding=bounding,
    )  # fmt: skip
