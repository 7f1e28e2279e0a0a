"""What a study says of its networks."""

import pytest

from netlens.workflow.image_specs import SpecError
from netlens.workflow.network_specs import check_files, compared_networks


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


@pytest.mark.parametrize("section", ["models", "pattern_attribution", "spatial_attribution"])
def test_a_network_without_classes_is_refused_where_a_class_is_needed(section):
    config = study("a")
    config["networks"]["features"] = {"kind": "pretrained", "published": "mobilenet_v2", "images": "photos"}
    check_files(config)
    config[section] = {"network": "features"}
    with pytest.raises(SpecError, match=rf"{section}\.network: features outputs features, but .* needs classes"):
        check_files(config)
