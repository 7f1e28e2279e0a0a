"""The interactive view of networks' graphs: what its script reads, and the script; no TensorFlow.

One script and one style sheet, ``assets/graph_view.*``, for two views: one network's layers, with the caricatures of
the one that is pointed at, and two networks side by side, joined by lines of similarity.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netlens.publish.page import PageError, image_uri

#: What a self-contained page may weigh, with all of its pictures.
MOST_BYTES: Final = 6_000_000
# Script, style, frame and texts, generously.
_FRAME_BYTES: Final = 100_000
# Pictures of 64 pixels look the same as without loss, at a quarter of the size.
_JPEG_QUALITY: Final = 92

#: What the view calls kinds of layers.
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

Arrays = Mapping[str, NDArray[Any]]


def network_data(graph: Arrays, caricatures: Arrays) -> dict[str, Any]:
    """Turn a network's graph and its layers' caricatures into what the view's script reads.

    Parameters
    ----------
    graph
        For n layers and m edges: ``network``; ``names``, ``labels``, ``kinds`` (n) str; ``channels``, ``heights``,
        ``widths`` (n) int, heights and widths below 1 where a layer has no positions; ``edges`` (m, 2) int; ``x``,
        ``y`` (n) float; ``points`` (p, 2) float, ``route_ends`` (m) int, ``shortcuts`` (m) bool: the points that each
        edge passes, all in one list.
    caricatures
        ``layers`` (k) str, names of layers in any order; ``pictures_0``, ``pictures_1`` (k, height, width, 3) uint8, by
        cosine power. Layers may be among them that the graph has not.

    Returns
    -------
    dict
        Texts, numbers and lists; pictures as data URIs. A layer without caricature has none.

    Raises
    ------
    PageError
        An array is missing, or shapes do not fit each other.
    """
    layers_arrays = ("names", "labels", "kinds", "channels", "heights", "widths", "x", "y")
    edge_arrays = ("edges", "route_ends", "shortcuts")
    _there(graph, ("network", *layers_arrays, *edge_arrays, "points"), "the graph's arrays")
    _there(caricatures, ("layers", "pictures_0", "pictures_1"), "the caricatures")
    count, edges = len(graph["names"]), np.asarray(graph["edges"], np.int64).reshape(-1, 2)
    if any(len(graph[name]) != count for name in layers_arrays) or not count:
        raise PageError("the graph's arrays are not of the same layers")
    ends = np.asarray(graph["route_ends"], np.int64)
    fits = len(ends) == len(edges) == len(graph["shortcuts"]) and len(graph["points"]) == (ends[-1] if len(ends) else 0)
    if not fits or (edges.size and not 0 <= edges.min() <= edges.max() < count):
        raise PageError("the graph's arrays are not of the same edges")
    unknown = sorted(set(map(str, graph["kinds"])) - set(KINDS))
    if unknown:
        raise PageError(f"the view has no word for layers of the kind {unknown[0]!r}")
    known, powers = set(map(str, graph["names"])), (caricatures["pictures_0"], caricatures["pictures_1"])
    if any(len(pictures) != len(caricatures["layers"]) for pictures in powers):
        raise PageError("the caricatures are not as many as their layers")
    looks = {
        str(name): [_picture_uri(pictures[index]) for pictures in powers]
        for index, name in enumerate(caricatures["layers"])
        if str(name) in known
    }
    routes = np.split(np.asarray(graph["points"], np.float64).reshape(-1, 2), ends[:-1])
    return {
        "name": str(graph["network"]),
        "nodes": [
            {
                "name": str(graph["names"][node]),
                "label": str(graph["labels"][node]),
                "kind": str(graph["kinds"][node]),
                "channels": int(graph["channels"][node]),
                "height": max(int(graph["heights"][node]), 0),
                "width": max(int(graph["widths"][node]), 0),
                "x": float(graph["x"][node]),
                "y": float(graph["y"][node]),
                "pictures": looks.get(str(graph["names"][node]), []),
            }
            for node in range(count)
        ],
        "edges": [
            {"from": int(source), "to": int(user), "points": route, "shortcut": bool(shortcut)}
            for (source, user), route, shortcut in zip(edges, routes, graph["shortcuts"], strict=False)
        ],
    }


def graph_data(networks: Sequence[dict[str, Any]], image: NDArray[np.uint8], image_name: str) -> dict[str, Any]:
    """Give the data of the view of one network's layers; with several, one of them is chosen in the page.

    Parameters
    ----------
    networks
        As `network_data` gives them.
    image
        (height, width, 3) uint8: what the caricatures are of.
    image_name
        What it shows.

    Raises
    ------
    PageError
        There is no network, or the image is none.
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
    """Give the data of the view of two networks side by side.

    Parameters
    ----------
    networks, image, image_name
        As for `graph_data`.
    layers
        By network, the layers that the matrices' rows and columns stand for, which must be the graph's.
    matrices
        By (first network, second network, measure): (layers of the first, layers of the second), finite and not
        negative. Their pairs are the ones that can be chosen, in this order.
    measures
        By measure, what the view calls it, in the order of the choice.

    Raises
    ------
    PageError
        A network or a matrix is missing, or does not have the layers' size, or its values are no similarities.
    """
    names = [network["name"] for network in networks]
    pairs = list(dict.fromkeys((first, second) for first, second, _ in matrices))
    if not (pairs and measures):
        raise PageError("the view needs a pair of networks and a measure")
    for name, network in zip(names, networks, strict=True):
        if list(layers.get(name, [])) != [node["name"] for node in network["nodes"]]:
            raise PageError(f"the similarities are of other layers of {name} than the graph: make both again")
    told = []
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
                raise PageError(f"{measure} of {first} with {second} holds values that are no similarities")
            values[measure] = [[float(f"{value:.5g}") for value in row] for row in matrix]
        told.append({"ends": ends, "values": values})
    return {
        **graph_data(networks, image, image_name),
        "view": "aligned",
        "measures": [{"name": name, "label": label} for name, label in measures.items()],
        "pairs": told,
    }


