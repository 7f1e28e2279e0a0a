import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib import pyplot as plt

from netlens.images.image_set import ImageSet
from netlens.plots.image_sheet import Column, examples_of, first_of_each, image_sheet, mosaic, outlines, two_columns
from netlens.publish import figure


def test_first_of_each():
    labels = np.array([2, 0, 0, 2, 1, 0])
    np.testing.assert_array_equal(first_of_each(labels, [0, 2, 1], 2), [[1, 2], [0, 3], [4, -1]])


def test_mosaic():
    images = np.arange(6, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 3, 3), np.uint8)
    sheet = mosaic(images.reshape(2, 3, 2, 3, 3), 1)
    assert sheet.shape == (5, 11, 3)
    assert (sheet[2] == 255).all() and (sheet[:, [3, 7]] == 255).all()
    np.testing.assert_array_equal(sheet[[0, 0, 0, 3, 3, 3], [0, 4, 8, 0, 4, 8], 0], range(6))


def test_outline_of_quarters_is_a_cross_of_two_lines():
    mask = np.kron(np.array([[1, 2], [3, 4]]), np.ones((4, 4), int))
    edges = outlines(mask)
    np.testing.assert_array_equal(edges, [[[-0.5, 3.5], [7.5, 3.5]], [[3.5, -0.5], [3.5, 7.5]]])
    assert outlines(np.ones((3, 3), int)).shape == (0, 2, 2)


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.integers(0, 2)))
def test_total_length_counts_the_differing_neighbours(mask):
    edges = outlines(mask)
    length = np.abs(edges[:, 1] - edges[:, 0]).sum()
    assert length == (mask[1:] != mask[:-1]).sum() + (mask[:, 1:] != mask[:, :-1]).sum()


@pytest.fixture
def images():
    pixels = np.random.default_rng(0).integers(0, 200, (5, 8, 8, 3), np.uint8)
    return ImageSet(pixels, np.array([0, 1, 2, 0, 1]), ("cat", "dog", "owl"))


def test_first_examples_leave_white_where_a_class_has_too_few(images):
    examples = examples_of(images, range(3), 2)
    np.testing.assert_array_equal(examples[:, 0], images.images[:3])
    np.testing.assert_array_equal(examples[:2, 1], images.images[3:])
    assert (examples[2, 1] == 255).all()


def test_sheet_has_each_class_once_and_the_scenes_with_their_classes(images):
    columns = two_columns(images, images, 3, 2)
    masks = np.zeros((1, 8, 8), np.uint8)
    masks[0, :, :4], masks[0, :, 4:] = 1, 2
    scenes = ImageSet(images.images[:1], np.array([[2, 0, -1]]), images.class_names, masks)
    fig = image_sheet(columns, scenes)
    texts = [text.get_text() for text in fig.texts]
    assert texts == ["cat", "dog", "owl", "composed scenes"]
    # Two blocks for the left column's two classes, two for the right column's one, and the scene.
    shown = [ax.images[0].get_array() for ax in fig.axes]
    assert [picture.shape[0] for picture in shown] == [8 + 3 + 8, 8 + 3 + 8, 8, 8, 8]
    np.testing.assert_array_equal(shown[0], mosaic(examples_of(images, [0, 1], 2), 3))
    np.testing.assert_array_equal(shown[3], mosaic(examples_of(images, [2], 2), 3))
    np.testing.assert_array_equal(shown[4], images.images[0])
    assert [text.get_text() for text in fig.axes[4].texts] == ["owl", "cat"]
    assert figure.overflow(fig) == []
    plt.close(fig)


def test_sheet_without_scenes_is_as_high_as_its_rows(images):
    columns = two_columns(images, images, 3, 2)
    with_scenes = image_sheet(columns, ImageSet(images.images[:0], images.labels[:0], (), None))
    fig = image_sheet(columns, None)
    assert fig.get_figheight() < with_scenes.get_figheight()
    assert [text.get_text() for text in fig.texts] == ["cat", "dog", "owl"]
    plt.close("all")


def test_classes_that_are_held_out_whole_have_a_column_of_their_own(images):
    train, heldout = (
        ImageSet(images.images[kept], images.labels[kept], images.class_names) for kept in ([0, 3, 2], [1, 4])
    )
    left, right = two_columns(train, heldout, 16, 1)
    assert (left.class_names, right.class_names) == (("cat", "owl"), ("dog",))
    np.testing.assert_array_equal(left.blocks["training"][0], images.images[[0, 3]])
    np.testing.assert_array_equal(right.blocks["held out"][0], images.images[[1, 4]])
    fig = image_sheet([left, right], None)
    assert [text.get_text() for text in fig.texts] == ["cat", "owl", "dog"]
    assert figure.overflow(fig) == []
    plt.close(fig)


def test_no_more_classes_than_asked_for(images):
    columns = two_columns(images, images, 2, 1)
    assert [column.class_names for column in columns] == [("cat",), ("dog",)]
    assert isinstance(columns[0], Column)
