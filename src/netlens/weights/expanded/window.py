"""The receptive field, and the square window of source positions that expanded weights are returned on.

The receptive field of a target unit is derived from the graph: from the first tap to the last, the larger of rows and
columns. Where the stride between the layers is more than 1, the default window is one larger, with zeros in the extra
row and column: a unit then stands for a block of positions, and none of these is in the middle.

A window is centered on the receptive field, along each axis by itself. Where their sizes differ by an odd number, the
window begins one position earlier: the default window of a strided layer has its zeros in the first row and column.
Voss et al. 2021, "Visualizing Weights", choose the size of their windows by hand.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from netlens.models.frozen.frozen_network import FrozenNetwork
from netlens.weights.expanded.linear_graph import Extent, LinearGraph, linear_graph
from netlens.weights.expanded.taps import Array, Pair


class WindowError(ValueError):
    """An impossible window, or an impossible choice of units."""


@dataclass(frozen=True)
class ExpandedWeights:
    """The linear map from a window of one layer to the central unit of another one.

    Attributes
    ----------
    weights
        (W, W, channels of the source, channels of the target): row, column, and the two channels.
    source, target
        Names of the layers.
    receptive_field
        Positions of the source that a target unit depends on, along the longer side.
    stride
        Positions of the source from one target unit to the next.
    units
        Which channels of the target; None for all.
    """

    weights: NDArray[np.floating]
    source: str
    target: str
    receptive_field: int
    stride: int
    units: tuple[int, ...] | None = field(default=None)


@dataclass(frozen=True)
class Window:
    """A window of source positions.

    Attributes
    ----------
    size
        W.
    start
        Its first row and column, for the target unit at 0.
    """

    size: int
    start: Pair


def receptive_field(network: FrozenNetwork, source: str, target: str) -> int:
    """Return the number of source positions that a target unit depends on, along the longer side.

    Parameters
    ----------
    network
        The frozen network.
    source, target
        Names of its layers.

    Returns
    -------
    int
        In positions of the source.

    Raises
    ------
    NetworkError
        As `netlens.weights.expanded.linear_graph.linear_graph`.
    """
    graph = linear_graph(network, source, target)
    return max(graph.extents()[graph.tensors[-1].name].size)


def window_of(extent: Extent, size: int | None, graph: LinearGraph) -> Window:
    """Return the placed window; warn where it leaves out some of the receptive field.

    Parameters
    ----------
    extent
        The source positions that a target unit depends on.
    size
        W; None for the default.
    graph
        For the names in messages.

    Returns
    -------
    Window

    Raises
    ------
    WindowError
        W is not a positive whole number.
    """
    field_size = max(extent.size)
    if size is None:
        size = field_size + (max(extent.stride) > 1)
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise WindowError(f"the window must be a whole number of at least 1, not {size!r}")
    if size < field_size:
        warnings.warn(
            f"expanded weights of {graph.source!r} and {graph.target!r}: a window of {size} leaves out some of the "
            f"receptive field, {field_size} positions",
            stacklevel=3,
        )
    starts = [offset + (own - size) // 2 for offset, own in zip(extent.offset, extent.size, strict=True)]
    return Window(int(size), (starts[0], starts[1]))


def checked_units(units: Sequence[int] | None, channels: int, target: str) -> list[int]:
    """Return the requested channels of the target; all for None.

    Raises
    ------
    WindowError
        No channel is named, one does not exist, or one is named twice.
    """
    if units is None:
        return list(range(channels))
    chosen = [int(unit) for unit in units]
    wrong = [unit for unit in chosen if not 0 <= unit < channels]
    if wrong or not chosen or len(set(chosen)) < len(chosen):
        told = f"there is no {wrong[0]}" if wrong else "name at least one, each once"
        raise WindowError(f"layer {target!r} has units 0 to {channels - 1}; {told}")
    return chosen


def cut_out(values: Array, extent: Extent, window: Window) -> Array:
    """Return `values` inside a window, zeros where the window reaches beyond them.

    Parameters
    ----------
    values
        (h, w, ...) on the positions of `extent`.
    extent
        Their positions.
    window
        The window.

    Returns
    -------
    ndarray
        (W, W, ...).
    """
    out = np.zeros((window.size, window.size, *values.shape[2:]), values.dtype)
    (target_y, source_y), (target_x, source_x) = (
        _overlap(extent.offset[axis] - window.start[axis], extent.size[axis], window.size) for axis in (0, 1)
    )
    out[target_y, target_x] = values[source_y, source_x]
    return out


def _overlap(offset: int, count: int, size: int) -> tuple[slice, slice]:
    """Return where `count` values that begin at `offset` lie in a window, and which of them do."""
    first, last = max(offset, 0), min(offset + count, size)
    return slice(first, max(first, last)), slice(first - offset, max(first, last) - offset)
