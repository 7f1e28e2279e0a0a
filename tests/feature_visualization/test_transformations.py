"""The random moves of pictures."""

import numpy as np
import pytest

from netlens.feature_visualization.transformations import Moves, random_transforms, transformed
from netlens.models.backend import tf1

STILL = Moves((1.0,), (0,))


def seen(image, transform):
    size = len(image)
    with tf1.Graph().as_default(), tf1.Session() as session:
        return session.run(transformed(tf1.constant(image[None], tf1.float32), tf1.constant(transform), size))[0]


def test_moves_stay_within_their_ranges_and_repeat():
    moves = Moves((0.9, 1.1), (-10, 10))
    found = random_transforms(moves, 64, 200)
    assert found.shape == (200, 8)
    assert np.array_equal(found, random_transforms(moves, 64, 200))
    # The first steps do not depend on how many follow... but for the draws, which are made column by column.
    scales = 1 / np.hypot(found[:, 0], found[:, 3])
    assert set(np.round(scales, 4)) == {np.float32(0.9), np.float32(1.1)}
    angles = np.degrees(np.arctan2(found[:, 3], found[:, 0]))
    assert set(np.round(angles).astype(int)) == {-10, 10}
    assert np.all(found[:, 6:] == 0)


def test_shifts_are_about_zero():
    shifts = random_transforms(STILL, 128, 500)[:, [2, 5]]
    assert np.abs(shifts).max() <= 6
    assert np.abs(shifts).max() > 4.5
    assert np.abs(shifts.mean(axis=0)).max() < 0.3


@pytest.mark.parametrize(("scale", "degrees"), [(1.0, 0), (1.25, 0), (1.0, 90), (0.8, 45)])
def test_a_dot_moves_where_the_numbers_say(scale, degrees):
    image = np.full((33, 33, 3), 0.5)
    image[8:11, 20:23] = 1.0
    (transform,) = random_transforms(Moves((scale,), (degrees,)), 33, 1)
    shown = seen(image, transform)
    weights = shown[..., 0] - 0.5
    row, column = (float((weights * place).sum() / weights.sum()) for place in np.mgrid[:33, :33])
    # The matrix reads the input at the output's place: applied to the dot's new center, it gives the old one.
    x, y = transform[:3] @ [column, row, 1], transform[3:6] @ [column, row, 1]
    assert (x, y) == pytest.approx((21, 9), abs=0.15)


def test_what_lies_outside_is_gray():
    shown = seen(np.ones((16, 16, 3)), random_transforms(Moves((0.5,), (0,)), 16, 1)[0])
    assert shown[0, 0] == pytest.approx([0.5] * 3)
    assert shown[8, 8] == pytest.approx([1.0] * 3)
