"""Cascading randomization of weights: does a heat map change when the network is no longer what was trained.

Sources: Adebayo et al. 2018, "Sanity Checks for Saliency Maps" (arXiv 1810.03292), from the logits down; Hedstrom et
al. 2023, "Sanity Checks Revisited" (arXiv 2401.06465), who go from the image up, smooth the maps and compare entropies.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.explanation_checks.backward import Explainer, explainer
from netlens.explanation_checks.map_similarity import entropy, rank_correlation, ssim
from netlens.models.backend import keras, tf1
from netlens.models.own_graph import graph_of_its_own
from netlens.pattern_attribution.analyzers.pattern_analyzers import Patterns

Float = NDArray[np.float64]
Direction = Literal["top_down", "bottom_up"]

# Images whose maps are in memory at the same time, beside the original ones.
_AT_ONCE: Final = 16


@dataclass(frozen=True)
class Cascade:
    """How alike the maps of a network remain to those of the trained one as more of its layers are randomized.

    Attributes
    ----------
    ssim, ranks
        (steps, n): structural similarity and rank correlation to the original map of each image.
    entropies
        (steps, n), entropy of each map in bits.
    """

    ssim: Float
    ranks: Float
    entropies: Float


def weighted_layers(model: Any) -> list[str]:
    """Return the names of a model's layers that have weights, from the image to the logits."""
    return [layer.name for layer in model.layers if layer.weights]


def random_weights(model: Any, seed: int) -> dict[str, list[NDArray[np.float32]]]:
    """Draw weights for every layer from its own initializers.

    Parameters
    ----------
    model
        A Keras model.
    seed
        Seed of the draws.

    Returns
    -------
    dict
        Weights by layer, in the order of its ``get_weights``.
    """
    with graph_of_its_own():
        copy = keras.models.clone_model(model)
        tf1.set_random_seed(seed)
        # Made again, because initializers that were saved without a seed draw another time in each process.
        drawn = {}
        for place, layer in enumerate(copy.layers):
            values = [_drawn(layer, variable, seed + 1000 * place) for variable in layer.weights]
            if values:
                drawn[layer.name] = values
        found: dict[str, list[NDArray[np.float32]]] = tf1.keras.backend.get_session().run(drawn)
        return found


def _drawn(layer: Any, variable: Any, seed: int) -> Any:
    kind = variable.name.split("/")[-1].split(":")[0]
    initializer = getattr(layer, f"{kind}_initializer", None)
    if initializer is None:
        return tf1.convert_to_tensor(np.zeros(variable.shape, np.float32))
    config = initializer.get_config()
    again = type(initializer).from_config(config | {"seed": seed} if "seed" in config else config)
    return again(variable.shape, dtype=variable.dtype.base_dtype)


def randomized(
    model: Any,
    weights: Sequence[NDArray[Any]],
    drawn: Mapping[str, Sequence[NDArray[Any]]],
    count: int,
    direction: Direction,
) -> list[NDArray[Any]]:
    """Return the weights of a model with those of `count` layers replaced, for ``set_weights``.

    Parameters
    ----------
    model
        A Keras model.
    weights
        Its weights, as ``get_weights`` returns them.
    drawn
        Weights by layer that take their place, from `random_weights`.
    count, direction
        How many layers, and from which end.
    """
    names = weighted_layers(model)
    chosen = set(names[len(names) - count :] if direction == "top_down" else names[:count])
    left = iter(weights)
    found: list[NDArray[Any]] = []
    for layer in model.layers:
        own = [next(left) for _ in layer.weights]
        found += list(drawn[layer.name]) if layer.name in chosen else own
    return found


