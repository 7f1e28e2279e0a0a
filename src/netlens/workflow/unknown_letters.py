"""Letters of a study that no font here has, told by key before anything runs."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from netlens.letters.spelled import spelled
from netlens.workflow.image_facts import image_facts

# Every font has the letters before this one.
_FIRST_DOUBTFUL: Final = "\u0250"
_REPORTED: Final = 4


def unknown_letters(config: Mapping[str, Any]) -> list[str]:
    """Keys of a study whose text has letters that figures and the paper can only print by number.

    Parameters
    ----------
    config
        A validated study.

    Returns
    -------
    list of str
        One line per key: the key, its letters, and what to do; empty if every letter can be shown.
    """
    told = []
    for key, words in _texts(config):
        if all(letter < _FIRST_DOUBTFUL for letter in words):
            continue
        # Matplotlib takes a second to import, and most studies have no such letters.
        from netlens.letters.glyphs import lacking

        if missing := lacking(words):
            shown = ", ".join(f"{letter} as {spelled(letter)}" for letter in missing[:_REPORTED])
            more = f" and {len(missing) - _REPORTED} more" if len(missing) > _REPORTED else ""
            told.append(f"{key}: no font here has these letters; printed are {shown}{more}; install Noto Sans CJK, say")
    return told


def _texts(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a study has printed, by key."""
    yield "title", config["title"]
    yield "authors", " ".join(config["authors"])
    yield "images_are", config["images_are"]
    for name, facts in image_facts(config).items():
        yield f"images.{name}: names of classes", " ".join(facts.class_names)
    for name, spec in config["networks"].items():
        if isinstance(spec.get("class_names"), list):
            yield f"networks.{name}.class_names", " ".join(map(str, spec["class_names"]))
