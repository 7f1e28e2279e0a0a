"""What a caricature is made from, and the key under which it is stored.

Nothing here starts TensorFlow.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from netlens.feature_visualization.keyed_requests import (
    SMALLEST_PX,
    KeyedRequest,
    RequestError,
    checked_layer,
    settle_numbers,
)

#: Version of `netlens.feature_visualization.inversion`: raised whenever a request would produce another picture.
CARICATURE_PROCEDURE: Final = 4


@dataclass(frozen=True, eq=False)
class CaricatureRequest(KeyedRequest):
    """One caricature: the picture whose activations at a layer point as far as possible along those of an image.

    Requests for the same picture are equal.

    Attributes
    ----------
    layer
        Name of the layer, as in `netlens.models.frozen.frozen_network.FrozenNetwork.layers`.
    image
        (size, size, 3) uint8, RGB, at the size of the caricature; kept read-only. `square_picture` makes it.
    cosine_power
        At each position, the product of the two activations is multiplied by this power of their cosine.
    steps_count
        Steps of the optimization. Every position has a target, so fewer are enough than for a feature visualization.
    seed
        Of the noise that the optimization starts from.

    Raises
    ------
    RequestError
        A value is impossible; the message names it.
    """

    layer: str
    image: NDArray[np.uint8]
    cosine_power: float = 0.0
    steps_count: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the values, and keep a copy of the image."""
        where = checked_layer(self.layer, "caricature")
        settle_numbers(self, where, steps_count=1, seed=0)
        image = _checked(self.image, where)
        if image.shape[0] != image.shape[1] or image.shape[0] < SMALLEST_PX:
            raise RequestError(
                f"{where}: the image must be square, {SMALLEST_PX} pixels or more, not {image.shape[0]} x "
                f"{image.shape[1]}; use square_picture"
            )
        image = image.copy()
        image.flags.writeable = False
        object.__setattr__(self, "image", image)

    @property
    def size_px(self) -> int:
        """Height and width of the caricature in pixels."""
        return int(self.image.shape[0])

    def _procedure(self) -> dict[str, int]:
        return {"caricature": CARICATURE_PROCEDURE}

    def _content(self) -> tuple[str, bytes]:
        header = (self.layer, self.size_px, self.cosine_power, self.steps_count, self.seed)
        return json.dumps(header), self.image.tobytes()


def square_picture(image: NDArray[Any], size_px: int) -> NDArray[np.uint8]:
    """Return the central square of an image, resized.

    Parameters
    ----------
    image
        (height, width, 3) uint8.
    size_px
        Height and width of the result in pixels.

    Returns
    -------
    ndarray
        (size_px, size_px, 3) uint8; the image itself where it has that size.

    Raises
    ------
    RequestError
        The array is not such an image, or the size is less than 16 pixels.
    """
    pixels = _checked(image, "image of caricatures")
    if size_px < SMALLEST_PX:
        raise RequestError(f"image of caricatures: size_px must be at least {SMALLEST_PX}, not {size_px}")
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = np.ascontiguousarray(pixels[top : top + side, left : left + side])
    if side == size_px:
        return square
    return np.asarray(Image.fromarray(square, "RGB").resize((size_px, size_px), Image.Resampling.LANCZOS), np.uint8)


def _checked(image: NDArray[Any], where: str) -> NDArray[np.uint8]:
    pixels = np.asarray(image)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size or pixels.dtype != np.uint8:
        raise RequestError(
            f"{where}: the image must be uint8 of shape (height, width, 3), not {pixels.dtype} of {pixels.shape}"
        )
    return pixels
