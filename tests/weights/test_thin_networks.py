"""What is chosen automatically exists in networks of few units, one channel or dead layers: notebooks, run by cells."""

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot as plt

from netlens.feature_visualization.examples import DatasetExamples
from netlens.feature_visualization.request_collection import load_requests
from netlens.models.frozen.frozen_network import freeze, save_frozen
from netlens.plots.connections import draw_connection, draw_strongest
from netlens.plots.group_factors import draw_group
from netlens.plots.position_directions import draw_positions
from netlens.plots.unit_factors import draw_numbers_of_factors, draw_row_of_units, draw_three_factors
from netlens.plots.unit_pictures import UnitPictures
from netlens.weights.results import LinearMaps, Selection, WeightFactors
from netlens.weights.selection.layers import LayerChoiceError
from netlens.weights.selection.strongest import WeightsError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("own_graph")]


@pytest.fixture
def frozen(tmp_path, network_builders):
    """Give a function that saves a network as a frozen graph: (builder or its name, layers whose kernels are 0)."""
    from netlens.models.backend import keras
    from netlens.models.network import network_of
    from netlens.models.preprocessing import Preprocessing

    def save(build, dead=()):
        image = keras.Input((32, 32, 3), name="image")
        model = keras.Model(image, (network_builders[build] if isinstance(build, str) else build)(image))
        for name in dead:
            layer = model.get_layer(name)
            layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
        path = tmp_path / "frozen.pb"
        save_frozen(freeze(network_of("thin", model, preprocessing=Preprocessing(), classes=None, sha256="")), path)
        return path

    return save


def chain(*channels):
    """Build a chain of convolutions of so many channels, c1, c2, ..."""

    def build(image):
        from netlens.models.backend import keras

        values = image
        for number, count in enumerate(channels, 1):
            values = keras.layers.Conv2D(count, 3, padding="same", activation="relu", name=f"c{number}")(values)
        return keras.layers.GlobalAveragePooling2D(name="features")(values)

    return build


def analysed(path):
    """Run the section's three notebooks of numbers beside a frozen network, and load what they leave."""
    run("expanded", path.parent, frozen=path)
    run("analysis", path.parent)
    run("factors", path.parent)
    folder = path.parent
    return Selection.load(folder / "analysis.npz"), WeightFactors.load(folder / "factors.npz")


def run(name, folder, **given):
    """Execute a stored notebook's cells with files of a folder in place of those of its parameters."""
    cells = json.loads(Path(f"notebooks/weights/{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    parameters, *code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    values: dict = {}
    exec(parameters, values)
    files = {key: folder / Path(value).name for key, value in values.items() if str(value).startswith("results/")}
    values |= files | given
    for cell in code:
        exec(cell, values)


def all_figures(folder, selection, factors):
    """Draw every figure of the section with gray pictures."""
    requests = [
        request
        for part in ("analysis_requests", "factors_requests")
        for request in load_requests(folder / f"{part}.npz")
    ]
    sha256 = LinearMaps.load(folder / "expanded.npz").network_sha256
    keys = tuple(dict.fromkeys(request.key(sha256) for request in requests))
    shape = (len(keys), 1)
    examples = DatasetExamples(
        keys=keys,
        activations=np.ones(shape, np.float32),
        images=np.zeros(shape, np.int64),
        boxes=np.zeros((*shape, 4), np.int64),
        crops=np.zeros((*shape, 4, 4, 3), np.uint8),
        active_shares=np.full(len(keys), 0.5),
        images_count=1,
    )
    pictures = UnitPictures({key: np.zeros((4, 4, 3), np.uint8) for key in keys}, examples)
    tiles = np.zeros((*selection.position_strengths.shape, 4, 4, 3))
    return [
        draw_connection(selection, pictures),
        draw_strongest(selection, "inputs", pictures),
        draw_strongest(selection, "uses", pictures),
        draw_positions(tiles, selection.position_strengths, selection, pictures, ("source", "unit")),
        draw_three_factors(factors, pictures),
        draw_numbers_of_factors(factors, pictures),
        draw_row_of_units(factors, pictures),
        *(draw_group(factors.group(name), pictures) for name in ("first_group", "second_group")),
    ]


@pytest.mark.parametrize(
    ("build", "dead"),
    [
        ("mobile_net", ()),  # four units, and two groups
        (chain(2, 1, 1), ("c3",)),  # one channel, which nothing reads
        (chain(1, 2), ()),  # no layer behind the target
    ],
    ids=["mobile_net", "one_channel", "two_layers"],
)
def test_every_figure_of_a_thin_network_is_drawn(frozen, build, dead):
    path = frozen(build, dead)
    selection, factors = analysed(path)
    assert factors.first_group.units.size and factors.second_group.units.size
    assert selection.inputs.units.size and selection.uses.units.size
    assert np.isfinite(LinearMaps.load(path.parent / "expanded.npz").largest_difference)
    assert len(all_figures(path.parent, selection, factors)) == 9
    plt.close("all")


def test_groups_of_layers_of_their_own_are_factorized_there(frozen):
    path = frozen(chain(4, 5, 6, 7))
    run("expanded", path.parent, frozen=path, second_group_source="c2", second_group_target="c4")
    run("analysis", path.parent, pictures={"spatial_positions": {"steps_count": 9}})
    run("factors", path.parent, pictures={"joint_nmf": {"size_px": 32}, "nmf_row": {"position": "everywhere"}})
    sizes = {request.size_px for request in load_requests(path.parent / "factors_requests.npz")}
    assert sizes == {32, 64}
    assert {request.steps_count for request in load_requests(path.parent / "analysis_requests.npz")} == {9, 128}
    found = WeightFactors.load(path.parent / "factors.npz")
    assert (found.first_group.source, found.first_group.target) == (found.source, found.target)
    assert (found.second_group.source, found.second_group.target) == ("c2", "c4")
    assert found.second_group.directions.shape[1] == 5
    assert found.second_group.maps.shape[2:] == (5, 5)
    with pytest.raises(LayerChoiceError, match="must follow each other in the network, not c4, c2"):
        run("expanded", path.parent, frozen=path, first_group_source="c4", first_group_target="c2")


def test_dead_weights_are_told_with_what_to_do(frozen):
    with pytest.raises(WeightsError, match=r"zero everywhere.*leave_out"):
        analysed(frozen(chain(4, 5, 2), ("c2",)))
