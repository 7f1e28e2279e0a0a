import io
import os
import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

from netlens.files.arrays import ArrayFileError, save_arrays
from netlens.images.decoding import Framing
from netlens.images.file_sources import FolderError, UnreadableImageError
from netlens.images.folder import Selection, split_folder
from netlens.images.image_set import open_image_set
from netlens.images.lazy_images import LazyImages

FRAME = Framing(16, 16)


def picture(value, size=(24, 20), mode="RGB"):
    return Image.new("RGB", size, (value, 255 - value, 7)).convert(mode)


def encoded(image, form="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def make(folder, classes=("cat", "dog", "ant"), count=10):
    for k, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for i in range(count):
            picture(60 * k + i).save(folder / name / f"{i:03d}.{'png' if i % 2 else 'jpg'}")
    return folder


def zipped(folder, target, around=""):
    with zipfile.ZipFile(target, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, f"{around}{file.relative_to(folder).as_posix()}")
    return target


def split(folder, *args, **options):
    return split_folder(folder, FRAME, Selection(**options), *args, progress=False)


def test_split_is_complete_disjoint_and_by_class(tmp_path):
    result = split(make(tmp_path / "set"), heldout_fraction=0.3)
    train, heldout = result.train, result.heldout
    assert train.class_names == heldout.class_names == ("ant", "cat", "dog")
    assert not set(train.paths) & set(heldout.paths)
    assert len(set(train.paths) | set(heldout.paths)) == 30
    for part, count in ((train, 7), (heldout, 3)):
        assert np.bincount(part.labels).tolist() == [count] * 3
        for path, label in zip(part.paths, part.labels, strict=True):
            assert path.split("/")[0] == part.class_names[label]
    assert result.skipped == ()


def test_split_depends_on_names_and_seed_only(tmp_path):
    one = split(make(tmp_path / "one"))
    two = split(make(tmp_path / "two"))
    packed = split(zipped(tmp_path / "one", tmp_path / "set.zip"))
    assert one.train.paths == two.train.paths == packed.train.paths
    assert one.train.paths != split(tmp_path / "one", seed=1).train.paths
    np.testing.assert_array_equal(one.train.images[:], packed.train.images[:])


def test_lazy_images_slice_like_arrays(tmp_path):
    train = split(make(tmp_path / "set")).train
    images = train.images
    everything = np.asarray(images)
    assert everything.shape == images.shape == (24, 16, 16, 3) and everything.dtype == np.uint8
    np.testing.assert_array_equal(images[3], everything[3])
    np.testing.assert_array_equal(images[-1], everything[-1])
    np.testing.assert_array_equal(images[2:9:3], everything[2:9:3])
    np.testing.assert_array_equal(images[np.array([5, 1])], everything[[5, 1]])
    np.testing.assert_array_equal(images[train.labels == 1], everything[train.labels == 1])
    assert images[30:].shape == (0, 16, 16, 3)
    with pytest.raises(IndexError):
        images[24]


def test_set_on_disk_keeps_names_not_pixels(tmp_path):
    train = split(make(tmp_path / "set")).train
    train.save(tmp_path / "train.npz")
    opened = open_image_set(tmp_path / "train.npz")
    assert isinstance(opened.images, LazyImages)
    assert opened.class_names == ("ant", "cat", "dog")
    np.testing.assert_array_equal(opened.images[4:8], train.images[4:8])
    np.testing.assert_array_equal(opened.labels, train.labels)
    shutil.rmtree(tmp_path / "set")
    with pytest.raises(FileNotFoundError, match="no such folder or zip of images"):
        open_image_set(tmp_path / "train.npz")


def test_train_and_heldout_folders_of_its_own(tmp_path):
    make(tmp_path / "set" / "train", count=4)
    make(tmp_path / "set" / "heldout", count=2)
    for place in (tmp_path / "set", zipped(tmp_path / "set", tmp_path / "a.zip", "photos of mine/")):
        result = split(place)
        assert (len(result.train.paths), len(result.heldout.paths)) == (12, 6)
        assert all("train/" in path for path in result.train.paths)


@pytest.mark.parametrize("name", ["val", "valid", "validation", "test"])
def test_held_out_images_under_another_name(tmp_path, name):
    make(tmp_path / "set" / "train", count=4)
    make(tmp_path / "set" / name, count=2)
    for place in (tmp_path / "set", zipped(tmp_path / "set", tmp_path / "a.zip", "around/")):
        result = split(place)
        assert (len(result.train.paths), len(result.heldout.paths)) == (12, 6)
        assert result.train.class_names == ("ant", "cat", "dog")
        assert all(f"{name}/" in path for path in result.heldout.paths)


def test_train_val_and_test_are_for_the_user_to_choose_from(tmp_path):
    for part in ("train", "val", "test"):
        make(tmp_path / "set" / part, count=2)
    assert "beside train, there are test and val; name the folder of training images" in one_line(tmp_path / "set")


def test_classes_called_train_and_test(tmp_path):
    result = split(make(tmp_path / "set", classes=("train", "test")))
    assert result.train.class_names == ("test", "train")


def test_flat_folder_of_files_whose_classes_are_known(tmp_path):
    flat = tmp_path / "flat"
    flat.mkdir()
    known = {f"ILSVRC2012_val_{i:08d}.JPEG": f"n{i % 2}" for i in range(8)}
    for i, name in enumerate(known):
        picture(i).save(flat / name, "jpeg")
    for place in (flat, zipped(flat, tmp_path / "a.zip"), zipped(flat, tmp_path / "b.zip", "val/")):
        if place.name == "b.zip":
            # A single folder of images is a class.
            assert "class folder 'val'" not in str(split(place).train.class_names)
            continue
        result = split(place, file_classes=lambda: known, heldout_fraction=0.5)
        assert result.train.class_names == ("n0", "n1") and np.bincount(result.train.labels).tolist() == [2, 2]
        for path, label in zip(result.train.paths, result.train.labels, strict=True):
            assert known[path] == f"n{label}"
    (flat / "ILSVRC2012_val_00000007.JPEG").rename(flat / "mine.JPEG")
    message = "8 images without class folders, and no class is known for 'mine.JPEG'; put the images of each class in"
    assert message in one_line(flat, file_classes=lambda: known)
    assert "no class folders; put the images of each class in a separate folder" in one_line(flat)


def test_class_folders_for_training_and_a_flat_folder_held_out(tmp_path):
    make(tmp_path / "set" / "train", classes=("n0", "n1"), count=3)
    (tmp_path / "set" / "val").mkdir()
    for i in range(4):
        picture(i).save(tmp_path / "set" / "val" / f"{i}.jpg")
    classes = lambda: {f"{i}.jpg": f"n{i % 2}" for i in range(4)}  # noqa: E731
    for result in (
        split(tmp_path / "set", file_classes=classes),
        split(tmp_path / "set" / "train", tmp_path / "set" / "val", file_classes=classes),
    ):
        assert result.heldout.class_names == ("n0", "n1") and np.bincount(result.heldout.labels).tolist() == [2, 2]


def test_class_folders_do_not_ask_for_the_classes_of_files(tmp_path):
    split(make(tmp_path / "set", count=2), file_classes=lambda: pytest.fail("not needed"))


def test_heldout_folder_apart(tmp_path):
    make(tmp_path / "a", count=4)
    heldout = zipped(make(tmp_path / "b", count=2), tmp_path / "b.zip", "test/")
    result = split(tmp_path / "a", heldout)
    assert (len(result.train.paths), len(result.heldout.paths)) == (12, 6)
    assert result.heldout.images.shape == (6, 16, 16, 3)
    make(tmp_path / "b", classes=["emu"], count=2)
    with pytest.raises(FolderError, match="class folder 'emu' has held-out images, but no training images"):
        split(tmp_path / "a", tmp_path / "b")
    shutil.rmtree(tmp_path / "b" / "dog")
    with pytest.raises(FolderError, match="no class folder is named 'dog'"):
        split(tmp_path / "a", tmp_path / "b", class_names=("dog", "cat"))


def test_class_names_give_order_and_choice(tmp_path):
    train = split(make(tmp_path / "set"), class_names=("dog", "ant")).train
    assert train.class_names == ("dog", "ant")
    assert {path.split("/")[0] for path, label in zip(train.paths, train.labels, strict=True) if label == 0} == {"dog"}


def test_limits_take_the_first_of_the_same_order(tmp_path):
    everything = split(make(tmp_path / "set"))
    few = split(tmp_path / "set", train_per_class=2, heldout_per_class=1)
    assert (len(few.train.paths), len(few.heldout.paths)) == (6, 3)
    assert few.train.paths == tuple(path for path in everything.train.paths if path in few.train.paths)


def test_hidden_files_and_other_files_do_not_count(tmp_path):
    folder = make(tmp_path / "set", count=3)
    (folder / ".DS_Store").write_text("x")
    (folder / "README.txt").write_text("x")
    (folder / "cat" / "notes.txt").write_text("x")
    (folder / "cat" / "._000.jpg").write_text("x")
    (folder / ".hidden").mkdir()
    (folder / "cat" / "more").mkdir()
    picture(1).save(folder / "cat" / "more" / "deep.JPEG", "jpeg")
    for place in (folder, zipped(folder, tmp_path / "a.zip")):
        result = split(place)
        assert len(result.train.paths) + len(result.heldout.paths) == 10
        assert result.train.class_names == ("ant", "cat", "dog")


def test_unreadable_images_are_named_and_counted(tmp_path):
    folder = make(tmp_path / "set")
    whole = (folder / "cat" / "000.jpg").read_bytes()
    (folder / "cat" / "000.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "dog" / "001.png").write_text("no image")
    for place in (folder, zipped(folder, tmp_path / "a.zip")):
        with pytest.raises(UnreadableImageError) as caught:
            split(place)
        message = str(caught.value)
        assert "2 of 30 images cannot be read" in message and "unreadable: skip" in message and "\n" not in message
        assert "cat/000.jpg" in message or "dog/001.png" in message
        result = split(place, unreadable="skip")
        assert len(result.skipped) == 2 and len(result.train.paths) + len(result.heldout.paths) == 28
        assert {line.split(" cannot")[0] for line in result.skipped} == {"cat/000.jpg", "dog/001.png"}


def test_image_that_goes_bad_later_is_named(tmp_path):
    folder = make(tmp_path / "set")
    train = split(folder).train
    (folder / train.paths[3]).write_text("")
    with pytest.raises(UnreadableImageError, match=rf"{train.paths[3]} cannot be read"):
        train.images[:8]
    (folder / train.paths[3]).unlink()
    with pytest.raises(UnreadableImageError, match=rf"{train.paths[3]} cannot be read"):
        train.images[3]


def test_class_left_without_a_readable_image_is_refused(tmp_path):
    folder = make(tmp_path / "set", count=2)
    for file in (folder / "cat").iterdir():
        file.write_text("")
    with pytest.raises(FolderError, match="class folder 'cat' has no readable image"):
        split(folder, unreadable="skip")


def test_bad_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder or zip"):
        split(tmp_path / "none")
    (tmp_path / "flat").mkdir()
    picture(1).save(tmp_path / "flat" / "a.png")
    with pytest.raises(FolderError, match="no class folders"):
        split(tmp_path / "flat")
    make(tmp_path / "set")
    (tmp_path / "set" / "bee").mkdir()
    with pytest.raises(FolderError, match="class folder 'bee' has no images"):
        split(tmp_path / "set")
    (tmp_path / "set" / "bee" / "notes.txt").write_text("x")
    with pytest.raises(FolderError, match="class folder 'bee' has no images"):
        split(zipped(tmp_path / "set", tmp_path / "set.zip"))
    picture(1).save(tmp_path / "set" / "bee" / "one.png")
    with pytest.raises(FolderError, match="'bee' has 1 image; 2 are needed"):
        split(tmp_path / "set")
    with pytest.raises(FolderError, match="no class folder is named 'cow'"):
        split(tmp_path / "set", class_names=("cat", "cow"))
    (tmp_path / "bad.zip").write_bytes((tmp_path / "set.zip").read_bytes()[:2000])
    with pytest.raises(FolderError, match="not a zip file, or a truncated one"):
        split(tmp_path / "bad.zip")


@pytest.mark.parametrize(
    ("make_bad", "message"),
    [
        (lambda: Selection(heldout_fraction=1.0), "heldout_fraction must be between 0 and 1"),
        (lambda: Selection(train_per_class=0), "train_per_class must be at least 1"),
        (lambda: Selection(unreadable="ignore"), "unreadable must be 'refuse' or 'skip'"),
    ],
)
def test_bad_options(make_bad, message):
    with pytest.raises(FolderError, match=message):
        make_bad()


def test_suffixes_that_are_read_and_one_that_is_counted(tmp_path):
    folder = make(tmp_path / "set", count=2)
    picture(1).save(folder / "cat" / "a.jfif", "jpeg")
    picture(1).save(folder / "cat" / "b.JPE", "jpeg")
    picture(1).save(folder / "dog" / "c.avif")
    result = split(folder)
    assert len(result.train.paths) + len(result.heldout.paths) == 9
    (folder / "dog" / "d.heic").write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 100)
    assert "d.heic cannot be read (HEIC is not supported; convert it to JPEG or PNG)" in one_line(folder)
    assert len(split(folder, unreadable="skip").skipped) == 1


def test_not_an_image_set(tmp_path):
    save_arrays(tmp_path / "a.npz", {"labels": [0], "class_names": ["a"]})
    with pytest.raises(ArrayFileError, match="neither 'images' nor 'paths'"):
        open_image_set(tmp_path / "a.npz")
    save_arrays(tmp_path / "a.npz", {"images": np.zeros((2, 4, 4, 3), np.uint8), "labels": [0], "class_names": ["a"]})
    with pytest.raises(ArrayFileError, match="2 images, but 1 labels"):
        open_image_set(tmp_path / "a.npz")
    save_arrays(tmp_path / "a.npz", {"images": np.zeros((2, 4, 4, 3), np.uint8)})
    with pytest.raises(ArrayFileError, match="holds no 'labels'"):
        open_image_set(tmp_path / "a.npz")
    save_arrays(tmp_path / "a.npz", {"paths": ["a"], "labels": [0], "class_names": ["a"]})
    with pytest.raises(ArrayFileError, match="no 'source'"):
        open_image_set(tmp_path / "a.npz")


def one_line(place, **options):
    """Return the message with which a folder or zip is refused."""
    with pytest.raises(FolderError) as caught:
        split(place, **options)
    message = str(caught.value)
    assert "\n" not in message and message.startswith(f"{place}: ")
    return message


def packed(target, change, count=4):
    """Write a zip of two classes to which `change` adds."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("cat", "dog"):
            for i in range(count):
                archive.writestr(f"{name}/{i}.png", encoded(picture(i)))
        change(archive)
    return target


def test_members_larger_than_they_say_are_not_unpacked(tmp_path):
    def bomb(archive):
        archive.writestr("cat/bomb.png", bytes(10_000_000))
        archive.filelist[-1].file_size = 100

    message = one_line(packed(tmp_path / "a.zip", bomb))
    assert "1 of 9 images cannot be read, the first: cat/bomb.png cannot be read" in message


def test_links_out_of_a_folder_are_refused_and_never_read(tmp_path):
    outside = make(tmp_path / "private", classes=["secret"])
    folder = make(tmp_path / "set", count=4)
    (folder / "secret").symlink_to(outside / "secret")
    assert "'secret' is a link out of the folder; replace each link with a copy" in one_line(folder)
    (folder / "cat" / "linked.png").symlink_to(outside / "secret" / "001.png")
    assert "'cat/linked.png' is a link out of the folder; 2 entries cannot be used" in one_line(folder)
    images = LazyImages(folder, ["cat/linked.png", "../private/secret/001.png", str(outside / "secret/001.png")], FRAME)
    for index in range(3):
        with pytest.raises(UnreadableImageError, match="it lies outside of the folder"):
            images[index]


def test_links_to_a_hidden_store_inside_are_followed(tmp_path):
    folder = make(tmp_path / "set", count=4)
    make(folder / ".store", classes=["emu"], count=4)
    (folder / "emu").symlink_to(".store/emu")
    (folder / ".hidden").symlink_to("/")
    result = split(folder)
    assert result.train.class_names == ("ant", "cat", "dog", "emu")
    assert len(result.train.paths) + len(result.heldout.paths) == 16


def test_pipes_and_broken_links_are_unreadable_not_waited_for(tmp_path):
    folder = make(tmp_path / "set", count=4)
    os.mkfifo(folder / "cat" / "pipe.png")
    (folder / "cat" / "gone.png").symlink_to("nowhere.png")
    skipped = sorted(split(folder, unreadable="skip").skipped)
    assert [line.split(" cannot")[0] for line in skipped] == ["cat/gone.png", "cat/pipe.png"]
    assert "it is not a regular file" in skipped[1]


def test_decoders_that_start_programs_are_never_used(tmp_path):
    lines = ["%!PS-Adobe-3.0 EPSF-3.0", "%%BoundingBox: 0 0 16 16", "%%EndComments", "showpage", "%%EOF", ""]
    content = "\n".join(lines).encode()
    folder = make(tmp_path / "set", count=4)
    (folder / "cat" / "drawing.png").write_bytes(content)
    assert "cat/drawing.png" in split(folder, unreadable="skip").skipped[0]
