"""Subject networks of a study, wherever they come from.

What only needs a network that is prepared already imports `netlens.models.network_files` instead: an edit to an
architecture then does not make its results stale.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netlens.files.hashing import sha256_of
from netlens.models.architectures.registry import build
from netlens.models.errors import CheckpointError, NetworkError, first_line
from netlens.models.keras.files import set_stored_weights
from netlens.models.label_space import imagenet, label_space, read_label_space
from netlens.models.network import Network, network_of, size_pair
from netlens.models.network_files import check_file, load_prepared, read_description, read_model
from netlens.models.preprocessing import preprocessing_from
from netlens.models.pretrained.registry import PRETRAINED, build_pretrained


def load_network(spec: Mapping[str, Any] | str | Path, *, name: str | None = None) -> Network:
    """Subject network of a study.

    Parameters
    ----------
    spec
        The study's entry for the network, whose ``kind`` is ``trained``, ``file``, ``named`` or ``pretrained``; or the
        path of a network that the rule ``kernels`` has prepared (see `netlens.models.network_files.load_prepared`).
    name
        Name in the study. Default: that of the file.

    Returns
    -------
    Network

    Raises
    ------
    FileNotFoundError
        There is no such file.
    CheckpointError
        The file is truncated or damaged, or is not the one that its record describes; the message states the sha256.
    NetworkError
        The network is not a classifier of color images, or the study's entry does not match it.
    """
    if isinstance(spec, (str, Path)):
        return load_prepared(spec, name=name)
    load = {"trained": _load_trained, "file": _load_file, "named": _load_named, "pretrained": _load_pretrained}
    if spec.get("kind") not in load:
        subject = "a network" if name is None else f"network {name!r}"
        raise NetworkError(f"{subject}: kind must be one of {', '.join(load)}, not {spec.get('kind')!r}")
    return load[spec["kind"]](spec, name)


def _load_trained(spec: Mapping[str, Any], name: str | None) -> Network:
    path = Path(spec["checkpoint"]).expanduser()
    record = read_description(path.with_suffix(".json"))
    expected = str(record["checkpoint"]["sha256"])
    return network_of(
        name or path.stem,
        read_model(path, sha256=expected),
        preprocessing=preprocessing_from(record["preprocessing"]),
        classes=label_space(record["class_names"]),
        sha256=expected,
    )


def _load_file(spec: Mapping[str, Any], name: str | None) -> Network:
    path = Path(spec["file"]).expanduser()
    if path.suffix == ".pb":
        raise NetworkError(
            f"network {name or path.stem!r} is a frozen graph ({path}), which this cannot use: it needs a Keras model "
            "(.h5 or .keras)"
        )
    return network_of(
        name or path.stem,
        read_model(path, sha256=spec.get("sha256")),
        preprocessing=preprocessing_from(spec.get("preprocessing", "none")),
        classes=read_label_space(spec.get("class_names")),
        size_px=spec.get("size_px"),
        sha256=sha256_of(path),
    )


def _load_named(spec: Mapping[str, Any], name: str | None) -> Network:
    architecture = str(spec["architecture"])
    space = read_label_space(spec.get("class_names"))
    classes = len(space.names) if space is not None else int(spec.get("classes_count", 1000))
    height, width = size_pair(spec.get("size_px", 224))
    model = build(architecture, input_shape=(height, width, 3), classes=classes, seed=int(spec.get("seed", 0)))
    weights, digest = spec.get("weights_file"), ""
    if weights is not None:
        path = Path(weights).expanduser()
        digest = check_file(path, spec.get("sha256"))
        try:
            set_stored_weights(model, path)
        except (OSError, ValueError, KeyError) as error:
            raise CheckpointError(
                f"{path}: not weights of {architecture} (sha256 {digest}): {first_line(error)}"
            ) from error
    return network_of(
        name or architecture,
        model,
        preprocessing=preprocessing_from(spec.get("preprocessing", "caffe")),
        classes=space,
        sha256=digest,
    )


def _load_pretrained(spec: Mapping[str, Any], name: str | None) -> Network:
    published = str(spec["published"])
    model, digest = build_pretrained(published, size_pair(spec["size_px"]) if "size_px" in spec else None)
    network = PRETRAINED[published]
    return network_of(
        name or published,
        model,
        preprocessing=network.preprocessing,
        classes=imagenet() if network.has_classes else None,
        sha256=digest,
    )
