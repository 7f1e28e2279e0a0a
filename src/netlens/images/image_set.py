"""Sets of labeled images on disk: arrays in an npz file, or names of image files that are decoded when needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from netlens.files.arrays import ArrayFileError, load_arrays, save_arrays

Pixels = NDArray[np.uint8]
Integers = NDArray[np.int64]


class Images(Protocol):
    """Images by index; slices are uint8 batches (n, height, width, 3), from memory or decoded when needed."""

    def __len__(self) -> int: ...

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, height, width, 3)."""
        ...

    @overload
    def __getitem__(self, index: int) -> Pixels: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int] | NDArray[Any]) -> Pixels: ...


@dataclass(frozen=True)
class ImageSet:
    """Labeled images.

    Attributes
    ----------
    images
        n images, uint8, (height, width, 3) each.
    labels
        int64, (n,): index into `class_names`. For scenes (n, m): the classes of each scene, -1 where it has fewer.
    class_names
        Names of the classes, in the order of the labels.
    masks
        For scenes: uint8, (n, height, width): 0 for background, 1 + j for the j-th class of the scene. Otherwise None.
    class_ids
        Id of each class in the label space of other data, such as ImageNet's synsets, empty for classes without one; or
        no ids at all.
    """

    images: Images
    labels: Integers
    class_names: tuple[str, ...]
    masks: Pixels | None = None
    class_ids: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class CropSet:
    """Crops of photographs.

    Attributes
    ----------
    images
        uint8, (n, height, width, 3).
    labels
        int64, (n,).
    class_names
        In the order of the labels.
    boxes
        int64, (n, 4): top, left, height, width of each crop in pixels of its photograph.
    class_ids
        Id of each class in another label space, empty for classes without one.
    """

    images: Pixels
    labels: Integers
    class_names: tuple[str, ...]
    boxes: Integers
    class_ids: tuple[str, ...] = ()

    def save(self, path: str | Path) -> None:
        """Save as npz, to be read by `open_image_set`."""
        save_arrays(
            path,
            {
                "images": self.images,
                "labels": self.labels,
                "class_names": np.array(self.class_names, np.str_),
                "class_ids": np.array(self.class_ids, np.str_),
                "boxes": self.boxes,
            },
        )


@dataclass(frozen=True)
class SceneSet:
    """Scenes composed of crops.

    Attributes
    ----------
    images
        uint8, (n, height, width, 3).
    masks
        uint8, (n, height, width): 0 for background, 1 + j for the j-th class of the scene.
    labels
        int64, (n, m): the classes of each scene, -1 where it has fewer than m.
    class_names
        In the order of the labels.
    boxes
        int64, (n, m, 4): top, left, height, width of each part in pixels of its photograph, -1 where there is none.
    layouts
        Name of each scene's layout.
    class_ids
        Id of each class in another label space, empty for classes without one.
    """

    images: Pixels
    masks: Pixels
    labels: Integers
    class_names: tuple[str, ...]
    boxes: Integers
    layouts: tuple[str, ...]
    class_ids: tuple[str, ...] = ()

    def save(self, path: str | Path) -> None:
        """Save as npz, to be read by `open_image_set`."""
        save_arrays(
            path,
            {
                "images": self.images,
                "masks": self.masks,
                "labels": self.labels,
                "class_names": np.array(self.class_names, np.str_),
                "class_ids": np.array(self.class_ids, np.str_),
                "boxes": self.boxes,
                "layouts": np.array(self.layouts, np.str_),
            },
        )


def open_image_set(path: str | Path) -> ImageSet:
    """Image set read from a file.

    Parameters
    ----------
    path
        File written by one of the rules that make image sets. It holds ``images``, or ``paths`` of image files that are
        decoded when needed (`netlens.images.lazy_images.FolderSet.save`).

    Returns
    -------
    ImageSet

    Raises
    ------
    FileNotFoundError
        There is no such file, or the folder of its images is gone.
    ArrayFileError
        The file is damaged or is not an image set.
    """
    arrays = load_arrays(path)
    for name in ("labels", "class_names"):
        if name not in arrays:
            raise ArrayFileError(f"{path}: not an image set: it holds no {name!r}")
    labels = np.asarray(arrays["labels"], np.int64)
    class_names = tuple(str(name) for name in arrays["class_names"])
    class_ids = tuple(str(each) for each in arrays.get("class_ids", ()))
    images: Images
    if "images" in arrays:
        images = np.asarray(arrays["images"], np.uint8)
    elif "paths" in arrays:
        from netlens.images.lazy_images import lazy_images

        images = lazy_images(arrays)
    else:
        raise ArrayFileError(f"{path}: not an image set: it holds neither 'images' nor 'paths'")
    if len(images) != len(labels):
        raise ArrayFileError(f"{path}: {len(images)} images, but {len(labels)} labels; delete it and make it again")
    masks = np.asarray(arrays["masks"], np.uint8) if "masks" in arrays else None
    if class_ids and len(class_ids) != len(class_names):
        raise ArrayFileError(f"{path}: {len(class_ids)} class ids, but {len(class_names)} classes; make it again")
    return ImageSet(images, labels, class_names, masks, class_ids)
