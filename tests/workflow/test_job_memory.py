"""How much memory jobs ask for: as was measured of their notebooks, more after each attempt."""

from pathlib import Path

import pytest

from netlens.workflow.job_memory import COMPUTING, DRAWING, MARGIN, PER_NETWORK_MB, memory_mb

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.mark.parametrize("notebook", [*COMPUTING, *DRAWING])
def test_what_is_measured_is_a_notebook(notebook):
    assert (NOTEBOOKS / f"{notebook}.ipynb").is_file()


def test_a_notebook_without_tensorflow_asks_for_less():
    assert memory_mb("data/numbers") == 445
    assert memory_mb("pattern_attribution/pattern_net") == 658
    assert memory_mb("data/image_set") == 845


def test_each_attempt_asks_for_more():
    first, second, third = (memory_mb("pattern_attribution/pattern_sums", attempt) for attempt in (1, 2, 3))
    assert first == 1870
    assert (second, third) == (2 * first, 3 * first)


@pytest.mark.parametrize("notebook", PER_NETWORK_MB)
def test_what_grows_with_the_network_asks_for_more_where_that_is_large(notebook):
    small, large = memory_mb(notebook), memory_mb(notebook, network_mb=500)
    assert large - small == pytest.approx(MARGIN * PER_NETWORK_MB[notebook] * 500, abs=1)
