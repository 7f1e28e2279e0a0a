"""The published weights that come with the environment, and their digests."""

import sys
from pathlib import Path
from typing import Final

from netlens.files.hashing import sha256_of
from netlens.models.errors import CheckpointError

#: File -> sha256. The same as in requirements/weights.json, which says what package each comes from.
DIGESTS: Final = {
    "squeezenet.pkl": "f286bbf493e6389979ed3036f960f4404e0079acdb92156500df0d4a43d085f1",
    "efficientnet_lite0.pth": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    "mobilenet_v2.pt": "2f518e773d4402dde55f981ae3078a72ba95c3adccae1d55051a4be844d50197",
    "imagenet_names.json": "3e232637a09beeb733f409908cfc0ba256e83f06815684678abafd4c0990c757",
    "imagenet_synsets.json": "bd68c5fb912acb5def469a01f7843f8a3597f5afc126233ed9ed6c6e9a980184",
    "imagenet_validation.json": "c1a45ab7981be669f490c1549acf29dbbf6a4cf794acb4d19a8b9be0cf950f8b",
}


def weight_file(name: str, folder: Path | None = None) -> Path:
    """Return the path of a published file after checking its sha256.

    Parameters
    ----------
    name
        One of `DIGESTS`.
    folder
        Where it lies. Default: ``share/netlens/weights`` of the running environment.

    Raises
    ------
    FileNotFoundError
        The file is not there; the message names the command that fetches it.
    CheckpointError
        It is not the published one.
    """
    path = (folder or Path(sys.prefix) / "share" / "netlens" / "weights") / name
    if not path.is_file():
        raise FileNotFoundError(f"{path}: the published file is missing; run `make env`")
    if (digest := sha256_of(path)) != DIGESTS[name]:
        raise CheckpointError(
            f"{path}: its sha256 is {digest}, but that of the published file is {DIGESTS[name]}; delete it and run "
            "`make env`"
        )
    return path
