"""Copy the checkout, with random stand-ins of all that the ImageNet study needs: its rules, run at full size.

    netlens bench imagenet_stand_ins FOLDER [--synsets 12] [--per-synset 10]
    cd FOLDER && netlens list --study imagenet && netlens run weightSingularRatioProd --study imagenet

FOLDER gets the tracked files of this checkout and, in ``data/stand_ins``, files of the names in ``data/manifest.yaml``:
networks of the published shapes with random weights, kernels as patterns, lists of synsets. The copy's manifest expects
their sha256. Views of the photographs that come with the environment stand in for ILSVRC2012. Numbers that come from
these mean nothing; what is shown is which rules run, and at what cost.
"""

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import yaml
from _checkout_copy import copy_checkout
from PIL import Image

from netlens.images.photos import read_photograph
from netlens.models.architectures.inception_v1 import inception_v1_graph
from netlens.models.architectures.registry import build
from netlens.models.backend import keras, tf1
from netlens.models.frozen.frozen_network import freeze, serialized
from netlens.models.label_space import numbered
from netlens.models.network import network_of
from netlens.models.preprocessing import preprocessing_from
from netlens.models.pretrained.imagenet_classes import imagenet_synsets

PHOTOGRAPHS = ("chelsea", "coffee", "motorcycle", "rocket", "china", "astronaut")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--synsets", type=int, default=12)
    parser.add_argument("--per-synset", type=int, default=10)
    parsed = parser.parse_args(arguments)
    copy: Path = parsed.folder
    copy_checkout(copy)

    synsets = imagenet_synsets()
    stand_ins = copy / "data" / "stand_ins"
    stand_ins.mkdir(parents=True)
    _weights("vgg16", stand_ins / "vgg16_weights_tf_dim_ordering_tf_kernels.h5", stand_ins)
    _weights("resnet50", stand_ins / "resnet50_weights_tf_dim_ordering_tf_kernels.h5")
    (stand_ins / "InceptionV1.pb").write_bytes(serialized(inception_v1_graph()))
    _frozen(_inception_v2(1001), stand_ins / "InceptionV2.pb")
    _frozen(_alexnet(1000), stand_ins / "AlexNet.pb")
    dummies = [f"dummy{index}" for index in range(8)]
    lists = {
        "ImageNet_alternate_synsets.txt": [dummies[0], *synsets, *dummies[1:]],
        "ImageNet_standard_with_dummy_synsets.txt": ["dummy", *synsets],
    }
    for name, lines in lists.items():
        (stand_ins / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    _images(copy / "data" / "ILSVRC2012_img_val", synsets, parsed.synsets, parsed.per_synset)

    manifest_file, study_file = copy / "data" / "manifest.yaml", copy / "config" / "imagenet.yaml"
    manifest = yaml.safe_load(manifest_file.read_text(encoding="utf-8"))
    for path in sorted(stand_ins.iterdir()):
        with path.open("rb") as file:
            manifest[path.name]["hash"] = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
        manifest[path.name]["size_bytes"] = path.stat().st_size
    manifest_file.write_text(yaml.safe_dump(manifest, sort_keys=False), encoding="utf-8")
    text = study_file.read_text(encoding="utf-8")
    study_file.write_text(text.replace("local_folders: []", "local_folders: [data/stand_ins]"), encoding="utf-8")
    print(f"{copy}: {sum(path.stat().st_size for path in stand_ins.iterdir()) / 1e6:.0f} MB of stand-ins")


def _weights(architecture: str, path: Path, patterns_in: Path | None = None) -> None:
    """Save random weights as Keras' applications do: a group per layer, named in the attributes."""
    model = build(architecture, input_shape=(224, 224, 3), classes=1000, seed=0)
    model.save_weights(path)
    if patterns_in is not None:
        kernels = [layer.get_weights()[0] for layer in model.layers if layer.weights]
        name = "vgg16_pattern_type_relu_tf_dim_ordering_tf_kernels.npz"
        np.savez(patterns_in / name, **{f"arr_{index}": kernel for index, kernel in enumerate(kernels)})
    with h5py.File(path) as file:
        assert len(file.attrs["layer_names"]) == len(model.layers)


def _frozen(model: Any, path: Path) -> None:
    classes = model.output_shape[-1]
    named = network_of(path.stem, model, preprocessing=preprocessing_from("tf"), classes=numbered(classes), sha256="")
    graph = freeze(named).graph_def
    image = next(node for node in graph.node if node.op == "Placeholder")
    batch = image.attr["shape"].shape.dim
    batch[0].size = -1
    path.write_bytes(serialized(graph))
    tf1.reset_default_graph()
    keras.backend.clear_session()


def _inception_v2(classes: int) -> Any:
    """A network of TF-Slim's depth and widths: three convolutions and ten blocks of four branches, normalized."""
    layers = keras.layers

    def convolution(x: Any, channels: int, size: int, name: str, strides: int = 1) -> Any:
        x = layers.Conv2D(channels, size, strides, padding="same", use_bias=False, name=name)(x)
        x = layers.BatchNormalization(scale=False, name=f"{name}_norm")(x)
        return layers.ReLU(name=f"{name}_relu")(x)

    image = keras.Input((224, 224, 3), name="input")
    x = convolution(image, 64, 7, "conv1", 2)
    x = convolution(layers.MaxPooling2D(3, 2, padding="same", name="pool1")(x), 64, 1, "conv2")
    x = convolution(x, 192, 3, "conv3")
    x = layers.MaxPooling2D(3, 2, padding="same", name="pool2")(x)
    for index, width in enumerate([256, 320, 576, 576, 576, 576, 576, 1024, 1024, 1024]):
        if index in (2, 7):
            x = layers.MaxPooling2D(3, 2, padding="same", name=f"pool_{index}")(x)
        quarter, name = width // 4, f"mixed{index}"
        ends = [convolution(x, quarter, 1, f"{name}_1x1")]
        ends.append(convolution(convolution(x, 96, 1, f"{name}_b"), quarter, 3, f"{name}_3x3"))
        twice = convolution(convolution(x, 96, 1, f"{name}_c"), quarter, 3, f"{name}_d")
        ends.append(convolution(twice, quarter, 3, f"{name}_3x3_3x3"))
        pooled = layers.AveragePooling2D(3, 1, padding="same", name=f"{name}_pool")(x)
        ends.append(convolution(pooled, quarter, 1, f"{name}_pooled"))
        x = layers.Concatenate(name=name)(ends)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(image, layers.Dense(classes, activation="softmax", name="predictions")(x))


def _alexnet(classes: int) -> Any:
    """Krizhevsky et al. 2012, without its groups."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((227, 227, 3), name="Placeholder"),
            layers.Conv2D(96, 11, 4, activation="relu", name="conv1"),
            layers.MaxPooling2D(3, 2, name="pool1"),
            layers.Conv2D(256, 5, padding="same", activation="relu", name="conv2"),
            layers.MaxPooling2D(3, 2, name="pool2"),
            layers.Conv2D(384, 3, padding="same", activation="relu", name="conv3"),
            layers.Conv2D(384, 3, padding="same", activation="relu", name="conv4"),
            layers.Conv2D(256, 3, padding="same", activation="relu", name="conv5"),
            layers.MaxPooling2D(3, 2, name="pool5"),
            layers.Flatten(name="flat"),
            layers.Dense(4096, activation="relu", name="fc6"),
            layers.Dense(4096, activation="relu", name="fc7"),
            layers.Dense(classes, activation="softmax", name="fc8"),
        ]
    )


def _images(folder: Path, synsets: Sequence[str], count: int, per_synset: int) -> None:
    """Crops of the photographs, another place and size for each file."""
    rng = np.random.default_rng(0)
    photographs = [read_photograph(name) for name in PHOTOGRAPHS]
    egyptian_cat = "n02124075"
    others = [name for name in synsets[:: len(synsets) // count] if name != egyptian_cat]
    for index, synset in enumerate([egyptian_cat, *others][:count]):
        (folder / synset).mkdir(parents=True)
        pixels = photographs[index % len(photographs)]
        for number in range(per_synset):
            side = int(rng.uniform(0.5, 1) * min(pixels.shape[:2]))
            top, left = (int(rng.integers(0, extent - side + 1)) for extent in pixels.shape[:2])
            crop = Image.fromarray(pixels[top : top + side, left : left + side]).resize((256, 256))
            crop.save(folder / synset / f"{synset}_{number}.JPEG")


if __name__ == "__main__":
    main()
