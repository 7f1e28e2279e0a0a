"""Function, signal and attribution of the same images, in the images' own units.

Kindermans et al. 2017 (arXiv 1705.05598), section 2: three questions that an explanation can answer, and the method
for each. The function is the gradient, the signal PatternNet, the attribution PatternAttribution.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.models.backend import keras
from netlens.models.preprocessing import Preprocessing
from netlens.pattern_attribution.analyzers.pattern_analyzers import PatternAttribution, PatternNet, Patterns


@dataclass(frozen=True)
class Taxonomy:
    """Three explanations of the largest logit of each image, shape (n, height, width, 3), float32, channels RGB.

    Attributes
    ----------
    function
        The gradient: change of the logit with each pixel, in logits per gray level (of 255).
    signal
        PatternNet: the part of each pixel that the logit responds to, divided by its largest absolute value in each
        image. The factor is left out because it leaves the range of floating-point numbers in deep networks, where the
        signal is estimated anew by every unit of every layer.
    attribution
        PatternAttribution: what each pixel's signal contributes to the logit, in logits. Additions share relevance:
        passed whole to each branch it would no longer be in logits.
    """

    function: NDArray[np.float32]
    signal: NDArray[np.float32]
    attribution: NDArray[np.float32]


def explain(model: Any, patterns: Patterns, images: NDArray[np.uint8], preprocessing: Preprocessing) -> Taxonomy:
    """Explain the largest logit of each image by function, signal and attribution.

    Parameters
    ----------
    model
        A Keras model whose outputs are logits.
    patterns
        Patterns of its layers with a kernel, in any form that
        `netlens.pattern_attribution.analyzers.pattern_analyzers.PatternNet` accepts.
    images
        Shape (n, height, width, 3), RGB.
    preprocessing
        From `images` to the model's inputs. It is linear, so explanations of the model's input are converted to the
        image's exactly: a gradient by its factor, a signal by the inverse of it.

    Returns
    -------
    Taxonomy

    Raises
    ------
    netlens.pattern_attribution.analyzers.reversal.UndefinedLayerError
        The methods are not defined for the model.
    netlens.pattern_attribution.analyzers.pattern_analyzers.PatternError
        The patterns do not fit it.
    """
    inputs = preprocessing(images)
    # In the model's channel order, as `std` is.
    per_grey_level = np.float32(preprocessing.scale) / np.asarray(preprocessing.std, np.float32)
    gradient = _gradient(model, inputs)
    signal = PatternNet(model, patterns, reverse_project_bottleneck_layers=True).analyze(inputs) / per_grey_level
    largest = np.abs(signal).max(axis=(1, 2, 3), keepdims=True)
    attribution = PatternAttribution(model, patterns, additions="shares").analyze(inputs)
    to_rgb = slice(None, None, -1 if preprocessing.channel_order == "bgr" else 1)
    return Taxonomy(
        function=np.ascontiguousarray((gradient * per_grey_level)[..., to_rgb]),
        signal=np.ascontiguousarray(signal[..., to_rgb] / np.where(largest > 0, largest, 1)),
        attribution=np.ascontiguousarray(attribution[..., to_rgb]),
    )


def attributed_sums(
    model: Any, patterns: Patterns, images: NDArray[np.uint8], preprocessing: Preprocessing, *, batch_size: int = 16
) -> NDArray[np.float64]:
    """Sum PatternAttribution of the largest logit over all pixels and channels of each image.

    Parameters
    ----------
    model, patterns, images, preprocessing
        As for `explain`.
    batch_size
        Images that are explained at a time.

    Returns
    -------
    (n,), in logits.

    Raises
    ------
    netlens.pattern_attribution.analyzers.reversal.UndefinedLayerError
        The method is not defined for the model.
    netlens.pattern_attribution.analyzers.pattern_analyzers.PatternError
        The patterns do not fit it.
    """
    analyzer = PatternAttribution(model, patterns, additions="shares")
    batches = (preprocessing(images[start : start + batch_size]) for start in range(0, len(images), batch_size))
    sums = [analyzer.analyze(batch).sum(axis=(1, 2, 3), dtype=np.float64) for batch in batches]
    return np.concatenate([np.zeros(0), *sums])


def _gradient(model: Any, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Gradient of the largest logit of each image.

    Not iNNvestigate's, which is twice too large where a layer takes the same input twice, and fails where a layer has a
    name that Keras gives to a layer of its backward pass (innvestigate 2.1.2).
    """
    largest = keras.backend.max(model.output, axis=-1)
    gradients = keras.backend.gradients(largest, model.inputs)
    (gradient,) = keras.backend.function(model.inputs, gradients)([inputs])
    return np.asarray(gradient, np.float32)
