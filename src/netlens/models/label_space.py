"""Label spaces: what a network's outputs stand for, and which of them an image set's classes are.

Names are for readers and may be long; ids decide which class of an image set is which output. Two of ImageNet's classes
are called crane, so only its ids, the WordNet synsets, are unique.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from netlens.models.errors import NetworkError
from netlens.models.pretrained.imagenet_classes import imagenet_names, imagenet_synsets

Integers = NDArray[np.int64]

#: In a study, `class_names` of a network that has ImageNet's classes in their usual order.
IMAGENET: Final = "imagenet"
_SYNSET_LINE = re.compile(r"(n\d{8})[\t ]+(\S.*)")
_SYNSET = re.compile(r"n\d{8}")
#: Lines of published lists, such as lucid's, for outputs that stand for no class; they may occur several times.
_NO_CLASS: Final = frozenset({"dummy", "background"})


@dataclass(frozen=True)
class LabelSpace:
    """What the outputs of a network stand for, in their order.

    Attributes
    ----------
    names
        What readers see, each once.
    ids
        What classes of image sets are matched with, each once; the names where there are no ids.
    """

    names: tuple[str, ...]
    ids: tuple[str, ...]

    @property
    def is_numbered(self) -> bool:
        """Whether the outputs have no names but ``class_0``, ``class_1``, ..."""
        return self.names == numbered(len(self.names)).names


class Labeled(Protocol):
    """Images with labels, such as `netlens.images.image_set.ImageSet`."""

    @property
    def labels(self) -> Integers:
        """Index into `class_names`, any shape; -1 where there is no class."""
        ...

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes."""
        ...

    @property
    def class_ids(self) -> tuple[str, ...]:
        """Id of each class in another label space, empty for those without one; or no ids at all."""
        ...


