"""Results of the section survive saving and loading; files that do not fit are refused in one line."""

from dataclasses import fields, is_dataclass

import numpy as np
import pytest

from netlens.files.arrays import ArrayFileError, load_arrays, save_arrays
from netlens.weights.results import (
    Connections,
    EditedCircuit,
    GroupFactors,
    LinearMap,
    LinearMaps,
    RowFactors,
    Selection,
    UnitFactors,
    WeightFactors,
)
from netlens.weights.selection.layers import ShownLayers

RNG = np.random.default_rng(0)


def real(*shape, dtype=np.float32):
    return RNG.normal(size=shape).astype(dtype)


def keys(count):
    return tuple(f"{index:064x}" for index in range(count))


def expanded(*, second=True, uses=True, groups=()):
    return LinearMaps(
        network="net",
        network_sha256="ab" * 32,
        channel_order="bgr",
        input_layer="image",
        layers=ShownLayers("a", "b" if second else "", "c", "d", "e" if uses else "", "pool"),
        first=LinearMap(real(4, 4, 3, 6), 2, 0.0),
        connection=LinearMap(real(3, 3, 5, 7), 1, 1e-8),
        second=LinearMap(real(3, 3, 6, 8), 1, 3e-8) if second else None,
        uses=LinearMap(real(5, 5, 7, 2), 2, 2e-8) if uses else None,
        first_kernel=real(3, 3, 3, 6),
        first_embedded=real(4, 4, 3, 6),
        groups={name: ("b", "d", LinearMap(real(2, 2, 9, 4), 1, 4e-8)) for name in groups},
    )


def selection():
    return Selection(
        source="c",
        target="d",
        source_unit=3,
        unit=1,
        source_unit_key=keys(1)[0],
        unit_key=keys(2)[1],
        connection=real(3, 3),
        largest_weight=float(np.float32(1.3)),
        inputs=Connections(np.array([4, 3]), real(2, 3, 3), keys(2)),
        removed=Connections(np.array([4]), real(1, 3, 3), keys(1)),
        others=np.array([0]),
        used_layer="d",
        used_unit=1,
        used_key=keys(2)[1],
        using_layer="e",
        uses=Connections(np.array([1]), real(1, 5, 5), keys(1)),
        position_strengths=real(2, 2, dtype=np.float64),
        position_keys=(("", keys(1)[0]), keys(2)),
    )


def edited_circuit(activations):
    return EditedCircuit(
        source="c",
        target="d",
        unit=1,
        unit_key=keys(2)[1],
        removed=Connections(np.array([4, 3]), real(2, 3, 3), keys(2)),
        largest_weight=1.5,
        others=np.array([0]),
        pictures=RNG.integers(0, 255, (3, 4, 4, 3)).astype(np.uint8),
        activations=np.array(activations, np.float32),
    )


def group(found, size):
    return GroupFactors(
        "c",
        "d",
        found,
        np.arange(size),
        keys(size),
        real(size, 2, 3, 3),
        real(2, 5),
        real(2),
        ("", keys(1)[0]),
        0.5,
        real(5),
    )


def factors():
    return WeightFactors(
        source="c",
        target="d",
        unit=1,
        unit_key=keys(1)[0],
        unit_explained_variances=real(5),
        unit_factors={k: UnitFactors(real(k, 3, 3), real(k, 5), real(k), 0.1 * k, keys(k)) for k in (2, 3, 4, 5)},
        row=RowFactors(np.array([0, 6]), keys(2), real(2, 3, 3, 3), real(2)),
        first_group=group(True, 3),
        second_group=group(False, 2),
    )


def same(first, second):
    if is_dataclass(first):
        return type(first) is type(second) and all(
            same(getattr(first, field.name), getattr(second, field.name)) for field in fields(first)
        )
    if isinstance(first, dict):
        return list(first) == list(second) and all(same(first[key], second[key]) for key in first)
    if isinstance(first, tuple):
        return len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, np.ndarray):
        return first.dtype == second.dtype and np.array_equal(first, second)
    return type(first) is type(second) and first == second


RESULTS = {
    "expanded": expanded(),
    "expanded_of_one_convolution": expanded(second=False),
    "expanded_without_uses": expanded(uses=False),
    "expanded_of_groups": expanded(groups=["second_group"]),
    "selection": selection(),
    "factors": factors(),
    "edited_circuit": edited_circuit(real(4, 2)),
}


@pytest.mark.parametrize("name", RESULTS)
def test_what_is_loaded_is_what_was_saved_and_saves_to_the_same_bytes(tmp_path, name):
    saved = RESULTS[name]
    saved.save(tmp_path / "first.npz")
    loaded = type(saved).load(tmp_path / "first.npz")
    assert same(loaded, saved)
    loaded.save(tmp_path / "second.npz")
    assert (tmp_path / "second.npz").read_bytes() == (tmp_path / "first.npz").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["expanded", "selection", "factors", "edited_circuit"])
