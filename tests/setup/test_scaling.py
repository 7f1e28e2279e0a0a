"""Benchmarks of growth and throughput: exponents of known laws, and a page that says what was measured."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def benchmark(name, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    specification = importlib.util.spec_from_file_location(name, ROOT / f"benchmarks/{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    sys.modules.pop("_checkout_copy", None)
    return module


@pytest.fixture
def scaling(monkeypatch):
    return benchmark("scaling", monkeypatch)


@pytest.fixture
def throughput(monkeypatch):
    return benchmark("throughput", monkeypatch)


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("constant", [0.0, 7.0])
def test_the_exponent_is_that_of_the_growth_above_a_constant(scaling, power, constant):
    sizes = (64, 256, 1024)
    costs = [constant + 3 * (size / 64) ** power for size in sizes]
    assert scaling.exponent(sizes, costs, 1.0) == pytest.approx(power, abs=1e-6)


def test_what_hardly_grows_has_no_exponent(scaling):
    assert scaling.exponent((1, 4, 16), (5.0, 5.2, 5.9), 1.0) is None


def test_growth_that_slows_down_is_at_most_logarithmic(scaling):
    assert scaling.exponent((1, 2, 4), (1.0, 5.0, 6.0), 1.0) == 0.0


def test_four_shards_cost_a_tenth_more_where_it_says_so(throughput):
    start_s, image_s = 6.0, 0.04
    count = throughput.break_even(start_s, image_s)
    one, four = (parts * start_s + count * image_s for parts in (1, 4))
    assert four == pytest.approx(1.1 * one, rel=2e-3)


def test_the_page_says_what_the_last_measurement_of_throughput_found(throughput):
    page = (ROOT / "docs/SCALING.md").read_text(encoding="utf-8")
    found = json.loads((ROOT / "benchmarks/throughput.json").read_text(encoding="utf-8"))
    assert throughput.written(page, throughput.table(found, throughput.DOLLARS)) == page


def test_the_page_says_what_the_last_measurement_of_growth_found(scaling):
    page = (ROOT / "docs/SCALING.md").read_text(encoding="utf-8")
    found = json.loads((ROOT / "benchmarks/scaling.json").read_text(encoding="utf-8"))
    assert scaling.written(page, scaling.tables(found)) == page


def test_what_grows_has_a_row_and_what_does_not_is_named_below_the_table(scaling):
    costs = [
        {"variant": variant, "rules": {"data/folder": [variant["images"] / 64, 160.0]}}
        for variant in scaling.variants()
    ]
    time, memory = scaling.tables(costs).split("**Peak memory in MB**")
    flat = "| 1.0 / 1.0 / 1.0 (—) " * 3
    assert f"| `folder` | 1.0 / 4.0 / 16.0 (1.0) {flat}| images decoded |" in time
    assert "No growth by 30 MB, with the largest of all sizes: `folder` (160)." in memory


def test_a_page_without_marks_is_refused(scaling, throughput):
    for module in (scaling, throughput):
        with pytest.raises(SystemExit, match="marks"):
            module.written("# A page\n", "table")
