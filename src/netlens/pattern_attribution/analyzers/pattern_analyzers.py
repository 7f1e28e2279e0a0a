"""PatternNet and PatternAttribution as analyzers of iNNvestigate 2.

Source: Kindermans et al. 2017, "Learning how to explain neural networks: PatternNet and PatternAttribution"
(arXiv 1705.05598). iNNvestigate 1.x had both methods; its 2.x release has neither.

>>> import innvestigate
>>> import netlens.pattern_attribution.analyzers  # registers them
>>> analyzer = innvestigate.create_analyzer("pattern.attribution", model, patterns=patterns)
>>> relevance = analyzer.analyze(images)

Both go backward from the VALUE of the selected logit. At a layer with kernel W and pattern A, relevance is kept where
the unit is active and then goes through the transpose of the layer, with W replaced by A (PatternNet) or by A * W,
elementwise (PatternAttribution). The bias counts only in deciding which units are active. Max-pooling, flattening,
concatenation, padding and layers of rectifiers (ReLU, ReLU6, LeakyReLU, PReLU) pass the plain gradient; dropout passes
everything. A rectifier fused into a layer with a kernel multiplies relevance by its derivative, too. The paper says
nothing of additions, and there are two rules for them (see the parameter `additions`).
"""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, get_args

import innvestigate.analyzer
import innvestigate.backend as ibackend
import innvestigate.backend.checks as ichecks
import innvestigate.backend.graph as igraph
import innvestigate.layers as ilayers
import numpy as np
from innvestigate.analyzer.reverse_base import ReverseAnalyzerBase
from numpy.typing import ArrayLike, NDArray

from netlens.files.arrays import ArrayFileError, load_arrays, save_arrays
from netlens.images.batches import Images, Preprocess
from netlens.models.backend import keras
from netlens.models.errors import listed
from netlens.models.keras.folding import fold_batch_normalization, is_folded
from netlens.models.keras.graph import check_keras_version, free_name
from netlens.models.keras.kernel_layers import describe_kernel, kernel_variable
from netlens.models.keras.layer_kinds import IDENTITY_LAYERS, KERNEL_LAYERS, UNSPOKEN_LAYERS
from netlens.pattern_attribution.analyzers.reversal import (
    AdditionReversal,
    KernelReversal,
    UndefinedLayerError,
    is_one_of,
    rectifier_of,
    set_kernels,
    why_undefined,
)
from netlens.pattern_attribution.analyzers.reversible_copy import count_past_names_of
from netlens.pattern_attribution.patterns.accumulation import pattern_sums
from netlens.pattern_attribution.patterns.estimators import estimate
from netlens.pattern_attribution.patterns.statistics import estimator_names

FloatArray = NDArray[np.floating[Any]]
Patterns = Mapping[str, ArrayLike] | Sequence[ArrayLike] | str | Path
#: How relevance goes back through an addition: all of it to each branch, or to each branch its share.
Additions = Literal["gradient", "shares"]


class PatternError(ValueError):
    """Patterns are missing, or do not fit the network."""


class UnstableAnalysisWarning(RuntimeWarning):
    """The result of an analysis contains infinities or NaN."""