class Classifying(Protocol):
    """A network whose outputs have names, and ids where these differ."""

    @property
    def name(self) -> str:
        """Name in the study."""
        ...

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the outputs."""
        ...

    @property
    def class_ids(self) -> tuple[str, ...]:
        """Ids of the outputs; empty if they are the names."""
        ...


def numbered(count: int) -> LabelSpace:
    """Label space of `count` outputs about which nothing is known: ``class_0``, ``class_1``, ..."""
    names = tuple(f"class_{index}" for index in range(count))
    return LabelSpace(names, names)


def imagenet(folder: Path | None = None) -> LabelSpace:
    """ImageNet's 1,000 classes in their usual order, with their WordNet synsets as ids.

    Parameters
    ----------
    folder
        Where the weights of the published networks lie. Default: in the environment.
    """
    return label_space(imagenet_names(folder), imagenet_synsets(folder))


def label_space(names: Sequence[str], ids: Sequence[str] | None = None, *, source: str = "class_names") -> LabelSpace:
    """Label space with checked names and ids.

    Parameters
    ----------
    names
        What readers see. With ids, names that occur more than once have their id added.
    ids
        One per name, each once. Default: the names.
    source
        Where they come from, for error messages.

    Raises
    ------
    NetworkError
        A name or id is empty, or occurs twice where it must not.
    """
    shown = tuple(str(name).strip() for name in names)
    for position, name in enumerate(shown):
        if not name:
            raise NetworkError(f"{source}: class {position} has no name")
    if ids is None:
        _check_unique(shown, "name", source)
        return LabelSpace(shown, shown)
    known = tuple(str(each).strip() for each in ids)
    if len(known) != len(shown):
        raise NetworkError(f"{source}: {len(known)} ids for {len(shown)} names")
    _check_unique(known, "id", source)
    count = Counter(shown)
    distinct = tuple(f"{name} ({each})" if count[name] > 1 else name for name, each in zip(shown, known, strict=True))
    return LabelSpace(distinct, known)


def read_label_space(names: Sequence[str] | str | Path | None) -> LabelSpace | None:
    """Label space as a study gives it; None if it gives none.

    Parameters
    ----------
    names
        The names; ``imagenet``; or a text file with one class per line: its name, or its id, a tab and its name.
        Lines such as ``n01440764 tench``, as in ImageNet's own lists, are a synset and a name; synsets alone get
        ImageNet's names. The lines ``dummy`` and ``background`` are outputs that stand for no class.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    NetworkError
        A name or id is empty or occurs twice, only some lines have ids, or the file is not text.
    """
    if names is None:
        return None
    if isinstance(names, str) and names == IMAGENET:
        return imagenet()
    if not isinstance(names, (str, Path)):
        return label_space([str(name) for name in names])
    path = Path(names).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file of class names")
    lines = _text(path).splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    pairs = _with_imagenet_names(
        [line.split("\t", maxsplit=1) if "\t" in line else _synset_and_name(line) for line in lines]
    )
    with_ids = sum(len(pair) == 2 for pair in pairs)
    if with_ids and with_ids < len(pairs):
        first = next(number for number, pair in enumerate(pairs, start=1) if len(pair) != 2)
        raise NetworkError(f"{path}: line {first} has no id, but others have; give all classes an id, or none")
    if with_ids:
        return label_space([pair[1] for pair in pairs], [pair[0] for pair in pairs], source=str(path))
    return label_space([pair[0] for pair in pairs], source=str(path))


def label_space_of(network: Classifying) -> LabelSpace:
    """Label space of a network."""
    return LabelSpace(network.class_names, network.class_ids or network.class_names)


def outputs_of(class_names: Sequence[str], class_ids: Sequence[str], space: LabelSpace) -> Integers:
    """Output of a network for each class of an image set.

    A class is matched by its id where it has one, then by its name as an id, and then by its name. If the outputs are
    only numbered and there are as many as classes, the two are matched by their order.

    Parameters
    ----------
    class_names, class_ids
        The image set's classes; no ids, or one per class, which may be empty.
    space
        The network's label space.

    Returns
    -------
    ndarray
        int64, one per class: index of the output, -1 where the network has none.
    """
    if space.is_numbered and len(space.names) == len(class_names):
        return np.arange(len(class_names))
    by_id = {each: index for index, each in enumerate(space.ids)}
    by_name = {name: index for index, name in enumerate(space.names)}
    found = []
    for position, name in enumerate(class_names):
        own = class_ids[position] if class_ids else ""
        place = by_id.get(own) if own else None
        if place is None:
            place = by_id.get(name, by_name.get(name, -1))
        found.append(place)
    return np.array(found, np.int64)


def aligned_labels(images: Labeled, network: Classifying) -> Integers:
    """Labels of an image set as indices of a network's outputs.

    Parameters
    ----------
    images
        Labels and classes.
    network
        Names and ids of the outputs.

    Returns
    -------
    ndarray
        int64, in the shape of the labels: index of the output; -1 where the network has no output for the class.

    Raises
    ------
    NetworkError
        The network has no output for any of the classes.
    """
    outputs = outputs_of(images.class_names, images.class_ids, label_space_of(network))
    if (outputs < 0).all():
        raise NetworkError(
            f"network {network.name!r} has no output for any class of the image set: its outputs are "
            f"{_few(network.class_names)}, the classes are {_few(images.class_names)}; set the network's class_names, "
            "or class_ids of the image set, so that both use the same names"
        )
    aligned: Integers = np.append(outputs, -1)[images.labels]
    return aligned


def _few(names: Sequence[Any]) -> str:
    return f"{', '.join(map(repr, names[:3]))}{', ...' if len(names) > 3 else ''}"


def _synset_and_name(line: str) -> list[str]:
    found = _SYNSET_LINE.fullmatch(line.strip())
    return [found[1], found[2].split(",")[0]] if found else [line]


def _with_imagenet_names(pairs: list[list[str]]) -> list[list[str]]:
    """Name outputs without a class by themselves, and synsets without a name by ImageNet's class."""
    empty = [pair[-1].strip().lower() in _NO_CLASS for pair in pairs]
    named = [pair for pair, is_empty in zip(pairs, empty, strict=True) if not is_empty]
    if named and all(len(pair) == 1 and _SYNSET.fullmatch(pair[0].strip()) for pair in named):
        names = dict(zip(imagenet_synsets(), imagenet_names(), strict=True))
        pairs = [
            pair if is_empty else [pair[0].strip(), names.get(pair[0].strip(), pair[0].strip())]
            for pair, is_empty in zip(pairs, empty, strict=True)
        ]
    width = 2 if any(len(pair) == 2 for pair in pairs) else 1
    return [
        [f"no class (output {index})"] * width if is_empty else pair
        for index, (pair, is_empty) in enumerate(zip(pairs, empty, strict=True))
    ]


def _text(path: Path) -> str:
    """Return a text file's content in the encodings that editors write: UTF-8 and UTF-16 with their marks, Latin-1."""
    content = path.read_bytes()
    encodings = ["utf-16"] if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "latin-1"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise NetworkError(f"{path}: not a text file; write one class name per line, as UTF-8")


def _check_unique(values: Sequence[str], kind: str, source: str) -> None:
    first: dict[str, int] = {}
    for position, value in enumerate(values):
        if value in first:
            raise NetworkError(f"{source}: class {position} has the {kind} {value!r} of class {first[value]}")
        first[value] = position
