"""Names of the user and of the machine are found before anything is published."""

from pathlib import Path

import pytest

from netlens.archive import private_words
from netlens.archive.private_words import private_names


@pytest.fixture
def jane(tmp_path, monkeypatch):
    """A user called jane on a machine called doe-laptop, whose checkout is in her home."""
    home = tmp_path / "home" / "jane"
    (home / "netlens").mkdir(parents=True)
    monkeypatch.setattr(Path, "home", lambda: home)
    monkeypatch.setattr(private_words.getpass, "getuser", lambda: "jane")
    monkeypatch.setattr(private_words.socket, "gethostname", lambda: "doe-laptop")
    monkeypatch.chdir(home / "netlens")
    return home


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{home}/netlens/a.py", "the folder of the checkout"),
        ("{home}/cat.jpg", "your home folder"),
        ("at /home/jane/x", "your user name"),
        ("jane@example.org", "your user name"),
        ("on doe-laptop:8888", "the name of this machine"),
    ],
)
def test_private_names_are_found_and_not_repeated(jane, text, what):
    Path("a.json").write_text(text.format(home=jane))
    found = private_names([Path("a.json")], Path())
    assert what in {private.what for private in found}
    assert "jane" not in str([private.what for private in found])


@pytest.mark.parametrize("text", ["jane austen", "my-doe-laptop2", "/home/janet/x", "{home}-2/a", "doe-laptop2"])
def test_words_that_only_look_like_them_are_not(jane, text):
    Path("a.json").write_text(text.format(home=jane))
    assert private_names([Path("a.json")], Path()) == []


def test_what_the_sources_have_is_no_secret(jane):
    Path("a.json").write_text("on doe-laptop")
    Path("b.py").write_text("# doe-laptop is an example")
    assert private_names([Path("a.json")], Path(), [Path("b.py")]) == []


def test_pictures_and_numbers_are_not_looked_at(jane):
    Path("a.png").write_text("jane@")
    assert private_names([Path("a.png")], Path()) == []
