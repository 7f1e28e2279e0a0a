"""The published networks by name: which weights, which architecture, which preprocessing."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netlens.models.architectures.inverted_residuals import efficientnet_lite0, mobilenet_v2
from netlens.models.architectures.squeezenet import squeezenet
from netlens.models.backend import keras
from netlens.models.errors import CheckpointError, NetworkError, listed
from netlens.models.preprocessing import Preprocessing
from netlens.models.pretrained.array_pickles import load_numpy_pickle, load_torch_state
from netlens.models.pretrained.imagenet_classes import IMAGENET_CLASSES
from netlens.models.pretrained.weight_files import DIGESTS, weight_file

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Pretrained:
    """A published network.

    Attributes
    ----------
    file
        Name of its weights in `netlens.models.pretrained.weight_files.DIGESTS`.
    build
        From (height, width, 3) to a Keras model with random weights.
    weights
        From the file's path to Keras weights by layer, each in the layer's order.
    preprocessing
        From uint8 images to the network's inputs.
    size_px
        Height and width that it was published for.
    has_classes
        Whether its outputs are ImageNet's classes; otherwise they are features, and what needs a class does not apply.
    source
        The paper.
    """

    file: str
    build: Callable[[tuple[int, int, int]], Any]
    weights: Callable[[Path], dict[str, list[NDArray[Any]]]]
    preprocessing: Preprocessing
    size_px: tuple[int, int]
    has_classes: bool
    source: str


def _squeezenet_weights(path: Path) -> dict[str, list[NDArray[Any]]]:
    stored = load_numpy_pickle(path)
    return {name: [np.asarray(array, np.float32) for array in arrays] for name, arrays in stored.items()}


def _efficientnet_weights(path: Path) -> dict[str, list[NDArray[Any]]]:
    state = load_torch_state(path)
    found = {**_convolution(state, "_conv_stem", "_bn0", "stem"), **_convolution(state, "_conv_head", "_bn1", "head")}
    blocks = sorted({int(name.split(".")[1]) for name in state if name.startswith("_blocks.")})
    for block in blocks:
        source, target = f"_blocks.{block}", f"block{block + 1}"
        if f"{source}._expand_conv.weight" in state:
            found |= _convolution(state, f"{source}._expand_conv", f"{source}._bn0", f"{target}/expand")
        found |= _convolution(
            state, f"{source}._depthwise_conv", f"{source}._bn1", f"{target}/depthwise", depthwise=True
        )
        found |= _convolution(state, f"{source}._project_conv", f"{source}._bn2", f"{target}/project")
    found["logits"] = [state["_fc.weight"].T, state["_fc.bias"]]
    return found


def _mobilenet_weights(path: Path) -> dict[str, list[NDArray[Any]]]:
    state = load_torch_state(path)
    found = {
        **_convolution(state, "features.0.0", "features.0.1", "stem"),
        **_convolution(state, "features.18.0", "features.18.1", "head"),
    }
    for block in range(1, 18):
        source, target = f"features.{block}.conv", f"block{block}"
        # Layers 0, 1, 2 are a convolution, its normalization and ReLU6; the first block has no expansion.
        parts = ["depthwise"] if block == 1 else ["expand", "depthwise"]
        for number, part in enumerate(parts):
            first = 3 * number
            found |= _convolution(
                state, f"{source}.{first}", f"{source}.{first + 1}", f"{target}/{part}", depthwise=part == "depthwise"
            )
        first = 3 * len(parts)
        found |= _convolution(state, f"{source}.{first}", f"{source}.{first + 1}", f"{target}/project")
    return found


def _convolution(
    state: Arrays, kernel: str, normalization: str, target: str, *, depthwise: bool = False
) -> dict[str, list[NDArray[Any]]]:
    """Return a kernel and its normalization; PyTorch's kernels are (out, in, h, w), depthwise ones (c, 1, h, w)."""
    order = (2, 3, 0, 1) if depthwise else (2, 3, 1, 0)
    layer = "DepthwiseConv2D" if depthwise else "Conv2D"
    return {
        f"{target}/{layer}": [np.transpose(state[f"{kernel}.weight"], order)],
        f"{target}/BatchNorm": [
            state[f"{normalization}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
        ],
    }


PRETRAINED: Final[Mapping[str, Pretrained]] = {
    "squeezenet": Pretrained(
        "squeezenet.pkl",
        lambda shape: squeezenet(shape, IMAGENET_CLASSES),
        _squeezenet_weights,
        Preprocessing(mean=(104.006, 116.669, 122.679), channel_order="bgr"),
        (227, 227),
        True,
        "Iandola et al. 2016, arXiv 1602.07360",
    ),
    "efficientnet_lite0": Pretrained(
        "efficientnet_lite0.pth",
        lambda shape: efficientnet_lite0(shape, IMAGENET_CLASSES),
        _efficientnet_weights,
        Preprocessing(mean=(127.0,), std=(128.0,)),
        (224, 224),
        True,
        "Tan and Le 2019, arXiv 1905.11946",
    ),
    "mobilenet_v2": Pretrained(
        "mobilenet_v2.pt",
        mobilenet_v2,
        _mobilenet_weights,
        Preprocessing(scale=1 / 255, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
        (224, 224),
        False,
        "Sandler et al. 2018, arXiv 1801.04381",
    ),
}


def build_pretrained(
    name: str, size_px: tuple[int, int] | None = None, *, folder: Path | None = None
) -> tuple[Any, str]:
    """Build a published network with its weights.

    Parameters
    ----------
    name
        One of `PRETRAINED`.
    size_px
        Height and width of the images. Default: those it was published for.
    folder
        Where the weights lie. Default: in the environment.

    Returns
    -------
    model : keras.Model
        Gives logits, or features where the network has no classes.
    sha256 : str
        Of the file of weights.

    Raises
    ------
    FileNotFoundError, CheckpointError
        The weights are missing or not the published ones.
    NetworkError
        There is no such network, or it does not take images of that size.
    """
    if name not in PRETRAINED:
        raise NetworkError(f"there is no published network {name!r}; take one of {', '.join(PRETRAINED)}")
    network = PRETRAINED[name]
    path = weight_file(network.file, folder)
    model = build_architecture(name, size_px)
    keras.backend.batch_set_value(list(_pairs(name, model, network.weights(path))))
    return model, DIGESTS[network.file]


def build_architecture(name: str, size_px: tuple[int, int] | None = None) -> Any:
    """Build a published network, one of `PRETRAINED`, with random weights.

    Parameters
    ----------
    name, size_px
        As for `build_pretrained`.

    Returns
    -------
    keras.Model

    Raises
    ------
    NetworkError
        The network does not take images of that size.
    """
    network = PRETRAINED[name]
    height, width = size_px or network.size_px
    try:
        return network.build((height, width, 3))
    except ValueError as error:
        raise NetworkError(f"{name} does not take images of {height} x {width} pixels; make them larger") from error


def _pairs(name: str, model: Any, weights: Mapping[str, list[NDArray[Any]]]) -> Iterator[tuple[Any, NDArray[Any]]]:
    """Pair variables and values; each layer must get exactly what it has, and every array must have a layer."""
    layers = {layer.name: layer for layer in model.layers if layer.weights}
    if set(layers) != set(weights):
        raise CheckpointError(f"{name}: layers and weights differ: {listed(sorted(set(layers) ^ set(weights)))}")
    for key, layer in layers.items():
        expected, given = [tuple(w.shape) for w in layer.weights], [w.shape for w in weights[key]]
        if expected != given:
            raise CheckpointError(f"{name}: layer {key!r} has weights of shapes {expected}, and the file {given}")
        yield from zip(layer.weights, weights[key], strict=True)