class PatternNet(ReverseAnalyzerBase):  # type: ignore[misc]
    """PatternNet: the signal in the input that the selected logit responds to.

    Goes back through each layer with its pattern instead of its kernel. With patterns equal to the kernels it is the
    gradient times the logit's value.

    Parameters
    ----------
    model
        A Keras model that ends in logits: Dense, Conv2D (also grouped), DepthwiseConv2D and SeparableConv2D layers with
        a rectifier (ReLU, ReLU6, LeakyReLU, PReLU) or no activation, max-pooling, layers that only reshape, concatenate
        or pad. BatchNormalization is folded into the kernels first and separable convolutions are split in two, so
        patterns are those of the folded network (see `netlens.models.keras.folding.fold_batch_normalization`). Average
        pooling and addition pass the plain gradient, with a warning, since the paper does not define them.
    patterns
        One array per layer with a kernel, shaped as the kernel (`netlens.models.keras.kernel_layers`; Keras' own shape
        of a depthwise kernel is accepted too): by layer name, or in the order of the layers, or the path of an npz file
        with arrays by layer name. Default: none, then `fit` must be called before `analyze`.
    pattern_type
        What `fit` estimates: ``"relu"`` (the two-component estimator's active side), ``"linear"`` or
        ``"relu.negative"``.
    reverse_project_bottleneck_layers
        Divide the relevance at every bottleneck tensor with more than two dimensions by its largest absolute value in
        that image, so that nothing overflows in very deep networks. The result is then the exact one divided by its
        largest absolute value. iNNvestigate 1.x did so by default. Here the default is False: that is the method as
        published, and the values keep their scale (PatternAttribution's sum can be compared with the logit).
    additions
        What an addition passes to its branches. ``"gradient"``, the default: all of the relevance to each, as the
        gradient does, so that patterns equal to the kernels still give the gradient, and PatternAttribution is the
        product of matrices whose spectra are studied. The sum of the relevance then grows with every shortcut.
        ``"shares"``: to each branch its share, so that the sum is kept (see
        `netlens.pattern_attribution.analyzers.reversal.AdditionReversal`).
    **kwargs
        The settings below, and the other ones of iNNvestigate's `ReverseAnalyzerBase`.

    Other Parameters
    ----------------
    neuron_selection_mode : str
        ``"max_activation"``: the largest logit; ``"index"``: the one that `analyze` is given; ``"all"``: every logit,
        each starting from its own value.
    reverse_keep_tensors : bool
        Keep the relevance of every layer at each `analyze`; it is then available as `layer_relevances`.
    allow_lambda_layers : bool
        Accept Lambda layers; the plain gradient is taken there.
    disable_model_checks : bool
        Accept activations other than rectifiers, and layers without a rule; the plain gradient is taken there.

    Raises
    ------
    UndefinedLayerError
        The model has a softmax, or layers for which the method is not defined, which are named.
    PatternError
        The patterns do not fit the model.
    """

    def __init__(
        self,
        model: Any,
        patterns: Patterns | None = None,
        pattern_type: str = "relu",
        reverse_project_bottleneck_layers: bool = False,
        additions: Additions = "gradient",
        **kwargs: Any,
    ) -> None:
        if additions not in get_args(Additions):
            raise ValueError(f"additions is {additions!r}: it must be one of {', '.join(get_args(Additions))}")
        if not isinstance(reverse_project_bottleneck_layers, bool):
            # The reverse engine takes a range, and then projects nothing at all.
            raise ValueError(
                f"reverse_project_bottleneck_layers is {reverse_project_bottleneck_layers!r}: it must be True or False"
            )
        if len(estimator_names(pattern_type)) != 1:
            raise PatternError(f"pattern_type is {pattern_type!r}, a pair of estimators; an analyzer uses a single one")
        super().__init__(
            _flat_and_folded(model, type(self).__name__),
            reverse_project_bottleneck_layers=reverse_project_bottleneck_layers,
            **kwargs,
        )
        self._additions = additions
        self._add_model_softmax_check()
        self._do_model_checks()
        self._pattern_type = pattern_type
        self._kernel_layers: dict[str, Any] = {
            layer.name: layer for layer in self._model.layers if is_one_of(layer, KERNEL_LAYERS)
        }
        self._reversals: dict[str, KernelReversal] = {}
        self._addition_names: set[str] = set()
        self._projected: frozenset[str] = frozenset()
        self._patterns: dict[str, FloatArray] | None = None
        self._kept_layers: list[str | None] = []
        self._layer_order: list[str] = []
        self._layer_relevances: dict[str, FloatArray] | None = None
        if patterns is not None:
            self.patterns = patterns  # type: ignore[assignment]  # read by name, given in any form

    # Which models ------------------------------------------------------------------------------------------------

    def _do_model_checks(self) -> None:
        """Refuse, in one line, what the method does not define, and warn of what the paper leaves open.

        Done here and not by `_add_model_check`, whose warnings end in a NotImplementedError (innvestigate 2.1.2).
        """
        method = type(self).__name__
        if self._disable_model_checks:
            return
        layers = self._model.layers
        softmax = [layer for layer in layers if ichecks.contains_activation(layer, "softmax")]
        if softmax:
            raise UndefinedLayerError(
                f"{method} explains a logit, but {_named(softmax[0])} is a softmax: "
                "pass innvestigate.model_wo_softmax(model)"
            )
        undefined = [
            f"{_named(layer)}: {reason}"
            for layer in layers
            if (reason := why_undefined(layer, allow_lambda_layers=self._allow_lambda_layers))
        ]
        if undefined:
            reasons = listed(undefined, separator="; ", most=1, longest=150)
            raise UndefinedLayerError(f"{method} is not defined for {reasons}")
        unspoken = [layer for layer in layers if is_one_of(layer, UNSPOKEN_LAYERS)]
        shared = [layer for layer in unspoken if self._shares_at(layer)]
        told = {
            "takes the plain gradient": [layer for layer in unspoken if layer not in shared],
            "shares relevance": shared,
        }
        if unspoken:
            what = ", and ".join(
                f"{rule} at {listed(map(_named, concerned))}" for rule, concerned in told.items() if concerned
            )
            warnings.warn(f"{method} {what}, which its paper does not define", UserWarning, stacklevel=4)
        self._model_check_done = True

    # Patterns ----------------------------------------------------------------------------------------------------

    @property
    def patterns(self) -> dict[str, FloatArray]:
        """The patterns by layer name, each shaped as its layer's kernel.

        They may be replaced without rebuilding the analyzer.

        Raises
        ------
        PatternError
            There are no patterns yet.
        """
        if self._patterns is None:
            raise PatternError(f"{type(self).__name__} has no patterns yet: pass `patterns`, or call fit(images) first")
        return self._patterns

    @patterns.setter
    def patterns(self, patterns: Patterns) -> None:
        self._patterns = _checked(patterns, self._kernel_layers)
        self._set_kernels()

    def _set_kernels(self) -> None:
        """Set the kernels of the backward pass, where it is built, to those that follow from the patterns."""
        if self._reversals:
            kernels = self._backward_kernels()
            set_kernels((reversal, kernels[name]) for name, reversal in self._reversals.items())

    def fit(
        self,
        images: Images,
        *,
        preprocess: Preprocess | None = None,
        batch_size: int = 8,
        precision: str = "float32",
        progress: bool = True,
    ) -> PatternNet:
        """Estimate the patterns from images. `analyze` uses them from then on.

        Parameters
        ----------
        images
            Inputs as the model takes them, shape (n, H, W, C); or anything with a length whose slices are batches, so
            that images need not fit into memory.
        preprocess
            Converts a slice of `images` to inputs of the model. Default: no conversion.
        batch_size
            Images per batch.
        precision
            ``"float32"`` or ``"float64"``: the precision of the sums within a batch.
        progress
            Draw a progress bar on stderr.

        Returns
        -------
        PatternNet
            This analyzer.

        Raises
        ------
        netlens.pattern_attribution.patterns.statistics.PatternSumsError
            The images do not fit the network.
        """
        sums = pattern_sums(
            self._model,
            images,
            estimators=self._pattern_type,
            preprocess=preprocess,
            batch_size=batch_size,
            precision=precision,
            progress=progress,
        )
        kernels = self._kernels()
        self.patterns = estimate(sums, kernels, self._pattern_type)  # type: ignore[assignment]
        return self

    def _kernels(self) -> dict[str, FloatArray]:
        """Return the kernels by layer, read all at once."""
        layers = self._kernel_layers
        values = keras.backend.batch_get_value([kernel_variable(layer) for layer in layers.values()])
        return {
            name: value.reshape(describe_kernel(layer).kernel_shape)
            for (name, layer), value in zip(layers.items(), values, strict=True)
        }

    def _backward_kernels(self) -> Mapping[str, FloatArray]:
        """Return what replaces the kernels in the layers' transposes."""
        return self.patterns

    # Backward ----------------------------------------------------------------------------------------------------

    def _reverse_mapping(self, layer: Any) -> Any:
        if is_one_of(layer, KERNEL_LAYERS):
            return self._kernel_mapping
        if is_one_of(layer, IDENTITY_LAYERS):
            return _identity_mapping
        if self._shares_at(layer):
            return self._addition_mapping
        if any(weight.shape.rank > 1 for weight in layer.weights) and not is_one_of(layer, ["PReLU"]):
            # Reached with disable_model_checks only, which cannot make up a pattern.
            raise UndefinedLayerError(f"{type(self).__name__} is not defined for {_named(layer)}: it has no pattern")
        return super()._reverse_mapping(layer)

    def _shares_at(self, layer: Any) -> bool:
        return self._additions == "shares" and is_one_of(layer, ["Add"])

    def _addition_mapping(self, layer: Any, _state: dict[str, Any]) -> Any:
        reversal = AdditionReversal(name=self._reversal_name(layer), dtype=layer.dtype)
        self._addition_names.add(reversal.name)

        def go_back(Xs: list[Any], Ys: list[Any], Rs: list[Any], _reverse_state: dict[str, Any]) -> list[Any]:
            return ibackend.to_list(reversal([*Xs, Ys[0], Rs[0]]))  # type: ignore[no-any-return]

        return go_back

    def _reversal_name(self, layer: Any) -> str:
        own = (each.name for each in (*self._model.layers, *self._reversals.values()))
        return free_name(f"{layer.name}_reversal", {*own, *self._addition_names})

    def _kernel_mapping(self, layer: Any, _state: dict[str, Any]) -> Any:
        reversal = KernelReversal(layer, name=self._reversal_name(layer))
        self._reversals[layer.name] = reversal
        before_activation = None
        if rectifier_of(layer) is None:
            # Reached with disable_model_checks only: the derivative is taken at the pre-activation, computed again.
            before_activation = igraph.copy_layer_wo_activation(layer)
        project = ilayers.Project(True) if layer.name in self._projected else None

        def go_back(Xs: list[Any], Ys: list[Any], Rs: list[Any], _reverse_state: dict[str, Any]) -> list[Any]:
            if project is not None:
                Rs = [project(Rs[0])]
            if before_activation is not None:
                pre_activations = ibackend.apply(before_activation, Xs)
                activations = [layer.activation(pre_activation) for pre_activation in pre_activations]
                Rs = ibackend.gradients(pre_activations, activations, Rs)
            return [reversal([Xs[0], Ys[0], Rs[0]])]

        return go_back

    def _reverse_model(self, model: Any, *args: Any, **kwargs: Any) -> Any:
        inputs, reversed_tensors = super()._reverse_model(model, *args, **kwargs)
        if reversed_tensors is not None:
            _make_node_ids_differ(reversed_tensors)
            self._kept_layers = self._names_of(list(reversed_tensors))
        return inputs, reversed_tensors

    def _names_of(self, tensor_ids: list[int]) -> list[str | None]:
        """Name each kept tensor after the layer that outputs it; None for iNNvestigate's own selection layers."""
        _, nodes, _ = igraph.trace_model_execution(self._model)
        names: dict[int, str] = {}
        uses: dict[str, int] = {}
        for layer, _, outputs in nodes:
            for output in ibackend.to_list(outputs):
                use = uses[layer.name] = uses.get(layer.name, 0) + 1
                names[id(output)] = layer.name if use == 1 else f"{layer.name}#{use}"
        self._layer_order = list(names.values())
        return [names.get(tensor_id) for tensor_id in tensor_ids]

    def create_analyzer_model(self) -> None:
        """Build the backward graph once; `analyze` does so if it has not been built.

        Raises
        ------
        PatternError
            There are no patterns yet.
        """
        _ = self.patterns
        self._reversals, self._addition_names = {}, set()
        self._projected = self._bottlenecks() if self._reverse_project_bottleneck_layers else frozenset()
        count_past_names_of(self._model)
        super().create_analyzer_model()
        self._set_kernels()

    def _bottlenecks(self) -> frozenset[str]:
        """Names of the layers that all relevance goes through, each once.

        The reverse engine projects only where no other input of its model is still open. With neuron selection mode
        ``"index"``, the index of the logit is one as far back as the first layers.
        """
        _, nodes, outputs = igraph.trace_model_execution(self._model)
        uses = Counter(layer.name for layer, _, _ in nodes)
        found = igraph.get_bottleneck_nodes(self._model.inputs, outputs, nodes)
        return frozenset(layer.name for layer, _ in found if uses[layer.name] == 1)

    # Analysis ----------------------------------------------------------------------------------------------------

    def analyze(self, X: Any, neuron_selection: int | Sequence[int] | None = None) -> Any:
        """Analyze a batch.

        Parameters
        ----------
        X
            Inputs as the model takes them, first axis: the batch. A list of them for a model of several inputs.
        neuron_selection
            With neuron selection mode ``"index"``: the index of the logit, one for all or one for each of the batch.

        Returns
        -------
        numpy.ndarray
            Relevance of the inputs, shaped as `X`. A list of them for a model of several inputs.

        Raises
        ------
        PatternError
            There are no patterns yet.
        ValueError
            `neuron_selection` is missing, not expected, or not the index of a logit.

        Warns
        -----
        UnstableAnalysisWarning
            The result holds infinities or NaN.
        """
        analysis = super().analyze(X, neuron_selection)
        if self._reverse_project_bottleneck_layers:
            parts = [_over_largest(part) for part in ibackend.to_list(analysis)]
            analysis = parts if isinstance(analysis, list) else parts[0]
        if not all(np.isfinite(part).all() for part in ibackend.to_list(analysis)):
            warnings.warn(
                f"{type(self).__name__}: the result holds infinities or NaN; "
                "reverse_project_bottleneck_layers=True keeps the values in range",
                UnstableAnalysisWarning,
                stacklevel=2,
            )
        return analysis

    def _get_neuron_selection_array(self, neuron_selection: Any, batch_size: int) -> Any:
        # tf.gather_nd answers 0 on a GPU for an index that does not exist.
        logits = int(np.prod(self._model.output_shape[1:]))
        indices = np.asarray(neuron_selection)
        if indices.dtype.kind not in "iu" or (indices < 0).any() or (indices >= logits).any():
            raise ValueError(
                f"neuron_selection is {neuron_selection!r}: choose an integer from 0 to {logits - 1}, "
                "the logits of this model"
            )
        return super()._get_neuron_selection_array(neuron_selection, batch_size)

    @property
    def layer_relevances(self) -> dict[str, FloatArray]:
        """Relevance of every layer's output in the latest `analyze`, by layer name, in the network's order.

        The input layer's is what `analyze` returned; the output layer's is the selected logit's value at its place.
        A layer that is used several times has ``name``, ``name#2``, and so on.

        Raises
        ------
        ValueError
            The analyzer was made without ``reverse_keep_tensors=True``, or has analyzed nothing yet.
        """
        if not self._reverse_keep_tensors:
            raise ValueError(
                f"{type(self).__name__} keeps the relevance of layers only when made with reverse_keep_tensors=True"
            )
        if self._layer_relevances is None:
            raise ValueError(f"{type(self).__name__} has not analyzed anything yet: call analyze first")
        return self._layer_relevances

    def _handle_debug_output(self, debug_values: list[Any]) -> None:
        super()._handle_debug_output(debug_values)
        if self._reverse_keep_tensors:
            first, last = self._debug_tensors_indices["keep"]
            values = zip(self._kept_layers, debug_values[first:last], strict=True)
            kept = {name: value for name, value in values if name is not None}
            self._layer_relevances = {name: kept[name] for name in self._layer_order if name in kept}

    # Saving ------------------------------------------------------------------------------------------------------

    def _get_state(self) -> dict[str, Any]:
        state: dict[str, Any] = super()._get_state()
        state.update({"patterns": self._patterns, "pattern_type": self._pattern_type, "additions": self._additions})
        return state

    @classmethod
    def _state_to_kwargs(cls, state: dict[str, Any]) -> dict[str, Any]:
        # A copy: the classes above take out of `state` what they read, and a state must load more than once.
        state = dict(state)
        own = {name: state.pop(name) for name in ("patterns", "pattern_type", "additions")}
        kwargs: dict[str, Any] = super()._state_to_kwargs(state)
        return {**kwargs, **own}

    def save_npz(self, fname: str | Path) -> None:
        """Save the analyzer with its model and patterns, for `load_npz`.

        Plain arrays and text, no pickled objects: innvestigate 2.1.2 pickles the state and then cannot read it.

        Parameters
        ----------
        fname
            The file's name.
        """
        class_name, state = self.save()
        weights, patterns = state.pop("model_weights"), state.pop("patterns")
        arrays: dict[str, ArrayLike] = {"class_name": class_name}
        arrays |= {f"weight{index:04d}": weight for index, weight in enumerate(weights)}
        if patterns is not None:
            state["pattern_names"] = list(patterns)
            arrays |= {f"pattern{index:04d}": pattern for index, pattern in enumerate(patterns.values())}
        save_arrays(fname, {**arrays, "state": json.dumps(state)})

    @staticmethod
    def load_npz(fname: str | Path) -> PatternNet:
        """Make the analyzer again that `save_npz` saved.

        Parameters
        ----------
        fname
            The file's name.

        Raises
        ------
        netlens.files.arrays.ArrayFileError
            The file is damaged or holds something else.
        """
        arrays = load_arrays(fname)
        if not {"class_name", "state"} <= set(arrays):
            raise ArrayFileError(f"{fname}: does not hold a saved PatternNet or PatternAttribution")
        state = json.loads(str(arrays["state"]))
        state["model_weights"] = [arrays[name] for name in sorted(arrays) if name.startswith("weight")]
        names = state.pop("pattern_names", None)
        state["patterns"] = names and {name: arrays[f"pattern{index:04d}"] for index, name in enumerate(names)}
        analyzer = PatternNet.load(str(arrays["class_name"]), state)
        assert isinstance(analyzer, PatternNet)
        return analyzer


