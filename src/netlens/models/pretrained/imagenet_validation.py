"""The classes of ILSVRC2012's validation images, which ship as one flat folder, by the names of their files."""

import json
from pathlib import Path

from netlens.models.pretrained.weight_files import weight_file


def validation_synsets(folder: Path | None = None) -> dict[str, str]:
    """WordNet synset of each validation image, such as ``n01440764``, by its file name.

    Parameters
    ----------
    folder
        Where the published files lie. Default: in the environment.

    Raises
    ------
    FileNotFoundError, CheckpointError
        The files are missing or not the published ones.
    """
    synsets = json.loads(weight_file("imagenet_synsets.json", folder).read_text(encoding="utf-8"))
    classes = json.loads(weight_file("imagenet_validation.json", folder).read_text(encoding="utf-8"))
    return {name: synsets[str(index)] for name, index in classes.items()}
