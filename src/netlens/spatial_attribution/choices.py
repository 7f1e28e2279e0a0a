"""Gradients and methods to choose from; no TensorFlow."""

from typing import Literal

Gradient = Literal["true", "smooth", "smooth_blur"]

#: Labels of the gradients in figures.
GRADIENT_LABELS: dict[Gradient, str] = {"true": "true", "smooth": "smooth", "smooth_blur": "smooth + blur"}

Method = Literal[
    "gradient",
    "input_t_gradient",
    "guided_backprop",
    "deep_taylor",
    "lrp.epsilon",
    "lrp.alpha_1_beta_0",
    "lrp.sequential_preset_a_flat",
    "pattern.net",
    "pattern.attribution",
]

#: Labels in figures of the methods that attribute to the input, by their names in iNNvestigate.
METHOD_LABELS: dict[Method, str] = {
    "gradient": "gradient",
    "input_t_gradient": "input × gradient",
    "guided_backprop": "guided backprop",
    "deep_taylor": "deep Taylor",
    "lrp.epsilon": "LRP ε",
    "lrp.alpha_1_beta_0": "LRP α1β0",
    "lrp.sequential_preset_a_flat": "LRP preset A, flat",
    "pattern.net": "PatternNet",
    "pattern.attribution": "PatternAttr.",
}


#: Labels in figures of the measures of `netlens.spatial_attribution.ground_truth.MEASURES`.
MEASURE_LABELS: dict[str, str] = {
    "share": "share of positive attribution",
    "point": "pointing game",
    "rank": "rank accuracy",
    "curve": "area under ROC curve",
}


class AttributionError(ValueError):
    """An attribution cannot be computed, or its arrays do not fit each other; the message says why."""
