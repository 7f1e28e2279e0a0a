import numpy as np
import pytest

from netlens.models.architectures.inception import small_inception
from netlens.models.errors import NetworkError

BRANCHES = ["1x1", "3x3_bottleneck", "3x3", "5x5_bottleneck", "5x5", "pool", "pool_reduce"]


def layers_of(*names):
    return [f"{name}_{branch}" for name in names for branch in BRANCHES] + list(names)


@pytest.mark.slow
def test_small_inception():
    model = small_inception(input_shape=(64, 64, 3), classes=16, seed=0)
    shapes = {layer.name: layer.output_shape for layer in model.layers[1:]}
    mixed = ["mixed3a", "mixed3b", "mixed4a", "mixed4b"]
    trunk = ["conv2d0", "maxpool0", "conv2d1", "conv2d2", "maxpool1", "maxpool4", "avgpool"]
    assert set(shapes) == {*trunk, *layers_of(*mixed), "softmax2_pre_activation", "softmax2"}
    sizes = {"conv2d0": 64, "maxpool0": 32, "conv2d2": 32, "maxpool1": 16, "mixed3a": 16, "mixed3b": 16, "maxpool4": 8}
    for name, size in {**sizes, "mixed4a": 8, "mixed4b": 8}.items():
        assert shapes[name][1:3] == (size, size), name
    assert (shapes["conv2d0"][3], shapes["conv2d1"][3], shapes["conv2d2"][3]) == (24, 24, 48)
    for name in mixed:
        parts = [shapes[f"{name}_{branch}"][3] for branch in ("1x1", "3x3", "5x5", "pool_reduce")]
        assert shapes[name][3] == sum(parts)
    assert model.get_layer("conv2d0").kernel_size == (7, 7) and model.get_layer("conv2d0").strides == (1, 1)
    assert model.get_layer("softmax2_pre_activation").activation.__name__ == "linear"
    assert model.output_shape == (None, 16) and model.count_params() < 200_000


@pytest.mark.slow
def test_same_seed_same_weights():
    one, two, other = (small_inception(input_shape=(16, 16, 3), classes=4, seed=s).get_weights() for s in (7, 7, 8))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(one[0], other[0])
    # He et al. 2015: variance 2 / fan in.
    assert np.std(one[0]) == pytest.approx(np.sqrt(2 / (49 * 3)), rel=0.03)


def test_too_small():
    with pytest.raises(NetworkError, match="at least 16 x 16 pixels, not"):
        small_inception(input_shape=(64, 15, 3), classes=4, seed=0)
