"""Relevance that enters at any layer and goes back from there, for every analyzer that reverses a network.

iNNvestigate starts at the logits. Its backward graph, once built, has a tensor for the relevance of every layer's
output, and TensorFlow takes any value for a tensor in place of the one that it would compute. So relevance enters at a
layer by feeding that tensor, and one graph serves all layers, classes and images.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import netlens.models.backend  # noqa: F401  (first: iNNvestigate imports TensorFlow, and does not configure it as needed)

# isort: split
import innvestigate
import innvestigate.backend as ibackend
import innvestigate.backend.graph as igraph
import numpy as np
from innvestigate.analyzer.base import NotAnalyzeableModelException
from innvestigate.analyzer.reverse_base import ReverseAnalyzerBase
from numpy.typing import ArrayLike, NDArray

from netlens.explanation_checks.choices import METHODS, CheckError
from netlens.models.backend import keras, tf1
from netlens.models.own_graph import graph_of_its_own
from netlens.pattern_attribution.analyzers import pattern_analyzers
from netlens.pattern_attribution.analyzers.pattern_analyzers import Patterns
from netlens.pattern_attribution.analyzers.reversal import UndefinedLayerError
from netlens.pattern_attribution.analyzers.reversible_copy import reversible_copy

Float = NDArray[np.floating[Any]]

#: What the image itself is called among the layers.
INPUT: Final = "input"


class RefusedError(CheckError):
    """A method is not defined for a network; the message says why, and names the layer where it is known."""


class BackwardPass:
    """The backward graph of one analyzer, into which relevance can be fed at any layer.

    Parameters
    ----------
    analyzer
        An analyzer of a model with one input and one output, made with ``neuron_selection_mode="all"`` and
        ``reverse_keep_tensors=True``.

    Raises
    ------
    CheckError
        The analyzer does not reverse the network layer by layer, or was made with other options.
    """

    def __init__(self, analyzer: Any) -> None:
        name = type(analyzer).__name__
        if not isinstance(analyzer, ReverseAnalyzerBase):
            raise CheckError(f"{name} does not go back layer by layer, so relevance cannot enter at a layer")
        if analyzer._neuron_selection_mode != "all" or not analyzer._reverse_keep_tensors:
            raise CheckError(f'make {name} with neuron_selection_mode="all" and reverse_keep_tensors=True')
        analyzer.create_analyzer_model()
        model = analyzer._prepared_model
        first, last = analyzer._debug_tensors_indices["keep"]
        kept = analyzer._analyzer_model.outputs[analyzer._n_data_output :][first:last]
        places = analyzer._reverse_tensors_mapping.values()
        found = {layer: tensor for layer, tensor in zip(_named(model, places), kept, strict=True) if layer is not None}
        self._images = model.inputs[0]
        self._layers = {layer: found[layer] for layer in _order(model) if layer in found}
        # What `analyze` returns, after the analyzer's own last step.
        self._layers[INPUT] = analyzer._analyzer_model.outputs[0]
        self._logits = model.outputs[0]
        self._run = tf1.keras.backend.get_session().run

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers whose outputs have a relevance, from the first to the logits' layer."""
        return tuple(layer for layer in self._layers if layer != INPUT)

    def head(self, images: ArrayLike) -> Float:
        """Return the relevance that the method itself gives each logit, (n, classes); the gradient's is 1."""
        found: Float = self._run(self._layers[self.layers[-1]], {self._images: images})
        return found

    def logits(self, images: ArrayLike) -> Float:
        """Return the logits, (n, classes)."""
        found: Float = self._run(self._logits, {self._images: images})
        return found

    def shape(self, layer: str) -> tuple[int, ...]:
        """Return the shape of the relevance of a layer's output, without the images."""
        return tuple(int(size) for size in self._tensor(layer).shape[1:])

    def enter(
        self, images: ArrayLike, layer: str, relevance: ArrayLike, wanted: Iterable[str] = (INPUT,)
    ) -> dict[str, Float]:
        """Return what arrives at the layers `wanted` of a relevance that enters at a layer; see `relevances_from`."""
        tensor = self._tensor(layer)
        values = np.asarray(relevance, np.float32)
        if values.shape != (len(np.asarray(images)), *self.shape(layer)):
            raise CheckError(
                f"relevance of shape {values.shape} cannot enter at {layer} for {len(np.asarray(images))} images; "
                f"it has shape {self.shape(layer)} in each"
            )
        tensors = {name: self._tensor(name) for name in wanted}
        # Nothing else may arrive: relevance of the logits would come down a shortcut around the layer.
        head = self._tensor(self.layers[-1])
        fed = {head: np.zeros((len(values), *self.shape(self.layers[-1])), np.float32), tensor: values}
        found: dict[str, Float] = self._run(tensors, {self._images: images, **fed})
        return found

    def _tensor(self, layer: str) -> Any:
        if layer not in self._layers:
            raise CheckError(f"no relevance enters at {layer!r}; the layers are {', '.join(self._layers)}")
        return self._layers[layer]


