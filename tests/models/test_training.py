import hashlib
import json

import numpy as np
import pytest

from netlens.images.image_set import ImageSet
from netlens.models.architectures.vgg import vgg
from netlens.models.backend import keras
from netlens.models.errors import NetworkError
from netlens.models.loading import load_network
from netlens.models.preprocessing import preprocessing_from
from netlens.models.training import Training, save_checkpoint, train, training_record

TF = preprocessing_from("tf")


def stripes(n, seed):
    """Two classes that anything learns: stripes across, stripes down."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    wave = (np.sin(np.arange(16) * 1.6 + rng.uniform(0, 6, (n, 1))) > 0) * 200
    images = np.where(labels[:, None, None] == 0, wave[:, :, None], wave[:, None, :])
    noise = rng.integers(0, 50, (n, 16, 16))
    return ImageSet(np.repeat((images + noise)[..., None], 3, axis=-1).astype(np.uint8), labels, ("down", "across"))


def tiny(classes=2, size=16):
    return vgg("tiny", blocks=[(4, 1), (8, 1)], hidden=[8], input_shape=(size, size, 3), classes=classes, seed=3)


@pytest.fixture(scope="module")
def sets():
    return stripes(64, 0), stripes(32, 1)


@pytest.mark.slow
def test_training_learns_and_is_reproducible_to_the_bit(tmp_path, sets):
    digests = []
    for run in range(2):
        how = Training(epochs=8, batch_size=16, learning_rate=0.01, seed=5)
        model, history = train(tiny, *sets, TF, how, progress=False)
        assert history.heldout_accuracy > 0.9
        assert len(history.loss) == len(history.accuracy) == 8 and history.loss[-1] < history.loss[0]
        assert history.wall_s > 0 and history.cpu_s > 0
        record = training_record("tiny", *sets, preprocess=TF, training=how, history=history)
        save_checkpoint(model, tmp_path / f"{run}.h5", record)
        digests.append(hashlib.sha256((tmp_path / f"{run}.h5").read_bytes()).hexdigest())
    assert digests[0] == digests[1]

    kept = json.loads((tmp_path / "0.json").read_text())
    assert kept["checkpoint"]["sha256"] == digests[0]
    assert kept["class_names"] == ["down", "across"] and kept["training"]["epochs"] == 8
    assert kept["train_images_count"] == 64 and "numpy" in kept["trained_with"]
    network = load_network({"kind": "trained", "checkpoint": str(tmp_path / "0.h5")})
    logits = network.model.predict_on_batch(network.preprocess(sets[1].images[:]))
    assert (logits.argmax(axis=1) == sets[1].labels).mean() == kept["heldout_accuracy"]


@pytest.mark.slow
def test_another_seed_gives_other_weights(sets):
    weights = []
    for seed in (1, 2):
        model, _ = train(tiny, *sets, TF, Training(epochs=1, batch_size=16, seed=seed), progress=False)
        weights.append(model.get_weights()[0])
    assert not np.array_equal(*weights)


@pytest.mark.slow
def test_progress_is_shown(sets, capsys):
    train(tiny, *sets, TF, Training(epochs=1, batch_size=16))
    assert "training tiny: 100%" in capsys.readouterr().err


@pytest.mark.slow
def test_checkpoint_holds_no_optimizer(tmp_path, sets):
    model, _ = train(tiny, *sets, TF, Training(epochs=1, batch_size=16), progress=False)
    save_checkpoint(model, tmp_path / "a.h5", {})
    assert (tmp_path / "a.h5").stat().st_size < 4 * model.count_params() + 60_000
    assert keras.models.load_model(tmp_path / "a.h5").optimizer is None


def test_bad_input(sets):
    images, heldout = sets
    with pytest.raises(NetworkError, match="different classes"):
        train(tiny, images, ImageSet(heldout.images, heldout.labels, ("across", "down")), TF, Training())
    with pytest.raises(NetworkError, match="64 training images are fewer than one batch of 65"):
        train(tiny, images, heldout, TF, Training(batch_size=65))
    with pytest.raises(NetworkError, match=r"'tiny' takes \(32, 32, 3\) .* but the images are \(16, 16, 3\) of 2"):
        train(lambda: tiny(size=32), images, heldout, TF, Training())
    with pytest.raises(NetworkError, match=r"outputs \(5,\)"):
        train(lambda: tiny(classes=5), images, heldout, TF, Training())
    for options, message in [
        ({"epochs": 0}, "at least 1 epoch"),
        ({"learning_rate": 0.0}, "learning_rate must be"),
        ({"composed_share": 1.5}, "composed_share must be 0 to 1"),
    ]:
        with pytest.raises(NetworkError, match=message):
            Training(**options)


@pytest.mark.slow
def test_diverging_training_is_refused(sets):
    def broken():
        model = tiny()
        model.get_layer("predictions").set_weights([np.full((8, 2), np.nan), np.zeros(2)])
        return model

    with pytest.raises(NetworkError, match="loss of 'tiny' is not finite in epoch 1; lower"):
        train(broken, *sets, TF, Training(epochs=1, batch_size=16), progress=False)
