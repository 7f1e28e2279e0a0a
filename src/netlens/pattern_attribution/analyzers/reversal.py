"""The backward step of PatternNet and PatternAttribution through a layer with a kernel, and which layers are supported.

Sources: Kindermans et al. 2017, "Learning how to explain neural networks: PatternNet and PatternAttribution"
(arXiv 1705.05598), section 4; the layers that iNNvestigate 1.x let through.
"""

from collections.abc import Iterable
from typing import Any, Final, Literal

import numpy as np
from innvestigate.analyzer.base import NotAnalyzeableModelException
from numpy.typing import NDArray

from netlens.models.backend import keras, tf, tf1
from netlens.models.errors import UnsupportedLayerError

Rectification = Literal["linear", "relu", "other"]


class UndefinedLayerError(NotAnalyzeableModelException, UnsupportedLayerError):  # type: ignore[misc]
    """A network has a layer for which PatternNet and PatternAttribution are not defined; the message names it."""


#: Layers whose kernel has a pattern. Exactly these classes: a subclass may compute something else.
KERNEL_LAYERS: Final[tuple[str, ...]] = ("Dense", "Conv2D")

#: Layers that the gradient passes unchanged, because they do nothing once a network is trained.
IDENTITY_LAYERS: Final[tuple[str, ...]] = (
    "ActivityRegularization",
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
)

#: Layers without weights that only move or select values: the plain gradient.
ROUTING_LAYERS: Final[tuple[str, ...]] = (
    "Concatenate",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "Flatten",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "InputLayer",
    "Masking",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Permute",
    "Reshape",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
)

#: Layers that the paper does not mention; the plain gradient is taken, with a warning.
UNSPOKEN_LAYERS: Final[tuple[str, ...]] = (
    "Add",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
)

_ACTIVATION_LAYERS = ("Activation", "ReLU")
_OTHER_ACTIVATION_LAYERS = ("ELU", "LeakyReLU", "PReLU", "Softmax", "ThresholdedReLU")


def is_one_of(layer: Any, names: Iterable[str]) -> bool:
    """Return whether the class of `layer` is exactly one of Keras' own classes of these names, not a subclass."""
    return any(type(layer) is getattr(keras.layers, name) for name in names)


def rectification(layer: Any) -> Rectification:
    """Classify the activation of a layer: none, the plain ReLU, or anything else.

    Parameters
    ----------
    layer
        A Keras layer with an ``activation``, or a ``ReLU`` layer.

    Returns
    -------
    str
        ``linear``, ``relu`` or ``other``. A ReLU that is leaky, capped or shifted is ``other``.
    """
    activation = layer if is_one_of(layer, ["ReLU"]) else getattr(layer, "activation", None)
    if activation is None or activation is keras.activations.linear:
        return "linear"
    if activation is keras.activations.relu or activation is tf.nn.relu:
        return "relu"
    if is_one_of(activation, ["ReLU"]):
        plain = activation.max_value is None and float(activation.negative_slope) == float(activation.threshold) == 0.0
        return "relu" if plain else "other"
    return "other"


def why_undefined(layer: Any, *, allow_lambda_layers: bool = False) -> str | None:
    """Return why PatternNet and PatternAttribution have no rule for a layer; None if they have one.

    Parameters
    ----------
    layer
        A layer of a flat Keras model without BatchNormalization.
    allow_lambda_layers
        Accept ``Lambda`` layers; the plain gradient is taken there.

    Returns
    -------
    str or None
        The reason, as it follows the layer's name in a message.
    """
    reason: str | None = None
    if is_one_of(layer, KERNEL_LAYERS) or is_one_of(layer, _ACTIVATION_LAYERS):
        if rectification(layer) == "other":
            reason = f"its activation {_activation_name(layer)} is not the plain ReLU"
        elif getattr(layer, "groups", 1) != 1:
            reason = "its convolution is grouped"
    elif isinstance(layer, keras.Model):
        reason = "it is a model inside the model"
    elif is_one_of(layer, _OTHER_ACTIVATION_LAYERS):
        reason = "it is not the plain ReLU"
    elif any(weight.shape.rank > 1 for weight in layer.weights):
        reason = "only the kernels of Dense and Conv2D (themselves, not derived classes) have patterns"
    elif is_one_of(layer, ["Lambda"]):
        reason = (
            None
            if allow_lambda_layers
            else "a Lambda may compute anything; allow_lambda_layers=True takes its gradient"
        )
    elif not is_one_of(layer, (*IDENTITY_LAYERS, *ROUTING_LAYERS, *UNSPOKEN_LAYERS)):
        reason = "the methods define no rule for it"
    return reason


