"""The evaluation of a network as it is kept on disk."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.files.arrays import ArrayFileError, load_arrays, save_arrays
from netlens.models.evaluation import accuracy, scene_recall

Integers = NDArray[np.int64]
Floats = NDArray[np.float32]

_HELDOUT = ("class_names", "heldout_logits", "heldout_labels")
_SCENES = ("scenes_logits", "scenes_labels")


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
        int64, (n,): index into `class_names`.
    scenes_logits
        float32, (s, classes); None where the image set has no scenes.
    scenes_labels
        int64, (s, m): the classes of each scene, -1 where it has fewer than m; None where there are no scenes.
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
            The file is damaged, is not an evaluation, or its arrays do not match each other.
        """
        arrays: dict[str, NDArray[Any]] = dict(load_arrays(path))
        if set(arrays) not in ({*_HELDOUT}, {*_HELDOUT, *_SCENES}):
            raise ArrayFileError(
                f"{path}: not an evaluation: it holds {', '.join(sorted(arrays)) or 'nothing'}; "
                "delete it and run the rule evaluation again"
            )
        names = arrays["class_names"]
        fits = names.ndim == 1 and names.dtype.kind == "U"
        for part, label_axes in (("heldout", 1), ("scenes", 2)):
            if f"{part}_logits" in arrays:
                logits, labels = arrays[f"{part}_logits"], arrays[f"{part}_labels"]
                fits = (
                    fits
                    and logits.dtype == np.float32
                    and labels.dtype == np.int64
                    and labels.ndim == label_axes
                    and logits.shape == (len(labels), len(names))
                    and bool(np.all((labels >= 1 - label_axes) & (labels < len(names))))
                )
        if not fits:
            raise ArrayFileError(
                f"{path}: the logits, labels and class names of this evaluation do not match each other; "
                "delete it and run the rule evaluation again"
            )
        return cls(
            class_names=tuple(str(name) for name in names),
            **{name: values for name, values in arrays.items() if name != "class_names"},
        )
