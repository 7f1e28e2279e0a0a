"""Image sets from a directory with one subdirectory per class, or from a zip of one: training and held-out images."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from tqdm.auto import tqdm

from netlens.images.decoding import Framing
from netlens.images.file_sources import Directory, FileSource, FolderError, UnreadableImageError, is_shown, open_source
from netlens.images.lazy_images import THREADS, FolderSet

#: Gives the classes of files by their names.
FileClasses = Callable[[], Mapping[str, str]]

_SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".avif", ".heic", ".heif",
)  # fmt: skip
_TRAIN = "train"
#: What the folder of held-out images may be called beside ``train``.
_HELDOUT_NAMES = frozenset({"heldout", "val", "valid", "validation", "test"})


@dataclass(frozen=True)
class Selection:
    """Which images of a folder are used.

    Attributes
    ----------
    seed
        Determines which images are held out, and the order of all images.
    heldout_fraction
        Fraction of each class that is held out if the folder has no ``train`` and ``heldout`` folders.
    train_per_class, heldout_per_class
        Largest number of images per class. None: all.
    class_names
        Class folders to use, in the order of the labels. None: all, sorted by name.
    class_ids
        Id in another label space, such as ImageNet's synsets, by class folder. None: the folders' names are the ids.
    file_classes
        Gives the class of each file of a flat folder by the file's name, such as
        `netlens.models.pretrained.imagenet_validation.validation_synsets`. It is called only for a flat folder.
    unreadable
        What to do about images that cannot be decoded: ``refuse``, or ``skip``, which leaves them out and reports them.
    """

    seed: int = 0
    heldout_fraction: float = 0.2
    train_per_class: int | None = None
    heldout_per_class: int | None = None
    class_names: tuple[str, ...] | None = None
    class_ids: Mapping[str, str] | None = None
    file_classes: FileClasses | None = None
    unreadable: Literal["refuse", "skip"] = "refuse"

    def __post_init__(self) -> None:
        """Check the settings."""
        if not 0 < self.heldout_fraction < 1:
            raise FolderError(f"heldout_fraction must be between 0 and 1, not {self.heldout_fraction}")
        for name in ("train_per_class", "heldout_per_class"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise FolderError(f"{name} must be at least 1, not {value}")
        if self.unreadable not in {"refuse", "skip"}:
            raise FolderError(f"unreadable must be 'refuse' or 'skip', not {self.unreadable!r}")


@dataclass(frozen=True)
class FolderSplit:
    """Training and held-out images of a folder.

    Attributes
    ----------
    train, heldout
        The two parts; no image is in both.
    skipped
        Images left out because they cannot be decoded, with the reason.
    """

    train: FolderSet
    heldout: FolderSet
    skipped: tuple[str, ...]


def split_folder(
    folder: str | Path,
    framing: Framing,
    selection: Selection,
    heldout_folder: str | Path | None = None,
    *,
    progress: bool = True,
) -> FolderSplit:
    """Images of a folder, each decoded once as a check, divided into training and held-out images.

    Parameters
    ----------
    folder
        Directory or zip with one subdirectory per class; or with ``train`` and one of ``heldout``, ``val``, ``valid``,
        ``validation`` and ``test``, each of that form; or without subdirectories, if the selection's `file_classes`
        knows the files. A single folder around everything is ignored, and so are hidden files and files without an
        image suffix. Links are followed if they lead to a file inside the folder that has no other name there, such as
        one in a hidden store.
    framing
        Size that the images are brought to.
    selection
        Which images are used.
    heldout_folder
        Directory or zip of the held-out images, if they are separate; `folder` is then for training only.
    progress
        Show a progress bar on stderr.

    Returns
    -------
    FolderSplit
        Images in an order shuffled by the seed, so that any long stretch contains all classes. It depends on the names
        and the seed, not on the file system.

    Raises
    ------
    FileNotFoundError
        A folder does not exist.
    FolderError
        There are no class folders, one is empty or missing, or there are too few images to divide; or a folder or zip
        holds what `netlens.images.file_sources` refuses: links that lead out, members that unpack to too much.
    UnreadableImageError
        Images cannot be decoded, and `selection` does not skip them.
    """
    classes, held = _listed(folder, selection, heldout_folder)
    train = _choose(str(folder), classes, framing, selection.train_per_class, selection.seed)
    heldout = _choose(str(heldout_folder or folder), held, framing, selection.heldout_per_class, selection.seed)
    problems = [_problems(part, progress=progress) for part in (train, heldout)]
    bad = [line for found in problems for line in found.values()]
    if bad and selection.unreadable == "refuse":
        total = len(train.paths) + len(heldout.paths)
        raise UnreadableImageError(
            f"{folder}: {len(bad)} of {total} images cannot be read, the first: {bad[0]}; "
            "repair or remove them, or set unreadable: skip in the study"
        )
    train, heldout = (
        _with_ids(_without(part, found), selection.class_ids)
        for part, found in zip((train, heldout), problems, strict=True)
    )
    return FolderSplit(train, heldout, tuple(bad))


def counted_images(
    folder: str | Path, selection: Selection, heldout_folder: str | Path | None = None
) -> dict[str, tuple[int, int]]:
    """Numbers of training and of held-out images by class, from the names of the files alone.

    Parameters
    ----------
    folder, selection, heldout_folder
        As for `split_folder`, which may find fewer images, since it opens them.

    Raises
    ------
    FileNotFoundError, FolderError
        As for `split_folder`.
    """
    classes, held = _listed(folder, selection, heldout_folder)
    most_train, most_heldout = selection.train_per_class, selection.heldout_per_class
    return {name: (len(files[:most_train]), len(held[name][:most_heldout])) for name, files in classes.items()}


def _listed(
    folder: str | Path, selection: Selection, heldout_folder: str | Path | None
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Names of the training and of the held-out images by class."""
    source = open_source(folder)
    names = source.names()
    whole = _Part(source, names, "")
    if heldout_folder is not None:
        other = open_source(heldout_folder)
        return _two_parts(whole, _Part(other, other.names(), ""), selection)
    parts = _own_parts(source, names)
    if parts is not None:
        return _two_parts(*parts, selection)
    return _divide(source, _class_files(whole, selection.class_names, selection.file_classes), selection)


