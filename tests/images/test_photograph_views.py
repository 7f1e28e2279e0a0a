import numpy as np
import pytest

from netlens.images.image_set import open_image_set
from netlens.images.photograph_views import Division, Viewing, heldout_views, training_views, view_scenes
from netlens.images.photos import IMAGENET_SYNSETS, LAYOUTS, PHOTOGRAPHS, PhotoError, read_photograph, render

CLASSES = ("astronaut", "chelsea", "coffee", "moon", "rocket")
DIVISION = Division(CLASSES, ("rocket", "chelsea", "coffee"))
VIEWING = Viewing(size_px=32, smallest=0.6)


def test_photographs_are_divided_whole():
    assert (DIVISION.training_labels, DIVISION.heldout_labels) == ((0, 3), (1, 2, 4))
    train, held = (draw(DIVISION, 3, VIEWING, seed=1) for draw in (training_views, heldout_views))
    assert train.labels.tolist() == [0, 3] * 3 and held.labels.tolist() == [1, 2, 4] * 3
    assert train.class_names == held.class_names == CLASSES
    assert held.class_ids == ("", "n02124075", "n07920052", "", "n03773504")


def test_views_are_squares_of_the_stated_scales_inside_the_photograph():
    views = training_views(DIVISION, 40, VIEWING, seed=1)
    for label in (0, 3):
        height, width, _ = read_photograph(CLASSES[label]).shape
        top, left, tall, wide = views.boxes[views.labels == label].T
        assert (
            (tall == wide).all() and (tall <= min(height, width)).all() and (tall >= 0.6 * min(height, width) - 1).all()
        )
        assert len(set(tall)) > 10
        assert (top >= 0).all() and (left >= 0).all() and (top + tall <= height).all() and (left + wide <= width).all()


def test_the_first_held_out_view_is_the_center_as_it_is():
    views = heldout_views(DIVISION, 2, VIEWING, seed=1)
    photograph = read_photograph("chelsea")
    height, width, _ = photograph.shape
    box = np.array([0, (width - height) // 2, height, height])
    np.testing.assert_array_equal(views.boxes[0], box)
    np.testing.assert_array_equal(views.images[0], render(photograph, box, (32, 32)))


def test_parts_of_a_scene_are_undistorted_held_out_photographs():
    scenes = view_scenes(DIVISION, 12, VIEWING, seed=1, layouts=tuple(LAYOUTS))
    assert set(np.unique(scenes.labels)) == {-1, 1, 2, 4}
    assert "quarters" not in scenes.layouts and len(set(scenes.layouts)) == 3
    for mask, labels, boxes in zip(scenes.masks, scenes.labels, scenes.boxes, strict=True):
        for part, (label, box) in enumerate(zip(labels, boxes, strict=True)):
            rows, columns = np.nonzero(mask == 1 + part)
            if label < 0:
                assert not len(rows)
                continue
            shape = np.array([np.ptp(rows) + 1, np.ptp(columns) + 1])
            scale = box[2:] / shape
            assert abs(scale[0] - scale[1]) < 1 / shape.min()
            assert (box[:2] + box[2:] <= read_photograph(CLASSES[label]).shape[:2]).all()


@pytest.mark.slow
def test_seeds_and_counts(tmp_path):
    for draw in (training_views, heldout_views, view_scenes):
        few, many, other = (draw(DIVISION, *args) for args in ((4, VIEWING, 1), (8, VIEWING, 1), (8, VIEWING, 2)))
        np.testing.assert_array_equal(few.images, many.images[: len(few.images)])
        assert not np.array_equal(many.images, other.images)
        few.save(tmp_path / "set.npz")
        assert open_image_set(tmp_path / "set.npz").class_ids == few.class_ids


def test_every_photograph_of_imagenet_is_one():
    assert set(IMAGENET_SYNSETS) <= set(PHOTOGRAPHS)


@pytest.mark.parametrize(
    ("classes", "heldout", "message"),
    [
        (("moon", "coffee", "nobody"), ("moon", "coffee"), "no photograph is named 'nobody'"),
        (("moon", "moon"), ("moon",), "a photograph is repeated"),
        (
            ("moon", "coffee", "coins"),
            ("moon", "rocket"),
            "'rocket' is held out, but is not one of moon, coffee, coins",
        ),
        (("moon", "coffee"), ("moon",), "1 of 2 photographs are held out; hold out at least two"),
        (("moon", "coffee"), ("moon", "coffee"), "leave at least one"),
    ],
)
def test_bad_divisions(classes, heldout, message):
    with pytest.raises(PhotoError, match=message):
        Division(classes, heldout)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size_px": 33}, "even number"),
        ({"smallest": 0}, "smallest must be above 0"),
        ({"colour": 1.0}, "colour must be"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(PhotoError, match=message):
        Viewing(**settings)


def test_no_views():
    with pytest.raises(PhotoError, match="at least 1 view"):
        heldout_views(DIVISION, 0, VIEWING, seed=1)
    with pytest.raises(PhotoError, match="at least 1 scene"):
        view_scenes(DIVISION, 0, VIEWING, seed=1)
