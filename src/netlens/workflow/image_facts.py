"""Facts about the image sets of a study that are known before any image is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from netlens.images import cifar
from netlens.images.file_sources import FolderError
from netlens.images.folder import Selection, counted_images
from netlens.images.photos import synsets_of
from netlens.models.pretrained.imagenet_validation import validation_synsets
from netlens.workflow.image_specs import SpecError


@dataclass(frozen=True)
class ImageFacts:
    """Facts about an image set.

    Attributes
    ----------
    class_names
        Its classes.
    class_ids
        Id of each class in the networks' label space, empty for those without one; or no ids at all.
    heldout_count
        Number of held-out images; those that cannot be decoded are counted too.
    has_scenes
        Whether it has composed scenes of its own.
    """

    class_names: tuple[str, ...]
    class_ids: tuple[str, ...]
    heldout_count: int
    has_scenes: bool


def image_facts(config: Mapping[str, Any]) -> dict[str, ImageFacts]:
    """Facts about each image set of a study, as far as they are known.

    Parameters
    ----------
    config
        A validated study.

    Returns
    -------
    dict
        By name. Image sets of other kinds, and those whose folder is missing, have no facts.

    Raises
    ------
    SpecError
        A folder does not hold images by class; one line for each.
    """
    facts: dict[str, ImageFacts] = {}
    problems = []
    for name, spec in config["images"].items():
        try:
            if spec["kind"] == "photos":
                facts[name] = _photos(spec)
            elif spec["kind"] == "folder":
                facts[name] = _folder(spec)
            elif spec["kind"] == "cifar":
                facts[name] = _cifar(spec)
        except FileNotFoundError:
            continue
        except FolderError as error:
            problems.append(f"images.{name}: {error}")
    if problems:
        raise SpecError("\n".join(problems))
    return facts


def _photos(spec: Mapping[str, Any]) -> ImageFacts:
    classes = tuple(spec["classes"])
    held_out = len(spec.get("heldout_photographs") or classes)
    return ImageFacts(classes, synsets_of(classes), held_out * int(spec["heldout_per_class_count"]), True)


def _cifar(spec: Mapping[str, Any]) -> ImageFacts:
    per_class = int(spec["heldout_per_class_count"]) or cifar.HELDOUT_PER_CLASS_COUNT
    return ImageFacts(cifar.CLASS_NAMES, (), per_class * len(cifar.CLASS_NAMES), has_scenes=False)


def _folder(spec: Mapping[str, Any]) -> ImageFacts:
    selection = Selection(
        seed=int(spec["seed"]),
        heldout_fraction=float(spec["heldout_fraction"]),
        train_per_class=spec["train_per_class_count"] or None,
        heldout_per_class=spec["heldout_per_class_count"] or None,
        class_names=tuple(spec["class_names"]) or None,
        file_classes=validation_synsets,
    )
    counts = counted_images(spec["folder"], selection, spec.get("heldout_folder"))
    ids = spec.get("class_ids") or {}
    return ImageFacts(
        tuple(counts),
        tuple(ids.get(name, "") for name in counts) if ids else (),
        sum(heldout for _, heldout in counts.values()),
        has_scenes=False,
    )
