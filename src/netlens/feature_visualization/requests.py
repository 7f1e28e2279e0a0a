"""What a feature visualization of a unit or a direction is made from, and the key under which it is stored.

Nothing here starts TensorFlow: an analysis can request what another job renders.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.feature_visualization.keyed_requests import (
    SMALLEST_PX,
    KeyedRequest,
    RequestError,
    checked_layer,
    settle_numbers,
)

Position = Literal["everywhere", "centre"]

#: Version of `netlens.feature_visualization.rendering`: raised whenever a request would produce another picture.
PROCEDURE: Final = 3

_POSITIONS: Final = ("everywhere", "centre")
_PREFIX: Final = "picture_"


@dataclass(frozen=True, eq=False)
class PictureRequest(KeyedRequest):
    """One feature visualization: the image that makes a layer's activations point along a direction.

    Requests for the same picture are equal.

    Attributes
    ----------
    layer
        Name of the layer, as in `netlens.models.frozen.frozen_network.FrozenNetwork.layers`.
    direction
        (channels,) of that layer, any scale; stored read-only as float32, divided by its largest absolute value, since
        the result does not depend on the scale. `channel_direction` is that of a single channel.
    position
        ``everywhere``: the mean over all positions; ``centre``: the middle one (of an even number, the later), whose
        picture shows its receptive field.
    size_px
        Height and width in pixels. A layer with small receptive fields is shown a smaller image, which is then
        enlarged, so that what its units see can be seen.
    steps_count
        Steps of the optimization.
    seed
        Of the noise that the optimization starts from.
    cosine_power
        The activation along the direction is multiplied by this power of their cosine; see lucid's
        ``objectives.direction``.

    Raises
    ------
    RequestError
        A value is impossible; the message names it.
    """

    layer: str
    direction: NDArray[np.float32]
    position: Position = "everywhere"
    size_px: int = 64
    steps_count: int = 128
    seed: int = 0
    cosine_power: float = 0.0

    def __post_init__(self) -> None:
        """Check the values, and normalize the direction."""
        where = checked_layer(self.layer, "picture")
        if self.position not in _POSITIONS:
            raise RequestError(f"{where}: position must be 'everywhere' or 'centre', not {self.position!r}")
        settle_numbers(self, where, size_px=SMALLEST_PX, steps_count=1, seed=0)
        object.__setattr__(self, "direction", _normalized(self.direction, where))

    def _procedure(self) -> dict[str, int]:
        return {"procedure": PROCEDURE}

    def _content(self) -> tuple[str, bytes]:
        header = (self.layer, self.position, self.size_px, self.steps_count, self.seed, self.cosine_power)
        return json.dumps(header), self.direction.astype("<f4").tobytes()


def channel_direction(channel: int, channels_count: int) -> NDArray[np.float32]:
    """Return the direction of one channel: float32, (channels_count,), 1 there and 0 elsewhere.

    Raises
    ------
    RequestError
        The layer has no such channel.
    """
    if not 0 <= channel < channels_count:
        raise RequestError(f"there is no channel {channel}: the layer has {channels_count}, from 0")
    direction = np.zeros(channels_count, np.float32)
    direction[channel] = 1
    return direction


def pack(requests: Sequence[PictureRequest]) -> dict[str, NDArray[Any]]:
    """Return requests as arrays, for an npz file that may hold other arrays too.

    Returns
    -------
    dict
        ``picture_layer``, ``picture_position``, ``picture_size_px``, ``picture_steps_count``, ``picture_seed``,
        ``picture_cosine_power`` and ``picture_channels_count``, (n,) each, and all directions concatenated in
        ``picture_direction``.
    """
    columns: dict[str, NDArray[Any]] = {
        "layer": np.array([request.layer for request in requests], dtype=np.str_),
        "position": np.array([request.position for request in requests], dtype=np.str_),
        "size_px": np.array([request.size_px for request in requests], dtype=np.int64),
        "steps_count": np.array([request.steps_count for request in requests], dtype=np.int64),
        "seed": np.array([request.seed for request in requests], dtype=np.int64),
        "cosine_power": np.array([request.cosine_power for request in requests], dtype=np.float64),
        "channels_count": np.array([request.direction.size for request in requests], dtype=np.int64),
        "direction": np.concatenate([np.empty(0, np.float32), *(request.direction for request in requests)]),
    }
    return {_PREFIX + name: column for name, column in columns.items()}


def unpack(arrays: Mapping[str, ArrayLike]) -> list[PictureRequest]:
    """Return the requests that `pack` wrote; other arrays are ignored.

    Raises
    ------
    RequestError
        Arrays are missing, or do not fit each other.
    """
    names = (
        "layer", "position", "size_px", "steps_count", "seed", "cosine_power", "channels_count", "direction",
    )  # fmt: skip
    missing = [_PREFIX + name for name in names if _PREFIX + name not in arrays]
    if missing:
        raise RequestError(f"no requests for feature visualizations here: array {missing[0]!r} is missing")
    columns = {name: np.asarray(arrays[_PREFIX + name]) for name in names}
    *fields, direction = (columns[name] for name in names)
    counts = columns["channels_count"]
    if len({len(field) for field in fields}) != 1 or int(counts.sum()) != direction.size:
        raise RequestError("the arrays of the requests do not fit each other; write them with `pack`")
    ends = np.cumsum(counts)
    return [
        PictureRequest(
            layer=str(columns["layer"][index]),
            direction=direction[end - count : end],
            position=cast(Position, str(columns["position"][index])),
            size_px=int(columns["size_px"][index]),
            steps_count=int(columns["steps_count"][index]),
            seed=int(columns["seed"][index]),
            cosine_power=float(columns["cosine_power"][index]),
        )
        for index, (count, end) in enumerate(zip(counts, ends, strict=True))
    ]


def _normalized(direction: ArrayLike, where: str) -> NDArray[np.float32]:
    values = np.asarray(direction)
    if values.ndim != 1 or not values.size or values.dtype.kind not in "biuf":
        raise RequestError(f"{where}: direction must be numbers of shape (channels,), not of shape {values.shape}")
    values = values.astype(np.float64)
    if not np.all(np.isfinite(values)):
        raise RequestError(f"{where}: direction holds NaN or infinity")
    largest = np.abs(values).max()
    if largest == 0:
        raise RequestError(f"{where}: direction is 0 everywhere, so there is nothing to visualize")
    # The largest becomes exactly 1, so that this done twice changes nothing; + 0 turns -0 into 0.
    normalized: NDArray[np.float32] = (values / largest).astype(np.float32) + np.float32(0)
    normalized.flags.writeable = False
    return normalized
