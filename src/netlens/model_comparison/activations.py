"""Activations of a network's layers at the images and positions of a sample.

Networks that take images of different sizes see the same images, each at its own size.

Batches start at fixed rows of the sample, and shards consist of whole batches, so the activations do not depend on the
number of shards.
"""

from collections.abc import Sequence
from contextlib import ExitStack, closing
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from netlens.images.batches import Batch, batches_of, read_batches
from netlens.images.image_set import Images, Pixels
from netlens.images.resizing import resized
from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.sample import Sample, map_indices
from netlens.models.arithmetic import exact_arithmetic
from netlens.models.backend import session_config, tf, tf1
from netlens.models.frozen.frozen_network import INPUT, FrozenNetwork, imported

Activations = dict[str, NDArray[np.float32]]


class ActivationReader:
    """Reader of the activations of some layers of a network, which is imported once, into its own session.

    Until the reader is closed, TensorFlow's operations are deterministic in this process, and GPUs multiply in full
    float32.

    Parameters
    ----------
    network
        A frozen network.
    layers
        Names of its layers.

    Raises
    ------
    netlens.models.errors.NetworkError
        There is no such layer.
    ComparisonError
        No layer is named, or a layer is neither a feature map nor a vector.
    """

    def __init__(self, network: FrozenNetwork, layers: Sequence[str]) -> None:
        if not layers:
            raise ComparisonError(f"network {network.name!r}: no layers are named; name at least one")
        self.network = network
        graph = tf1.Graph()
        with graph.as_default():
            self._images = tf1.placeholder(tf.float32, (None, *network.input_shape))
            tensors = imported(network, {INPUT: self._images})
            # Feature maps of one size share their indices.
            self._indices: dict[tuple[int, int], Any] = {}
            self._fetches = {name: self._at_indices(name, tensors[name]) for name in layers}
        self._open = ExitStack()
        self._open.enter_context(exact_arithmetic())
        self._session = self._open.enter_context(closing(tf1.Session(graph=graph, config=session_config())))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the session's memory."""
        self._open.close()

    def activations(
        self,
        images: Images,
        sample: Sample,
        *,
        shard: tuple[int, int] = (1, 1),
        batch_size: int = 32,
        label: str = "activations",
        progress: bool = True,
    ) -> Activations:
        """Compute the activations of a shard of a sample.

        Parameters
        ----------
        images
            Image set, uint8, (height, width, 3) each, in memory or decoded when asked for. Images of another size than
            the network takes are resized (`netlens.images.resizing.resized`).
        sample
            Which images to use, and at which positions.
        shard
            (k, n): compute only the k-th (from 1) of n runs of batches. Some are empty if there are fewer batches than
            shards.
        batch_size
            Images per batch.
        label
            Text of the progress bar.
        progress
            Whether to show the progress bar on stderr.

        Returns
        -------
        dict
            By layer: float32, (rows of the shard, channels), one row per image and position, image by image: for a
            feature map, the vector at the row and column that contain the relative position; for a layer without
            positions, its output, the same in all rows of an image.

        Raises
        ------
        ComparisonError
            The sample belongs to other images, or there is no such shard.
        """
        if len(sample) and not 0 <= sample.images.min() <= sample.images.max() < len(images):
            raise ComparisonError(
                f"the sample holds image {sample.images.max()} but there are {len(images)}; draw the sample again"
            )
        batches = shard_batches(len(sample), shard, batch_size)
        first, last = (batches[0][0], batches[-1][1]) if batches else (0, 0)
        each = sample.positions_count
        found = {
            name: np.empty((last - first, each, tensor.shape[-1]), np.float32) for name, tensor in self._fetches.items()
        }
        inputs_of_batches = read_batches(
            _Chosen(images, sample, self.network.input_shape),
            batches,
            self.network.preprocess,
            self.network.input_shape,
            label=label,
            progress=progress,
        )
        for (start, stop), inputs in inputs_of_batches:
            feed: dict[Any, Any] = {self._images: inputs}
            for size, placeholder in self._indices.items():
                feed[placeholder] = map_indices(sample.positions[start:stop], *size)
            values = self._session.run(self._fetches, feed)
            for name, value in values.items():
                found[name][start - first : stop - first] = value
        return {name: value.reshape(-1, value.shape[-1]) for name, value in found.items()}

    def _at_indices(self, name: str, tensor: Any) -> Any:
        """Return a map's vectors at the fed indices, (n, positions, channels); of other layers, (n, 1, channels)."""
        if tensor.shape.rank == 2 and tensor.shape[-1] is not None:
            return tensor[:, None]
        if tensor.shape.rank != 4 or None in tensor.shape[1:]:
            raise ComparisonError(
                f"network {self.network.name!r}, layer {name!r}: its output is {tensor.shape}, neither a "
                "feature map nor a vector of known size; choose other layers"
            )
        height, width = tensor.shape[1:3]
        if (height, width) not in self._indices:
            self._indices[height, width] = tf1.placeholder(tf.int64, (None, None, 2))
        return tf.gather_nd(tensor, self._indices[height, width], batch_dims=1)


def shard_batches(count: int, shard: tuple[int, int], batch_size: int) -> list[Batch]:
    """Return the batches of a shard: a run of the batches that all rows are divided into.

    Parameters
    ----------
    count
        Number of rows of all shards together.
    shard
        (k, n): the k-th (from 1) of n.
    batch_size
        Rows per batch.

    Returns
    -------
    list of (int, int)
        First row of each batch, and the row after its last; empty for some shards if there are fewer batches.

    Raises
    ------
    ComparisonError
        There is no such shard.
    netlens.images.batches.BatchError
        There are no rows, or the batch size is not positive.
    """
    part, parts = shard
    if not 1 <= part <= parts:
        raise ComparisonError(f"there is no shard {part} of {parts}; count shards from 1")
    batches = batches_of(count, batch_size)
    return batches[len(batches) * (part - 1) // parts : len(batches) * part // parts]


class _Chosen:
    """The images of a sample at a network's size, one by one, decoded, read and resized when a batch is requested."""

    def __init__(self, images: Images, sample: Sample, input_shape: tuple[int, int, int]) -> None:
        self._images = images
        self._indices = sample.images
        self._size = input_shape[:2]

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, rows: slice, /) -> Pixels:
        return resized(self._images[self._indices[rows]], *self._size)
