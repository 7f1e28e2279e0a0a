"""ImageNet's 1,000 classes: their names and WordNet synsets, in the order of the outputs."""

import json
from pathlib import Path
from typing import Final

from netlens.models.pretrained.weight_files import weight_file

IMAGENET_CLASSES: Final = 1000


def imagenet_names(folder: Path | None = None) -> tuple[str, ...]:
    """Return a name for each of ImageNet's 1,000 classes, in the order of the outputs.

    It is the first of the class's synonyms, which two classes may share: there are two kinds of crane.
    """
    stored = json.loads(weight_file("imagenet_names.json", folder).read_text(encoding="utf-8"))
    return tuple(stored[str(index)].split(",")[0] for index in range(IMAGENET_CLASSES))


def imagenet_synsets(folder: Path | None = None) -> tuple[str, ...]:
    """Return the WordNet synset of each of ImageNet's 1,000 classes, such as ``n01440764``, in their order."""
    stored = json.loads(weight_file("imagenet_synsets.json", folder).read_text(encoding="utf-8"))
    return tuple(stored[str(index)] for index in range(IMAGENET_CLASSES))
