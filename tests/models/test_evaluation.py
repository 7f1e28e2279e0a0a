import numpy as np
import pytest

from netlens.images.image_set import ImageSet
from netlens.models.errors import NetworkError
from netlens.models.evaluation import accuracy, predict, scene_recall


def test_accuracy_and_scene_recall():
    logits = np.array([[3.0, 1, 2], [0, 5, 4], [1, 0, 9]])
    assert accuracy(logits, np.array([0, 1, 0])) == pytest.approx(2 / 3)
    # Two of the largest two; one of the largest two; the largest is another: 3 of 5.
    assert scene_recall(logits, np.array([[2, 0], [0, 1], [1, -1]])) == pytest.approx(3 / 5)


def test_images_without_a_label_take_no_part():
    logits = np.array([[3.0, 1, 2], [0, 5, 4], [1, 0, 9]])
    assert accuracy(logits, np.array([0, -1, 0])) == pytest.approx(1 / 2)
    assert scene_recall(logits, np.array([[-1, 0], [0, 1], [1, -1]])) == pytest.approx(2 / 4)
    with pytest.raises(NetworkError, match="none of the images has a class that the network knows"):
        accuracy(logits, np.array([-1, -1, -1]))


def test_batches_are_asked_for_one_after_the_other():
    asked = []

    class Lazy:
        def __len__(self):
            return 10

        def __getitem__(self, index):
            asked.append((index.start, index.stop))
            return np.arange(10, dtype=np.uint8)[index, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)

    class Model:
        def predict_on_batch(self, batch):
            return batch[:, 0, 0, :2]

    images = ImageSet(Lazy(), np.zeros(10, np.int64), ("a", "b"))
    outputs = predict(Model(), images, lambda x: x / np.float32(2), batch_size=4)
    assert outputs.dtype == np.float32
    np.testing.assert_array_equal(outputs[:, 1], np.arange(10) / 2)
    assert asked == [(0, 4), (4, 8), (8, 12)]
