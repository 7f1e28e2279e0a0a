"""The numbers that a paper says of its network."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from netlens.models.errors import NetworkError
from netlens.models.evaluation import accuracy, scene_recall

Number = tuple[float | str, float | None]

#: What a number is where a study has none, in the paper's words.
NOT_APPLICABLE = "not applicable"


def quantity(
    name: str, evaluation: Mapping[str, NDArray[Any]], kernels: Mapping[str, NDArray[Any]], files: Sequence[str | Path]
) -> Number:
    """Compute one number.

    Parameters
    ----------
    name
        ``heldout_accuracy`` (fraction of the held-out images), ``scene_recall`` (fraction of the classes in composed
        scenes), ``kernel_layers`` (count), ``kernel_weights`` (count, biases left out), ``checkpoint_size`` (MB of 10^6
        bytes), ``training_time`` (minutes of processor time over all cores).
    evaluation
        Arrays of the rule ``evaluation``.
    kernels
        Kernels by layer.
    files
        What the network is loaded from: the checkpoint, and its training record where there is one.

    Returns
    -------
    value
        The number; `NOT_APPLICABLE` where the image set has no scenes, the network no file, or no training record.
    uncertainty
        One standard deviation of a share of n independent draws, sqrt(p (1 - p) / n); None for the others.

    Raises
    ------
    NetworkError
        There is no number of that name.
    """
    compute: dict[str, Callable[[], Number]] = {
        "heldout_accuracy": lambda: _heldout_accuracy(evaluation),
        "scene_recall": lambda: _scene_recall(evaluation),
        "kernel_layers": lambda: (len(kernels), None),
        "kernel_weights": lambda: (sum(int(kernel.size) for kernel in kernels.values()), None),
        "checkpoint_size": lambda: (Path(files[0]).stat().st_size / 1e6 if files else NOT_APPLICABLE, None),
        "training_time": lambda: _training_time(files),
    }
    if name not in compute:
        raise NetworkError(f"no number of a network is named {name!r}; there are {', '.join(compute)}")
    return compute[name]()


def _heldout_accuracy(evaluation: Mapping[str, NDArray[Any]]) -> Number:
    share = accuracy(evaluation["heldout_logits"], evaluation["heldout_labels"])
    return share, _deviation(share, len(evaluation["heldout_labels"]))


def _scene_recall(evaluation: Mapping[str, NDArray[Any]]) -> Number:
    if "scenes_logits" not in evaluation:
        return NOT_APPLICABLE, None
    labels = evaluation["scenes_labels"]
    share = scene_recall(evaluation["scenes_logits"], labels)
    return share, _deviation(share, int((labels >= 0).sum()))


def _training_time(files: Sequence[str | Path]) -> Number:
    records = [Path(file) for file in files if str(file).endswith(".json")]
    if not records:
        return NOT_APPLICABLE, None
    return json.loads(records[0].read_text(encoding="utf-8"))["training_cpu_s"] / 60, None


def _deviation(share: float, count: int) -> float:
    return math.sqrt(share * (1 - share) / count)
