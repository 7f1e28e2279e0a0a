"""Evaluations on disk: what is saved is loaded, and what is not an evaluation is refused with the file's name."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from netlens.files.arrays import ArrayFileError, load_arrays, save_arrays
from netlens.models.results import Evaluation

ARRAYS = {
    "class_names": np.array(["cat", "dog", "owl"]),
    "heldout_logits": np.array([[1, 2, 3], [3, 2, 1]], np.float32),
    "heldout_labels": np.array([2, 1]),
    "scenes_logits": np.array([[5, 4, 0]], np.float32),
    "scenes_labels": np.array([[0, 2, -1]]),
}


@st.composite
def evaluations(draw):
    classes = draw(st.integers(1, 5))
    names = draw(st.lists(st.text("abcé ", min_size=1, max_size=4).map(str.strip), min_size=classes, max_size=classes))

    def part(axes):
        labels = draw(hnp.arrays(np.int64, axes, elements=st.integers(1 - len(axes), classes - 1)))
        return draw(hnp.arrays(np.float32, (axes[0], classes), elements=st.floats(-9, 9, width=32))), labels

    scenes = part((draw(st.integers(1, 3)), draw(st.integers(1, 4)))) if draw(st.booleans()) else (None, None)
    return Evaluation(tuple(names), *part((draw(st.integers(1, 4)),)), *scenes)


@pytest.mark.slow
@given(evaluations())
def test_what_is_saved_is_loaded(tmp_path_factory, evaluation):
    path = tmp_path_factory.mktemp("evaluation") / "evaluation.npz"
    evaluation.save(path)
    loaded = Evaluation.load(path)
    assert loaded.class_names == evaluation.class_names
    for name in ("heldout_logits", "heldout_labels", "scenes_logits", "scenes_labels"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(evaluation, name))
    assert loaded.heldout_accuracy == evaluation.heldout_accuracy


def test_the_order_of_the_arrays_in_the_file_is_fixed(tmp_path):
    save_arrays(tmp_path / "by_hand.npz", ARRAYS)
    Evaluation.load(tmp_path / "by_hand.npz").save(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "by_hand.npz").read_bytes()
    assert list(load_arrays(tmp_path / "again.npz")) == list(ARRAYS)


def test_shares(tmp_path):
    save_arrays(tmp_path / "a.npz", ARRAYS)
    evaluation = Evaluation.load(tmp_path / "a.npz")
    assert evaluation.heldout_accuracy == 0.5
    assert evaluation.scene_recall == 0.5
    without = Evaluation(evaluation.class_names, evaluation.heldout_logits, evaluation.heldout_labels)
    assert without.scene_recall is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heldout_labels": None}, "array 'heldout_labels' is missing"),
        ({"scenes_labels": None}, "array 'scenes_labels' is missing"),
        ({"more": np.zeros(1)}, "array 'more' does not belong in it"),
        ({"class_names": np.array(["cat", "dog"])}, r"'heldout_logits' has shape \(2, 3\), where 3 should be 2"),
        ({"class_names": np.arange(3)}, "'class_names' is of type int64; text are expected"),
        ({"heldout_labels": np.array([2, 1, 0])}, r"'heldout_labels' has shape \(3,\), where 3 should be 2"),
        ({"heldout_labels": np.array([2, 3])}, "'heldout_labels' holds labels that are not classes"),
        ({"heldout_labels": np.array([2, -2])}, "'heldout_labels' holds labels that are not classes"),
        ({"scenes_labels": np.array([[0, -2, -1]])}, "'scenes_labels' holds labels that are not classes"),
        ({"heldout_labels": np.array([2.0, 1.0])}, "'heldout_labels' is of type float64"),
        ({"scenes_labels": np.array([0])}, "'scenes_labels' has 1 dimensions instead of 2"),
        ({"scenes_logits": np.zeros((2, 3), np.float32)}, "'scenes_labels' has shape"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path, change, message):
    path = tmp_path / "evaluation.npz"
    save_arrays(path, {name: values for name, values in {**ARRAYS, **change}.items() if values is not None})
    with pytest.raises(ArrayFileError, match=message) as caught:
        Evaluation.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert str(caught.value).endswith("; delete the file and run the rule that makes it")
    assert "\n" not in str(caught.value)