class PatternAttribution(PatternNet):
    """PatternAttribution: how much each value of the input's signal adds to the selected logit.

    Goes back through each layer with the elementwise product of its kernel and its pattern. Since w'a = 1 for every
    live unit, a Dense layer keeps the sum of the relevance of its active, live units, and so does a convolution whose
    patches lie inside its input (padding takes away what falls on it). Where a network has only such layers and
    max-pooling, and no unit with relevance is inactive, the relevance of the input sums to the logit's value. Additions
    keep the sum with ``additions="shares"``.

    Parameters and errors are those of `PatternNet`.
    """

    def _backward_kernels(self) -> Mapping[str, FloatArray]:
        return {name: kernel * self.patterns[name] for name, kernel in self._kernels().items()}


ANALYZERS: Final[dict[str, type[PatternNet]]] = {"pattern.net": PatternNet, "pattern.attribution": PatternAttribution}


def register() -> None:
    """Make both methods known to `innvestigate.create_analyzer` and to its loading of saved analyzers.

    May be called again.

    Raises
    ------
    RuntimeError
        This iNNvestigate has analyzers of these names of its own.
    """
    for name, analyzer in ANALYZERS.items():
        present = innvestigate.analyzer.analyzers.get(name)
        if present is not None and present.__module__ != analyzer.__module__:
            raise RuntimeError(f"innvestigate already has an analyzer {name!r}, {present}: use that one instead")
        innvestigate.analyzer.analyzers[name] = analyzer
        setattr(innvestigate.analyzer, analyzer.__name__, analyzer)


