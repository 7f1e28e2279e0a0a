"""Activations and their second moments through the real rules: what is computed, and what a further network adds."""

import re
from itertools import combinations_with_replacement

import numpy as np
import pytest
import yaml
from PIL import Image

from netlens.files.arrays import load_arrays
from netlens.model_comparison.layer_arrays import joined, load_layer_arrays
from netlens.model_comparison.second_moments import SecondMoments

pytestmark = pytest.mark.slow

SIZE = 16
# The third network takes larger images.
SIZES = {"alpha": SIZE, "beta": SIZE, "large": 2 * SIZE}


@pytest.fixture(scope="module")
def project(empty_project):
    """A folder with our workflow, three untrained networks and a few images that are decoded when used."""
    write_images(empty_project / "images")
    write_networks(empty_project)
    return empty_project


def write_images(folder):
    rng = np.random.default_rng(5)
    for name in ("flat", "rough"):
        (folder / name).mkdir(parents=True)
        for index in range(30):
            Image.fromarray(rng.integers(0, 256, (SIZE, SIZE, 3), np.uint8)).save(folder / name / f"{index:02}.png")


def write_networks(folder):
    from netlens.models.backend import keras

    layers = keras.layers
    for name, size in SIZES.items():
        keras.utils.set_random_seed(len(name))
        image = keras.Input((size, size, 3))
        first = layers.Conv2D(4, 3, activation="relu", name=f"{name}_first")(image)
        second = layers.Conv2D(6, 3, strides=2, activation="relu", name=f"{name}_second")(first)
        logits = layers.Dense(2, name=f"{name}_out")(layers.Flatten()(second))
        keras.Model(image, layers.Softmax()(logits)).save(folder / f"{name}.h5")


def write_study(project, compared):
    network = {"kind": "file", "images": "noise", "preprocessing": "tf", "class_names": ["flat", "rough"]}
    names = list(dict.fromkeys(compared))
    study = {
        "study": "own",
        "title": "A study of a test",
        "images_are": "noise",
        "seed": 3,
        "images": {"noise": {"kind": "folder", "folder": "images", "size_px": [SIZE, SIZE], "heldout_fraction": 0.2}},
        "networks": {name: {**network, "file": f"{name}.h5"} for name in names},
        "data": {"images": "noise"},
        "models": {"network": "alpha"},
        "pattern_attribution": {"network": "alpha"},
        "model_comparison": {"networks": compared, "images_count": 40, "shards_count": 2},
    }
    (project / "config" / "own.yaml").write_text(yaml.safe_dump(study))
    products = [f"{first}--{second}" for first, second in combinations_with_replacement(names, 2)]
    return [f"results/own/model_comparison/second_moments/{name}.npz" for name in products]


def planned(snakemake, project, targets):
    """List the jobs that a run would start, as rule and wildcards."""
    dry = snakemake(project, targets, "--dry-run")
    assert dry.returncode == 0, dry.stdout + dry.stderr
    blocks = re.findall(r"^rule (\w+):\n((?:    .*\n)+)", dry.stdout + dry.stderr, flags=re.MULTILINE)
    return sorted(
        (rule, *re.findall(r"\w+=([^,\n]+)", "".join(re.findall(r"wildcards: (.*)", block)))) for rule, block in blocks
    )


@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_further_network_adds_only_its_own_whatever_its_size(project, snakemake):
    targets = write_study(project, ["alpha", "beta"])
    made = snakemake(project, targets)
    assert made.returncode == 0, made.stdout + made.stderr

    folder = project / "results/own/model_comparison"
    sample = load_arrays(folder / "sample.npz")
    assert [len(sample[part]) for part in ("train", "heldout")] == [40, 12]
    for part in ("train", "heldout"):
        shards = {
            name: [load_layer_arrays(folder / f"activations/{name}/{part}_{shard}of2.npz") for shard in (1, 2)]
            for name in ("alpha", "beta")
        }
        activations = {name: joined(parts) for name, parts in shards.items()}
        for name, layers in activations.items():
            assert list(layers) == [f"{name}_first", f"{name}_second", f"{name}_out"]
            assert {len(values) for values in layers.values()} == {len(sample[part])}
        if part == "train":
            trained = activations
    for target in targets:
        moments = SecondMoments.load(project / target)
        names = target.rsplit("/", 1)[1].removesuffix(".npz").split("--")
        assert moments.count == 40
        assert moments.symmetric == (names[0] == names[1])
        for (a, b), values in moments.products.items():
            exact = trained[names[0]][a].astype(np.longdouble).T @ trained[names[1]][b].astype(np.longdouble)
            assert np.abs(values - exact).max() <= 1e-13 * np.abs(exact).max()

    assert planned(snakemake, project, targets) == []
    assert planned(snakemake, project, write_study(project, ["alpha", "beta", "large"])) == [
        ("comparison_activations", "large", "1"),
        ("comparison_activations", "large", "2"),
        ("comparison_second_moments", "alpha", "large"),
        ("comparison_second_moments", "beta", "large"),
        ("comparison_second_moments", "large", "large"),
        ("frozen", "large"),
    ]

    # It takes images of another size, and sees the same ones.
    made = snakemake(project, ["results/own/model_comparison/second_moments/alpha--large.npz"])
    assert made.returncode == 0, made.stdout + made.stderr
    shards = [load_layer_arrays(folder / f"activations/large/train_{shard}of2.npz") for shard in (1, 2)]
    assert {len(values) for values in joined(shards).values()} == {40}


@pytest.mark.timeout(900)
def test_a_study_of_one_network_has_its_own_items_and_no_others(project, snakemake):
    write_study(project, ["alpha"])
    folder = project / "notebooks/model_comparison/items.yaml"
    items = yaml.safe_load(folder.read_text())
    alone = [name for name, item in items.items() if "needs" not in item]
    assert {"similarity_self", "analogies_first", "analogy_quality", "caricatures", "layer_graph"} < set(alone)
    rules = {rule for rule, *_ in planned(snakemake, project, alone)}
    assert set(alone) <= rules
    dry = snakemake(project, ["similarity_pairs"], "--dry-run")
    assert dry.returncode == 1
    assert "similarity_pairs" in dry.stdout + dry.stderr
