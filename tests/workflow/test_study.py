"""Studies: mistakes are told in one line each, before anything runs."""

import re
from pathlib import Path

import pytest
import yaml

from netlens.workflow.study import StudyError, load_study

CONFIG = Path(__file__).parents[2] / "config"
GOOD = yaml.safe_load((CONFIG / "demo.yaml").read_text())


def write(tmp_path, **changes):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({**GOOD, **changes}))
    return str(path)


def problem(tmp_path, **changes):
    with pytest.raises(StudyError) as caught:
        load_study(write(tmp_path, **changes))
    return str(caught.value)


@pytest.mark.parametrize("path", sorted(p for p in CONFIG.glob("*.yaml") if p.name != "schema.yaml"))
def test_every_study_of_ours_is_valid(path):
    assert load_study(path.stem)["study"] == path.stem


def test_defaults_are_filled_in(tmp_path):
    path = write(tmp_path, signal_distractor={"samples_count": 7})
    config = load_study(path)
    assert config["signal_distractor"]["samples_count"] == 7
    assert config["signal_distractor"]["noise_seed"] == 1337


def test_an_unknown_key_is_named_with_the_nearest_known(tmp_path):
    told = problem(tmp_path, signal_distractor={"sample_count": 500})
    assert told.endswith("signal_distractor: unknown key 'sample_count'; did you mean 'samples_count'?")
    assert "\n" not in told


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *[("1e-3", 1e-3), ("1E0", 1.0), ("1.0e-3", 1e-3), (".5e0", 0.5), ("1.0e+0", 1.0), ("+1e0", 1.0)],
        *[("1/255", 1 / 255), ("1.0/255", 1 / 255), ("127.5/127.5", 1.0)],
    ],
)
def test_numbers_are_read_as_other_languages_write_them(tmp_path, written, value):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(GOOD | {"signal_distractor": {"t_over_pi": "HERE"}}).replace("HERE", written))
    assert load_study(str(path))["signal_distractor"]["t_over_pi"] == value


def test_a_fraction_by_zero_is_refused_and_words_with_slashes_stay_words(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(GOOD | {"signal_distractor": {"t_over_pi": "HERE"}}).replace("HERE", "1/0"))
    with pytest.raises(StudyError, match=r"line \d+: not valid YAML: 1/0 divides by zero$"):
        load_study(str(path))
    assert load_study(write(tmp_path, title="1/2 of it", images_are="a/b"))["title"] == "1/2 of it"


def test_a_tilde_is_the_home_folder_wherever_a_path_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    network = {"kind": "file", "images": "cats", "preprocessing": "tf"}
    path = write(
        tmp_path,
        images={"cats": {"kind": "folder", "folder": "~/cats", "heldout_folder": "~/held", "size_px": [8, 8]}},
        networks={"net": {**network, "file": "~/net.h5", "class_names": "~/names.txt"}},
        data={"local_folders": ["~/downloads", "elsewhere"]},
        models={"network": "net"},
        **{section: {} for section in ("pattern_attribution", "model_comparison", "weights", "explanation_checks")},
        spatial_attribution={"image": "~/cat.jpg"},
    )
    config = load_study(path)
    cats, net = config["images"]["cats"], config["networks"]["net"]
    assert (cats["folder"], cats["heldout_folder"]) == ("/home/somebody/cats", "/home/somebody/held")
    assert (net["file"], net["class_names"]) == ("/home/somebody/net.h5", "/home/somebody/names.txt")
    assert config["data"]["local_folders"] == ["/home/somebody/downloads", "elsewhere"]
    assert config["spatial_attribution"]["image"] == "/home/somebody/cat.jpg"


@pytest.mark.parametrize("written", [".nan", ".inf", "-.inf"])
def test_numbers_that_are_not_finite_are_refused(tmp_path, written):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(GOOD | {"signal_distractor": {"t_over_pi": "HERE"}}).replace("HERE", written))
    with pytest.raises(StudyError, match=r"signal_distractor\.t_over_pi: must be a finite number"):
        load_study(str(path))


def test_a_key_that_stands_twice_is_refused_with_its_line(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("study: mine\nimages:\n  a: {kind: photos}\n  a: {kind: folder}\n")
    with pytest.raises(StudyError, match=r"mine\.yaml, line 4: not valid YAML: the key 'a' appears twice"):
        load_study(str(path))


@pytest.mark.slow
def test_two_files_of_one_study_are_refused(tmp_path):
    path = write(tmp_path)
    load_study(path)
    (tmp_path / "copy.yaml").write_text(Path(path).read_text())
    with pytest.raises(StudyError, match=r"copy\.yaml has the name 'demo' too") as caught:
        load_study(path)
    assert "\n" not in str(caught.value)


def test_a_byte_order_mark_is_no_part_of_a_key(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(GOOD), encoding="utf-8-sig")
    assert load_study(str(path))["study"] == "demo"


@pytest.mark.slow
def test_a_published_network_is_named_by_its_own_name(tmp_path):
    networks = GOOD["networks"] | {"mine": {"kind": "pretrained", "published": "squeezenet", "images": "photos"}}
    assert load_study(write(tmp_path, networks=networks))["networks"]["mine"]["published"] == "squeezenet"
    wrong = networks | {"mine": {"kind": "pretrained", "published": "resnet", "images": "photos"}}
    assert "networks.mine.published: 'resnet' is not one of" in problem(tmp_path, networks=wrong)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["0.25", "1"])
def test_a_number_given_as_text_is_told_how_to_write_it(tmp_path, text):
    told = problem(tmp_path, signal_distractor={"t_over_pi": text})
    assert f"signal_distractor.t_over_pi: '{text}' is text, but a number is needed: write " in told


@pytest.mark.parametrize(
    "key",
    ["explanation_checks.images_count", "model_comparison.images_count", "pattern_attribution.share_images_count"],
)
def test_a_single_image_which_has_no_interval_is_refused_in_the_study(tmp_path, key):
    section, name = key.split(".")
    told = problem(tmp_path, **{section: {name: 1}})
    assert re.search(rf"{section}\.{name}: (it cannot be 1: .*at least 2|1 is less than the minimum of 2)", told)


def test_all_mistakes_are_told_at_once(tmp_path):
    assert len(problem(tmp_path, seed="x", surprise=1).splitlines()) == 2


def test_missing_keys_are_named(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("study: mine\n")
    with pytest.raises(StudyError, match="missing key 'title'"):
        load_study(str(path))


def test_an_unknown_study_lists_the_known():
    with pytest.raises(StudyError, match=r"there is no config/nosuch\.yaml; available: .*demo"):
        load_study("nosuch")


def test_broken_yaml_tells_the_line(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("study: demo\n  title: [\n")
    with pytest.raises(StudyError, match=r"mine\.yaml, line 2"):
        load_study(str(path))


def test_schema_describes_every_key():
    def undescribed(schema, where):
        for name, part in schema.get("properties", {}).items():
            if part.get("type") != "object" and "description" not in part and "$ref" not in part:
                yield f"{where}.{name}"
            yield from undescribed(part, f"{where}.{name}")

    assert not list(undescribed(yaml.safe_load(Path("config/schema.yaml").read_text()), ""))