def _is_image(name: str) -> bool:
    return name.lower().endswith(_SUFFIXES) and is_shown(name)


def _around(names: Iterable[str]) -> str:
    """The folder that contains all images: empty, or ending in a slash."""
    rest = [name for name in names if _is_image(name)]
    around = ""
    # Only a folder of folders can be the one around everything; a folder of images is a class.
    while rest and len({name.split("/")[0] for name in rest}) == 1 and all(name.count("/") >= 2 for name in rest):
        top = f"{rest[0].split('/')[0]}/"
        around += top
        rest = [name.removeprefix(top) for name in rest]
    return around


@dataclass(frozen=True)
class _Part:
    """Files of a source below one of its folders, which is empty for all, or ends in a slash."""

    source: FileSource
    names: Sequence[str]
    folder: str


def _own_parts(source: FileSource, names: Sequence[str]) -> tuple[_Part, _Part] | None:
    """Training and held-out images; None unless they have a folder each, and there is nothing else."""
    around = _around(names)
    tops = {name.removeprefix(around).split("/")[0] for name in names if _is_image(name)}
    if _TRAIN not in tops or not tops - {_TRAIN} or tops - {_TRAIN} - _HELDOUT_NAMES:
        return None
    held = sorted(tops - {_TRAIN})
    inside = f"{around}{_TRAIN}/"
    in_classes = all(
        name.removeprefix(inside).count("/") for name in names if _is_image(name) and name.startswith(inside)
    )
    if held != ["heldout"] and not in_classes:
        # Two classes, one of which is called train.
        return None
    if len(held) > 1:
        raise FolderError(
            f"{source.path}: beside {_TRAIN}, there are {' and '.join(held)}; name the folder of training images as "
            "folder, and the one that is to be held out as heldout_folder"
        )
    train, heldout = (
        _Part(source, [name for name in names if name.startswith(f"{around}{part}/")], f"{around}{part}/")
        for part in (_TRAIN, held[0])
    )
    return train, heldout


def _class_files(part: _Part, wanted: Sequence[str] | None, file_classes: FileClasses | None) -> dict[str, list[str]]:
    """Images by class, classes in order."""
    source, names = part.source, part.names
    around = part.folder + _around(name.removeprefix(part.folder) for name in names)
    classes: dict[str, list[str]] = {}
    if isinstance(source, Directory):
        # A folder without any file is a class too, an empty one.
        classes = {entry.name: [] for entry in (source.path / around).iterdir() if _is_class_folder(entry)}
    flat = []
    for name in names:
        first, _, rest = name.removeprefix(around).partition("/")
        if rest and is_shown(name) and name.startswith(around):
            classes.setdefault(first, [])
            if _is_image(name):
                classes[first].append(name)
        elif _is_image(name):
            flat.append(name)
    if not any(classes.values()) and flat and file_classes is not None:
        classes = _flat_classes(source, flat, file_classes())
    if not classes:
        raise FolderError(f"{source.path}: no class folders; put the images of each class in a separate folder")
    order = sorted(classes) if wanted is None else list(wanted)
    for name in order:
        if name not in classes:
            raise FolderError(f"{source.path}: no class folder is named {name!r}")
        if not classes[name]:
            raise FolderError(f"{source.path}: class folder {name!r} has no images; fill it or remove it")
    return {name: classes[name] for name in order}


