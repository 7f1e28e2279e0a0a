"""TensorFlow, started in the way that netlens, innvestigate and lucid all need.

Importing this module selects the legacy Keras and turns eager execution off for the whole process. It exports ``tf``
(TensorFlow 2), ``tf1`` (``tensorflow.compat.v1``) and ``keras`` (tf-keras). Everything in netlens that computes with
a network imports TensorFlow from here and from nowhere else.
"""

import os
import sys
from typing import Any


class BackendError(RuntimeError):
    """TensorFlow was started in a way that netlens cannot use."""


def _start() -> tuple[Any, Any, Any]:
    if "tensorflow" in sys.modules and os.environ.get("TF_USE_LEGACY_KERAS") not in {"1", "true", "True"}:
        raise BackendError(
            "TensorFlow was imported before netlens, without TF_USE_LEGACY_KERAS=1; "
            "import netlens.models.backend first, or set that variable before TensorFlow is imported"
        )
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # TensorFlow uses oneDNN by itself only on CPUs with AVX-512 VNNI. Elsewhere convolutions took 1.8 times as long (on
    # AVX2; depthwise ones 4 times), and gradients of dilated convolutions were missing.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    import tensorflow as tf
    import tensorflow.compat.v1 as tf1

    if tf.executing_eagerly():
        try:
            tf1.disable_eager_execution()
        except ValueError as error:
            raise BackendError(
                "TensorFlow has already run eagerly in this process; "
                "import netlens.models.backend before any computation"
            ) from error
    return tf, tf1, tf.keras


tf, tf1, keras = _start()


def session_config(**options: Any) -> Any:
    """Configuration of a session that shares a GPU: memory is allocated as needed, and the CPU is the fallback.

    Parameters
    ----------
    **options
        Further fields of TensorFlow's ConfigProto.

    Returns
    -------
    ConfigProto
    """
    return tf1.ConfigProto(allow_soft_placement=True, gpu_options=tf1.GPUOptions(allow_growth=True), **options)
