"""Names and paths that the rules derive from the image sets of a study's configuration."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from netlens.workflow.errors import UserError

#: Where files of `data/manifest.yaml` are downloaded to; a study that names a file here has it downloaded.
DOWNLOADS: Final = "data/downloads"


class SpecError(UserError):
    """The image sets or networks of a study are inconsistent."""


def names_of(specs: Mapping[str, Mapping[str, Any]], *kinds: str) -> str:
    """Regular expression that matches the names of image sets or networks of some kinds, for a rule's wildcard.

    Parameters
    ----------
    specs
        A study's ``images`` or ``networks``.
    kinds
        Values of ``kind`` to include; all if none is given.

    Returns
    -------
    str
        Such as ``photos|cats``; if there are no such names, an expression that matches nothing.
    """
    return "|".join(name for name, spec in specs.items() if not kinds or spec["kind"] in kinds) or "(?!)"


def value_of(config: Mapping[str, Any], kind: str, key: str) -> Callable[[Any], Any]:
    """Function that looks up a setting of the image set or network that a rule's wildcard names.

    Parameters
    ----------
    config
        Configuration of a validated study, with defaults filled in.
    kind
        ``images`` or ``networks``; the wildcard is called ``images`` or ``network``.
    key
        The setting.

    Returns
    -------
    callable
        Maps wildcards to the value.
    """
    wildcard = {"images": "images", "networks": "network"}[kind]
    return lambda wildcards: spec_of(config, kind, getattr(wildcards, wildcard))[key]


def download_file(name: str) -> str:
    """Path of a downloaded file, which all studies share."""
    return f"{DOWNLOADS}/{name}"


def is_download(path: str | Path) -> bool:
    """Whether a file that a study names is one that it downloads, so that it need not exist yet."""
    return Path(path).parent == Path(DOWNLOADS)


def downloads_of(config: Mapping[str, Any]) -> str:
    """Regular expression that matches the names of the files that a study downloads, for a rule's wildcard.

    These are the entries ``download`` of its networks, and all files that it names in the folder of downloads.
    """
    wanted = {str(spec["download"]) for spec in config["networks"].values() if "download" in spec}
    wanted |= {Path(text).name for text in _texts(config) if is_download(text)}
    return "|".join(re.escape(name) for name in sorted(wanted)) or "(?!)"


def _texts(value: Any) -> Iterator[str]:
    """Yield all text in a configuration."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part)


def image_files(config: Mapping[str, Any], images: str) -> list[str]:
    """Folders and files outside the repository that an image set is read from, for a rule's input.

    Parameters
    ----------
    config
        Configuration of a validated study.
    images
        Name of an image set.

    Returns
    -------
    list of str
        Empty for `photos`, which are part of the environment.

    Raises
    ------
    SpecError
        There is no such image set.
    """
    spec = spec_of(config, "images", images)
    paths = [spec.get("folder"), spec.get("heldout_folder")]
    return [str(Path(path).expanduser()) for path in paths if path is not None]


def scene_files(config: Mapping[str, Any], images: str) -> list[str]:
    """Path of an image set's composed scenes in a list, which is empty if the set has none."""
    if spec_of(config, "images", images)["kind"] != "photos":
        return []
    return [f"results/{config['study']}/images/{images}/scenes.npz"]


def spec_of(config: Mapping[str, Any], kind: str, name: str) -> Mapping[str, Any]:
    """Configuration of one image set or network of a study; `kind` is ``images`` or ``networks``.

    Raises
    ------
    SpecError
        There is none with that name.
    """
    specs: Mapping[str, Mapping[str, Any]] = config[kind]
    if name not in specs:
        raise SpecError(f"{kind}: {name!r} is not defined; defined: {', '.join(specs) or 'none'}")
    return specs[name]
