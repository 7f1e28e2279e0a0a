"""What decides what a study can have: the study itself, and facts about its networks and image sets."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from netlens.models.errors import NetworkError
from netlens.models.inspection import NetworkFacts
from netlens.models.label_space import LabelSpace, imagenet, label_space, numbered, read_label_space
from netlens.workflow.image_facts import ImageFacts, image_facts
from netlens.workflow.image_specs import SpecError, is_download
from netlens.workflow.network_facts import network_facts
from netlens.workflow.network_specs import images_of, section_network


class Facts(Protocol):
    """Facts about the networks and image sets of a study, as far as they are known."""

    @property
    def networks(self) -> Mapping[str, NetworkFacts]:
        """Facts about each network, by its name in the study."""
        ...

    @property
    def images(self) -> Mapping[str, ImageFacts]:
        """Facts about each image set, by its name in the study."""
        ...


class FoundFacts:
    """Facts about a study that are found when a need asks for them.

    Parameters
    ----------
    config
        A validated study.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config

    @cached_property
    def networks(self) -> Mapping[str, NetworkFacts]:
        """Facts about each network; see `netlens.workflow.network_facts`."""
        return network_facts(self._config)

    @cached_property
    def images(self) -> Mapping[str, ImageFacts]:
        """Facts about each image set; see `netlens.workflow.image_facts`."""
        return image_facts(self._config)


@dataclass(frozen=True)
class Subject:
    """What a need looks at: a study, and the network of one of its sections.

    Attributes
    ----------
    config
        A validated study.
    network
        Name of the network; empty if the study has none for the section.
    known
        Facts about the study. What is not known is taken to fit.
    """

    config: Mapping[str, Any]
    network: str
    known: Facts

    @property
    def facts(self) -> NetworkFacts | None:
        """Facts about the network, if there are any."""
        return self.known.networks.get(self.network)

    @property
    def image_facts(self) -> ImageFacts | None:
        """Facts about the images that the network is studied on, if there are any."""
        return self.known.images.get(images_of(self.config, self.network)) if self.network else None

    def of_section(self, section: str) -> "Subject":
        """Subject of another section of the same study."""
        return Subject(self.config, section_network(self.config, section), self.known)


def label_space_of(subject: Subject, spec: Mapping[str, Any]) -> LabelSpace | None:
    """What a network's outputs stand for; None if that is not known yet."""
    try:
        if spec["kind"] == "pretrained":
            return imagenet()
        if spec["kind"] == "trained":
            # A network that the study trains learns the classes of its images.
            names = None if spec.get("retrain", False) else _trained_classes(spec)
            return None if names is None else label_space(names)
        if names := spec.get("class_names"):
            to_come = isinstance(names, str) and is_download(names) and not Path(names).is_file()
            return None if to_come else read_label_space(names)
    except (NetworkError, OSError) as error:
        raise SpecError(f"networks.{subject.network}: {error}") from None
    count = subject.facts.outputs_count if subject.facts is not None else None
    return None if count is None else numbered(count)


def _trained_classes(spec: Mapping[str, Any]) -> list[str] | None:
    path = Path(spec["checkpoint"]).expanduser().with_suffix(".json")
    if not path.is_file():
        return None
    try:
        return [str(name) for name in json.loads(path.read_text(encoding="utf-8"))["class_names"]]
    except (ValueError, KeyError, TypeError):
        raise NetworkError(f"{path}: not the record of a training; restore it") from None
