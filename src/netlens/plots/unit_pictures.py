"""Pictures of units: feature visualizations, and the crops of images that activate a unit most."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from netlens.feature_visualization.examples import DatasetExamples
from netlens.feature_visualization.results import load_visualizations
from netlens.plots.unit_panels import draw_picture, panel

#: What a panel says in place of a unit's picture where no image activates the unit.
NEVER_ACTIVE = "never\nactive"


@dataclass(frozen=True)
class UnitPictures:
    """Feature visualizations and dataset examples by the key of the unit or direction.

    Attributes
    ----------
    visualizations
        uint8 (size, size, 3) by key.
    examples
        The images that activate each most.
    """

    visualizations: Mapping[str, NDArray[Any]]
    examples: DatasetExamples

    def draw(self, ax: Axes, key: str, title: str = "", *, size_pt: float = 6.5) -> None:
        """Draw a feature visualization.

        A direction of zeros, which has an empty key, gets a gray panel with a dash; a unit that no image activates, a
        gray panel that says so.

        Parameters
        ----------
        ax
            Axes to draw into.
        key
            The unit's.
        title
            Text above.
        size_pt
            Its size.
        """
        if key and self.examples.is_active(key):
            draw_picture(ax, self.visualizations[key], title, size_pt=size_pt)
            return
        draw_picture(ax, np.full((2, 2, 3), 0.9), title, size_pt=size_pt)
        text, points = (NEVER_ACTIVE, 6.5) if key else ("\N{EN DASH}", 8.0)
        ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", fontsize=points, color="0.3")

    def draw_example(self, ax: Axes, key: str, rank: int = 0, *, size_pt: float = 6.5) -> None:
        """Draw the crop that activates a unit most, or the next ones, with its activation in the corner.

        Parameters
        ----------
        ax
            Axes to draw into; they stay empty where there is no such crop.
        key
            The unit's.
        rank
            0 for the strongest.
        size_pt
            Size of the activation.
        """
        found = self.examples.strongest(key, rank + 1)
        if len(found) <= rank:
            ax.set_axis_off()
            return
        crop, activation = found[rank]
        draw_picture(ax, crop)
        outline = [withStroke(linewidth=1.3, foreground="black")]
        place: dict[str, Any] = {"transform": ax.transAxes, "ha": "right", "va": "bottom", "fontsize": size_pt}
        shown = f"{activation:.0f}" if activation >= 100 else f"{activation:.2g}"
        ax.text(0.97, 0.02, shown, color="white", path_effects=outline, **place)

    def draw_examples(
        self, fig: Figure, place_in: tuple[float, float, float], key: str, count: int, *, columns: int = 0
    ) -> None:
        """Draw the strongest crops in rows, placed in inches from the figure's upper left corner.

        Parameters
        ----------
        fig
            The figure.
        place_in
            Left edge, upper edge and width of all crops together.
        key
            The unit's.
        count
            Number of crops.
        columns
            Crops per row; 0: all in one.
        """
        (left_in, top_in, width_in), columns, gap_in = place_in, columns or count, 0.025
        side_in = (width_in + gap_in) / columns - gap_in
        for rank in range(count):
            row, column = divmod(rank, columns)
            ax = panel(fig, left_in + column * (side_in + gap_in), top_in + row * (side_in + gap_in), side_in)
            self.draw_example(ax, key, rank)

    def arrays(self, keys: Iterable[str]) -> dict[str, NDArray[Any]]:
        """Return what figures show of some units: ``pictures``, ``example_crops``, ``example_activations``.

        Each unit appears once, in the order of the keys; empty keys are passed over. Pictures of several sizes are
        ``pictures_48px``, ``pictures_64px`` and so on.
        """
        shown = [key for key in dict.fromkeys(keys) if key]
        by_size: dict[int, list[NDArray[Any]]] = {}
        for key in shown:
            by_size.setdefault(len(self.visualizations[key]), []).append(self.visualizations[key])
        pictures = {f"pictures_{size}px": np.stack(each) for size, each in by_size.items()}
        if len(pictures) < 2:
            pictures = {"pictures": next(iter(pictures.values()), np.zeros((0, 1, 1, 3), np.uint8))}
        return {**pictures, **self.examples.arrays(shown)}


def load_unit_pictures(visualizations: str | Path, examples: str | Path, keys: Sequence[str]) -> UnitPictures:
    """Load the feature visualizations of some units, and all dataset examples.

    Parameters
    ----------
    visualizations
        File of feature visualizations.
    examples
        File of dataset examples.
    keys
        The units'; the same may appear more than once, and empty ones are passed over.

    Returns
    -------
    UnitPictures

    Raises
    ------
    FileNotFoundError, netlens.files.arrays.ArrayFileError
        A file is missing or damaged, or lacks a key.
    """
    return UnitPictures(load_visualizations(visualizations, keys), DatasetExamples.load(examples))
