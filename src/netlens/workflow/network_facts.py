"""Facts about the networks of a study, found before anything runs and kept until a network changes.

Facts are stored in ``results/.inspected``, under a hash of the network's file (or of its architecture's code and
settings) and of the code that inspects. `netlens.models.inspection` reads Keras files without TensorFlow; a process of
its own builds architectures and parses frozen graphs (`netlens.workflow.network_inspection`), all that are new at once.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import netlens.models
from netlens.files.atomic import writing
from netlens.files.hashing import sha256_of
from netlens.files.owned_folders import claimed_temporary
from netlens.models.errors import CheckpointError, NetworkError
from netlens.models.input_scaling import check_scaled_once
from netlens.models.inspection import NetworkFacts, facts_from_json, inspect_keras_file
from netlens.models.preprocessing import preprocessing_from
from netlens.workflow.image_specs import SpecError
from netlens.workflow.network_specs import network_spec

_STORE: Final = Path("results/.inspected")
_CODE: Final = Path(netlens.models.__file__).parent
#: What decides the facts about a network that is built or parsed; preprocessing and names do not.
_DECIDING: Final = ("kind", "architecture", "published", "size_px", "classes_count", "output_node", "file", "sha256")
#: Classes of a trained network whose image set does not say how many there are: they change no other fact.
_SOME_CLASSES: Final = 10


def network_facts(config: Mapping[str, Any]) -> dict[str, NetworkFacts]:
    """Facts about each network of a study whose file is there.

    Parameters
    ----------
    config
        A validated study.

    Returns
    -------
    dict
        By name, in the order of the study. Networks whose file is still to be downloaded are inspected by their
        architecture; those whose file is missing have no facts.

    Raises
    ------
    SpecError
        A network cannot be read, is not supported, or scales images that its preprocessing has scaled already; one line
        for each.
    """
    facts: dict[str, NetworkFacts] = {}
    problems: list[str] = []
    to_build: dict[str, dict[str, Any]] = {}
    for network in config["networks"]:
        spec = network_spec(config, network)
        path = _keras_file(spec)
        try:
            if path is None and Path(spec.get("file", __file__)).expanduser().is_file():
                to_build[network] = _building_spec(config, spec)
            elif path is not None and path.exists():
                facts[network] = _of_file(path)
        except (NetworkError, OSError) as error:
            problems.append(f"networks.{network}: {error}")
    for network, found in _of_built(to_build).items():
        if "facts" in found:
            facts[network] = facts_from_json(found["facts"])
        else:
            problems.append(f"networks.{network}: {found['problem']}")
    for network, own in facts.items():
        try:
            check_scaled_once(
                own.input_scaling, preprocessing_from(config["networks"][network].get("preprocessing", "none"))
            )
        except NetworkError as error:
            problems.append(f"networks.{network}: {error}")
    if problems:
        raise SpecError("\n".join(problems))
    return {network: facts[network] for network in config["networks"] if network in facts}


def _keras_file(spec: Mapping[str, Any]) -> Path | None:
    """File whose configuration says what the network is; None if the network has to be built or parsed."""
    if spec["kind"] == "trained" and not spec.get("retrain", False):
        return Path(spec["checkpoint"]).expanduser()
    if spec["kind"] == "file" and not str(spec["file"]).endswith(".pb"):
        return Path(spec["file"]).expanduser()
    return None


def _building_spec(config: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {key: spec[key] for key in _DECIDING if key in spec}
    if spec["kind"] == "trained":
        size = config["images"][spec["images"]].get("size_px", 32)
        return wanted | {"size_px": size, "classes_count": _SOME_CLASSES}
    if spec["kind"] == "named" and isinstance(spec.get("class_names"), list):
        wanted["classes_count"] = len(spec["class_names"])
    return wanted


def _of_file(path: Path) -> NetworkFacts:
    if path.is_dir():
        return inspect_keras_file(path)  # which refuses it
    stored = _STORE / f"{_digest(_file_digest(path), _code_digest('keras', 'inspection.py', 'input_scaling.py'))}.json"
    if stored.is_file():
        return facts_from_json(json.loads(stored.read_text(encoding="utf-8")))
    facts = inspect_keras_file(path)
    _keep(stored, facts.as_json())
    return facts


def _of_built(specs: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Facts or a problem of each network, from the store or from TensorFlow in a process of its own."""
    code = _code_digest(
        "architectures", "frozen", "keras", "pretrained", "inspection.py", "input_scaling.py", "built_inspection.py"
    )
    found: dict[str, dict[str, Any]] = {}
    new: dict[str, tuple[Path, dict[str, Any]]] = {}
    for network, spec in specs.items():
        content = _file_digest(Path(spec["file"]).expanduser()) if "file" in spec else ""
        stored = _STORE / f"{_digest(json.dumps(spec, sort_keys=True), content, code)}.json"
        if stored.is_file():
            found[network] = {"facts": json.loads(stored.read_text(encoding="utf-8"))}
        else:
            new[network] = (stored, spec)
    if new:
        for (network, (stored, _)), answer in zip(new.items(), _built([spec for _, spec in new.values()]), strict=True):
            found[network] = answer
            if "facts" in answer:
                _keep(stored, answer["facts"])
    return found


def _built(specs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONNOUSERSITE": "1"}
    with claimed_temporary() as folder:
        output = folder / "facts.json"
        command = [sys.executable, "-m", "netlens.workflow.network_inspection", str(output), str(os.getpid())]
        ended = subprocess.run(
            command, input=json.dumps(specs), capture_output=True, text=True, env=environment, check=False
        )
        if ended.returncode:
            last = (ended.stderr.strip().splitlines() or ["no message"])[-1]
            raise CheckpointError(f"the networks cannot be inspected: {last}")
        answers: list[dict[str, Any]] = json.loads(output.read_text(encoding="utf-8"))
        return answers


def _file_digest(path: Path) -> str:
    """sha256 of a file, remembered as long as the file's place, size and time of change stay the same."""
    state = path.stat()
    key = _digest(str(path.resolve()), str(state.st_ino), str(state.st_size), str(state.st_mtime_ns))
    stored = _STORE / f"{key}.sha256"
    if stored.is_file():
        return stored.read_text(encoding="ascii")
    digest = sha256_of(path)
    with writing(stored) as temporary:
        temporary.write_text(digest, encoding="ascii")
    return digest


def _keep(stored: Path, document: Mapping[str, Any]) -> None:
    with writing(stored) as temporary:
        temporary.write_text(json.dumps(document), encoding="utf-8")


def _code_digest(*parts: str) -> str:
    """sha256 of modules of `netlens.models`: files, or folders with everything in them."""
    files = [
        file for part in parts for file in ([_CODE / part] if part.endswith(".py") else (_CODE / part).rglob("*.py"))
    ]
    return _digest(*(file.read_text(encoding="utf-8") for file in sorted(set(files))))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
