"""Activations at drawn places: what they are, aligned between networks, the same for any number of shards."""

import numpy as np
import pytest
from PIL import Image

from netlens.images.decoding import Framing
from netlens.images.lazy_images import LazyImages
from netlens.model_comparison.activations import ActivationReader, shard_batches
from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.sample import Sample, draw_sample
from netlens.model_comparison.second_moments import second_moments, summed_second_moments
from netlens.models.backend import keras, tf1
from netlens.models.errors import NetworkError
from netlens.models.frozen.frozen_network import freeze, imported
from netlens.models.loading import Network
from netlens.models.preprocessing import preprocessing_from

HEIGHT, WIDTH = 12, 16
LAYERS = ["input", "early", "pool", "mixed", "mean", "logits"]


pytestmark = pytest.mark.usefixtures("own_graph")


@pytest.fixture
def network():
    """Give a frozen network of maps of three sizes and vectors, with random weights."""
    layers = keras.layers
    image = keras.Input((HEIGHT, WIDTH, 3))
    early = layers.Conv2D(5, 3, padding="same", activation="relu", name="early")(image)
    pooled = layers.MaxPooling2D(2, name="pool")(early)
    left = layers.Conv2D(4, 1, activation="relu", name="left")(pooled)
    right = layers.Conv2D(3, 3, padding="same", name="right")(pooled)
    mixed = layers.Concatenate(name="mixed")([left, right])
    logits = layers.Dense(4, name="logits")(layers.GlobalAveragePooling2D(name="mean")(mixed))
    return frozen(keras.Model(image, logits), "tf")


def frozen(model, preprocessing):
    rng = np.random.default_rng(7)
    model.set_weights([rng.normal(0, 0.4, weight.shape) for weight in model.get_weights()])
    names = tuple("abcd"[: model.output_shape[-1]])
    return freeze(Network("tiny", model, preprocessing_from(preprocessing), names, model.input_shape[1:], ""))


@pytest.fixture
def images():
    return np.random.default_rng(1).integers(0, 256, (70, HEIGHT, WIDTH, 3), np.uint8)


def read(network, images, sample, layers=LAYERS, **options):
    with ActivationReader(network, layers) as reader:
        return reader.activations(images, sample, progress=False, **options)


def test_the_image_itself_gives_its_pixels_at_the_drawn_places(images):
    image = keras.Input((HEIGHT, WIDTH, 3))
    model = keras.Model(image, keras.layers.Dense(2, name="logits")(keras.layers.Flatten()(image)))
    sample = draw_sample(len(images), 50, seed=3)
    found = read(frozen(model, "none"), images, sample, ["input"], batch_size=8)
    places = sample.positions[:, 0]
    rows, columns = (np.floor(places[:, axis] * size).astype(int) for axis, size in ((0, HEIGHT), (1, WIDTH)))
    np.testing.assert_array_equal(found["input"], images[sample.images, rows, columns].astype(np.float32))
    assert len(np.unique(found["input"], axis=0)) > 45


@pytest.mark.slow
def test_every_layer_gives_what_it_answers_at_the_same_part_of_the_image(network, images):
    sample = draw_sample(len(images), 40, seed=4)
    found = read(network, images, sample, batch_size=8)
    with tf1.Graph().as_default(), tf1.Session() as session:
        tensors = imported(network)
        inputs = network.preprocess(images[sample.images])
        whole = session.run({name: tensors[name] for name in LAYERS}, {tensors["input"]: inputs})
    assert list(found) == LAYERS
    for name in LAYERS:
        values = whole[name]
        if values.ndim == 4:
            places = np.floor(sample.positions[:, 0] * values.shape[1:3]).astype(int)
            values = values[np.arange(40), places[:, 0], places[:, 1]]
        assert found[name].dtype == np.float32
        # Another batch size may sum in another order.
        np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_rows_of_two_networks_are_the_same_places_in_maps_of_different_sizes(network, images):
    image = keras.Input((HEIGHT, WIDTH, 3))
    small = keras.layers.AveragePooling2D(2, name="half")(image)
    model = keras.Model(image, keras.layers.Dense(2, name="logits")(keras.layers.Flatten()(small)))
    # Constant in blocks of two by two pixels, so that half the size loses nothing.
    blocks = np.repeat(np.repeat(images[:, ::2, ::2], 2, axis=1), 2, axis=2)
    sample = draw_sample(len(images), 0, seed=5)
    first = read(network, blocks, sample, ["input"])["input"]
    second = read(frozen(model, "tf"), blocks, sample, ["half"])["half"]
    np.testing.assert_allclose(first, second, atol=1e-6)


