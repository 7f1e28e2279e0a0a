"""The methods that are checked, one line each; no TensorFlow."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


class CheckError(ValueError):
    """A check cannot be made, or its arrays do not fit each other; the message says why."""


@dataclass(frozen=True)
class Method:
    """A method of explanation.

    Attributes
    ----------
    label
        What figures call it.
    analyzer
        Its name in iNNvestigate, where netlens has registered PatternNet and PatternAttribution.
    times_input
        Whether what arrives at the image is multiplied by the image.
    needs_patterns
        Whether it goes back through patterns.
    matrices
        Which matrices it multiplies where all rectifiers let pass, up to a scale at each unit: one of
        `netlens.explanation_checks.chain_ratios.KINDS`; empty where it multiplies none of these.
    """

    label: str
    analyzer: str
    times_input: bool = False
    needs_patterns: bool = False
    matrices: str = ""


#: All methods by the names that a study uses; a new one is a line here. Input x gradient is not iNNvestigate's own,
#: which cannot keep the relevance of layers (innvestigate 2.1.2).
METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "gradient": Method("gradient", "gradient", matrices="weights"),
        "input_t_gradient": Method("input × gradient", "gradient", times_input=True, matrices="weights"),
        "guided_backprop": Method("guided backprop", "guided_backprop"),
        "lrp_epsilon": Method("LRP ε", "lrp.epsilon"),
        "lrp_alpha1_beta0": Method("LRP α1β0", "lrp.alpha_1_beta_0", matrices="positive_weights"),
        "lrp_alpha2_beta1": Method("LRP α2β1", "lrp.alpha_2_beta_1"),
        "lrp_preset_a": Method("LRP preset A, flat", "lrp.sequential_preset_a_flat"),
        "deep_taylor": Method("deep Taylor", "deep_taylor", matrices="positive_weights"),
        "pattern_net": Method("PatternNet", "pattern.net", needs_patterns=True, matrices="patterns"),
        "pattern_attribution": Method(
            "PatternAttr.", "pattern.attribution", needs_patterns=True, matrices="pattern_attribution"
        ),
    }
)

#: The control: a map of noise, which knows nothing of the network or the image.
NOISE: Final = "noise"


def label_of(method: str) -> str:
    """Return what figures call a method, or the control."""
    return "random noise" if method == NOISE else METHODS[method].label
