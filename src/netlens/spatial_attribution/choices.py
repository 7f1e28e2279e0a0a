"""What can be asked of spatial attribution; starts no TensorFlow."""

from typing import Literal

Gradient = Literal["true", "smooth", "smooth_blur"]

#: What figures call the gradients.
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

#: What figures call the methods that attribute to the input, by their names in iNNvestigate.
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


class AttributionError(ValueError):
    """An attribution that cannot be computed; the message says what was asked wrongly."""
