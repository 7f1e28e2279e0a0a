"""Image sets from a directory with one sub-directory per class, or from a zip of one, decoded when used.

Folders and zips may come from anybody: nothing is unpacked to disk, nothing outside of a folder is read, and images are
decoded by a fixed list of Pillow's decoders.
"""

import hashlib
import io
import os
import re
import stat
import threading
import zipfile
import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from tqdm.auto import tqdm

from netlens.files.arrays import ArrayFileError, save_arrays

Pixels = NDArray[np.uint8]
Integers = NDArray[np.int64]
#: Gives the classes of files by their names.
FileClasses = Callable[[], Mapping[str, str]]

_SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".avif", ".heic", ".heif",
)  # fmt: skip
#: The decoders of Pillow that may see an image, whatever its file is called. Not among them: those that start another
#: program (EPS runs Ghostscript) or leave the work to a library of the system (WMF, GRIB, HDF5).
_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM", "TGA", "JPEG2000", "AVIF")
#: Behind the length of the first box of a HEIC file, which Pillow cannot decode.
_HEIC = frozenset(b"ftyp" + brand for brand in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"))
#: The most bytes that one member of a zip may unpack to, and that all may for each byte of the zip. Images are packed
#: already, uncompressed bitmaps of drawings shrink to a fiftieth; the ratio counts from `_SMALL_BYTES` on.
LARGEST_MEMBER_BYTES = 2**28
LARGEST_RATIO = 200
_SMALL_BYTES = 2**28
_TRAIN = "train"
#: What the folder of held-out images may be called beside ``train``.
_HELDOUT_NAMES = frozenset({"heldout", "val", "valid", "validation", "test"})
#: Images decoded at once; more would cost memory, and the disk is the limit then.
_THREADS = min(8, os.cpu_count() or 1)


class FolderError(ValueError):
    """A folder does not hold an image set of the expected form."""


class UnreadableImageError(FolderError):
    """Images that cannot be decoded; the message names and counts them."""


class _Source(Protocol):
    """Where files come from."""

    path: Path

    def names(self) -> list[str]:
        """Relative names of all files, parts separated by slashes, sorted."""
        ...

    def read(self, name: str) -> bytes:
        """Content of one file."""
        ...


class _Directory:
    def __init__(self, path: Path):
        self.path = path
        self._root = path.resolve()

    def names(self) -> list[str]:
        # Text instead of paths: a folder may hold a million images.
        found: dict[str, str] = {}
        linked: set[str] = set()
        problems: list[str] = []
        seen: set[str] = set()
        root = str(self._root)
        # Folders behind links come last, so that of two names for one folder the link is refused, not the folder.
        pending = deque([("", root)])
        while pending:
            folder, real_folder = pending.pop()
            if real_folder in seen:
                problems.append(f"{folder.removesuffix('/')!r} is a link to a folder that is already in the set")
                continue
            seen.add(real_folder)
            with os.scandir(self.path / folder) as entries:
                for entry in entries:
                    if not _is_shown(entry.name):
                        continue
                    name = f"{folder}{entry.name}"
                    link = entry.is_symlink()
                    real = os.path.realpath(entry.path) if link else f"{real_folder}/{entry.name}"
                    if link and not Path(real).is_relative_to(root):
                        problems.append(f"{name!r} is a link out of the folder")
                    elif not entry.is_dir():
                        found[name] = real
                        linked |= {name} if link else set()
                    elif link:
                        pending.appendleft((f"{name}/", real))
                    else:
                        pending.append((f"{name}/", real))
        counts = Counter(found.values())
        problems += [
            f"{name!r} is a link to a file that is already in the set" for name in linked if counts[found[name]] > 1
        ]
        _refuse(self.path, problems, "replace each link with a copy, or remove it")
        garbled = [f"{os.fsencode(name)!r} is not UTF-8" for name in found if not _is_utf8(name)]
        _refuse(self.path, garbled, "rename it")
        return sorted(found)

    def read(self, name: str) -> bytes:
        place = self.path / name
        # Names may come from a file, and links may have changed since they were looked at.
        if not place.resolve().is_relative_to(self._root):
            raise UnreadableImageError("it lies outside of the folder")
        if place.exists() and not place.is_file():
            raise UnreadableImageError("it is not a regular file")
        return place.read_bytes()


class _Zip:
    def __init__(self, path: Path):
        self.path = path
        try:
            self._archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
            raise FolderError(f"{path}: not a zip file, or a truncated one ({error})") from error
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        members = self._archive.infolist()
        counts = Counter(member.filename for member in members)
        problems = []
        for member in members:
            problem = _member_problem(member)
            if not problem and counts[member.filename] > 1:
                problem = "occurs more than once"
            if problem:
                problems.append(f"{member.filename[:80]!r} {problem}")
        _refuse(self.path, problems, "pack the folder of images again")
        unpacked, packed = sum(member.file_size for member in members), self.path.stat().st_size
        if unpacked > max(_SMALL_BYTES, LARGEST_RATIO * packed):
            raise FolderError(
                f"{self.path}: {packed} bytes that would unpack to {unpacked}, more than {LARGEST_RATIO} times "
                "as many; this is not an archive of images"
            )
        return sorted(member.filename for member in members if not member.is_dir())

    def read(self, name: str) -> bytes:
        with self._lock:
            member = self._archive.getinfo(name)
            problem = _member_problem(member)
            if problem:
                raise UnreadableImageError(f"it {problem}")
            return self._archive.read(member)


def _refuse(path: Path, problems: Sequence[str], advice: str) -> None:
    if problems:
        others = f"; {len(problems)} entries cannot be used" if len(problems) > 1 else ""
        raise FolderError(f"{path}: {min(problems)}{others}; {advice}")


def _is_utf8(name: str) -> bool:
    """Whether a name could be decoded; where not, Python keeps its bytes as lone surrogates."""
    return name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)


