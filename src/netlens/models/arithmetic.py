"""How exactly TensorFlow computes in this process."""

from collections.abc import Iterator
from contextlib import contextmanager

from netlens.models.backend import tf


@contextmanager
def exact_arithmetic() -> Iterator[None]:
    """Make operations deterministic and float32 products exact, and put both settings back afterwards.

    On GPUs, convolutions otherwise pick their algorithm by speed, each time anew, and round factors to ten bits
    (TF32); then no two runs need give the same numbers.
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
