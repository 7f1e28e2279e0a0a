"""What a study says of its image sets, as the rules need it: plain dictionaries in, names and paths out."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


class SpecError(ValueError):
    """A study says something of its images or networks that does not fit together."""


def names_of(specs: Mapping[str, Mapping[str, Any]], *kinds: str) -> str:
    """Give the names of the sets (or networks) of some kinds as a regular expression for a rule's wildcard.

    Parameters
    ----------
    specs
        A study's ``images`` or ``networks``.
    kinds
        Values of ``kind`` that count; none: all.

    Returns
    -------
    str
        Such as ``photos|cats``; an expression that matches nothing where there is none.
    """
    return "|".join(name for name, spec in specs.items() if not kinds or spec["kind"] in kinds) or "(?!)"


def value_of(config: Mapping[str, Any], kind: str, key: str) -> Callable[[Any], Any]:
    """Give what a study says of the image set or network that a rule's wildcard names.

    Parameters
    ----------
    config
        A validated study, defaults filled in.
    kind
        ``images`` or ``networks``; the wildcard is called ``images`` or ``network``.
    key
        What is asked for.

    Returns
    -------
    callable
        From wildcards to the value.
    """
    wildcard = {"images": "images", "networks": "network"}[kind]
    return lambda wildcards: spec_of(config, kind, getattr(wildcards, wildcard))[key]


def downloads_of(config: Mapping[str, Any]) -> str:
    """Give the names of the files that a study downloads as a regular expression for a rule's wildcard."""
    wanted = {str(spec["download"]) for spec in config["networks"].values() if "download" in spec}
    return "|".join(re.escape(name) for name in sorted(wanted)) or "(?!)"


def class_folders(config: Mapping[str, Any], images: str) -> list[str]:
    """Give the sub-folders of an image set's folders, so that a rule sees when an image is added or taken away.

    A folder's own time changes only with its direct entries, and the images lie one or two levels below.
    """
    roots = [Path(path) for path in image_files(config, images)]
    return sorted(str(path) for root in roots for path in (*root.glob("*/"), *root.glob("*/*/")) if path.is_dir())


def image_files(config: Mapping[str, Any], images: str) -> list[str]:
    """Give the folders and files that an image set reads from outside the repository, for a rule's input.

    Parameters
    ----------
    config
        A validated study.
    images
        Name of an image set.

    Returns
    -------
    list of str
        Empty for `photos`, which come with the environment.

    Raises
    ------
    SpecError
        There is no such set.
    """
    spec = spec_of(config, "images", images)
    paths = [spec.get("folder"), spec.get("heldout_folder")]
    return [str(Path(path).expanduser()) for path in paths if path is not None]


def scene_files(config: Mapping[str, Any], images: str) -> list[str]:
    """Give the file of an image set's composed scenes, in a list; an empty one where the set has none."""
    if spec_of(config, "images", images)["kind"] != "photos":
        return []
    return [f"results/{config['study']}/images/{images}/scenes.npz"]


def spec_of(config: Mapping[str, Any], kind: str, name: str) -> Mapping[str, Any]:
    """Find what a study says of one image set or network; `kind` is ``images`` or ``networks``.

    Raises
    ------
    SpecError
        There is none of that name.
    """
    specs: Mapping[str, Mapping[str, Any]] = config[kind]
    if name not in specs:
        raise SpecError(f"{kind}: {name!r} is not defined; there is {', '.join(specs) or 'none'}")
    return specs[name]
