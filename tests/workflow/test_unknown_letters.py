"""Letters that no font here has are told by key."""

from netlens.letters import glyphs
from netlens.workflow.unknown_letters import unknown_letters


def study(tmp_path, *, title="t", authors=("a",), images_are="i", classes=("cat", "dog")):
    for name in classes:
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(2):
            (tmp_path / "images" / name / f"{number}.png").touch()
    images = {
        "kind": "folder", "folder": str(tmp_path / "images"), "seed": 0, "heldout_fraction": 0.5, "class_names": [],
        "train_per_class_count": 0, "heldout_per_class_count": 0,
    }  # fmt: skip
    return {
        "title": title, "authors": list(authors), "images_are": images_are, "images": {"own": images}, "networks": {},
    }  # fmt: skip


def test_each_key_has_a_line_with_its_letters(tmp_path, monkeypatch):
    monkeypatch.setattr(glyphs, "_characters", lambda: frozenset(map(ord, "abcdefghijklmnopqrstuvwxyz €")))
    told = unknown_letters(study(tmp_path, title="北京 €", classes=("猫", "dog")))
    assert told == [
        "title: no font here has these letters; printed are 北 as [U+5317], 京 as [U+4EAC]; install Noto Sans CJK, say",
        "images.own: names of classes: no font here has these letters; printed are 猫 as [U+732B]; install Noto Sans "
        "CJK, say",
    ]


def test_letters_that_can_be_shown_are_not_told(tmp_path):
    assert unknown_letters(study(tmp_path, title="Ελληνικά € ½", authors=["Жук", "é"], images_are="µ → 😀")) == []
