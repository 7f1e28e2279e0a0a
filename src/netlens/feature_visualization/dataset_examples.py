"""Which images units respond to most, and what they see of them.

A feature visualization shows what would activate a unit most; the images that do activate it most show what does (Olah
et al. 2017, "Feature Visualization", Distill). A unit that no image activates is recognized here as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from netlens.feature_visualization.examples import DatasetExamples
from netlens.feature_visualization.keyed_requests import RequestError
from netlens.feature_visualization.requests import PictureRequest
from netlens.feature_visualization.store import Progress
from netlens.models.backend import session_config, tf1
from netlens.models.frozen.frozen_network import FrozenNetwork
from netlens.models.frozen.reach import Reach
from netlens.models.frozen.receptive_fields import part_for, receptive_fields
from netlens.statistics.even_samples import part_starts

_BATCH_SIZE: Final = 16
_OUTSIDE: Final = 230  # gray level beyond an image's edge


class Images(Protocol):
    """Images that can be read by index: uint8, (height, width, 3) each."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> Any: ...


def dataset_examples(
    network: FrozenNetwork,
    images: Images,
    requests: Sequence[PictureRequest],
    *,
    examples_count: int = 4,
    images_count: int = 512,
    crop_px: int = 48,
    progress: Progress | None = None,
) -> DatasetExamples:
    """Find the images that activate units, or directions among units, most.

    Parameters
    ----------
    network
        The network.
    images
        uint8, (height, width, 3) each, as large as the network takes.
    requests
        Feature visualizations of the units; only layer and direction count.
    examples_count
        Examples per unit, at most; each from another image.
    images_count
        Images that are looked at, at most: spread evenly over all.
    crop_px
        Height and width of the crops.
    progress
        Called with the number of images looked at since the last call.

    Returns
    -------
    DatasetExamples
        By the requests' keys, each once.

    Raises
    ------
    netlens.models.errors.NetworkError
        The network has no such layer, or the images have another size.
    RequestError
        There are no images, or a direction does not have the layer's number of channels.
    """
    if not len(images):
        raise RequestError("there are no images to find dataset examples in")
    wanted = {request.key(network.sha256): request for request in requests}
    by_layer: dict[str, list[str]] = {}
    for key, request in wanted.items():
        if request.direction.size != network.layer(request.layer).channels:
            raise RequestError(
                f"picture of layer {request.layer!r}: the direction has {request.direction.size} channels, the layer "
                f"{network.layer(request.layer).channels}"
            )
        by_layer.setdefault(request.layer, []).append(key)
    directions = {layer: np.stack([wanted[key].direction for key in keys], axis=1) for layer, keys in by_layer.items()}
    chosen = part_starts(len(images), images_count)
    strongest, places = _responses(network, images, chosen, directions, progress)

    layers = [layer for layer in by_layer if network.layer(layer).height is not None]
    fields = receptive_fields(network, layers) if layers else {}
    count = min(examples_count, len(chosen))
    keys = tuple(key for layer in by_layer for key in by_layer[layer])
    shape = (len(keys), count)
    found = DatasetExamples(
        keys=keys,
        activations=np.zeros(shape, np.float32),
        images=np.zeros(shape, np.int64),
        boxes=np.zeros((*shape, 4), np.int64),
        crops=np.zeros((*shape, crop_px, crop_px, 3), np.uint8),
        active_shares=np.zeros(len(keys)),
        images_count=len(chosen),
    )
    row = 0
    for layer, own in by_layer.items():
        for column in range(len(own)):
            values = strongest[layer][:, column]
            best = np.argsort(-values, kind="stable")[:count]
            found.active_shares[row] = np.mean(values > 0)
            for rank, index in enumerate(best):
                image = np.asarray(images[chosen[index]])
                box = _box(fields.get(layer), network.layer(layer).width or 1, places[layer][index, column], image)
                found.activations[row, rank] = values[index]
                found.images[row, rank] = chosen[index]
                found.boxes[row, rank] = box
                found.crops[row, rank] = _crop(image, box, crop_px)
            row += 1
    return found


def _responses(
    network: FrozenNetwork,
    images: Images,
    chosen: Sequence[int],
    directions: dict[str, NDArray[np.float32]],
    progress: Progress | None,
) -> tuple[dict[str, NDArray[np.float32]], dict[str, NDArray[np.int64]]]:
    """Return each image's largest activation along each direction, and the position where it is, counted by rows."""
    strongest = {layer: np.zeros((len(chosen), each.shape[1]), np.float32) for layer, each in directions.items()}
    places = {layer: np.zeros((len(chosen), each.shape[1]), np.int64) for layer, each in directions.items()}
    if not directions:
        return strongest, places
    with tf1.Graph().as_default() as graph:
        inputs = tf1.placeholder(tf1.float32, (None, *network.input_shape))
        outputs = tf1.import_graph_def(
            part_for(network, list(directions)),
            input_map={f"{network.input_node}:0": inputs},
            return_elements=[f"{network.layer(layer).node}:0" for layer in directions],
        )
        found = {}
        for (layer, matrix), output in zip(directions.items(), outputs, strict=True):
            flat = tf1.reshape(output, (tf1.shape(output)[0], -1, matrix.shape[0]))
            along = tf1.einsum("npc,cr->npr", flat, tf1.constant(matrix))
            found[layer] = tf1.reduce_max(along, axis=1), tf1.argmax(along, axis=1)
        with tf1.Session(graph=graph, config=session_config()) as session:
            for start in range(0, len(chosen), _BATCH_SIZE):
                part = slice(start, start + _BATCH_SIZE)
                batch = np.stack([np.asarray(images[index]) for index in chosen[part]])
                values = session.run(found, {inputs: network.preprocess(batch)})
                for layer, (largest, where) in values.items():
                    strongest[layer][part], places[layer][part] = largest, where
                if progress is not None:
                    progress(len(batch))
    return strongest, places


def _box(field: tuple[Reach, Reach] | None, width: int, place: int, image: NDArray[Any]) -> tuple[int, int, int, int]:
    """Return the receptive field at a position: first row, first column, height, width."""
    if field is None:
        return 0, 0, image.shape[0], image.shape[1]
    (top, height), (left, columns) = (
        _extent(reach, index, length)
        for reach, index, length in zip(field, divmod(int(place), width), image.shape[:2], strict=True)
    )
    return top, left, height, columns


def _extent(reach: Reach, index: int, length: int) -> tuple[int, int]:
    """Return the first pixel and the number of pixels along one axis, beyond the image where it was clipped."""
    first, last, size = int(reach.first[index]), int(reach.last[index]), reach.widest()
    if size >= length:
        return 0, length
    if first == 0:
        return last - size + 1, size
    return first, size


def _crop(image: NDArray[np.uint8], box: tuple[int, int, int, int], size_px: int) -> NDArray[np.uint8]:
    top, left, height, width = box
    part = np.full((height, width, 3), _OUTSIDE, np.uint8)
    rows = slice(max(top, 0), min(top + height, image.shape[0]))
    columns = slice(max(left, 0), min(left + width, image.shape[1]))
    part[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = image[rows, columns]
    resized = Image.fromarray(part, "RGB").resize((size_px, size_px), Image.Resampling.LANCZOS)
    return np.asarray(resized)
