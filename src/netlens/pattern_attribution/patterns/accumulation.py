"""Compute the sums that pattern estimators need over images, without ever building the patch matrix.

X'm and X'(Y*m) of a convolution are its kernel gradients with the cotangents m and Y*m. Where a unit is active,
Y = max(0, Y + b) - b, so the output of the network's own ReLU serves. Sum Y is W' sum X, and the sum of X
over all patches follows from the sum of the inputs over the images. Units of grouped and depthwise convolutions have
the X of their group (`netlens.models.keras.kernel_layers`).

Within a batch the sums are computed in the network's precision, across batches in float64. Batches and blocks of
batches start at fixed images, and shards consist of whole blocks, so the same numbers are added for any number of
shards. Dense layers are multiplied block by block: a kernel such as VGG-16's 25088 x 4096 is too large to be read for
every small batch.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from netlens.images.batches import Batch, Images, Preprocess, batches_of, read_batches
from netlens.models.backend import tf, tf1
from netlens.pattern_attribution.patterns.convolution import kernel_gradient, sum_of_patches
from netlens.pattern_attribution.patterns.network_graph import KernelTensors, network_graph
from netlens.pattern_attribution.patterns.statistics import (
    ESTIMATORS,
    MATRICES,
    Float,
    Int,
    LayerSums,
    PatternSums,
    PatternSumsError,
    estimator_names,
    matrices_for,
)

#: Units of a layer whose kernel is held in float64 at once.
_UNITS = 512
# Images in a block, and how many blocks there are at least, so that small image sets can be dealt to shards too.
_BLOCK_IMAGES = 64
_LEAST_BLOCKS = 10


def pattern_sums(
    model: Any,
    images: Images,
    *,
    estimators: str | Iterable[str] = ESTIMATORS,
    preprocess: Preprocess | None = None,
    batch_size: int = 8,
    block_images: int | None = None,
    shard: tuple[int, int] = (1, 1),
    precision: str = "float32",
    progress: bool = True,
) -> PatternSums:
    """Compute the sums that pattern estimators need over images, for every layer with a kernel.

    Memory does not depend on the number of images: it holds the network twice, one batch's activations, a block's
    inputs of the Dense layers, and the float64 sums, each the size of a kernel.

    Parameters
    ----------
    model
        A Keras functional or Sequential model of Conv2D (grouped or not), DepthwiseConv2D and Dense layers (any
        stride, padding, dilation) and layers without kernels; folded, which also splits separable convolutions
        (`netlens.models.keras.folding.fold_batch_normalization`).
    images
        Batches of n images when sliced, shape (n, H, W, C), or whatever `preprocess` takes.
    estimators
        Which estimators the sums are for: any of ``linear``, ``relu``, ``relu.negative``, ``two_component``.
        ``relu`` or ``relu.negative`` alone needs two kernel gradients per batch, ``linear`` one, all of them three.
    preprocess
        Converts a slice of `images` to the network's float32 input. Default: no conversion.
    batch_size
        Images per batch.
    block_images
        Images after which a Dense layer's sums are updated, rounded down to whole batches; shards consist of whole
        blocks. Default: 64, or a tenth of the images where that is less.
    shard
        (k, n): sum only the k-th of n parts of the images, counted from 1.
    precision
        ``float32`` (as the network runs) or ``float64`` (several times slower).
    progress
        Draw a progress bar on stderr.

    Returns
    -------
    netlens.pattern_attribution.patterns.statistics.PatternSums

    Raises
    ------
    netlens.models.errors.UnsupportedLayerError
        The model has a layer that patterns are not defined for; the message names it.
    netlens.pattern_attribution.patterns.statistics.PatternSumsError
        An argument is invalid, the images do not fit the network, or a sum is not finite.
    """
    (sums,) = sums_by_shard(
        model,
        images,
        [shard[0]],
        shard[1],
        estimators=estimators,
        preprocess=preprocess,
        batch_size=batch_size,
        block_images=block_images,
        precision=precision,
        progress=progress,
    )
    return sums


def sums_by_shard(
    model: Any,
    images: Images,
    shards: Sequence[int],
    shards_count: int,
    *,
    estimators: str | Iterable[str] = ESTIMATORS,
    preprocess: Preprocess | None = None,
    batch_size: int = 8,
    block_images: int | None = None,
    precision: str = "float32",
    progress: bool = True,
) -> Iterator[PatternSums]:
    """Compute the sums of several shards, one after the other, in one graph.

    Parameters
    ----------
    model, images, estimators, preprocess, batch_size, block_images, precision, progress
        As in `pattern_sums`.
    shards
        Which shards, counted from 1.
    shards_count
        Into how many shards the images are dealt.

    Yields
    ------
    netlens.pattern_attribution.patterns.statistics.PatternSums
        Of each shard; one at a time is in memory if the caller keeps none.

    Raises
    ------
    netlens.models.errors.UnsupportedLayerError, netlens.pattern_attribution.patterns.statistics.PatternSumsError
        As in `pattern_sums`.
    """
    needed = matrices_for(estimator_names(estimators))
    size = block_images if block_images is not None else min(_BLOCK_IMAGES, max(1, len(images) // _LEAST_BLOCKS))
    blocks = {shard: _blocks(len(images), batch_size, size, (shard, shards_count)) for shard in shards}
    if precision not in {"float32", "float64"}:
        raise PatternSumsError(f"precision is {precision!r}; choose 'float32' or 'float64'")
    with network_graph(model, precision=precision) as network:
        layers = [_accumulator(tensors, needed) for tensors in network.tensors]
        fetches = [layer.fetches for layer in layers]
        for shard in shards:
            batches = [batch for block in blocks[shard] for batch in block]
            last_of_block = {block[-1] for block in blocks[shard]}
            network.session.run([layer.initializers for layer in layers])
            for layer in layers:
                layer.start(max(batch_size, size))
            label = f"pattern sums, shard {shard} of {shards_count}"
            # NaN is reported by layer at the end, not by numpy along the way.
            with np.errstate(invalid="ignore"):
                for batch, inputs in read_batches(
                    images, batches, preprocess, network.input_shape, label=label, progress=progress
                ):
                    fetched = network.session.run(fetches, {network.images: inputs})
                    for layer, values in zip(layers, fetched, strict=True):
                        layer.add(values, network.session, ends_block=batch in last_of_block)
                # All layers in one run, since each new fetch prepares the whole graph again.
                totals = network.session.run([layer.totals for layer in layers])
                summed = {
                    layer.tensors.layer.name: layer.sums(values, network.session)
                    for layer, values in zip(layers, totals, strict=True)
                }
            yield PatternSums(
                layers=summed,
                images=sum(stop - start for start, stop in batches),
                total_images=len(images),
                shard_count=shards_count,
                shards=(shard,),
                batch_size=batch_size,
                precision=precision,
                network=network.sha256,
            )


def _blocks(count: int, batch_size: int, block_images: int, shard: tuple[int, int]) -> list[list[Batch]]:
    """Deal the images to shards in blocks of batches, which are the same for any number of shards."""
    part, parts = shard
    if not 1 <= part <= parts:
        raise PatternSumsError(f"there is no shard {part} of {parts}; shards are counted from 1")
    if block_images < 1:
        raise PatternSumsError(f"block_images is {block_images}; it must be at least 1")
    batches = batches_of(count, batch_size)
    per_block = max(1, block_images // batch_size)
    blocks = [batches[first : first + per_block] for first in range(0, len(batches), per_block)]
    return blocks[len(blocks) * (part - 1) // parts : len(blocks) * part // parts]


def _accumulator(tensors: KernelTensors, needed: tuple[str, ...]) -> "_Accumulator":
    with tensors.z.graph.as_default():
        vectors = tensors.layer.kind == "dense" and tensors.x.shape.rank == 2
        return _DenseAccumulator(tensors, needed) if vectors else _GraphAccumulator(tensors, needed)


def _activity(tensors: KernelTensors) -> Any:
    """The mask m as numbers: 1 where a unit is active, 0 where it is not."""
    if tensors.threshold:
        output = tf.keras.activations.relu(tensors.z, threshold=tensors.threshold)
        return tf.cast(output > 0, tensors.z.dtype)
    return tf.sign(tensors.positive)


class _Accumulator(ABC):
    """Sums of one layer in the making.

    Attributes
    ----------
    fetches
        What a run of the graph fetches for `add`.
    initializers
        What the graph runs first.
    totals
        What is fetched at the end, for `sums`.
    """

    fetches: Any
    initializers: Sequence[Any] = ()

    def __init__(self, tensors: KernelTensors) -> None:
        self.tensors = tensors
        self.totals: dict[str, Any] = {}

    @abstractmethod
    def start(self, block_images: int) -> None:
        """Make room for a block."""

    @abstractmethod
    def add(self, values: Any, session: Any, *, ends_block: bool) -> None:
        """Add what was fetched for a batch."""

    @abstractmethod
    def finish(self, totals: dict[str, Any]) -> tuple[int, Float, Int, dict[str, Float]]:
        """Return the number of samples, sum X as in `LayerSums`, the active counts and the kernel-sized sums."""

    @abstractmethod
    def outputs(self, x: Float, totals: Mapping[str, Any], session: Any) -> Float:
        """Return sum Y = W' sum X."""

    def sums(self, totals: dict[str, Any], session: Any) -> LayerSums:
        """Return the sums, from what was fetched of `totals`."""
        samples, x, active, matrices = self.finish(totals)
        layer = self.tensors.layer
        for part, values in {"x": x, **matrices}.items():
            if not all(np.isfinite(row).all() for row in values):
                raise PatternSumsError(
                    f"layer {layer.name!r}: {part} is not finite; check the images and the weights for NaN"
                )
        y = self.outputs(x, totals, session)
        return LayerSums(layer.kernel_shape, samples, x, y, active, **matrices)


