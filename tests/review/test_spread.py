"""Measured spread: reruns of a small study under other settings make the tolerances, and tolerances catch the rest."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from netlens.files.hashing import sha256_of
from netlens.publish import macro
from netlens.review.item_parts import Parts, item_parts
from netlens.review.item_state import ItemState
from netlens.review.published import Reference
from netlens.review.spread import Rerun, load_spread, measure, merged, save_spread, spread_file
from netlens.review.tolerances import FACTOR, FLOOR, FLOOR_OF_EXACT, Spread
from netlens.review.verdicts import verify
from netlens.workflow.catalogue import Item
from netlens.workflow.errors import UserError

STUDY = "small"
NUMBERS = [Item(f"number{letter}", "data", "macro", "a number") for letter in "ABCD"]
#: What a rerun does to each of the numbers, relative to them: rounding of single precision, none, much, none.
ROUGH = np.array([1e-7, 0.0, 1e-2, 0.0])
VALUES = np.array([0.5, 12.0, 3.0, 0.0])


def make(root: Path, values: np.ndarray, **changes: object) -> None:
    """Make all numbers as the runner does."""
    for item, value in zip(NUMBERS, values, strict=True):
        *files, path = item.files(STUDY)
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        macro.save(root / item.stem(STUDY), float(value), rounding=macro.fixed(3))
        record = {
            **json.loads((root / path).read_text()),
            "study": STUDY,
            "rule": item.name,
            "seed": 1,
            "threads": 1,
            "devices": ["CPU"],
            "machine": {"processor": "P"},
            "notebook": {"path": "n.ipynb", "sha256": "a"},
            "parameters": {"rows": 3, "seed": 1},
            "outputs": {str(file): sha256_of(root / file) for file in files},
            **changes,
        }
        (root / path).write_text(json.dumps(record))


@pytest.fixture(autouse=True)
def reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reference:
    """All numbers as they were made and published."""
    monkeypatch.chdir(tmp_path)
    make(Path(), VALUES)
    published = Reference(STUDY)
    for item in NUMBERS:
        published.save(item.name, item.kind, item_parts(item, STUDY), "first")
    return published


def rerun(number: int, **changes: object) -> Path:
    """Make all numbers in another folder, with deviations that are drawn anew."""
    drawn = np.random.default_rng(number).uniform(-1, 1, len(NUMBERS))
    folder = Path(f"rerun{number}")
    make(folder, VALUES * (1 + ROUGH * drawn), **changes)
    return folder


def spread_of(*folders: Path) -> Spread:
    return merged(
        Spread({}),
        [found for folder in folders for found in measure(NUMBERS, Reference(STUDY), folder)],
        Reference(STUDY).names(),
    )


def setting_of(folder: Path) -> str:
    (found,) = measure(NUMBERS, Reference(STUDY), folder)
    return found.setting


def verdicts(spread: Spread) -> dict[str, str]:
    states = {item.name: ItemState(item.name, "made") for item in NUMBERS}
    return {found.item.name: found.verdict for found in verify(NUMBERS, states, Reference(STUDY), spread)}


SETTINGS = (
    {"threads": 2},
    {"numerical_settings": {"TF_ENABLE_ONEDNN_OPTS": "0"}},
    {"numerical_settings": {"OPENBLAS_CORETYPE": "Sandybridge"}},
)


def test_silent_in_five_honest_reruns_and_not_about_others(reference: Reference) -> None:
    spread = spread_of(*(rerun(number, **changes) for number, changes in enumerate(SETTINGS)))
    for number in range(10, 15):
        drawn = np.random.default_rng(number).uniform(-1, 1, len(NUMBERS))
        make(Path(), VALUES * (1 + ROUGH * drawn))
        assert {*verdicts(spread).values()} <= {"identical", "within tolerance"}, number
    make(Path(), VALUES * (1 + np.array([2e-6, 1e-9, 4e-2, 0])) + [0, 0, 0, 1e-9])
    assert verdicts(spread) == dict.fromkeys((item.name for item in NUMBERS), "differs")


def test_the_settings_of_a_rerun_are_those_that_differ(reference: Reference) -> None:
    found = [setting_of(rerun(number, **changes)) for number, changes in enumerate(SETTINGS)]
    assert found == ["2 threads", "TF_ENABLE_ONEDNN_OPTS=0", "OPENBLAS_CORETYPE=Sandybridge"]
    assert setting_of(rerun(3)) == "the same settings"
    assert setting_of(rerun(4, machine={"processor": "Q"}, devices=["H200"])) == "H200, Q"
    assert setting_of(rerun(5, seed=7, parameters={"rows": 3, "seed": 7})) == "seed 7"


def test_items_that_were_published_on_different_machines_have_settings_of_their_own(reference: Reference) -> None:
    path = reference.folder / "items" / f"{NUMBERS[1].name}.json"
    entry = json.loads(path.read_text())
    path.write_text(json.dumps({**entry, "machine": {"processor": "Q"}}))
    found = measure(NUMBERS, reference, rerun(1, threads=2))
    assert {each.setting: sorted(each.items) for each in found} == {
        "2 threads": ["numberA", "numberC", "numberD"],
        "2 threads, P": ["numberB"],
    }


def test_another_seed_says_how_sure_a_result_is_and_makes_no_tolerance(reference: Reference) -> None:
    spread = spread_of(rerun(1, seed=7), rerun(2))
    deviation = spread.of_seeds("numberC", "value")
    assert deviation == pytest.approx(abs(np.random.default_rng(1).uniform(-1, 1, 4)[2]) * 3e-2)
    assert "1 rerun" in spread.tolerance("numberC", "value", reference.entry("numberC")).reason  # type: ignore[arg-type]


def test_a_tolerance_says_over_what_and_with_which_settings(reference: Reference) -> None:
    spread = Spread({"numberA": {"value": {"2 threads": 1e-6, "the same settings": 2e-6}}})
    tolerance = spread.tolerance("numberA", "value", reference.entry("numberA"))  # type: ignore[arg-type]
    assert tolerance.value == pytest.approx(FACTOR * 2e-6)
    assert tolerance.reason == "spread over 2 reruns: 2e-06 with the same settings"


@pytest.mark.parametrize(
    ("deviation", "value"),
    [(0.0, 0.5 * FLOOR_OF_EXACT), (1e-12, 0.5 * FLOOR), (1e-6, 1e-5), (2e-4, 5e-4), (0.1, 0.2), (math.inf, math.inf)],
)
def test_tolerances_by_deviation(reference: Reference, deviation: float, value: float) -> None:
    spread = Spread({"numberA": {"value": {"2 threads": deviation}}})
    found = spread.tolerance("numberA", "value", reference.entry("numberA"))  # type: ignore[arg-type]
    assert (found.value, found.measured) == (pytest.approx(value), True)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"notebook": {"path": "n.ipynb", "sha256": "b"}}, "its notebook is another"),
        ({"parameters": {"rows": 4, "seed": 1}}, "its parameters are others"),
        ({"study": "large"}, "from study large, not small"),
    ],
)
def test_other_items_are_not_compared(reference: Reference, changes: dict[str, object], why: str) -> None:
    with pytest.raises(UserError, match=why):
        measure(NUMBERS, reference, rerun(1, **changes))


def test_an_item_that_was_not_made_is_left_out(reference: Reference) -> None:
    folder = rerun(1)
    (folder / NUMBERS[0].files(STUDY)[0]).unlink()
    (found,) = measure(NUMBERS, reference, folder)
    assert found.left_out == {"numberA": "not made there"}
    assert sorted(found.items) == ["numberB", "numberC", "numberD"]


def test_what_only_one_of_two_versions_has_is_no_spread(reference: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    figure = Item("curves", "data", "figure", "curves", data="npz")
    arrays = {"kept": np.ones(3), "gone": np.ones(3)}
    record = {**json.loads(NUMBERS[0].files(STUDY)[-1].read_text()), "rule": "curves"}
    reference.save(figure.name, "figure", Parts(record, arrays, None, np.zeros((9, 9, 3), np.uint8)), "first")
    for path in figure.files(STUDY):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    figure.files(STUDY)[-1].write_text(json.dumps(record))
    now = Parts(record, {"kept": np.full(3, 1 + 1e-9), "new": np.ones(3)}, None, np.zeros((9, 9, 3), np.uint8))
    monkeypatch.setattr("netlens.review.spread.item_parts", lambda *_: now)
    found = measure([figure], reference, Path())[0].items["curves"]
    assert found["kept"] == pytest.approx(1e-9, rel=1e-2)
    assert sorted(part for part in found if not part.startswith("picture")) == ["kept"]


def test_a_folder_of_several_settings_is_refused(reference: Reference) -> None:
    folder = rerun(1, threads=2)
    path = folder / NUMBERS[0].files(STUDY)[-1]
    path.write_text(json.dumps({**json.loads(path.read_text()), "threads": 3}))
    with pytest.raises(UserError, match="more than one setting"):
        measure(NUMBERS, reference, folder)


def test_the_file_holds_what_was_measured_as_long_as_the_item_is_published() -> None:
    first = Rerun("2 threads", {"numberA": {"value": 1e-6, "gone": 1.0}, "numberB": {"value": math.inf}})
    save_spread(STUDY, merged(Spread({}), [first], ["numberA", "numberB"]))
    again = load_spread(STUDY)
    assert again.of("numberB", "value") == {"2 threads": math.inf}
    # The same setting is replaced, others stay, and an item that is not published any more is forgotten.
    second = [Rerun("2 threads", {"numberA": {"value": 3e-6}}), Rerun("seed 7", {"numberA": {"value": 0.1}})]
    found = merged(again, second, ["numberA"])
    assert found.items == {"numberA": {"value": {"2 threads": 3e-6, "seed 7": 0.1}}}
    assert merged(found, [], ["numberA"]) == found


def test_parts_that_an_item_has_no_more_are_forgotten() -> None:
    before = Spread({"curves": {"x": {"2 threads": 1e-6}, "U": {"2 threads": 2.0}}, "other": {"y": {"2 threads": 0.0}}})
    found = merged(before, [Rerun("3 threads", {"curves": {"x": 2e-6, "|U|": 1e-5}})], ["curves", "other"])
    assert found.items == {
        "curves": {"x": {"2 threads": 1e-6, "3 threads": 2e-6}, "|U|": {"3 threads": 1e-5}},
        "other": {"y": {"2 threads": 0.0}},
    }


@pytest.mark.parametrize("text", ["{", "{}", '{"settings": ["a"], "items": {"x": {"value": [1, 2]}}}', "[]"])
def test_a_damaged_file_is_one_line(text: str) -> None:
    spread_file(STUDY).write_text(text)
    with pytest.raises(UserError, match=r"damaged spread .*git checkout"):
        load_spread(STUDY)
