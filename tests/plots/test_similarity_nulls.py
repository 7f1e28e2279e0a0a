"""Similarities against their null, and measures on planted truth."""

import numpy as np
import pytest

from netlens.model_comparison.equal_depth import EqualDepth
from netlens.model_comparison.planted_truth import MEASURES, PlantedTruth
from netlens.plots import style
from netlens.plots.planted_truth import planted_figure
from netlens.plots.similarity_nulls import NullPanel, null_sheet
from netlens.publish.figure import overflow


@pytest.mark.slow
@pytest.mark.parametrize("count", [3, 16])
def test_values_by_chance_are_hollow_and_names_fit(count):
    style.paper()
    places = np.arange(count)
    chance = places % 2 == 1
    pairs = EqualDepth(
        places,
        places,
        np.full(count, 0.5),
        np.full(count, 0.1),
        np.full(count, 0.2),
        np.ones(count),
        chance,
        np.zeros(count),
    )
    labels = [f"a_block_of_a_long_name_{place}" for place in places]
    fig = null_sheet(
        [NullPanel("one\nand another", labels, pairs, np.zeros(count)), NullPanel("x\nand y", labels, pairs)]
    )
    filled, hollow, crosses = fig.axes[0].lines
    assert len(filled.get_xdata()) == (~chance).sum()
    assert hollow.get_markerfacecolor() == "white"
    assert len(crosses.get_xdata()) == count
    assert len(fig.axes[1].lines) == 2
    assert overflow(fig) == []


def test_measures_that_rank_wrong_are_dashed():
    style.paper()
    values = np.tile([1, 1, 0.8, 0.6, 0.4, 0.1, 0.1], (len(MEASURES), 1))
    values[3, -1] = 0.5
    fig = planted_figure(PlantedTruth(tuple(f"copy {place}" for place in range(7)), tuple(MEASURES), values))
    labels = [line.get_label() for line in fig.axes[0].lines]
    assert labels[3] == "SVCCA (wrong)"
    assert labels[0] == "whitened"
    assert overflow(fig) == []
