import numpy as np
import pytest

from netlens.models.architectures.resnet import resnet50
from netlens.models.backend import keras
from netlens.models.errors import NetworkError


@pytest.mark.slow
def test_seed_decides_the_weights_of_the_network_of_keras():
    model = resnet50(input_shape=(32, 32, 3), classes=1000, seed=1)
    assert model.count_params() == 25_636_712
    first, later = keras.backend.batch_get_value(
        [model.get_layer(name).kernel for name in ("conv1_conv", "conv4_block3_2_conv")]
    )
    expected = np.random.default_rng(1).standard_normal((7, 7, 3, 64), np.float32) * np.sqrt(2 / 147)
    np.testing.assert_allclose(first, expected, rtol=1e-6)
    # He et al. 2015: variance 2 / fan in.
    assert later.std() == pytest.approx(np.sqrt(2 / (9 * 256)), rel=0.01)


def test_images_too_small():
    with pytest.raises(NetworkError, match="resnet50 needs an input of at least 32 x 32 pixels"):
        resnet50(input_shape=(31, 32, 3), classes=5, seed=0)
