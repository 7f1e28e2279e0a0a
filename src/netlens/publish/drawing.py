"""What a figure draws, in words and numbers: what a reader would notice if it were another."""

from typing import Any

import numpy as np
from matplotlib import colors
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend


def drawing(fig: Figure) -> list[dict[str, Any]]:
    """Contents of each axes of a figure, as plain data.

    Parameters
    ----------
    fig
        The figure as it is saved.

    Returns
    -------
    list of dict
        For each visible axes: ``title``, ``x`` and ``y`` (label, scale and limits), ``lines``, ``points`` and
        ``patches`` (color and label, and how many points, in the order of drawing; alike ones are counted), ``images``
        (size, colormap and range), ``texts``, and ``legend`` (each label with the color of its handle). The figure's
        own legends come last. A key is missing where there is nothing.
    """
    found = [_axes(axes) for axes in fig.axes if axes.get_visible()]
    own = [_legend(legend) for legend in fig.legends]
    return [*found, *({"legend": entries} for entries in own if entries)]


def _axes(axes: Axes) -> dict[str, Any]:
    legend = axes.get_legend()
    contents: dict[str, Any] = {
        "title": " | ".join(title for place in ("left", "center", "right") if (title := axes.get_title(loc=place))),  # type: ignore[arg-type]
        "lines": _counted(
            [_color(line.get_color()), _label(line), len(np.atleast_1d(line.get_xdata()))]
            for line in axes.lines
            if line.get_visible()
        ),
        "points": _counted(
            [_first_color(points.get_facecolor()), _label(points), len(points.get_offsets())]  # type: ignore[arg-type]
            for points in axes.collections
            if points.get_visible()
        ),
        "patches": _counted(
            [_color(patch.get_facecolor()), _label(patch)] for patch in axes.patches if patch.get_visible()
        ),
        "images": _counted(
            [*image.get_size(), *_range(image)] for image in axes.images if image.get_visible()
        ),
        "texts": [text.get_text() for text in axes.texts if text.get_visible() and text.get_text()],
        "legend": _legend(legend) if legend is not None and legend.get_visible() else [],
    }  # fmt: skip
    if axes.axison:
        for name, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
            low, high = sorted(float(value) for value in axis.get_view_interval())
            contents[name] = {"label": axis.get_label_text(), "scale": axis.get_scale(), "limits": [low, high]}
    return {key: value for key, value in contents.items() if value}


def _range(image: Any) -> list[Any]:
    """Colormap and range of an image of numbers; nothing for one that is colors already."""
    values = image.get_array()
    if values is None or values.ndim == 3:
        return []
    low, high = image.get_clim()
    return [image.get_cmap().name, None if low is None else float(low), None if high is None else float(high)]


def _legend(legend: Legend) -> list[list[str]]:
    entries = []
    for handle, text in zip(legend.legend_handles, legend.get_texts(), strict=False):
        color = "none"
        for getter in ("get_color", "get_facecolor"):
            if hasattr(handle, getter):
                color = _first_color(getattr(handle, getter)())
                break
        entries.append([text.get_text(), color])
    return entries


def _label(artist: Any) -> str:
    label = str(artist.get_label())
    return "" if label.startswith("_") else label


def _counted(entries: Any) -> list[list[Any]]:
    """Entries in their order, each with how often it comes in a row."""
    counted: list[list[Any]] = []
    for entry in entries:
        if counted and counted[-1][0] == entry:
            counted[-1][1] += 1
        else:
            counted.append([entry, 1])
    return counted


def _first_color(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.ndim == 2:
        return _color(value[0]) if len(value) else "none"
    return _color(value)


def _color(value: Any) -> str:
    """Color as hexadecimal digits with opacity; several colors by the first."""
    if value is None or (isinstance(value, str) and value == "none"):
        return "none"
    return colors.to_hex(colors.to_rgba_array(value)[0], keep_alpha=True)
