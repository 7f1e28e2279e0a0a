"""Some neuron-wise inputs of each layer as samples: patches at random positions, whole vectors of Dense layers.

For what needs samples and not sums, such as `netlens.patterns.diagnostics.signal_quality`. The positions are drawn
image by image, so they depend neither on the batch size nor on what else is asked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.models.backend import tf, tf1
from netlens.patterns.batches import Images, Preprocess, batches_of, read_batches
from netlens.patterns.convolution import padded_input
from netlens.patterns.network_graph import KernelTensors, NetworkGraph, network_graph
from netlens.patterns.statistics import PatternSumsError

Int = NDArray[np.int64]


@dataclass(frozen=True)
class LayerSamples:
    """Samples of the inputs of one layer.

    Attributes
    ----------
    name
        The layer's name.
    x
        Shape (n, K), float32; K flattened row, column, channel.
    image
        Which image each sample is of, shape (n,).
    """

    name: str
    x: NDArray[np.float32]
    image: Int


def input_samples(
    model: Any,
    images: Images,
    *,
    positions_per_image: int,
    seed: int,
    preprocess: Preprocess | None = None,
    batch_size: int = 8,
    memory_gb: float = 2.0,
    progress: bool = True,
) -> Iterator[LayerSamples]:
    """Sample the inputs of every layer with a kernel.

    The network is run over the images once for as many layers as fit into `memory_gb`.

    Parameters
    ----------
    model, images, preprocess, batch_size, progress
        As for `netlens.patterns.accumulation.pattern_sums`.
    positions_per_image
        Output positions a layer and image, drawn without replacement; all where there are fewer.
    seed
        Of the positions.
    memory_gb
        How much samples may take at once, in 1e9 bytes; one layer is always allowed.

    Yields
    ------
    LayerSamples
        Layer by layer, in network order.

    Raises
    ------
    netlens.models.graph.UnsupportedLayerError
        The model has a layer that patterns are not defined for; the message names it.
    netlens.patterns.statistics.PatternSumsError
        An argument makes no sense, or the images do not fit the network.
    """
    if positions_per_image < 1:
        raise PatternSumsError(f"positions_per_image is {positions_per_image}; take at least 1")
    batches = batches_of(len(images), batch_size)
    with network_graph(model) as network:
        layers = [_gathered(index, tensors) for index, tensors in enumerate(network.tensors)]
        for group in _groups(layers, len(images) * positions_per_image, memory_gb * 1e9):
            label = "inputs of " + ", ".join(layer.name for layer in group)
            collected: list[list[NDArray[np.float32]]] = [[] for _ in group]
            sources: list[list[Int]] = [[] for _ in group]
            for batch, inputs in read_batches(
                images, batches, preprocess, network.input_shape, label=label, progress=progress
            ):
                drawn = _draw(network, group, inputs, first=batch[0], wanted=positions_per_image, seed=seed)
                feed = {network.images: inputs}
                feed.update({layer.positions: part for layer, part in zip(group, drawn, strict=True)})
                patches = network.session.run([layer.patches for layer in group], feed)
                for index, part in enumerate(patches):
                    collected[index].append(part.reshape(-1, part.shape[-1]))
                    sources[index].append(np.repeat(np.arange(*batch), part.shape[1]))
            for layer, parts, image in zip(group, collected, sources, strict=True):
                x = np.concatenate(parts)
                parts.clear()
                yield LayerSamples(layer.name, x, np.concatenate(image))


@dataclass(frozen=True)
class _Gathered:
    """A layer's inputs at the output positions that are fed, counted row by row."""

    name: str
    index: int
    inputs: int
    positions: Any
    position_count: Any
    patches: Any


def _gathered(index: int, tensors: KernelTensors) -> _Gathered:
    layer, x, z = tensors.layer, tensors.x, tensors.z
    inputs = int(np.prod(layer.kernel_shape[:-1]))
    with x.graph.as_default():
        positions = tf1.placeholder(tf.int32, (None, None))
        if layer.kind == "dense":
            rows = tf.reshape(x, (tf.shape(x)[0], -1, inputs))
            patches = tf.gather(rows, positions, batch_dims=1)
        else:
            assert layer.strides is not None and layer.dilation is not None
            height, width = layer.kernel_shape[:2]
            columns = tf.shape(z)[2]
            row = (positions // columns * layer.strides[0])[..., None] + tf.range(height) * layer.dilation[0]
            column = (positions % columns * layer.strides[1])[..., None] + tf.range(width) * layer.dilation[1]
            shape = tf.concat([tf.shape(positions), (height, width)], 0)
            taps = [tf.broadcast_to(row[..., :, None], shape), tf.broadcast_to(column[..., None, :], shape)]
            patches = tf.gather_nd(padded_input(layer, x), tf.stack(taps, -1), batch_dims=1)
        flat = tf.reshape(patches, (tf.shape(positions)[0], tf.shape(positions)[1], inputs))
        return _Gathered(layer.name, index, inputs, positions, tf.reduce_prod(tf.shape(z)[1:-1]), flat)


def _groups(layers: list[_Gathered], samples: int, memory: float) -> list[list[_Gathered]]:
    """Split the layers, in order, so that the samples of each group fit into memory."""
    groups: list[list[_Gathered]] = []
    left = 0.0
    for layer in layers:
        size = 4.0 * samples * layer.inputs
        if not groups or size > left:
            groups.append([])
            left = memory
        groups[-1].append(layer)
        left -= size
    return groups


def _draw(
    network: NetworkGraph, layers: list[_Gathered], inputs: NDArray[Any], *, first: int, wanted: int, seed: int
) -> list[NDArray[np.int32]]:
    """Draw positions for each image of a batch, layer by layer, (images, positions)."""
    counts = network.session.run([layer.position_count for layer in layers], {network.images: inputs[:1]})
    drawn = []
    for layer, count in zip(layers, counts, strict=True):
        positions = np.empty((len(inputs), min(wanted, count)), np.int32)
        for image, row in enumerate(positions):
            rng = np.random.default_rng((seed, layer.index, first + image))
            row[:] = rng.choice(count, len(row), replace=False)
        drawn.append(positions)
    return drawn
