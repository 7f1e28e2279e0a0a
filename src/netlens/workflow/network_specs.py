"""Names and paths that the rules derive from the networks of a study's configuration.

This module does not import TensorFlow.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from netlens.files.download import read_manifest
from netlens.workflow.external_files import check_times
from netlens.workflow.image_specs import SpecError, download_file, image_files, is_download, spec_of

#: The section `model_comparison` compares at most this many networks.
MOST_COMPARED: Final = 3
#: Published networks that output features, so methods that need classes do not apply to them.
WITHOUT_CLASSES: Final = frozenset({"mobilenet_v2"})


def network_spec(config: Mapping[str, Any], network: str) -> dict[str, Any]:
    """Specification for `netlens.models.loading.load_network`: the configuration, with the files of this study.

    Parameters
    ----------
    config
        A validated study.
    network
        Name of one of its networks.

    Returns
    -------
    dict
        If `kind` is ``trained``, ``checkpoint`` is the published one or, with ``retrain: true``, the study's own.

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
    """The networks that the section `model_comparison` compares, each once.

    Returns
    -------
    list of str
        Those that the study names, or else its first three: three names, or fewer if the study has fewer networks.

    Raises
    ------
    SpecError
        The study names more than three, or one of them twice, or one that is not defined.
    """
    named = list(config.get("model_comparison", {}).get("networks", []))
    if len(named) > MOST_COMPARED or len(set(named)) < len(named):
        raise SpecError(f"model_comparison.networks: {', '.join(named)}: name one to three different networks")
    for network in named:
        spec_of(config, "networks", network)
    return named or list(config["networks"])[:MOST_COMPARED]


def beside_networks(config: Mapping[str, Any]) -> list[str]:
    """Networks whose singular ratios `pattern_attribution` shows beside those of its own network.

    Raises
    ------
    SpecError
        One of them is not defined, is a frozen graph, or is the section's own network.
    """
    named = [str(name) for name in config.get("pattern_attribution", {}).get("beside", [])]
    for network in named:
        if is_frozen(spec_of(config, "networks", network)):
            raise SpecError(f"pattern_attribution.beside: {network} is a frozen graph (.pb); name Keras models")
        if network == section_network(config, "pattern_attribution"):
            raise SpecError(f"pattern_attribution.beside: {network} is the section's own network; name others")
    return named


def explained_networks(config: Mapping[str, Any]) -> list[str]:
    """Networks whose explanations `explanation_checks` checks, each once; the numbers are about the first.

    Returns
    -------
    list of str
        Those that the study names, or else that of `pattern_attribution` and those beside it; none if the study has no
        Keras model.

    Raises
    ------
    SpecError
        One of them is not defined, is named twice or is a frozen graph, or a network is to be randomized that is not
        among them.
    """
    settings = config.get("explanation_checks", {})
    named = [str(name) for name in settings.get("networks", [])]
    if len(set(named)) < len(named):
        raise SpecError(f"explanation_checks.networks: {', '.join(named)}: name different networks")
    for network in named:
        if is_frozen(spec_of(config, "networks", network)):
            raise SpecError(f"explanation_checks.networks: {network} is a frozen graph (.pb); name Keras models")
    own = section_network(config, "pattern_attribution")
    found = named or ([own, *beside_networks(config)] if own else [])
    for network in settings.get("cascade_networks", []):
        if network not in found:
            raise SpecError(
                f"explanation_checks.cascade_networks: {network} is not checked; name some of {', '.join(found)}"
            )
    return found


def section_network(config: Mapping[str, Any], section: str) -> str:
    """Name of the network that a section studies: the one that the study names, or else a default.

    Parameters
    ----------
    config
        A validated study.
    section
        Name of a section.

    Returns
    -------
    str
        By default the network of `models`, which is the study's first. For `pattern_attribution` (and for
        `signal_distractor`, which shows its attributions) it is the first one with a Keras model; empty if there is
        none. For `model_comparison` and `explanation_checks` it is the first network that is compared, or checked.
    """
    if section == "signal_distractor":
        section = "pattern_attribution"
    if section == "model_comparison":
        return next(iter(compared_networks(config)), "")
    if section == "explanation_checks":
        return next(iter(explained_networks(config)), "")
    main = config.get("models", {}).get("network") or next(iter(config["networks"]), "")
    named = config.get(section, {}).get("network")
    if named or section != "pattern_attribution":
        return str(named or main)
    return next((name for name in (main, *config["networks"]) if not is_frozen(config["networks"].get(name, {}))), "")


def preprocessing_spec(config: Mapping[str, Any], network: str) -> dict[str, Any]:
    """A network's preprocessing as a dictionary, even if the study only names a mode."""
    spec = spec_of(config, "networks", network)["preprocessing"]
    return {"mode": spec} if isinstance(spec, str) else dict(spec)


def trained_checkpoint(config: Mapping[str, Any], network: str) -> str:
    """Path of the checkpoint that the study itself trains."""
    return f"results/{config['study']}/networks/{network}/checkpoint.h5"


def is_frozen(spec: Mapping[str, Any]) -> bool:
    """Whether a network's file is a frozen graph, for which there is no Keras model."""
    return str(spec.get("file", "")).endswith(".pb")