def _member_problem(member: zipfile.ZipInfo) -> str:
    """Why a member of a zip must not be used; empty if it may be."""
    name = member.filename
    parts = name.removesuffix("/").split("/")
    if "\\" in name or re.match(r"[A-Za-z]:", name) or any(part in {"", ".", ".."} for part in parts):
        return "is not a plain path inside the archive"
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "is a link"
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "is not a regular file"
    if member.flag_bits & 0x1:
        return "is encrypted"
    if member.file_size > LARGEST_MEMBER_BYTES:
        return (
            f"unpacks to {member.file_size / 2**20:.0f} MB; at most {LARGEST_MEMBER_BYTES / 2**20:.0f} MB are allowed"
        )
    return ""


def _open_source(path: str | Path) -> _Source:
    place = Path(path).expanduser()
    if place.is_dir():
        return _Directory(place)
    if place.is_file():
        return _Zip(place)
    raise FileNotFoundError(f"{place}: no such folder or zip of images")


@dataclass(frozen=True)
class Framing:
    """How an image becomes the network's input size.

    Attributes
    ----------
    height_px, width_px
        Size of the result.
    resize_px
        The shorter side is resized to this before the center is cut out. Default: just large enough.
    """

    height_px: int
    width_px: int
    resize_px: int | None = None

    def __post_init__(self) -> None:
        """Refuse frames that no image fills."""
        if min(self.height_px, self.width_px) < 1:
            raise FolderError(f"images of {self.height_px} x {self.width_px} pixels cannot be made")
        if self.resize_px is not None and self.resize_px < max(self.height_px, self.width_px):
            raise FolderError(
                f"resize_px is {self.resize_px}, too small to cut {self.height_px} x {self.width_px} pixels out of"
            )


