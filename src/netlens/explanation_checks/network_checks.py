"""All checks of one network: every method once, its backward graph shared by all that is asked of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.explanation_checks.backward import INPUT, Explainer, RefusedError, explainer
from netlens.explanation_checks.cascade import Cascade, Smoothing, cascades, weighted_layers
from netlens.explanation_checks.chain_ratios import KINDS, chain_matrices, ratios_to_end
from netlens.explanation_checks.choices import METHODS, NOISE, CheckError
from netlens.explanation_checks.convergence import Convergence, CosineCounts, draws, stacked
from netlens.explanation_checks.map_similarity import ssim
from netlens.explanation_checks.pixel_flipping import blurred, by_pixel, flipping_curves, gap, patch_ranks
from netlens.explanation_checks.random_chains import RANDOM_CHAINS, learned_convergence, random_convergence
from netlens.explanation_checks.results import CASCADES, NetworkChecks
from netlens.models.keras.kernel_layers import KernelLayer
from netlens.models.keras.layer_graph import LayerGraph
from netlens.models.keras.segments import NotApplicableError, checked_segments, segments_of
from netlens.models.layer_names import short_labels
from netlens.models.network import Network
from netlens.pattern_attribution.spectra.leading_chain import leading_ratio
from netlens.statistics.even_samples import spread_evenly

Float = NDArray[np.float64]

#: Standard deviation of the blur whose patches replace those of an image, as a share of the shorter side.
_BLUR: Final = 0.05
# Images whose maps are in memory at the same time.
_AT_ONCE: Final = 16


@dataclass(frozen=True)
class Amounts:
    """How much is computed.

    Attributes
    ----------
    methods
        Methods to check, by their names in `netlens.explanation_checks.choices.METHODS`.
    draws_count
        Random relevances that enter at a layer, for each image.
    entries_count
        Layers at which relevance enters: the logits, and others spread evenly over depth.
    shares_count
        Steps of pixel flipping.
    random_orders_count
        Random orders of patches that pixel flipping is compared with, for each image.
    cascade_steps_count
        Steps of the cascades of randomization; 0 for no cascade.
    smoothing
        Of the smoothed cascade; None for none.
    chains_count
        Random chains, of which the median is taken.
    seed
        Seed of everything that is drawn.
    """

    methods: Sequence[str] = tuple(METHODS)
    draws_count: int = 5
    entries_count: int = 4
    shares_count: int = 16
    random_orders_count: int = 5
    cascade_steps_count: int = 6
    smoothing: Smoothing | None = field(default_factory=Smoothing)
    chains_count: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse methods that do not exist."""
        if unknown := [method for method in self.methods if method not in METHODS]:
            raise CheckError(f"there is no method {unknown[0]!r}; there are {', '.join(METHODS)}")


@dataclass(frozen=True)
class Subject:
    """A network and what is known of it.

    Attributes
    ----------
    network
        The prepared network, without batch normalization.
    graph, layers
        Which layer reads which, and its layers with kernels.
    kernels, patterns
        Arrays by layer; no patterns if there are none.
    """

    network: Network
    graph: LayerGraph
    layers: Sequence[KernelLayer]
    kernels: Mapping[str, ArrayLike]
    patterns: Mapping[str, ArrayLike]


