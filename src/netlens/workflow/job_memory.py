"""How much memory a job asks for: more than what its notebook was measured to use, on networks of the demo's size.

``netlens bench scaling`` measures, and compares what is asked for with what the jobs of a study have used. A job asks
for more than its notebook's process needs, since the process that runs the notebook counts as well, and on a cluster
two processes of Snakemake.
"""

import math
from collections.abc import Mapping
from functools import cache
from typing import Final

from netlens.workflow.imports import code_of
from netlens.workflow.notebook_process import BACKEND

#: The process that runs a notebook, and two of Snakemake in a job of a cluster.
RUNNER_MB: Final = 120.0
CLUSTER_MB: Final = 310.0
#: By how much notebooks have used more at another time, in another environment or for another network of that size.
MARGIN: Final = 1.25
#: Notebooks that draw or round a number, which no cluster gets: without TensorFlow, and with modules that import it.
DRAWING_MB: Final = 260.0
WITH_TENSORFLOW_MB: Final = 430.0
#: Peak memory of notebooks whose jobs compute, in megabytes.
COMPUTING: Final[Mapping[str, float]] = {
    "data/cifar": 700,
    "data/download": 200,
    "data/folder": 300,
    "data/photos": 270,
    "explanation_checks/checks": 1050,
    "model_comparison/activations": 1200,
    "model_comparison/analogies": 370,
    "model_comparison/analogy_pictures": 2150,
    "model_comparison/caricature_image": 700,
    "model_comparison/caricatures": 1200,
    "model_comparison/network_graph": 380,
    "model_comparison/random_weights": 1150,
    "model_comparison/sample": 200,
    "model_comparison/second_moments": 270,
    "model_comparison/similarity": 340,
    "model_comparison/similarity_null": 330,
    "models/evaluation": 850,
    "models/frozen": 1100,
    "models/kernels": 750,
    "models/train": 900,
    "pattern_attribution/attributions": 640,
    "pattern_attribution/pattern_checks": 650,
    "pattern_attribution/pattern_sums": 1152,
    "pattern_attribution/patterns": 410,
    "pattern_attribution/published_agreement": 450,
    "pattern_attribution/singular_ratios": 410,
    "pattern_attribution/spectra": 400,
    # InceptionV1's, with maps of up to 28 x 28 positions; SqueezeNet's take 1,100.
    "spatial_attribution/maps": 3300,
    "spatial_attribution/scores": 3200,
    "weights/analysis": 165,
    "weights/circuit_editing": 550,
    "weights/dataset_examples": 620,
    "weights/expanded": 450,
    "weights/factors": 195,
    "weights/feature_visualizations": 530,
}
#: Of a frozen graph, what `model_comparison/activations` was measured to use more for each megabyte (AlexNet's 250 MB);
#: others that run the graph are taken to use as much.
_GRAPH: Final = 11.2
#: What they use more for each megabyte of the file with their network's weights, measured with VGG-16 (553 MB, float64
#: sums for three estimators), ResNet-50, AlexNet and InceptionV1, random weights: see docs/SCALING.md.
PER_NETWORK_MB: Final[Mapping[str, float]] = {
    "explanation_checks/checks": 16.7,
    "model_comparison/activations": _GRAPH,
    "model_comparison/analogy_pictures": _GRAPH,
    "model_comparison/caricature_image": _GRAPH,
    "model_comparison/caricatures": _GRAPH,
    "model_comparison/random_weights": _GRAPH,
    "models/evaluation": 4.2,
    "models/numbers": 0.8,
    "models/frozen": 6.6,
    "models/kernels": 7.7,
    "pattern_attribution/attributions": 9.3,
    "pattern_attribution/center_tap_number": 4.5,
    "pattern_attribution/pattern_checks": 16.6,
    "pattern_attribution/published_agreement": 1.7,
    # Of one shard it was 11.8; of several, a third copy of the sums (3.3 GB for VGG-16) is in memory.
    "pattern_attribution/patterns": 17.8,
    "pattern_attribution/pattern_sums": 26.1,
    # ResNet-50's, most of whose kernels are 1x1; VGG-16's use 12.3.
    "pattern_attribution/singular_ratios": 38.3,
    "pattern_attribution/spectra": 4.0,
    "pattern_attribution/whole_convolutions": 5.3,
    "spatial_attribution/maps": _GRAPH,
    # Of a Keras model, explained by methods that reverse it; of the graph alone it is less.
    "spatial_attribution/scores": 21.9,
    "weights/analysis": 1.0,
    "weights/circuit_editing": _GRAPH,
    "weights/dataset_examples": _GRAPH,
    "weights/expanded": 15.5,
    "weights/factors": 2.0,
    "weights/feature_visualizations": _GRAPH,
}
#: Of those that draw and need more than others.
DRAWING: Final[Mapping[str, float]] = {
    "data/image_set": 580.0,
    "pattern_attribution/whole_convolutions": 480.0,
    "site/index": 440.0,
}


def memory_mb(notebook: str, attempt: int = 1, *, network_mb: float = 0.0) -> int:
    """Memory that a job asks for, in megabytes.

    Parameters
    ----------
    notebook
        ``section/notebook``.
    attempt
        How often it has been started; where it was killed before, it asks for more.
    network_mb
        Size of the file with its network's weights, in megabytes.
    """
    if notebook in COMPUTING:
        used = COMPUTING[notebook] + PER_NETWORK_MB.get(notebook, 0.0) * network_mb
        return math.ceil((RUNNER_MB + CLUSTER_MB + MARGIN * used) * attempt)
    used = _drawing_mb(notebook) + PER_NETWORK_MB.get(notebook, 0.0) * network_mb
    return math.ceil((RUNNER_MB + MARGIN * used) * attempt)


@cache
def _drawing_mb(notebook: str) -> float:
    if notebook in DRAWING:
        return DRAWING[notebook]
    return WITH_TENSORFLOW_MB if BACKEND in code_of(f"notebooks/{notebook}.ipynb") else DRAWING_MB
