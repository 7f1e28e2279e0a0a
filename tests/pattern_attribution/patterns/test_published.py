import numpy as np
import pytest

from netlens.files.arrays import ArrayFileError
from netlens.models.keras.kernel_layers import KernelLayer
from netlens.pattern_attribution.patterns.published import PatternAgreement, read_published_patterns, unit_cosines

SHAPES = {"conv": (3, 3, 2, 4), "fc": (8, 5)}
LAYERS = [
    KernelLayer(name, name, "conv2d" if len(shape) == 4 else "dense", shape, None, None, None, None)
    for name, shape in SHAPES.items()
]


def patterns(seed=0):
    rng = np.random.default_rng(seed)
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in SHAPES.items()}


def test_list_of_arrays_and_arrays_by_name(tmp_path):
    expected = patterns()
    np.savez(tmp_path / "list.npz", *expected.values())
    np.savez(tmp_path / "named.npz", fc=expected["fc"], conv=expected["conv"])
    for file in ("list.npz", "named.npz"):
        found = read_published_patterns(tmp_path / file, LAYERS)
        assert list(found) == ["conv", "fc"]
        for name, array in expected.items():
            np.testing.assert_array_equal(found[name], array)


def test_list_of_more_than_ten_arrays_is_in_numerical_order(tmp_path):
    layers = [KernelLayer(f"l{i}", f"l{i}", "dense", (1, 1), None, None, None, None) for i in range(12)]
    np.savez(tmp_path / "a.npz", *(np.full((1, 1), float(i)) for i in range(12)))
    found = read_published_patterns(tmp_path / "a.npz", layers)
    assert [float(array[0, 0]) for array in found.values()] == list(range(12))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ([np.zeros(SHAPES["conv"])], "patterns of 1 layers, but the network has 2 layers with kernels"),
        ([np.zeros(SHAPES["fc"]), np.zeros(SHAPES["conv"])], r"layer 'conv' have shape \(8, 5\), its kernel \(3, 3, 2"),
        ({"conv": np.zeros(SHAPES["conv"])}, "holds no patterns of layer 'fc'"),
        ([np.zeros(SHAPES["conv"], int), np.zeros(SHAPES["fc"])], "layer 'conv' are of type int64, not real"),
        ([np.array([{}, None]), np.zeros(SHAPES["fc"])], "holds Python objects"),
    ],
)
def test_patterns_of_another_network_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays) if isinstance(arrays, dict) else np.savez(tmp_path / "a.npz", *arrays)
    with pytest.raises(ArrayFileError, match=message) as caught:
        read_published_patterns(tmp_path / "a.npz", LAYERS)
    assert "\n" not in str(caught.value)


def test_cosines_do_not_depend_on_scale_and_are_absent_for_dead_units():
    one = patterns()["conv"]
    other = 3 * one
    other[..., 1] *= -1
    other[..., 2] = 0
    other[..., 3] = patterns(1)["conv"][..., 3]
    a, b = one[..., 3].ravel().astype(float), other[..., 3].ravel().astype(float)
    expected = [1.0, -1.0, np.nan, a @ b / np.sqrt((a @ a) * (b @ b))]
    np.testing.assert_allclose(unit_cosines(one, other), expected, rtol=1e-12)


def test_agreement_is_saved_and_checked(tmp_path):
    agreement = PatternAgreement({"conv": np.array([0.5, np.nan, 0.7, 0.9]), "fc": np.full(2, np.nan)})
    np.testing.assert_array_equal(agreement.medians(), [0.7, np.nan])
    agreement.save(tmp_path / "a.npz")
    loaded = PatternAgreement.load(tmp_path / "a.npz")
    assert list(loaded.cosines) == ["conv", "fc"]
    np.testing.assert_array_equal(loaded.cosines["conv"], agreement.cosines["conv"])
    PatternAgreement({"conv": np.array([1.5])}).save(tmp_path / "b.npz")
    with pytest.raises(ArrayFileError, match="array 'conv' holds values that are no cosines"):
        PatternAgreement.load(tmp_path / "b.npz")
    PatternAgreement({}).save(tmp_path / "c.npz")
    with pytest.raises(ArrayFileError, match="it holds no layer"):
        PatternAgreement.load(tmp_path / "c.npz")
