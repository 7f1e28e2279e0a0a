"""Results of the section survive saving and loading; files that do not fit are refused in one line."""

from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest

from netlens.files.arrays import ArrayFileError, load_arrays, save_arrays
from netlens.models.keras.kernel_layers import KernelLayer
from netlens.models.keras.segments import NotApplicableError
from netlens.pattern_attribution.attributions import AttributedShares, Attributions
from netlens.pattern_attribution.patterns.diagnostics import SIGNAL_ESTIMATORS
from netlens.pattern_attribution.results import ActivityCounts, LayerArrays, LayerChecks, PatternChecks
from netlens.pattern_attribution.spectra.chain import ChainSpectrum
from netlens.pattern_attribution.spectra.matrices import SpectraError
from netlens.pattern_attribution.spectra.results import (
    ChainDecomposition,
    Decompositions,
    LayerDecomposition,
    LayerSpectrum,
    LeftOutRatios,
    MatrixDecompositions,
    MatrixRatios,
    MatrixSpectra,
    PairDecomposition,
    SegmentSpectrum,
    SingularRatios,
    Spectra,
)

RNG = np.random.default_rng(0)
# A name with a slash and one with a dot, as layers have them.
NAMES, LABELS = ("stage/a", "b.conv", "c"), ("a", "b", "c")


@pytest.fixture(autouse=True)
def in_own_graph():
    """These results start no TensorFlow, so they need no graph."""


def layer_arrays():
    return LayerArrays({"a": RNG.normal(size=(3, 3, 2, 4)).astype(np.float32), "b": np.ones((4, 5), np.float32)})


def counts():
    active = {name: np.array([0, 3, 8]) for name in NAMES}
    return ActivityCounts(4, active, dict.fromkeys(NAMES, 8))


def checks():
    def layer(name, label, units):
        quality = {estimator: RNG.normal(size=units) for estimator in SIGNAL_ESTIMATORS}
        quality["linear"][0] = np.nan
        return LayerChecks(name, label, RNG.normal(size=units), RNG.normal(size=units) > 0, np.ones(units), quality)

    return PatternChecks(12, tuple(map(layer, NAMES, LABELS, (2, 3, 4))), np.array([6, 6]), np.array([5, 4]))


LEFT_OUT = LeftOutRatios(np.array([4, 4, 3]), np.array([[2.0, np.nan, np.nan], [2.1, 1.0, 0.5], [1.9, 1.0, 0.5]]))
SEGMENT_NAMES, SEGMENT_LABELS = ("stage/a", "join"), ("a", "join")


def ratios():
    def of(*, chain):
        spectrum = ChainSpectrum(np.array([2.0, 1.5, -np.inf]), np.array([1e-9, 1e-8, 0.0]))
        layer, segment, item = np.array([1.5, np.inf, 2.0]), np.array([1.5, 3.0]), np.array([3.0])
        return MatrixRatios(layer, segment, item, spectrum if chain else None)

    kinds = of(chain=True), of(chain=False), of(chain=True)
    return SingularRatios(NAMES, LABELS, SEGMENT_NAMES, SEGMENT_LABELS, "", *kinds, np.array([1.0, 2.0, 3.0]), LEFT_OUT)


def ratios_of_no_chain():
    made = MatrixRatios(np.array([1.5, np.inf, 2.0]), np.empty(0), np.empty(0), None)
    return SingularRatios(
        NAMES, LABELS, (), (), "it has 2 segments", made, made, made, np.array([1.0, 2.0, 3.0]), LEFT_OUT
    )


def _layer_spectra():
    return tuple(
        LayerSpectrum(name, label, RNG.normal(size=3), RNG.normal(size=4), RNG.normal(size=5))
        for name, label in zip(NAMES, LABELS, strict=True)
    )


def spectra():
    def of():
        segments = tuple(
            SegmentSpectrum(name, label, RNG.normal(size=3), item)
            for name, label, item in zip(SEGMENT_NAMES, SEGMENT_LABELS, (RNG.normal(size=2), None), strict=True)
        )
        return MatrixSpectra(_layer_spectra(), segments)

    return Spectra(of(), of(), of())


def spectra_of_no_chain():
    return Spectra(*(MatrixSpectra(_layer_spectra(), ()) for _ in range(3)), "it has 2 segments")


