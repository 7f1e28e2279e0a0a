"""The backward steps of PatternNet and PatternAttribution through kernels and sums, and which layers are supported.

Sources: Kindermans et al. 2017, "Learning how to explain neural networks: PatternNet and PatternAttribution"
(arXiv 1705.05598), section 4; the layers that iNNvestigate 1.x let through.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from innvestigate.analyzer.base import NotAnalyzeableModelException
from numpy.typing import NDArray

from netlens.models.backend import keras, tf
from netlens.models.errors import UnsupportedLayerError
from netlens.models.keras.grouped_convolution import keras_class
from netlens.models.keras.kernel_layers import describe_kernel
from netlens.models.keras.layer_kinds import (
    IDENTITY_LAYERS,
    KERNEL_LAYERS,
    RECTIFIER_LAYERS,
    ROUTING_LAYERS,
    UNSPOKEN_LAYERS,
)
from netlens.pattern_attribution.patterns.convolution import spread_shape, transposed


class UndefinedLayerError(NotAnalyzeableModelException, UnsupportedLayerError):  # type: ignore[misc]
    """A network has a layer for which PatternNet and PatternAttribution are not defined; the message names it."""


_OTHER_ACTIVATION_LAYERS = ("ELU", "Softmax", "ThresholdedReLU")


@dataclass(frozen=True)
class Rectifier:
    """A piecewise linear activation: slope times z below 0, z above, constant from the cap on.

    Attributes
    ----------
    slope
        0 for ReLU and ReLU6, the leak of a LeakyReLU, 1 for no activation.
    cap
        6 for ReLU6; infinite for none.
    """

    slope: float = 0.0
    cap: float = float("inf")

    def gate(self, output: Any, relevance: Any) -> Any:
        """Multiply relevance by the derivative at the pre-activation, which the activation's output determines.

        Selected, not multiplied, where the derivative is 0 or 1: an infinite relevance of an inactive unit must not
        become NaN.
        """
        if self == LINEAR:
            return relevance
        below = self.slope * relevance if self.slope else tf.zeros_like(relevance)
        gated = tf.where(output > 0, relevance, below)
        return gated if np.isinf(self.cap) else tf.where(output < self.cap, gated, tf.zeros_like(gated))


#: No activation.
LINEAR: Final = Rectifier(slope=1.0)


def is_one_of(layer: Any, names: Iterable[str]) -> bool:
    """Return whether the class of `layer` is exactly one of Keras' own classes of these names, not a subclass."""
    return any(keras_class(layer) is getattr(keras.layers, name) for name in names)


def rectifier_of(layer: Any) -> Rectifier | None:
    """Return the activation of a layer as a rectifier; None if it is something else.

    Parameters
    ----------
    layer
        A Keras layer with an ``activation`` (or none), or a ``ReLU`` or ``LeakyReLU`` layer.
    """
    activation = layer if is_one_of(layer, ["ReLU", "LeakyReLU"]) else getattr(layer, "activation", None)
    known: Rectifier | None = None
    if activation is None or activation is keras.activations.linear:
        known = LINEAR
    elif activation in (keras.activations.relu, tf.nn.relu):
        known = Rectifier()
    elif activation is tf.nn.relu6:
        known = Rectifier(cap=6.0)
    elif activation is tf.nn.leaky_relu:
        known = Rectifier(slope=0.2)  # TensorFlow's default
    elif is_one_of(activation, ["LeakyReLU"]):
        known = Rectifier(slope=float(activation.alpha))
    elif is_one_of(activation, ["ReLU"]) and float(activation.threshold) == 0.0:
        cap = float("inf") if activation.max_value is None else float(activation.max_value)
        known = Rectifier(slope=float(activation.negative_slope), cap=cap)
    # With a negative slope or cap the output does not tell the derivative.
    return known if known is not None and known.slope >= 0 and known.cap > 0 else None


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
    if is_one_of(layer, ["PReLU"]):
        pass
    elif is_one_of(layer, (*KERNEL_LAYERS, *RECTIFIER_LAYERS)):
        if rectifier_of(layer) is None:
            reason = f"its activation {_activation_name(layer)} is not a ReLU, capped or leaky or neither"
    elif isinstance(layer, keras.Model):
        reason = "it is a model inside the model"
    elif is_one_of(layer, _OTHER_ACTIVATION_LAYERS):
        reason = "it is not a ReLU, capped or leaky or neither"
    elif any(weight.shape.rank > 1 for weight in layer.weights):
        reason = (
            "only the kernels of Dense, Conv2D, DepthwiseConv2D and SeparableConv2D (not derived classes) have patterns"
        )
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
    activation = layer if is_one_of(layer, ["ReLU", "LeakyReLU"]) else layer.activation
    if is_one_of(activation, ["ReLU"]):
        slope, threshold = float(activation.negative_slope), float(activation.threshold)
        return f"ReLU(max_value={activation.max_value}, negative_slope={slope:g}, threshold={threshold:g})"
    if is_one_of(activation, ["LeakyReLU"]):
        return f"LeakyReLU({float(activation.alpha):g})"
    return repr(str(getattr(activation, "__name__", None) or type(activation).__name__))


