import numpy as np
import pytest

from netlens.models.architectures.vgg import vgg
from netlens.models.backend import tf1
from netlens.models.errors import NetworkError
from netlens.models.frozen.frozen_network import freeze, save_frozen
from netlens.models.network import Network, without_softmax
from netlens.models.preparation import prepare, save_prepared
from netlens.models.prepared import open_subject
from netlens.models.preprocessing import preprocessing_from


@pytest.mark.slow
def test_frozen_graph_and_keras_model_are_opened_alike(tmp_path):
    model = vgg("tiny", blocks=[(4, 1)], hidden=[8], input_shape=(8, 8, 3), classes=3, seed=3)
    network = Network("tiny", without_softmax(model), preprocessing_from("tf"), ("a", "b", "c"), (8, 8, 3), "")
    save_frozen(freeze(network), tmp_path / "frozen.pb")
    save_prepared(prepare(network), tmp_path / "kernels.npz", tmp_path / "network.h5")
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), np.uint8)
    expected = network.model.predict_on_batch(network.preprocess(images))
    graph = tf1.get_default_graph()
    for file in ("network.h5", "frozen.pb"):
        with open_subject(tmp_path / file) as (subject, predictor):
            assert (subject.name, subject.class_names) == ("tiny", ("a", "b", "c"))
            logits = predictor.predict_on_batch(subject.preprocess(images))
        assert logits.dtype == np.float32
        np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-6)
    assert tf1.get_default_graph() is graph


def test_damaged_graph(tmp_path):
    (tmp_path / "frozen.pb").write_bytes(b"x")
    (tmp_path / "frozen.json").write_text("{}")
    with pytest.raises(NetworkError, match="does not describe a frozen network"), open_subject(tmp_path / "frozen.pb"):
        pass
