"""Images read batch by batch; the next batch is read while the network works on the current one."""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

#: Turns a slice of images into a network's float32 inputs.
Preprocess = Callable[[NDArray[Any]], NDArray[Any]]
#: A batch: index of its first image, and of the one after its last.
Batch = tuple[int, int]


class BatchError(ValueError):
    """Images cannot be read in batches, or do not have the size that the network takes."""


class Images(Protocol):
    """Anything with a length whose slices are batches of images."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: slice, /) -> NDArray[Any]: ...


def batches_of(count: int, batch_size: int) -> list[Batch]:
    """Batches that start at multiples of the batch size.

    Raises
    ------
    BatchError
        There are no images, or the batch size is less than 1.
    """
    if batch_size < 1:
        raise BatchError(f"batch_size is {batch_size}; it must be at least 1")
    if count < 1:
        raise BatchError("there are no images; at least one is needed")
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
    """Batches, read and preprocessed one ahead of the batch in use, with a progress bar on stderr.

    Parameters
    ----------
    images, preprocess
        Images, and the function that turns a slice of them into inputs. None: they are inputs already.
    batches
        The batches to read, in order.
    input_shape
        Shape of one input of the network; None where any size is allowed.
    label
        Text of the progress bar.
    progress
        Whether to show the progress bar.

    Yields
    ------
    tuple
        The batch and its inputs, float32.

    Raises
    ------
    BatchError
        The images do not have the size that the network takes.
    """

    def read(batch: Batch) -> NDArray[np.float32]:
        values = images[slice(*batch)]
        inputs = np.asarray(values if preprocess is None else preprocess(values), np.float32)
        given = inputs.shape[1:]
        if len(given) != len(input_shape) or any(
            size not in {None, got} for size, got in zip(input_shape, given, strict=True)
        ):
            raise BatchError(f"images have shape {given}, but the network takes {tuple(input_shape)}; resize them")
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
