"""Samples of the inputs of each layer: patches at random positions, or the input vectors of Dense layers.

For methods that need samples instead of sums, such as
`netlens.pattern_attribution.patterns.diagnostics.signal_quality`. The positions are drawn image by
image, so they do not depend on the batch size or on anything else that is requested.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.images.batches import Images, Preprocess, batches_of, read_batches
from netlens.models.backend import tf, tf1
from netlens.pattern_attribution.patterns.convolution import neuron_inputs, padded_input
from netlens.pattern_attribution.patterns.network_graph import KernelTensors, network_graph
from netlens.pattern_attribution.patterns.statistics import PatternSumsError

Int = NDArray[np.int64]


@dataclass(frozen=True)
class LayerSamples:
    """Samples of the inputs of one layer.

    Attributes
    ----------
    name
        The layer's name.
    x
        Shape (n, K), float32; K flattened row, column, channel. (n, groups, K) for grouped and depthwise convolutions,
        whose units see the channels of their group only.
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
        As for `netlens.pattern_attribution.patterns.accumulation.pattern_sums`.
    positions_per_image
        Output positions per layer and image, drawn without replacement; all of them where there are fewer.
    seed
        For the positions.
    memory_gb
        Memory that samples may occupy at once, in units of 1e9 bytes; one layer is always allowed.

    Yields
    ------
    LayerSamples
        Layer by layer, in network order.

    Raises
    ------
    netlens.models.errors.UnsupportedLayerError
        The model has a layer that patterns are not defined for; the message names it.
    netlens.pattern_attribution.patterns.statistics.PatternSumsError
        An argument is invalid, or the images do not fit the network.
    """
    if positions_per_image < 1:
        raise PatternSumsError(f"positions_per_image is {positions_per_image}; it must be at least 1")
    batches = batches_of(len(images), batch_size)
    with network_graph(model) as network:
        layers = [_gathered(number, tensors) for number, tensors in enumerate(network.tensors)]
        for group in _groups(layers, len(images) * positions_per_image, memory_gb * 1e9):
            label = "inputs of " + ", ".join(layer.name for layer in group)
            collected: list[list[NDArray[np.float32]]] = [[] for _ in group]
            sources: list[list[Int]] = [[] for _ in group]
            for batch, inputs in read_batches(
                images, batches, preprocess, network.input_shape, label=label, progress=progress
            ):
                if batch[0] == 0:  # every image has the same size
                    shapes = network.session.run([layer.output_shape for layer in group], {network.images: inputs[:1]})
                feed: dict[Any, NDArray[Any]] = {network.images: inputs}
                for layer, shape in zip(group, shapes, strict=True):
                    feed[layer.index] = _indices(layer, shape[1:-1], range(*batch), positions_per_image, seed)
                patches = network.session.run([layer.patches for layer in group], feed)
                for index, part in enumerate(patches):
                    collected[index].append(part)
                    sources[index].append(np.repeat(np.arange(*batch), len(part) // (batch[1] - batch[0])))
            for layer, parts, image in zip(group, collected, sources, strict=True):
                x = np.concatenate(parts)
                parts.clear()
                yield LayerSamples(layer.name, x, np.concatenate(image))


@dataclass(frozen=True)
class _Gathered:
    """A layer's inputs at positions that are fed, as the indices of all taps of the kernel in the padded input."""

    number: int
    tensors: KernelTensors
    output_shape: Any
    index: Any
    patches: Any

    @property
    def name(self) -> str:
        return self.tensors.layer.name

    @property
    def inputs(self) -> int:
        """How many values one sample has, over all groups."""
        return self.tensors.layer.inputs * self.tensors.layer.groups


def _gathered(number: int, tensors: KernelTensors) -> _Gathered:
    layer, x, z = tensors.layer, tensors.x, tensors.z
    with x.graph.as_default():
        seen = x if layer.kind == "dense" else padded_input(layer, x)
        index = tf1.placeholder(tf.int64, (None, None, None, x.shape.rank - 1))
        patches = neuron_inputs(layer, tf.reshape(tf.gather_nd(seen, index), (-1, tf.shape(index)[2], layer.channels)))
        return _Gathered(number, tensors, tf.shape(z), index, patches)


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


def _indices(layer: _Gathered, positions: NDArray[Any], images: range, wanted: int, seed: int) -> Int:
    """Draw output positions for each image: where their taps lie in the padded batch, (images, drawn, taps, axes)."""
    size = tuple(int(length) for length in positions)
    count = int(np.prod(size))
    drawn = np.empty((len(images), min(wanted, count)), np.int64)
    for image, row in zip(images, drawn, strict=True):
        rng = np.random.default_rng((seed, layer.number, image))
        row[:] = rng.choice(count, len(row), replace=False)
    where = np.stack(np.unravel_index(drawn, size), axis=-1) if size else np.empty((*drawn.shape, 0), np.int64)
    where = where[:, :, None]
    kernel = layer.tensors.layer
    if kernel.kind != "dense":
        taps = np.stack(np.meshgrid(*map(np.arange, kernel.kernel_shape[:2]), indexing="ij"), axis=-1).reshape(-1, 2)
        where = where * np.array(kernel.strides) + taps * np.array(kernel.dilation)
    row = np.broadcast_to(np.arange(len(images))[:, None, None, None], (*where.shape[:3], 1))
    return np.concatenate([row, where], axis=-1)
