"""The catalogue, ours and broken ones."""

from pathlib import Path

import pytest

from netlens.workflow.catalogue import CatalogueError, load_catalogue, select


def catalogue(tmp_path, text):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "items.yaml").write_text(text)
    return load_catalogue(tmp_path)


def test_files_of_each_kind(tmp_path):
    items = catalogue(
        tmp_path,
        "sheet: {kind: figure, shows: a sheet, data: npz}\n"
        "count: {kind: macro, shows: a number}\nhome: {kind: page, shows: a page}\n",
    )
    assert [str(path) for path in items["sheet"].files("demo")] == [
        f"figures/demo/data/sheet{suffix}" for suffix in (".pdf", ".png", ".npz", ".json")
    ]
    assert items["count"].files("demo") == [Path("export_defs/demo/count.tex"), Path("export_defs/demo/count.json")]
    assert items["home"].files("demo") == [Path("site/demo/home.html"), Path("site/demo/home.json")]


def test_arrays_that_are_known_up_to_their_signs_are_named(tmp_path):
    items = catalogue(tmp_path, "a: {kind: figure, shows: x, up_to_sign: [U, Vh]}\nb: {kind: figure, shows: x}")
    assert (items["a"].up_to_sign, items["b"].up_to_sign) == (("U", "Vh"), ())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: {kind: page, shows: x, up_to_sign: [U]}", "unknown key up_to_sign"),
        ("a: {kind: picture, shows: x}", "kind is 'picture'"),
        ("a: {kind: macro, shows: x, caption: y}", "unknown key caption"),
        ("a: {kind: macro}", "does not say what it shows"),
    ],
)
def test_entries_that_cannot_be_used(tmp_path, text, told):
    with pytest.raises(CatalogueError, match=told):
        catalogue(tmp_path, text)


def test_an_unknown_item_lists_the_nearest(tmp_path):
    items = catalogue(tmp_path, "per_layer: {kind: figure, shows: x}")
    with pytest.raises(CatalogueError, match="no item 'perlayer'; did you mean per_layer"):
        select(items, ["perlayer"])