class _GraphAccumulator(_Accumulator):
    """A convolution (or a Dense layer on maps): the sums stay in the graph, on its device.

    Y is centred by its mean c over the batch, so that the rounding of the products is that of the covariance, not of
    much larger means: X'(Y*m) = X'((Y - c)*m) + c X'm, the sum and the product in float64. And where both sides of the
    ReLU are wanted, X'm is taken of the side with fewer samples, and the other side is what is left of X'1.
    """

    def __init__(self, tensors: KernelTensors, needed: tuple[str, ...]) -> None:
        super().__init__(tensors)
        units, inputs = tensors.layer.units, tensors.layer.inputs
        dtype, mask = tensors.z.dtype, _activity(tensors)

        def product(cotangent: Any) -> Any:
            return tf.cast(
                tf.reshape(kernel_gradient(tensors.layer, tensors.x, cotangent), (inputs, units)), tf.float64
            )

        samples = tf.size(mask, out_type=tf.int64) // units
        count = _count(mask)
        x = sum_of_patches(tensors.layer, tensors.x)
        mean_x = tf.cast(x / tf.cast(samples, tf.float64), dtype)
        weights = tf.reshape(tensors.kernel, (inputs, units))
        if tensors.layer.groups == 1:
            mean_y = tf.linalg.matvec(weights, mean_x[:, 0], transpose_a=True)
        else:
            mean_y = tf.reduce_sum(weights * mean_x, 0)
        mean_z = mean_y + tensors.bias
        shift = tf.cast(mean_z, tf.float64) - tensors.bias.astype(np.float64)

        active = tf.nn.bias_add(tensors.positive, -mean_z) * mask
        made = {"samples": samples, "x": x, "active": count}
        if "x_active" in needed:
            if "xy_inactive" in needed:
                mostly = 2 * count > tf.cast(samples, tf.float64)
                fewer = product(tf.abs(mask - tf.cast(mostly, dtype)))
                made["x_active"] = tf.where(mostly, x - fewer, fewer)
            else:
                made["x_active"] = product(mask)
        if "xy_active" in needed:
            made["xy_active"] = product(active) + shift * made["x_active"]
        if "xy_inactive" in needed:
            inactive = tf.nn.bias_add(tensors.z, -mean_z) - active
            made["xy_inactive"] = product(inactive) + shift * (x - made["x_active"])
        if "xy" in needed:
            made["xy"] = product(tf.nn.bias_add(tensors.z, -mean_z)) + shift * x

        totals = {name: _zero_like(value) for name, value in made.items()}
        self.initializers = [total.initializer for total in totals.values()]
        self.fetches = [total.assign_add(made[name], read_value=False) for name, total in totals.items()]
        self.totals = {**totals, "weights": weights}

    def start(self, block_images: int) -> None:
        """The graph makes room by itself."""

    def add(self, values: Any, session: Any, *, ends_block: bool) -> None:
        """The graph adds by itself."""

    def finish(self, totals: dict[str, Any]) -> tuple[int, Float, Int, dict[str, Float]]:
        matrices = {name: value for name, value in totals.items() if name in MATRICES}
        x = totals["x"][:, 0] if self.tensors.layer.groups == 1 else totals["x"]
        return int(totals["samples"]), x, np.rint(totals["active"]).astype(np.int64), matrices

    def outputs(self, x: Float, totals: Mapping[str, Any], session: Any) -> Float:
        weights = totals["weights"].astype(np.float64)
        return np.asarray(x @ weights if x.ndim == 1 else np.sum(x * weights, axis=0))