def fitting(networks: Sequence[dict[str, Any]], image: NDArray[np.uint8], image_name: str) -> dict[str, Any]:
    """Give `graph_data` of all networks, or of the first alone where all would make the page too heavy.

    Raises
    ------
    PageError
        The first alone is too heavy.
    """
    data = graph_data(networks, image, image_name)
    if _weight(data) > MOST_BYTES:
        data = graph_data(networks[:1], image, image_name)
    check_size(data)
    return data


def check_size(data: Mapping[str, Any]) -> None:
    """Refuse data that would make the page heavier than `MOST_BYTES`.

    Raises
    ------
    PageError
        It would; the message says what to do.
    """
    size = _weight(data)
    if size > MOST_BYTES:
        raise PageError(
            f"the page would weigh {size / 1e6:.1f} MB, more than {MOST_BYTES / 1e6:.0f} MB: make the pictures smaller "
            "(model_comparison.picture_px)"
        )


def page_script() -> str:
    """Give the view's script as a page runs it: on ``#graph-view``, with the page's data."""
    return _asset("js") + _asset("page.js")


def style() -> str:
    """Give the view's style sheet."""
    return _asset("css")


def _asset(suffix: str) -> str:
    return (resources.files("netlens.publish") / "assets" / f"graph_view.{suffix}").read_text(encoding="utf-8")


def _there(arrays: Arrays, names: Sequence[str], what: str) -> None:
    if missing := [name for name in names if name not in arrays]:
        raise PageError(f"{what} lack {', '.join(missing)}")


def _picture_uri(pixels: NDArray[Any]) -> str:
    from PIL import Image

    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise PageError(f"a caricature of type {pixels.dtype}, shape {pixels.shape}: uint8 (height, width, 3) is one")
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _weight(data: Any) -> int:
    # Nearly all is the letters of the pictures.
    return _FRAME_BYTES + _text_length(data)


def _text_length(part: Any) -> int:
    if isinstance(part, str):
        return len(part)
    if isinstance(part, Mapping):
        return sum(len(key) + _text_length(value) for key, value in part.items())
    if isinstance(part, np.ndarray):
        return 8 * part.size
    return sum(map(_text_length, part)) if isinstance(part, list | tuple) else 8
