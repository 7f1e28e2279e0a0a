"""The numbers that the paper states about its network."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from netlens.models.errors import NetworkError
from netlens.models.results import Evaluation

Value = TypeVar("Value")
#: A value, and one standard deviation of it where there is one.
Number = tuple[float | str, float | None]

#: What the paper prints where a study has no such number.
NOT_APPLICABLE = "not applicable"


def quantity(
    name: str,
    *,
    evaluation: Evaluation | None = None,
    kernels: Mapping[str, NDArray[Any]] | None = None,
    files: Sequence[str | Path] = (),
) -> Number:
    """One number of the network.

    Parameters
    ----------
    name
        ``heldout_accuracy`` (fraction of the held-out images), ``scene_recall`` (fraction of the classes in composed
        scenes), ``kernel_layers`` (count), ``kernel_weights`` (count, biases left out), ``checkpoint_size`` (MB of 10^6
        bytes), ``training_time`` (minutes of processor time over all cores).
    evaluation
        Logits and labels of the held-out images and scenes; for the first two.
    kernels
        Kernels by layer; for the next two.
    files
        The files that the network is loaded from: the checkpoint, and its training record where there is one; for the
        last two.

    Returns
    -------
    value
        The number; `NOT_APPLICABLE` where the image set has no scenes, or the network has no file or training record.
    uncertainty
        For a share p of n independent draws the standard deviation sqrt(p (1 - p) / n), otherwise None.

    Raises
    ------
    NetworkError
        There is no number of that name, or what it is computed from is not given.
    """
    compute: dict[str, Callable[[], Number]] = {
        "heldout_accuracy": lambda: _heldout_accuracy(_given(name, evaluation)),
        "scene_recall": lambda: _scene_recall(_given(name, evaluation)),
        "kernel_layers": lambda: (len(_given(name, kernels)), None),
        "kernel_weights": lambda: (sum(int(kernel.size) for kernel in _given(name, kernels).values()), None),
        "checkpoint_size": lambda: (Path(files[0]).stat().st_size / 1e6 if files else NOT_APPLICABLE, None),
        "training_time": lambda: _training_time(files),
    }
    if name not in compute:
        raise NetworkError(f"quantity is {name!r}: it must be one of {', '.join(compute)}")
    return compute[name]()


def _given(name: str, value: Value | None) -> Value:
    if value is None:
        raise NetworkError(f"{name} cannot be computed: what it is computed from is not given")
    return value


def _heldout_accuracy(evaluation: Evaluation) -> Number:
    share = evaluation.heldout_accuracy
    return share, _deviation(share, int((evaluation.heldout_labels >= 0).sum()))


def _scene_recall(evaluation: Evaluation) -> Number:
    share, labels = evaluation.scene_recall, evaluation.scenes_labels
    if share is None or labels is None:
        return NOT_APPLICABLE, None
    return share, _deviation(share, int((labels >= 0).sum()))


def _training_time(files: Sequence[str | Path]) -> Number:
    records = [Path(file) for file in files if str(file).endswith(".json")]
    if not records:
        return NOT_APPLICABLE, None
    return json.loads(records[0].read_text(encoding="utf-8"))["training_cpu_s"] / 60, None


def _deviation(share: float, count: int) -> float:
    return math.sqrt(share * (1 - share) / count)
