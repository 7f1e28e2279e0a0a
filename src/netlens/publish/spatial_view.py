"""The interactive view of spatial attribution: what its script reads, in a page and in a notebook; no TensorFlow.

The view is one script and one style sheet, ``assets/spatial_view.*``: `page_script` ends it as a page needs it, and
`widget_module` as a Jupyter widget does.
"""

import base64
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.publish.page import PageError, image_uri

#: What a self-contained page may weigh, with all of its maps.
MOST_BYTES: Final = 5_000_000
# Script, style, frame and texts, generously.
_FRAME_BYTES: Final = 100_000


def view_data(arrays: Mapping[str, NDArray[Any]], gradient_labels: Mapping[str, str], *, full: int) -> dict[str, Any]:
    """Turn maps into what the view's script reads.

    Parameters
    ----------
    arrays
        For n images, g gradients, L layers, P pairs: ``images`` (n, height, width, 3) uint8, ``image_names`` (n),
        ``class_names``, ``image_classes`` (n, k) with -1 for none, ``logits`` (n, classes), ``gradients`` (g),
        ``layers`` (L), ``layer_labels`` (L), ``layer_sizes`` (L, 2), ``pairs`` (P, 2); for each layer ``classes.<i>``
        (g, n, k, height, width); for each pair ``between.<i>`` int8 (g, n, target height, target width, source height,
        source width) and ``scales.<i>`` (g, n, target height, target width).
    gradient_labels
        What the view calls the gradients.
    full
        What the scale of a map is in ``between``: a value is ``between / full * scale``.

    Returns
    -------
    dict
        Texts, numbers, lists and mappings; maps as base64 of little-endian bytes, images as data URIs.

    Raises
    ------
    PageError
        An array is missing, shapes do not fit each other, or a value is NaN or infinite.
    """
    wanted = ("images", "image_names", "class_names", "image_classes", "logits", "gradients")
    _there(arrays, (*wanted, "layers", "layer_labels", "layer_sizes", "pairs"))
    images, chosen = arrays["images"], np.asarray(arrays["image_classes"])
    gradients = [str(name) for name in arrays["gradients"]]
    sizes = [(int(height), int(width)) for height, width in arrays["layer_sizes"]]
    pairs = [(int(source), int(target)) for source, target in arrays["pairs"]]
    if not (len(images) and pairs and gradients):
        raise PageError("the view needs an image, a gradient and a pair of layers at least")
    scenes = [_scene(arrays, index) for index in range(len(images))]
    before = (len(gradients), len(images))
    classes, between, scales = [], [], []
    for index, size in enumerate(sizes):
        classes.append(_checked(arrays, f"classes.{index}", (*before, chosen.shape[1], *size)))
    for index, (source, target) in enumerate(pairs):
        between.append(_checked(arrays, f"between.{index}", (*before, *sizes[target], *sizes[source])))
        scales.append(_checked(arrays, f"scales.{index}", (*before, *sizes[target])))

    def each(make: Any) -> list[list[list[Any]]]:
        return [[make(gradient, scene) for gradient in range(len(gradients))] for scene in range(len(images))]

    return {
        "scenes": scenes,
        "gradients": [{"name": name, "label": gradient_labels.get(name, name)} for name in gradients],
        "layers": [
            {"name": str(name), "label": str(label), "height": height, "width": width}
            for name, label, (height, width) in zip(arrays["layers"], arrays["layer_labels"], sizes, strict=True)
        ],
        "pairs": [list(pair) for pair in pairs],
        "full": full,
        # The view never looks at the maps of the classes that a scene does not have.
        "classes": each(
            lambda g, n: [_encoded(values[g, n, : len(scenes[n]["classes"])], "<f4") for values in classes]
        ),
        "between": each(
            lambda g, n: [
                {"values": _encoded(values[g, n], "i1"), "scales": _encoded(largest[g, n], "<f4")}
                for values, largest in zip(between, scales, strict=True)
            ]
        ),
    }


def check_size(data: Mapping[str, Any]) -> None:
    """Refuse data that would make the page heavier than `MOST_BYTES`.

    Raises
    ------
    PageError
        It would; the message says what to do.
    """
    size = _FRAME_BYTES + _text_length(data)
    if size > MOST_BYTES:
        raise PageError(
            f"the page would weigh {size / 1e6:.1f} MB, more than {MOST_BYTES / 1e6:.0f} MB: take fewer images, pairs "
            "of layers or gradients, or layers with fewer positions"
        )


def page_script() -> str:
    """Give the view's script as a page runs it: on ``#spatial-view``, with the page's data."""
    return _asset("js") + _asset("page.js")


def widget_module() -> str:
    """Give the view's script as the module of a Jupyter widget with the traits ``data``, ``message``, ``pointed``."""
    return _asset("js") + _asset("widget.js")


def style() -> str:
    """Give the view's style sheet."""
    return _asset("css")


def _asset(suffix: str) -> str:
    return (resources.files("netlens.publish") / "assets" / f"spatial_view.{suffix}").read_text(encoding="utf-8")


def _scene(arrays: Mapping[str, NDArray[Any]], index: int) -> dict[str, Any]:
    pixels, names = arrays["images"][index], arrays["class_names"]
    known = [int(place) for place in arrays["image_classes"][index] if place >= 0]
    logits = np.asarray(arrays["logits"][index], np.float64)
    if not known:
        raise PageError(f"image {index} of the view has no class")
    if list(arrays["image_classes"][index][: len(known)]) != known:
        raise PageError(f"image {index} of the view has a class behind a -1")
    if max(known) >= len(names) or len(logits) != len(names) or not np.isfinite(logits).all():
        raise PageError(f"image {index} of the view: classes or logits do not fit the {len(names)} class names")
    return {
        "name": str(arrays["image_names"][index]),
        "image": image_uri(np.ascontiguousarray(pixels)),
        "height": int(pixels.shape[0]),
        "width": int(pixels.shape[1]),
        "classes": [{"name": str(names[place]), "logit": round(float(logits[place]), 4)} for place in known],
    }


def _there(arrays: Mapping[str, NDArray[Any]], names: Sequence[str]) -> None:
    missing = [name for name in names if name not in arrays]
    if missing:
        raise PageError(f"the view's arrays lack {', '.join(missing)}")


def _checked(arrays: Mapping[str, NDArray[Any]], name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    _there(arrays, [name])
    values = np.asarray(arrays[name])
    if values.shape != shape:
        raise PageError(f"{name} has shape {values.shape}; the layers, images and gradients make it {shape}")
    if not np.isfinite(values).all():
        raise PageError(f"{name} holds NaN or infinity")
    return values


def _encoded(values: ArrayLike, kind: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode()


def _text_length(part: Any) -> int:
    """Count the letters of all texts in nested lists and mappings, which is nearly all that the data weighs."""
    if isinstance(part, str):
        return len(part)
    if isinstance(part, Mapping):
        return sum(_text_length(value) for value in part.values())
    return sum(map(_text_length, part)) if isinstance(part, list) else 8
