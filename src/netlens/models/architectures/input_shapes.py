"""The images that networks are built for."""

from netlens.models.errors import NetworkError

#: (height, width, channels) in pixels.
Shape = tuple[int, int, int]


def need_pixels(network: str, input_shape: Shape, smallest: int) -> None:
    """See that images are large enough for a network's poolings.

    Parameters
    ----------
    network
        What the message calls it.
    input_shape
        (height, width, channels) in pixels.
    smallest
        What height and width must be at least.

    Raises
    ------
    NetworkError
        They are smaller.
    """
    if min(input_shape[:2]) < smallest:
        raise NetworkError(f"{network} needs an input of at least {smallest} x {smallest} pixels, not {input_shape}")
