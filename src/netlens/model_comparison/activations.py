"""Activations of a network's layers at the images and places of a sample.

Batches start at fixed rows of the sample, and shards get whole batches, so that any number of shards gives the same
activations.
"""

from collections.abc import Sequence
from contextlib import ExitStack, closing
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from netlens.images.batches import Batch, batches_of, read_batches
from netlens.images.image_set import Images, Pixels
from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.sample import Sample, map_indices
from netlens.models.arithmetic import exact_arithmetic
from netlens.models.backend import session_config, tf, tf1
from netlens.models.frozen.frozen_network import INPUT, FrozenNetwork, imported

Activations = dict[str, NDArray[np.float32]]


class ActivationReader:
    """A network imported once, in a session of its own, that gives activations of some of its layers.

    Until it is closed, TensorFlow's operations are deterministic and GPUs multiply in full float32 in this process.

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
        No layer is named, or a layer is neither a map nor a vector.
    """

    def __init__(self, network: FrozenNetwork, layers: Sequence[str]) -> None:
        if not layers:
            raise ComparisonError(f"network {network.name!r}: no layers are named; name at least one")
        self.network = network
        graph = tf1.Graph()
        with graph.as_default():
            self._images = tf1.placeholder(tf.float32, (None, *network.input_shape))
            tensors = imported(network, {INPUT: self._images})
            # Maps of one size share their indices.
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
        """Give the session's memory back."""
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
            Image set, uint8, (height, width, 3) each, in memory or decoded when asked for.
        sample
            Which of them, and where.
        shard
            (k, n): only the k-th (from 1) of n runs of batches. With fewer batches than shards some are empty.
        batch_size
            Images a batch.
        label
            What the progress bar says.
        progress
            Whether to draw it on stderr.

        Returns
        -------
        dict
            By layer: float32, (rows of the shard, channels): of a map, the vector at the row and column that the
            relative position lies in; of a layer without positions, its vector.

        Raises
        ------
        netlens.models.errors.NetworkError
            The network takes images of another size.
        ComparisonError
            The sample is not of these images, or there is no such shard.
        """
        if len(sample) and not 0 <= sample.images.min() <= sample.images.max() < len(images):
            raise ComparisonError(
                f"the sample holds image {sample.images.max()} but there are {len(images)}; draw the sample again"
            )
        batches = shard_batches(len(sample), shard, batch_size)
        rows = slice(batches[0][0], batches[-1][1]) if batches else slice(0, 0)
        found = {
            name: np.empty((rows.stop - rows.start, tensor.shape[-1]), np.float32)
            for name, tensor in self._fetches.items()
        }
        inputs_of_batches = read_batches(
            _Chosen(images, sample), batches, self.network.preprocess, self.network.input_shape, label=label,
            progress=progress,
        )  # fmt: skip
        for (start, stop), inputs in inputs_of_batches:
            feed: dict[Any, Any] = {self._images: inputs}
            for size, placeholder in self._indices.items():
                feed[placeholder] = map_indices(sample.positions[start:stop], *size)
            values = self._session.run(self._fetches, feed)
            for name, value in values.items():
                found[name][start - rows.start : stop - rows.start] = value
        return found

    def _at_indices(self, name: str, tensor: Any) -> Any:
        """Of a map (n, height, width, channels), the vectors (n, channels) at fed indices; vectors as they are."""
        if tensor.shape.rank == 2 and tensor.shape[-1] is not None:
            return tensor
        if tensor.shape.rank != 4 or None in tensor.shape[1:]:
            raise ComparisonError(
                f"network {self.network.name!r}, layer {name!r}: its output is {tensor.shape}, neither a map nor a "
                "vector of known size; name other layers"
            )
        height, width = tensor.shape[1:3]
        if (height, width) not in self._indices:
            self._indices[height, width] = tf1.placeholder(tf.int64, (None, 2))
        return tf.gather_nd(tensor, self._indices[height, width], batch_dims=1)


def shard_batches(count: int, shard: tuple[int, int], batch_size: int) -> list[Batch]:
    """Give the batches of a shard: a run of those that all rows are cut into.

    Parameters
    ----------
    count
        How many rows there are in all shards.
    shard
        (k, n): the k-th (from 1) of n.
    batch_size
        Rows a batch.

    Returns
    -------
    list of (int, int)
        First row of each batch, and the one after its last; none for some shards where there are fewer batches.

    Raises
    ------
    ComparisonError
        There is no such shard.
    netlens.images.batches.BatchError
        There are no rows, or batches of none.
    """
    part, parts = shard
    if not 1 <= part <= parts:
        raise ComparisonError(f"there is no shard {part} of {parts}; shards count from 1 to their number")
    batches = batches_of(count, batch_size)
    return batches[len(batches) * (part - 1) // parts : len(batches) * part // parts]


class _Chosen:
    """The images of a sample, row by row, decoded or read when a batch is asked for."""

    def __init__(self, images: Images, sample: Sample) -> None:
        self._images = images
        self._places = sample.images

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, rows: slice, /) -> Pixels:
        return self._images[self._places[rows]]
