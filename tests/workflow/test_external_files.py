"""Files that a study reads: what they contain decides, not their times; any path can be an input of a rule."""

import os
import shutil
import time
from pathlib import Path

import pytest

from netlens.workflow import external_files
from netlens.workflow.external_files import (
    FileTimeError,
    check_times,
    contents_of,
    real_path,
    snakemake_path,
    snakemake_paths,
)

LONG_AGO = (1_000_000_000, 1_000_000_000)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(path, text, times=LONG_AGO):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, times)


def test_a_file_that_is_replaced_by_an_older_one_is_another(tmp_path):
    write(tmp_path / "net.h5", "first")
    before = contents_of(["net.h5"])
    assert contents_of(["net.h5"]) == before
    write(tmp_path / "older.h5", "other", (900_000_000, 900_000_000))
    shutil.copy2("older.h5", "net.h5")
    assert contents_of(["net.h5"]) != before


def test_an_image_that_is_overwritten_in_place_is_another(tmp_path):
    for name in ("cat/1.png", "dog/1.png"):
        write(tmp_path / "images" / name, name)
    before = contents_of(["images"])
    write(tmp_path / "images/dog/1.png", "dog/2.png", (900_000_000, 900_000_000))
    changed = contents_of(["images"])
    write(tmp_path / "images/dog/2.png", "new")
    assert len({before, changed, contents_of(["images"])}) == 3


def test_times_alone_and_hidden_files_change_nothing(tmp_path):
    write(tmp_path / "images/cat/1.png", "cat")
    before = contents_of(["images"])
    os.utime("images/cat/1.png")
    write(tmp_path / "images/.DS_Store", "")
    assert contents_of(["images"]) == before


def test_a_file_is_read_again_only_if_it_has_changed(tmp_path, monkeypatch):
    write(tmp_path / "net.h5", "first")
    before = contents_of(["net.h5"])
    monkeypatch.setattr(external_files, "sha256_of", lambda path: pytest.fail(f"{path} was read again"))
    assert contents_of(["net.h5"]) == before


def test_a_file_that_was_written_just_now_is_read_again(tmp_path):
    now = time.time()
    write(tmp_path / "net.h5", "first", (now, now))
    before = contents_of(["net.h5"])
    # The same inode, size and time.
    write(tmp_path / "net.h5", "other", (now, now))
    assert contents_of(["net.h5"]) != before


@pytest.mark.parametrize("stored", ["", "[1]", '{"net.h5": 3}', '{"net.h5": [1, 2]}'])
def test_damaged_hashes_are_made_again(tmp_path, stored):
    write(tmp_path / "net.h5", "first")
    before = contents_of(["net.h5"])
    external_files.KNOWN_HASHES.write_text(stored)
    assert contents_of(["net.h5"]) == before


def test_what_is_made_or_missing_has_no_part_in_it(tmp_path):
    write(tmp_path / "results/mine/checkpoint.h5", "made")
    assert contents_of(["results/mine/checkpoint.h5", "missing.h5", "data/downloads/a.pb"]) == ""


def test_circles_of_links_end(tmp_path):
    write(tmp_path / "images/cat/1.png", "cat")
    before = contents_of(["images"])
    (tmp_path / "images/cat/again").symlink_to(tmp_path / "images")
    assert contents_of(["images"]) == before


@pytest.mark.parametrize("name", ["{x}.h5", "<b>.h5", "a{}b.h5", " a.h5", "a\nb.h5", os.fsdecode(b"\xff.h5")])
def test_a_path_that_snakemake_cannot_name_is_named_by_a_link(tmp_path, name):
    write(tmp_path / name, "network")
    alias = snakemake_path(name)
    assert alias != name
    assert not set(alias) & set("{}<> \n")
    assert alias.endswith(".h5")
    assert Path(alias).read_text() == "network"
    assert real_path(alias) == name
    assert snakemake_path(name) == alias


def test_a_path_outside_the_folder_comes_back_whole(tmp_path, monkeypatch):
    outside = tmp_path / "{outside}" / "images"
    write(outside / "cat/1.png", "cat")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert real_path(snakemake_path(outside)) == str(outside)


def test_other_paths_stay_as_they_are(tmp_path):
    names = ["a b.h5", "$x.h5", "(c).h5", "北京.h5", "missing {x}.h5"]
    for name in names[:-1]:
        write(tmp_path / name, "network")
    assert snakemake_paths(names) == [real_path(name) for name in names] == names


def test_a_time_in_the_future_is_told_with_its_file(tmp_path):
    write(tmp_path / "now.h5", "network", (time.time(), time.time()))
    check_times(["now.h5", "missing.h5"])
    write(tmp_path / "later.h5", "network", (4_000_000_000, 4_000_000_000))
    with pytest.raises(FileTimeError, match=r"^modified in the future: later\.h5 \(2096-\d\d-\d\d .*`touch`$"):
        check_times(["now.h5", "later.h5"])