def decompositions():
    def picture(*shape):
        return RNG.normal(size=shape).astype(np.float32)

    def of(rank, *, chain):
        layers = tuple(
            LayerDecomposition(name, label, picture(5, rank), RNG.normal(size=4), picture(rank, 6))
            for name, label in zip(NAMES, LABELS, strict=True)
        )
        tiles = np.arange(rank), np.arange(2)
        pairs = (PairDecomposition("stage/a", "a, join", *(picture(rank, 2) for _ in range(3)), *tiles),)
        whole = ChainDecomposition(picture(5, rank), RNG.normal(size=4), picture(rank, 7)) if chain else None
        return MatrixDecompositions(layers, pairs, whole)

    return Decompositions(of(3, chain=True), of(2, chain=False), of(1, chain=True), 12, 8)


def attributions():
    def maps():
        return RNG.normal(size=(3, 4, 5, 3)).astype(np.float32)

    return Attributions(
        images=RNG.integers(0, 255, (3, 4, 5, 3)).astype(np.uint8),
        index=np.array([3, 1, 9]),
        class_names=("cat", "dog", "owl"),
        logits=np.float32([1, 2, 3]),
        in_taxonomy=np.array([True, False, True]),
        is_example=np.array([False, True, False]),
        function=maps(),
        signal=maps(),
        attribution=maps(),
    )


def shares():
    return AttributedShares(np.array([0, 4]), np.float32([1, 4]), np.array([0.5, -1.0]))


MADE = [
    layer_arrays,
    counts,
    checks,
    ratios,
    ratios_of_no_chain,
    spectra,
    spectra_of_no_chain,
    decompositions,
    attributions,
    shares,
]


def assert_same(one, other):
    assert type(one) is type(other)
    if is_dataclass(one):
        for field in fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, tuple):
        assert len(one) == len(other)
        for mine, theirs in zip(one, other, strict=True):
            assert_same(mine, theirs)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for name in one:
            assert_same(one[name], other[name])
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    else:
        assert one == other