class KernelReversal(keras.layers.Layer):  # type: ignore[misc]
    """Backward through one layer with another kernel in place of its own.

    A Keras layer, not bare operations: its kernel then is a variable of the analyzer's model. Keras would read bare
    operations' weights out and store them in the graph as constants, which VGG-16 does not survive.

    Called with three tensors ``[X, Y, R]``: the layer's input, its output (after a fused activation) and the relevance
    of that output. Returns the relevance of the input: R times the derivative of a fused rectifier, passed through the
    transpose of the layer with the kernel that `set_kernels` sets.

    Parameters
    ----------
    layer
        The Dense, Conv2D or DepthwiseConv2D layer to go back through; its weights are not used.
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(dtype=layer.dtype, trainable=False, **kwargs)
        self._rectifier = rectifier_of(layer) or LINEAR
        self._described = describe_kernel(layer)
        self._channels_first = getattr(layer, "data_format", None) == "channels_first"
        shape = spread_shape(self._described)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer="zeros", trainable=False)
        self.built = True

    def spread(self, kernel: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """Return a kernel, shaped as `netlens.models.keras.kernel_layers` says, with zeros between its taps."""
        if self._described.dilation is None:
            return kernel
        spread = np.zeros(self.kernel.shape, kernel.dtype)
        row_step, column_step = self._described.dilation
        spread[::row_step, ::column_step] = kernel
        return spread

    def call(self, inputs: list[Any], *_args: Any, **_kwargs: Any) -> Any:
        """Return the relevance of X, shaped as X."""
        X, Y, R = inputs
        R = self._rectifier.gate(Y, R)
        shape = tf.shape(X)
        if self._channels_first:
            R, shape = tf.transpose(R, (0, 2, 3, 1)), tf.gather(shape, (0, 2, 3, 1))
        relevance = transposed(self._described, self.kernel, R, shape)
        if self._channels_first:
            relevance = tf.transpose(relevance, (0, 3, 1, 2))
        relevance.set_shape(X.shape)
        return relevance


class AdditionReversal(keras.layers.Layer):  # type: ignore[misc]
    """Backward through an addition: each branch gets its share of the relevance, and the shares sum to 1.

    The paper defines no rule for additions; this one is ours. An addition is a linear unit whose weights are 1, so it
    can have a pattern: of a branch x_i of the sum y = x_1 + ... + x_n, the share sum(x_i y) / sum(y^2), over the
    positions of a channel in one image, is the regression of x_i on y. Where a sum has no positions, as between Dense
    layers, or only one, all of its values take part in one share: of a single number, x_i / y is left, which has no
    bound. Where y is 0 throughout, the shares are equal.

    Two other rules were measured on EfficientNet-Lite0, whose shortcuts are added. Passing everything to each branch
    (the plain gradient) multiplies what arrives at the image: its sum was -21,670 to 40,851 times the logit. Sharing
    at each position by x_i / y keeps the sum within the network, and yet gave -2.8e11 to 2.4e10 times the logit, since
    y is near 0 at some positions. With this rule it was -1.7 to 3.5 times the logit.

    Called with the tensors ``[x_1, ..., x_n, y, R]``, R being the relevance of the sum. Returns the relevances of the
    branches, shaped as these; a branch that was repeated over positions gets the sum over them.
    """

    def call(self, inputs: list[Any], *_args: Any, **_kwargs: Any) -> list[Any]:
        """Return the relevance of each branch."""
        *branches, total, R = inputs
        rank = total.shape.rank
        positions = list(range(1, rank - 1))
        if all(total.shape[axis] == 1 for axis in positions):
            positions = list(range(1, rank))
        # Divided by the largest value first, so that squares of tiny numbers are not 0.
        largest = tf.reduce_max(tf.abs(total), positions, keepdims=True)
        dead = tf.equal(largest, 0)
        scale = tf.where(dead, tf.ones_like(largest), largest)
        unit = total / scale
        squares = tf.reduce_sum(unit * unit, positions, keepdims=True)
        squares = tf.where(dead, tf.ones_like(squares), squares)
        relevances = []
        for branch in branches:
            # As Keras aligns tensors of different ranks: new axes behind that of the images.
            aligned = branch
            for _ in range(rank - branch.shape.rank):
                aligned = tf.expand_dims(aligned, 1)
            share = tf.reduce_sum(aligned / scale * unit, positions, keepdims=True) / squares
            share = tf.where(dead, tf.ones_like(share) / len(branches), share)
            relevance = tf.broadcast_to(share, tf.shape(R)) * R
            repeated = [axis for axis in range(1, rank) if aligned.shape[axis] == 1 and total.shape[axis] != 1]
            if repeated:
                relevance = tf.reduce_sum(relevance, repeated, keepdims=True)
            relevance = tf.reshape(relevance, tf.shape(branch))
            relevance.set_shape(branch.shape)
            relevances.append(relevance)
        return relevances


def set_kernels(kernels: Iterable[tuple[KernelReversal, NDArray[np.floating[Any]]]]) -> None:
    """Set the kernels that layers go back through; a built analyzer need not be rebuilt.

    All at once, since each run of the session prepares the whole graph again.

    Parameters
    ----------
    kernels
        Layers, and for each a kernel shaped as `netlens.models.keras.kernel_layers` says.
    """
    keras.backend.batch_set_value([(reversal.kernel, reversal.spread(kernel)) for reversal, kernel in kernels])
