"""Train a network, and write down how."""

import importlib.metadata
import json
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from netlens.files.atomic import writing
from netlens.files.hashing import sha256_of
from netlens.images.augmentation import composed, mirrored
from netlens.images.image_set import ImageSet
from netlens.models.backend import keras, tf1
from netlens.models.errors import NetworkError
from netlens.models.evaluation import accuracy as accuracy_of
from netlens.models.evaluation import predict
from netlens.models.preprocessing import Preprocessing

_LIBRARIES = ("tensorflow-cpu", "tensorflow", "tf-keras", "numpy", "pillow", "scikit-image", "scikit-learn", "h5py")


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Attributes
    ----------
    epochs
        Passes over the training images.
    batch_size
        Images per step; an incomplete last batch is left out.
    learning_rate
        Of Adam (Kingma and Ba 2014), at its largest: it rises over the first 100 steps and falls to zero like a cosine.
    composed_share
        Fraction of the training images that are composed of several (`netlens.images.augmentation.composed`).
    seed
        Seed of the initial weights, the order of the images and the augmentation.
    """

    epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 1e-3
    composed_share: float = 0.6
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the values."""
        if self.epochs < 1 or self.batch_size < 1:
            raise NetworkError(
                f"training needs at least 1 epoch and 1 image per step, not {self.epochs} and {self.batch_size}"
            )
        if not 0 < self.learning_rate < 1:
            raise NetworkError(f"learning_rate must be between 0 and 1, not {self.learning_rate}")
        if not 0 <= self.composed_share <= 1:
            raise NetworkError(f"composed_share must be 0 to 1, not {self.composed_share}")


@dataclass(frozen=True)
class History:
    """How training went.

    Attributes
    ----------
    loss, accuracy
        Mean over the steps of each epoch, on augmented images; accuracy counts the class with the largest share.
    heldout_accuracy
        After the last epoch.
    wall_s, cpu_s
        Duration of the training steps and their processor time over all threads, in seconds.
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    heldout_accuracy: float = float("nan")
    wall_s: float = float("nan")
    cpu_s: float = float("nan")


def train(
    build: Callable[[], Any],
    images: ImageSet,
    heldout: ImageSet,
    preprocess: Preprocessing,
    training: Training,
    *,
    progress: bool = True,
) -> tuple[Any, History]:
    """Classifier trained from random weights, and the history of its training.

    Parameters
    ----------
    build
        Builds the network, which ends in softmax over the classes of `images`.
    images
        Images that it is trained on.
    heldout
        Images that it is tested on after the last epoch; nothing is selected by them.
    preprocess
        Maps uint8 images to the network's inputs.
    training
        Epochs, batch size, learning rate, augmentation and seed. The same settings give the same weights on the same
        machine.
    progress
        Show a progress bar on stderr.

    Returns
    -------
    model, history

    Raises
    ------
    NetworkError
        The network does not match the images, there are too few of them, or the loss becomes infinite or NaN.
    """
    classes = len(images.class_names)
    if heldout.class_names != images.class_names:
        raise NetworkError("training and held-out images have different classes")
    if len(images) < training.batch_size:
        raise NetworkError(f"{len(images)} training images are fewer than one batch of {training.batch_size}")
    keras.backend.clear_session()
    tf1.set_random_seed(training.seed)
    model = build()
    expected = (None, *images.images.shape[1:])
    if tuple(model.input_shape) != expected or tuple(model.output_shape) != (None, classes):
        raise NetworkError(
            f"network {model.name!r} takes {model.input_shape[1:]} and outputs {model.output_shape[1:]}, "
            f"but the images are {expected[1:]} of {classes} classes"
        )
    # The newer optimizers of tf-keras need eager execution.
    optimizer = keras.optimizers.legacy.Adam(training.learning_rate)
    model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"])

    history = History()
    rng = np.random.default_rng(training.seed)
    identity = np.eye(classes, dtype=np.float32)
    steps = len(images) // training.batch_size
    wall, cpu = time.perf_counter(), time.process_time()
    bar = tqdm(total=training.epochs * steps, desc=f"training {model.name}", unit="step", disable=not progress)
    for epoch in range(training.epochs):
        order = rng.permutation(len(images))
        results: list[tuple[float, float]] = []
        for step in range(steps):
            chosen = order[step * training.batch_size : (step + 1) * training.batch_size]
            batch = mirrored(images.images[chosen], rng)
            batch, targets = composed(batch, identity[images.labels[chosen]], training.composed_share, 3, rng)
            rate = training.learning_rate * _schedule(epoch * steps + step, training.epochs * steps)
            keras.backend.set_value(model.optimizer.lr, rate)
            results.append(model.train_on_batch(preprocess(batch), targets))
            bar.update()
        loss, accuracy = (float(np.mean(column)) for column in np.array(results, np.float64).T)
        if not np.isfinite(loss):
            raise NetworkError(
                f"the loss of {model.name!r} is not finite in epoch {epoch + 1}; lower the learning rate"
            )
        history.loss.append(loss)
        history.accuracy.append(accuracy)
        bar.set_postfix(loss=f"{loss:.3f}", accuracy=f"{accuracy:.3f}")
    bar.close()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    heldout_accuracy = accuracy_of(predict(model, heldout, preprocess), heldout.labels)
    return model, History(history.loss, history.accuracy, heldout_accuracy, wall, cpu)


def _schedule(step: int, steps: int) -> float:
    rise = min(1.0, (step + 1) / min(100, max(1, steps // 10)))
    return rise * 0.5 * (1.0 + float(np.cos(np.pi * step / steps)))


def save_checkpoint(model: Any, path: str | Path, record: Mapping[str, Any]) -> None:
    """Save a trained network with its record: ``<name>.h5`` and, beside it, ``<name>.json``.

    Parameters
    ----------
    model
        The network. Its architecture and weights are saved, but not the optimizer's state. The same weights give the
        same bytes.
    path
        The .h5 file.
    record
        As returned by `training_record`; sha256 and size of the checkpoint are added.
    """
    file = Path(path)
    with writing(file) as temporary:
        model.save(temporary, save_format="h5", include_optimizer=False)
    checkpoint = {"sha256": sha256_of(file), "size_bytes": file.stat().st_size}
    text = json.dumps({**record, "checkpoint": checkpoint}, indent=2, ensure_ascii=False, allow_nan=False)
    with writing(file.with_suffix(".json")) as temporary:
        temporary.write_text(f"{text}\n", encoding="utf-8")


def training_record(
    architecture: str,
    images: ImageSet,
    heldout: ImageSet,
    *,
    preprocess: Preprocessing,
    training: Training,
    history: History,
) -> dict[str, Any]:
    """Record of a training run, to be saved beside the checkpoint: plain data for JSON."""
    versions = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "architecture": architecture,
        "input_shape": list(images.images.shape[1:]),
        "class_names": list(images.class_names),
        "preprocessing": preprocess.as_spec(),
        "training": asdict(training),
        "train_images_count": len(images),
        "heldout_images_count": len(heldout),
        "history": {"loss": history.loss, "accuracy": history.accuracy},
        "heldout_accuracy": history.heldout_accuracy,
        "training_wall_s": round(history.wall_s, 1),
        "training_cpu_s": round(history.cpu_s, 1),
        "trained_with": versions,
    }
