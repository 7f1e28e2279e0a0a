"""Attribution of a class to the input, by the methods of iNNvestigate and by PatternNet and PatternAttribution.

The methods return one value per color channel of each pixel; a pixel's attribution is the signed sum over its channels.
All of them propagate the value of the class's logit back, except the gradient and guided backprop, which start from
one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import innvestigate
import numpy as np
from innvestigate.analyzer.base import NotAnalyzeableModelException
from numpy.typing import ArrayLike, NDArray

from netlens.models.keras.explained_layers import NOT_REVERSED
from netlens.models.keras.folding import FoldingError, fold_batch_normalization
from netlens.models.own_graph import graph_of_its_own
from netlens.pattern_attribution.analyzers import pattern_analyzers
from netlens.pattern_attribution.analyzers.pattern_analyzers import Patterns
from netlens.pattern_attribution.analyzers.reversal import UndefinedLayerError
from netlens.pattern_attribution.analyzers.reversible_copy import reversible_copy
from netlens.spatial_attribution.choices import METHOD_LABELS, AttributionError, Method

#: Methods that cannot be computed without patterns.
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
    """Attribute logits to pixels, one method after the other.

    Parameters
    ----------
    model
        A Keras model whose output is the logits. Batch normalization is first folded into the kernels where possible.
    inputs
        (n, height, width, 3), preprocessed.
    classes
        (n,), index of the logit to explain for each image.
    patterns
        Patterns of the folded model's layers with kernels; without them, the methods that need patterns are left out.
    batch_size
        Number of images per batch.
    progress
        Called after each method.

    Yields
    ------
    method
        A key of `netlens.spatial_attribution.choices.METHOD_LABELS`. Methods that are not defined for some layer of
        the model are left out.
    maps : ndarray
        float32, (n, height, width), summed over the color channels. Where patterns amplify relevance beyond what
        float32 holds, as those of deep networks that are estimated from few images do, all maps of the method are the
        exact ones, each divided by the largest absolute value before the sum.

    Raises
    ------
    AttributionError
        `classes` does not fit `inputs` or the model.
    """
    images, wanted = np.asarray(inputs, np.float32), np.asarray(classes)
    count = int(model.output_shape[-1])
    if wanted.shape != images.shape[:1] or wanted.dtype.kind not in "iu":
        raise AttributionError(
            f"{len(images)} images need one class each, but classes have shape {wanted.shape} and type {wanted.dtype}"
        )
    if wanted.size and (wanted.min() < 0 or wanted.max() >= count):
        raise AttributionError(f"classes must be between 0 and {count - 1}")
    pattern_analyzers.register()
    if any(type(layer).__name__ in NOT_REVERSED for layer in model.layers):
        return
    folded = _folded(model)
    weights = folded.get_weights()
    starts = range(0, len(images), batch_size)
    batches = [(images[start : start + batch_size], wanted[start : start + batch_size]) for start in starts]
    for method in METHOD_LABELS:
        if method in NEEDS_PATTERNS and patterns is None:
            continue
        given: Mapping[str, Any] = {"patterns": patterns} if method in NEEDS_PATTERNS else {}
        try:
            with np.errstate(invalid="ignore", over="ignore"):
                maps = _maps(folded, weights, method, batches, **given)
            if given and not np.isfinite(maps).all():
                maps = _maps(folded, weights, method, batches, reverse_project_bottleneck_layers=True, **given)
        except (UndefinedLayerError, NotAnalyzeableModelException, NotImplementedError):
            # The last is what iNNvestigate raises, without words, behind a warning about layers.
            continue
        finally:
            if progress:
                progress()
        yield method, maps


def _maps(
    model: Any, weights: Sequence[Any], method: Method, batches: Sequence[tuple[Any, Any]], **options: Any
) -> NDArray[np.float32]:
    """Maps of all batches of (images, classes), summed over the color channels."""
    with graph_of_its_own():
        copy = reversible_copy(model, method, weights)
        analyzer = innvestigate.create_analyzer(method, copy, neuron_selection_mode="index", **options)
        relevance = np.concatenate([analyzer.analyze(images, wanted) for images, wanted in batches])
    maps: NDArray[np.float32] = relevance.sum(axis=-1, dtype=np.float64).astype(np.float32)
    return maps


def _folded(model: Any) -> Any:
    try:
        return fold_batch_normalization(model)
    except FoldingError:
        # The methods have their own rules for batch normalization, or are left out.
        return model
