"""How large an image a layer is shown while a picture of it is optimized, and which part of it becomes the picture.

A unit of an early layer sees a few pixels. Its picture is optimized on an image hardly larger than that, cut to what
the unit sees, and enlarged: the unit can be recognized, and optimization takes a fraction of the time. A picture of all
positions of such a layer repeats itself; it shows a few repetitions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from netlens.feature_visualization.keyed_requests import SMALLEST_PX
from netlens.feature_visualization.requests import Position
from netlens.models.frozen.frozen_network import FrozenNetwork
from netlens.models.frozen.receptive_fields import receptive_fields

# Whatever changes a picture below must raise PROCEDURE in requests.py, which stored pictures depend on.
_STEP_PX: Final = 16  # sides are multiples of this, so that neighboring layers share a graph
_REPETITIONS: Final = 3  # receptive fields along each side where a layer counts everywhere


@dataclass(frozen=True)
class Canvas:
    """The image that is optimized, and the part of it that is shown.

    Attributes
    ----------
    side_px
        Height and width of the image.
    top_px, left_px, shown_px
        The square that is shown.
    """

    side_px: int
    top_px: int
    left_px: int
    shown_px: int

    def picture(self, image: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
        """Return the part of an image that is shown, smoothly enlarged to `size_px`."""
        rows = slice(self.top_px, self.top_px + self.shown_px)
        part = image[rows, self.left_px : self.left_px + self.shown_px]
        if self.shown_px == size_px:
            return part
        enlarged = Image.fromarray(np.ascontiguousarray(part), "RGB").resize(
            (size_px, size_px), Image.Resampling.LANCZOS
        )
        return np.asarray(enlarged)


def canvases(network: FrozenNetwork, layers: Sequence[str], position: Position, size_px: int) -> dict[str, Canvas]:
    """Return the canvas of each layer.

    Parameters
    ----------
    network
        The network.
    layers
        Names of layers, each once.
    position
        Where they count.
    size_px
        Height and width of the pictures; no canvas is larger.

    Returns
    -------
    dict
        Layer -> canvas. Layers without positions, and those whose units see as much as a whole picture, have the whole
        picture.

    Raises
    ------
    netlens.models.errors.NetworkError
        There is no such layer.
    """
    found = {layer: Canvas(size_px, 0, 0, size_px) for layer in layers}
    placed = [layer for layer in layers if network.layer(layer).height is not None]
    if not placed:
        return found
    sizes = {layer: max(reach.widest() for reach in pair) for layer, pair in receptive_fields(network, placed).items()}
    if position == "everywhere":
        sides = {layer: _rounded_up(_REPETITIONS * size) for layer, size in sizes.items()}
        return found | {layer: Canvas(side, 0, 0, side) for layer, side in sides.items() if side < size_px}
    sides = {layer: _rounded_up(size) for layer, size in sizes.items()}
    for side in range(min(sides.values()), size_px, _STEP_PX):
        waiting = [layer for layer in placed if sides[layer] <= side]
        fields = receptive_fields(network, waiting, (side, side)) if waiting else {}
        for layer, (rows, columns) in fields.items():
            row, column = len(rows.first) // 2, len(columns.first) // 2
            seen = (int(rows.last[row] - rows.first[row]) + 1, int(columns.last[column] - columns.first[column]) + 1)
            # Clipped at a border, it would be smaller: the unit in the middle must see nothing but image.
            if max(seen) == sizes[layer]:
                found[layer] = _square(side, int(rows.first[row]), int(columns.first[column]), sizes[layer])
                sides[layer] = size_px
    return found


def _square(side_px: int, top_px: int, left_px: int, shown_px: int) -> Canvas:
    # A field that is not square, or smaller than pictures may be, is shown with some surroundings.
    shown_px = max(shown_px, min(SMALLEST_PX // 2, side_px))
    most = side_px - shown_px
    return Canvas(side_px, min(top_px, most), min(left_px, most), shown_px)


def _rounded_up(side_px: int) -> int:
    return -(-max(side_px, SMALLEST_PX) // _STEP_PX) * _STEP_PX
