"""The copied network computes what the original computes, and leaves the process as it was."""

import numpy as np
import pytest


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("name", ["plain", "activations", "branches"])
def test_the_copy_computes_the_same(make_network, images, name, precision):
    from netlens.pattern_attribution.patterns.network_graph import network_graph

    model = make_network(name)
    expected = model.predict(images[:4], verbose=0)
    with network_graph(model, precision=precision) as network:
        (found,) = network.session.run(network.outputs, {network.images: images[:4]})
        assert found.dtype == precision
        layer = network.tensors[0]
        x, z, positive = network.session.run([layer.x, layer.z, layer.positive], {network.images: images[:4]})
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_array_equal(x, images[:4])
    np.testing.assert_array_equal(positive, np.maximum(z, 0))


@pytest.mark.slow
def test_settings_graph_and_session_are_as_before(make_network, images):
    from tensorflow.python.framework import config

    from netlens.models.backend import tf, tf1
    from netlens.pattern_attribution.patterns.network_graph import network_graph

    model = make_network("plain")
    graph, session = tf1.get_default_graph(), tf1.keras.backend.get_session()
    for tensor_float in (True, False):
        tf.config.experimental.enable_tensor_float_32_execution(tensor_float)
        with pytest.raises(KeyError), network_graph(model):
            assert config.is_op_determinism_enabled()
            assert not tf.config.experimental.tensor_float_32_execution_enabled()
            raise KeyError
        assert not config.is_op_determinism_enabled()
        assert tf.config.experimental.tensor_float_32_execution_enabled() is tensor_float
    tf.config.experimental.enable_tensor_float_32_execution(True)
    assert tf1.get_default_graph() is graph
    assert tf1.keras.backend.get_session() is session
    assert len([operation for operation in graph.get_operations() if operation.type == "Conv2DBackpropFilter"]) == 0


@pytest.mark.slow
def test_the_digest_is_of_names_kernels_and_biases(make_network):
    from netlens.pattern_attribution.patterns.network_graph import network_graph

    def digest(model):
        with network_graph(model) as network:
            return network.sha256

    model = make_network("plain")
    first = digest(model)
    assert digest(make_network("plain")) == first
    assert digest(make_network("plain", seed=1)) != first
    kernel, bias = model.get_layer("conv2").get_weights()
    model.get_layer("conv2").set_weights([kernel, bias + 1])
    assert digest(model) != first