def _identity_mapping(_Xs: list[Any], _Ys: list[Any], Rs: list[Any], _reverse_state: dict[str, Any]) -> list[Any]:
    return Rs


def _make_node_ids_differ(reversed_tensors: dict[int, dict[str, Any]]) -> None:
    """Assign different ids to kept tensors, which the reverse engine sorts by.

    With several inputs it counts nodes past an input wrongly, and then compares the tensors themselves (innvestigate
    2.1.2).
    """
    taken = set()
    for entry in reversed_tensors.values():
        while entry["nid"] in taken:
            node, index = entry["nid"]
            entry["nid"] = (node, index + 1)
        taken.add(entry["nid"])


def _over_largest(relevance: FloatArray) -> FloatArray:
    """Relevance of each image over its largest absolute value; zeros stay."""
    largest = np.abs(relevance).max(axis=tuple(range(1, np.ndim(relevance))), keepdims=True)
    found: FloatArray = np.divide(relevance, largest, out=np.zeros_like(relevance), where=largest != 0)
    return found


def _named(layer: Any) -> str:
    return f"layer {layer.name!r} ({type(layer).__name__})"


def _flat_and_folded(model: Any, method: str) -> Any:
    """Return a model that has neither BatchNormalization, nor models inside, nor what `splitting` splits."""
    check_keras_version(model)
    if not isinstance(model, keras.Model) or not model.inputs:
        raise UndefinedLayerError(
            f"{method} needs a functional or Sequential Keras model with an input shape, not {type(model).__name__}"
        )
    if len(model.outputs) != 1:
        raise UndefinedLayerError(f"{method} needs a model with one output, {model.name!r} has {len(model.outputs)}")
    if any(isinstance(layer, keras.Model) for layer in model.layers) or not is_folded(model):
        return fold_batch_normalization(model)
    return model


