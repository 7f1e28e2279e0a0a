import pytest


@pytest.fixture(autouse=True)
def own_graph():
    """Give each test a graph and a session of its own, so that names and weights do not pile up."""
    from netlens.models.backend import keras

    keras.backend.clear_session()
    yield
    keras.backend.clear_session()
