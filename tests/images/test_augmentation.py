import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from netlens.images.augmentation import composed, mirrored


def batch(n=12, size=16):
    """Images of one colour each, so that a pixel tells which image it is from."""
    images = np.broadcast_to(np.arange(n, dtype=np.uint8)[:, None, None, None], (n, size, size, 3)).copy()
    return images, np.eye(n, dtype=np.float32)


def test_mirrored_images_are_whole_and_half_of_them():
    images = np.random.default_rng(0).integers(0, 256, (400, 3, 5, 3), np.uint8)
    before = images.copy()
    result = mirrored(images, np.random.default_rng(1))
    same = (result == images).all(axis=(1, 2, 3))
    flipped = (result == images[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (same ^ flipped).all() and 160 < flipped.sum() < 240
    np.testing.assert_array_equal(images, before)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 1), st.integers(1, 4))
def test_targets_are_the_shares_of_the_pixels(seed, share, most):
    images, targets = batch()
    result, mixed = composed(images, targets, share, most, np.random.default_rng(seed))
    for image, target in zip(result, mixed, strict=True):
        counted = np.bincount(image[..., 0].ravel(), minlength=len(images)) / image[..., 0].size
        np.testing.assert_allclose(target, counted, atol=1e-6)
    np.testing.assert_array_equal(images, batch()[0])


def test_share_of_changed_images():
    images, targets = batch(n=200, size=8)
    assert (composed(images, targets, 0.0, 3, np.random.default_rng(0))[0] == images).all()
    changed = (composed(images, targets, 0.6, 3, np.random.default_rng(0))[1].max(axis=1) < 1).mean()
    assert 0.4 < changed < 0.6, "some rectangles cover the whole image, or come from the image itself"


def test_same_seed_same_batch():
    images, targets = batch()
    one = composed(images, targets, 0.6, 3, np.random.default_rng(5))
    two = composed(images, targets, 0.6, 3, np.random.default_rng(5))
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])
