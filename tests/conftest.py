"""What all tests share: they run from the repository's root, wherever they are started."""

from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes on a busy machine says nothing of the code.
settings.register_profile("netlens", deadline=None)
settings.load_profile("netlens")

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture
def own_graph():
    """Give a test a graph and a session of its own, so that names and weights do not pile up."""
    from netlens.models.backend import keras

    keras.backend.clear_session()
    yield
    keras.backend.clear_session()


@pytest.fixture(scope="session")
def inception():
    """Give the small Inception network without softmax, untrained and frozen: three classes, 64 x 64 pixels."""
    from netlens.models.architectures.inception import small_inception
    from netlens.models.backend import keras
    from netlens.models.frozen.frozen_network import freeze
    from netlens.models.network import Network
    from netlens.models.preprocessing import preprocessing_from

    model = small_inception(input_shape=(64, 64, 3), classes=3, seed=0)
    logits = keras.Model(model.input, model.get_layer("softmax2_pre_activation").output)
    return freeze(Network("small", logits, preprocessing_from("none"), ("a", "b", "c"), (64, 64, 3), ""))
