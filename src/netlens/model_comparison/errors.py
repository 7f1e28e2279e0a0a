"""What goes wrong when networks are compared."""


class ComparisonError(ValueError):
    """Activations, layers or networks that cannot be compared; the message is one line."""