def _flat_classes(source: FileSource, names: Sequence[str], known: Mapping[str, str]) -> dict[str, list[str]]:
    """Images of a folder without class folders, by the classes that their names are known to have."""
    classes: dict[str, list[str]] = {}
    for name in names:
        found = known.get(name.rpartition("/")[2])
        if found is None:
            raise FolderError(
                f"{source.path}: {len(names)} images without class folders, and no class is known for {name!r}; put "
                "the images of each class in a separate folder"
            )
        classes.setdefault(found, []).append(name)
    return classes


def _two_parts(train: _Part, heldout: _Part, selection: Selection) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Images by class of a training and a held-out part, which must have the same classes."""
    classes = _class_files(train, selection.class_names, selection.file_classes)
    if selection.class_names is None:
        for name in _class_files(heldout, None, selection.file_classes):
            if name not in classes:
                raise FolderError(
                    f"{heldout.source.path}: class folder {name!r} has held-out images, but no training images"
                )
    return classes, _class_files(heldout, tuple(classes), selection.file_classes)


def _is_class_folder(entry: Path) -> bool:
    return entry.is_dir() and not entry.name.startswith(".") and entry.name != "__MACOSX"


def _rank(seed: int, name: str) -> str:
    """Sort key that depends only on the seed and the name."""
    return hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()


def _divide(
    source: FileSource, classes: dict[str, list[str]], selection: Selection
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    train, held = {}, {}
    for name, files in classes.items():
        if len(files) < 2:
            raise FolderError(f"{source.path}: class folder {name!r} has 1 image; 2 are needed to hold one out")
        ranked = sorted(files, key=lambda file: _rank(selection.seed, file))
        count = min(len(files) - 1, max(1, round(selection.heldout_fraction * len(files))))
        held[name], train[name] = ranked[:count], ranked[count:]
    return train, held


def _choose(source: str, classes: dict[str, list[str]], framing: Framing, most: int | None, seed: int) -> FolderSet:
    chosen = [
        (file, label)
        for label, files in enumerate(classes.values())
        for file in sorted(files, key=lambda file: _rank(seed, file))[:most]
    ]
    chosen.sort(key=lambda pair: _rank(seed, pair[0]))
    labels = np.array([label for _, label in chosen], np.int64)
    return FolderSet(source, tuple(file for file, _ in chosen), labels, tuple(classes), framing)


def _problems(part: FolderSet, *, progress: bool) -> dict[int, str]:
    """Images that cannot be decoded, with the reason."""
    images = part.images

    def attempt(index: int) -> str | None:
        try:
            images[index]
        except UnreadableImageError as error:
            return str(error).removeprefix(f"{Path(part.source).expanduser()}: ")
        return None

    with ThreadPoolExecutor(THREADS) as pool:
        results = pool.map(attempt, range(len(images)))
        shown = tqdm(results, total=len(images), desc=f"reading {part.source}", unit="image", disable=not progress)
        return {index: problem for index, problem in enumerate(shown) if problem is not None}


def _without(part: FolderSet, problems: Mapping[int, str]) -> FolderSet:
    kept = [index for index in range(len(part.paths)) if index not in problems]
    labels = part.labels[kept]
    for label, name in enumerate(part.class_names):
        if not np.any(labels == label):
            raise FolderError(f"{part.source}: class folder {name!r} has no readable image")
    return FolderSet(part.source, tuple(part.paths[index] for index in kept), labels, part.class_names, part.framing)


def _with_ids(part: FolderSet, ids: Mapping[str, str] | None) -> FolderSet:
    if not ids:
        return part
    if unknown := [name for name in ids if name not in part.class_names]:
        raise FolderError(f"class_ids: {part.source} has no class folder {unknown[0]!r}")
    return replace(part, class_ids=tuple(ids.get(name, "") for name in part.class_names))
