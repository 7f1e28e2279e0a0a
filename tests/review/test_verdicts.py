"""What verify catches, and on what it is silent: a figure and a number of a small study of the test's own."""

import json
import shutil
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from netlens.files.hashing import sha256_of
from netlens.publish import figure, macro
from netlens.review.comparison import part_distances
from netlens.review.item_parts import item_parts
from netlens.review.item_state import ItemState
from netlens.review.published import Reference
from netlens.review.report import table
from netlens.review.spread import load_spread, save_spread
from netlens.review.tolerances import Spread
from netlens.review.verdicts import Verdict, verify
from netlens.statistics.intervals import Interval
from netlens.workflow.catalogue import Item

STUDY = "small"
FIGURE = Item("curves", "data", "figure", "two curves", caption="Two curves.")
MACRO = Item("tableRows", "data", "macro", "how many rows")
INTERVAL = Interval(0.123456, 0.11, 0.14, 0.95, 30)


def record(item: Item, **changes: object) -> None:
    """Complete the record of an item as the runner does."""
    *files, path = item.files(STUDY)
    stored = json.loads(path.read_text())
    outputs = {str(file): sha256_of(file) for file in files}
    path.write_text(json.dumps({**stored, "study": STUDY, "rule": item.name, "outputs": outputs, **changes}))


def make_figure(
    *, names: tuple[str, ...] = ("first", "second"), curves: int = 2, limit: float = 1.0, shift: float = 0.0
) -> None:
    x = np.linspace(0, 1, 20)
    values = {"first": x + shift, "second": x**2}
    fig, axes = plt.subplots(figsize=(3, 2), layout="constrained")
    for (name, curve), label in list(zip(values.items(), names, strict=True))[:curves]:
        axes.plot(x, curve, label=label, color={"first": "C0", "second": "C1"}[name])
    axes.set(xlabel="x", ylabel="y", ylim=(0, limit))
    axes.legend()
    FIGURE.files(STUDY)[0].parent.mkdir(parents=True, exist_ok=True)
    figure.save(fig, FIGURE.stem(STUDY), pd.DataFrame({"x": x, **values}))
    record(FIGURE)


def make_macro(value: float, interval: Interval | None = INTERVAL) -> None:
    MACRO.files(STUDY)[0].parent.mkdir(parents=True, exist_ok=True)
    macro.save(MACRO.stem(STUDY), value, rounding=macro.fixed(3), interval=interval)
    record(MACRO)


