"""How much memory a job asks for: what its notebook was measured to use, and how that grows with what it reads.

``netlens bench scaling`` measures, and compares what is asked for with what the jobs of a study have used. A job asks
for more than its notebook's process needs, since the process that runs the notebook counts as well, and on a cluster
two processes of Snakemake.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from netlens.workflow.imports import code_of
from netlens.workflow.runner import BACKEND

#: The process that runs a notebook, and two of Snakemake in a job of a cluster.
RUNNER_MB: Final = 120.0
CLUSTER_MB: Final = 310.0
#: By how much notebooks have used more at another time, in another environment or for another network of that size.
MARGIN: Final = 1.25
#: Notebooks that draw or round a number, which no cluster gets: without TensorFlow, and with modules that import it.
DRAWING_MB: Final = 260.0
WITH_TENSORFLOW_MB: Final = 430.0
#: Image sets are read batch by batch, whatever their size.
_READ_IN_BATCHES: Final = ("images",)
_ARRAYS: Final = frozenset({".h5", ".npz", ".pb"})


@dataclass(frozen=True)
class Growth:
    """Peak memory of a notebook's process.

    Attributes
    ----------
    base_mb
        What it needs for a small network.
    per_input_mb
        How many megabytes more for each megabyte of networks and arrays that it reads.
    """

    base_mb: float
    per_input_mb: float = 0.0


#: Of notebooks whose jobs compute.
COMPUTING: Final = {
    "data/cifar": Growth(700),
    "data/download": Growth(200),
    "data/folder": Growth(300),
    "data/photos": Growth(270),
    "explanation_checks/checks": Growth(1050),
    "model_comparison/activations": Growth(1200),
    "model_comparison/analogies": Growth(370),
    "model_comparison/analogy_pictures": Growth(2150),
    "model_comparison/caricature_image": Growth(700),
    "model_comparison/caricatures": Growth(1200),
    "model_comparison/network_graph": Growth(380),
    "model_comparison/random_weights": Growth(1150),
    "model_comparison/sample": Growth(200),
    "model_comparison/second_moments": Growth(270),
    "model_comparison/similarity": Growth(340),
    "model_comparison/similarity_null": Growth(330),
    "models/evaluation": Growth(850),
    "models/frozen": Growth(1100),
    "models/kernels": Growth(750),
    "models/train": Growth(900),
    "pattern_attribution/attributions": Growth(640),
    "pattern_attribution/pattern_checks": Growth(650),
    "pattern_attribution/pattern_sums": Growth(1152),
    "pattern_attribution/patterns": Growth(410),
    "pattern_attribution/published_agreement": Growth(450),
    "pattern_attribution/singular_ratios": Growth(410),
    "pattern_attribution/spectra": Growth(400),
    "spatial_attribution/maps": Growth(1100),
    "spatial_attribution/scores": Growth(3200),
    "weights/analysis": Growth(165),
    "weights/circuit_editing": Growth(550),
    "weights/dataset_examples": Growth(620),
    "weights/expanded": Growth(450),
    "weights/factors": Growth(195),
    "weights/feature_visualizations": Growth(530),
}
#: Of those that draw and need more than others.
DRAWING: Final = {
    "data/image_set": 580.0,
    "pattern_attribution/whole_convolutions": 480.0,
    "site/index": 440.0,
}


def memory_mb(notebook: str, inputs: Iterable[str], attempt: int = 1) -> int:
    """Memory that a job asks for, in megabytes.

    Parameters
    ----------
    notebook
        ``section/notebook``.
    inputs
        Paths that it reads.
    attempt
        How often it has been started; where it was killed before, it asks for more.

    Raises
    ------
    FileNotFoundError
        An input that counts is still to be made.
    """
    growth = COMPUTING.get(notebook)
    if growth is None:
        return math.ceil((RUNNER_MB + MARGIN * _drawing_mb(notebook)) * attempt)
    read_mb = sum(map(_size_mb, filter(_is_read_whole, inputs))) if growth.per_input_mb else 0.0
    return math.ceil((RUNNER_MB + CLUSTER_MB + MARGIN * (growth.base_mb + growth.per_input_mb * read_mb)) * attempt)


@cache
def _drawing_mb(notebook: str) -> float:
    if notebook in DRAWING:
        return DRAWING[notebook]
    return WITH_TENSORFLOW_MB if BACKEND in code_of(f"notebooks/{notebook}.ipynb") else DRAWING_MB


def _is_read_whole(path: str) -> bool:
    file = Path(path)
    return file.suffix in _ARRAYS and file.parent.parent.name not in _READ_IN_BATCHES


def _size_mb(path: str) -> float:
    return Path(path).stat().st_size / 1e6
