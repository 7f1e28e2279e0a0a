"""Activations and their second moments through the real rules: what is computed, and what a further network adds."""

import re
import shutil
from itertools import combinations_with_replacement

import numpy as np
import pytest
import yaml

from netlens.files.arrays import load_arrays
from netlens.model_comparison.layer_arrays import joined, load_layer_arrays
from netlens.model_comparison.second_moments import SecondMoments

pytestmark = pytest.mark.slow


def products(*networks):
    """Paths of the second moments of networks with themselves and each other."""
    pairs = combinations_with_replacement(networks, 2)
    return [f"results/own/model_comparison/second_moments/{first}--{second}.npz" for first, second in pairs]


def planned(snakemake, project, targets):
    """List the jobs that a run would start, as rule and wildcards."""
    dry = snakemake(project, targets, "--dry-run")
    assert dry.returncode == 0, dry.stdout + dry.stderr
    blocks = re.findall(r"^rule (\w+):\n((?:    .*\n)+)", dry.stdout + dry.stderr, flags=re.MULTILINE)
    return sorted(
        (rule, *re.findall(r"\w+=([^,\n]+)", "".join(re.findall(r"wildcards: (.*)", block)))) for rule, block in blocks
    )


def test_activations_of_the_same_images_whatever_the_networks_take_and_their_exact_products(made_study):
    folder = made_study.folder / "results/own/model_comparison"
    sample = load_arrays(folder / "sample.npz")
    assert [len(sample[part]) for part in ("train", "heldout")] == [40, 12]
    for part in ("train", "heldout"):
        shards = {
            name: [load_layer_arrays(folder / f"activations/{name}/{part}_{shard}of2.npz") for shard in (1, 2)]
            for name in ("original", "copy", "large")
        }
        activations = {name: joined(parts) for name, parts in shards.items()}
        for name, layers in activations.items():
            assert list(layers) == [f"{name}_first", f"{name}_second", f"{name}_out"]
            assert {len(values) for values in layers.values()} == {len(sample[part])}
        if part == "train":
            trained = activations
    for target in [*products("original", "copy"), *products("original", "large")]:
        moments = SecondMoments.load(made_study.folder / target)
        names = target.rsplit("/", 1)[1].removesuffix(".npz").split("--")
        assert moments.count == 40
        assert moments.symmetric == (names[0] == names[1])
        for (a, b), values in moments.products.items():
            exact = trained[names[0]][a].astype(np.longdouble).T @ trained[names[1]][b].astype(np.longdouble)
            assert np.abs(values - exact).max() <= 1e-13 * np.abs(exact).max()


def test_a_further_network_adds_only_its_own(copied_study, snakemake):
    # What was made beside a third network is what is made without it.
    project = copied_study(model_comparison={"networks": ["original", "copy"]})
    assert planned(snakemake, project, products("original", "copy")) == []
    study = yaml.safe_load((project / "config/own.yaml").read_text())
    study["model_comparison"]["networks"].append("large")
    (project / "config/own.yaml").write_text(yaml.safe_dump(study))
    results = project / "results/own"
    for made in (results / "networks/large", results / "model_comparison/activations/large"):
        shutil.rmtree(made)
    for made in (results / "model_comparison/second_moments").glob("*large*"):
        made.unlink()
    assert planned(snakemake, project, products("original", "copy", "large")) == [
        ("comparison_activations", "large", "1"),
        ("comparison_activations", "large", "2"),
        ("comparison_second_moments", "copy", "large"),
        ("comparison_second_moments", "large", "large"),
        ("comparison_second_moments", "original", "large"),
        ("frozen", "large"),
    ]


def test_a_study_of_one_network_has_its_own_items_and_no_others(copied_study, snakemake):
    project = copied_study(with_results=False, model_comparison={"networks": ["original"], "layers": {}})
    folder = project / "notebooks/model_comparison/items.yaml"
    items = yaml.safe_load(folder.read_text())
    alone = [name for name, item in items.items() if "needs" not in item]
    assert {"similarity_self", "analogies_first", "analogy_quality", "caricatures", "layer_graph"} < set(alone)
    rules = {rule for rule, *_ in planned(snakemake, project, alone)}
    assert set(alone) <= rules
    dry = snakemake(project, ["similarity_pairs"], "--dry-run")
    assert dry.returncode == 1
    assert "similarity_pairs" in dry.stdout + dry.stderr
