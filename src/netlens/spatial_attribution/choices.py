"""What can be asked of spatial attribution; starts no TensorFlow."""

from typing import Literal

Gradient = Literal["true", "smooth", "smooth_blur"]

#: What figures call the gradients.
GRADIENT_LABELS: dict[Gradient, str] = {"true": "true", "smooth": "smooth", "smooth_blur": "smooth + blur"}


class AttributionError(ValueError):
    """An attribution that cannot be computed; the message says what was asked wrongly."""