def smoothed_maps(
    found: Explainer,
    images: ArrayLike,
    classes: ArrayLike,
    *,
    copies_count: int,
    noise: float,
    seed: int | Sequence[int],
) -> Float:
    """Average the maps of noisy copies of each image (Hedstrom et al. 2023, equation 4).

    Parameters
    ----------
    found
        The method.
    images, classes
        As of `netlens.explanation_checks.backward.Explainer.maps`.
    copies_count
        Number of copies.
    noise
        Standard deviation, as a share of the range of each image.
    seed
        Seed of the noise, which is the same for every method.

    Returns
    -------
    ndarray
        (n, height, width).
    """
    inputs = np.asarray(images, np.float32)
    rng = np.random.default_rng(seed)
    spread = noise * np.ptp(inputs, axis=(1, 2, 3))[:, None, None, None]
    total = np.zeros(inputs.shape[:3])
    for _ in range(copies_count):
        total += found.maps(inputs + spread * rng.standard_normal(inputs.shape).astype(np.float32), classes)
    return total / copies_count


@dataclass(frozen=True)
class Smoothing:
    """How maps are smoothed: the mean of the maps of noisy copies.

    Attributes
    ----------
    copies_count
        Number of copies.
    noise
        Standard deviation of the noise, as a share of the range of each image.
    """

    copies_count: int = 50
    noise: float = 0.15


def cascades(
    model: Any,
    found: Explainer,
    images: ArrayLike,
    classes: ArrayLike,
    *,
    weights: Sequence[NDArray[Any]],
    counts: Sequence[int],
    patterns: Patterns | None = None,
    smoothing: Smoothing | None = None,
    seed: int = 0,
) -> dict[str, Cascade]:
    """Randomize more and more layers of a network and compare a method's maps with the original ones.

    Patterns, where the method has some, stay those of the trained network: they describe the images, and only enter
    beside the weights.

    Parameters
    ----------
    model
        The Keras model.
    found
        The method on the trained model.
    images, classes
        As of `netlens.explanation_checks.backward.Explainer.maps`; the class of an image stays the same.
    weights
        Weights of the trained model, as ``get_weights`` returns them.
    counts
        Numbers of randomized layers, from 0 on.
    patterns
        As of `netlens.explanation_checks.backward.explainer`.
    smoothing
        Of the third cascade, from the logits down with smoothed maps; without it there is none.
    seed
        Seed of the weights and the noise.

    Returns
    -------
    dict
        ``top_down`` and ``bottom_up``, and ``smoothed`` if there is a smoothing.
    """
    drawn = random_weights(model, seed)
    every = len(weighted_layers(model))
    inputs, wanted = np.asarray(images, np.float32), np.asarray(classes)
    parts = [slice(start, start + _AT_ONCE) for start in range(0, len(inputs), _AT_ONCE)]

    def maps(explains: Explainer, direction: Direction, part: slice) -> dict[str, Float]:
        made: dict[str, Float] = {direction: explains.maps(inputs[part], wanted[part])}
        if smoothing and direction == "top_down":
            made["smoothed"] = smoothed_maps(
                explains, inputs[part], wanted[part],
                copies_count=smoothing.copies_count, noise=smoothing.noise, seed=[seed, part.start],
            )  # fmt: skip
        return made

    # Of all maps, only the original ones are kept.
    by_part = [maps(found, "top_down", part) for part in parts]
    original = {name: np.concatenate([each[name] for each in by_part]) for name in by_part[0]}
    original["bottom_up"] = original["top_down"]
    rows: dict[str, list[list[tuple[float, float, float]]]] = {name: [] for name in original}
    for count in counts:
        compared: dict[str, list[tuple[float, float, float]]] = {}
        if not count:
            compared = {name: list(_compared(before, before)) for name, before in original.items()}
        # From either end, all layers are the same network.
        directions: tuple[Direction, ...] = ("top_down",) if count == every else ("top_down", "bottom_up")
        for direction in directions if count else ():
            values = randomized(model, weights, drawn, count, direction)
            with explainer(model, found.method, patterns, weights=values) as changed:
                for part in parts:
                    for name, after in maps(changed, direction, part).items():
                        compared.setdefault(name, []).extend(_compared(original[name][part], after))
        compared.setdefault("bottom_up", compared["top_down"])
        for name, row in compared.items():
            rows[name].append(row)
    return {name: Cascade(*np.array(row).transpose(2, 0, 1)) for name, row in rows.items()}


def _compared(original: Float, maps: Float) -> Iterator[tuple[float, float, float]]:
    for before, after in zip(original, maps, strict=True):
        yield ssim(before, after), rank_correlation(before, after), entropy(after)
