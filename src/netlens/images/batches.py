"""Reading images batch by batch, the next one while a network is busy with this one."""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

#: Turns a slice of images into a network's float32 inputs.
Preprocess = Callable[[NDArray[Any]], NDArray[Any]]
#: A batch: its first image, and the one after its last.
Batch = tuple[int, int]


class BatchError(ValueError):
    """Images cannot be read in batches, or are not what the network takes."""


class Images(Protocol):
    """What is needed of a set of images: a length, and slices that are batches."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: slice, /) -> NDArray[Any]: ...


def batches_of(count: int, batch_size: int) -> list[Batch]:
    """Cut images into batches that start at multiples of the batch size.

    Raises
    ------
    BatchError
        There are no images, or batches of none.
    """
    if batch_size < 1:
        raise BatchError(f"batch_size is {batch_size}; take at least 1")
    if count < 1:
        raise BatchError("there are no images; give at least one")
    return [(start, min(start + batch_size, count)) for start in range(0, count, batch_size)]


def read_batches(
    images: Images,
    batches: Sequence[Batch],
    preprocess: Preprocess | None,
    input_shape: Sequence[int | None],
    *,
    label: str,
    progress: bool,
) -> Iterator[tuple[Batch, NDArray[np.float32]]]:
    """Read and preprocess batches, one ahead of what is being worked on, with a progress bar on stderr.

    Parameters
    ----------
    images, preprocess
        Images, and what turns a slice of them into inputs. None: they are inputs already.
    batches
        Which to read, in order.
    input_shape
        Of one input of the network; None where any size will do.
    label
        What the progress bar says.
    progress
        Whether to draw it.

    Yields
    ------
    tuple
        The batch and its inputs, float32.

    Raises
    ------
    BatchError
        The images do not fit the network.
    """

    def read(batch: Batch) -> NDArray[np.float32]:
        values = images[slice(*batch)]
        inputs = np.asarray(values if preprocess is None else preprocess(values), np.float32)
        given = inputs.shape[1:]
        if len(given) != len(input_shape) or any(
            size not in {None, got} for size, got in zip(input_shape, given, strict=True)
        ):
            raise BatchError(
                f"images are {given} but the network takes {tuple(input_shape)}; resize or preprocess them"
            )
        return inputs

    total = sum(stop - start for start, stop in batches)
    with (
        ThreadPoolExecutor(1) as reader,
        tqdm(total=total, desc=label, unit="image", file=sys.stderr, disable=not progress) as bar,
    ):
        ahead = reader.submit(read, batches[0]) if batches else None
        for index, batch in enumerate(batches):
            assert ahead is not None
            inputs = ahead.result()
            ahead = reader.submit(read, batches[index + 1]) if index + 1 < len(batches) else None
            yield batch, inputs
            bar.update(batch[1] - batch[0])
