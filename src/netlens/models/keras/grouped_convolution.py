"""Grouped convolutions of operations that have gradients.

Keras compiles a grouped convolution into a function of its own, since TensorFlow without oneDNN has no gradient of one
on a CPU. In a graph, as here, the gradient of such a function can be taken only before a session has run the graph.
"""

from collections.abc import Mapping
from typing import Any

from netlens.models.backend import keras, tf


class Conv2D(keras.layers.Conv2D):  # type: ignore[misc]
    """Keras' convolution, with its groups computed one by one; it is saved as Keras' own."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Make a layer from its configuration: one of Keras' own class if there is a single group."""
        return (cls if config.get("groups", 1) > 1 else keras.layers.Conv2D)(**config)

    def _jit_compiled_convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Convolve; what Keras calls where there are several groups."""
        parts = zip(tf.split(inputs, self.groups, axis=-1), tf.split(kernel, self.groups, axis=-1), strict=True)
        return tf.concat([self.convolution_op(part, each) for part, each in parts], axis=-1)


def keras_class(layer: Any) -> Any:
    """Return the class of a layer, which is Keras' own for a grouped convolution of this module."""
    return keras.layers.Conv2D if isinstance(layer, Conv2D) else type(layer)
