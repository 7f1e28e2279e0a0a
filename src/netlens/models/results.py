"""The evaluation of a network as it is kept on disk."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.files.array_reader import ArrayReader
from netlens.files.arrays import save_arrays
from netlens.models.evaluation import accuracy, scene_recall

Integers = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Evaluation:
    """Logits of held-out images and composed scenes, with the labels that they should agree with.

    Attributes
    ----------
    class_names
        Names of the network's outputs, in the order of the logits.
    heldout_logits
        float32, (n, classes).
    heldout_labels
        int64, (n,): index into `class_names`; -1 where the network has no output for the image's class.
    scenes_logits
        float32, (s, classes); None where the image set has no scenes.
    scenes_labels
        int64, (s, m): the classes of each scene, -1 where it has fewer or the network has no output for one; None
        where there are no scenes.
    """

    class_names: tuple[str, ...]
    heldout_logits: Floats
    heldout_labels: Integers
    scenes_logits: Floats | None = None
    scenes_labels: Integers | None = None

    @property
    def heldout_accuracy(self) -> float:
        """Share of the held-out images whose largest logit is that of their class."""
        return accuracy(self.heldout_logits, self.heldout_labels)

    @property
    def scene_recall(self) -> float | None:
        """Share of the classes in scenes of m classes that are among the m largest logits; None without scenes."""
        if self.scenes_logits is None or self.scenes_labels is None:
            return None
        return scene_recall(self.scenes_logits, self.scenes_labels)

    def save(self, path: str | Path) -> None:
        """Save as npz, to be read by `load`."""
        arrays: dict[str, Any] = {
            "class_names": list(self.class_names),
            "heldout_logits": self.heldout_logits,
            "heldout_labels": self.heldout_labels,
        }
        if self.scenes_logits is not None and self.scenes_labels is not None:
            arrays |= {"scenes_logits": self.scenes_logits, "scenes_labels": self.scenes_labels}
        save_arrays(path, arrays)

    @classmethod
    def load(cls, path: str | Path) -> "Evaluation":
        """Load what `save` has written.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, an array is missing or does not belong in it, or the arrays do not match each other.
        """
        reader = ArrayReader(path)
        names = reader.names("class_names", "classes")
        heldout = _logits_and_labels(reader, "heldout", "images")
        if not reader.left:
            return cls(names, *heldout)
        scenes = _logits_and_labels(reader, "scenes", "scenes", "classes of a scene")
        reader.finish()
        return cls(names, *heldout, *scenes)


def _logits_and_labels(reader: ArrayReader, part: str, *axes: str) -> tuple[Floats, Integers]:
    logits = reader.array(f"{part}_logits", "f", axes[0], "classes")
    labels = reader.array(f"{part}_labels", "i", *axes)
    if labels.size and not -1 <= labels.min() <= labels.max() < logits.shape[1]:
        raise reader.error(f"array '{part}_labels' holds labels that are not classes")
    return logits, labels
