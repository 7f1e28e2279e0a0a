"""Deterministic and exact arithmetic in TensorFlow."""

from collections.abc import Iterator
from contextlib import contextmanager

from netlens.models.backend import tf


@contextmanager
def exact_arithmetic() -> Iterator[None]:
    """Deterministic operations and exact float32 products within the block; both settings are restored afterwards.

    On GPUs, convolutions otherwise choose their algorithm by speed on each run and round factors to ten bits (TF32),
    so two runs can give different numbers.
    """
    from tensorflow.python.framework import config

    deterministic = config.is_op_determinism_enabled()
    tensor_float = tf.config.experimental.tensor_float_32_execution_enabled()
    config.enable_op_determinism()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        if not deterministic:
            config.disable_op_determinism()
        tf.config.experimental.enable_tensor_float_32_execution(tensor_float)