@pytest.mark.slow
def test_several_positions_are_rows_of_their_image_one_after_the_other(network, images):
    several = draw_sample(len(images), 30, seed=4, positions_count=3)
    found = read(network, images, several, batch_size=8)
    for place in range(3):
        alone = read(network, images, Sample(several.images, several.positions[:, [place]]), batch_size=8)
        for name in LAYERS:
            np.testing.assert_array_equal(found[name][place::3], alone[name])
    # A layer without positions gives the same for all of them.
    np.testing.assert_array_equal(found["logits"][::3], found["logits"][2::3])


@pytest.mark.slow
def test_networks_of_different_sizes_see_the_same_images_each_at_its_own(network, images):
    image = keras.Input((2 * HEIGHT, 2 * WIDTH, 3))
    larger = frozen(keras.Model(image, keras.layers.Dense(2, name="logits")(keras.layers.Flatten()(image))), "tf")
    # Constant in blocks, so that a position lies in one color at both sizes; without the blocks' edges, which
    # interpolation blurs.
    blocks = np.repeat(np.repeat(images[:, ::4, ::4], 4, axis=1), 4, axis=2)
    sample = draw_sample(len(images), 0, seed=5, positions_count=4)
    inside = np.abs((sample.positions * [HEIGHT / 4, WIDTH / 4]) % 1 - 0.5).max(-1).ravel() < 0.2
    small, large = (read(each, blocks, sample, ["input"])["input"] for each in (network, larger))
    assert inside.sum() > 20
    # A bicubic kernel is a little above 1 in the middle of a step.
    np.testing.assert_allclose(small[inside], large[inside], atol=0.12)
    # And only the input is resized: the same network gives the same for an image of its own size.
    reduced = np.stack(
        [
            np.asarray(Image.fromarray(each).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
            for each in np.repeat(np.repeat(images, 2, axis=1), 2, axis=2)
        ]
    )
    doubled = np.repeat(np.repeat(images, 2, axis=1), 2, axis=2)
    np.testing.assert_array_equal(read(network, doubled, sample)["mixed"], read(network, reduced, sample)["mixed"])


@pytest.mark.slow
@pytest.mark.parametrize("parts", [2, 3, 20])
def test_any_number_of_shards_gives_the_same_activations_and_sums(network, images, parts):
    sample = draw_sample(len(images), 53, seed=6)
    with ActivationReader(network, LAYERS) as reader:
        whole = reader.activations(images, sample, batch_size=8, progress=False)
        shards = [
            reader.activations(images, sample, shard=(part, parts), batch_size=8, progress=False)
            for part in range(1, parts + 1)
        ]
    for name in LAYERS:
        np.testing.assert_array_equal(np.concatenate([shard[name] for shard in shards]), whole[name])
    expected = second_moments(whole, whole)
    merged = summed_second_moments((shard, shard) for shard in shards)
    assert merged.count == expected.count == 53
    for pair, values in expected.products.items():
        assert np.abs(merged.products[pair] - values).max() <= 1e-13 * np.abs(values).max()


@pytest.mark.slow
def test_images_that_are_decoded_when_used_give_the_same(network, images, tmp_path):
    for index, pixels in enumerate(images):
        Image.fromarray(pixels).save(tmp_path / f"{index:02}.png")
    lazy = LazyImages(tmp_path, [f"{index:02}.png" for index in range(len(images))], Framing(HEIGHT, WIDTH))
    sample = draw_sample(len(images), 30, seed=7)
    in_memory, decoded = (read(network, given, sample) for given in (images, lazy))
    for name in LAYERS:
        np.testing.assert_array_equal(in_memory[name], decoded[name])


@pytest.mark.slow
def test_what_does_not_fit_is_refused_in_one_line(network, images):
    sample = draw_sample(len(images), 0, seed=8)
    with pytest.raises(NetworkError, match="no layer 'mxied'; the nearest are mixed"):
        read(network, images, sample, ["mxied"])
    with pytest.raises(ComparisonError, match="no layers are named"):
        read(network, images, sample, [])
    with pytest.raises(ComparisonError, match="holds image 69 but there are 50"):
        read(network, images[:50], sample)
    with pytest.raises(ComparisonError, match="not in"):
        read(network, images, Sample(sample.images, sample.positions + 1))
    with pytest.raises(ComparisonError, match="no shard 3 of 2"):
        read(network, images, sample, shard=(3, 2))


@pytest.mark.parametrize("count", [1, 8, 9, 53])
@pytest.mark.parametrize("parts", [1, 2, 5])
def test_shards_are_runs_of_the_same_batches(count, parts):
    whole = shard_batches(count, (1, 1), 8)
    assert [batch for part in range(1, parts + 1) for batch in shard_batches(count, (part, parts), 8)] == whole
    assert whole[-1][1] == count