@pytest.fixture(scope="module")
def made_and_published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with both items as they were made and published, which tests copy."""
    folder = tmp_path_factory.mktemp("published")
    with chdir(folder):
        make_figure()
        make_macro(0.123456)
        reference = Reference(STUDY)
        for item in (FIGURE, MACRO):
            reference.save(item.name, item.kind, item_parts(item, STUDY), "first")
    return folder


@pytest.fixture(autouse=True)
def published(made_and_published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reference:
    """Both items as they were made and published."""
    shutil.copytree(made_and_published, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return Reference(STUDY)


def verdict(item: Item, state: str = "made", detail: str = "") -> Verdict:
    states = {item.name: ItemState(item.name, state, detail)}  # type: ignore[arg-type]
    return verify([item], states, Reference(STUDY), load_spread(STUDY))[0]


def measure_rerun() -> None:
    """Rerun both items with other rounding, and keep how far they deviate."""
    make_figure(shift=1e-8)
    make_macro(0.123456 * (1 + 1e-7), replace(INTERVAL, low=0.11 * (1 + 1e-7)))
    found = {}
    for item in (FIGURE, MACRO):
        published = Reference(STUDY).load(item.name)
        assert published is not None
        distances = part_distances(item_parts(item, STUDY), published)
        found[item.name] = {part: {"2 threads": apart.value} for part, apart in distances}
    save_spread(STUDY, Spread(found))


@pytest.mark.slow
@pytest.mark.parametrize("item", [FIGURE, MACRO])
def test_silent_on_what_was_published(item: Item) -> None:
    assert verdict(item).verdict == "identical"


def test_silent_on_rounding_of_another_machine() -> None:
    make_figure(shift=1e-12)
    make_macro(0.123456 * (1 + 1e-9))
    assert [verdict(item).verdict for item in (FIGURE, MACRO)] == 2 * ["within tolerance"]
    assert verdict(FIGURE).agrees


@pytest.mark.slow
def test_silent_in_five_honest_reruns_of_a_figure_whose_spread_was_measured() -> None:
    measure_rerun()
    for number in range(5):
        make_figure(shift=3e-8 * np.random.default_rng(number).uniform(-1, 1))
        assert verdict(FIGURE).agrees, number
    make_figure(shift=2e-4)
    assert "spread over 1 rerun" in verdict(FIGURE).words and not verdict(FIGURE).agrees


@pytest.mark.slow
@pytest.mark.parametrize(("value", "measured"), [(0.125, False), (0.125, True), (0.1234569, True)])
def test_a_macro_off_by_more_than_its_tolerance(value: float, measured: bool) -> None:
    if measured:
        measure_rerun()
    make_macro(value)
    found = verdict(MACRO)
    assert (found.verdict, found.agrees) == ("differs", False)
    assert str(value) in found.words and "tolerance" in found.words


@pytest.mark.parametrize(
    ("interval", "told"),
    [
        (replace(INTERVAL, high=0.15), "0.11 to 0.15 instead of 0.11 to 0.14"),
        (replace(INTERVAL, count=29), "number of samples is 29 instead of 30"),
        (replace(INTERVAL, level=0.9), "level is 0.9 instead of 0.95"),
        (None, "its interval is missing"),
    ],
    ids=["end", "count", "level", "missing"],
)
@pytest.mark.parametrize("measured", [False, True])
def test_a_macro_whose_interval_alone_is_another(interval: Interval | None, told: str, measured: bool) -> None:
    if measured:
        measure_rerun()
    make_macro(0.123456, interval)
    found = verdict(MACRO)
    assert (found.verdict, found.agrees) == ("differs", False)
    assert told in found.words


def test_what_was_published_without_an_interval_is_compared_without(published: Reference) -> None:
    path = Path("reference/small/items/tableRows.json")
    path.write_text(
        json.dumps({key: value for key, value in json.loads(path.read_text()).items() if key != "interval"})
    )
    assert verdict(MACRO).verdict == "identical"
    assert not published.describes("tableRows", item_parts(MACRO, STUDY))


def test_the_last_digits_of_an_interval_may_be_others() -> None:
    measure_rerun()
    make_macro(0.123456, replace(INTERVAL, low=0.11 * (1 + 1e-8)))
    assert verdict(MACRO).verdict == "within tolerance"


@pytest.mark.slow
@pytest.mark.parametrize("measured", [False, True])
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"names": ("second", "first")}, "legend"),
        ({"limit": 1.1}, "axis"),
        ({"curves": 1}, ""),
        ({"shift": 0.01}, "first"),
    ],
    ids=["swapped legend", "axis limit", "missing curve", "other numbers"],
)
def test_a_figure_that_shows_something_else(changes: dict[str, object], told: str, measured: bool) -> None:
    if measured:
        measure_rerun()
    make_figure(**changes)  # type: ignore[arg-type]
    found = verdict(FIGURE)
    assert found.verdict == "differs", found
    assert told in " ".join(comparison.words for comparison in found.comparisons if not comparison.agrees)


@pytest.mark.slow
def test_a_figure_of_another_study() -> None:
    record(FIGURE, study="large")
    found = verdict(FIGURE)
    assert found.verdict == "not comparable"
    assert "from study large, not small" in found.words


@pytest.mark.slow
def test_states_of_items_come_first() -> None:
    assert verdict(MACRO, "edited", "a.tex is not the file that was written").verdict == "differs"
    assert "edited by hand: a.tex" in verdict(MACRO, "edited", "a.tex").words
    assert verdict(MACRO, "stale", "a.py has changed").verdict == "stale"
    MACRO.files(STUDY)[0].unlink()
    assert verdict(MACRO, "missing").verdict == "missing"


@pytest.mark.slow
def test_what_is_not_published_and_what_is_damaged() -> None:
    other = Item("others", "data", "macro", "another")
    other.stem(STUDY)
    macro.save(other.stem(STUDY), 1.0, rounding=macro.fixed(3))
    record(other)
    assert verdict(other).verdict == "not comparable"
    assert "netlens accept others" in verdict(other).words
    MACRO.files(STUDY)[-1].write_text("{")
    assert "damaged record" in verdict(MACRO).words
    make_macro(0.123456)
    path = MACRO.files(STUDY)[-1]
    path.write_text(json.dumps({**json.loads(path.read_text()), "interval": {"low": 0.1}}))
    assert "holds no valid interval" in verdict(MACRO).words
    make_macro(0.123456)
    published = Path("reference/small/items/tableRows.json")
    published.write_text(json.dumps({**json.loads(published.read_text()), "interval": {"low": 0.1}}))
    assert "damaged reference (it holds no valid interval)" in verdict(MACRO).words
    published.write_text("{")
    assert "damaged reference" in verdict(MACRO).words


@pytest.mark.parametrize("key", ["notebook", "parameters"])
def test_what_another_notebook_published_does_not_describe_the_item(published: Reference, key: str) -> None:
    record(FIGURE, **{key: {"sha256": "other"}})
    assert verdict(FIGURE).verdict == "identical"
    assert not published.describes("curves", item_parts(FIGURE, STUDY))


@pytest.mark.parametrize(("part", "key"), [("arrays", "x"), ("drawing", 0)])
def test_what_was_published_without_a_part_of_today_does_not_describe_the_item(
    published: Reference, part: str, key: str | int
) -> None:
    for item in (FIGURE, MACRO):
        assert published.describes(item.name, item_parts(item, STUDY))
    path = Path("reference/small/items/curves.json")
    entry = json.loads(path.read_text())
    del entry[part][key]
    path.write_text(json.dumps(entry))
    assert verdict(FIGURE).verdict == "identical"
    assert not published.describes("curves", item_parts(FIGURE, STUDY))
    assert not published.describes("others", item_parts(FIGURE, STUDY))


@pytest.mark.slow
def test_of_named_items_no_reason_is_cut_off() -> None:
    make_macro(0.2)
    found = [verdict(MACRO)]
    assert table(found, columns=80).splitlines()[0].endswith("…")
    line = table(found, columns=80, whole=True).splitlines()[0]
    assert line == f"differs  tableRows  {found[0].words}" and len(line) > 80


@pytest.mark.slow
def test_the_worst_comes_first() -> None:
    make_macro(0.2)
    states = {item.name: ItemState(item.name, "made") for item in (FIGURE, MACRO)}
    found = verify([FIGURE, MACRO], states, Reference(STUDY), load_spread(STUDY))
    assert [each.item.name for each in found] == ["tableRows", "curves"]
