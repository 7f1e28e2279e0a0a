"""Load and check a study's configuration, so that mistakes are reported before anything runs."""

import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from netlens.workflow.errors import UserError
from netlens.workflow.network_specs import images_of, section_network
from netlens.workflow.study_yaml import not_finite, read_plain_yaml, read_yaml

SCHEMA_FILE = Path("config/schema.yaml")


class StudyError(UserError):
    """A study's configuration is invalid."""


def study_file(study: str) -> Path:
    """Path of the file of a study, which is given by name or path."""
    path = Path(study)
    if path.suffix in {".yaml", ".yml"}:
        if not path.is_file():
            raise StudyError(f"study {study}: no such file")
        return path
    path = Path("config") / f"{study}.yaml"
    if not path.parent.is_dir():
        raise StudyError("there is no folder config here; run netlens in the checkout or a folder of it")
    if not path.is_file():
        names = sorted(p.stem for p in Path("config").glob("*.yaml") if p.name != SCHEMA_FILE.name)
        raise StudyError(f"study {study!r}: there is no {path}; available: {', '.join(names) or 'none'}")
    return path


def load_study(study: str, schema_file: Path = SCHEMA_FILE) -> dict[str, Any]:
    """Validated configuration of a study.

    Parameters
    ----------
    study
        A name (``config/<name>.yaml``) or the path of a YAML file.
    schema_file
        The JSON schema, written in YAML.

    Returns
    -------
    dict
        The configuration, completed with the schema's defaults.

    Raises
    ------
    StudyError
        One line for each mistake: where it is, what is wrong, and what may have been meant.
    """
    path = study_file(study)
    try:
        config = read_yaml(path.read_text(encoding="utf-8-sig"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise StudyError(f"{path}{where}: not valid YAML: {getattr(error, 'problem', error)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"{path}: cannot be read: {error}") from None
    if not isinstance(config, dict):
        raise StudyError(f"{path}: a study is a mapping of keys to values; see config/demo.yaml")
    schema = read_plain_yaml(schema_file.read_text(encoding="utf-8"))
    problems = [f"{place}: must be a finite number" for place in not_finite(config)]
    problems += validate(config, schema)
    if not problems:
        problems = [*_dangling_names(config), *_namesakes(path, config["study"])]
    if problems:
        raise StudyError("\n".join(f"{path}: {problem}" for problem in problems))
    _expand_home(config)
    _fill_names(config)
    return config


# Keys whose values are paths outside the repository.
_PATHS = ("folder", "heldout_folder", "file", "class_names", "checkpoint", "published_patterns", "image")


def _expand_home(config: dict[str, Any]) -> None:
    """Replace ``~`` at the beginning of paths by the home folder, which Snakemake would not do."""
    sections = [*config["images"].values(), *config["networks"].values()]
    for section in (*sections, config["pattern_attribution"], config["spatial_attribution"]):
        for key in _PATHS:
            if isinstance(section.get(key), str):
                section[key] = _in_home(section[key])
    config["data"]["local_folders"] = [_in_home(folder) for folder in config["data"]["local_folders"]]


def _in_home(path: str) -> str:
    if not path.startswith("~"):
        return path
    try:
        return str(Path(path).expanduser())
    except RuntimeError:
        return path  # which will be reported as missing


def _fill_names(config: dict[str, Any]) -> None:
    """Fill in the networks and images of the sections that do not name any."""
    for section in ("models", "pattern_attribution", "weights", "spatial_attribution"):
        config[section]["network"] = section_network(config, section)
    config["data"].setdefault("images", images_of(config, config["models"]["network"]))


def _namesakes(path: Path, study: str) -> Iterator[str]:
    """Yield one line for each other file in the folder with the same study name, whose outputs would mix."""
    for other in sorted(path.parent.glob("*.y*ml")):
        if other.name == SCHEMA_FILE.name or other.resolve() == path.resolve():
            continue
        try:
            config = read_yaml(other.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            continue  # an invalid file cannot be run, so it overwrites nothing
        if isinstance(config, dict) and config.get("study") == study:
            yield f"study: {other} has the name {study!r} too, and both would write into the same folders; rename one"


def validate(config: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    """Fill in the schema's defaults in place and yield one line for each mistake."""
    _fill_defaults(config, schema, schema)
    validator = jsonschema.Draft202012Validator(schema)
    for error in sorted(validator.iter_errors(config), key=lambda error: [str(part) for part in error.absolute_path]):
        yield from _lines(error)


def _lines(error: Any) -> Iterator[str]:
    where = ".".join(str(part) for part in error.absolute_path) or "top level"
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", ()))
        for key in sorted(str(key) for key in error.instance if key not in known):
            if error.schema.get("patternProperties") and any(
                re.search(pattern, key) for pattern in error.schema["patternProperties"]
            ):
                continue
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
            yield f"{where}: unknown key {key!r}; {hint}"
    elif error.validator == "type":
        wanted = error.validator_value
        value = error.instance
        if wanted in ("number", "integer") and isinstance(value, str):
            yield f"{where}: {value!r} is text, but a number is needed{_number_hint(value)}"
        else:
            wanted = wanted if isinstance(wanted, str) else " or ".join(wanted)
            yield f"{where}: {value!r} is not of type {wanted}"
    elif error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        yield f"{where}: missing key {', '.join(map(repr, missing))}"
    elif error.validator in ("oneOf", "anyOf") and error.context:
        best = jsonschema.exceptions.best_match([error])
        yield from (_lines(best) if best is not error else [f"{where}: {error.message}"])
    elif error.validator == "not" and "description" in error.schema:
        yield f"{where}: it cannot be {error.instance!r}: {error.schema['description']}"
    else:
        yield f"{where}: {error.message}"


def _number_hint(text: str) -> str:
    try:
        value = float(text)
    except ValueError:
        return ""
    shown = repr(value) if "." in repr(value).split("e")[0] else repr(value).replace("e", ".0e")
    return f": write {shown} without quotes"


def _fill_defaults(config: Any, schema: dict[str, Any], root: dict[str, Any]) -> None:
    """Set missing keys to their ``default``, and fill in the defaults of nested objects."""
    while "$ref" in schema:
        target = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = target
    if not isinstance(config, dict):
        return
    for key, part in schema.get("properties", {}).items():
        if key not in config and "default" in part:
            default = part["default"]
            config[key] = default.copy() if isinstance(default, dict | list) else default
        if key in config:
            _fill_defaults(config[key], part, root)
    for branch in schema.get("allOf", ()):
        condition = jsonschema.Draft202012Validator({**branch["if"], "$defs": root.get("$defs", {})})
        if condition.is_valid(config):
            _fill_defaults(config, branch["then"], root)
    extra = schema.get("additionalProperties")
    if isinstance(extra, dict):
        for key, value in config.items():
            if key not in schema.get("properties", {}):
                _fill_defaults(value, extra, root)


def _dangling_names(config: dict[str, Any]) -> Iterator[str]:
    """Yield one line for each network or image set that is named but not defined."""
    definitions = {"network": config["networks"], "images": config["images"]}

    def walk(value: Any, where: str) -> Iterator[str]:
        if isinstance(value, dict):
            for key, part in value.items():
                place = f"{where}.{key}" if where else str(key)
                if key in definitions and isinstance(part, str) and part not in definitions[key]:
                    kind = {"network": "networks", "images": "images"}[key]
                    yield f"{place}: {part!r} is not defined under `{kind}:`; defined: {', '.join(definitions[key])}"
                elif key in definitions and isinstance(part, dict) and not where:
                    for name, spec in part.items():
                        yield from walk(spec, f"{key}.{name}")
                else:
                    yield from walk(part, place)

    yield from walk(config, "")