def relevances_from(
    analyzer: Any, images: ArrayLike, layer: str, relevance: ArrayLike, wanted: Iterable[str] = (INPUT,)
) -> dict[str, Float]:
    """Compute the relevance of earlier layers that follows from a given relevance of one layer's output.

    For the gradient it is the product of the relevance with the Jacobian of the layer's output.

    Parameters
    ----------
    analyzer
        An analyzer of iNNvestigate that goes back layer by layer, PatternNet and PatternAttribution among them, made
        with ``neuron_selection_mode="all"`` and ``reverse_keep_tensors=True``; or a `BackwardPass`, which keeps the
        graph that is otherwise built anew for each call.
    images
        (n, height, width, channels), as the model takes them.
    layer
        Name of the layer of the model at whose output the relevance enters.
    relevance
        (n, ...), shaped as the layer's output.
    wanted
        Names of the layers whose relevance is returned; ``input`` is the image itself.

    Returns
    -------
    dict
        Relevance by layer, (n, ...), shaped as the layer's output.

    Raises
    ------
    CheckError
        There is no such layer, the shape does not fit, or the analyzer does not go back layer by layer.
    """
    backward = analyzer if isinstance(analyzer, BackwardPass) else BackwardPass(analyzer)
    return backward.enter(images, layer, relevance, wanted)


class Explainer:
    """One method on one network.

    Parameters
    ----------
    method
        A key of `netlens.explanation_checks.choices.METHODS`.
    backward
        The backward graph of its analyzer.
    """

    def __init__(self, method: str, backward: BackwardPass) -> None:
        self.method = method
        self.backward = backward

    def maps(self, images: ArrayLike, classes: ArrayLike, batch_size: int = 16) -> NDArray[np.float64]:
        """Explain a logit of each image.

        Parameters
        ----------
        images
            (n, height, width, channels), preprocessed.
        classes
            (n,), indices of logits.
        batch_size
            Images per run, which bounds the memory.

        Returns
        -------
        ndarray
            (n, height, width): relevance of each pixel, summed over the channels.
        """
        inputs, wanted = np.asarray(images, np.float32), np.asarray(classes)
        last = self.backward.layers[-1]
        parts = []
        for start in range(0, len(inputs), batch_size):
            batch, chosen = inputs[start : start + batch_size], wanted[start : start + batch_size]
            head = self.backward.head(batch)
            selected = np.zeros_like(head)
            selected[np.arange(len(batch)), chosen] = head[np.arange(len(batch)), chosen]
            arrived = self.last_step(self.backward.enter(batch, last, selected)[INPUT], batch)
            parts.append(arrived.sum(axis=-1, dtype=np.float64))
        return np.concatenate(parts)

    def last_step(self, relevance: Float, images: Float) -> Float:
        """Return what the method makes of the relevance that arrived at the image, shaped as the images."""
        return relevance * images if METHODS[self.method].times_input else relevance


@contextmanager
def explainer(
    model: Any, method: str, patterns: Patterns | None = None, *, weights: Sequence[NDArray[Any]] | None = None
) -> Iterator[Explainer]:
    """Open a method on a copy of a network, in a graph of its own that is gone afterwards.

    Parameters
    ----------
    model
        A Keras model whose output is the logits, (n, classes), without batch normalization.
    method
        A key of `netlens.explanation_checks.choices.METHODS`.
    patterns
        Patterns of its layers with kernels.
    weights
        Weights of the copy, as of ``set_weights``; needed inside of another explainer, whose session does not have
        those of `model`. Default: those of `model`.

    Yields
    ------
    Explainer

    Raises
    ------
    RefusedError
        The method is not defined for the model, or needs patterns and there are none.
    """
    pattern_analyzers.register()
    entry = METHODS[method]
    if entry.needs_patterns and patterns is None:
        raise RefusedError(f"{entry.label} needs patterns")
    options: Mapping[str, Any] = {"patterns": patterns} if entry.needs_patterns else {}
    values = model.get_weights() if weights is None else weights
    with graph_of_its_own():
        copy = reversible_copy(model, entry.analyzer, values)
        try:
            backward = BackwardPass(
                innvestigate.create_analyzer(
                    entry.analyzer, copy, neuron_selection_mode="all", reverse_keep_tensors=True, **options
                )
            )
        except (UndefinedLayerError, NotAnalyzeableModelException) as error:
            raise RefusedError(f"{entry.label}: {str(error).splitlines()[0]}") from error
        except NotImplementedError as error:
            # What iNNvestigate raises, without words, behind a warning about layers.
            raise RefusedError(f"{entry.label}: iNNvestigate has no rule for some layer") from error
        yield Explainer(method, backward)


def _order(model: Any) -> list[str]:
    """Return the names of a model's layers in the order of their execution."""
    _, nodes, _ = igraph.trace_model_execution(model)
    return [layer.name for layer, _, _ in nodes]


def _named(model: Any, places: Iterable[tuple[int, int]]) -> list[str | None]:
    """Return the name of the layer whose output is at each place of the reverse engine's list.

    A place is (number of the layer that reads the tensor, index among what it reads); -1 is the model's output. None
    where the tensor is the model's input.
    """
    _, nodes, outputs = igraph.trace_model_execution(model)
    makers: dict[int, str | None] = {}
    for layer, _, made in nodes:
        for tensor in ibackend.to_list(made):
            makers[id(tensor)] = None if isinstance(layer, keras.layers.InputLayer) else layer.name
    readers = [ibackend.to_list(taken) for layer, taken, _ in nodes if not isinstance(layer, keras.layers.InputLayer)]
    ends = ibackend.to_list(outputs)
    return [makers[id((ends if node < 0 else readers[node])[index])] for node, index in places]
