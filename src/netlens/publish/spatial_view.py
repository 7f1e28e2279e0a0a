"""Data and script of the interactive view of spatial attribution, for a page and for a notebook; no TensorFlow.

The view is one script and one style sheet, ``assets/spatial_view.*``. `page_script` completes the script for a page,
`widget_module` for a Jupyter widget.
"""

import base64
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from netlens.publish.page import PageError, image_uri
from netlens.publish.zero_runs import short_zeros
from netlens.spatial_attribution.choices import GRADIENT_LABELS
from netlens.spatial_attribution.packing import FULL
from netlens.spatial_attribution.results import AttributionMaps

#: Largest size of a self-contained page with all of its maps.
MOST_BYTES: Final = 5_000_000
# Upper bound for script, style, frame and texts.
_FRAME_BYTES: Final = 100_000


def view_data(maps: AttributionMaps) -> dict[str, Any]:
    """Return the data that the view's script reads.

    Parameters
    ----------
    maps
        Attribution of at least one image, with one gradient and one pair of layers or more.

    Returns
    -------
    dict
        Texts, numbers, lists and mappings; maps as base64 of little-endian bytes (those between layers as in
        `netlens.publish.zero_runs`), images as data URIs.

    Raises
    ------
    PageError
        There is nothing to show, or an image has no class, or a class after a -1.
    """
    gradients, count = maps.gradients, len(maps.image_names)
    if not (count and maps.pairs and gradients):
        raise PageError("the view needs at least one image, one gradient and one pair of layers")
    scenes = [_scene(maps, index) for index in range(count)]

    def each(make: Callable[[int, int], list[Any]]) -> list[list[list[Any]]]:
        return [[make(gradient, scene) for gradient in range(len(gradients))] for scene in range(count)]

    return {
        "scenes": scenes,
        "gradients": [{"name": name, "label": GRADIENT_LABELS[name]} for name in gradients],
        "layers": [
            {"name": name, "label": label, "height": height, "width": width}
            for name, label, (height, width) in zip(maps.layers, maps.layer_labels, maps.layer_sizes, strict=True)
        ],
        "pairs": [list(pair) for pair in maps.pairs],
        "full": FULL,
        # The view never looks at the maps of the classes that a scene does not have.
        "classes": each(
            lambda g, n: [_encoded(values[g, n, : len(scenes[n]["classes"])], "<f4") for values in maps.to_classes]
        ),
        "between": each(
            lambda g, n: [
                {"values": _text(short_zeros(values[g, n])), "scales": _encoded(largest[g, n], "<f4")}
                for values, largest in zip(maps.between, maps.scales, strict=True)
            ]
        ),
    }


def check_size(data: Mapping[str, Any]) -> None:
    """Check that the page would not be larger than `MOST_BYTES`.

    Raises
    ------
    PageError
        It would be; the message says what to do.
    """
    size = _FRAME_BYTES + _text_length(data)
    if size > MOST_BYTES:
        raise PageError(
            f"the page would take {size / 1e6:.1f} MB, more than {MOST_BYTES / 1e6:.0f} MB: use fewer images, pairs "
            "of layers or gradients, or layers with fewer positions"
        )


def page_script() -> str:
    """Return the view's script for a page, where it runs on ``#spatial-view`` with the page's data."""
    return _asset("js") + _asset("page.js")


def widget_module() -> str:
    """Return the view's script as the module of a Jupyter widget with traits ``data``, ``message`` and ``pointed``."""
    return _asset("js") + _asset("widget.js")


def style() -> str:
    """Return the view's style sheet."""
    return _asset("css")


def _asset(suffix: str) -> str:
    return (resources.files("netlens.publish") / "assets" / f"spatial_view.{suffix}").read_text(encoding="utf-8")


def _scene(maps: AttributionMaps, index: int) -> dict[str, Any]:
    pixels, chosen = maps.images[index], maps.image_classes[index].tolist()
    known = [place for place in chosen if place >= 0]
    logits = np.asarray(maps.logits[index], np.float64)
    if not known:
        raise PageError(f"image {index} of the view has no class")
    if chosen[: len(known)] != known:
        raise PageError(f"image {index} of the view has a class after a -1")
    if not np.isfinite(logits).all():
        raise PageError(f"image {index} of the view has logits that are not finite")
    return {
        "name": maps.image_names[index],
        "image": image_uri(np.ascontiguousarray(pixels)),
        "height": int(pixels.shape[0]),
        "width": int(pixels.shape[1]),
        "classes": [{"name": maps.class_names[place], "logit": round(float(logits[place]), 4)} for place in known],
    }


def _encoded(values: ArrayLike, kind: str) -> str:
    return _text(np.ascontiguousarray(values, dtype=kind).tobytes())


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _text_length(part: Any) -> int:
    """Count the characters of all texts in nested lists and mappings, which make up nearly all of the data."""
    if isinstance(part, str):
        return len(part)
    if isinstance(part, Mapping):
        return sum(_text_length(value) for value in part.values())
    return sum(map(_text_length, part)) if isinstance(part, list) else 8