@pytest.mark.parametrize("make", MADE, ids=lambda make: make.__name__)
def test_saved_and_loaded_is_the_same_to_the_byte(make, tmp_path):
    made = make()
    made.save(tmp_path / "one.npz")
    loaded = type(made).load(tmp_path / "one.npz")
    assert_same(made, loaded)
    loaded.save(tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("make", MADE[1:], ids=lambda make: make.__name__)
def test_every_array_that_is_missing_or_of_another_shape_or_type_is_named(make, tmp_path):
    path = tmp_path / "one.npz"
    make().save(path)
    arrays = load_arrays(path)
    for name, array in arrays.items():
        without = {other: values for other, values in arrays.items() if other != name}
        if not (make is counts and name.endswith(".active")):  # this one says which layers there are
            save_arrays(path, without)
            with pytest.raises(ArrayFileError, match="is missing; delete the file and run the rule that makes it"):
                type(make()).load(path)
        save_arrays(path, {**arrays, name: array[None]})
        with pytest.raises(ArrayFileError, match=f"{path}: array '{name}' has {array.ndim + 1} dimensions"):
            type(make()).load(path)
        save_arrays(path, {**arrays, name: array.astype(np.complex64 if array.dtype.kind != "U" else "S9")})
        with pytest.raises(ArrayFileError, match=f"array '{name}' is of type"):
            type(make()).load(path)
    save_arrays(path, {**arrays, "surplus": np.zeros(2)})
    with pytest.raises(ArrayFileError, match="array 'surplus' does not belong in it"):
        type(make()).load(path)


def described(name, shape):
    return KernelLayer(name, name, "conv2d" if len(shape) == 4 else "dense", shape, None, None, None, None)


def test_patterns_are_checked_against_the_layers_of_the_network(tmp_path):
    path = tmp_path / "patterns.npz"
    layer_arrays().save(path)
    right = [described("a", (3, 3, 2, 4)), described("b", (4, 5))]
    assert list(LayerArrays.load(path, right).by_layer) == ["a", "b"]
    with pytest.raises(ArrayFileError, match=r"array 'b' has shape \(4, 5\), where 5 should be 6"):
        LayerArrays.load(path, [right[0], described("b", (4, 6))])
    with pytest.raises(ArrayFileError, match="array 'c' is missing"):
        LayerArrays.load(path, [*right, described("c", (5, 5))])
    with pytest.raises(ArrayFileError, match="array 'b' does not belong in it"):
        LayerArrays.load(path, right[:1])


def test_an_array_that_is_not_a_kernel_is_refused(tmp_path):
    LayerArrays({"a": np.ones(3)}).save(tmp_path / "patterns.npz")
    with pytest.raises(ArrayFileError, match="array 'a' has 1 dimensions; a kernel has 2 or 4"):
        LayerArrays.load(tmp_path / "patterns.npz")


def test_more_active_samples_than_samples_are_refused(tmp_path):
    replace(counts(), samples=dict.fromkeys(NAMES, 7)).save(tmp_path / "counts.npz")
    with pytest.raises(ArrayFileError, match=r"array 'stage/a\.active' does not count up to 7 samples"):
        ActivityCounts.load(tmp_path / "counts.npz")


def test_active_share_is_the_share_of_the_layers_samples():
    np.testing.assert_array_equal(counts().active_share("c"), [0, 3 / 8, 1])


def test_checks_are_counted_and_averaged_over_the_units_that_have_a_quality():
    made = checks()
    assert made.units == 9
    assert made.dead_units == sum(int(np.count_nonzero(layer.dead)) for layer in made.layers)
    expected = [layer.quality["linear"][1:].mean() for layer in made.layers]
    np.testing.assert_allclose(made.mean_quality("linear"), expected, rtol=1e-14)


def test_a_layer_in_which_no_unit_has_a_quality_has_no_mean():
    made = checks()
    made.layers[1].quality["two_component"][:] = np.nan
    found = made.mean_quality("two_component")
    assert np.isnan(found).tolist() == [False, True, False]


def test_a_chain_ratio_that_is_not_that_of_the_spectrum_is_refused(tmp_path):
    path = tmp_path / "ratios.npz"
    ratios().save(path)
    save_arrays(path, {**load_arrays(path), "weights.chain": np.array(0.25)})
    with pytest.raises(ArrayFileError, match=r"array 'weights\.chain' is not the ratio of 'weights\.chain_log10'"):
        SingularRatios.load(path)


def test_kinds_are_asked_for_by_name():
    made = ratios()
    assert made.of("patterns") is made.patterns
    assert made.inter_layer("weights") is made.weights.inter_layer
    assert decompositions().chain("weights").U.shape == (5, 3)
    assert spectra().segments("patterns")[0].label == "a"
    assert made.chain("weights") is made.weights.chain
    with pytest.raises(SpectraError, match="there is no matrix 'names'; choose one of weights, patterns"):
        made.of("names")
    for found in (made, decompositions()):
        with pytest.raises(SpectraError, match="the chain of the patterns is not computed"):
            found.chain("patterns")


def test_what_needs_a_chain_says_why_there_is_none(tmp_path):
    ratios_of_no_chain().save(tmp_path / "ratios.npz")
    spectra_of_no_chain().save(tmp_path / "spectra.npz")
    made = SingularRatios.load(tmp_path / "ratios.npz")
    calls = [lambda: made.inter_layer("weights"), lambda: made.chain("weights")]
    calls.append(lambda: Spectra.load(tmp_path / "spectra.npz").segments("weights"))
    without = replace(decompositions(), obstacle="it has 2 segments")
    calls += [lambda: without.pairs("weights"), lambda: without.chain("weights")]
    for call in calls:
        with pytest.raises(NotApplicableError, match=r"^it has 2 segments$"):
            call()
    assert len(Spectra.load(tmp_path / "spectra.npz").layers("patterns")) == 3
    assert len(without.layers("patterns")) == 3


def test_shares_are_of_each_images_own_logit():
    np.testing.assert_array_equal(shares().shares, [0.5, -0.25])


def test_one_image_is_the_example(tmp_path):
    made = attributions()
    assert made.example == 1
    assert made.taxonomy.class_names == ("cat", "owl")
    np.testing.assert_array_equal(made.taxonomy.signal, made.signal[[0, 2]])
    np.testing.assert_allclose(
        made.attributed_shares, made.attribution.reshape(3, -1).sum(axis=1) / [1, 2, 3], rtol=1e-4
    )
    replace(made, is_example=np.array([True, True, False])).save(tmp_path / "one.npz")
    with pytest.raises(ArrayFileError, match="array 'is_example' marks 2 images instead of one"):
        Attributions.load(tmp_path / "one.npz")