def decode(content: bytes, framing: Framing) -> Pixels:
    """Decode an image of any mode, resize it keeping its shape, and cut out the centre.

    Parameters
    ----------
    content
        A JPEG, PNG, BMP, GIF, TIFF, WebP, PPM, TGA, JPEG 2000 or AVIF file, told by its content. Orientation by EXIF
        is applied and transparency becomes white; of an animation the first frame is taken. Grey values of more than
        8 bits are scaled to 8: from the smallest of 8, 12 and 16 bits that holds the image, or from 0 to 1 where they
        are fractions.
    framing
        Size of the result.

    Returns
    -------
    ndarray
        uint8, (height, width, 3).

    Raises
    ------
    UnreadableImageError
        It cannot be decoded, or is truncated.
    """
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as opened:
            opened.load()
            image = _to_rgb(ImageOps.exif_transpose(opened))
    # Pillow's plugins raise almost anything on damaged files.
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if content[4:12] in _HEIC:
            reason = "HEIC is not supported; convert it to JPEG or PNG"
        raise UnreadableImageError(reason.replace(" <_io.BytesIO object at", " <").split(" <")[0]) from error
    width, height = image.size
    if framing.resize_px is None:
        scale = max(framing.height_px / height, framing.width_px / width)
    else:
        scale = framing.resize_px / min(height, width)
    size = max(framing.width_px, round(scale * width)), max(framing.height_px, round(scale * height))
    if size != image.size:
        image = image.resize(size, Image.Resampling.BICUBIC)
    left, top = (size[0] - framing.width_px) // 2, (size[1] - framing.height_px) // 2
    return np.asarray(image.crop((left, top, left + framing.width_px, top + framing.height_px)), np.uint8)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_to_8_bits(np.asarray(image))).convert("RGB")
    if "A" in image.getbands() or "transparency" in image.info:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("RGB")


def _to_8_bits(values: NDArray[Any]) -> Pixels:
    """Scale grey values of more than 8 bits, which Pillow's own conversion would clip at 255."""
    if not np.all(np.isfinite(values)):
        raise UnreadableImageError("it has pixels that are NaN or infinite")
    largest = float(values.max(initial=0))
    limits = (1.0, 255.0, 4095.0, 65535.0) if values.dtype.kind == "f" else (255.0, 4095.0, 65535.0)
    fitting = [limit for limit in limits if largest <= limit]
    if not fitting:
        raise UnreadableImageError(f"its pixels go up to {largest:g}, which no image of up to 16 bits has")
    return np.clip(np.rint(values * (255.0 / fitting[0])), 0, 255).astype(np.uint8)


