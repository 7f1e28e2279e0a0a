"""What of two drawings may differ, and what may not."""

import pytest

from netlens.review.drawing_distance import drawing_distance


def axes(*labels: str, title: str = "") -> list[dict[str, object]]:
    return [{"title": title, "legend": [[label, color] for label, color in zip(labels, ("red", "blue"), strict=False)]}]


@pytest.mark.parametrize(
    ("now", "then", "same"),
    [
        (r"error below $10^{-13}$", r"error below $10^{-12}$", True),
        (r"error below $10^{-13}$", r"error below $10^{-11}$", False),
        ("ratio 2.35", "ratio 2.34", True),
        ("ratio 2.36", "ratio 2.34", False),
        ("12 layers", "13 layers", False),
        ("layer 10", "layer 10 of 12", False),
    ],
)
def test_numbers_in_words_vary_by_rounding_only(now: str, then: str, same: bool) -> None:
    assert (drawing_distance(axes(title=now), axes(title=then)).value == 0) is same
    assert (drawing_distance(axes(now, "other"), axes(then, "other")).value == 0) is same


@pytest.mark.parametrize("other", ["0.9", "0.3"])
def test_a_swapped_legend_is_told_although_its_labels_are_alike(other: str) -> None:
    found = drawing_distance(axes("error 0.2", f"error {other}"), axes(f"error {other}", "error 0.2"))
    assert found.value == float("inf") and found.words.count("has the color") == 2


def test_one_entry_stands_for_one_other() -> None:
    found = drawing_distance(axes("share 0.51"), axes("share 0.51", "share 0.52"))
    assert found.words == "legend: 'share 0.52' is missing"
    assert drawing_distance(axes("share 0.51", "more"), axes("share 0.51")).words == "legend: 'more' was added"
