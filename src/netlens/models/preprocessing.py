"""Preprocessing: from uint8 images to the inputs that a network was trained on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.models.errors import NetworkError

_KEYS = frozenset({"scale", "mean", "std", "channel_order"})


@dataclass(frozen=True)
class Preprocessing:
    """Maps pixels x to (scale x - mean) / std, per channel.

    Attributes
    ----------
    scale
        Factor on the pixels 0..255.
    mean, std
        One value, or one per channel in the network's channel order.
    channel_order
        ``rgb``, or ``bgr`` for networks that were trained with the channels reversed.
    """

    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    channel_order: str = "rgb"

    def __post_init__(self) -> None:
        """Check the values."""
        for name in ("mean", "std"):
            values = getattr(self, name)
            if len(values) not in (1, 3) or not np.all(np.isfinite(values)):
                raise NetworkError(f"preprocessing: {name} must be one number or three, not {list(values)}")
        if not np.isfinite(self.scale) or self.scale == 0:
            raise NetworkError(f"preprocessing: scale must be a number other than 0, not {self.scale}")
        if 0 in self.std:
            raise NetworkError("preprocessing: std must not be 0")
        if self.channel_order not in {"rgb", "bgr"}:
            raise NetworkError(f"preprocessing: channel_order must be 'rgb' or 'bgr', not {self.channel_order!r}")

    def __call__(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """Inputs of the network for images.

        Parameters
        ----------
        images
            (..., height, width, 3), uint8 RGB.

        Returns
        -------
        ndarray
            float32, same shape.
        """
        values = np.asarray(images, np.float32)
        if self.channel_order == "bgr":
            values = values[..., ::-1]
        mean, std = np.asarray(self.mean, np.float32), np.asarray(self.std, np.float32)
        result: NDArray[np.float32] = (values * np.float32(self.scale) - mean) / std
        return result

    def undo(self, inputs: NDArray[Any]) -> NDArray[np.uint8]:
        """uint8 RGB images of a network's inputs, clipped to 0..255."""
        values = (np.asarray(inputs, np.float64) * self.std + self.mean) / self.scale
        if self.channel_order == "bgr":
            values = values[..., ::-1]
        images: NDArray[np.uint8] = np.clip(np.rint(values), 0, 255).astype(np.uint8)
        return images

    def limits(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Inputs of the network for a black and for a white pixel, (3,) each."""
        black, white = self(np.zeros((1, 1, 3), np.uint8)), self(np.full((1, 1, 3), 255, np.uint8))
        return black[0, 0], white[0, 0]

    def as_spec(self) -> dict[str, Any]:
        """Plain data in the form that a study uses and `preprocessing_from` reads."""
        return {
            "scale": self.scale,
            "mean": list(self.mean),
            "std": list(self.std),
            "channel_order": self.channel_order,
        }


def preprocessing_from(spec: str | Mapping[str, Any]) -> Preprocessing:
    """Preprocessing that a study asks for.

    Parameters
    ----------
    spec
        A named mode of ``keras.applications``: ``caffe`` (BGR, ImageNet's mean subtracted, not scaled), ``tf`` (-1 to
        1), ``torch`` (0 to 1, then ImageNet's mean and standard deviation); ``none``. Or a mapping of ``mode`` to one
        of these, or with some of ``scale``, ``mean``, ``std``, ``channel_order``.

    Raises
    ------
    NetworkError
        A mode or key is unknown, or a value is impossible.
    """
    # keras.applications.imagenet_utils.preprocess_input
    named = {
        "caffe": Preprocessing(mean=(103.939, 116.779, 123.68), channel_order="bgr"),
        "tf": Preprocessing(scale=1 / 127.5, mean=(1.0,)),
        "torch": Preprocessing(scale=1 / 255, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
        "none": Preprocessing(),
    }
    if isinstance(spec, str):
        if spec not in named:
            raise NetworkError(f"preprocessing: there is no mode {spec!r}; the modes are {', '.join(named)}")
        return named[spec]
    if set(spec) == {"mode"}:
        return preprocessing_from(str(spec["mode"]))
    unknown = sorted(set(spec) - _KEYS)
    if unknown:
        raise NetworkError(f"preprocessing: unknown key {unknown[0]!r}; the keys are {', '.join(sorted(_KEYS))}")
    try:
        return Preprocessing(
            scale=float(spec.get("scale", 1.0)),
            mean=_numbers(spec.get("mean", 0.0)),
            std=_numbers(spec.get("std", 1.0)),
            channel_order=str(spec.get("channel_order", "rgb")),
        )
    except (TypeError, ValueError) as error:
        if isinstance(error, NetworkError):
            raise
        raise NetworkError(f"preprocessing: {error}") from error


def _numbers(values: Any) -> tuple[float, ...]:
    if isinstance(values, (int, float)):
        return (float(values),)
    return tuple(float(value) for value in values)
