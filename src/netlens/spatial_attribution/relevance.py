"""Attribution to a class at the input, by the methods of iNNvestigate and by PatternNet and PatternAttribution.

What they give has a value for each colour of each pixel; a pixel's attribution is the signed sum over its colours. All
of them go backward from the value of the class's logit, but for the gradient and guided backprop, which start from
one.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import innvestigate
import numpy as np
from innvestigate.analyzer.base import NotAnalyzeableModelException
from numpy.typing import ArrayLike, NDArray

from netlens.models.backend import keras, tf1
from netlens.models.keras.folding import FoldingError, fold_batch_normalization
from netlens.pattern_attribution.analyzers import pattern_analyzers
from netlens.pattern_attribution.analyzers.pattern_analyzers import Patterns
from netlens.pattern_attribution.analyzers.reversal import UndefinedLayerError
from netlens.spatial_attribution.choices import METHOD_LABELS, AttributionError, Method

#: Without patterns there is nothing to go back with.
NEEDS_PATTERNS = frozenset({"pattern.net", "pattern.attribution"})


def input_attributions(
    model: Any,
    inputs: ArrayLike,
    classes: ArrayLike,
    *,
    patterns: Patterns | None = None,
    batch_size: int = 64,
    progress: Callable[[], object] | None = None,
) -> Iterator[tuple[Method, NDArray[np.float32]]]:
    """Attribute logits to pixels, by one method after the other.

    Parameters
    ----------
    model
        A Keras model that gives logits. Batch normalization is folded into kernels first, where that is possible.
    inputs
        (n, height, width, 3), preprocessed.
    classes
        (n,), index of the logit that each is explained for.
    patterns
        Of the folded model's layers with kernel; None: the two methods that need patterns are left out.
    batch_size
        Images at once.
    progress
        Called after each method.

    Yields
    ------
    method
        A key of `netlens.spatial_attribution.choices.METHOD_LABELS`. Those that are not defined for a layer of the
        model are left out.
    maps : ndarray
        float32, (n, height, width), summed over the colours.

    Raises
    ------
    AttributionError
        `classes` do not fit `inputs` or the model.
    """
    images, wanted = np.asarray(inputs, np.float32), np.asarray(classes)
    count = int(model.output_shape[-1])
    if wanted.shape != images.shape[:1] or wanted.dtype.kind not in "iu":
        raise AttributionError(f"one class an image is needed; there are {len(images)} images, classes {wanted.shape}")
    if wanted.size and (wanted.min() < 0 or wanted.max() >= count):
        raise AttributionError(f"a class is not among 0 to {count - 1}")
    pattern_analyzers.register()
    folded = _folded(model)
    weights = folded.get_weights()
    for method in METHOD_LABELS:
        if method in NEEDS_PATTERNS and patterns is None:
            continue
        given: Mapping[str, Any] = {"patterns": patterns} if method in NEEDS_PATTERNS else {}
        try:
            with _graph_of_its_own():
                copy = keras.models.clone_model(folded)
                copy.set_weights(weights)
                analyzer = innvestigate.create_analyzer(method, copy, neuron_selection_mode="index", **given)
                parts = [
                    analyzer.analyze(images[start : start + batch_size], wanted[start : start + batch_size])
                    for start in range(0, len(images), batch_size)
                ]
        except (UndefinedLayerError, NotAnalyzeableModelException):
            continue
        finally:
            if progress:
                progress()
        yield method, np.concatenate(parts).sum(axis=-1, dtype=np.float64).astype(np.float32)


@contextmanager
def _graph_of_its_own() -> Iterator[None]:
    """Give an analyzer a small graph that is not optimized.

    An analyzer copies layers and sets the weights of each copy by a run of its own, and a run costs what optimizing the
    whole graph does: building one takes minutes in a graph that holds others, and seconds so.
    """
    options = tf1.ConfigProto()
    options.graph_options.rewrite_options.disable_meta_optimizer = True
    with tf1.Graph().as_default() as graph, tf1.Session(graph=graph, config=options).as_default():
        yield


def _folded(model: Any) -> Any:
    try:
        return fold_batch_normalization(model)
    except FoldingError:
        # The methods have rules of their own for it, or are left out.
        return model
