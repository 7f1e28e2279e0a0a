from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlens.images.image_set import ImageSet
from netlens.models.errors import NetworkError
from netlens.models.label_space import (
    aligned_labels,
    imagenet,
    label_space,
    label_space_of,
    numbered,
    outputs_of,
    read_label_space,
)

PIXELS = np.zeros((3, 8, 8, 3), np.uint8)


def network(names, ids=()):
    return SimpleNamespace(name="mine", class_names=tuple(names), class_ids=tuple(ids))


def test_ids_come_before_names():
    space = label_space(["cat", "crane", "crane"], ["n1", "n2", "n3"])
    assert space.names == ("cat", "crane (n2)", "crane (n3)")
    # By id, by the name as an id, by the name, not at all.
    found = outputs_of(["bird", "n3", "cat", "dog"], ["n2", "", "", "n9"], space)
    np.testing.assert_array_equal(found, [1, 2, 0, -1])


def test_an_id_that_the_network_does_not_have_leaves_the_name():
    np.testing.assert_array_equal(outputs_of(["camera"], ["n04485082"], label_space(["camera", "moon"])), [0])


def test_labels_of_any_shape_are_found_by_name():
    images = ImageSet(PIXELS[:2], np.array([[0, 1], [2, -1]]), ("b", "a", "c"))
    np.testing.assert_array_equal(aligned_labels(images, network(["a", "b", "x", "c"])), [[1, 0], [3, -1]])
    np.testing.assert_array_equal(aligned_labels(images, network(["a", "b"])), [[1, 0], [-1, -1]])


def test_numbered_outputs_are_matched_by_order_if_there_are_as_many():
    images = ImageSet(PIXELS, np.array([2, 0, -1]), ("b", "a", "c"))
    np.testing.assert_array_equal(aligned_labels(images, network(numbered(3).names)), [2, 0, -1])
    with pytest.raises(
        NetworkError, match=r"'mine' has no output for any class.*'class_0', 'class_1', 'class_2', \.\.\."
    ):
        aligned_labels(images, network(numbered(4).names))


@given(st.permutations(list("abcdef")), st.permutations(list("abcdef")))
def test_the_order_of_neither_side_matters(classes, outputs):
    found = outputs_of(classes, [], label_space(outputs))
    assert [outputs[index] for index in found] == classes


def test_networks_without_ids_have_their_names_as_ids():
    assert label_space_of(network(["a", "b"])) == label_space(["a", "b"])
    assert label_space_of(network(["a", "b"], ["1", "2"])) == label_space(["a", "b"], ["1", "2"])


def test_imagenet():
    space = read_label_space("imagenet")
    assert space == imagenet() and len(space.ids) == 1000
    assert outputs_of(["n02124075", "cat", "tench"], [], space).tolist() == [285, -1, 0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_files_as_editors_write_them(tmp_path, encoding, end):
    path = tmp_path / "names.txt"
    path.write_bytes(end.join(["zebra", "ant eater", " Übergröße 猫", "", ""]).encode(encoding))
    assert read_label_space(path).names == ("zebra", "ant eater", "Übergröße 猫")


def test_files_in_latin_1(tmp_path):
    (tmp_path / "names.txt").write_bytes("Bär\nGrün".encode("latin-1"))
    assert read_label_space(str(tmp_path / "names.txt")).names == ("Bär", "Grün")


def test_files_with_ids(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("n01440764 tench, Tinca tinca\nn01443537 goldfish, Carassius auratus\n")
    assert read_label_space(path) == label_space(["tench", "goldfish"], ["n01440764", "n01443537"])
    path.write_text("7\tcrane\n9\tcrane\n")
    assert read_label_space(path) == label_space(["crane", "crane"], ["7", "9"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\n\nb\n", r"names\.txt: class 1 has no name"),
        (b"a\nb\na\n", r"names\.txt: class 2 has the name 'a' of class 0"),
        (b"1\ta\nb\n", r"names\.txt: line 2 has no id, but others have"),
        (b"1\ta\n1\tb\n", r"names\.txt: class 1 has the id '1' of class 0"),
        (b"a\0b\n", r"names\.txt: not a text file"),
    ],
)
def test_bad_files(tmp_path, content, message):
    (tmp_path / "names.txt").write_bytes(content)
    with pytest.raises(NetworkError, match=message):
        read_label_space(tmp_path / "names.txt")


def test_missing_names():
    assert read_label_space(None) is None
    with pytest.raises(FileNotFoundError, match="no such file of class names"):
        read_label_space("none.txt")
    with pytest.raises(NetworkError, match="class_names: 1 ids for 2 names"):
        label_space(["a", "b"], ["1"])


def test_lists_of_synsets_with_outputs_that_stand_for_no_class(tmp_path):
    file = tmp_path / "names.txt"
    file.write_text("dummy\nn02012849\nn03126707\nn02119789\nDummy\n")
    space = read_label_space(file)
    assert space.ids == ("no class (output 0)", "n02012849", "n03126707", "n02119789", "no class (output 4)")
    assert space.names[1:4] == ("crane (n02012849)", "crane (n03126707)", "kit fox")
    assert outputs_of(["n02119789", "dummy"], [], space).tolist() == [3, -1]
    file.write_text("background\ncat\ndog\n")
    assert read_label_space(file).names == ("no class (output 0)", "cat", "dog")
    file.write_text("background\nn1\tcat\nn2\tdog\n")
    assert read_label_space(file).ids == ("no class (output 0)", "n1", "n2")
