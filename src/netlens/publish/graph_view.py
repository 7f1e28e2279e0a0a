"""The interactive view of networks' graphs: the data that its script reads, and the script itself.

One script and one style sheet, ``assets/graph_view.*``, serve two views: the layers of one network, with the
caricatures of the layer under the pointer; and two networks side by side, joined by lines of similarity. Nothing here
starts TensorFlow.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netlens.model_comparison.network_graph import LayerGraph
from netlens.model_comparison.results import COSINE_POWERS, Caricatures
from netlens.publish.page import PageError, image_uri

#: Largest size of a self-contained page, including all of its pictures.
MOST_BYTES: Final = 6_000_000
# Generous estimate for script, style, frame and texts.
_FRAME_BYTES: Final = 100_000
# At 64 pixels the loss is not visible, at a quarter of the size.
_JPEG_QUALITY: Final = 92

#: Names of the kinds of layers in the view.
KINDS: Final[dict[str, str]] = {
    "input": "image",
    "conv": "convolution",
    "dense": "dense layer",
    "concat": "concatenation",
    "add": "addition",
    "pool": "pooling",
    "norm": "normalization",
    "other": "activation or other operation",
}


def network_data(graph: LayerGraph, caricatures: Caricatures) -> dict[str, Any]:
    """Convert a network's graph and its layers' caricatures to what the view's script reads.

    Parameters
    ----------
    graph
        All layers, or the compared layers only.
    caricatures
        Of the same network. A layer of the graph without caricature is shown with that of the nearest layer before it
        that has one, by name, or else of the first after it; caricatures of other layers are left out.

    Returns
    -------
    dict
        Texts, numbers and lists; pictures as data URIs.

    Raises
    ------
    PageError
        The view has no name for a kind of layer, or a caricature is not an RGB image.
    """
    unknown = sorted(set(graph.kinds) - set(KINDS))
    if unknown:
        raise PageError(f"the view has no name for layers of the kind {unknown[0]!r}")
    pictures = {
        name: [_picture_uri(caricatures.by_cosine_power[power][index]) for power in COSINE_POWERS]
        for index, name in enumerate(caricatures.layers)
        if name in graph.names
    }
    drawing = graph.drawing
    return {
        "name": graph.network,
        "nodes": [
            {
                "name": name,
                "label": graph.labels[node],
                "kind": graph.kinds[node],
                "channels": int(graph.channels[node]),
                "height": max(int(graph.heights[node]), 0),
                "width": max(int(graph.widths[node]), 0),
                "x": float(drawing.places[node, 0]),
                "y": float(drawing.places[node, 1]),
                "pictures": pictures.get(name, []),
                "stands_in": _stand_in(graph.names, node, pictures),
            }
            for node, name in enumerate(graph.names)
        ],
        "edges": [
            {"from": int(source), "to": int(user), "points": route, "shortcut": bool(shortcut)}
            for (source, user), route, shortcut in zip(graph.edges, drawing.routes, drawing.shortcuts, strict=True)
        ],
    }


def _stand_in(names: Sequence[str], node: int, pictures: Mapping[str, list[str]]) -> int:
    """Return the index of the layer whose caricatures a layer is shown with: itself, the nearest before, or after."""
    order = [node, *range(node - 1, -1, -1), *range(node + 1, len(names))]
    return next((other for other in order if names[other] in pictures), node)


def graph_data(networks: Sequence[dict[str, Any]], image: NDArray[np.uint8], image_name: str) -> dict[str, Any]:
    """Return the data of the view of one network's layers; among several networks, the reader chooses one.

    Parameters
    ----------
    networks
        As returned by `network_data`.
    image
        (height, width, 3) uint8: the image that the caricatures are made of.
    image_name
        What it shows.

    Raises
    ------
    PageError
        There is no network, or the image is not an RGB image.
    """
    if not networks:
        raise PageError("the view needs a network")
    return {
        "view": "layers",
        "kinds": KINDS,
        "image": {"uri": image_uri(np.ascontiguousarray(image)), "name": image_name},
        "networks": list(networks),
    }


def aligned_data(
    networks: Sequence[dict[str, Any]],
    image: NDArray[np.uint8],
    image_name: str,
    *,
    layers: Mapping[str, Sequence[str]],
    matrices: Mapping[tuple[str, str, str], NDArray[np.float64]],
    measures: Mapping[str, str],
) -> dict[str, Any]:
    """Return the data of the view of two networks side by side.

    Parameters
    ----------
    networks, image, image_name
        As for `graph_data`.
    layers
        By network, the layers of the matrices' rows and columns, which must be those of the graph.
    matrices
        By (first network, second network, measure): (layers of the first, layers of the second), finite and not
        negative. The reader chooses among these pairs, in this order.
    measures
        Name of each measure in the view, in the order in which they are offered.

    Raises
    ------
    PageError
        A network or a matrix is missing, or a matrix does not fit its layers or holds values that are not similarities.
    """
    names = [network["name"] for network in networks]
    pairs = list(dict.fromkeys((first, second) for first, second, _ in matrices))
    if not (pairs and measures):
        raise PageError("the view needs a pair of networks and a measure")
    for name, network in zip(names, networks, strict=True):
        if list(layers.get(name, [])) != [node["name"] for node in network["nodes"]]:
            raise PageError(f"the similarities are of other layers of {name} than the graph: compute both again")
    entries = []
    for first, second in pairs:
        if unknown := [name for name in (first, second) if name not in names]:
            raise PageError(f"there is no graph of network {unknown[0]!r}")
        ends = [names.index(name) for name in (first, second)]
        size = tuple(len(networks[end]["nodes"]) for end in ends)
        values = {}
        for measure in measures:
            if (first, second, measure) not in matrices:
                raise PageError(f"there is no similarity {measure!r} of {first} with {second}")
            matrix = np.asarray(matrices[first, second, measure], np.float64)
            if matrix.shape != size:
                raise PageError(f"{measure} of {first} with {second}: shape {matrix.shape}, but {size} layers")
            if not np.isfinite(matrix).all() or matrix.min() < 0:
                raise PageError(f"{measure} of {first} with {second} has values that are negative or not finite")
            values[measure] = [[float(f"{value:.5g}") for value in row] for row in matrix]
        entries.append({"ends": ends, "values": values})
    return {
        **graph_data(networks, image, image_name),
        "view": "aligned",
        "measures": [{"name": name, "label": label} for name, label in measures.items()],
        "pairs": entries,
    }


def fitting(networks: Sequence[dict[str, Any]], image: NDArray[np.uint8], image_name: str) -> dict[str, Any]:
    """Return `graph_data` of all networks, or of the first alone if all of them would make the page too large.

    Raises
    ------
    PageError
        The first alone is too large.
    """
    data = graph_data(networks, image, image_name)
    if _weight(data) > MOST_BYTES:
        data = graph_data(networks[:1], image, image_name)
    check_size(data)
    return data


def check_size(data: Mapping[str, Any]) -> None:
    """Check that the data will not make the page larger than `MOST_BYTES`.

    Raises
    ------
    PageError
        They would; the message says what to do.
    """
    size = _weight(data)
    if size > MOST_BYTES:
        raise PageError(
            f"the page would have {size / 1e6:.1f} MB, more than {MOST_BYTES / 1e6:.0f} MB: make the pictures smaller "
            "(model_comparison.picture_px)"
        )


def page_script() -> str:
    """Return the view's script as a page runs it: on ``#graph-view``, with the page's data."""
    return _asset("js") + _asset("page.js")


def style() -> str:
    """Return the view's style sheet."""
    return _asset("css")


def _asset(suffix: str) -> str:
    return (resources.files("netlens.publish") / "assets" / f"graph_view.{suffix}").read_text(encoding="utf-8")


def _picture_uri(pixels: NDArray[Any]) -> str:
    from PIL import Image

    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise PageError(f"a caricature has type {pixels.dtype} and shape {pixels.shape}, not uint8 (height, width, 3)")
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _weight(data: Any) -> int:
    # Nearly all of the page is the encoded pictures.
    return _FRAME_BYTES + _text_length(data)


def _text_length(part: Any) -> int:
    if isinstance(part, str):
        return len(part)
    if isinstance(part, Mapping):
        return sum(len(key) + _text_length(value) for key, value in part.items())
    if isinstance(part, np.ndarray):
        return 8 * part.size
    return sum(map(_text_length, part)) if isinstance(part, list | tuple) else 8
