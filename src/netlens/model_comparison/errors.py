"""The error of this section."""


class ComparisonError(ValueError):
    """Raised for activations, layers or networks that cannot be compared; the message is one line."""
