"""What a study says of its networks."""

import pytest
import yaml

from netlens.workflow.image_specs import SpecError
from netlens.workflow.network_specs import (
    beside_networks,
    check_files,
    compared_networks,
    explained_networks,
    section_network,
    weights_megabytes,
)


def study(networks, compared=()):
    specs = {name: {"kind": "named", "architecture": "vgg16", "images": "photos"} for name in networks}
    return {"study": "s", "images": {}, "networks": specs, "model_comparison": {"networks": list(compared)}}


def test_the_first_three_networks_are_compared_where_the_study_names_none():
    assert compared_networks(study("abcd")) == ["a", "b", "c"]
    assert compared_networks(study("ab")) == ["a", "b"]
    assert compared_networks(study("a")) == ["a"]
    assert compared_networks(study("")) == []


def test_named_networks_are_compared_in_their_order():
    assert compared_networks(study("abcd", "dba")) == ["d", "b", "a"]
    assert compared_networks(study("abcd", "d")) == ["d"]


@pytest.mark.parametrize(
    ("compared", "message"),
    [("aab", "a, a, b: name one to three different"), ("abcd", "one to three different networks"), ("abx", "'x'")],
)
def test_other_numbers_and_unknown_names_are_told_before_anything_starts(compared, message):
    with pytest.raises(SpecError, match=message):
        compared_networks(study("abcd", compared))
    with pytest.raises(SpecError, match=message):
        check_files(study("abcd", compared))


def test_networks_beside_are_keras_models_other_than_the_sections_own():
    config = study("ab")
    config["networks"]["graph"] = {"kind": "file", "file": "graph.pb", "images": "photos"}
    for named, message in (("graph", "is a frozen graph"), ("a", "is the section's own"), ("x", "'x' is not defined")):
        config["pattern_attribution"] = {"network": "a", "beside": [named]}
        with pytest.raises(SpecError, match=message):
            beside_networks(config)
    config["pattern_attribution"] = {"network": "a", "beside": ["b"]}
    assert beside_networks(config) == ["b"]


def test_a_section_studies_the_network_that_it_names_or_the_first_that_fits():
    config = {
        "networks": {"graph": {"kind": "file", "file": "g.pb"}, "a": {"kind": "named"}, "b": {"kind": "named"}},
        "model_comparison": {"networks": ["b", "a"]},
        "weights": {"network": "b"},
    }
    found = {name: section_network(config, name) for name in ("models", "weights", "spatial_attribution", "data")}
    assert found == {"models": "graph", "weights": "b", "spatial_attribution": "graph", "data": "graph"}
    assert section_network(config, "pattern_attribution") == section_network(config, "signal_distractor") == "a"
    assert section_network(config, "model_comparison") == "b"
    config["models"] = {"network": "b"}
    assert section_network(config, "pattern_attribution") == section_network(config, "spatial_attribution") == "b"
    del config["networks"]["a"], config["networks"]["b"], config["models"]
    assert section_network(config, "pattern_attribution") == ""


def test_explained_networks_are_those_named_or_of_the_patterns():
    config = {
        "networks": {"graph": {"kind": "file", "file": "x.pb"}, "a": {"kind": "named"}, "b": {"kind": "named"}},
        "pattern_attribution": {"beside": ["b"]},
    }
    assert explained_networks(config) == ["a", "b"]
    assert section_network(config, "explanation_checks") == "a"
    config["explanation_checks"] = {"networks": ["b"], "cascade_networks": ["a"]}
    with pytest.raises(SpecError, match=r"cascade_networks: a is not checked; name some of b"):
        explained_networks(config)
    config["explanation_checks"] = {"networks": ["graph"]}
    with pytest.raises(SpecError, match="graph is a frozen graph"):
        explained_networks(config)
    config["explanation_checks"] = {"networks": ["b", "b"]}
    with pytest.raises(SpecError, match="name different networks"):
        explained_networks(config)


def test_the_size_of_a_networks_weights_is_that_of_its_file_or_what_is_stated_of_a_download(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "own.keras"
    file.write_bytes(bytes(2_500_000))
    (tmp_path / "data").mkdir()
    entry = {"url": "https://example.org/w.h5", "hash": "recorded", "licence": "none"}
    manifest = {"w.h5": {**entry, "size_bytes": 553_467_096}, "g.pb": {**entry, "size_bytes": "unknown"}}
    (tmp_path / "data" / "manifest.yaml").write_text(yaml.safe_dump(manifest), encoding="utf-8")
    networks = {
        "own": {"kind": "file", "file": str(file)},
        "missing": {"kind": "file", "file": "missing.keras"},
        "stated": {"kind": "named", "architecture": "vgg16", "download": "w.h5"},
        "unknown": {"kind": "file", "file": "data/downloads/g.pb"},
        "with_us": {"kind": "pretrained", "published": "squeezenet"},
    }
    config = {"study": "x", "networks": networks}
    sizes = {network: weights_megabytes(config, network) for network in ("", *networks)}
    assert sizes == pytest.approx(
        {"": 0, "own": 2.5, "missing": 0, "stated": 553.467, "unknown": 0, "with_us": 0}, abs=1e-3
    )
