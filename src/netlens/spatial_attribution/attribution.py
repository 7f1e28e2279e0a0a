"""Spatial attribution: how much each position of a layer adds to a class, or to a position of a later layer.

Source: Olah et al. 2018, "The Building Blocks of Interpretability" (Distill), and its notebooks. With ``act`` the
activations of a layer, (height, width, channels):

- to a class: ``S[x, y] = sum_c act[x, y, c] * d logit / d act[x, y, c]``
- between layers: ``T[i, j, x, y] = sum_c act_1[x, y, c] * d ||act_2[i, j]|| / d act_1[x, y, c]``; 0 where
  ``act_2[i, j]`` is all zero, where the norm has no gradient.
"""

import difflib
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.models.backend import tf1
from netlens.models.frozen.frozen_network import INPUT, FrozenLayer, FrozenNetwork, imported
from netlens.models.frozen.reach import reaches
from netlens.spatial_attribution.choices import AttributionError, Gradient
from netlens.spatial_attribution.pooling_gradients import pooling_gradient

Array = NDArray[np.float32]
Progress = Callable[[int, int], None]

# Forward values, their gradients, and the work space of convolutions.
_COPIES: Final = 3


class SpatialAttribution:
    """Spatial attribution of one network with one gradient of max-pooling, used in a ``with`` block.

    The graph of a layer, or of a pair of layers, is built on first use and kept, so the next call is fast.

    Parameters
    ----------
    network
        A frozen network.
    gradient
        Gradient of max-pooling: ``true``, ``smooth`` or ``smooth_blur``
        (`netlens.spatial_attribution.pooling_gradients`).
    memory_mb
        Approximate memory for the tensors of one run, in megabytes; work is split accordingly, down to single passes.

    Raises
    ------
    AttributionError
        There is no such gradient, or the memory is not positive.

    References
    ----------
    Olah et al. 2018, "The Building Blocks of Interpretability", Distill.

    Examples
    --------
    ::

        with SpatialAttribution(network, gradient="smooth_blur") as attribution:
            maps = attribution.to_classes(images, "mixed4d", [281, 207])
            pairs = attribution.between(images[0], "mixed4a", "mixed4d")
    """

    def __init__(self, network: FrozenNetwork, *, gradient: Gradient = "true", memory_mb: float = 1024) -> None:
        if memory_mb <= 0:
            raise AttributionError(f"memory_mb is {memory_mb}; it must be positive")
        self.network = network
        self.gradient: Gradient = gradient
        self.memory_mb = memory_mb
        self._graph = tf1.Graph()
        with self._graph.as_default(), pooling_gradient(self._graph, gradient):
            images = tf1.placeholder(tf1.float32, (None, *network.input_shape), name="images")
            self._images = images
            self._layers = imported(network, {INPUT: images})
        self.output = self._graph.get_tensor_by_name(f"network/{network.output_node}:0")
        self._session = tf1.Session(graph=self._graph)
        self._to_class: dict[tuple[str, ...], _ToClass] = {}
        self._between: dict[tuple[str, str], _Between] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the memory of the session."""
        self._session.close()

    def activations(self, images: ArrayLike, layer: str) -> Array:
        """Compute a layer's activations.

        Parameters
        ----------
        images
            (n, height, width, 3), preprocessed.
        layer
            Name of a layer with positions.

        Returns
        -------
        ndarray
            (n, layer height, layer width, channels), float32.

        Raises
        ------
        NetworkError
            There is no such layer.
        AttributionError
            The layer has no positions, or the images have the wrong size.
        """
        self._positions(layer)
        return np.asarray(self._session.run(self._layers[layer], {self._images: self._checked(images)}))

    def logits(self, images: ArrayLike) -> Array:
        """Compute the logits, (n, classes), of preprocessed images (n, height, width, 3)."""
        return np.asarray(self._session.run(self.output, {self._images: self._checked(images)}))

    def to_classes(
        self, images: ArrayLike, layer: str, classes: ArrayLike, *, progress: Progress | None = None
    ) -> Array:
        """Compute class attribution at a layer.

        Parameters
        ----------
        images
            (n, height, width, 3), preprocessed.
        layer
            Name of a layer with positions.
        classes
            Indices of logits: (k,), the same for every image, or (n, k).
        progress
            Called with the number of classes of images done, and their number in all.

        Returns
        -------
        ndarray
            (n, k, layer height, layer width), float32.

        Raises
        ------
        NetworkError
            There is no such layer.
        AttributionError
            The layer has no positions, the logits do not depend on it, the images have the wrong size, or there is no
            such class.
        """
        return self.to_classes_at(images, [layer], classes, progress=progress)[0]

    def to_classes_at(
        self, images: ArrayLike, layers: Sequence[str], classes: ArrayLike, *, progress: Progress | None = None
    ) -> list[Array]:
        """Compute class attribution at several layers, with one backward pass for all of them.

        Parameters
        ----------
        images, classes, progress
            As in `to_classes`.
        layers
            Names of layers with positions.

        Returns
        -------
        list of ndarray
            One array per layer, (n, k, layer height, layer width), float32.

        Raises
        ------
        NetworkError, AttributionError
            As `to_classes`.
        """
        places = [self._positions(layer) for layer in layers]
        inputs, wanted = self._checked(images), self._checked_classes(classes, len(np.asarray(images)))
        count, names = wanted.shape[1], tuple(layers)
        if names not in self._to_class:
            self._to_class[names] = _ToClass(self, names)
        part = self._to_class[names]
        owners = np.repeat(np.arange(len(inputs)), count)
        flat = wanted.reshape(-1)
        maps = [np.empty((len(flat), place.height or 0, place.width or 0), np.float32) for place in places]
        step = part.most_at_once
        for start in range(0, len(flat), step):
            chosen = slice(start, start + step)
            feed = {self._images: inputs[owners[chosen]], part.classes: flat[chosen]}
            for whole, values in zip(maps, self._session.run(part.maps, feed), strict=True):
                whole[chosen] = values
            if progress:
                progress(min(start + step, len(flat)), len(flat))
        return [whole.reshape(len(inputs), count, *whole.shape[1:]) for whole in maps]

    def between(self, image: ArrayLike, source: str, target: str, *, progress: Progress | None = None) -> Array:
        """Compute position-to-position attribution.

        Parameters
        ----------
        image
            (height, width, 3), preprocessed.
        source, target
            Names of layers with positions, the earlier first.
        progress
            Called with the number of backward passes done and the number of them in all.

        Returns
        -------
        ndarray
            (target height, target width, source height, source width), float32.

        Raises
        ------
        NetworkError
            There is no such layer.
        AttributionError
            A layer has no positions, `target` does not depend on `source`, or the image has the wrong size.

        Notes
        -----
        Target positions whose receptive fields in the source do not overlap share a backward pass, and passes run in
        batches.
        """
        for name in (source, target):
            self._positions(name)
        if (source, target) not in self._between:
            self._between[source, target] = _Between(self, source, target)
        return self._between[source, target](self._session, self._checked(np.asarray(image)[None]), progress)

    def batch_limit(self, source: Any, target: Any) -> int:
        """Return how many passes from `source` to `target` fit into the memory."""
        bytes_each = max(1, _bytes_between(source, target) * _COPIES)
        return max(1, int(self.memory_mb * 1e6 / bytes_each))

    def _positions(self, name: str) -> FrozenLayer:
        layer = self.network.layer(name)
        if layer.height is None or layer.width is None:
            raise AttributionError(f"layer {name!r} of network {self.network.name!r} has no positions")
        return layer

    def _checked(self, images: ArrayLike) -> Array:
        inputs = np.asarray(images, dtype=np.float32)
        if inputs.shape[1:] != tuple(self.network.input_shape) or not len(inputs):
            wanted = " x ".join(map(str, self.network.input_shape))
            raise AttributionError(
                f"network {self.network.name!r} takes images of {wanted}, but the array has shape {inputs.shape}"
            )
        return inputs

    def _checked_classes(self, classes: ArrayLike, images_count: int) -> NDArray[np.int64]:
        given = np.asarray(classes)
        if given.dtype.kind not in "iu" or given.ndim not in (1, 2) or (given.ndim == 2 and len(given) != images_count):
            raise AttributionError(
                f"classes must be indices of shape (k,) or ({images_count}, k), but the array has shape {given.shape} "
                f"and type {given.dtype}"
            )
        count = len(self.network.class_names)
        if given.size and (given.min() < 0 or given.max() >= count):
            wrong = int(given[(given < 0) | (given >= count)][0])
            raise AttributionError(
                f"there is no class {wrong}; network {self.network.name!r} has classes 0 to {count - 1}"
            )
        return np.broadcast_to(given, (images_count, given.shape[-1])).astype(np.int64)


def class_indices(network: FrozenNetwork, names: Sequence[str]) -> NDArray[np.int64]:
    """Return the indices of classes by name or id, as the network's logits are ordered.

    Two classes of one name have their ids added to it, as in ``crane (n02012849)``.

    Raises
    ------
    AttributionError
        There is no class of that name; the message lists the closest names.
    """
    known = {name: index for index, name in enumerate(network.class_names)}
    by_id = {each: index for index, each in enumerate(network.class_ids)}
    found = []
    for name in names:
        index = known.get(name, by_id.get(name))
        if index is None:
            alike = [other for other in known if other.startswith(f"{name} (")]
            near = alike or difflib.get_close_matches(name, known, n=3, cutoff=0.5) or list(network.class_names[:5])
            raise AttributionError(
                f"network {network.name!r} has no class {name!r}; its {len(known)} classes include {', '.join(near)}"
            )
        found.append(index)
    return np.array(found, dtype=np.int64)


class _ToClass:
    """The graph of class attribution at some layers."""

    def __init__(self, owner: SpatialAttribution, layers: Sequence[str]) -> None:
        network = owner.network
        with owner._graph.as_default():
            activations = [owner._layers[layer] for layer in layers]
            logits = owner.output
            self.classes = tf1.placeholder(tf1.int64, (None,))
            chosen = tf1.one_hot(self.classes, len(network.class_names), dtype=logits.dtype)
            gradients = tf1.gradients(logits, activations, chosen)
            for layer, gradient in zip(layers, gradients, strict=True):
                if gradient is None:
                    raise AttributionError(f"the logits of network {network.name!r} do not depend on layer {layer!r}")
            self.maps = [
                tf1.reduce_sum(values * gradient, axis=-1)
                for values, gradient in zip(activations, gradients, strict=True)
            ]
        self.most_at_once = owner.batch_limit(owner._images, logits)


class _Between:
    """The graph of position-to-position attribution of one pair of layers."""

    def __init__(self, owner: SpatialAttribution, source: str, target: str) -> None:
        graph = owner._graph
        if source == target:
            raise AttributionError(f"source and target are both {source!r}; name two layers, the earlier first")
        self._original = owner._layers[source]
        self._images = owner._images
        # A second copy starts from the source's activations, so that batched passes do not compute them again.
        # Paths that reach the target around the source still start from the image.
        with graph.as_default(), pooling_gradient(graph, owner.gradient):
            self._source = tf1.placeholder(tf1.float32, self._original.shape)
            layers = imported(
                owner.network, {INPUT: owner._images, source: self._source}, name=f"from_{len(owner._between)}"
            )
            later = layers[target]
            self._mask = tf1.placeholder(tf1.float32, (None, *later.shape[1:3]))
            norm = tf1.norm(later, axis=-1, keepdims=True)
            # A zero activation divided by one stays zero.
            unit = later / tf1.where(norm > 0, norm, tf1.ones_like(norm))
            (gradient,) = tf1.gradients(later, self._source, unit * self._mask[..., None])
            if gradient is None:
                raise AttributionError(
                    f"layer {target!r} does not depend on layer {source!r}; name the earlier layer first"
                )
            self._maps = tf1.reduce_sum(self._source * gradient, axis=-1)
        self._rows, self._columns = reaches(self._source, later, blurred_pools=owner.gradient == "smooth_blur")
        self._at_once = owner.batch_limit(self._source, later)

    def __call__(self, session: Any, image: Array, progress: Progress | None) -> Array:
        activations = session.run(self._original, {self._images: image})
        height, width = len(self._rows.first), len(self._columns.first)
        down, across = self._rows.spacing(), self._columns.spacing()
        groups = [(i, j) for i in range(min(down, height)) for j in range(min(across, width))]
        masks = np.zeros((len(groups), height, width), np.float32)
        for mask, (i, j) in zip(masks, groups, strict=True):
            mask[i::down, j::across] = 1
        result = np.zeros((height, width, *activations.shape[1:3]), np.float32)
        for start in range(0, len(groups), self._at_once):
            part = masks[start : start + self._at_once]
            feed = {
                self._source: np.broadcast_to(activations, (len(part), *activations.shape[1:])),
                self._images: np.broadcast_to(image, (len(part), *image.shape[1:])),
                self._mask: part,
            }
            for shared, (i, j) in zip(session.run(self._maps, feed), groups[start:], strict=False):
                self._hand_out(shared, result, range(i, height, down), range(j, width, across))
            if progress:
                progress(start + len(part), len(groups))
        return result

    def _hand_out(self, shared: Array, result: Array, rows: range, columns: range) -> None:
        """Copy to each position of a shared pass the part of the map inside its receptive field."""
        for i in rows:
            down = slice(self._rows.first[i], self._rows.last[i] + 1)
            for j in columns:
                across = slice(self._columns.first[j], self._columns.last[j] + 1)
                result[i, j, down, across] = shared[down, across]


def _bytes_between(source: Any, target: Any) -> int:
    """Return the size in bytes of the tensors of one pass from `source` to `target`; unknown sizes count as 0."""
    total, seen, pending = 0, {source.name}, [target]
    while pending:
        tensor = pending.pop()
        if tensor.name in seen:
            continue
        seen.add(tensor.name)
        pending.extend(tensor.op.inputs)
        # Constants have no batch axis and exist once.
        if tensor.op.type != "Const" and tensor.shape.rank and tensor.shape[0] is None:
            total += int(np.prod([size or 0 for size in tensor.shape[1:]])) * tensor.dtype.size
    return total
