"""Macros: names, rounding rules, and values that cannot be printed."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlens.publish import macro
from netlens.statistics.intervals import Interval


def saved(tmp_path, value, rounding, **more):
    stem = tmp_path / "someRatio"
    macro.save(stem, value, rounding=rounding, **more)
    return (tmp_path / "someRatio.tex").read_text(), json.loads((tmp_path / "someRatio.json").read_text())


def test_a_macro_is_one_newcommand_that_leaves_no_space(tmp_path):
    tex, _ = saved(tmp_path, 2.345, macro.fixed(2))
    assert tex == "\\newcommand{\\someRatio}{2.35}%\n"


def test_the_record_has_the_full_precision(tmp_path):
    _, record = saved(tmp_path, math.pi, macro.fixed(1), unit="rad", uncertainty=0.25)
    assert record["value"] == math.pi
    assert (record["text"], record["unit"], record["uncertainty"]) == ("3.1", "rad", 0.25)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.0, "1.00"),
        (999999.99, "999999.99"),
        (999999.996, r"\ensuremath{1.00\cdot 10^{6}}"),
        (1e6, r"\ensuremath{1.00\cdot 10^{6}}"),
        (1.2345e17, r"\ensuremath{1.23\cdot 10^{17}}"),
        (-0.001, "0.00"),
        (0.0, "0.00"),
    ],
)
def test_ratio_changes_to_scientific_at_a_million_as_printed(value, shown):
    assert macro.ratio().render(value) == shown


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_what_is_not_finite_is_refused_and_leaves_nothing(tmp_path, value):
    with pytest.raises(macro.MacroError, match="not finite"):
        macro.save(tmp_path / "bad", value, rounding=macro.ratio())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["with1digit", "under_score", "dash-ed", ""])
def test_names_that_tex_cannot_read_are_refused(tmp_path, name):
    with pytest.raises(macro.MacroError, match="letters only"):
        macro.save(str(tmp_path) + "/" + name, 1.0, rounding=macro.fixed(1))


def test_text_needs_its_rounding_and_is_escaped(tmp_path):
    with pytest.raises(macro.MacroError, match="is text"):
        macro.save(tmp_path / "name", "1e6", rounding=macro.fixed(1))
    tex, _ = saved(tmp_path, "50% of_all & {more}", macro.text())
    assert r"50\% of\_all \& \{more\}" in tex


def test_integer_refuses_a_fraction_and_groups_thousands():
    assert macro.integer().render(1234567) == "1{,}234{,}567"
    with pytest.raises(macro.MacroError, match="not a whole number"):
        macro.integer().render(1.5)


@given(st.floats(0, 1))
def test_percentages_are_of_the_fraction(value):
    shown = macro.percent(1).render(value)
    assert abs(float(shown.removesuffix(r"\,\%")) - 100 * value) <= 0.05 + 1e-9


@given(st.floats(-1e300, 1e300))
def test_the_same_value_gives_the_same_text_and_scientific_is_within_its_rounding(value):
    shown = macro.scientific(2).render(value)
    assert shown == macro.scientific(2).render(value)
    mantissa, exponent = shown.removeprefix(r"\ensuremath{").removesuffix("}}").split(r"\cdot 10^{")
    assert float(f"{mantissa}e{exponent}") == pytest.approx(value, rel=5.1e-3, abs=1e-320)


def test_an_interval_is_part_of_the_record_and_shown(tmp_path):
    interval = Interval(0.25, 0.1, 0.4, 0.95, 12)
    saved = macro.save(tmp_path / "shareOf", 0.25, rounding=macro.fixed(2), interval=interval)
    record = json.loads((tmp_path / "shareOf.json").read_text(encoding="utf-8"))
    assert record["interval"] == {"low": 0.1, "high": 0.4, "level": 0.95, "count": 12}
    assert "(0.1 to 0.4)" in repr(saved)


def test_intervals_that_are_none_are_refused(tmp_path):
    with pytest.raises(macro.MacroError, match="no interval"):
        macro.save(tmp_path / "shareOf", 0.25, rounding=macro.fixed(2), interval=Interval(0.25, 0.4, 0.1, 0.95, 2))
    with pytest.raises(macro.MacroError, match="has no interval"):
        macro.save(tmp_path / "named", "cat", rounding=macro.text(), interval=Interval(0.5, 0, 1, 0.95, 2))


def test_the_interval_is_rounded_as_the_value_and_printed_on_demand(tmp_path):
    tex, _ = saved(tmp_path, 0.25, macro.percent(0), interval=Interval(0.25, 0.104, 0.4, 0.95, 12))
    assert tex.splitlines() == [
        "\\newcommand{\\someRatio}{25\\,\\%}%",
        "\\expandafter\\def\\csname netlens@interval@someRatio\\endcsname{10\\,\\% to 40\\,\\%}%",
    ]
    tex, _ = saved(tmp_path, 3, macro.integer(), interval=Interval(3, 2.25, 3.5, 0.95, 12))
    assert "{2.2 to 3.5}" in tex
