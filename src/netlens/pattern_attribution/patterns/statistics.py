"""The additive sums that pattern estimators need, as plain arrays that can be merged, saved and loaded.

For each layer with a kernel, X is the matrix of its neuron-wise inputs, one row per sample (a patch of a convolution's
padded input, flattened row, column, channel; a Dense layer's input vector), Y = X W without the bias, and m is 1 where
a unit is active. Units of grouped and depthwise convolutions have an X of their own, the channels of their group. Sums
over samples add, so the sums of parts of the images (shards) merge into those of all of them. Nothing here needs
TensorFlow; `netlens.pattern_attribution.patterns.accumulation` computes the sums of a network.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.files.arrays import ArrayFileError, load_arrays, save_arrays

Float = NDArray[np.float64]
Int = NDArray[np.int64]

#: The estimators, by the name under which their patterns are asked for.
ESTIMATORS = ("linear", "relu", "relu.negative")
_OTHER_NAMES = {"relu.positive": ("relu",), "two_component": ("relu", "relu.negative")}

#: Sums the size of a kernel; a layer holds those that its estimators need.
MATRICES = ("x_active", "xy_active", "xy_inactive", "xy")
#: Starts the names of what a sums file says about itself; no field of a layer has these names.
_HEADER = "netlens"


class PatternSumsError(ValueError):
    """Sums do not fit together, or do not hold what an estimator needs."""


def estimator_names(names: str | Iterable[str]) -> tuple[str, ...]:
    """Resolve the names of estimators: ``relu.positive`` is ``relu``, ``two_component`` both sides of the ReLU.

    Parameters
    ----------
    names
        One name, or several.

    Returns
    -------
    tuple of str
        Of ``linear``, ``relu``, ``relu.negative``, in this order, each once.

    Raises
    ------
    PatternSumsError
        There is no such estimator, or none is named.
    """
    asked = [names] if isinstance(names, str) else list(names)
    wanted: set[str] = set()
    for name in asked:
        if name not in ESTIMATORS and name not in _OTHER_NAMES:
            known = ", ".join([*ESTIMATORS, *_OTHER_NAMES])
            raise PatternSumsError(f"unknown pattern estimator {name!r}; choose one of {known}")
        wanted.update(_OTHER_NAMES.get(name, (name,)))
    if not wanted:
        raise PatternSumsError(f"no pattern estimator is given; choose one or more of {', '.join(ESTIMATORS)}")
    return tuple(name for name in ESTIMATORS if name in wanted)


def matrices_for(estimators: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the kernel-sized sums that estimators need; each costs one kernel gradient per batch.

    Parameters
    ----------
    estimators
        As `estimator_names` returns them.

    Returns
    -------
    tuple of str
        Fields of `LayerSums`. With both sides of the ReLU, or with one of them and ``linear``, X'Y is the sum of its
        active and its inactive part, which cancel nothing.
    """
    wanted = set(estimators)
    if wanted == {"linear"}:
        return ("xy",)
    needed = {"x_active"}
    if wanted & {"relu", "linear"}:
        needed.add("xy_active")
    if wanted & {"relu.negative", "linear"}:
        needed.add("xy_inactive")
    return tuple(name for name in MATRICES if name in needed)


@dataclass(frozen=True)
class LayerSums:
    """Sums over the samples of one layer, float64; K inputs, U units.

    Attributes
    ----------
    kernel_shape
        (height, width, channels that a unit sees, U) or (K, U); K is the product of all but the last.
    samples
        How many samples were summed: images times output positions.
    x
        Sum of X, shape (K,); (K, U) where the units of different groups see different channels.
    y
        Sum of Y, without the bias, over ALL samples, shape (U,).
    active
        n, the number of samples in which each unit is active, shape (U,).
    x_active
        X'm, shape (K, U), or None where no estimator needs it. So the other three:
    xy_active
        X'(Y*m).
    xy_inactive
        X'(Y*(1 - m)).
    xy
        X'Y; kept only where it is not the sum of the two before.
    """

    kernel_shape: tuple[int, ...]
    samples: int
    x: Float
    y: Float
    active: Int
    x_active: Float | None = None
    xy_active: Float | None = None
    xy_inactive: Float | None = None
    xy: Float | None = None

    def sum_of_inputs(self, units: slice) -> Float:
        """Return the sum of X as some units see it, (K, 1) where all see the same, else (K, number of units)."""
        return self.x[:, None] if self.x.ndim == 1 else self.x[:, units]

    def matrix(self, name: str, layer: str) -> Float:
        """Return one of the kernel-sized sums.

        Raises
        ------
        PatternSumsError
            It was not accumulated; the message names `layer`.
        """
        value: Float | None = getattr(self, name)
        if value is None:
            raise PatternSumsError(
                f"layer {layer!r}: the sums lack {name}; compute them again for all the estimators you need"
            )
        return value


@dataclass(frozen=True)
class PatternSums:
    """Sums of all layers of a network over some shards of an image set.

    Attributes
    ----------
    layers
        By layer name, in network order.
    images
        How many images were summed.
    total_images
        How many there are in all shards together.
    shard_count
        Into how many shards the images are dealt.
    shards
        Which of them are included, counted from 1.
    batch_size
        Images per batch; together with the images it determines which numbers are summed in which precision.
    precision
        ``float32`` or ``float64``: of the network and of the sums within a batch.
    network
        sha256 of the network's kernels and biases.
    """

    layers: Mapping[str, LayerSums]
    images: int
    total_images: int
    shard_count: int
    shards: tuple[int, ...]
    batch_size: int
    precision: str
    network: str

    @property
    def missing_shards(self) -> tuple[int, ...]:
        """The shards that are still missing, counted from 1."""
        return tuple(shard for shard in range(1, self.shard_count + 1) if shard not in self.shards)


