import numpy as np
import pytest

from netlens.models.backend import tf1
from netlens.spatial_attribution.choices import AttributionError
from netlens.spatial_attribution.pooling_gradients import blur, pooling_gradient, smooth_max_pool

POOL = {"ksize": [1, 3, 3, 1], "strides": [1, 2, 2, 1], "padding": "SAME"}


def smooth_by_hand(x):
    """Pool one map by ``mean(x^2) / (0.01 + mean(|x|))`` over windows of 3 x 3, stride 2, that do not reach outside."""
    rows = [
        [(part**2).mean() / (0.01 + np.abs(part).mean()) for part in (x[i : i + 3, j : j + 3] for j in (0, 2, 4))]
        for i in (0, 2)
    ]
    return np.array(rows)


def gradient_of_pool(x, cotangent, gradient, padding="VALID"):
    with tf1.Graph().as_default() as graph, tf1.Session() as session, pooling_gradient(graph, gradient):
        images = tf1.constant(x)
        pooled = tf1.nn.max_pool(images, ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1], padding=padding)
        return session.run([pooled, tf1.gradients(pooled, images, cotangent)[0]])


def test_smooth_pooling_is_its_formula():
    x = np.random.default_rng(0).standard_normal((5, 7))
    with tf1.Graph().as_default(), tf1.Session() as session:
        pooled = smooth_max_pool(tf1.constant(x[None, :, :, None]), **(POOL | {"padding": "VALID"}))
        np.testing.assert_allclose(session.run(pooled)[0, :, :, 0], smooth_by_hand(x), rtol=1e-12)


def test_smooth_gradient_is_that_of_the_formula_and_the_value_stays_the_maximum():
    generator = np.random.default_rng(1)
    x = generator.standard_normal((5, 7))
    cotangent = generator.standard_normal((2, 3))
    pooled, found = gradient_of_pool(x[None, :, :, None], cotangent[None, :, :, None], "smooth")
    assert pooled[0, 0, 0, 0] == x[:3, :3].max()
    step = 1e-6
    for place in np.ndindex(5, 7):
        nudge = np.zeros_like(x)
        nudge[place] = step
        slope = (cotangent * (smooth_by_hand(x + nudge) - smooth_by_hand(x - nudge))).sum() / (2 * step)
        assert found[0, *place, 0] == pytest.approx(slope, rel=1e-6, abs=1e-8)


def test_blur_weights_and_borders():
    x = np.zeros((1, 4, 5, 2))
    x[0, 1, 2, 0] = 1
    x[0, 0, 0, 1] = 1
    with tf1.Graph().as_default(), tf1.Session() as session:
        last, first = session.run(
            [blur(tf1.constant(x)), blur(tf1.constant(x.transpose(0, 3, 1, 2)), data_format="NCHW")]
        )
    expected = np.zeros((4, 5))
    expected[0:3, 1:4] = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
    np.testing.assert_allclose(last[0, :, :, 0], expected, atol=1e-15)
    np.testing.assert_allclose(last[0, :2, :2, 1], np.array([[4, 2], [2, 1]]) / 16, atol=1e-15)
    np.testing.assert_array_equal(first, last.transpose(0, 3, 1, 2))


def test_smooth_blur_is_smooth_then_blur():
    generator = np.random.default_rng(2)
    x, cotangent = generator.standard_normal((2, 6, 6, 3)), generator.standard_normal((2, 3, 3, 3))
    _, smooth = gradient_of_pool(x, cotangent, "smooth", "SAME")
    _, blurred = gradient_of_pool(x, cotangent, "smooth_blur", "SAME")
    with tf1.Graph().as_default(), tf1.Session() as session:
        np.testing.assert_allclose(blurred, session.run(blur(tf1.constant(smooth))), rtol=1e-12, atol=1e-14)


def test_true_gradient_goes_to_the_largest():
    x = np.arange(9.0).reshape(1, 3, 3, 1)
    _, found = gradient_of_pool(x, np.ones((1, 1, 1, 1)), "true")
    assert found[0, 2, 2, 0] == 1
    assert found.sum() == 1


def test_unknown_gradient():
    with (
        pytest.raises(AttributionError, match="choose one of true, smooth, smooth_blur"),
        pooling_gradient(None, "soft"),
    ):
        pass
