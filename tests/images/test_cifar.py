import io
import pickle
import tarfile

import numpy as np
import pytest

from netlens.images.cifar import CLASS_NAMES, CifarError, read_cifar10
from netlens.images.image_set import open_image_set

BATCHES = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]


def records(labels, value=0):
    """Records whose red, green and blue planes count up from `value`, 1 + `value` and 2 + `value` by rows."""
    plane = np.arange(32, dtype=np.uint8).repeat(32)
    image = np.concatenate([plane + value, plane + 1 + value, plane + 2 + value])
    return b"".join(bytes([label]) + image.tobytes() for label in labels)


@pytest.fixture
def batches(tmp_path):
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for number, name in enumerate(BATCHES):
        (folder / name).write_bytes(records([number, 9 - number, 3], value=10 * number))
    (folder / "batches.meta.txt").write_text("\n".join(CLASS_NAMES))
    return folder


def packed(folder, path, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        archive.add(folder, folder.name)
    return path


def test_pixels_and_labels(batches, tmp_path):
    train, heldout = read_cifar10(batches)
    assert train.images.shape == (15, 32, 32, 3) and heldout.images.shape == (3, 32, 32, 3)
    assert train.labels.tolist() == [0, 9, 3, 1, 8, 3, 2, 7, 3, 3, 6, 3, 4, 5, 3]
    # Row 7 of the second batch, in red, green and blue.
    assert train.images[3, 7, 20].tolist() == [17, 18, 19]
    for other in (packed(batches, tmp_path / "a.tar.gz"), packed(batches, tmp_path / "a.tar", "w"), tmp_path):
        again, _ = read_cifar10(other) if other != tmp_path else read_cifar10(batches.parent)
        np.testing.assert_array_equal(again.images, train.images)


def test_is_read_as_an_image_set(batches, tmp_path):
    train, _ = read_cifar10(batches)
    train.first_of_each_class(1).save(tmp_path / "train.npz")
    images = open_image_set(tmp_path / "train.npz")
    assert images.labels.tolist() == [0, 9, 3, 1, 8, 2, 7, 6, 4, 5] and images.class_names == CLASS_NAMES
    np.testing.assert_array_equal(images.images, train.images[[0, 1, 2, 3, 4, 6, 7, 10, 12, 13]])


def test_python_version_is_refused_unopened(tmp_path):
    class Harmful:
        def __reduce__(self):
            return (tmp_path / "run").mkdir, ()

    for name in BATCHES:
        (tmp_path / name.removesuffix(".bin")).write_bytes(pickle.dumps(Harmful()))
    with pytest.raises(CifarError, match=r"is CIFAR-10's Python version, pickles .* use the binary version"):
        read_cifar10(tmp_path)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "test_batch.bin: has 0 bytes, which is not a number of records"),
        (records([1])[:-1], "test_batch.bin: has 3,072 bytes"),
        (records([3, 10]), "test_batch.bin: has label 10"),
        (None, "holds no test_batch.bin"),
    ],
)
def test_damaged_batches(batches, content, message):
    (batches / "test_batch.bin").unlink() if content is None else (batches / "test_batch.bin").write_bytes(content)
    with pytest.raises(CifarError, match=message):
        read_cifar10(batches)


def test_archives_that_are_none(batches, tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder or archive of CIFAR-10's batches"):
        read_cifar10(tmp_path / "nothing.tar.gz")
    whole = packed(batches, tmp_path / "whole.tar.gz").read_bytes()
    for cut in (whole[: len(whole) // 2], b"no archive at all"):
        (tmp_path / "cut.tar.gz").write_bytes(cut)
        with pytest.raises(CifarError, match=r"cut\.tar\.gz: not a tar archive, or a truncated one"):
            read_cifar10(tmp_path / "cut.tar.gz")
    twice = tmp_path / "twice.tar"
    with tarfile.open(twice, "w") as archive:
        for folder in ("one", "two"):
            archive.add(batches, folder)
    with pytest.raises(CifarError, match=r"data_batch_1\.bin more than once"):
        read_cifar10(twice)


def test_links_in_an_archive_are_not_followed(batches, tmp_path):
    path = tmp_path / "linked.tar"
    with tarfile.open(path, "w") as archive:
        for name in BATCHES[:-1]:
            archive.add(batches / name, name)
        link = tarfile.TarInfo(BATCHES[-1])
        link.type, link.linkname = tarfile.SYMTYPE, str(batches / BATCHES[-1])
        archive.addfile(link, io.BytesIO())
    with pytest.raises(CifarError, match=r"holds no test_batch\.bin"):
        read_cifar10(path)