def merge(parts: Iterable[PatternSums]) -> PatternSums:
    """Add the sums of different shards.

    Parameters
    ----------
    parts
        Sums of shards of the same images for the same network. With a generator, only one part is in memory at a time.

    Returns
    -------
    PatternSums
        Sums over all of their images; `parts` are not changed.

    Raises
    ------
    PatternSumsError
        There are no parts, a shard appears twice, or two parts differ in network, images, batches or precision.
    """
    total: PatternSums | None = None
    for part in parts:
        if total is None:
            total = replace(part, layers={name: _copy(layer) for name, layer in part.layers.items()})
            continue
        _check_fit(total, part)
        for name, layer in part.layers.items():
            total.layers[name].x[...] += layer.x
            total.layers[name].y[...] += layer.y
            total.layers[name].active[...] += layer.active
            for field in MATRICES:
                mine, other = getattr(total.layers[name], field), getattr(layer, field)
                if mine is not None:
                    mine += other
        layers = {
            name: replace(layer, samples=layer.samples + part.layers[name].samples)
            for name, layer in total.layers.items()
        }
        total = replace(
            total,
            layers=layers,
            images=total.images + part.images,
            shards=tuple(sorted(total.shards + part.shards)),
        )
    if total is None:
        raise PatternSumsError("there are no sums to merge; compute at least one shard")
    return total


def _copy(layer: LayerSums) -> LayerSums:
    copies: dict[str, Any] = {
        field.name: value.copy()
        for field in fields(LayerSums)
        if isinstance(value := getattr(layer, field.name), np.ndarray)
    }
    return replace(layer, **copies)


def _check_fit(total: PatternSums, part: PatternSums) -> None:
    for name, what in (
        ("network", "of different networks"),
        ("total_images", "of different images"),
        ("shard_count", "of images dealt into different numbers of shards"),
        ("batch_size", "with different batch sizes"),
        ("precision", "in different precisions"),
    ):
        mine, other = getattr(total, name), getattr(part, name)
        if mine != other:
            raise PatternSumsError(f"cannot merge sums {what} ({mine} and {other}); compute all shards again")
    twice = sorted(set(total.shards) & set(part.shards))
    if twice:
        raise PatternSumsError(f"cannot merge: shard {twice[0]} of {part.shard_count} appears twice")
    if list(total.layers) != list(part.layers):
        raise PatternSumsError("cannot merge sums of different layers; compute all shards again")
    for name, layer in total.layers.items():
        other = part.layers[name]
        if layer.kernel_shape != other.kernel_shape or _held(layer) != _held(other):
            raise PatternSumsError(f"cannot merge: layer {name!r} was summed for different estimators")


def _held(layer: LayerSums) -> tuple[str, ...]:
    return tuple(name for name in MATRICES if getattr(layer, name) is not None)


def save_sums(path: str | Path, sums: PatternSums) -> None:
    """Save sums as npz, float64: arrays ``<layer>.<field>``, and ``netlens.<field>`` for what they are sums of.

    Parameters
    ----------
    path
        File to write; written whole or not at all.
    sums
        As `netlens.pattern_attribution.patterns.accumulation.pattern_sums` or `merge` returns them.
    """
    arrays: dict[str, Any] = {
        f"{_HEADER}.{field.name}": np.asarray(getattr(sums, field.name))
        for field in fields(PatternSums)
        if field.name != "layers"
    }
    arrays[f"{_HEADER}.layers"] = np.asarray(list(sums.layers), dtype=np.str_)
    for name, layer in sums.layers.items():
        for field in fields(LayerSums):
            value = getattr(layer, field.name)
            if value is not None:
                arrays[f"{name}.{field.name}"] = np.asarray(value)
    save_arrays(path, arrays)


def load_sums(path: str | Path) -> PatternSums:
    """Load what `save_sums` saved.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    netlens.files.arrays.ArrayFileError
        The file is damaged, or does not hold pattern sums.
    """
    arrays: dict[str, Any] = dict(load_arrays(path))
    try:
        layers = {}
        for name in arrays.pop(f"{_HEADER}.layers").tolist():
            held = {
                field.name: arrays[f"{name}.{field.name}"]
                for field in fields(LayerSums)
                if f"{name}.{field.name}" in arrays
            }
            shape = tuple(int(size) for size in held.pop("kernel_shape"))
            layers[name] = LayerSums(kernel_shape=shape, samples=int(held.pop("samples")), **held)
        header = {
            field.name: arrays[f"{_HEADER}.{field.name}"].tolist()
            for field in fields(PatternSums)
            if field.name != "layers"
        }
        header["shards"] = tuple(header["shards"])
        return PatternSums(layers=layers, **header)
    except (KeyError, TypeError) as error:
        raise ArrayFileError(
            f"{path}: not a file of pattern sums ({error}); delete the file and run the rule that makes it"
        ) from error
