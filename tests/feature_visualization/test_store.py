"""Pictures kept by key."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from netlens.feature_visualization import store as module
from netlens.feature_visualization.requests import PictureRequest
from netlens.feature_visualization.store import PictureStore, StoreError

KEY = "a" * 64
PICTURE = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)


def png(picture):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="PNG")
    return file.getvalue()


def test_what_is_put_is_got(tmp_path):
    store = PictureStore(tmp_path / "deep" / "pictures")
    assert store.get(KEY) is None
    store.put(KEY, PICTURE)
    assert np.array_equal(store.get(KEY), PICTURE)
    assert store.get(KEY).dtype == np.uint8
    assert [path.name for path in store.folder.iterdir()] == [f"{KEY}.png"]


def test_the_same_picture_is_the_same_file(tmp_path):
    one, two = PictureStore(tmp_path / "one"), PictureStore(tmp_path / "two")
    one.put(KEY, PICTURE)
    two.put(KEY, PICTURE[::-1, ::-1][::-1, ::-1])
    assert one.path(KEY).read_bytes() == two.path(KEY).read_bytes()


WHOLE = png(PICTURE)


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_one_wrong_byte_is_a_missing_picture_or_harmless(place, change):
    damaged = bytearray(WHOLE)
    damaged[place] ^= change
    read = module._decoded(bytes(damaged))
    assert read is None or np.array_equal(read, PICTURE)


@given(st.integers(0, len(WHOLE) - 13))
def test_a_truncated_file_is_a_missing_picture(length):
    # Twelve bytes at the end only say that it is the end.
    assert module._decoded(WHOLE[:length]) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"words", png(PICTURE[..., 0]), png(PICTURE[:8]), png(np.dstack([PICTURE, PICTURE[..., :1]]))],
)
def test_other_files_are_missing_pictures_and_are_replaced(tmp_path, content):
    store = PictureStore(tmp_path)
    store.path(KEY).write_bytes(content)
    assert store.get(KEY) is None
    store.put(KEY, PICTURE)
    assert np.array_equal(store.get(KEY), PICTURE)


@pytest.mark.parametrize(
    "picture",
    [PICTURE.astype(np.float32), PICTURE[..., :2], PICTURE[:8], PICTURE[..., 0], PICTURE[:0, :0]],
)
def test_what_is_no_picture_is_refused(tmp_path, picture):
    with pytest.raises(StoreError, match=r"a picture is uint8 of shape \(size, size, 3\), not"):
        PictureStore(tmp_path).put(KEY, picture)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["", "../" * 21 + "a", "A" * 64, "a" * 63])
def test_what_is_no_key_is_refused(tmp_path, key):
    with pytest.raises(StoreError, match="not the key of a picture"):
        PictureStore(tmp_path).get(key)


def test_a_figure_reads_what_was_rendered_or_is_told(tmp_path):
    store, network = PictureStore(tmp_path), "0" * 64
    requests = [PictureRequest("conv", [1, 0]), PictureRequest("mixed", [0, 1])]
    store.put(requests[0].key(network), PICTURE)
    with pytest.raises(StoreError, match="1 of 2 pictures are missing, the first of layer 'mixed'"):
        store.read(network, requests)
    store.put(requests[1].key(network), PICTURE[::-1])
    read = store.read(network, requests[::-1])
    assert np.array_equal(read, [PICTURE[::-1], PICTURE])
