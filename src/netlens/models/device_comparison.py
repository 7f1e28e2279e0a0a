"""The same small computation on the CPU and on a GPU: how far the results are apart, and how long each takes.

``python -m netlens.models.device_comparison`` prints it as JSON; `netlens doctor --gpu` tells what it means.
"""

import json
import time
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netlens.models.backend import tf, tf1

#: Images, their size in pixels, and channels of the two convolutions.
_IMAGES: Final = 4
_SIZE_PX: Final = 112
_CHANNELS: Final = 64
_REPEATS: Final = 3


def compute_on(device: str) -> tuple[NDArray[Any], float]:
    """Gradient of two convolutions with rectifiers by their images, and the seconds of the fastest of three runs.

    Parameters
    ----------
    device
        As TensorFlow names it, such as ``/CPU:0``.

    Returns
    -------
    numpy.ndarray
        float32, shape (images, height, width, 3).
    float
        Seconds.
    """
    random = np.random.default_rng(0)
    images = random.standard_normal((_IMAGES, _SIZE_PX, _SIZE_PX, 3)).astype(np.float32)
    kernels = [
        (random.standard_normal((3, 3, channels, _CHANNELS)) / np.sqrt(9 * channels)).astype(np.float32)
        for channels in (3, _CHANNELS)
    ]
    with tf.Graph().as_default(), tf.device(device):
        start = tf1.placeholder(tf.float32, images.shape)
        values = start
        for kernel in kernels:
            values = tf.nn.relu(tf.nn.conv2d(values, tf.constant(kernel), 1, "SAME"))
        gradient = tf1.gradients(tf.reduce_sum(values**2), start)[0]
        # An operation that a device does not have is an error, not one that quietly runs on the other.
        with tf1.Session(config=tf1.ConfigProto(allow_soft_placement=False)) as session:
            seconds = []
            for _ in range(_REPEATS):
                started = time.perf_counter()
                result = session.run(gradient, {start: images})
                seconds.append(time.perf_counter() - started)
    return np.asarray(result), min(seconds)


def compare() -> dict[str, Any]:
    """Result of the CPU beside that of the first GPU.

    Returns
    -------
    dict
        ``device``, the GPU's name, or None if TensorFlow sees none; otherwise also ``deviation``, the largest
        difference as a share of the largest value, and ``cpu_s`` and ``gpu_s``.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return {"device": None}
    details = tf.config.experimental.get_device_details(gpus[0])
    on_cpu, cpu_s = compute_on("/CPU:0")
    on_gpu, gpu_s = compute_on("/GPU:0")
    deviation = float(np.max(np.abs(on_gpu - on_cpu)) / np.max(np.abs(on_cpu)))
    return {
        "device": str(details.get("device_name", gpus[0].name)),
        "deviation": deviation,
        "cpu_s": cpu_s,
        "gpu_s": gpu_s,
    }


if __name__ == "__main__":
    print(json.dumps(compare()))
