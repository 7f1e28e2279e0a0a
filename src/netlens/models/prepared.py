"""Prepared networks, Keras models or frozen graphs, opened for analyses that only need their logits."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.models.backend import session_config, tf, tf1
from netlens.models.frozen.frozen_network import FrozenNetwork, imported, load_frozen
from netlens.models.network import Network
from netlens.models.network_files import load_prepared


class _FrozenPredictor:
    """A frozen network in a separate session, called like a Keras model."""

    def __init__(self, network: FrozenNetwork, session: Any) -> None:
        self._session = session
        with session.graph.as_default():
            tensors = imported(network)
            self._images = tensors["input"]
            self._logits = session.graph.get_tensor_by_name(f"network/{network.output_node}:0")

    def predict_on_batch(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Logits of preprocessed images."""
        logits: NDArray[np.float32] = self._session.run(self._logits, {self._images: inputs})
        return logits


@contextmanager
def open_subject(path: str | Path, *, name: str | None = None) -> Iterator[tuple[Network | FrozenNetwork, Any]]:
    """Network that the rule ``kernels`` or ``frozen`` has prepared, and a model that computes its logits.

    Parameters
    ----------
    path
        ``network.h5`` or ``frozen.pb``, with its .json beside it.
    name
        Name in the study. Default: the one in the .json.

    Yields
    ------
    network
        With ``preprocess`` and ``class_names``.
    model
        Its ``predict_on_batch`` maps preprocessed images to logits. It works only inside the block.

    Raises
    ------
    FileNotFoundError, NetworkError
        As `netlens.models.network_files.load_prepared` and `netlens.models.frozen.frozen_network.load_frozen`.
    """
    if Path(path).suffix != ".pb":
        network = load_prepared(path, name=name)
        yield network, network.model
        return
    frozen = load_frozen(path)
    with frozen_predictor(frozen) as model:
        yield frozen, model


@contextmanager
def frozen_predictor(network: FrozenNetwork) -> Iterator[Any]:
    """Model that computes a frozen network's logits in a session of its own, inside the block.

    Yields
    ------
    model
        Its ``predict_on_batch`` maps preprocessed images to logits.
    """
    with tf1.Session(graph=tf.Graph(), config=session_config()) as session:
        yield _FrozenPredictor(network, session)