def _checked(patterns: Patterns, layers: Mapping[str, Any]) -> dict[str, FloatArray]:
    """Return the patterns by layer name, in network order; raise for what does not fit."""
    named: Mapping[str, ArrayLike]
    if isinstance(patterns, str | Path):
        source = str(patterns)
        named = load_arrays(patterns)
    elif isinstance(patterns, Mapping):
        source, named = "patterns", patterns
    else:
        source = "patterns"
        arrays = list(patterns)
        if len(arrays) != len(layers):
            raise PatternError(
                f"{source}: {len(arrays)} arrays for {len(layers)} layers with a kernel: {listed(layers)}"
            )
        named = dict(zip(layers, arrays, strict=True))
    if missing := [name for name in layers if name not in named]:
        raise PatternError(f"{source}: no pattern for layer {listed(map(repr, missing))}")
    if extra := [name for name in named if name not in layers]:
        raise PatternError(f"{source}: {listed(map(repr, extra))} is not a layer with a kernel of this network")
    checked = {}
    for name, layer in layers.items():
        pattern, described = np.asarray(named[name]), describe_kernel(layer)
        own_shape = tuple(int(size) for size in kernel_variable(layer).shape)
        if pattern.dtype.kind not in "fiu":
            raise PatternError(f"{source}: the pattern of layer {name!r} is of type {pattern.dtype}, not real numbers")
        if pattern.shape not in (described.kernel_shape, own_shape):
            raise PatternError(
                f"{source}: the pattern of layer {name!r} has shape {pattern.shape}, "
                f"its kernel {described.kernel_shape}"
            )
        if not np.isfinite(pattern).all():
            raise PatternError(f"{source}: the pattern of layer {name!r} holds NaN or infinity")
        dtype = kernel_variable(layer).dtype.as_numpy_dtype
        checked[name] = np.array(pattern, dtype=dtype).reshape(described.kernel_shape)
    return checked