@dataclass(frozen=True)
class Explained:
    """What is explained.

    Attributes
    ----------
    images
        (n, height, width, 3) uint8.
    labels
        (n,), index of each image's logit; -1 where the network has none, and its largest logit is explained.
    pair_image
        (height, width, 3) uint8, an image that shows two classes.
    pair_classes
        Indices of their logits.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    pair_image: NDArray[np.uint8]
    pair_classes: tuple[int, int]


def trunk_layers(graph: LayerGraph, names: Sequence[str]) -> list[str]:
    """Return the layers between which convergence is followed: those that every path passes, the logits last.

    Parameters
    ----------
    graph
        The network's graph.
    names
        Names of the layers whose outputs have a relevance, the last being the logits'.

    Returns
    -------
    list of str
        All that have a kernel or join branches; in a network whose trunk is not known, all of `names`.
    """
    try:
        trunk = [segment.name for segment in segments_of(graph) if segment.name in names]
    except NotApplicableError:
        trunk = list(names)
    return trunk if trunk and trunk[-1] == names[-1] else [*trunk, names[-1]]


def spread_entries(count: int, wanted: int) -> list[int]:
    """Return places among `count` layers at which relevance enters: the last, and others evenly below it."""
    places = np.linspace(count - 1, 0, wanted + 1)[:-1].round().astype(int)
    return list(dict.fromkeys(place for place in places.tolist() if place > 0))


def convergence_of(
    explains: Explainer, inputs: ArrayLike, layers: Sequence[str], entries: Sequence[int], *, count: int, seed: int
) -> Convergence:
    """Compute the cosine similarity convergence of a method, image by image, all draws of an image in one batch.

    Parameters
    ----------
    explains
        The method.
    inputs
        (n, height, width, channels), preprocessed.
    layers
        Names of layers, the image first and the logits last.
    entries
        Places among them at which relevance enters.
    count
        Number of draws for each image and entry; the same for every method.
    seed
        Seed of the draws.

    Returns
    -------
    Convergence
    """
    (found,) = convergences_of([explains], inputs, layers, entries, count=count, seed=seed)
    return found


def convergences_of(
    methods: Sequence[Explainer],
    inputs: ArrayLike,
    layers: Sequence[str],
    entries: Sequence[int],
    *,
    count: int,
    seed: int,
) -> list[Convergence]:
    """Compute the cosine similarity convergence of methods that share a backward pass and differ in its last step.

    Parameters
    ----------
    methods
        The methods, all of one `BackwardPass`.
    inputs, layers, entries, count, seed
        As in `convergence_of`.

    Returns
    -------
    list of Convergence
        One for each method.
    """
    images = np.asarray(inputs, np.float32)
    backward = methods[0].backward
    shared = [[CosineCounts() for _ in range(place)] for place in entries]
    at_input = [[CosineCounts() for _ in entries] for _ in methods]
    for number, image in enumerate(images):
        batch = np.repeat(image[None], count, axis=0)
        for place, row, each_last in zip(entries, shared, zip(*at_input, strict=True), strict=True):
            rng = np.random.default_rng([seed, number, place])
            relevance = draws(backward.shape(layers[place]), count, rng)
            arrived = backward.enter(batch, layers[place], relevance, layers[:place])
            for counted, layer in zip(row, layers, strict=False):
                if layer != INPUT:
                    counted.add(arrived[layer])
            if INPUT in arrived:
                for explains, counted in zip(methods, each_last, strict=True):
                    counted.add(explains.last_step(arrived[INPUT], batch))
    found = []
    for last in at_input:
        rows = [
            [counted if layer == INPUT else each for each, layer in zip(row, layers, strict=False)]
            for row, counted in zip(shared, last, strict=True)
        ]
        found.append(stacked([[*row, *[None] * (len(layers) - len(row))] for row in rows], len(images)))
    return found


def check_network(
    subject: Subject, explained: Explained, amounts: Amounts, progress: Callable[[str], object] | None = None
) -> NetworkChecks:
    """Check all methods on one network.

    Parameters
    ----------
    subject
        The network.
    explained
        Images and classes.
    amounts
        How much is computed.
    progress
        Called with the names of methods when they are done; those of one analyzer together.

    Returns
    -------
    NetworkChecks

    Raises
    ------
    CheckError
        The network has a single logit, or no method is defined for it.
    """
    network, model = subject.network, subject.network.model
    inputs = network.preprocess(explained.images)
    logits = np.concatenate([_logits(model, inputs[part]) for part in _parts(len(inputs))])
    if logits.shape[1] < 2:
        raise CheckError(f"{network.name} has one logit; whether an explanation depends on the class needs two")
    classes = np.where(explained.labels >= 0, explained.labels, logits.argmax(axis=1))
    rng = np.random.default_rng(amounts.seed)
    others = (classes + rng.integers(1, logits.shape[1], size=len(classes))) % logits.shape[1]
    pair = np.repeat(network.preprocess(explained.pair_image[None]), 2, axis=0)
    checks = _MethodChecks(
        subject, amounts, _Inputs(inputs, classes, others, pair, explained.pair_classes), model.get_weights()
    )
    for analyzed in _by_analyzer(amounts.methods):
        checks.add(analyzed)
        if progress:
            progress(", ".join(analyzed))
    found = {method: checks.found[method] for method in amounts.methods if method in checks.found}
    names, refused = checks.layers, checks.refused
    if not found:
        raise CheckError(f"no method is defined for {network.name}: {'; '.join(refused.values())}")
    judged = {method: (each.logit_ssim, each.orders) for method, each in found.items()}
    judged[NOISE] = _judged(lambda images, _: rng.standard_normal(images.shape[:3]), inputs, classes, others)
    shares = np.linspace(0, 1, amounts.shares_count + 1)
    flipped = _flipped(model, (inputs, classes), [orders for _, orders in judged.values()], shares, amounts)
    chains = _chains(subject, amounts)
    cascaded = [method for method, each in found.items() if each.cascades]
    ratios = _ratios(subject, names)
    return NetworkChecks(
        network=network.name,
        layers=tuple(names),
        labels=(INPUT, *short_labels(names[1:])),
        channels=np.array(checks.channels, np.float64),
        methods=tuple(found),
        refused=tuple(refused),
        reasons=tuple(refused.values()),
        entries=np.array(checks.entries, np.int64),
        **{
            name: np.stack([getattr(each.convergence, name) for each in found.values()])
            for name in ("percentiles", "medians", "left_out")
        },
        mapped=tuple(judged),
        classes=classes.astype(np.int64),
        other_classes=others.astype(np.int64),
        logit_ssim=np.stack([similarities for similarities, _ in judged.values()]),
        shares=shares,
        deletion=flipped[0],
        insertion=flipped[1],
        random_gaps=flipped[2],
        cascaded=tuple(cascaded),
        cascade_counts=np.array(checks.counts if cascaded else [], np.int64),
        **{
            f"cascade_{name}": _by_cascade([found[method].cascades for method in cascaded], name, len(inputs))
            for name in ("ssim", "ranks", "entropies")
        },
        two_image=explained.pair_image,
        two_names=tuple(network.class_names[index] for index in explained.pair_classes),
        two_maps=np.stack([each.pair_maps for each in found.values()]),
        ratios=ratios,
        chain_names=tuple(chains),
        chains=np.stack(list(chains.values())) if chains else np.empty((0, 1)),
    )


def _parts(count: int) -> list[slice]:
    return [slice(start, start + _AT_ONCE) for start in range(0, count, _AT_ONCE)]


def _logits(model: Any, batch: NDArray[np.float32]) -> Float:
    return np.asarray(model.predict_on_batch(batch), np.float64).reshape(len(batch), -1)


def _by_analyzer(methods: Sequence[str]) -> list[list[str]]:
    """Return methods in groups that share an analyzer, whose backward graph is then built once."""
    groups: dict[str, list[str]] = {}
    for method in methods:
        groups.setdefault(METHODS[method].analyzer, []).append(method)
    return list(groups.values())


@dataclass(frozen=True)
class _Inputs:
    """Images with the class that is explained and another one, and one image with two classes, preprocessed."""

    images: NDArray[np.float32]
    classes: NDArray[np.int64]
    others: NDArray[np.int64]
    pair: NDArray[np.float32]
    pair_classes: tuple[int, int]


@dataclass(frozen=True)
class _Found:
    """What is found of one method."""

    convergence: Convergence
    logit_ssim: Float
    orders: NDArray[np.int64]
    pair_maps: Float
    cascades: Mapping[str, Cascade]


class _MethodChecks:
    """Checks of methods, analyzer by analyzer; at which layers is known from the first that is defined."""

    def __init__(self, subject: Subject, amounts: Amounts, inputs: _Inputs, weights: Sequence[NDArray[Any]]) -> None:
        self._subject, self._amounts, self._inputs, self._weights = subject, amounts, inputs, weights
        self.counts = _spread_counts(len(weighted_layers(subject.network.model)), amounts.cascade_steps_count)
        self.found: dict[str, _Found] = {}
        self.refused: dict[str, str] = {}
        self.layers: list[str] = []
        self.entries: list[int] = []
        self.channels: list[int] = []

    def add(self, analyzed: Sequence[str]) -> None:
        """Check methods that share an analyzer, or keep why they are refused."""
        subject = self._subject
        try:
            with explainer(
                subject.network.model, analyzed[0], subject.patterns or None, weights=self._weights
            ) as opened:
                self._open([Explainer(method, opened.backward) for method in analyzed])
        except RefusedError as error:
            self.refused |= dict.fromkeys(analyzed, str(error))

    def _open(self, methods: Sequence[Explainer]) -> None:
        backward, amounts = methods[0].backward, self._amounts
        if not self.layers:
            self.layers = [INPUT, *trunk_layers(self._subject.graph, backward.layers)]
            self.entries = spread_entries(len(self.layers), amounts.entries_count)
            self.channels = [backward.shape(name)[-1] for name in self.layers]
        converged = convergences_of(
            methods, self._inputs.images, self.layers, self.entries, count=amounts.draws_count, seed=amounts.seed
        )
        for explains, convergence in zip(methods, converged, strict=True):
            self.found[explains.method] = self._of(explains, convergence)

    def _of(self, explains: Explainer, convergence: Convergence) -> _Found:
        given, amounts = self._inputs, self._amounts
        similarities, orders = _judged(explains.maps, given.images, given.classes, given.others)
        pair_maps = explains.maps(given.pair, given.pair_classes)
        found: Mapping[str, Cascade] = {}
        if self.counts:
            found = cascades(
                self._subject.network.model,
                explains,
                given.images,
                given.classes,
                weights=self._weights,
                counts=self.counts,
                patterns=self._subject.patterns or None,
                smoothing=amounts.smoothing,
                seed=amounts.seed,
            )
        return _Found(convergence, similarities, orders, pair_maps, found)


def _judged(
    maps: Callable[[NDArray[np.float32], NDArray[np.int64]], Float],
    inputs: NDArray[np.float32],
    classes: NDArray[np.int64],
    others: NDArray[np.int64],
) -> tuple[Float, NDArray[np.int64]]:
    """Return the similarity of each image's two maps, (n,), and the patch ranks of the first, (n, rows, columns).

    A few images at a time, so that maps do not pile up.
    """
    similarities: list[float] = []
    orders = []
    for part in _parts(len(inputs)):
        own, other = maps(inputs[part], classes[part]), maps(inputs[part], others[part])
        similarities += [ssim(a, b) for a, b in zip(own, other, strict=True)]
        orders += [patch_ranks(each) for each in own]
    return np.array(similarities), np.stack(orders)


def _spread_counts(layers_count: int, steps_count: int) -> list[int]:
    """Return how many layers are randomized at each step, from none to all; none where there are no steps."""
    if not steps_count:
        return []
    return spread_evenly(layers_count + 1, steps_count + 1)


def _by_cascade(found: Sequence[Mapping[str, Cascade]], name: str, images_count: int) -> Float:
    """Arrange one measure of all cascades as (cascades, methods, steps, images)."""
    if not found:
        return np.zeros((len(CASCADES), 0, 0, images_count))
    missing = np.full_like(getattr(found[0]["top_down"], name), np.nan)
    return np.array(
        [[getattr(each[kind], name) if kind in each else missing for each in found] for kind in CASCADES], np.float64
    )


def _flipped(
    model: Any,
    explained: tuple[NDArray[np.float32], NDArray[np.int64]],
    ranks: Sequence[NDArray[np.int64]],
    shares: Float,
    amounts: Amounts,
) -> tuple[Float, Float, Float]:
    """Return the curves of deletion and insertion, (maps, n, s) each, and the gaps of random orders, (n, orders)."""
    inputs, classes = explained
    rng = np.random.default_rng([amounts.seed, 1])
    rows, gaps = [], []
    for number, (image, chosen) in enumerate(zip(inputs, classes.tolist(), strict=True)):
        size = image.shape[:2]
        (other,) = blurred(image[None], _BLUR * min(size))
        given = [by_pixel(each[number], size) for each in ranks]
        drawn = [by_pixel(patch_ranks(rng.standard_normal(size)), size) for _ in range(amounts.random_orders_count)]
        deletion, insertion = flipping_curves(
            lambda batch: _logits(model, batch),
            image,
            other,
            class_index=chosen,
            orders=[*given, *drawn],
            shares=shares,
        )
        rows.append((deletion[: len(given)], insertion[: len(given)]))
        gaps.append(gap(deletion[len(given) :], insertion[len(given) :], shares))
    by_curve = np.array(rows).transpose(1, 2, 0, 3)
    return by_curve[0], by_curve[1], np.array(gaps)


def _matrices(subject: Subject) -> dict[str, list[Float]]:
    """Return the matrices of the network's segments by kind; none where it has no chain."""
    try:
        checked_segments(subject.graph)
    except NotApplicableError:
        return {}
    kinds = [kind for kind in KINDS if subject.patterns or kind in {"weights", "positive_weights"}]
    found = {}
    for kind in kinds:
        matrices = chain_matrices(kind, subject.kernels, subject.patterns, subject.layers, subject.graph)
        found[kind] = list(matrices.values())
    return found


def _ratios(subject: Subject, names: Sequence[str]) -> Float:
    matrices = _matrices(subject)
    rows = np.full((len(KINDS), len(names)), np.nan)
    for row, kind in enumerate(KINDS):
        if kind in matrices:
            found = [leading_ratio(matrices[kind]), *ratios_to_end(matrices[kind])]
            # The logits' layer may follow the last segment, such as a mean over positions.
            rows[row, : len(found)] = found[: len(names)]
    return rows


def _chains(subject: Subject, amounts: Amounts) -> dict[str, Float]:
    matrices = _matrices(subject)
    if not matrices:
        return {}
    shapes = [(matrix.shape[0], matrix.shape[1]) for matrix in matrices["weights"]]
    options = {"chains_count": amounts.chains_count, "seed": amounts.seed}
    found = {kind: random_convergence(kind, shapes, **options) for kind in RANDOM_CHAINS}
    return found | {kind: learned_convergence(each, **options) for kind, each in matrices.items()}
