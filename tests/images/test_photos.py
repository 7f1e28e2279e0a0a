import hashlib
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlens.images import photos
from netlens.images.image_set import open_image_set
from netlens.images.photos import (
    LAYOUTS,
    PHOTOGRAPHS,
    Cropping,
    Cutter,
    PhotoError,
    cells_of,
    heldout_crops,
    intersect,
    read_photograph,
    scenes,
    training_crops,
)

CLASSES = tuple(PHOTOGRAPHS)
CROPPING = Cropping(size_px=32)


@pytest.fixture(scope="module")
def train():
    return training_crops(CLASSES, 12, CROPPING, seed=3)


@pytest.fixture(scope="module")
def heldout():
    return heldout_crops(CLASSES, 8, CROPPING, seed=3)


@pytest.fixture(scope="module")
def composed():
    return scenes(CLASSES, 40, CROPPING, seed=3)


def pixels_of(shape, boxes):
    """Mark the pixels that boxes cover, one by one: the obvious way."""
    covered = np.zeros(shape[:2], bool)
    for top, left, height, width in boxes:
        assert min(top, left) >= 0 and top + height <= shape[0] and left + width <= shape[1]
        covered[top : top + height, left : left + width] = True
    return covered


def test_there_are_at_least_twelve_photographs_all_in_colour_form():
    assert len(PHOTOGRAPHS) == 16
    for name in PHOTOGRAPHS:
        photograph = read_photograph(name)
        assert photograph.dtype == np.uint8 and photograph.ndim == 3 and photograph.shape[2] == 3
    assert np.array_equal(read_photograph("camera")[..., 0], read_photograph("camera")[..., 2])


@pytest.mark.slow
def test_no_training_pixel_is_held_out(train, heldout, composed):
    for label, name in enumerate(CLASSES):
        shape = read_photograph(name).shape
        seen = pixels_of(shape, train.boxes[train.labels == label])
        held = pixels_of(shape, heldout.boxes[heldout.labels == label])
        held |= pixels_of(shape, composed.boxes[composed.labels == label])
        assert seen.any() and held.any()
        assert not (seen & held).any()


@pytest.mark.slow
def test_training_crops_do_not_change_when_held_out_cells_are_painted_over(monkeypatch, train):
    """Not even a filter at the rim of a crop may look into a held-out cell."""

    def painted(name):
        photograph = read_photograph(name).copy()
        boxes, held = cells_of(photograph.shape[0], photograph.shape[1], CROPPING.rows)
        photograph[pixels_of(photograph.shape, boxes[held])] = (255, 0, 255)
        return photograph

    monkeypatch.setattr(photos, "read_photograph", painted)
    again = training_crops(CLASSES, 12, CROPPING, seed=3)
    np.testing.assert_array_equal(again.images, train.images)


