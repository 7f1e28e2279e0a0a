"""What is saved comes back; files that do not fit are refused in one line."""

import subprocess
import sys
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlens.files.arrays import ArrayFileError, load_arrays, save_arrays
from netlens.spatial_attribution.choices import GRADIENT_LABELS, METHOD_LABELS, AttributionError
from netlens.spatial_attribution.packing import packed
from netlens.spatial_attribution.results import AttributionMaps, AttributionScores

SIZES = st.tuples(st.integers(1, 4), st.integers(1, 4))


@st.composite
def attribution_maps(draw):
    """Maps of any numbers of images, gradients, classes, layers and pairs."""
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    count, chosen, total = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(3, 5))
    gradients = tuple(draw(st.lists(st.sampled_from(list(GRADIENT_LABELS)), min_size=1, unique=True)))
    sizes = tuple(draw(st.lists(SIZES, min_size=2, max_size=4)))
    index = st.integers(0, len(sizes) - 1)
    pairs = tuple(draw(st.lists(st.tuples(index, index), max_size=3)))
    before = (len(gradients), count)
    maps = [packed(rng.normal(size=(*before, *sizes[target], *sizes[source]))) for source, target in pairs]
    return AttributionMaps(
        network="tiny",
        class_names=tuple(f"class {number}" for number in range(total)),
        gradients=gradients,
        images=rng.integers(0, 256, (count, 6, 8, 3), np.uint8),
        image_names=tuple(f"scene {number}" for number in range(count)),
        image_classes=rng.integers(-1, total, (count, chosen)),
        masks=rng.integers(0, 3, (count, 6, 8)).astype(np.uint8),
        logits=rng.normal(size=(count, total)).astype(np.float32),
        layers=tuple(f"mixed{number}/concat" for number in range(len(sizes))),
        layer_labels=tuple(f"mixed{number}" for number in range(len(sizes))),
        layer_sizes=sizes,
        pairs=pairs,
        to_classes=tuple(rng.normal(size=(*before, chosen, *size)).astype(np.float32) for size in sizes),
        between=tuple(values for values, _ in maps),
        scales=tuple(scales for _, scales in maps),
    )


@st.composite
def attribution_scores(draw):
    """Scores of any numbers of scenes, classes, gradients, layers and methods."""
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    table = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    gradients = tuple(draw(st.lists(st.sampled_from(list(GRADIENT_LABELS)), min_size=1, unique=True)))
    methods = tuple(draw(st.lists(st.sampled_from(list(METHOD_LABELS)), unique=True)))
    layers = ("input", *(f"mixed{number}" for number in range(draw(st.integers(0, 3)))))

    def some(*shape):
        values = rng.random(shape)
        return np.where(values < 0.2, np.nan, values)

    return AttributionScores(
        network="tiny",
        measures=("share", "curve"),
        areas=some(*table),
        classes=rng.integers(-1, 3, table),
        logits=rng.normal(size=table).astype(np.float32),
        gradients=gradients,
        layers=layers,
        layer_labels=layers,
        layer_scores=some(2, len(gradients), len(layers), *table),
        layer_control=some(2, len(gradients), len(layers), 1, table[1]),
        methods=methods,
        method_scores=some(2, len(methods), *table),
        method_control=some(2, len(methods), 1, table[1]),
    )


def check_comes_back(result, folder):
    first, second = folder / "first.npz", folder / "second.npz"
    result.save(first)
    found = type(result).load(first)
    for field in fields(result):
        before, after = getattr(result, field.name), getattr(found, field.name)
        assert type(before) is type(after)
        if isinstance(before, np.ndarray):
            np.testing.assert_array_equal(before, after, strict=True)
        elif field.name in {"to_classes", "between", "scales"}:
            for one, other in zip(before, after, strict=True):
                np.testing.assert_array_equal(one, other, strict=True)
        else:
            assert before == after
    found.save(second)
    assert first.read_bytes() == second.read_bytes()


@given(attribution_maps())
def test_maps_come_back(tmp_path_factory, maps):
    check_comes_back(maps, tmp_path_factory.mktemp("maps"))


@pytest.mark.slow
@given(attribution_scores())
def test_scores_come_back(tmp_path_factory, scores):
    check_comes_back(scores, tmp_path_factory.mktemp("scores"))


@pytest.fixture
def maps():
    """One image, two layers, one pair, two gradients."""
    rng = np.random.default_rng(5)
    between = rng.normal(size=(2, 1, 2, 3, 4, 5))
    values, scales = packed(between)
    return AttributionMaps(
        network="tiny",
        class_names=("zebra", "apple", "moon"),
        gradients=("smooth", "true"),
        images=np.zeros((1, 6, 8, 3), np.uint8),
        image_names=("scene 4",),
        image_classes=np.array([[2, 0]]),
        masks=np.zeros((1, 6, 8), np.uint8),
        logits=np.zeros((1, 3), np.float32),
        layers=("early", "late"),
        layer_labels=("early", "late"),
        layer_sizes=((4, 5), (2, 3)),
        pairs=((0, 1),),
        to_classes=tuple(rng.normal(size=(2, 1, 2, *size)).astype(np.float32) for size in ((4, 5), (2, 3))),
        between=(values,),
        scales=(scales,),
    )