def _activation_name(layer: Any) -> str:
    activation = layer if is_one_of(layer, ["ReLU"]) else layer.activation
    if is_one_of(activation, ["ReLU"]):
        slope, threshold = float(activation.negative_slope), float(activation.threshold)
        return f"ReLU(max_value={activation.max_value}, negative_slope={slope:g}, threshold={threshold:g})"
    return repr(str(getattr(activation, "__name__", None) or type(activation).__name__))


class KernelReversal(keras.layers.Layer):  # type: ignore[misc]
    """Backward through one Dense or Conv2D layer with another kernel in place of its own.

    A Keras layer, not bare operations: its kernel then is a variable of the analyzer's model. Keras would read bare
    operations' weights out and store them in the graph as constants, which VGG-16 does not survive.

    Called with three tensors ``[X, Y, R]``: the layer's input, its output (after a fused activation) and the relevance
    of that output. Returns the relevance of the input: R where the unit is active (all of R if no ReLU is fused),
    passed through the transpose of the layer with the kernel given to `set_kernel`.

    Parameters
    ----------
    layer
        The Dense or Conv2D layer to go back through; its weights are not used.
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(dtype=layer.dtype, trainable=False, **kwargs)
        self._rectified = rectification(layer) == "relu"
        self._is_convolution = is_one_of(layer, ["Conv2D"])
        shape = tuple(int(size) for size in layer.kernel.shape)
        if self._is_convolution:
            # The transpose of a dilated convolution is that of the kernel with zeros between its taps. TensorFlow's own
            # takes dilations on a GPU only.
            self._row_step, self._column_step = layer.dilation_rate
            rows, columns = ((size - 1) * step + 1 for size, step in zip(shape, layer.dilation_rate, strict=False))
            shape = (rows, columns, *shape[2:])
            self._padding = layer.padding.upper()
            self._channels_first = layer.data_format == "channels_first"
            self._strides = tuple(layer.strides)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer="zeros", trainable=False)
        self.built = True

    def set_kernel(self, kernel: NDArray[np.floating[Any]]) -> None:
        """Use `kernel`, shaped as the layer's, from now on; a built analyzer need not be rebuilt."""
        if self._is_convolution:
            spread = np.zeros(self.kernel.shape, kernel.dtype)
            spread[:: self._row_step, :: self._column_step] = kernel
            kernel = spread
        self.set_weights([kernel])

    def call(self, inputs: list[Any], *_args: Any, **_kwargs: Any) -> Any:
        """Return the relevance of X, shaped as X."""
        X, Y, R = inputs
        if self._rectified:
            # Selected, not multiplied: an infinite relevance of an inactive unit must not become NaN.
            R = tf.where(Y > 0, R, tf.zeros_like(R))
        if not self._is_convolution:
            relevance = tf.matmul(R, self.kernel, transpose_b=True)
        else:
            relevance = tf1.nn.conv2d_backprop_input(
                tf.shape(X),
                self.kernel,
                R,
                strides=[1, 1, *self._strides] if self._channels_first else [1, *self._strides, 1],
                padding=self._padding,
                data_format="NCHW" if self._channels_first else "NHWC",
            )
        relevance.set_shape(X.shape)
        return relevance