def test_cells_cover_and_held_out_cells_spread():
    for name in PHOTOGRAPHS:
        height, width, _ = read_photograph(name).shape
        boxes, held = cells_of(height, width, 5)
        count = np.zeros((height, width), int)
        for top, left, tall, wide in boxes:
            count[top : top + tall, left : left + wide] += 1
        assert (count == 1).all()
        assert 0.15 < held.mean() < 0.25
        # Both see all of it: no quarter of the photograph is without a held-out cell, nor held out altogether.
        mask = pixels_of((height, width), boxes[held])
        for rows in (slice(0, height // 2), slice(height // 2, None)):
            for columns in (slice(0, width // 2), slice(width // 2, None)):
                assert 0.05 < mask[rows, columns].mean() < 0.5


@pytest.mark.slow
@given(st.lists(st.tuples(*[st.integers(0, 9)] * 2, *[st.integers(1, 6)] * 2), min_size=2, max_size=5))
def test_intersection_is_that_of_pixel_sets(boxes):
    boxes = np.array(boxes)
    first = pixels_of((20, 20), boxes[:1])
    expected = [bool((first & pixels_of((20, 20), [box])).any()) for box in boxes]
    assert intersect(boxes, boxes[0]).tolist() == expected


@pytest.mark.slow
def test_same_seed_same_bytes_whatever_numpys_global_state(tmp_path, train, composed):
    np.random.seed(1)  # noqa: NPY002
    training_crops(CLASSES, 12, CROPPING, seed=3).save(tmp_path / "a.npz")
    np.random.seed(2)  # noqa: NPY002
    train.save(tmp_path / "b.npz")
    scenes(CLASSES, 40, CROPPING, seed=3).save(tmp_path / "c.npz")
    composed.save(tmp_path / "d.npz")
    hashes = [hashlib.sha256((tmp_path / f"{name}.npz").read_bytes()).hexdigest() for name in "abcd"]
    assert hashes[0] == hashes[1] and hashes[2] == hashes[3]
    assert not np.array_equal(training_crops(CLASSES, 12, CROPPING, seed=4).images, train.images)


@pytest.mark.slow
@pytest.mark.slow
def test_luminance_does_not_depend_on_the_routines_of_the_processor():
    """OpenBLAS rounds products of matrices as suits each kind of processor, the last of them being this machine's."""
    draw = (
        "import hashlib; import numpy as np; from netlens.images.photos import luminance; "
        "pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.float32); "
        "print(hashlib.sha256(luminance(pixels).tobytes()).hexdigest())"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", draw],
            env={name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"} | kind,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for kind in ({"OPENBLAS_CORETYPE": "Prescott"}, {"OPENBLAS_CORETYPE": "Haswell"}, {})
    }
    assert len(hashes) == 1


def test_more_crops_leave_the_first_as_they_are(train, heldout):
    np.testing.assert_array_equal(training_crops(CLASSES, 2, CROPPING, seed=3).images, train.images[:32])
    np.testing.assert_array_equal(heldout_crops(CLASSES, 2, CROPPING, seed=3).images, heldout.images[:32])


def test_sets_on_disk(tmp_path, train, composed):
    train.save(tmp_path / "train.npz")
    composed.save(tmp_path / "scenes.npz")
    opened = open_image_set(tmp_path / "train.npz")
    assert opened.class_names == CLASSES and opened.masks is None and len(opened) == 12 * 16
    np.testing.assert_array_equal(opened.images[5:9], train.images[5:9])
    assert opened.labels[:17].tolist() == [*range(16), 0]
    opened = open_image_set(tmp_path / "scenes.npz")
    np.testing.assert_array_equal(opened.masks, composed.masks)
    assert opened.labels.shape == (40, 4) and opened.labels.dtype == np.int64


@pytest.mark.slow
def test_every_scene_pixel_is_of_the_class_its_mask_says(composed):
    size = CROPPING.size_px
    assert set(composed.layouts) == set(LAYOUTS)
    for image, mask, labels, boxes, layout in zip(
        composed.images, composed.masks, composed.labels, composed.boxes, composed.layouts, strict=True
    ):
        parts = LAYOUTS[layout]
        shown = labels[labels >= 0]
        assert len(shown) == len(parts) == mask.max() == len(set(shown.tolist()))
        assert (labels[len(parts) :] == -1).all() and (boxes[len(parts) :] == -1).all()
        assert np.bincount(mask.ravel(), minlength=5)[0] == 0
        for position, (label, box) in enumerate(zip(shown, boxes, strict=False)):
            where = mask == 1 + position
            height, width = where.any(axis=1).sum(), where.any(axis=0).sum()
            assert where.sum() == height * width
            part = image[where].reshape(height, width, 3)
            cut = photos.render(read_photograph(CLASSES[label]), box, (height, width))
            assert np.array_equal(part, cut) or np.array_equal(part[:, ::-1], cut)
    left = composed.masks[list(composed.layouts).index("left_right")]
    assert (left[:, : size // 2] == 1).all() and (left[:, size // 2 :] == 2).all()


def test_parts_of_scenes_have_the_zoom_of_images(composed, heldout):
    size = CROPPING.size_px
    for label, name in enumerate(CLASSES):
        sides = heldout.boxes[heldout.labels == label, 2:]
        largest = Cutter(name, read_photograph(name), CROPPING).side
        assert sides.max() <= largest and sides.min() >= round(CROPPING.smallest * largest)
    for mask, boxes in zip(composed.masks, composed.boxes, strict=True):
        for position, (_, _, height, width) in enumerate(boxes[boxes[:, 0] >= 0]):
            where = mask == 1 + position
            tall, wide = where.any(axis=1).sum(), where.any(axis=0).sum()
            assert height / tall == pytest.approx(width / wide, abs=2 / (size // 2))


@pytest.mark.slow
def test_flat_crops_are_drawn_again(train, heldout):
    for crops in (heldout.images,):
        assert (crops @ np.array([0.299, 0.587, 0.114])).std(axis=(1, 2)).min() >= CROPPING.contrast
    flat = np.full((100, 100, 3), 9, np.uint8)
    with pytest.raises(PhotoError, match="'sky' has no crop with a contrast of 8"):
        Cutter("sky", flat, CROPPING).training_crop(np.random.default_rng(0))


def test_held_out_colours_are_those_of_the_photograph_and_training_colours_vary(train, heldout):
    grey = [CLASSES.index(name) for name in ("brick", "grass")]
    means = {label: train.images[train.labels == label].mean(axis=(1, 2, 3)) for label in grey}
    held = {label: heldout.images[heldout.labels == label].mean(axis=(1, 2, 3)) for label in grey}
    for label in grey:
        assert means[label].std() > 1.5 * held[label].std()


def test_mirrored_half_the_time():
    photograph = np.tile(np.arange(0, 200, dtype=np.uint8)[None, :, None], (200, 1, 3))
    cutter = Cutter("ramp", photograph, Cropping(size_px=32, contrast=0, colour=0))
    crops = [cutter.training_crop(np.random.default_rng(i))[0] for i in range(100)]
    falling = sum(int(crop[0, 0, 0]) > int(crop[0, -1, 0]) for crop in crops)
    assert 30 <= falling <= 70


@pytest.mark.slow
def test_generation_takes_seconds():
    start = time.process_time()
    training_crops(CLASSES, 30, Cropping(), seed=1)
    assert time.process_time() - start < 5


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(CLASSES), st.integers(3, 8))
def test_any_seed_and_grid_keep_apart(seed, name, rows):
    cropping = Cropping(size_px=16, rows=rows, contrast=2.0)
    cutter = Cutter(name, read_photograph(name), cropping)
    _, box = cutter.training_crop(np.random.default_rng(seed))
    _, held = cutter.heldout_crop(np.random.default_rng(seed), 16, 8)
    assert not intersect(cutter.heldout_cells, box).any()
    assert intersect(cutter.heldout_cells, held).sum() == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size_px": 33}, "size_px must be an even number"),
        ({"rows": 2}, "rows must be 3 to 12, not 2"),
        ({"smallest": 0.0}, "smallest must be above 0"),
        ({"colour": 1.0}, "colour must be at least 0 and below 1"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(PhotoError, match=message):
        Cropping(**options)


def test_bad_requests(monkeypatch):
    with pytest.raises(PhotoError, match="no photograph is named 'lena'; there are astronaut"):
        training_crops(["astronaut", "lena"], 1, CROPPING, seed=0)
    with pytest.raises(PhotoError, match="at least two different classes"):
        heldout_crops(["astronaut", "astronaut"], 1, CROPPING, seed=0)
    with pytest.raises(PhotoError, match="at least 1 crop per class"):
        heldout_crops(CLASSES, 0, CROPPING, seed=0)
    with pytest.raises(PhotoError, match="at least 1 scene"):
        scenes(CLASSES, 0, CROPPING, seed=0)
    with pytest.raises(PhotoError, match="no layout is named 'circle'"):
        scenes(CLASSES, 1, CROPPING, seed=0, layouts=["circle"])
    with pytest.raises(PhotoError, match="'quarters' needs 4 classes, not 3"):
        scenes(CLASSES[:3], 4, CROPPING, seed=0)
    monkeypatch.setattr(photos, "PHOTOGRAPHS", {"gone": ("skimage", "data/gone.png")})
    with pytest.raises(FileNotFoundError, match=r"'gone': the installed skimage has no data/gone\.png"):
        read_photograph("gone")