def test_every_array_is_needed_and_no_other(tmp_path, name):
    path, saved = tmp_path / "result.npz", RESULTS[name]
    saved.save(path)
    arrays = load_arrays(path)
    for missing in arrays:
        save_arrays(path, {key: array for key, array in arrays.items() if key != missing})
        with pytest.raises(ArrayFileError, match=rf"^{path}: array '{missing}' is missing; delete the file"):
            type(saved).load(path)
    save_arrays(path, {**arrays, "other": np.zeros(2)})
    with pytest.raises(ArrayFileError, match="array 'other' does not belong in it; delete the file"):
        type(saved).load(path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["expanded", "selection", "factors", "edited_circuit"])
def test_every_array_has_one_kind_and_number_of_dimensions(tmp_path, name):
    path, saved = tmp_path / "result.npz", RESULTS[name]
    saved.save(path)
    arrays = load_arrays(path)
    for wrong, array in arrays.items():
        save_arrays(path, {**arrays, wrong: array.astype(np.complex64) if array.dtype.kind in "fi" else np.zeros(3)})
        with pytest.raises(ArrayFileError, match=rf"array '{wrong}' is of type (complex64|float64); .* are expected"):
            type(saved).load(path)
        save_arrays(path, {**arrays, wrong: array[None]})
        with pytest.raises(ArrayFileError, match=rf"array '{wrong}' has \d dimensions instead of \d"):
            type(saved).load(path)


@pytest.mark.parametrize(
    ("name", "wrong", "shape"),
    [
        ("expanded", "second.weights", (3, 3, 5, 8)),  # reads 6 units
        ("expanded", "connection.weights", (3, 2, 5, 7)),
        ("expanded", "first.embedded", (3, 3, 3, 6)),
        ("selection", "inputs.weights", (2, 4, 4)),
        ("selection", "uses.weights", (2, 5, 5)),
        ("selection", "positions.strengths", (3, 3)),
        ("selection", "removed.weights", (1, 4, 4)),
        ("edited_circuit", "pictures", (2, 4, 4, 3)),
        ("edited_circuit", "removed.weights", (3, 3, 3)),
        ("factors", "unit.3.maps", (2, 3, 3)),
        ("factors", "row.maps", (2, 3, 3, 4)),
        ("factors", "second_group.directions", (3, 5)),
        ("factors", "first_group.shares", (3,)),
    ],
)
def test_arrays_that_do_not_fit_each_other_are_refused(tmp_path, name, wrong, shape):
    path, saved = tmp_path / "result.npz", RESULTS[name]
    saved.save(path)
    arrays = load_arrays(path)
    save_arrays(path, {**arrays, wrong: np.zeros(shape, arrays[wrong].dtype)})
    with pytest.raises(ArrayFileError, match=r"has shape .*; delete the file and run the rule that makes it"):
        type(saved).load(path)


def test_differences_are_taken_over_the_largest_weight():
    kernel = np.zeros((2, 2, 3, 1), np.float32)
    kernel[0, 0, 0, 0] = -4.0
    found = RESULTS["expanded"]
    moved = LinearMaps(
        **{field.name: getattr(found, field.name) for field in fields(found)}
        | {"first": LinearMap(kernel + np.float32(0.5), 1, 0.0), "first_embedded": kernel}
    )
    assert moved.first_difference == 0.125
    assert found.largest_difference == 3e-8


def test_groups_go_by_name_and_arrays_of_one_number_of_factors_by_their_prefix():
    found = RESULTS["factors"]
    assert found.group("second_group") is found.second_group
    with pytest.raises(ValueError, match="no group 'third_group'; choose one of first_group, second_group"):
        found.group("third_group")
    assert list(found.unit_arrays(3)) == [
        f"unit.3.{name}" for name in ("maps", "directions", "shares", "error", "keys")
    ]
    assert len(found.unit_arrays()) == 2 + 4 * 5


def test_what_copies_lose_is_a_share_of_the_activation():
    found = edited_circuit([[3, 1], [2, 1], [0, 0], [4, 1]]).lost_shares
    assert found.tolist() == pytest.approx([0.25, 1, -0.25])
    assert edited_circuit(np.zeros((4, 2))).lost_shares.tolist() == [0, 0, 0]
    without = edited_circuit([[3, 1], [2, 1], [0, 0], [4, 1]]).lost_shares_without
    np.testing.assert_allclose(without, [[0, 1, 0], [1 / 3, 1, -1 / 3]], atol=1e-12)


def test_a_group_has_the_layers_that_it_names_or_those_of_the_section():
    maps = RESULTS["expanded_of_groups"]
    source, target, weights = maps.of_group("first_group")
    assert (source, target) == ("c", "d") and weights is maps.connection.weights
    source, target, weights = maps.of_group("second_group")
    assert (source, target) == ("b", "d") and weights is maps.groups["second_group"][2].weights
    assert maps.largest_difference == 4e-8