def _zero_like(value: Any) -> Any:
    """A variable of the graph for the sum of such values; its zeros are made in the graph, when it is initialized."""
    return tf.Variable(lambda: tf.zeros(value.shape, value.dtype), trainable=False, dtype=value.dtype)


def _count(mask: Any) -> Any:
    """How many samples have each unit active; image by image, since float32 counts to 2^24 only."""
    maps = tf.reshape(mask, (tf.shape(mask)[0], -1, mask.shape[-1]))
    return tf.reduce_sum(tf.cast(tf.reduce_sum(maps, 1), tf.float64), 0)


class _DenseAccumulator(_Accumulator):
    """A Dense layer on vectors: a block of rows is collected, and everything after its input is float64.

    The sums are kept outside the graph, which makes the products, some units at a time.
    """

    def __init__(self, tensors: KernelTensors, needed: tuple[str, ...]) -> None:
        super().__init__(tensors)
        self.fetches = [tensors.x, _activity(tensors)]
        self._rows = tf1.placeholder(tf.float64, (None, tensors.layer.inputs))
        # Y of some rows of X, in parts: the kernel is never there in float64 as a whole.
        self._outputs = [tf.matmul(self._rows, tf.cast(tensors.kernel[:, part], tf.float64)) for part in self._parts()]
        self._mask = tf1.placeholder(tf.float64, (None, None))
        self._added = []
        for y in self._outputs:
            active = y * self._mask
            cotangents = {"x_active": self._mask, "xy_active": active, "xy_inactive": y - active, "xy": y}
            self._added.append({name: tf.matmul(self._rows, cotangents[name], transpose_a=True) for name in needed})
        self._needed = needed

    def start(self, block_images: int) -> None:
        inputs, units = self.tensors.layer.kernel_shape
        self._samples = self._filled = 0
        self._x = np.zeros(inputs)
        self._active = np.zeros(units, np.int64)
        self._sums = {name: np.zeros((inputs, units)) for name in self._needed}
        self._block = [np.empty((block_images, inputs)), np.empty((block_images, units))]

    def add(self, values: Any, session: Any, *, ends_block: bool) -> None:
        rows = slice(self._filled, self._filled + len(values[0]))
        self._filled = rows.stop
        for collected, value in zip(self._block, values, strict=True):
            collected[rows] = value
        if ends_block:
            x, mask = (collected[: self._filled] for collected in self._block)
            self._add_block(x, mask, session)
            self._filled = 0

    def _add_block(self, x: Float, mask: Float, session: Any) -> None:
        self._samples += len(x)
        self._x += x.sum(axis=0)
        self._active += np.count_nonzero(mask, axis=0)
        for part, added in zip(self._parts(), self._added, strict=True):
            for name, value in session.run(added, {self._rows: x, self._mask: mask[:, part]}).items():
                self._sums[name][:, part] += value

    def _parts(self) -> list[slice]:
        """Cut the units into parts that are worked on at once."""
        units = self.tensors.layer.units
        return [slice(start, min(start + _UNITS, units)) for start in range(0, units, _UNITS)]

    def finish(self, totals: dict[str, Any]) -> tuple[int, Float, Int, dict[str, Float]]:
        return self._samples, self._x, self._active, self._sums

    def outputs(self, x: Float, totals: Mapping[str, Any], session: Any) -> Float:
        parts = session.run(self._outputs, {self._rows: x[None]})
        return np.concatenate([part[0] for part in parts])
