"""Feature visualizations that an analysis requests, collected for the job that renders them.

Nothing here starts TensorFlow.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from netlens.feature_visualization.keyed_requests import RequestError
from netlens.feature_visualization.requests import PictureRequest, Position, channel_direction, pack, unpack
from netlens.files.arrays import load_arrays, save_arrays


class RequestCollection:
    """Requests for feature visualizations of one network that share their settings.

    Parameters
    ----------
    network_sha256
        Hash of the network that they are made from (`FrozenNetwork.sha256`).
    position, size_px, steps_count, seed, cosine_power
        Settings that all have in common; see `PictureRequest`.

    Examples
    --------
    >>> collection = RequestCollection("ab" * 32, size_px=64, steps_count=128)
    >>> key = collection.unit_key("mixed3a", 17, 256)
    >>> collection.direction_key("mixed3a", np.zeros(256))
    ''
    """

    def __init__(
        self,
        network_sha256: str,
        *,
        position: Position = "everywhere",
        size_px: int = 64,
        steps_count: int = 128,
        seed: int = 0,
        cosine_power: float = 0.0,
    ) -> None:
        self.network_sha256 = network_sha256
        self._position = position
        self._size_px = size_px
        self._steps_count = steps_count
        self._seed = seed
        self._cosine_power = cosine_power
        self._requests: dict[PictureRequest, None] = {}

    def using(
        self, *, position: Position | None = None, size_px: int | None = None, steps_count: int | None = None
    ) -> "RequestCollection":
        """Return the same collection for requests with other settings; what is requested of either is in both.

        Parameters
        ----------
        position, size_px, steps_count
            As in `PictureRequest`; None: as they are.
        """
        other = RequestCollection(
            self.network_sha256,
            position=position or self._position,
            size_px=self._size_px if size_px is None else size_px,
            steps_count=self._steps_count if steps_count is None else steps_count,
            seed=self._seed,
            cosine_power=self._cosine_power,
        )
        other._requests = self._requests
        return other

    @property
    def requests(self) -> list[PictureRequest]:
        """All requests, each once, in the order in which they were made."""
        return list(self._requests)

    def direction_key(self, layer: str, direction: ArrayLike) -> str:
        """Request the feature visualization of a direction and return its key.

        Parameters
        ----------
        layer
            Name of the layer.
        direction
            (channels,) of that layer, any scale.

        Returns
        -------
        str
            The key; empty for a direction of zeros, which has no feature visualization.

        Raises
        ------
        RequestError
            The direction or a setting is impossible; the message names it.
        """
        values = np.asarray(direction)
        if values.size and not values.any():
            return ""
        request = PictureRequest(
            layer, values, self._position, self._size_px, self._steps_count, self._seed, self._cosine_power
        )
        self._requests.setdefault(request)
        return request.key(self.network_sha256)

    def direction_keys(self, layer: str, directions: Iterable[ArrayLike]) -> tuple[str, ...]:
        """Request the feature visualizations of several directions and return their keys."""
        return tuple(self.direction_key(layer, direction) for direction in directions)

    def unit_key(self, layer: str, unit: int, units_count: int) -> str:
        """Request the feature visualization of one of a layer's `units_count` units and return its key.

        Raises
        ------
        RequestError
            There is no such unit, or a setting is impossible.
        """
        return self.direction_key(layer, channel_direction(int(unit), units_count))

    def unit_keys(self, layer: str, units: Iterable[int], units_count: int) -> tuple[str, ...]:
        """Request the feature visualizations of several units and return their keys."""
        return tuple(self.unit_key(layer, unit, units_count) for unit in units)

    def save(self, path: str | Path) -> None:
        """Save the requests as npz, for `load_requests`.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        save_arrays(path, pack(self.requests))


def load_requests(path: str | Path) -> list[PictureRequest]:
    """Load the requests that `RequestCollection.save` wrote.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ArrayFileError
        The file is damaged.
    RequestError
        The file does not hold requests, or holds impossible ones.
    """
    try:
        return unpack(load_arrays(path))
    except RequestError as error:
        raise RequestError(f"{path}: {error}; delete the file and run the rule that makes it") from error