def prepared_file(config: Mapping[str, Any], network: str, suffix: str = "") -> str:
    """Path of a network prepared so that it outputs logits: ``network.h5``, or ``frozen.pb`` for a frozen graph.

    Parameters
    ----------
    config
        A validated study.
    network
        Name of one of its networks.
    suffix
        Suffix of another file with the same stem, such as ``.json`` for the description.

    Raises
    ------
    SpecError
        There is no such network.
    """
    name = "frozen.pb" if is_frozen(spec_of(config, "networks", network)) else "network.h5"
    path = Path(f"results/{config['study']}/networks/{network}/{name}")
    return str(path.with_suffix(suffix) if suffix else path)


def network_files(config: Mapping[str, Any], network: str) -> list[str]:
    """Files that a network is loaded from, for a rule's input.

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
    return [str(part) for part in (path, names) if isinstance(part, str) and part != "imagenet"]


def weights_megabytes(config: Mapping[str, Any], network: str) -> float:
    """Size of the file that a network's weights are read from, in megabytes, as far as it is known.

    Parameters
    ----------
    config
        A validated study.
    network
        Name of one of its networks; empty for none.

    Returns
    -------
    float
        Of a file that is still to be downloaded, what `data/manifest.yaml` states; 0 where nothing says it, and for
        networks whose weights come with the environment, which are small.
    """
    spec = network_spec(config, network) if network else {}
    path = next((str(spec[key]) for key in ("file", "weights_file", "checkpoint") if key in spec), "")
    if path and Path(path).expanduser().is_file():
        return Path(path).expanduser().stat().st_size / 1e6
    if not is_download(path):
        return 0.0
    stated = read_manifest().get(Path(path).name)
    return (stated.size_bytes or 0) / 1e6 if stated else 0.0


def prepared_models(config: Mapping[str, Any], network: str) -> list[str]:
    """Path of a network's prepared Keras model in a list, which is empty for a frozen graph."""
    spec = network_spec(config, network)
    if spec["kind"] == "file" and str(spec["file"]).endswith(".pb"):
        return []
    return [f"results/{config['study']}/networks/{network}/network.h5"]


def check_files(config: Mapping[str, Any]) -> None:
    """Check that the files that a study names exist and can be used, before anything is run.

    Checkpoints that the study trains and files that it downloads need not exist yet.

    Raises
    ------
    SpecError
        One line for each missing file (with the sha256 of a published checkpoint) and for an image that cannot be read.
    FileTimeError
        A file, notebook or module was modified in the future.
    """
    problems = []
    for images in config["images"]:
        for path in image_files(config, images):
            if not Path(path).exists() and not is_download(path):
                problems.append(f"images.{images}: {path}: no such folder or zip of images")
    for network, spec in config["networks"].items():
        if spec.get("retrain", False) or "download" in spec:
            continue
        for path in network_files(config, network):
            file = Path(path).expanduser()
            if not file.is_file() and not is_download(path):
                problems.append(f"networks.{network}: {path}: no such file{_recorded_sha256(file)}")
    published = config.get("pattern_attribution", {}).get("published_patterns", "")
    if published and not is_download(published) and not Path(published).expanduser().is_file():
        problems.append(f"pattern_attribution.published_patterns: {published}: no such file")
    own = config.get("spatial_attribution", {}).get("image", "")
    if own:
        problems += _image_problems(own)
    for named_networks in (compared_networks, beside_networks, explained_networks):
        try:
            named_networks(config)
        except SpecError as error:
            problems.append(str(error))
    if problems:
        raise SpecError("\n".join(problems))
    used = {file for network in config["networks"] for file in network_files(config, network)}
    used |= {file for images in config["images"] for file in image_files(config, images)}
    code = [*Path("src/netlens").rglob("*.py"), *Path("notebooks").rglob("*.ipynb")]
    check_times([*sorted(used), *filter(None, (published, own)), *code])


def _image_problems(path: str) -> list[str]:
    # Only studies with an image of their own wait for the library that reads it.
    from netlens.images.file_sources import UnreadableImageError
    from netlens.images.own_image import read_image

    file = Path(path).expanduser()
    if not file.is_file():
        return [f"spatial_attribution.image: {path}: no such file"]
    try:
        read_image(file, 1, 1)
    except UnreadableImageError as error:
        return [f"spatial_attribution.image: {error}"]
    return []


def _recorded_sha256(checkpoint: Path) -> str:
    record = checkpoint.with_suffix(".json")
    if checkpoint.suffix != ".h5" or not record.is_file():
        return ""
    digest = json.loads(record.read_text(encoding="utf-8")).get("checkpoint", {}).get("sha256")
    return f" (its sha256 is {digest}); restore it" if digest else ""


def images_of(config: Mapping[str, Any], network: str) -> str:
    """Name of the image set that a network is studied on."""
    return str(spec_of(config, "networks", network)["images"])


def image_file(config: Mapping[str, Any], network: str, part: str) -> str:
    """Path of ``train`` or ``heldout`` of the image set that a network is studied on."""
    return f"results/{config['study']}/images/{images_of(config, network)}/{part}.npz"
