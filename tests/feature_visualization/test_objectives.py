"""What pictures maximize, against loops in numpy, and its gradients."""

import numpy as np
import pytest

from netlens.feature_visualization.objectives import along_directions, towards_image
from netlens.models.backend import tf1


@pytest.mark.parametrize("power", [0, 1, 2.5])
@pytest.mark.parametrize("position", ["everywhere", "centre"])
def test_along_directions_is_the_sum_of_what_each_picture_maximizes(position, power):
    rng = np.random.default_rng(0)
    activations, directions = rng.normal(size=(3, 4, 5, 6)), rng.normal(size=(3, 6))
    expected = 0.0
    for maps, direction in zip(activations, directions, strict=True):
        vectors = maps[2:3, 2:3].reshape(-1, 6) if position == "centre" else maps.reshape(-1, 6)
        along = vectors @ direction
        cosines = along / np.linalg.norm(vectors, axis=1) / np.linalg.norm(direction)
        expected += np.mean(along * np.maximum(0.1, cosines) ** power)
    with tf1.Graph().as_default(), tf1.Session() as session:
        tensors = tf1.constant(activations), tf1.constant(directions)
        value = session.run(along_directions(*tensors, position, power))
    assert value == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("power", [0, 1, 2.5])
def test_a_direction_of_nothing_adds_exactly_nothing(power):
    with tf1.Graph().as_default(), tf1.Session() as session:
        activations = tf1.constant(np.random.default_rng(0).normal(size=(2, 3, 3, 4)).astype(np.float32))
        value = along_directions(activations, tf1.zeros((2, 4)), cosine_power=power)
        value, (slope,) = session.run([value, tf1.gradients(value, activations)])
    assert value == 0
    assert np.array_equal(slope, np.zeros_like(slope))


def test_layers_without_positions_and_silent_ones():
    with tf1.Graph().as_default(), tf1.Session() as session:
        silent, direction = tf1.zeros((2, 3)), tf1.constant([[1.0, 0, 0], [0, -1.0, 0]])
        value = along_directions(silent, direction, cosine_power=1)
        value, (slope,) = session.run([value, tf1.gradients(value, silent)])
    assert value == 0
    assert np.allclose(slope, [[0.1, 0, 0], [0, -0.1, 0]], rtol=1e-6)


def oracle(activations, targets, counting, powers):
    """`towards_image` as its docstring has it, by loops, in float64."""
    channels = activations.shape[-1]
    total = 0.0
    for maps, counts, power in zip(activations, counting, powers, strict=True):
        at_positions = []
        for a, t in zip(maps.reshape(-1, channels), targets[0].reshape(-1, channels), strict=True):
            lengths = np.linalg.norm(a) * np.linalg.norm(t)
            at_positions.append(a @ t * max(0.1, a @ t / lengths) ** power if lengths else 0.0)
        total += counts * np.mean(at_positions)
    return total


@pytest.mark.parametrize("shape", [(5, 4, 3, 6), (5, 6)])
def test_towards_image_is_the_sum_of_what_each_counting_picture_maximizes(shape):
    rng = np.random.default_rng(0)
    activations, targets = rng.normal(size=shape), rng.normal(size=(1, *shape[1:]))
    activations[0], activations[1] = 2 * targets, -targets
    counting, powers = np.array([1, 1, 1, 0, 1.0]), np.array([1, 1, 0, 2, 2.5])
    with tf1.Graph().as_default(), tf1.Session() as session:
        fed = [tf1.constant(values) for values in (activations, targets, counting, powers)]
        value = session.run(towards_image(*fed))
    assert value == pytest.approx(oracle(activations, targets, counting, powers), rel=1e-7)


def test_silent_activations_have_a_finite_gradient():
    with tf1.Graph().as_default(), tf1.Session() as session:
        silent = tf1.zeros((2, 1, 2, 3))
        targets = tf1.constant([[[[1.0, 0, 0], [0, 0, 0]]]])
        value = towards_image(silent, targets, tf1.constant([1.0, 0]), tf1.constant([1.0, 1]))
        value, (slope,) = session.run([value, tf1.gradients(value, silent)])
    assert value == 0
    # At a position of two, the least cosine times the target; where the image is silent, and in a picture that does not
    # count, nothing.
    expected = np.zeros((2, 1, 2, 3))
    expected[0, 0, 0, 0] = 0.05
    assert np.allclose(slope, expected, rtol=1e-6, atol=0)


@pytest.mark.slow
def test_a_gradient_is_that_of_one_picture_alone():
    rng = np.random.default_rng(1)
    targets, powers = rng.normal(size=(1, 3, 3, 4)), np.array([0, 1, 2.0])
    activations = rng.normal(size=(3, 3, 3, 4))

    def slope(values, counting):
        with tf1.Graph().as_default(), tf1.Session() as session:
            given = tf1.constant(values)
            value = towards_image(given, tf1.constant(targets), tf1.constant(counting), tf1.constant(powers))
            return session.run(tf1.gradients(value, given)[0])

    together = slope(activations, np.ones(3))
    for place in range(3):
        changed = rng.normal(size=activations.shape)
        changed[place] = activations[place]
        assert np.array_equal(slope(changed, np.ones(3))[place], together[place])
        alone = slope(activations, np.eye(3)[place])
        assert np.array_equal(alone[place], together[place])
        assert not np.delete(alone, place, axis=0).any()