@pytest.fixture
def scores():
    """Two scenes of two classes."""
    return AttributionScores(
        network="tiny",
        measures=("share", "curve"),
        areas=np.full((2, 2), 0.5),
        classes=np.array([[0, 1], [1, 0]]),
        logits=np.zeros((2, 2), np.float32),
        gradients=("true",),
        layers=("input", "mixed"),
        layer_labels=("input", "mixed"),
        layer_scores=np.full((2, 1, 2, 2, 2), 0.5),
        layer_control=np.ones((2, 1, 2, 1, 2)),
        methods=("gradient",),
        method_scores=np.full((2, 1, 2, 2), 0.5),
        method_control=np.ones((2, 1, 1, 2)),
    )


def test_maps_are_found_by_gradient(maps):
    np.testing.assert_array_equal(maps.class_attribution(1, gradient="true"), maps.to_classes[1][1, 0])
    found = maps.position_attribution(0, gradient="true")
    np.testing.assert_allclose(np.abs(found).max(axis=(-2, -1)), maps.scales[0][1, 0], rtol=1e-6)
    assert maps.compared_classes() == ("moon", "zebra")
    with pytest.raises(AttributionError, match="'smooth_blur', only with smooth, true"):
        maps.class_attribution(0, gradient="smooth_blur")


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("layers", None, "array 'layers' is missing"),
        ("pairs", None, "array 'pairs' is missing"),
        ("classes.1", None, "array 'classes.1' is missing"),
        ("classes.2", np.zeros(3), "array 'classes.2' is not known"),
        ("classes.1", np.zeros((2, 1, 2, 3, 2)), r"classes.1 has shape \(2, 1, 2, 3, 2\).*\(2, 1, 2, 2, 3\)"),
        ("between.0", np.zeros((2, 1, 2, 3, 4, 5)), "between.0 holds float64, not signed integers"),
        ("scales.0", np.full((2, 1, 2, 3), np.nan), "scales.0 holds NaN"),
        ("pairs", np.array([[0, 2]]), "not among the 2"),
        ("layer_labels", np.array(["early"]), "2 layers, but 1"),
        ("layer_sizes", np.array([4, 5, 2, 3]), "layer_sizes has shape"),
        ("layers", np.zeros(2), "layers holds float64, not text"),
        ("gradients", np.array(["true", "rough"]), "no gradient 'rough'"),
        ("image_classes", np.array([[3, 0]]), "not among the 3 names"),
        ("images", np.zeros((1, 6, 8, 3)), "images holds float64"),
        ("masks", np.zeros((1, 8, 6), np.uint8), "masks has shape"),
        ("logits", np.zeros((1, 4)), "logits has shape"),
    ],
)
def test_files_of_maps_that_do_not_fit_are_refused(maps, tmp_path, name, array, message):
    check_refused(maps, tmp_path, name, array, message)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("areas", None, "array 'areas' is missing"),
        ("more", np.zeros(3), "array 'more' is not known"),
        ("methods", np.array(["magic"]), "no method 'magic'"),
        ("layer_scores", np.ones((2, 1, 2, 2, 3)), "layer_scores has shape"),
        ("method_scores", np.ones((2, 2, 2, 2)), "method_scores has shape"),
        ("method_control", np.ones((2, 1, 2, 2)), "method_control has shape"),
        ("layer_control", np.ones((2, 1, 2, 3, 2)), "3 scenes of the control, but only 2 scenes"),
        ("measures", np.array(["share", "luck"]), "no measure 'luck'"),
        ("classes", np.zeros((2, 2)), "classes holds float64, not signed integers"),
        ("classes", np.zeros(2, np.int64), r"classes has shape \(2,\), not \(scenes, classes\)"),
        ("layer_labels", np.array(["input"]), "2 layers, but 1"),
    ],
)
def test_files_of_scores_that_do_not_fit_are_refused(scores, tmp_path, name, array, message):
    check_refused(scores, tmp_path, name, array, message)


def check_refused(result, folder, name, array, message):
    path = folder / "wrong.npz"
    arrays = {**result.arrays(), name: array}
    save_arrays(path, {key: values for key, values in arrays.items() if values is not None})
    with pytest.raises(ArrayFileError, match=message) as caught:
        type(result).load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert str(caught.value).endswith("; delete the file and run the rule that makes it")
    assert "\n" not in str(caught.value)


def test_missing_and_damaged_files_are_reported(tmp_path, scores):
    with pytest.raises(FileNotFoundError, match="no such array file"):
        AttributionMaps.load(tmp_path / "none.npz")
    path = tmp_path / "scores.npz"
    scores.save(path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ArrayFileError, match="truncated or damaged"):
        AttributionScores.load(path)


def test_the_file_holds_the_arrays_in_this_order(maps, scores, tmp_path):
    maps.save(tmp_path / "maps.npz")
    assert " ".join(load_arrays(tmp_path / "maps.npz")) == (
        "network class_names gradients images image_names image_classes masks logits layers layer_labels layer_sizes "
        "pairs classes.0 classes.1 between.0 scales.0"
    )
    scores.save(tmp_path / "scores.npz")
    assert " ".join(load_arrays(tmp_path / "scores.npz")) == (
        "network measures areas classes logits gradients layers layer_labels layer_scores layer_control methods "
        "method_scores method_control"
    )


def test_what_is_built_in_memory_is_checked_too(maps):
    with pytest.raises(AttributionError, match="2 layers, but 1 of classes"):
        replace(maps, to_classes=maps.to_classes[:1])


def test_results_do_not_start_tensorflow():
    code = "import sys, netlens.spatial_attribution.results; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
