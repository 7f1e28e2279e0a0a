"""What all requests for pictures have in common: checked numbers, and a key.

Nothing here starts TensorFlow.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from typing import Any, Final, Protocol

import numpy as np

#: Pictures are at least this high and wide.
SMALLEST_PX: Final = 16


class RequestError(ValueError):
    """A request for a picture that cannot be made."""


class Seeded(Protocol):
    """A request whose picture starts from seeded noise."""

    @property
    def seed(self) -> int:
        """Seed of the noise."""
        ...


class KeyedRequest(ABC):
    """A request; requests for the same picture are equal.

    Attributes
    ----------
    layer
        Name of the layer that the picture is of.
    """

    layer: str

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, KeyedRequest) or type(other) is not type(self):
            return NotImplemented
        return self._content() == other._content()

    def __hash__(self) -> int:
        return hash(self._content())

    def key(self, network_sha256: str) -> str:
        """Return the name under which the picture is stored: a hash of everything that it depends on.

        Parameters
        ----------
        network_sha256
            Hash of the network that it is made from (`FrozenNetwork.sha256`).

        Returns
        -------
        str
            64 hexadecimal digits, from the network, this request, and the version of the procedure.
        """
        header, array = self._content()
        head = json.dumps({**self._procedure(), "network": network_sha256, "request": header})
        return hashlib.sha256(head.encode() + b"\0" + array).hexdigest()

    @abstractmethod
    def _procedure(self) -> dict[str, int]:
        """Return the name and version of the procedure that makes the picture."""

    @abstractmethod
    def _content(self) -> tuple[str, bytes]:
        """Return what the picture depends on apart from the network: numbers and names as JSON, and an array."""


def checked_layer(layer: Any, kind: str) -> str:
    """Return the beginning of messages about a request, such as ``caricature of layer 'mixed3a'``.

    Raises
    ------
    RequestError
        `layer` is not the name of a layer.
    """
    if not isinstance(layer, str) or not layer:
        raise RequestError(f"a {kind} needs the name of a layer, not {layer!r}")
    return f"{kind} of layer {layer!r}"


def settle_numbers(request: Any, where: str, **least: int) -> None:
    """Check the numbers of a frozen request, and convert each to its canonical type.

    Parameters
    ----------
    request
        Has ``cosine_power``, and the whole numbers that `least` names; its fields are set.
    where
        The beginning of the message.
    **least
        The least value of each whole number.

    Raises
    ------
    RequestError
        A value is impossible; the message names it.
    """
    for name, lowest in least.items():
        value = getattr(request, name)
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < lowest:
            raise RequestError(f"{where}: {name} must be a whole number of at least {lowest}, not {value!r}")
        object.__setattr__(request, name, int(value))
    if not np.isfinite(request.cosine_power) or request.cosine_power < 0:
        raise RequestError(f"{where}: cosine_power must be at least 0, not {request.cosine_power!r}")
    object.__setattr__(request, "cosine_power", float(request.cosine_power))
