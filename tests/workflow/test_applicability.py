"""What a study cannot have, and why: from facts alone, without a network or an image."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from netlens.models.inspection import LayerFacts, NetworkFacts
from netlens.workflow.applicability import absent_items, has_patterns
from netlens.workflow.catalogue import SECTIONS, CatalogueError, Item, load_catalogue
from netlens.workflow.image_facts import ImageFacts, image_facts
from netlens.workflow.image_specs import SpecError
from netlens.workflow.needs import NEEDS, SECTION_NEEDS
from netlens.workflow.study import load_study
from netlens.workflow.study_subject import Subject

ROOT = Path(__file__).parents[2]
CATALOGUE = load_catalogue(ROOT / "notebooks")


@dataclass
class Known:
    networks: dict = field(default_factory=dict)
    images: dict = field(default_factory=dict)


def facts(**changes):
    """A network that has everything."""
    layers = (LayerFacts("pool", "MaxPooling2D", (4, 4), 8),)
    values = {
        "is_keras": True, "size_px": (16, 16), "ending": "softmax", "outputs_count": 4, "layers": layers,
        "kernel_layers_count": 5, "segments_count": 5, "convolutions_count": 4, "joins_count": 0, "trunk_maps_count": 4,
        "unsupported": (),
    }  # fmt: skip
    return NetworkFacts(**{**values, **changes})


def images(count=4, **changes):
    values = {"class_names": tuple("abcdefgh"[:count]), "class_ids": (), "heldout_count": 40, "has_scenes": True}
    return ImageFacts(**{**values, **changes})


def study(*names, **specs):
    networks = {name: {"kind": "file", "file": f"{name}.h5", "images": "set"} for name in names}
    return {"networks": {**networks, **specs}, "images": {"set": {"kind": "folder"}}}


def reason(need, config, known, network="net"):
    return NEEDS[need](Subject(config, network, known))


def test_what_items_need_has_a_name():
    for item in CATALOGUE.values():
        assert set(item.needs) <= NEEDS.keys(), item.name
    assert SECTION_NEEDS.keys() <= set(SECTIONS)
    assert {need for needs in SECTION_NEEDS.values() for need in needs} <= NEEDS.keys()


def test_a_need_without_a_definition_is_named():
    with pytest.raises(CatalogueError, match="one: there is no need 'luck'; there are beside, classes"):
        absent_items(study("a"), {"one": Item("one", "data", "macro", "x", needs=("luck",))}, Known())


def test_a_study_that_has_everything_lacks_only_what_it_does_not_name():
    config = study("net", "other", "third", trained={"kind": "trained", "images": "set", "checkpoint": "no.h5"})
    config["models"] = {"network": "trained"}
    known = Known({name: facts() for name in config["networks"]}, {"set": images()})
    reasons = set(absent_items(config, CATALOGUE, known).values())
    assert {text.split(";")[0] for text in reasons} <= {
        "needs networks to show beside that of the section", "needs published patterns of the network",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("need", "changes", "told"),
    [
        ("max_pooling", {"layers": ()}, "needs a max-pooling; net has none"),
        ("segments", {"segments_count": 2}, "every path passes; net has two"),
        (
            "segments",
            {"chain_obstacle": "layer 'a' (Multiply) is not a matrix"},
            "of net, layer 'a' (Multiply) is not a",
        ),
        ("kernels", {"unsupported": ("layer 'a' (Conv3D)", "b")}, "net has layer 'a' (Conv3D) and 1 more"),
        ("kernels", {"kernel_layers_count": 0}, "needs a layer with a kernel"),
        ("kernels", {"without_patterns": ("layer 'a' (LayerNormalization)",)}, "patterns are defined; net has layer"),
        ("explained", {"unsupported": ("layer 'a' (Conv3D)",)}, "needs layers whose kernels can be read; net has"),
        (
            "joined_maps",
            {"convolutions_count": 1},
            "needs at least two convolutions that follow each other; net has one",
        ),
        ("joined_maps", {"linear_obstacle": "layer 'a' (Multiply)"}, "and between them; net has layer 'a' (Multiply)"),
        ("trunk_maps", {"trunk_maps_count": 1}, "net has one"),
        ("classes", {"ending": "features"}, "the outputs of net are features (if they are classes, give"),
        ("classes", {"outputs_count": 7}, "no class of the images set is an output of net"),
    ],
)
def test_a_network_that_lacks_something_is_told_so(need, changes, told):
    config = study("net")
    assert reason(need, config, Known({"net": facts()}, {"set": images()})) is None
    assert told in reason(need, config, Known({"net": facts(**changes)}, {"set": images()}))
    assert reason(need, config, Known()) is None, "what is not known is taken to fit"


@pytest.mark.parametrize(
    ("need", "changes", "told"),
    [
        ("heldout_images", {"heldout_count": 6}, "needs at least 32 held-out images; set has 6"),
        ("scenes", {"has_scenes": False}, "needs composed scenes"),
    ],
)
def test_images_that_lack_something_are_told_so(need, changes, told):
    assert reason(need, study("net"), Known({}, {"set": images()})) is None
    assert told in reason(need, study("net"), Known({}, {"set": images(**changes)}))


def test_explanations_of_a_network_without_patterns_are_checked():
    config = study("net", "other")
    known = Known({"net": facts(without_patterns=("layer 'a' (LayerNormalization)",)), "other": facts()})
    assert reason("explained", config, known) is None
    known.networks["net"] = replace(known.networks["net"], layers=(LayerFacts("sum", "Add", (4, 4), 8),))
    assert "net has both" in reason("explained", config, known)
    assert [has_patterns(config, name, known) for name in ("net", "other")] == [False, True]


def test_a_network_that_none_of_the_methods_goes_through_is_not_explained():
    config = study("net", "other")
    config["explanation_checks"] = {"methods": ["lrp_epsilon", "guided_backprop"]}
    known = Known({"net": facts(lrp_obstacle="layer 'a' (GroupNormalization)"), "other": facts()})
    assert reason("explained", config, known) is None, "guided backprop goes through it"
    known.networks["net"] = replace(known.networks["net"], relu_obstacle="layer 'b' (ELU)")
    told = "net has layer 'a' (GroupNormalization), for which none of lrp_epsilon, guided_backprop is"
    assert told in reason("explained", config, known)
    config["explanation_checks"]["methods"].append("gradient")
    assert reason("explained", config, known) is None


def test_an_item_about_a_method_is_absent_where_the_method_is_not_defined():
    known = Known({"net": facts(relu_obstacle="layer 'b' (Activation with the activation swish)")})
    assert "swish" in reason("explained_by_deep_taylor", study("net"), known)
    assert reason("explained_by_gradient", study("net"), known) is None


def test_classes_are_matched_by_names_and_ids():
    config = study(net={"kind": "file", "file": "n.h5", "images": "set", "class_names": ["x", "y", "c", "z"]})
    known = Known({"net": facts(ending="features")}, {"set": images()})
    assert reason("classes", config, known) is None, "one class is known, and names say that these are classes"
    known.images["set"] = images(2)
    assert "no class of the images set is an output of net" in reason("classes", config, known)
    known.images["set"] = images(2, class_ids=("y", ""))
    assert reason("classes", config, known) is None
    known.images["set"] = images(1, class_names=("x",))
    assert "at least two classes; set has one" in reason("two_classes", config, known)
    assert "at least two classes; set has one" in reason("explained", config, known)
    # Two classes, of which the network knows one.
    known.images["set"] = images(2, class_names=("c", "other"), class_ids=("", ""))
    assert reason("two_classes", config, known) is None
    assert "two classes that are outputs of net; set has one" in reason("explained", config, known)


def test_published_features_have_no_classes():
    config = study(net={"kind": "pretrained", "published": "mobilenet_v2", "images": "set"})
    assert reason("classes", config, Known({"net": facts()}, {"set": images()})).endswith("outputs of net are features")


def test_a_frozen_graph_has_no_patterns():
    config = study(net={"kind": "file", "file": "net.pb", "images": "set"})
    assert "net is a frozen graph" in reason("keras_model", config, Known())
    assert "networks are frozen graphs" in reason("patterns", config, Known())
    absent = absent_items(config, CATALOGUE, Known({"net": facts(is_keras=False)}, {"set": images()}))
    assert {item.section for item in CATALOGUE.values() if item.name not in absent} == {
        "data", "models", "signal_distractor", "model_comparison", "weights", "spatial_attribution", "site",
    }  # fmt: skip
    assert absent["cosine_convergence"].endswith("networks are frozen graphs (.pb)")


def test_fewer_than_three_networks_are_compared_as_far_as_they_go():
    needs = {"two": Item("two", "data", "figure", "x", needs=("two_networks",)),
             "three": Item("three", "data", "figure", "x", needs=("three_networks",))}  # fmt: skip
    assert absent_items(study("a"), needs, Known()) == {
        "two": "needs at least two networks; the study compares one",
        "three": "needs at least three networks; the study compares one",
    }
    assert list(absent_items(study("a", "b"), needs, Known())) == ["three"]
    assert absent_items(study("a", "b", "c"), needs, Known()) == {}


def test_what_the_study_leaves_out_is_absent():
    config = study("a", "b", "c") | {"leave_out": ["weights", "scatter"]}
    absent = absent_items(config, CATALOGUE, Known())
    assert {name for name, why in absent.items() if why == "left out by the study"} == {
        "scatter", *(item.name for item in CATALOGUE.values() if item.section == "weights"),
    }  # fmt: skip
    with pytest.raises(SpecError, match="leave_out: 'wieghts' is neither a section nor an item"):
        absent_items(config | {"leave_out": ["wieghts"]}, CATALOGUE, Known())


def test_folders_are_counted_without_opening_an_image(tmp_path):
    for name, count in (("cat", 10), ("dog", 5)):
        (tmp_path / name).mkdir()
        for number in range(count):
            (tmp_path / name / f"{number}.png").write_bytes(b"no image")
    spec = {
        "kind": "folder", "folder": str(tmp_path), "seed": 0, "heldout_fraction": 0.2, "train_per_class_count": 0,
        "heldout_per_class_count": 0, "class_names": [], "class_ids": {"dog": "n02084071"},
    }  # fmt: skip
    found = image_facts({"images": {"set": spec, "other": {"kind": "unknown"}}})
    assert found == {"set": ImageFacts(("cat", "dog"), ("", "n02084071"), 3, has_scenes=False)}
    (tmp_path / "dog" / "0.png").unlink()
    spec["class_names"] = ["bird"]
    with pytest.raises(SpecError, match=r"images\.set: .*no class folder is named 'bird'"):
        image_facts({"images": {"set": spec}})


def test_names_that_are_still_to_be_downloaded_are_taken_to_fit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = study("net")
    config["networks"]["net"]["class_names"] = "data/downloads/names.txt"
    known = Known({"net": facts()}, {"set": images()})
    assert reason("classes", config, known) is None
    (tmp_path / "data" / "downloads").mkdir(parents=True)
    (tmp_path / "data" / "downloads" / "names.txt").write_text("u\nv\nw\nx\n")
    assert reason("classes", config, known).startswith("needs classes; no class of the images set is an output")
    config["networks"]["net"]["class_names"] = "data/names.txt"
    with pytest.raises(SpecError, match=r"networks\.net: data/names\.txt: no such file of class names"):
        reason("classes", config, known)


def test_cifar_is_known_before_it_is_downloaded():
    spec = {"kind": "cifar", "folder": "data/downloads/cifar-10-binary.tar.gz", "heldout_per_class_count": 0}
    found = image_facts({"images": {"all": spec, "few": spec | {"heldout_per_class_count": 5}}})
    assert found["all"].class_names[3] == "cat" and found["all"].heldout_count == 10_000
    assert found["few"].heldout_count == 50


def test_the_photographs_of_the_demo_have_scenes(monkeypatch):
    monkeypatch.chdir(ROOT)
    (found,) = image_facts({"images": {"photos": load_study("demo")["images"]["photos"]}}).values()
    assert found.has_scenes and found.heldout_count >= 32


def test_networks_beside_need_a_chain_of_their_own():
    config = study("net", "other") | {"pattern_attribution": {"network": "net", "beside": ["other"]}}
    assert reason("beside", config, Known({"net": facts(), "other": facts()})) is None
    assert "other has two" in reason("beside", config, Known({"net": facts(), "other": facts(segments_count=2)}))
    assert "names none" in reason("beside", config | {"pattern_attribution": {"network": "net"}}, Known())


def test_explanations_of_one_class_or_without_a_method_are_absent():
    config = study("a")
    known = Known({"a": facts()}, {"set": images()})
    assert "cosine_convergence" not in absent_items(config, CATALOGUE, known)
    one = Known({"a": facts()}, {"set": images(1, class_names=("x",))})
    assert "needs classes" in absent_items(config, CATALOGUE, one)["cosine_convergence"]
    config["explanation_checks"] = {"methods": ["gradient"], "cascade_steps_count": 0}
    absent = absent_items(config, CATALOGUE, known)
    assert "the method deep_taylor" in absent["cscDeepTaylor"]
    assert "cascade_steps_count" in absent["randomized_weights"]
    assert "cscGradient" not in absent


def test_a_layer_without_a_rule_leaves_out_pattern_net_and_pattern_attribution_and_nothing_else():
    known = Known(
        {"net": facts(backward_obstacle="layer 'gate' (Multiply)"), "plain": facts()},
        {"set": images(), **{name: images() for name in ("net", "plain")}},
    )
    absent = absent_items(study("net"), CATALOGUE, known)
    expected = "needs layers for which PatternNet and PatternAttribution are defined; net has layer 'gate' (Multiply)"
    refused = {name for name, why in absent.items() if why == expected}
    assert refused == {
        *("attribution_example", "attributedShare", "taxonomy", "spatialPatternNetShare"),
        *("spatialPatternAttributionShare", "cscPatternNet", "cscPatternAttribution", "logitSsimPatternAttribution"),
    }
    assert not set(absent_items(study("plain"), CATALOGUE, known)) & refused
