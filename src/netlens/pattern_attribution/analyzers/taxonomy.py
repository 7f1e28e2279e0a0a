"""Function, signal and attribution of the same images, in the images' own units.

Kindermans et al. 2017 (arXiv 1705.05598), section 2: three questions that an explanation can answer, and the method
for each. The function is the gradient, the signal PatternNet, the attribution PatternAttribution.
"""

from dataclasses import dataclass
from typing import Any

import innvestigate
import numpy as np
from numpy.typing import NDArray

from netlens.models.preprocessing import Preprocessing
from netlens.pattern_attribution.analyzers.pattern_analyzers import PatternAttribution, PatternNet, Patterns


@dataclass(frozen=True)
class Taxonomy:
    """Three explanations of the largest logit of each image, shape (n, height, width, 3), float32, channels RGB.

    Attributes
    ----------
    function
        The gradient: change of the logit with each pixel, logits per grey level (of 255).
    signal
        PatternNet: the part of each pixel that the logit answers to, grey levels from the network's zero.
    attribution
        PatternAttribution: what each pixel's signal adds to the logit, logits.
    """

    function: NDArray[np.float32]
    signal: NDArray[np.float32]
    attribution: NDArray[np.float32]


def explain(model: Any, patterns: Patterns, images: NDArray[np.uint8], preprocessing: Preprocessing) -> Taxonomy:
    """Explain the largest logit of each image by function, signal and attribution.

    Parameters
    ----------
    model
        A Keras model that gives logits.
    patterns
        Of its layers with kernel, in any form that `netlens.pattern_attribution.patterns.PatternNet` takes.
    images
        Shape (n, height, width, 3), RGB.
    preprocessing
        From `images` to what the model takes. It is linear, so explanations of the model's input are taken back to
        grey levels exactly: a gradient by its factor, a signal by the inverse of it.

    Returns
    -------
    Taxonomy

    Raises
    ------
    netlens.pattern_attribution.analyzers.reversal.UndefinedLayerError
        The methods do not define the model.
    netlens.pattern_attribution.analyzers.pattern_analyzers.PatternError
        The patterns do not fit it.
    """
    inputs = preprocessing(images)
    # In the model's channel order, as `std` is.
    per_grey_level = np.float32(preprocessing.scale) / np.asarray(preprocessing.std, np.float32)
    gradient = innvestigate.create_analyzer("gradient", model).analyze(inputs)
    signal = PatternNet(model, patterns).analyze(inputs)
    attribution = PatternAttribution(model, patterns).analyze(inputs)
    to_rgb = slice(None, None, -1 if preprocessing.channel_order == "bgr" else 1)
    return Taxonomy(
        function=np.ascontiguousarray((gradient * per_grey_level)[..., to_rgb]),
        signal=np.ascontiguousarray((signal / per_grey_level)[..., to_rgb]),
        attribution=np.ascontiguousarray(attribution[..., to_rgb]),
    )
