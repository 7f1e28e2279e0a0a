"""What a study says of its networks, as the rules need it: plain dictionaries in, names and paths out.

Nothing here starts TensorFlow.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from netlens.workflow.image_specs import SpecError, image_files, spec_of

#: Networks that the section `model_comparison` compares.
COMPARED_COUNT: Final = 3
#: Published networks whose outputs are features: what needs a class does not apply to them.
WITHOUT_CLASSES: Final = frozenset({"mobilenet_v2"})


def network_spec(config: Mapping[str, Any], network: str) -> dict[str, Any]:
    """Give what `netlens.models.loading.load_network` takes: the study's words, with the files that this study uses.

    Parameters
    ----------
    config
        A validated study.
    network
        Name of one of its networks.

    Returns
    -------
    dict
        For ``trained``: ``checkpoint`` is the published one, or the study's own with ``retrain: true``.

    Raises
    ------
    SpecError
        There is no such network.
    """
    spec = dict(spec_of(config, "networks", network))
    if spec["kind"] == "trained" and spec.get("retrain", False):
        spec["checkpoint"] = trained_checkpoint(config, network)
    if spec["kind"] == "named" and "download" in spec:
        spec["weights_file"] = download_file(spec["download"])
    return spec


def compared_networks(config: Mapping[str, Any]) -> list[str]:
    """Give the three networks that the section `model_comparison` compares.

    Returns
    -------
    list of str
        As the study names them; otherwise its first networks, the last repeated where there are fewer than three.

    Raises
    ------
    SpecError
        The study names one or two, or one that is not defined.
    """
    named = list(config.get("model_comparison", {}).get("networks", []))
    if named and len(named) != COMPARED_COUNT:
        raise SpecError(
            f"model_comparison.networks: {len(named)} named, {COMPARED_COUNT} are needed; the same one may appear twice"
        )
    for network in named:
        spec_of(config, "networks", network)
    networks = named or list(config["networks"])[:COMPARED_COUNT]
    return networks + networks[-1:] * (COMPARED_COUNT - len(networks))


def preprocessing_spec(config: Mapping[str, Any], network: str) -> dict[str, Any]:
    """Give a network's preprocessing as a dictionary, also where the study names a mode."""
    spec = spec_of(config, "networks", network)["preprocessing"]
    return {"mode": spec} if isinstance(spec, str) else dict(spec)


def trained_checkpoint(config: Mapping[str, Any], network: str) -> str:
    """Give the path of the checkpoint that the study itself trains."""
    return f"results/{config['study']}/networks/{network}/checkpoint.h5"


def is_frozen(spec: Mapping[str, Any]) -> bool:
    """Say whether a network's file is a frozen graph, which has no Keras model."""
    return str(spec.get("file", "")).endswith(".pb")


def prepared_file(config: Mapping[str, Any], network: str, suffix: str = "") -> str:
    """Give the path of a network made ready for what needs its logits: ``network.h5``, or ``frozen.pb`` of a graph.

    Parameters
    ----------
    config
        A validated study.
    network
        Name of one of its networks.
    suffix
        Another file's suffix, such as ``.json`` for the description beside it.

    Raises
    ------
    SpecError
        There is no such network.
    """
    name = "frozen.pb" if is_frozen(spec_of(config, "networks", network)) else "network.h5"
    path = Path(f"results/{config['study']}/networks/{network}/{name}")
    return str(path.with_suffix(suffix) if suffix else path)


def download_file(name: str) -> str:
    """Give the path of a downloaded file; studies share it."""
    return f"data/downloads/{name}"


def network_files(config: Mapping[str, Any], network: str) -> list[str]:
    """Give the files that a network is loaded from, for a rule's input.

    Raises
    ------
    SpecError
        There is no such network.
    """
    spec = network_spec(config, network)
    if spec["kind"] == "trained":
        checkpoint = str(spec["checkpoint"])
        return [checkpoint, f"{checkpoint.removesuffix('.h5')}.json"]
    path = spec.get("file") or spec.get("weights_file")
    names = spec.get("class_names")
    return [str(part) for part in (path, names) if isinstance(part, str)]


def prepared_models(config: Mapping[str, Any], network: str) -> list[str]:
    """Give the path of a network's prepared Keras model, in a list; an empty one for a frozen graph."""
    spec = network_spec(config, network)
    if spec["kind"] == "file" and str(spec["file"]).endswith(".pb"):
        return []
    return [f"results/{config['study']}/networks/{network}/network.h5"]


def check_files(config: Mapping[str, Any]) -> None:
    """See that the files that a study names are there and can be used, before anything starts.

    Checkpoints that the study trains and files that it downloads need not be.

    Raises
    ------
    SpecError
        One line for each file that is missing (for a published checkpoint its sha256 is told), and for each section
        that needs a Keras model and is given a frozen graph.
    """
    problems = []
    for images in config["images"]:
        for path in image_files(config, images):
            if not Path(path).exists():
                problems.append(f"images.{images}: {path}: no such folder or zip of images")
    for network, spec in config["networks"].items():
        if spec.get("retrain", False) or "download" in spec:
            continue
        for path in network_files(config, network):
            file = Path(path).expanduser()
            if not file.is_file():
                problems.append(f"networks.{network}: {path}: no such file{_recorded_sha256(file)}")
    own = config.get("spatial_attribution", {}).get("image", "")
    if own and not Path(own).expanduser().is_file():
        problems.append(f"spatial_attribution.image: {own}: no such file")
    try:
        compared_networks(config)
    except SpecError as error:
        problems.append(str(error))
    problems += _unfit_networks(config)
    if problems:
        raise SpecError("\n".join(problems))


def _unfit_networks(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each section whose network cannot give what the section needs."""
    for section in ("models", "pattern_attribution", "spatial_attribution"):
        network = config.get(section, {}).get("network", "")
        spec = config["networks"].get(network, {})
        if is_frozen(spec) and section != "spatial_attribution":
            yield f"{section}.network: {network} is a frozen graph (.pb); a Keras model is needed here"
        if spec.get("published") in WITHOUT_CLASSES:
            yield f"{section}.network: {network} gives features, not classes, which this section needs; name another"


def _recorded_sha256(checkpoint: Path) -> str:
    record = checkpoint.with_suffix(".json")
    if checkpoint.suffix != ".h5" or not record.is_file():
        return ""
    digest = json.loads(record.read_text(encoding="utf-8")).get("checkpoint", {}).get("sha256")
    return f" (its sha256 is {digest}); restore it" if digest else ""


def images_of(config: Mapping[str, Any], network: str) -> str:
    """Give the name of the image set that a network is studied on."""
    return str(spec_of(config, "networks", network)["images"])


def image_file(config: Mapping[str, Any], network: str, part: str) -> str:
    """Give the path of ``train`` or ``heldout`` of the image set that a network is studied on."""
    return f"results/{config['study']}/images/{images_of(config, network)}/{part}.npz"
