"""The process-wide settings come and go."""

import pytest

from netlens.models.arithmetic import exact_arithmetic
from netlens.models.backend import tf


def settings():
    from tensorflow.python.framework import config

    return config.is_op_determinism_enabled(), tf.config.experimental.tensor_float_32_execution_enabled()


def test_exact_inside_and_as_before_outside():
    before = settings()
    with exact_arithmetic():
        assert settings() == (True, False)
        with exact_arithmetic():
            pass
        assert settings() == (True, False)
    assert settings() == before
    with pytest.raises(KeyError), exact_arithmetic():
        raise KeyError
    assert settings() == before