class LazyImages:
    """Images of a folder or zip, decoded when asked for.

    Parameters
    ----------
    source
        Folder or zip.
    paths
        Names in it.
    framing
        Size of the images.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, source: str | Path, paths: Sequence[str], framing: Framing):
        self._source = _open_source(source)
        self.paths = tuple(str(path) for path in paths)
        self._framing = framing

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(n, height, width, 3)."""
        return len(self), self._framing.height_px, self._framing.width_px, 3

    def __getitem__(self, index: Any) -> Pixels:
        """Decode one image, (height, width, 3), or several, (n, height, width, 3).

        Parameters
        ----------
        index
            An integer, a slice, or an array of integers or booleans.

        Raises
        ------
        UnreadableImageError
            An image cannot be decoded.
        """
        wanted = np.arange(len(self))[index]
        if wanted.ndim == 0:
            return self._decode(int(wanted))
        batch = np.empty((len(wanted), *self.shape[1:]), np.uint8)
        with ThreadPoolExecutor(_THREADS) as pool:
            for position, image in enumerate(pool.map(self._decode, wanted.tolist())):
                batch[position] = image
        return batch

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Decode everything."""
        return self[:] if dtype is None else self[:].astype(dtype)

    def _decode(self, index: int) -> Pixels:
        name = self.paths[index]
        try:
            return decode(self._source.read(name), self._framing)
        except (
            UnreadableImageError,
            OSError,
            KeyError,
            RuntimeError,
            EOFError,
            zipfile.BadZipFile,
            zlib.error,
        ) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise UnreadableImageError(f"{self._source.path}: {name} cannot be read ({reason})") from error


@dataclass(frozen=True)
class FolderSet:
    """Labeled images in a folder or zip.

    Attributes
    ----------
    source
        Folder or zip, as the study names it.
    paths
        Names of the images in it.
    labels
        int64, (n,).
    class_names
        In the order of the labels.
    framing
        Size that the images are brought to.
    class_ids
        Id of each class in another label space, empty for classes without one; or no ids at all.
    """

    source: str
    paths: tuple[str, ...]
    labels: Integers
    class_names: tuple[str, ...]
    framing: Framing
    class_ids: tuple[str, ...] = ()

    @property
    def images(self) -> LazyImages:
        """The images, decoded when needed."""
        return LazyImages(self.source, self.paths, self.framing)

    def save(self, path: str | Path) -> None:
        """Save the names, not the pixels; `netlens.images.image_set.open_image_set` reads the file."""
        frame = self.framing
        save_arrays(
            path,
            {
                "paths": np.array(self.paths, np.str_),
                "labels": self.labels,
                "class_names": np.array(self.class_names, np.str_),
                "class_ids": np.array(self.class_ids, np.str_),
                "source": np.array(self.source),
                "frame_px": np.array([frame.height_px, frame.width_px, frame.resize_px or 0], np.int64),
            },
        )


def lazy_images(arrays: Mapping[str, NDArray[Any]]) -> LazyImages:
    """Images of the arrays that `FolderSet.save` saves."""
    for name in ("paths", "source", "frame_px"):
        if name not in arrays:
            raise ArrayFileError(f"not an image set of a folder: it holds no {name!r}")
    height, width, resize = (int(value) for value in arrays["frame_px"])
    paths = [str(path) for path in arrays["paths"]]
    return LazyImages(str(arrays["source"]), paths, Framing(height, width, resize or None))


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
        There are no class folders, one is empty or missing, or there are too few images to divide; a link leads out of
        the folder or to a file that is already in the set; a member of a zip is a link, is encrypted, occurs twice, is
        larger than `LARGEST_MEMBER_BYTES`, or has a path that leads out; or the zip would unpack to more than
        `LARGEST_RATIO` times its size.
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
    source = _open_source(folder)
    names = source.names()
    whole = _Part(source, names, "")
    if heldout_folder is not None:
        other = _open_source(heldout_folder)
        return _two_parts(whole, _Part(other, other.names(), ""), selection)
    parts = _own_parts(source, names)
    if parts is not None:
        return _two_parts(*parts, selection)
    return _divide(source, _class_files(whole, selection.class_names, selection.file_classes), selection)


def _is_shown(name: str) -> bool:
    return not (name.startswith(".") or "/." in name or "__MACOSX" in name.split("/"))


def _is_image(name: str) -> bool:
    return name.lower().endswith(_SUFFIXES) and _is_shown(name)


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

    source: _Source
    names: Sequence[str]
    folder: str


def _own_parts(source: _Source, names: Sequence[str]) -> tuple[_Part, _Part] | None:
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
    if isinstance(source, _Directory):
        # A folder without any file is a class too, an empty one.
        classes = {entry.name: [] for entry in (source.path / around).iterdir() if _is_class_folder(entry)}
    flat = []
    for name in names:
        first, _, rest = name.removeprefix(around).partition("/")
        if rest and _is_shown(name) and name.startswith(around):
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


def _flat_classes(source: _Source, names: Sequence[str], known: Mapping[str, str]) -> dict[str, list[str]]:
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
    source: _Source, classes: dict[str, list[str]], selection: Selection
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

    with ThreadPoolExecutor(_THREADS) as pool:
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
